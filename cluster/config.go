package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc"
)

// Role is what a node may be in a cluster.
type Role string

// The roles. A witness votes and stores the log like an amphora, but hands
// leadership on as soon as an amphora can lead.
const (
	Amphora Role = "amphora"
	Witness Role = "witness"
)

// Config says which node of which cluster to run. Zero values of the timers mean
// their defaults.
type Config struct {
	Cluster string // name of the cluster; letters, digits, dot, dash, underscore; at most 63
	Name    string // name of this node, unique in the cluster; the same letters
	Role    Role   // default Amphora
	DataDir string // holds node.json, raft.db and snapshots; one process at a time

	ListenAddr      string // host:port of the port for raft and gRPC; port 0 takes any
	AdvertiseAddr   string // host:port that others dial; default: what was bound
	GossipAddr      string // ip:port for gossip, UDP and TCP; port 0 takes any
	GossipAdvertise string // ip:port that others gossip to; default: what was bound
	GossipKey       []byte // 16, 24 or 32 bytes encrypt and authenticate gossip; nil: neither
	Peers           []string
	// Peers are gossip addresses of other nodes, host:port. Those that are not
	// alive are tried again and again.

	// Voters is the complete list of the names of the nodes that form the cluster
	// at the beginning of time, the same on each of them. When all of them see each
	// other they form it. Empty: wait for Bootstrap or Join.
	Voters []string

	// FSM is the state machine. The response to each command must be []byte.
	FSM raft.FSM
	// Check refuses a command that the state machine could not decode, before it
	// enters the log: there it would stop every node. The leader asks it, also for
	// what other nodes forward. Nil: every command is accepted.
	Check func(command []byte) error
	// FSMIndex says up to which log index the FSM holds the state durably by
	// itself. Nil: it holds nothing, and is restored from the newest snapshot at
	// every start.
	FSMIndex func() uint64

	// Register adds services to the node port, called once before it serves.
	Register func(grpc.ServiceRegistrar)
	// TLS, if not nil, secures the node port in both directions. It must hold a
	// certificate and what is needed to verify the others'.
	TLS    *tls.Config
	Logger *slog.Logger // nil: discard

	// Profile sets the timers of lease, raft and gossip; Default if empty. It must be
	// the same on all nodes.
	Profile Profile
	// Gate guards the virtual IPs of this node. Nil: this node only votes.
	Gate Gate
	// Prober asks the network in a cluster of two voters. Nil: a node that has lost
	// its peer never holds without it.
	Prober Prober
	// WaitForPeer, in a cluster of two voters: a node that starts alone never holds
	// before it has met the other one. Otherwise it waits ten seconds, and then goes by
	// what the network answers.
	WaitForPeer bool
	// Beat is called by the goroutine that keeps the lease, at least once in each
	// interval of renewal, so that a supervisor sees it live. It must not block.
	Beat func()
	// Publish takes what the supervisor is to send when this process dies, before the
	// gate opens and after it is shut. It is called under the lease's lock and must
	// neither block nor call the node.
	Publish func(Will)
	// VIPLink is the hardware address of the interface with the virtual IPs. It is
	// told to the other nodes: see Info.
	VIPLink string

	// These are the profile's unless they are given.
	HeartbeatTimeout   time.Duration // raft: silence after which a follower calls an election, at most three times this
	ElectionTimeout    time.Duration // raft: time that a candidate waits for votes
	LeaderLeaseTimeout time.Duration // raft: silence of the quorum after which a leader steps down
	CommitTimeout      time.Duration // raft: longest time until an idle follower learns of a commit, times two
	RPCTimeout         time.Duration // limit of one raft call

	SnapshotInterval  time.Duration // raft: how often to look whether a snapshot is due; 2 min
	SnapshotThreshold uint64        // raft: entries that make one due; 8192
	TrailingLogs      uint64        // raft: entries kept behind a snapshot; 10240
	RejoinInterval    time.Duration // how often missing gossip peers are tried; 2 s
	SlowWrite         time.Duration // a write of raft's that takes longer is reported; a third of the profile's limit for stalls
	StopTimeout       time.Duration // limit of each step of an orderly stop; 5 s

	startup time.Duration // raft\'s timers are so many times longer until a leader is heard
}

