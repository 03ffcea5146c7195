package octavia

import (
	"iter"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// placed is where a resource of a load balancer is: in a tree of a snapshot.
type placed struct {
	s *snapshot
	t *lb.Tree
}

func (p placed) status(id string) lb.Status { return p.s.status(p.t, id) }

// project is that of the load balancer, and so of everything below it.
func (p placed) project() string { return p.t.LoadBalancer.ProjectID }

// The lookups find a resource together with its tree, so that both are of one moment.

func (s *snapshot) tree(id string) (placed, bool) {
	t, ok := s.cfg.Tree(lb.LoadBalancerID(id))
	return placed{s, t}, ok
}

func (s *snapshot) listener(id string) (listenerRow, bool) {
	if t, ok := s.cfg.TreeOf(id); ok {
		for _, l := range t.Listeners {
			if string(l.ID) == id {
				return listenerRow{placed{s, t}, l, false}, true
			}
		}
	}
	return listenerRow{}, false
}

func (s *snapshot) pool(id string) (poolRow, bool) {
	if t, ok := s.cfg.TreeOf(id); ok {
		for _, p := range t.Pools {
			if string(p.ID) == id {
				return poolRow{placed{s, t}, p, false}, true
			}
		}
	}
	return poolRow{}, false
}

func (s *snapshot) policy(id string) (policyRow, bool) {
	t, ok := s.cfg.TreeOf(id)
	if !ok {
		return policyRow{}, false
	}
	for _, l := range t.Listeners {
		for _, p := range l.L7Policies {
			if string(p.ID) == id {
				return policyRow{placed{s, t}, p, false}, true
			}
		}
	}
	return policyRow{}, false
}

// placedAll yields every tree.
func (s *snapshot) placedAll() iter.Seq[placed] {
	return func(yield func(placed) bool) {
		for t := range s.cfg.Trees() {
			if !yield(placed{s, t}) {
				return
			}
		}
	}
}

// owned fills in what every resource of a load balancer has alike: its rights, tags,
// project, and the load balancer to filter by.
func owned[R, S any](r resource[R, S], meta func(R) *lb.Meta, where func(R) placed) *resource[R, S] {
	r.tags = func(row R) []string { return meta(row).Tags }
	r.project = func(row R) string { return where(row).project() }
	r.read, r.global, r.write = access.Read, access.ReadAll, access.Write
	above := func(row R) any { return string(where(row).t.LoadBalancer.ID) }
	// The one is the API's word, the other that of Octavia's data model, which it takes too.
	r.hidden = append(r.hidden, attribute[R]{"loadbalancer_id", above}, attribute[R]{"load_balancer_id", above})
	return &r
}

// child sets the project of something new below p, whatever the client said.
func (p placed) child(meta *lb.MetaSpec) string {
	meta.ProjectID = lb.Some(p.project())
	return p.project()
}

// valueOf returns the value of o, the zero value if it has none.
func valueOf[T any](o lb.Opt[T]) T {
	v, _ := o.Get()
	return v
}
