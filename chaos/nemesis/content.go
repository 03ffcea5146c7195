package nemesis

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// export is everything that a node has, as the node itself knows it, in an order
// that depends on nothing but the content; and the names of its pools.
func export(ctx context.Context, c *admin.Client) (text string, pools []string, err error) {
	var b strings.Builder
	write := func(kind string, v any) error {
		line, err := json.Marshal(v)
		fmt.Fprintf(&b, "%s %s\n", kind, line)
		return err
	}
	var ids []string
	err = firstOf(
		func() error {
			return each(c.Subnets.Stale().List(ctx), func(v *lb.Subnet) error { return write("subnet", v) })
		},
		func() error {
			return each(c.LoadBalancers.Stale().List(ctx), func(v *lb.LoadBalancer) error { return write("load balancer", v) })
		},
		func() error {
			return each(c.Listeners.Stale().List(ctx), func(v *lb.Listener) error { return write("listener", v) })
		},
		func() error {
			return each(c.Pools.Stale().List(ctx), func(v *lb.Pool) error {
				pools, ids = append(pools, v.Name), append(ids, string(v.ID))
				return write("pool", v)
			})
		},
		func() error {
			for _, id := range ids {
				err := each(c.Members.In(id).Stale().List(ctx), func(v *lb.Member) error { return write("member", v) })
				if err != nil {
					return err
				}
			}
			return nil
		},
	)
	return b.String(), pools, err
}

func each[T any](all iter.Seq2[admin.Resource[T], error], do func(*T) error) error {
	for r, err := range all {
		if err == nil {
			err = do(r.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func firstOf(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// compare asks every node for its content, until all have the same or ctx ends: a
// follower may be a few entries behind. What the last look showed is judged.
func (r *run) compare(ctx context.Context) (has map[string][]string, bad []check.Violation, err error) {
	cs := &clients{cluster: r.cluster}
	defer cs.close()
	for {
		has = map[string][]string{}
		content := map[string]string{}
		for _, node := range r.cluster.Nodes() {
			err := cs.use(ctx, node, func(c *admin.Client) (err error) {
				content[node], has[node], err = export(ctx, c)
				return err
			})
			if err != nil {
				return nil, nil, fmt.Errorf("export content of %s: %w", node, err)
			}
		}
		bad = check.Same(content)
		if len(bad) == 0 || !pause(ctx, writeEvery) {
			return has, bad, nil
		}
	}
}
