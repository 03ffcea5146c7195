package vip

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Guard keeps the traffic of the VIPs out of the host, and inside it, while this
// node may not hold them. A Holder tells it which addresses those are; whether it
// is open is for others. Its methods are called from one goroutine and should
// return within milliseconds.
type Guard interface {
	// Attach puts the guard on the interface. It is called before the first
	// Protect, and again when the interface was made anew.
	Attach() error
	// Protect replaces the set of addresses that are denied by default. When it
	// returns an error the guard covers what it covered before.
	Protect(addrs []netip.Addr) error
}

// guarded is what a Guard covers, as far as it was told.
type guarded struct {
	guard Guard // nil: everything counts as covered
	index int   // of the interface it is attached to, 0 for none
	set   map[netip.Addr]bool
}

// cover makes the guard cover the VIPs, and those that linger on the interface
// though they are no longer among them.
func (g *guarded) cover(l link, vips []netip.Addr, lingering []address) error {
	if g.guard == nil {
		return nil
	}
	if l.index != g.index {
		g.lose()
		if err := g.guard.Attach(); err != nil {
			return fmt.Errorf("attach guard: %w", err)
		}
		g.index = l.index
	}
	if vips == nil {
		return nil // not told yet: what an earlier process guarded stays guarded
	}
	all := slices.Clone(vips)
	set := make(map[netip.Addr]bool, len(vips))
	for _, addr := range vips {
		set[addr] = true
	}
	for _, a := range lingering {
		if addr := a.prefix.Addr(); !set[addr] {
			set[addr] = true
			all = append(all, addr)
		}
	}
	if g.set != nil && maps.Equal(set, g.set) {
		return nil
	}
	if err := g.guard.Protect(all); err != nil {
		return fmt.Errorf("guard VIPs: %w", err)
	}
	g.set = set
	return nil
}

// covers reports whether addr may be on the interface.
func (g *guarded) covers(addr netip.Addr) bool { return g.guard == nil || g.set[addr] }

// lose notes that the interface has gone, and the guard on it.
func (g *guarded) lose() { g.index, g.set = 0, nil }
