package lb

import (
	"iter"
	"slices"
)

// Tree is one load balancer with everything below it.
type Tree struct {
	LoadBalancer *LoadBalancer
	Listeners    []*Listener // in order of creation
	Pools        []*Pool     // in order of creation
}

func (t *Tree) pool(id PoolID) (*Pool, bool) {
	for _, p := range t.Pools {
		if p.ID == id {
			return p, true
		}
	}
	return nil, false
}

// l7Policies yields the L7 policies of every listener.
func (t *Tree) l7Policies() iter.Seq[*L7Policy] {
	return func(yield func(*L7Policy) bool) {
		for _, l := range t.Listeners {
			for _, q := range l.L7Policies {
				if !yield(q) {
					return
				}
			}
		}
	}
}

// objects returns what is stored of the tree, parents before children.
func (t *Tree) objects() []any {
	all := []any{t.LoadBalancer}
	for _, l := range t.Listeners {
		all = append(all, l.stored())
		for _, q := range l.L7Policies {
			all = append(all, q.stored())
			for _, r := range q.Rules {
				all = append(all, r)
			}
		}
	}
	for _, p := range t.Pools {
		all = append(all, p.stored())
		if p.Monitor != nil {
			all = append(all, p.Monitor)
		}
		for _, m := range p.Members {
			all = append(all, m)
		}
	}
	return all
}

// stored returns the pool as it is stored: alone.
func (p *Pool) stored() *Pool {
	s := *p
	s.Members, s.Monitor = nil, nil
	return &s
}

// stored returns the listener as it is stored: alone.
func (l *Listener) stored() *Listener {
	if l.L7Policies == nil {
		return l
	}
	s := *l
	s.L7Policies = nil
	return &s
}

// stored returns the policy as it is stored: alone.
func (q *L7Policy) stored() *L7Policy {
	if q.Rules == nil {
		return q
	}
	s := *q
	s.Rules = nil
	return &s
}

// The with and without methods return a copy of the tree or pool; the original
// and its slices stay as they are.

func (t *Tree) withListener(l *Listener) *Tree {
	next := *t
	next.Listeners = with(t.Listeners, l)
	return &next
}

func (t *Tree) withoutListener(l *Listener) *Tree {
	next := *t
	next.Listeners = without(t.Listeners, l)
	return &next
}

func (t *Tree) withPool(p *Pool) *Tree {
	next := *t
	next.Pools = with(t.Pools, p)
	return &next
}

func (t *Tree) withoutPool(p *Pool) *Tree {
	next := *t
	next.Pools = without(t.Pools, p)
	return &next
}

func (p *Pool) withMember(m *Member) *Pool {
	next := *p
	next.Members = with(p.Members, m)
	return &next
}

func (p *Pool) withoutMember(m *Member) *Pool {
	next := *p
	next.Members = without(p.Members, m)
	return &next
}

func (p *Pool) withMonitor(h *HealthMonitor) *Pool {
	next := *p
	next.Monitor = h
	return &next
}

// with returns a new slice with v in its place, instead of its older version
// if there is one.
func with[T aged](s []T, v T) []T {
	i, found := slices.BinarySearchFunc(s, v, byAge)
	rest := s[i:]
	if found {
		rest = s[i+1:]
	}
	return slices.Concat(s[:i], []T{v}, rest)
}

// without returns a new slice without v, which must be there; nil if nothing is
// left.
func without[T aged](s []T, v T) []T {
	i, _ := slices.BinarySearchFunc(s, v, byAge)
	return slices.Concat(s[:i], s[i+1:])
}
