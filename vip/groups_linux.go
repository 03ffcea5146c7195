package vip

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// groups is the membership in multicast groups on one interface. It lasts as long
// as the socket, which has no port and receives nothing.
type groups struct {
	fd     int // 0: none
	index  int
	joined map[netip.Addr]bool
}

// join changes the membership to these groups. Switches that snoop MLD then pass
// their frames on to here.
func (g *groups) join(index int, want []netip.Addr) error {
	if g.index != index {
		g.leave()
	}
	wanted := make(map[netip.Addr]bool, len(want))
	for _, group := range want {
		wanted[group] = true
	}
	for group := range g.joined {
		if !wanted[group] {
			_ = g.set(unix.IPV6_LEAVE_GROUP, group) // one that the kernel has forgotten
			delete(g.joined, group)
		}
	}
	for _, group := range want {
		if g.joined[group] {
			continue
		}
		if err := g.open(index); err != nil {
			return err
		}
		if err := g.set(unix.IPV6_JOIN_GROUP, group); err != nil {
			return fmt.Errorf("join group %s: %w", group, err)
		}
		g.joined[group] = true
	}
	return nil
}

func (g *groups) open(index int) error {
	if g.fd != 0 {
		return nil
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open socket for groups: %w", err)
	}
	*g = groups{fd: fd, index: index, joined: map[netip.Addr]bool{}}
	return nil
}

func (g *groups) set(option int, group netip.Addr) error {
	return unix.SetsockoptIPv6Mreq(g.fd, unix.IPPROTO_IPV6, option, &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(g.index)})
}

// leave leaves all groups.
func (g *groups) leave() {
	if g.fd != 0 {
		_ = unix.Close(g.fd)
	}
	*g = groups{}
}

func (k *rtnl) join(index int, want []netip.Addr) error { return k.groups.join(index, want) }
