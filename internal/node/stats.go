package node

import (
	"context"
	"fmt"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// LocalStats are the counters of this node's engine; none on a witness.
func (n local) LocalStats() map[lb.ListenerID]lb.Stats {
	if n.engine == nil {
		return nil
	}
	counted := n.engine.Stats()
	all := make(map[lb.ListenerID]lb.Stats, len(counted))
	for id, s := range counted {
		all[id] = lb.Stats{
			ActiveConnections: s.Active, TotalConnections: s.Total,
			BytesIn: s.BytesIn, BytesOut: s.BytesOut, RequestErrors: s.Errors,
		}
	}
	return all
}

// Stats are the holder's counters, by listener, asked of it: only the holder has
// clients. A new holder begins to count at nothing. The error says why no holder could
// be asked.
func (b backend) Stats(ctx context.Context) (map[lb.ListenerID]lb.Stats, error) {
	if b.holding.Load() != 0 {
		return local(b).LocalStats(), nil
	}
	leader, ok := b.cluster.Leader()
	if !ok || leader.Self || leader.Role == cluster.Witness {
		return nil, fmt.Errorf("ask the holder: %w: no node holds the VIPs now", lb.ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(ctx, viewLimit)
	defer cancel()
	conn, err := b.cluster.Dial(ctx, leader.ID)
	if err != nil {
		return nil, b.unavailable(err)
	}
	stats, err := admin.AskStats(ctx, conn)
	if err != nil {
		return nil, b.unavailable(err)
	}
	return stats, nil
}
