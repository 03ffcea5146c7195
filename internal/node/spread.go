package node

import (
	"context"

	"google.golang.org/grpc"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/internal/spread"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// registerPeers adds what other nodes may ask and tell this one.
func (n *Node) registerPeers(r grpc.ServiceRegistrar) {
	admin.RegisterEngine(r, local{n})
	if n.engine != nil {
		spread.Register(r, n.engine)
	}
}

// spread tells the other amphorae what the engine learns of its clients, so that they
// stay with their members when the VIPs move.
func (n *Node) spread(ctx context.Context) error {
	return spread.New(spread.Config{
		Memory: n.engine,
		Peers: func() (ids []string) {
			for _, info := range n.cluster.Nodes() {
				if !info.Self && info.Role == cluster.Amphora && info.State == cluster.StateAlive {
					ids = append(ids, info.ID)
				}
			}
			return ids
		},
		Dial:   n.cluster.Dial,
		Logger: n.cfg.Logger.With(logkey.Component, "spread"),
	}).Run(ctx)
}
