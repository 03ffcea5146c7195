package node

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/lb"
)

// follow gives every new configuration to the engine and to the holder of the
// VIPs, and tells people what changed. All amphorae follow, so that the standby is
// warm.
func (n *Node) follow(ctx context.Context) error {
	known := n.state.Config()
	if n.engine != nil {
		n.engine.Apply(known)
	}
	n.tellVIPs(known)
	watch := n.state.Watch(ctx)
	var health <-chan struct{}
	var reported lb.View
	if n.engine != nil {
		health = n.engine.Changes()
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-watch:
			cfg := n.state.Config()
			if n.engine != nil {
				n.engine.Apply(cfg)
			}
			n.tellVIPs(cfg)
			for _, e := range changes(known, cfg) {
				n.events.Append(e)
			}
			known = cfg
		case <-health:
			view := n.engine.View()
			for _, e := range verdicts(reported, view, n.state.Config()) {
				n.events.Append(e)
			}
			reported = view
		}
	}
}

// reportSelf tells people something about this node.
func (n *Node) reportSelf(kind event.Kind, message string) {
	n.events.Append(event.Event{Kind: kind, Resource: "node", ID: n.cluster.ID(), Name: n.cfg.Name, Message: message})
}

// verdicts lists the resources whose status changed between two views, as far as
// they are still there: members that passed or failed their checks, and what the
// engine cannot serve or serves again.
func verdicts(old, next lb.View, cfg *lb.Config) []event.Event {
	var events []event.Event
	changed := func(it item, message string) {
		e := it.event(event.StatusChanged)
		e.Message = message
		events = append(events, e)
	}
	for id, status := range next.Members {
		if old.Members[id] == status {
			continue // most of them: do not look those up
		}
		if m, ok := cfg.Member(id); ok {
			at := netip.AddrPortFrom(m.Address, m.ProtocolPort)
			message := fmt.Sprintf("%s at %s", status, at)
			if reason := next.Reasons[id]; reason != "" {
				message += ", " + reason
			}
			changed(item{lb.KindMember, string(id), &m.Meta}, message)
		}
	}
	for id, reason := range next.Errors {
		if old.Errors[id] == reason {
			continue
		}
		if it, ok := find(cfg, id); ok {
			changed(it, fmt.Sprintf("%s, %s", lb.Errored, reason))
		}
	}
	for id := range old.Errors {
		if next.Errors[id] != "" {
			continue
		}
		if it, ok := find(cfg, id); ok {
			changed(it, "served again")
		}
	}
	return events
}

// find looks for what has that id below any load balancer.
func find(cfg *lb.Config, id string) (item, bool) {
	tree, ok := cfg.TreeOf(id)
	if !ok {
		tree, ok = cfg.Tree(lb.LoadBalancerID(id))
	}
	if !ok {
		return item{}, false
	}
	for _, it := range contents(tree) {
		if it.id == id {
			return it, true
		}
	}
	return item{}, false
}
