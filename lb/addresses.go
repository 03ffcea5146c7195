package lb

import (
	"encoding/binary"
	"net/netip"
	"sort"
)

// addresses is a subnet with the addresses that are taken in it. Addresses are
// kept as offsets from the start of the CIDR: subnets are no larger than 2^64
// addresses, so an offset is a uint64 and neither family needs 128-bit sums.
type addresses struct {
	subnet  *Subnet
	taken   pmap[uint64, PortID]
	members int // that name this subnet
}

func (n addresses) with(a netip.Addr, port PortID) addresses {
	n.taken = n.taken.With(offset(n.subnet.CIDR, a), port)
	return n
}

func (n addresses) without(a netip.Addr) addresses {
	n.taken = n.taken.Without(offset(n.subnet.CIDR, a))
	return n
}

// holder returns the port that has a, which must be in the CIDR.
func (n addresses) holder(a netip.Addr) (PortID, bool) {
	return n.taken.Get(offset(n.subnet.CIDR, a))
}

// free returns the first address of the allocation ranges that no port has. It
// is derived from the set of those taken alone, so a Config that was built from
// storage allocates as the one that lived through the history.
func (n addresses) free() (netip.Addr, bool) {
	for _, r := range n.subnet.Allocations {
		first, last := offset(n.subnet.CIDR, r.First), offset(n.subnet.CIDR, r.Last)
		// The i-th address from first on is at first+i for as long as there is no
		// gap, and never again after one, so the gap can be searched for.
		below := n.taken.Rank(first)
		gap := sort.Search(n.taken.Len()-below, func(i int) bool {
			return n.taken.At(below+i) != first+uint64(i)
		})
		if uint64(gap) <= last-first {
			return at(n.subnet.CIDR, first+uint64(gap)), true
		}
	}
	return netip.Addr{}, false
}

// size returns how many addresses the allocation ranges hold.
func (s *Subnet) size() uint64 {
	var n uint64
	for _, r := range s.Allocations {
		n += offset(s.CIDR, r.Last) - offset(s.CIDR, r.First) + 1
	}
	return n
}

// hosts returns the addresses of p that a host may have. IPv4 reserves the
// network and the broadcast address, IPv6 the subnet-router anycast address
// (RFC 4291 section 2.6.1).
func hosts(p netip.Prefix) Range {
	last := uint64(1)<<(p.Addr().BitLen()-p.Bits()) - 1 // 2^64 - 1 for a /64: the shift gives 0
	if p.Addr().Is4() {
		last--
	}
	return Range{at(p, 1), at(p, last)}
}

// Contains reports whether a lies in the range.
func (r Range) Contains(a netip.Addr) bool {
	return a.BitLen() == r.First.BitLen() && !a.Less(r.First) && !r.Last.Less(a)
}

// String reads "10.0.0.5-10.0.0.9".
func (r Range) String() string { return r.First.String() + "-" + r.Last.String() }

// offset returns the place of a in p, which must contain it.
func offset(p netip.Prefix, a netip.Addr) uint64 { return low(a) - low(p.Addr()) }

// at returns the address at an offset in p.
func at(p netip.Prefix, offset uint64) netip.Addr {
	b := p.Addr().As16()
	binary.BigEndian.PutUint64(b[8:], low(p.Addr())+offset)
	a := netip.AddrFrom16(b)
	if p.Addr().Is4() {
		a = a.Unmap()
	}
	return a
}

// low returns the lower 64 bits of a.
func low(a netip.Addr) uint64 {
	b := a.As16()
	return binary.BigEndian.Uint64(b[8:])
}