func (c Config) withDefaults() Config {
	or := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.Profile == "" {
		c.Profile = Default
	}
	p := c.profile()
	if c.startup == 0 {
		c.startup = 1
		if c.HeartbeatTimeout == 0 && c.ElectionTimeout == 0 {
			c.startup = p.startup
		}
	}
	or(&c.HeartbeatTimeout, p.heartbeat)
	or(&c.ElectionTimeout, max(p.heartbeat, c.HeartbeatTimeout))
	or(&c.LeaderLeaseTimeout, min(p.leaderLease, c.HeartbeatTimeout))
	or(&c.CommitTimeout, p.commit)
	or(&c.RPCTimeout, p.rpc)
	or(&c.SnapshotInterval, 2*time.Minute)
	or(&c.RejoinInterval, 2*time.Second)
	or(&c.SlowWrite, p.disk/3)
	or(&c.StopTimeout, 5*time.Second)
	if c.SnapshotThreshold == 0 {
		c.SnapshotThreshold = 8192
	}
	if c.TrailingLogs == 0 {
		c.TrailingLogs = 10240
	}
	if c.Role == "" {
		c.Role = Amphora
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// nameRule keeps names to what fits into a handshake line and a metadata field.
var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Validate reports every problem of the configuration, with the field's name.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{field}, args...)...))
	}
	name := func(field, value string) {
		if !nameRule.MatchString(value) {
			bad(field, "%q must be 1 to 63 letters, digits, dots, dashes or underscores, the first a letter or digit", value)
		}
	}
	name("cluster", c.Cluster)
	name("name", c.Name)
	if c.Role != Amphora && c.Role != Witness {
		bad("role", "%q must be %q or %q", c.Role, Amphora, Witness)
	}
	if c.DataDir == "" {
		bad("data_dir", "must be given")
	}
	if c.FSM == nil {
		bad("fsm", "must be given")
	}
	if _, ok := profiles[c.Profile]; !ok {
		bad("profile", "%q must be %q, %q or %q", c.Profile, LANFast, Default, WAN)
	}
	if len(c.VIPLink) > maxVIPLink {
		bad("vip_link", "%q is no hardware address", c.VIPLink)
	}
	c.validateAddrs(bad)
	if n := len(c.GossipKey); c.GossipKey != nil && n != 16 && n != 24 && n != 32 {
		bad("gossip_key", "has %d bytes, must have 16, 24 or 32", n)
	}
	seen := map[string]bool{}
	for _, voter := range c.Voters {
		name("voters", voter)
		if seen[voter] {
			bad("voters", "%q is listed twice", voter)
		}
		seen[voter] = true
	}
	if len(c.Voters) > 0 && !slices.Contains(c.Voters, c.Name) {
		bad("voters", "the list %v must hold this node's name %q, or be empty for a node that joins", c.Voters, c.Name)
	}
	if c.ElectionTimeout < c.HeartbeatTimeout {
		bad("election_timeout", "%v must not be shorter than heartbeat_timeout %v", c.ElectionTimeout, c.HeartbeatTimeout)
	}
	if c.LeaderLeaseTimeout > c.HeartbeatTimeout {
		bad("leader_lease_timeout", "%v must not be longer than heartbeat_timeout %v", c.LeaderLeaseTimeout, c.HeartbeatTimeout)
	}
	return errors.Join(errs...)
}

func (c Config) validateAddrs(bad func(field, format string, args ...any)) {
	host, _, err := splitAddr(c.ListenAddr)
	switch {
	case err != nil:
		bad("listen_addr", "%v", err)
	case c.AdvertiseAddr == "" && !namesOneHost(host):
		bad("advertise_addr", "must be given: listen_addr %q names no single address", c.ListenAddr)
	}
	if c.AdvertiseAddr != "" {
		if err := checkDialled(c.AdvertiseAddr); err != nil {
			bad("advertise_addr", "%v", err)
		}
	}
	if host, _, err := splitAddr(c.GossipAddr); err != nil || net.ParseIP(host) == nil {
		bad("gossip_addr", "%q must be ip:port", c.GossipAddr)
	}
	if c.GossipAdvertise != "" {
		host, port, err := splitAddr(c.GossipAdvertise)
		if err != nil || net.ParseIP(host) == nil || !namesOneHost(host) || port == 0 {
			bad("gossip_advertise", "%q must be the ip:port that other nodes gossip to", c.GossipAdvertise)
		}
	}
	for _, peer := range c.Peers {
		if _, _, err := splitAddr(peer); err != nil {
			bad("peers", "%v", err)
		}
	}
}

// maxVIPLink is the text of the longest hardware address, that of IP over InfiniBand.
const maxVIPLink = 59

// hostRule keeps a host name to what fits into gossip metadata.
var hostRule = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$`)

// checkDialled wants the host:port of one node.
func checkDialled(addr string) error {
	host, port, err := splitAddr(addr)
	if err != nil || !namesOneHost(host) || port == 0 || (net.ParseIP(host) == nil && !hostRule.MatchString(host)) {
		return fmt.Errorf("%q must be the host:port that other nodes dial", addr)
	}
	return nil
}

// namesOneHost is false for 0.0.0.0, :: and the empty host.
func namesOneHost(host string) bool {
	if host == "" {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsUnspecified()
}

func (c Config) raftConfig(id string) *raft.Config {
	r := raft.DefaultConfig()
	r.ProtocolVersion = raft.ProtocolVersionMax
	r.LocalID = raft.ServerID(id)
	r.HeartbeatTimeout = c.HeartbeatTimeout * c.startup
	r.ElectionTimeout = c.ElectionTimeout * c.startup
	r.LeaderLeaseTimeout = c.LeaderLeaseTimeout
	r.CommitTimeout = c.CommitTimeout
	r.MaxAppendEntries = 64
	r.SnapshotInterval = c.SnapshotInterval
	r.SnapshotThreshold = c.SnapshotThreshold
	r.TrailingLogs = c.TrailingLogs
	// A removed node may join again without a new process.
	r.ShutdownOnRemove = false
	// What waits in the buffered channel at shutdown is never answered. Without
	// the buffer blocked callers form the same groups.
	r.BatchApplyCh = false
	r.NoLegacyTelemetry = true
	return r
}
