package node

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// releaseLimit bounds the removal of the VIPs at the end of a term. The next
// holder does not wait for it; an address that stays is reported, and reconciled
// by the holder's own loop.
const releaseLimit = 5 * time.Second

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

// lead is the holder's work: it runs on an amphora while it leads.
func (n *Node) lead(ctx context.Context) error {
	return n.cluster.Lead(ctx, func(ctx context.Context, term uint64) error {
		n.holding.Store(term)
		defer n.holding.Store(0)
		n.reportSelf(event.HolderChanged, fmt.Sprintf("this node holds the VIPs from term %d on", term))
		if n.vips == nil {
			<-ctx.Done()
			return nil
		}
		return n.hold(ctx, term)
	})
}

// hold keeps the VIPs of the configuration on the interface until the term ends.
// When it returns they are gone, or it has waited releaseLimit and said so.
func (n *Node) hold(ctx context.Context, term uint64) error {
	defer n.release(ctx, term)
	if err := n.vips.Hold(term); err != nil {
		return err
	}
	for claimed := map[netip.Addr]bool{}; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-n.vips.Changes():
			for _, a := range n.vips.View().Addrs {
				if a.Present && !claimed[a.Addr] {
					n.reportSelf(event.VIPClaimed, fmt.Sprintf("%s in term %d", a.Addr, term))
				}
				claimed[a.Addr] = a.Present
			}
		}
	}
}

// tellVIPs tells the holder of the VIPs which ones there are: on every amphora,
// so that the standby guards them too and is ready to claim.
func (n *Node) tellVIPs(cfg *lb.Config) {
	if n.vips == nil {
		return
	}
	if err := n.vips.Update(vips(cfg)); err != nil {
		n.cfg.Logger.Error("VIPs stay as they were", logkey.Err, err)
	}
}

func (n *Node) release(ctx context.Context, term uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	if err := n.vips.Release(ctx); err != nil {
		n.cfg.Logger.Error("VIPs are still on the interface", logkey.Term, term, logkey.Err, err)
		return
	}
	n.reportSelf(event.VIPReleased, "")
}

// vips lists the addresses to hold: those of every load balancer that is up.
func vips(cfg *lb.Config) []netip.Addr {
	var addrs []netip.Addr
	for tree := range cfg.Trees() {
		if tree.LoadBalancer.AdminStateUp {
			addrs = append(addrs, tree.LoadBalancer.VIPAddress)
		}
	}
	return addrs
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
			changed(item{lb.KindMember, string(id), &m.Meta}, fmt.Sprintf("%s at %s", status, at))
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
