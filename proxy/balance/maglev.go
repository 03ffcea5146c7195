package balance

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
)

// tableSize is the number of entries of a Maglev table: prime, and at least 100
// for each member of a pool of 650, which keeps shares within 1% of the weights.
// It does not depend on the pool's size, because another size would send nearly
// every client to another member.
const tableSize = 65537

// maxHashed is how many members a table can tell apart. Further ones, in order
// of id, get nothing.
const maxHashed = 1 << 16

// maglevTable maps the hash of a client to a candidate, by consistent hashing
// (Eisenbud et al., Maglev, NSDI 2016, section 3.4). It takes 128 KiB and depends
// on ids and weights only: every node has the same.
type maglevTable []uint16

// pick returns the candidate that key belongs to. If c has tried it, another
// one, always the same for that key, takes its place.
func (t maglevTable) pick(members []candidate, c *Choice, key netip.Addr) int {
	h := hashAddr(key)
	at := t[h%tableSize]
	for c.picks > 0 && c.has(members[at].Load) {
		h = mix(h)
		at = t[h%tableSize]
	}
	return int(at)
}

func byID(a, b candidate) int { return strings.Compare(string(a.ID), string(b.ID)) }

// newMaglevTable lets the members, sorted by id, take turns at claiming the first
// entry still free in an order that is the member's own.
func newMaglevTable(members []candidate) maglevTable {
	members = members[:min(len(members), maxHashed)]
	type walk struct{ next, step uint32 }
	walks := make([]walk, len(members))
	for i := range members {
		h := fnv.New64a()
		h.Write([]byte(members[i].ID))
		offset := mix(h.Sum64())
		walks[i] = walk{uint32(offset % tableSize), uint32(mix(offset)%(tableSize-1)) + 1}
	}
	turns := turns(scaled(members))
	table := make(maglevTable, tableSize)
	var taken [tableSize]bool
	for n := range tableSize {
		i := turns[n%len(turns)]
		w := &walks[i]
		for taken[w.next] {
			w.next = (w.next + w.step) % tableSize
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
