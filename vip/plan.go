package vip

import (
	"net/netip"
	"time"
)

// plan is what separates the addresses in the kernel from those wanted.
type plan struct {
	present []netip.Addr // wanted and there, ours
	refresh []netip.Addr // those of present whose lifetime runs down
	add     []netip.Addr
	remove  []address
	foreign map[netip.Addr]address // VIPs that are there from somebody else
}

// diff compares the addresses in the kernel with the VIPs, of which all are to be
// there, none, or those that are. It is a pure function of the state, so an event that was missed
// or came twice changes nothing. An address is refreshed when a third of its
// lifetime is gone.
func diff(vips []netip.Addr, wish wish, have snapshot, lifetime time.Duration) plan {
	isVIP := make(map[netip.Addr]bool, len(vips))
	for _, addr := range vips {
		isVIP[addr] = true
	}
	p := plan{foreign: map[netip.Addr]address{}}
	present := make(map[netip.Addr]bool, len(vips))
	for _, a := range have.addrs {
		addr := a.prefix.Addr()
		switch {
		case a.ours(have.link) && (wish == wantNone || !isVIP[addr] || !a.prefix.IsSingleIP()):
			p.remove = append(p.remove, a)
		case a.ours(have.link):
			present[addr] = true
			p.present = append(p.present, addr)
			if a.valid <= lifetime*2/3 || a.valid > lifetime {
				p.refresh = append(p.refresh, addr)
			}
		case isVIP[addr]:
			p.foreign[addr] = a
		}
	}
	for _, addr := range vips {
		if _, taken := p.foreign[addr]; wish == wantAll && !present[addr] && !taken {
			p.add = append(p.add, addr)
		}
	}
	return p
}
