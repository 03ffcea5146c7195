package balance

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amphora-lb/amphora/lb"
)

var algorithms = []lb.Algorithm{lb.RoundRobin, lb.LeastConnections, lb.SourceIP}

// pool makes members with these weights.
func pool(weights ...int) []Member {
	members := make([]Member, len(weights))
	for i, w := range weights {
		members[i] = Member{ID: lb.MemberID(fmt.Sprintf("%08x-0000-4000-8000-%012x", mix(uint64(i))>>32, i)), Weight: w, Load: new(Load)}
	}
	return members
}

func equal(n int) []int {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

func client(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24+uint32(n))
	return netip.AddrFrom4(b)
}

// picks makes n picks that end at once and returns what they chose.
func picks(t testing.TB, b *Balancer, n int) []int {
	t.Helper()
	var c Choice
	got := make([]int, n)
	for i := range got {
		index, ok := b.Pick(&c, client(i))
		if !ok {
			t.Fatalf("pick %d of %d: no member", i, n)
		}
		got[i] = index
		c.Reset()
	}
	return got
}

func count(picked []int, members int) []int {
	n := make([]int, members)
	for _, i := range picked {
		n[i]++
	}
	return n
}

func TestPickWithoutMembers(t *testing.T) {
	for _, a := range algorithms {
		for _, members := range [][]Member{nil, pool(0), pool(0, 0)} {
			var c Choice
			if i, ok := New(Config{Algorithm: a, Members: members}).Pick(&c, client(1)); ok {
				t.Errorf("%s over %d members of weight 0: got %d", a, len(members), i)
			}
		}
	}
}

func TestWeightZeroDrains(t *testing.T) {
	for _, a := range algorithms {
		members := pool(1, 0, 1)
		got := count(picks(t, New(Config{Algorithm: a, Members: members}), 1000), 3)
		if got[1] != 0 || got[0] == 0 || got[2] == 0 {
			t.Errorf("%s: picks %v", a, got)
		}
	}
}

func TestRetriesVisitEveryMemberOnce(t *testing.T) {
	for _, a := range algorithms {
		for _, n := range []int{1, 2, 5, MaxTried} {
			t.Run(fmt.Sprint(a, n), func(t *testing.T) {
				members := pool(equal(n)...)
				members[0].Weight = 200
				b := New(Config{Algorithm: a, Members: members})
				for k := range 50 {
					var c Choice
					seen := map[int]bool{}
					for range n {
						i, ok := b.Pick(&c, client(k))
						if !ok || seen[i] {
							t.Fatalf("client %d: got %d, %v after %v", k, i, ok, seen)
						}
						seen[i] = true
					}
					if i, ok := b.Pick(&c, client(k)); ok {
						t.Fatalf("client %d: got %d again", k, i)
					}
					c.Forget()
					if _, ok := b.Pick(&c, client(k)); !ok {
						t.Fatalf("client %d: nothing after Forget", k)
					}
					c.Release()
				}
				for i := range members {
					if got := members[i].Load.Active(); got != 0 {
						t.Errorf("member %d: %d active after everything was released", i, got)
					}
				}
			})
		}
	}
}

// More attempts than a Choice remembers still find somebody.
func TestRetriesBeyondMemory(t *testing.T) {
	for _, a := range algorithms {
		b := New(Config{Algorithm: a, Members: pool(equal(MaxTried + 2)...)})
		var c Choice
		last := -1
		for range 5 * MaxTried {
			i, ok := b.Pick(&c, client(7))
			if !ok || i == last {
				t.Fatalf("%s: got %d, %v after %d", a, i, ok, last)
			}
			last = i
		}
	}
}

func TestChoiceSurvivesANewBalancer(t *testing.T) {
	for _, a := range algorithms {
		members := pool(1, 1, 1)
		old := New(Config{Algorithm: a, Members: members})
		var c Choice
		first, _ := old.Pick(&c, client(1))
		if got := members[first].Load.Active(); got != 1 {
			t.Fatalf("%s: %d active after a pick", a, got)
		}
		reversed := []Member{members[2], members[1], members[0]}
		second, ok := New(Config{Algorithm: a, Members: reversed, Previous: old}).Pick(&c, client(1))
		if !ok || reversed[second].ID == members[first].ID {
			t.Errorf("%s: the retry went to the same member", a)
		}
		if got := members[first].Load.Active(); got != 0 {
			t.Errorf("%s: the member of the first attempt still counts %d", a, got)
		}
		c.Release()
		c.Release()
		if got := reversed[second].Load.Active(); got != 0 {
			t.Errorf("%s: %d active after two releases", a, got)
		}
	}
}

