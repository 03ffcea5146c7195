package balance

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// tableSize is the number of entries of a Maglev table: prime, and at least 100
// for each member of a pool of 650, which keeps shares within 1% of the weights.
// It does not depend on the pool's size, because another size would send nearly
// every client to another member.
const tableSize = 65537

// maxHashed is how many members a table can tell apart. Further ones, in order
// of id, get nothing.
const maxHashed = 1 << 16

// maglev maps clients to candidates by consistent hashing (Eisenbud et al.,
// Maglev, NSDI 2016, section 3.4). The table, 128 KiB, is built for the first
// pick, so that pools without traffic cost nothing. It depends on ids and
// weights only: every node has the same.
type maglev struct {
	once  sync.Once
	built atomic.Bool
	table []uint16
}

func byID(a, b candidate) int { return strings.Compare(string(a.ID), string(b.ID)) }

// pick returns the candidate that key belongs to. If c has tried it, another
// one, always the same for that key, takes its place.
func (g *maglev) pick(members []candidate, c *Choice, key netip.Addr) int {
	if !g.built.Load() {
		g.build(members)
	}
	h := hashAddr(key)
	at := g.table[h%tableSize]
	for c.picks > 0 && c.has(members[at].Load) {
		h = mix(h)
		at = g.table[h%tableSize]
	}
	return int(at)
}

// build fills the table, once. members are sorted by id.
func (g *maglev) build(members []candidate) {
	g.once.Do(func() {
		if len(members) > 1 {
			g.table = maglevTable(members[:min(len(members), maxHashed)])
		}
		g.built.Store(true)
	})
}

// maglevTable lets the members take turns at claiming the first entry still free
// in an order that is the member's own.
func maglevTable(members []candidate) []uint16 {
	const size = tableSize
	type walk struct{ next, step uint32 }
	walks := make([]walk, len(members))
	for i := range members {
		h := fnv.New64a()
		h.Write([]byte(members[i].ID))
		offset := mix(h.Sum64())
		walks[i] = walk{uint32(offset % size), uint32(mix(offset)%(size-1)) + 1}
	}
	turns := turns(scaled(members))
	table := make([]uint16, size)
	var taken [size]bool
	for n := range size {
		i := turns[n%len(turns)]
		w := &walks[i]
		for taken[w.next] {
			w.next = (w.next + w.step) % size
		}
		taken[w.next] = true
		table[w.next] = uint16(i)
	}
	return table
}

// turns orders the turns of the candidates, weights[i] for candidate i, so that
// the order of two candidates' turns does not depend on who else takes part:
// that is what keeps a table stable when members come and go. The rotation of
// ROUND_ROBIN is smoother but has not got that.
func turns(weights []int) []uint32 {
	type turn struct {
		k uint64 // 2k+1 for the k-th turn
		i uint32
	}
	var order []turn
	for i, w := range weights {
		for k := range w {
			order = append(order, turn{uint64(2*k + 1), uint32(i)})
		}
	}
	slices.SortFunc(order, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.k*uint64(weights[b.i]), b.k*uint64(weights[a.i])), cmp.Compare(a.i, b.i))
	})
	seq := make([]uint32, len(order))
	for n, t := range order {
		seq[n] = t.i
	}
	return seq
}

// hashAddr hashes an address. An IPv4 address and its IPv4-mapped IPv6 form
// (RFC 4291 section 2.5.5.2) are the same client; a zone is left out, because
// its name differs from node to node.
func hashAddr(a netip.Addr) uint64 {
	b := a.As16()
	return mix(mix(binary.BigEndian.Uint64(b[:8])) ^ binary.BigEndian.Uint64(b[8:]))
}

// mix is the finalizer of SplitMix64 (Steele et al., 2014): every bit of x
// changes half of the bits of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
