package node

import (
	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/lb"
)

// changes lists what happened between two configurations, for people who watch:
// what was deleted first, then what was created or updated. Trees that no
// command touched are the same pointers in both and cost one comparison.
func changes(old, next *lb.Config) []event.Event {
	var touched []*lb.Tree
	for tree := range next.Trees() {
		if before, ok := old.Tree(tree.LoadBalancer.ID); !ok || before != tree {
			touched = append(touched, tree)
		}
	}
	var deleted, written []event.Event
	for tree := range old.Trees() {
		if after, ok := next.Tree(tree.LoadBalancer.ID); !ok {
			deleted = append(deleted, gone(contents(tree), nil)...)
		} else if after != tree {
			deleted = append(deleted, gone(contents(tree), contents(after))...)
		}
	}
	deleted = append(deleted, gone(subnets(old), subnets(next))...)
	write := func(all []item) {
		for _, it := range all {
			if it.meta.Revision <= old.Revision() {
				continue
			}
			kind := event.Updated
			if it.meta.UpdatedAt.IsZero() {
				kind = event.Created
			}
			written = append(written, it.event(kind))
		}
	}
	write(subnets(next))
	for _, tree := range touched {
		write(contents(tree))
	}
	return append(deleted, written...)
}

// item is any resource.
type item struct {
	kind lb.Kind
	id   string
	meta *lb.Meta
}

func (it item) event(kind event.Kind) event.Event {
	return event.Event{Kind: kind, Resource: string(it.kind), ID: it.id, Name: it.meta.Name}
}

// gone lists what is in before and not in after.
func gone(before, after []item) []event.Event {
	left := make(map[string]bool, len(after))
	for _, it := range after {
		left[it.id] = true
	}
	var events []event.Event
	for _, it := range before {
		if !left[it.id] {
			events = append(events, it.event(event.Deleted))
		}
	}
	return events
}

func subnets(cfg *lb.Config) []item {
	var all []item
	for s := range cfg.Subnets() {
		all = append(all, item{lb.KindSubnet, string(s.ID), &s.Meta})
	}
	return all
}

// contents lists a load balancer and everything below it.
func contents(t *lb.Tree) []item {
	all := []item{{lb.KindLoadBalancer, string(t.LoadBalancer.ID), &t.LoadBalancer.Meta}}
	for _, l := range t.Listeners {
		all = append(all, item{lb.KindListener, string(l.ID), &l.Meta})
	}
	for _, p := range t.Pools {
		all = append(all, item{lb.KindPool, string(p.ID), &p.Meta})
		for _, m := range p.Members {
			all = append(all, item{lb.KindMember, string(m.ID), &m.Meta})
		}
		if hm := p.Monitor; hm != nil {
			all = append(all, item{lb.KindHealthMonitor, string(hm.ID), &hm.Meta})
		}
	}
	return all
}
