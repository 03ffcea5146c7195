package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Removed is an address that ReleaseAll took from an interface.
type Removed struct {
	Interface string
	Addr      netip.Addr
}

// ReleaseAll removes every address that carries Protocol from the interface, or
// from all interfaces of the network namespace when iface is empty, drops the
// connections that the kernel has for them, and returns what it removed, even together with an error. Nothing there is no error, nor is
// an interface that does not exist: what may run after any kind of end must be
// safe to repeat. A Holder that runs meanwhile adds its addresses again.
func ReleaseAll(iface string) ([]Removed, error) {
	s, err := openRequests()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	addrs, err := listAddrs(s)
	if err != nil {
		return nil, err
	}
	var removed []Removed
	var errs []error
	names := map[int]string{}
	gone := map[netip.Addr]bool{}
	for _, a := range addrs {
		if a.proto != Protocol {
			continue
		}
		name, known := names[a.index]
		if !known {
			name = interfaceName(a.index)
			names[a.index] = name
		}
		if iface != "" && name != iface {
			continue
		}
		// One by one: the same address may be on two interfaces.
		if err := removeAddrs(s, []address{a})[a.prefix.Addr()]; err != nil {
			errs = append(errs, fmt.Errorf("release %s: %w", name, err))
			continue
		}
		removed = append(removed, Removed{Interface: name, Addr: a.prefix.Addr()})
		gone[a.prefix.Addr()] = true
	}
	errs = append(errs, dropConnections(gone))
	return removed, errors.Join(errs...)
}

// interfaceName falls back to the number of an interface that has just gone.
func interfaceName(index int) string {
	if ifi, err := net.InterfaceByIndex(index); err == nil {
		return ifi.Name
	}
	return "number " + strconv.Itoa(index)
}
