package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/lb"
)

// releaseLimit bounds the removal of the VIPs when they are lost. The next holder
// does not wait for it: the gate is shut. An address that stays is reported, and
// reconciled by the holder's own loop.
const releaseLimit = 5 * time.Second

// lifetimes are those of the addresses: what is left of a dead node's on its
// interface goes after that time, by profile.
var lifetimes = map[string]time.Duration{
	"lan-fast": 10 * time.Second,
	"default":  30 * time.Second,
	"wan":      60 * time.Second,
}

// lead is the holder's work: it runs on an amphora while its gate is open.
func (n *Node) lead(ctx context.Context) error {
	err := n.cluster.Hold(ctx, func(ctx context.Context, term uint64) error {
		n.holding.Store(term)
		defer n.holding.Store(0)
		n.reportSelf(event.HolderChanged, fmt.Sprintf("this node holds the VIPs from term %d on", term))
		if n.vips == nil {
			<-ctx.Done()
			return nil
		}
		return n.hold(ctx, term)
	})
	n.draining.settle(stopDrain)
	if errors.Is(err, cluster.ErrClosed) { // the node stops; this stage's turn comes
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// hold keeps the VIPs on the interface until the lease is lost, and sees to it that
// they go then.
func (n *Node) hold(ctx context.Context, term uint64) error {
	n.draining.end(nil) // what came before stays: this node holds again
	n.draining.planned.Store(false)
	n.drainFrom(ctx)
	if err := n.vips.Hold(term); err != nil {
		return err
	}
	<-ctx.Done()
	why := context.Cause(ctx)
	n.vips.Yield() // they are the next holder's now
	n.draining.begin(func(ctx context.Context) { n.leave(ctx, term, why) })
	return nil
}

// runVIPs is the stage that keeps the addresses.
func (n *Node) runVIPs(ctx context.Context) error {
	err := n.vips.Run(ctx)
	n.vipsGone = err == nil
	return err
}

// watchVIPs tells people which addresses came, and takes a dead link for what it
// is: a holder behind one serves nobody.
func (n *Node) watchVIPs(ctx context.Context) error {
	claimed := map[netip.Addr]bool{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.vips.Changes():
		}
		view := n.vips.View()
		for _, a := range view.Addrs {
			if a.Present && !claimed[a.Addr] {
				n.reportSelf(event.VIPClaimed, fmt.Sprintf("%s in term %d", a.Addr, view.Term))
			}
			claimed[a.Addr] = a.Present
		}
		if view.Link.Up || view.Link.Since.IsZero() {
			n.cluster.SetFitness("")
		} else {
			n.cluster.SetFitness(fmt.Sprintf("interface %s has no link", n.cfg.VIP.Interface))
		}
	}
}

// link is the hardware address of the VIP interface, "" without one. The other
// amphorae know this node's claims by it.
func (n *Node) link() string {
	if n.vips == nil {
		return ""
	}
	iface, err := net.InterfaceByName(n.cfg.VIP.Interface)
	if err != nil {
		return "" // the node's check has found it a moment ago
	}
	return iface.HardwareAddr.String()
}

// vips lists the addresses to hold: those of every load balancer that is up.
func vips(cfg *lb.Config) []netip.Addr {
	var addrs []netip.Addr
	for tree := range cfg.Trees() {
		if tree.LoadBalancer.AdminStateUp {
			addrs = append(addrs, tree.LoadBalancer.VIPs()...)
		}
	}
	return addrs
}
