package cluster

import (
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// Profile names a set of timers. All nodes of a cluster must have the same.
type Profile string

// The profiles. The silence of a dead host's holder is noticed after about the time
// given; raft's own timers stay calm in all of them.
const (
	LANFast Profile = "lan-fast" // 150 ms: idle hosts on one switch
	Default Profile = "default"  // 0.5 s: busy hosts and virtual machines
	WAN     Profile = "wan"      // 5.5 s: several sites
)

// profile is what a Profile stands for.
type profile struct {
	lease lease.Timing

	heartbeat, leaderLease time.Duration // raft; the election timeout is the heartbeat's
	commit, rpc            time.Duration // raft
	startup                time.Duration // raft's timers are so many times longer until a leader was heard
	disk                   time.Duration // longest time that raft's main loop may stand still

	probe, probeTimeout, gossip, pushPull time.Duration // memberlist
	suspicion, awareness                  int           // memberlist
}

var profiles = map[Profile]profile{
	LANFast: {
		lease:     lease.LANFast(),
		heartbeat: 500 * time.Millisecond, leaderLease: 300 * time.Millisecond,
		commit: 20 * time.Millisecond, rpc: 200 * time.Millisecond,
		startup: 4, disk: time.Second,
		probe: 100 * time.Millisecond, probeTimeout: 40 * time.Millisecond,
		gossip: 20 * time.Millisecond, pushPull: 5 * time.Second,
		suspicion: 2, awareness: 2,
	},
	Default: {
		lease:     lease.Default(),
		heartbeat: time.Second, leaderLease: 500 * time.Millisecond,
		commit: 20 * time.Millisecond, rpc: 500 * time.Millisecond,
		startup: 3, disk: 3 * time.Second,
		probe: 200 * time.Millisecond, probeTimeout: 100 * time.Millisecond,
		gossip: 50 * time.Millisecond, pushPull: 10 * time.Second,
		suspicion: 3, awareness: 4,
	},
	WAN: {
		lease:     lease.WAN(),
		heartbeat: 3 * time.Second, leaderLease: 2500 * time.Millisecond,
		commit: 100 * time.Millisecond, rpc: 5 * time.Second,
		startup: 2, disk: 15 * time.Second,
		probe: 5 * time.Second, probeTimeout: 3 * time.Second,
		gossip: 500 * time.Millisecond, pushPull: 60 * time.Second,
		suspicion: 6, awareness: 8,
	},
}

// profile returns the timers of the configured profile, Default's for one that is
// not known.
func (c Config) profile() profile {
	if p, ok := profiles[c.Profile]; ok {
		return p
	}
	return profiles[Default]
}
