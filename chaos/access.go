package chaos

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"

	"github.com/vishvananda/netlink"
)

// What programs need that run something else than amphorad in a lab, for
// example another product beside it.

// Lab is the lab that the cluster runs in.
func (c *Cluster) Lab() *Lab { return c.lab }

// Client is the host that requests come from.
func (c *Cluster) Client() *Host { return c.client }

// Do runs fn in the host's namespace: sockets that it opens stay there, but
// goroutines that it starts do not run there.
func (h *Host) Do(fn func() error) error { return h.net.Do(fn) }

// OnLink tells the host that addresses of a prefix are on its own segment.
func (h *Host) OnLink(prefix netip.Prefix) error {
	return h.net.Do(func() error {
		l, err := netlink.LinkByName(link)
		if err != nil {
			return fmt.Errorf("find link of %s: %w", h.Name, err)
		}
		dst := &net.IPNet{IP: prefix.Masked().Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: dst, Scope: netlink.SCOPE_LINK}); err != nil {
			return fmt.Errorf("add route to %s on %s: %w", prefix, h.Name, err)
		}
		return nil
	})
}

// Start starts cmd on the host, as cmd.Start does. The caller ends it and waits
// for it before the lab is closed.
func (h *Host) Start(cmd *exec.Cmd) error {
	if h.group != nil {
		h.group.enter(cmd)
	}
	return h.net.Start(cmd)
}

// Unplug takes the switch's end of the host's cable down. To the others the host
// is as dead as without power; the host itself sees its carrier go.
func (l *Lab) Unplug(h *Host) error {
	port, err := l.port(h)
	if err != nil {
		return err
	}
	return l.net.Down(port)
}

// Plug undoes Unplug.
func (l *Lab) Plug(h *Host) error {
	port, err := l.port(h)
	if err != nil {
		return err
	}
	return l.net.Up(port)
}

// port names the switch's end of a host's cable.
func (l *Lab) port(h *Host) (string, error) {
	i := slices.Index(l.hosts, h)
	if i < 0 {
		return "", fmt.Errorf("find the port of %s: it is not of this lab", h.Name)
	}
	return "port" + strconv.Itoa(i+1), nil
}

// Host is the host of a node.
func (c *Cluster) Host(node string) *Host { return c.node(node).host }

// Ready returns nil once every running node agrees that all that run are alive,
// that one of them holds the VIPs, and that changes can be committed.
func (c *Cluster) Ready(ctx context.Context) error { return c.ready(ctx) }

// Holder names the one running node whose interface has the VIP.
func (c *Cluster) Holder(vip netip.Addr) (string, error) { return c.holder(vip) }

// Balance makes what the demo makes, a load balancer over the two web servers,
// and returns its VIP. The cluster must be ready.
func (c *Cluster) Balance(ctx context.Context) (netip.Addr, error) {
	s := &story{out: io.Discard, cluster: c, ctl: nodeNames[0]}
	err := s.configure(ctx)
	return s.vip, err
}
