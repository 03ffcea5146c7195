package octavia

import (
	"context"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// Backend is the node that the API speaks for. All methods may be called from any number
// of goroutines and return when ctx ends, with its error.
//
// An error that is an [*lb.Error], or several joined, reaches the client. Of any other
// the client learns only that the node failed; the log has the cause.
type Backend interface {
	// Propose has op committed and applied. When it returns without error, Config on
	// this node includes the change, whose revision it returns. Exempt lets it pass
	// quotas. A request id that was used before answers what it did then.
	Propose(ctx context.Context, requestID string, exempt bool, op lb.Op) (lb.Result, uint64, error)

	// Sync blocks until Config shows every change that was acknowledged by any node
	// before the call. It needs a quorum.
	Sync(ctx context.Context) error

	// Config is the configuration that this node has applied. It does not block.
	Config() *lb.Config

	// View is the holder's view, asked of the holder or remembered for a moment. The
	// error says why no holder could be asked; every resource is pending then.
	View(ctx context.Context) (lb.View, error)

	// Watch returns a channel with room for one signal, which has one when Config or
	// View may have changed. It is closed when ctx ends.
	Watch(ctx context.Context) <-chan struct{}

	// Stats is what each amphora has counted, by node id and listener. Amphorae that
	// are silent are left out.
	Stats(ctx context.Context) (map[string]map[lb.ListenerID]lb.Stats, error)

	// Amphorae lists the nodes that can hold VIPs, in a fixed order. Witnesses are none.
	Amphorae(ctx context.Context) ([]Node, error)

	// Failover moves the VIPs away from the node with that id, if it holds them, or away
	// from whoever holds them if node is "". It returns when another one holds them.
	Failover(ctx context.Context, node string) error
}

// Node is one node of the cluster that can hold VIPs.
type Node struct {
	ID      string
	Address string // at which the other nodes reach it, without a port
	Holder  bool   // it answers for the VIPs now
	Alive   bool   // heard of lately
	Zone    string // its availability zone, "": none
	// Interface is the one that VIPs are put on, "" if unknown.
	Interface string
	// CertExpires is when its certificate expires; zero: it has none.
	CertExpires time.Time
	// Since is when the node became a part of the cluster; zero: unknown.
	Since time.Time
}