func TestMembersAreNotModified(t *testing.T) {
	for _, a := range algorithms {
		members := pool(3, 0, 1, 2)
		want := append([]Member(nil), members...)
		New(Config{Algorithm: a, Members: members})
		same := cmp.Comparer(func(a, b *Load) bool { return a == b })
		if diff := cmp.Diff(want, members, same); diff != "" {
			t.Errorf("%s: %s", a, diff)
		}
	}
}

// A pool that has traffic gets its new table before the next pick, one without
// traffic gets none.
func TestTablesAreMadeWhenNeeded(t *testing.T) {
	members := pool(3, 2, 1)
	has := func(b *Balancer) bool { return b.maglev != nil || b.rotation.slots != nil }
	for _, a := range []lb.Algorithm{lb.RoundRobin, lb.SourceIP} {
		replace := func(old *Balancer) *Balancer {
			return New(Config{Algorithm: a, Members: members[:2], Previous: old})
		}
		b := New(Config{Algorithm: a, Members: members})
		if has(b) || has(replace(b)) {
			t.Errorf("%s: a pool without traffic got a table", a)
		}
		picks(t, b, 1)
		if b = replace(b); !has(b) {
			t.Errorf("%s: a pool with traffic got no table", a)
		}
		if has(replace(b)) {
			t.Errorf("%s: a pool without traffic got a table again", a)
		}
	}
}

// Every count goes back to zero whatever picks, retries and releases do.
func TestCountsAreReleasedExactlyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := pool(rapid.SliceOfN(rapid.IntRange(0, 4), 1, 12).Draw(t, "weights")...)
		algorithm := rapid.SampledFrom(algorithms[:2]).Draw(t, "algorithm")
		b := New(Config{Algorithm: algorithm, Members: members})
		choices := make([]Choice, 4)
		on := map[int]int{} // choice to member
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			n := rapid.IntRange(0, len(choices)-1).Draw(t, "choice")
			c := &choices[n]
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				c.Release()
				delete(on, n)
			case 1:
				c.Forget()
			case 2:
				b = New(Config{Algorithm: algorithm, Members: members, Previous: b})
			default:
				delete(on, n)
				if i, ok := b.Pick(c, client(n)); ok {
					on[n] = i
				}
			}
			want := make([]int64, len(members))
			for _, i := range on {
				want[i]++
			}
			for i := range members {
				if got := members[i].Load.Active(); got != want[i] {
					t.Fatalf("member %d counts %d, %d run on it", i, got, want[i])
				}
			}
		}
	})
}

func TestConcurrentPicks(t *testing.T) {
	for _, a := range algorithms {
		t.Run(string(a), func(t *testing.T) {
			members := pool(5, 1, 1, 2, 3)
			b := New(Config{Algorithm: a, Members: members})
			const workers, each = 8, 12 * 100
			counts := make([][]int, workers)
			var wg sync.WaitGroup
			for w := range workers {
				counts[w] = make([]int, len(members))
				wg.Go(func() {
					var c Choice
					for k := range each {
						i, ok := b.Pick(&c, client(w*each+k))
						if !ok {
							t.Errorf("no member")
							return
						}
						counts[w][i]++
						c.Reset()
					}
				})
			}
			wg.Wait()
			total := make([]int, len(members))
			for _, n := range counts {
				for i := range n {
					total[i] += n[i]
				}
			}
			if a == lb.RoundRobin {
				want := []int{4000, 800, 800, 1600, 2400}
				if diff := cmp.Diff(want, total); diff != "" {
					t.Errorf("shares are not exact: %s", diff)
				}
			}
			for i := range members {
				if got := members[i].Load.Active(); got != 0 {
					t.Errorf("member %d: %d active", i, got)
				}
			}
		})
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	for _, a := range algorithms {
		for _, weights := range [][]int{{1}, {1, 1}, {5, 1, 1}, equal(100)} {
			b := New(Config{Algorithm: a, Members: pool(weights...)})
			key := client(3)
			if got := testing.AllocsPerRun(100, func() {
				var c Choice
				b.Pick(&c, key)
				b.Pick(&c, key)
				c.Reset()
			}); got != 0 {
				t.Errorf("%s over %d members: %v allocations", a, len(weights), got)
			}
		}
	}
}

// chiSquare fails if the counts deviate from the weights by more than chance
// does once in a million runs (normal approximation of the distribution).
func chiSquare(t *testing.T, counts, weights []int) {
	t.Helper()
	n, total := 0, 0
	for i := range counts {
		n += counts[i]
		total += weights[i]
	}
	sum := 0.0
	for i := range counts {
		want := float64(n) * float64(weights[i]) / float64(total)
		sum += (float64(counts[i]) - want) * (float64(counts[i]) - want) / want
	}
	df := float64(len(counts) - 1)
	if limit := df + 5*math.Sqrt(2*df); sum > limit {
		t.Errorf("chi-square %.1f is above %.1f: counts %v of weights %v", sum, limit, counts, weights)
	}
}
