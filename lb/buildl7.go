package lb

import (
	"cmp"
	"slices"
)

// linkL7 links L7 policies to their listeners, in order of position, and rules to their
// policies. It copies what it links things to: the stored resources stay as they are.
func (b *builder) linkL7() error {
	listeners := make(map[ListenerID]*Listener)
	for _, t := range b.trees {
		for i, l := range t.Listeners {
			own := *l
			t.Listeners[i] = &own
			listeners[l.ID] = &own
		}
	}
	policies := make(map[L7PolicyID]*L7Policy, len(b.policies))
	for _, stored := range b.policies {
		q := *stored
		l, ok := listeners[q.ListenerID]
		if !ok {
			return damaged(KindL7Policy, string(q.ID), "its listener %s is missing", q.ListenerID)
		}
		if _, err := b.own(KindL7Policy, string(q.ID), l.LoadBalancerID); err != nil {
			return err
		}
		if p := b.pools[q.RedirectPoolID]; q.RedirectPoolID != "" && (p == nil || p.LoadBalancerID != l.LoadBalancerID) {
			return damaged(KindL7Policy, string(q.ID), "its pool %s is missing", q.RedirectPoolID)
		}
		policies[q.ID] = &q
		l.L7Policies = append(l.L7Policies, &q)
	}
	for _, l := range listeners {
		slices.SortFunc(l.L7Policies, func(a, b *L7Policy) int { return cmp.Compare(a.Position, b.Position) })
		for i, q := range l.L7Policies {
			if q.Position != i+1 {
				return damaged(KindL7Policy, string(q.ID), "its position is %d, that after the one before is %d", q.Position, i+1)
			}
		}
	}
	return b.linkL7Rules(policies, listeners)
}

func (b *builder) linkL7Rules(policies map[L7PolicyID]*L7Policy, listeners map[ListenerID]*Listener) error {
	for _, r := range b.rules {
		q, ok := policies[r.PolicyID]
		if !ok {
			return damaged(KindL7Rule, string(r.ID), "its L7 policy %s is missing", r.PolicyID)
		}
		if _, err := b.own(KindL7Rule, string(r.ID), listeners[q.ListenerID].LoadBalancerID); err != nil {
			return err
		}
		q.Rules = append(q.Rules, r)
	}
	for _, q := range policies {
		slices.SortFunc(q.Rules, byAge)
	}
	return nil
}
