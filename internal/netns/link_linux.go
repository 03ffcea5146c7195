package netns

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Veth lays a cable between two namespaces: link linkA in a, linkB in b. a and
// b may be the same. Both ends are down until Up.
func Veth(a *Namespace, linkA string, b *Namespace, linkB string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = linkA
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: linkB, PeerNamespace: netlink.NsFd(b.fd)}
	if err := a.nl.LinkAdd(veth); err != nil {
		return fmt.Errorf("add veth %s in namespace %q and %s in namespace %q: %w", linkA, a.name, linkB, b.name, err)
	}
	return nil
}

// Bridge makes a learning switch without spanning tree, so that its ports
// forward as soon as the kernel has seen their carrier, which may take a second.
// It is up.
func (n *Namespace) Bridge(name string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := n.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		return fmt.Errorf("add bridge %s in namespace %q: %w", name, n.name, err)
	}
	return n.Up(name)
}

// Attach makes link a port of the bridge.
func (n *Namespace) Attach(link, bridge string) error {
	port, err := n.link(link)
	if err != nil {
		return err
	}
	master, err := n.link(bridge)
	if err != nil {
		return err
	}
	if err := n.nl.LinkSetMaster(port, master); err != nil {
		return fmt.Errorf("attach link %s to bridge %s in namespace %q: %w", link, bridge, n.name, err)
	}
	return nil
}

// Detach takes link from the bridge that it is a port of.
func (n *Namespace) Detach(link string) error {
	port, err := n.link(link)
	if err != nil {
		return err
	}
	if err := n.nl.LinkSetNoMaster(port); err != nil {
		return fmt.Errorf("detach link %s from its bridge in namespace %q: %w", link, n.name, err)
	}
	return nil
}

// AddAddr puts an address with its subnet's length on link. IPv6 addresses skip
// duplicate address detection, so they can be used at once.
func (n *Namespace) AddAddr(link string, addr netip.Prefix) error {
	l, err := n.link(link)
	if err != nil {
		return err
	}
	a := &netlink.Addr{IPNet: ipNet(addr)}
	if addr.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := n.nl.AddrAdd(l, a); err != nil {
		return fmt.Errorf("add address %s to link %s in namespace %q: %w", addr, link, n.name, err)
	}
	return nil
}

// DelAddr takes an address from link.
func (n *Namespace) DelAddr(link string, addr netip.Prefix) error {
	l, err := n.link(link)
	if err != nil {
		return err
	}
	if err := n.nl.AddrDel(l, &netlink.Addr{IPNet: ipNet(addr)}); err != nil {
		return fmt.Errorf("delete address %s from link %s in namespace %q: %w", addr, link, n.name, err)
	}
	return nil
}

// Up brings links up, one after the other.
func (n *Namespace) Up(links ...string) error {
	return n.eachLink(links, "bring up", n.nl.LinkSetUp)
}

// Down takes links down, one after the other. The other end of a veth loses its
// carrier.
func (n *Namespace) Down(links ...string) error {
	return n.eachLink(links, "take down", n.nl.LinkSetDown)
}

// DelLink removes links. A veth takes its other end with it.
func (n *Namespace) DelLink(links ...string) error {
	return n.eachLink(links, "delete", n.nl.LinkDel)
}

// Interface describes a link as package net does.
func (n *Namespace) Interface(link string) (*net.Interface, error) {
	l, err := n.link(link)
	if err != nil {
		return nil, err
	}
	a := l.Attrs()
	return &net.Interface{Index: a.Index, MTU: a.MTU, Name: a.Name, HardwareAddr: a.HardwareAddr, Flags: a.Flags}, nil
}

func (n *Namespace) eachLink(links []string, verb string, fn func(netlink.Link) error) error {
	for _, name := range links {
		l, err := n.link(name)
		if err != nil {
			return err
		}
		if err := fn(l); err != nil {
			return fmt.Errorf("%s link %s in namespace %q: %w", verb, name, n.name, err)
		}
	}
	return nil
}

func (n *Namespace) link(name string) (netlink.Link, error) {
	l, err := n.nl.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("find link %s in namespace %q: %w", name, n.name, err)
	}
	return l, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
