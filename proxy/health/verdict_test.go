package health

import (
	"testing"

	"pgregory.net/rapid"
)

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name       string
		rise, fall int
		results    string // + success, - failure
		want       string // U unknown, H healthy, D unhealthy; before and after each result
	}{
		{"first success decides", 3, 3, "+", "UH"},
		{"first failure decides", 3, 3, "-", "UD"},
		{"fall failures in a row", 3, 3, "+---", "UHHHD"},
		{"rise successes in a row", 3, 2, "-+++", "UDDDH"},
		{"thresholds of one", 1, 1, "+-+-", "UHDHD"},
		{"flapping below fall", 2, 3, "+--+--+--", "UHHHHHHHHH"},
		{"flapping below rise", 3, 2, "-++-++-++", "UDDDDDDDDD"},
		{"a full round", 2, 3, "+---++---", "UHHHDDHHHD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			letter := map[Status]string{Unknown: "U", Healthy: "H", Unhealthy: "D"}
			var v verdict
			got := letter[v.status]
			for _, r := range tt.results {
				v = v.next(r == '+', tt.rise, tt.fall)
				got += letter[v.status]
			}
			if got != tt.want {
				t.Errorf("rise %d, fall %d, results %s: got %s, want %s", tt.rise, tt.fall, tt.results, got, tt.want)
			}
		})
	}
}

// A member is what the last long enough run of equal results says.
func TestVerdictFollowsRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rise := rapid.IntRange(1, 10).Draw(t, "rise")
		fall := rapid.IntRange(1, 10).Draw(t, "fall")
		results := rapid.SliceOfN(rapid.Bool(), 1, 60).Draw(t, "results")
		var v verdict
		want, run := Unknown, 0
		for i, ok := range results {
			if i > 0 && ok == results[i-1] {
				run++
			} else {
				run = 1
			}
			switch {
			case ok && (i == 0 || run >= rise):
				want = Healthy
			case !ok && (i == 0 || run >= fall):
				want = Unhealthy
			}
			if v = v.next(ok, rise, fall); v.status != want {
				t.Fatalf("after %v: %v, want %v", results[:i+1], v.status, want)
			}
		}
	})
}

func TestOnlyUnhealthyIsNotUsable(t *testing.T) {
	for s, want := range map[Status]bool{Unknown: true, Healthy: true, Unhealthy: false} {
		if s.Usable() != want {
			t.Errorf("%v: usable is %v", s, s.Usable())
		}
	}
}
