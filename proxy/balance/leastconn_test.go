package balance

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/amphora-lb/amphora/lb"
)

// Each pick goes to a member that no other beats, whatever runs already.
func TestLeastConnectionsIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, 256), 1, 20).Draw(t, "weights")
		weights[0]++ // somebody takes traffic
		members := pool(weights...)
		b := New(Config{Algorithm: lb.LeastConnections, Members: members})
		choices := make([]Choice, 80)
		for n := range choices {
			for i := range n { // some end
				if rapid.IntRange(0, 40).Draw(t, "end") == 0 {
					choices[i].Reset()
				}
			}
			before := make([]int64, len(members))
			for i := range members {
				before[i] = members[i].Load.Active()
			}
			got, ok := b.Pick(&choices[n], client(0))
			if !ok {
				t.Fatal("no member")
			}
			for i, w := range weights {
				if w > 0 && (before[i]+1)*int64(weights[got]) < (before[got]+1)*int64(w) {
					t.Fatalf("picked %d (%d active, weight %d), %d is better (%d active, weight %d)",
						got, before[got], weights[got], i, before[i], w)
				}
			}
		}
	})
}

func TestLeastConnectionsTakesTurnsWhenIdle(t *testing.T) {
	got := count(picks(t, New(Config{Algorithm: lb.LeastConnections, Members: pool(2, 2, 2, 1)}), 400), 4)
	if got[3] != 0 {
		t.Errorf("an idle member of half the weight got %d of 400", got[3])
	}
	for i, n := range got[:3] {
		if n < 99 {
			t.Errorf("member %d got %d of 400", i, n)
		}
	}
}

// Concurrent picks that hold on share the members evenly: two that look at the
// same time do not both take the same place.
func TestLeastConnectionsConcurrent(t *testing.T) {
	members := pool(1, 1, 2)
	b := New(Config{Algorithm: lb.LeastConnections, Members: members})
	const workers, each = 8, 5000
	choices := make([]Choice, workers*each)
	var wg sync.WaitGroup
	ready := make(chan struct{})
	for w := range workers {
		wg.Go(func() {
			<-ready
			for k := range each {
				b.Pick(&choices[w*each+k], client(0))
			}
		})
	}
	close(ready)
	wg.Wait()
	total := int64(0)
	for i, want := range []int64{workers * each / 4, workers * each / 4, workers * each / 2} {
		got := members[i].Load.Active()
		if total += got; got < want-workers || got > want+workers {
			t.Errorf("member %d has %d, want about %d", i, got, want)
		}
	}
	if total != workers*each {
		t.Errorf("%d are counted, %d run", total, workers*each)
	}
}
