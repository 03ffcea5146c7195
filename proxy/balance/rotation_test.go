package balance

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amphora-lb/amphora/lb"
)

func TestRoundRobinOrder(t *testing.T) {
	for _, tt := range []struct {
		weights, want []int
	}{
		{[]int{1, 1, 1}, []int{0, 1, 2, 0, 1, 2}},
		{[]int{256, 256}, []int{0, 1, 0, 1}},
		{[]int{2, 1}, []int{0, 0, 1, 0, 0, 1}},
		{[]int{3, 0, 3, 6}, []int{3, 0, 2, 3}},
		{[]int{4, 1, 1, 1, 1}, []int{0, 1, 0, 2, 0, 3, 0, 4}},
	} {
		got := picks(t, New(Config{Algorithm: lb.RoundRobin, Members: pool(tt.weights...)}), len(tt.want))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("weights %v: %s", tt.weights, diff)
		}
	}
}

// Over a cycle every member gets exactly its weight, and at any moment its
// share so far to within one.
func TestRoundRobinIsExactAndSmooth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 256), 1, 40).Draw(t, "weights")
		members := pool(weights...)
		b := New(Config{Algorithm: lb.RoundRobin, Members: members})
		total := 0
		for _, w := range weights {
			total += w
		}
		begin := rapid.Uint64Range(0, 1<<40).Draw(t, "cycles") * b.rotation.n
		b.rotation.pos.Store(begin)
		counts := make([]int, len(weights))
		var c Choice
		for n := 1; n <= total; n++ {
			i, _ := b.Pick(&c, client(0))
			c.Reset()
			counts[i]++
			for i, w := range weights {
				if share := float64(n) * float64(w) / float64(total); math.Abs(float64(counts[i])-share) >= 1 {
					t.Fatalf("after %d picks member %d has %d, its share is %.2f; weights %v", n, i, counts[i], share, weights)
				}
			}
		}
		if diff := cmp.Diff(weights, counts); diff != "" {
			t.Fatalf("after a cycle: %s", diff)
		}
	})
}

// A pool whose weights exceed the longest cycle is served in proportion.
func TestRoundRobinBeyondTheLongestCycle(t *testing.T) {
	weights := make([]int, 1000)
	total := 0
	for i := range weights {
		weights[i] = 1 + int(mix(uint64(i))%256)
		total += weights[i]
	}
	b := New(Config{Algorithm: lb.RoundRobin, Members: pool(weights...)})
	cycle := int(b.rotation.n)
	if cycle > maxSlots+len(weights)/2 {
		t.Fatalf("%d slots for weights of %d", cycle, total)
	}
	for i, n := range count(picks(t, b, cycle), len(weights)) {
		want := float64(weights[i]) / float64(total)
		if got := float64(n) / float64(cycle); n == 0 || math.Abs(got-want) > 1.0/maxSlots {
			t.Errorf("member %d of weight %d: share %.6f, want %.6f", i, weights[i], got, want)
		}
	}
}

// A Balancer that replaces another goes on in the middle of the cycle: were it to
// begin anew, the first members would get everything when it is replaced often.
func TestRoundRobinResumes(t *testing.T) {
	a := pool(4, 1, 1, 1, 1)
	for name, others := range map[string][]Member{
		"same":        a,
		"one less":    a[:4],
		"one more":    append(append([]Member(nil), a...), Member{ID: "x", Weight: 1, Load: new(Load)}),
		"much longer": append(append([]Member(nil), a...), pool(255, 254)...),
	} {
		t.Run(name, func(t *testing.T) {
			var b *Balancer
			got := make([]int, len(a))
			want := 0.0
			const rounds = 4_000
			weight := func(members []Member) (sum float64) {
				for _, m := range members {
					sum += float64(m.Weight)
				}
				return sum
			}
			for n := range rounds {
				members := a
				if n%2 == 1 {
					members = others
				}
				for range 3 { // more often than there are picks
					b = New(Config{Algorithm: lb.RoundRobin, Members: others, Previous: b})
					b = New(Config{Algorithm: lb.RoundRobin, Members: members, Previous: b})
				}
				if i := picks(t, b, 1)[0]; i < len(a) {
					got[i]++
				}
				want += 1 / weight(members)
			}
			for i := range a[:4] {
				if share, want := float64(got[i]), want*float64(a[i].Weight); math.Abs(share-want) > want/4 {
					t.Errorf("member %d of weight %d: %v picks, want about %.0f", i, a[i].Weight, share, want)
				}
			}
		})
	}
}

// The traffic of a member that fails is spread, not given to its successor.
func TestRoundRobinSpreadsRetries(t *testing.T) {
	members := pool(equal(9)...)
	b := New(Config{Algorithm: lb.RoundRobin, Members: members})
	got := make([]int, len(members))
	for range 9 * 800 {
		var c Choice
		i, _ := b.Pick(&c, client(0))
		if i == 0 {
			i, _ = b.Pick(&c, client(0))
		}
		c.Release()
		got[i]++
	}
	if got[0] != 0 {
		t.Fatalf("the retries came back: %v", got)
	}
	chiSquare(t, got[1:], equal(8))
}
