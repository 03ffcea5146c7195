package lb

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// checkPmap checks every read of m against a plain map.
func checkPmap(t *rapid.T, m pmap[uint64, int], want map[uint64]int) {
	t.Helper()
	if m.Len() != len(want) {
		t.Fatalf("Len() = %d, want %d", m.Len(), len(want))
	}
	if got := maps.Collect(m.All()); !maps.Equal(got, want) {
		t.Fatalf("All() = %v, want %v", got, want)
	}
	keys := slices.Sorted(maps.Keys(want))
	i := 0
	for k, v := range m.All() {
		if k != keys[i] || v != want[k] || m.At(i) != k || m.Rank(k) != i {
			t.Fatalf("place %d: All %d, At %d, Rank %d, want key %d", i, k, m.At(i), m.Rank(k), keys[i])
		}
		if v, ok := m.Get(k); !ok || v != want[k] {
			t.Fatalf("Get(%d) = %d, %v, want %d", k, v, ok, want[k])
		}
		i++
	}
	if got := len(slices.Collect(m.Values())); got != len(want) {
		t.Fatalf("Values() yields %d, want %d", got, len(want))
	}
}

func TestPmapAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m pmap[uint64, int]
		want := map[uint64]int{}
		type version struct {
			m    pmap[uint64, int]
			want map[uint64]int
		}
		var past []version
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			past = append(past, version{m, maps.Clone(want)})
			key := rapid.Uint64Range(0, 60).Draw(t, "key")
			if rapid.Bool().Draw(t, "add") {
				m, want[key] = m.With(key, i), i
			} else {
				m = m.Without(key)
				delete(want, key)
			}
			if _, ok := want[key]; m.Has(key) != ok {
				t.Fatalf("Has(%d) = %v, want %v", key, m.Has(key), ok)
			}
		}
		checkPmap(t, m, want)
		for _, v := range past {
			checkPmap(t, v.m, v.want)
		}
	})
}

func TestPmapShapeDependsOnKeysAlone(t *testing.T) {
	var shape func(n *pnode[uint64, int]) []uint64
	shape = func(n *pnode[uint64, int]) []uint64 {
		if n == nil {
			return []uint64{0}
		}
		return slices.Concat([]uint64{n.key}, shape(n.left), shape(n.right))
	}
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(rapid.Uint64Min(1), rapid.ID).Draw(t, "keys")
		var a, b pmap[uint64, int]
		for _, k := range keys {
			a = a.With(k, 0)
		}
		b = b.With(0, 0)
		for _, k := range rapid.Permutation(keys).Draw(t, "order") {
			b = b.With(k, 0)
		}
		b = b.Without(0)
		if !slices.Equal(shape(a.root), shape(b.root)) {
			t.Fatalf("two orders of %v give two shapes", keys)
		}
		at := map[uint64]int{}
		for _, k := range keys {
			at[k] = 0
		}
		c := newPmap(at)
		if !slices.Equal(shape(a.root), shape(c.root)) {
			t.Fatalf("%v gives another shape when made at once", keys)
		}
		checkPmap(t, c, at)
	})
}

func TestPmapStaysShallow(t *testing.T) {
	var depth func(n *pnode[uint64, int]) int
	depth = func(n *pnode[uint64, int]) int {
		if n == nil {
			return 0
		}
		return 1 + max(depth(n.left), depth(n.right))
	}
	var m pmap[uint64, int]
	const n = 1 << 14
	for k := range uint64(n) {
		m = m.With(k, 0)
	}
	// The expected depth of a treap is below 2.99 log2 n; twice that does not happen.
	if d := depth(m.root); d > 84 {
		t.Fatalf("%d keys in order make %d levels", n, d)
	}
}

func TestPmapStopsEarly(t *testing.T) {
	var m pmap[uint64, int]
	for k := range uint64(10) {
		m = m.With(k, 0)
	}
	seen := 0
	for k := range m.All() {
		seen++
		if k == 4 {
			break
		}
	}
	if seen != 5 {
		t.Fatalf("loop left at the fifth key ran %d times", seen)
	}
}
