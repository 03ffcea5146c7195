package lb

import (
	"cmp"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
)

// pmap is a persistent ordered map: With and Without return a new map that
// shares all but O(log n) nodes with the old one, which never changes. The zero
// value is empty.
//
// It is a treap whose priorities are hashes of the keys, so its shape depends
// on its keys alone, not on the order in which they came. The hash is seeded
// per process: no choice of keys can unbalance it, and as nothing outside this
// file can see the shape, the seed cannot make two nodes differ.
type pmap[K cmp.Ordered, V any] struct{ root *pnode[K, V] }

type pnode[K cmp.Ordered, V any] struct {
	key         K
	val         V
	prio        uint64
	size        int
	left, right *pnode[K, V]
}

var pmapSeed = maphash.MakeSeed()

// newPmap makes a map of src at once, without the versions in between. Keys
// come in order, so each belongs at the foot of the right spine, from where it
// rises over those below it.
func newPmap[K cmp.Ordered, V any](src map[K]V) pmap[K, V] {
	var spine []*pnode[K, V]
	pop := func() *pnode[K, V] {
		n := spine[len(spine)-1]
		spine = spine[:len(spine)-1]
		n.size = n.left.len() + 1 + n.right.len() // nothing comes below n any more
		return n
	}
	for _, key := range slices.Sorted(maps.Keys(src)) {
		n := &pnode[K, V]{key: key, val: src[key], prio: maphash.Comparable(pmapSeed, key)}
		for len(spine) > 0 && n.above(spine[len(spine)-1]) {
			n.left = pop()
		}
		if len(spine) > 0 {
			spine[len(spine)-1].right = n
		}
		spine = append(spine, n)
	}
	var m pmap[K, V]
	for len(spine) > 0 {
		m.root = pop()
	}
	return m
}

// Len returns the number of keys.
func (m pmap[K, V]) Len() int { return m.root.len() }

// Get returns the value of key.
func (m pmap[K, V]) Get(key K) (V, bool) {
	for n := m.root; n != nil; {
		switch c := cmp.Compare(key, n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.val, true
		}
	}
	var zero V
	return zero, false
}

// Has reports whether key is there.
func (m pmap[K, V]) Has(key K) bool {
	_, ok := m.Get(key)
	return ok
}

// With returns the map with key set to val.
func (m pmap[K, V]) With(key K, val V) pmap[K, V] {
	leaf := &pnode[K, V]{key: key, val: val, prio: maphash.Comparable(pmapSeed, key)}
	return pmap[K, V]{m.root.with(leaf)}
}

// Without returns the map without key.
func (m pmap[K, V]) Without(key K) pmap[K, V] {
	if !m.Has(key) {
		return m
	}
	return pmap[K, V]{m.root.without(key)}
}

// Rank returns how many keys are less than key.
func (m pmap[K, V]) Rank(key K) int {
	rank := 0
	for n := m.root; n != nil; {
		if cmp.Less(n.key, key) {
			rank += n.left.len() + 1
			n = n.right
		} else {
			n = n.left
		}
	}
	return rank
}

// At returns the i-th key in order, from 0. It panics if i is out of range.
func (m pmap[K, V]) At(i int) K {
	for n := m.root; ; {
		switch l := n.left.len(); {
		case i < l:
			n = n.left
		case i > l:
			i -= l + 1
			n = n.right
		default:
			return n.key
		}
	}
}

// All yields the keys and values in order of key.
func (m pmap[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.each(yield) }
}

// Values yields the values in order of key.
func (m pmap[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		m.root.each(func(_ K, v V) bool { return yield(v) })
	}
}

func (n *pnode[K, V]) len() int {
	if n == nil {
		return 0
	}
	return n.size
}

// join returns a copy of n over other children.
func (n *pnode[K, V]) join(left, right *pnode[K, V]) *pnode[K, V] {
	c := *n
	c.left, c.right = left, right
	c.size = left.len() + 1 + right.len()
	return &c
}

// above reports whether n belongs nearer to the root than o. Keys break ties
// between equal hashes, so the order is total.
func (n *pnode[K, V]) above(o *pnode[K, V]) bool {
	if n.prio != o.prio {
		return n.prio > o.prio
	}
	return cmp.Less(n.key, o.key)
}

func (n *pnode[K, V]) with(leaf *pnode[K, V]) *pnode[K, V] {
	if n == nil {
		return leaf.join(nil, nil)
	}
	switch c := cmp.Compare(leaf.key, n.key); {
	case c == 0:
		return leaf.join(n.left, n.right)
	case leaf.above(n): // then the key is not below n: equal keys have equal priorities
		return leaf.join(n.split(leaf.key))
	case c < 0:
		return n.join(n.left.with(leaf), n.right)
	default:
		return n.join(n.left, n.right.with(leaf))
	}
}

// split returns the nodes with keys less than key, and those with greater ones.
func (n *pnode[K, V]) split(key K) (less, greater *pnode[K, V]) {
	switch {
	case n == nil:
		return nil, nil
	case cmp.Less(n.key, key):
		l, g := n.right.split(key)
		return n.join(n.left, l), g
	default:
		l, g := n.left.split(key)
		return l, n.join(g, n.right)
	}
}

// without removes key, which must be there.
func (n *pnode[K, V]) without(key K) *pnode[K, V] {
	switch c := cmp.Compare(key, n.key); {
	case c < 0:
		return n.join(n.left.without(key), n.right)
	case c > 0:
		return n.join(n.left, n.right.without(key))
	default:
		return merge(n.left, n.right)
	}
}

// merge joins two trees, where every key of a is less than every key of b.
func merge[K cmp.Ordered, V any](a, b *pnode[K, V]) *pnode[K, V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.above(b):
		return a.join(a.left, merge(a.right, b))
	default:
		return b.join(merge(a, b.left), b.right)
	}
}

func (n *pnode[K, V]) each(yield func(K, V) bool) bool {
	return n == nil || n.left.each(yield) && yield(n.key, n.val) && n.right.each(yield)
}
