package nemesis

import (
	"context"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// leaders asks every node, again and again, whether it leads.
type leaders struct {
	cluster *chaos.Cluster

	mu    sync.Mutex
	leads map[check.Lead]bool // guarded by mu
}

// askEvery is the pause between two looks at a node.
const askEvery = 50 * time.Millisecond

// run asks one node until ctx ends. A status is not one look at one instant: its
// term is read before its leader. So a node led in a term if it says so twice in
// a row and names the same term before and after.
func (l *leaders) run(ctx context.Context, node string) {
	cs := &clients{cluster: l.cluster}
	defer cs.close()
	var last admin.ClusterStatus
	for pause(ctx, askEvery) {
		var st admin.ClusterStatus
		one, cancel := context.WithTimeout(ctx, time.Second)
		err := cs.use(one, node, func(c *admin.Client) (err error) {
			st, err = c.Status(one)
			return err
		})
		cancel()
		if err != nil {
			last = admin.ClusterStatus{}
			continue
		}
		if st.NodeID != "" && st.NodeID == st.LeaderID && st.Term == last.Term && last.LeaderID == st.NodeID {
			l.mu.Lock()
			if l.leads == nil {
				l.leads = map[check.Lead]bool{}
			}
			l.leads[check.Lead{Term: st.Term, Node: node}] = true
			l.mu.Unlock()
		}
		last = st
	}
}

func (l *leaders) all() []check.Lead {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []check.Lead
	for lead := range l.leads {
		all = append(all, lead)
	}
	return all
}
