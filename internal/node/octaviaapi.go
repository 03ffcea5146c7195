package node

import (
	"context"
	"net"
	"time"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/rpc/octavia"
)

// viewPoll is how often who waits for changes is told to look at the view: it is the
// holder's, which is another node as a rule, and nobody tells when it changes there.
const viewPoll = time.Second

// octaviaAPI is what only the load balancer API sees of a node.
type octaviaAPI struct{ restAPI }

var _ octavia.Backend = octaviaAPI{}

// Watch implements [octavia.Backend].
func (b octaviaAPI) Watch(ctx context.Context) <-chan struct{} {
	signals := make(chan struct{}, 1)
	changed := b.state.Watch(ctx)
	go func() {
		defer close(signals)
		tick := time.NewTicker(viewPoll)
		defer tick.Stop()
		for {
			select {
			case _, ok := <-changed:
				if !ok {
					return
				}
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			select {
			case signals <- struct{}{}:
			default: // there is one already
			}
		}
	}()
	return signals
}

// Amphorae implements [octavia.Backend].
func (b octaviaAPI) Amphorae(ctx context.Context) ([]octavia.Node, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	holder := ""
	if lease, err := b.cluster.Lease(ctx, ""); err == nil {
		holder = lease.HolderID
	}
	var all []octavia.Node
	for _, info := range b.cluster.Nodes() {
		if info.Role == cluster.Witness {
			continue
		}
		node := octavia.Node{ID: info.ID, Holder: info.ID == holder, Alive: info.Self || info.State == cluster.StateAlive}
		if host, _, err := net.SplitHostPort(info.Addr); err == nil {
			node.Address = host
		}
		if info.Self {
			node.Interface = b.cfg.VIP.Interface
		}
		all = append(all, node)
	}
	return all, nil
}

// Failover implements [octavia.Backend].
func (b octaviaAPI) Failover(ctx context.Context, node string) error {
	if leader, ok := b.cluster.Leader(); node != "" && ok && leader.ID != node {
		return nil // it holds nothing
	}
	_, err := b.backend.Failover(ctx, "")
	return err
}
