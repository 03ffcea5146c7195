package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
)

// Backend is the node that the server speaks for. All methods may be called
// from any number of goroutines and return when ctx ends, with its error.
//
// An error that is an [*lb.Error], or several joined, reaches the client whole.
// A node that has no leader or lost sight of an outcome says so with kind
// [lb.ErrUnavailable]. Any other error is logged and the client learns only
// that the node failed; but for those that change the cluster, from Bootstrap
// on, which reach the client as unavailable.
type Backend interface {
	// Propose has op committed and applied. When it returns without error,
	// Config on this node includes the change. The revision is that of the
	// change. A request id that was used before answers what it did then.
	Propose(ctx context.Context, requestID string, op lb.Op) (lb.Result, uint64, error)

	// Sync blocks until Config shows every change that was acknowledged by any
	// node before the call. It needs a quorum.
	Sync(ctx context.Context) error

	// Config is the configuration that this node has applied. It does not block.
	Config() *lb.Config

	// View is the holder's view, asked of the holder or remembered for a
	// moment. The error says why no holder could be asked; the status of
	// every resource is then the one before the holder's first word.
	View(ctx context.Context) (lb.View, error)

	// Status describes the cluster as this node knows it. It asks other nodes
	// only for a moment and answers without those that are silent.
	Status(ctx context.Context) (ClusterStatus, error)

	// Bootstrap makes a new cluster of this node alone.
	Bootstrap(ctx context.Context) error
	// Join makes this node part of the cluster of the node at addr.
	Join(ctx context.Context, addr string) error
	// Leave takes this node out of its cluster.
	Leave(ctx context.Context) error
	// Remove takes the node with that name or id out of the cluster.
	Remove(ctx context.Context, node string) error
	// Failover moves the VIPs to the amphora with that name or id, or to any
	// other one when to is empty, and returns when that one holds them.
	Failover(ctx context.Context, to string) (Moved, error)
}

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
	NoCluster    bool // the node that answers is part of no cluster yet, Nodes are those that it has met
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
