package sim

import (
	"errors"
	"strings"
	"testing"
)

// TestWorlds runs worlds of every kind. Which they are depends on nothing but the
// constants of steps_test.go, so that a failure can be repeated.
func TestWorlds(t *testing.T) {
	var total Counts
	for seed := range uint64(seeds) {
		counts, err := Run(seed, KindOf(seed), steps)
		total.Add(counts)
		if v := (*Violation)(nil); errors.As(err, &v) {
			t.Fatalf("%s\n%v\nagain: go run ./cluster/lease/sim/run -seed %d -seeds 1 -steps %d -kind %v",
				strings.Join(v.Trace, "\n"), v, seed, steps, v.Kind)
		}
	}
	t.Log(total)
	if missing := total.Missing(); len(missing) > 0 {
		t.Errorf("the worlds never saw: %v", missing)
	}
}

// TestSameSeedSameRun proves that a seed is enough to repeat a run.
func TestSameSeedSameRun(t *testing.T) {
	for _, kind := range []Kind{Chaos, Edge} {
		a, _ := Run(5, kind, 20_000)
		b, _ := Run(5, kind, 20_000)
		if a != b {
			t.Errorf("%v: two runs of one seed:\n%v\n%v", kind, a, b)
		}
	}
}

// TestSplitIsKnown documents what a cluster of two risks: where both reach the
// gateway and neither reaches the other, both gates are open. The worlds that are
// not like that never see it; this one must, or nothing would look for it.
func TestSplitIsKnown(t *testing.T) {
	_, err := Run(1, Split, steps)
	if err == nil || !strings.Contains(err.Error(), "two gates are open") {
		t.Fatalf("got %v, want two open gates", err)
	}
}
