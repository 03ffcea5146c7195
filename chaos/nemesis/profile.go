package nemesis

import "time"

// profile is what a cluster's timers promise. The durations of the protocol are
// those of cluster/DESIGN.md; the bounds are for a machine that runs all nodes, all
// clients and the judges on a few cores.
type profile struct {
	name  string
	lease time.Duration // I3: no gate is open longer after the round that allows it
	calm  time.Duration // I7: a gap that needs no fault
	moved time.Duration // I7: the VIP is back so long after the holder broke
}

// settle is granted to frames that had passed the gate when it shut (I4): so long
// a frame may take from the gate to the switch.
const settle = 5 * time.Millisecond

// restarted is how long a cluster may take from the start of its processes until
// it serves: the elections of a cold start, and their back-off.
const restarted = 20 * time.Second

// keepalive is how a client notices that the other end has gone without a word:
// the kernel asks after a second without a byte, and the new holder, which knows
// nothing of the connection, resets it.
const keepalive = time.Second

// hang is I8: a stream without a byte for longer hangs.
func (p profile) hang() time.Duration { return p.moved + 3*keepalive }

var profiles = []profile{
	{name: "lan-fast", lease: 140 * time.Millisecond, calm: 300 * time.Millisecond, moved: 1500 * time.Millisecond},
	{name: "default", lease: 450 * time.Millisecond, calm: 600 * time.Millisecond, moved: 2500 * time.Millisecond},
}
