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

// follow gives every new configuration to the engine and tells people what
// changed. Engines of all amphorae follow, so that the standby is warm.
func (n *Node) follow(ctx context.Context) error {
	known := n.state.Config()
	if n.engine != nil {
		n.engine.Apply(known)
	}
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
		n.report(event.HolderChanged, "node", n.cluster.ID(), n.cfg.Name, "%s holds the VIPs from term %d on", n.cfg.Name, term)
		if n.vips == nil {
			<-ctx.Done()
			return nil
		}
		return n.hold(ctx, term)
	})
}

// hold keeps the VIPs of the configuration on the interface until the term ends.
// When it returns they are gone.
func (n *Node) hold(ctx context.Context, term uint64) (err error) {
	log := n.cfg.Logger.With(logkey.Term, term)
	defer func() {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
		defer cancel()
		if rerr := n.vips.Release(release); rerr != nil {
			log.Error("VIPs are still on the interface", logkey.Err, rerr)
		}
		n.report(event.VIPReleased, "node", n.cluster.ID(), n.cfg.Name, "%s released the VIPs", n.cfg.Name)
	}()
	if err := n.vips.Hold(term, vips(n.state.Config())); err != nil {
		return err
	}
	n.report(event.VIPClaimed, "node", n.cluster.ID(), n.cfg.Name, "%s claimed the VIPs in term %d", n.cfg.Name, term)
	for watch := n.state.Watch(ctx); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-watch:
			if err := n.vips.Update(vips(n.state.Config())); err != nil {
				return err
			}
		}
	}
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

func (n *Node) report(kind event.Kind, resource, id, name, format string, args ...any) {
	n.events.Append(event.Event{Kind: kind, Resource: resource, ID: id, Name: name, Message: fmt.Sprintf(format, args...)})
}

// verdicts lists the members whose health changed between two views.
func verdicts(old, next lb.View, cfg *lb.Config) []event.Event {
	var events []event.Event
	for id, status := range next.Members {
		if old.Members[id] == status {
			continue
		}
		m, ok := cfg.Member(id)
		if !ok {
			continue
		}
		at := netip.AddrPortFrom(m.Address, m.ProtocolPort)
		events = append(events, event.Event{
			Kind: event.StatusChanged, Resource: string(lb.KindMember), ID: string(id), Name: m.Name,
			Message: fmt.Sprintf("member %s at %s is %s", id, at, status),
		})
	}
	for id, reason := range next.Errors {
		if old.Errors[id] != reason {
			events = append(events, event.Event{Kind: event.StatusChanged, ID: id, Message: fmt.Sprintf("%s is ERROR: %s", id, reason)})
		}
	}
	return events
}
