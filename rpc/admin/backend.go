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
	// SetMaintenance keeps this node from becoming the holder, or allows it again.
	// If it holds, another one holds when the call returns.
	SetMaintenance(ctx context.Context, on bool) error
	// ForceSolo makes this node a cluster of one that accepts changes again. It is
	// refused while a quorum can be reached.
	ForceSolo(ctx context.Context) error
	// Discard sets this node's data aside and makes it join the cluster of the node
	// with that name or id, from which it was forced apart.
	Discard(ctx context.Context, node string) error
}
