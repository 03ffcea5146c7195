package node

import (
	"context"
	"sync"

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

// Stats is what each amphora has counted since its engine first served a listener, by
// node id. It asks all of them at once, for viewLimit at most; those that are silent are
// left out.
func (b backend) Stats(ctx context.Context) (map[string]map[lb.ListenerID]lb.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, viewLimit)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	all := map[string]map[lb.ListenerID]lb.Stats{}
	for _, info := range b.cluster.Nodes() {
		if info.Role == cluster.Witness {
			continue
		}
		wg.Go(func() {
			stats, err := b.statsOf(ctx, info)
			if err != nil {
				b.cfg.Logger.DebugContext(ctx, "no counters", "node", info.Name, "err", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all[info.ID] = stats
		})
	}
	wg.Wait()
	return all, nil
}

func (b backend) statsOf(ctx context.Context, info cluster.Info) (map[lb.ListenerID]lb.Stats, error) {
	if info.Self {
		return local(b).LocalStats(), nil
	}
	conn, err := b.cluster.Dial(ctx, info.ID)
	if err != nil {
		return nil, err
	}
	return admin.AskStats(ctx, conn)
}
