package admin

import "time"

// ClusterStatus is what a node knows of its cluster.
type ClusterStatus struct {
	Cluster      string // name of the cluster
	NodeID       string // the node that answers
	LeaderID     string // "": no leader known
	HolderID     string // the node that holds the VIPs; "": none known
	Term         uint64 // raft term
	AppliedIndex uint64 // of the node that answers
	Revision     uint64 // of the configuration on the node that answers
	Quorum       bool   // whether a change can be committed now
	Nodes        []Node
	NoCluster    bool     // the node that answers is part of no cluster yet, Nodes are those that it has met
	Topology     string   // such as "pair and witness"
	Profile      string   // the timers: lan-fast, default or wan
	Degraded     []string // why the next failure may not be survived, for people
	Holding      *Holding // nil: no node holds the VIPs, or the holder did not answer
}

// Holding is how the VIPs are held, in the words of the holder.
type Holding struct {
	Since    time.Time
	Term     uint64
	Solo     bool          // on the evidence of the network, without a quorum
	Lease    time.Duration // until the gate shuts by itself
	Takeover Takeover
}

// Takeover is how a node came to hold the VIPs.
type Takeover struct {
	Cause  string        // start, planned, released, crash, silence, election, peer silent
	From   string        // name of the node that held before; "": not known
	Why    string        // what that one said of its release
	Total  time.Duration // from the last sign of the old holder to the first announcement
	Stages []Stage       // in order
}

// Stage is one step of a takeover.
type Stage struct {
	Name string
	At   time.Duration // after the last sign of the old holder
}

// Node is one node of a cluster.
type Node struct {
	ID           string
	Name         string
	Role         Role
	State        State  // what gossip says
	Addr         string // host and port for the other nodes
	Voter        bool
	AppliedIndex uint64   // 0: not known
	VIPs         []string // addresses that it holds
	Problem      string   // why it cannot do its work, such as a missing privilege
	Maintenance  bool     // it does not become the holder
}

// Role of a node.
type Role string

// The roles of a node.
const (
	Amphora Role = "amphora"
	Witness Role = "witness" // votes and stores the log, never holds a VIP
)

// State is the liveness of a node, by gossip.
type State string

// The states of a node.
const (
	Alive   State = "alive"
	Dead    State = "dead"    // it stopped answering
	Left    State = "left"    // it stopped on purpose
	Unknown State = "unknown" // not met since the node that answers has started
)

// Moved names the nodes between which the VIPs moved.
type Moved struct {
	From string // name of the node that held them, "" when none did
	To   string // name of the node that holds them now
}

// Endpoints are the URLs of a node's REST APIs as clients reach them; "": not served.
type Endpoints struct {
	Identity     string // Keystone's, with /v3
	LoadBalancer string // Octavia's
	Network      string // Neutron's
	KeyManager   string // Barbican's
	Region       string
}
