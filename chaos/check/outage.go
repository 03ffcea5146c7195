package check

import (
	"slices"
	"time"
)

// Good is when requests were answered well, and by whom, in order of time.
type Good struct {
	At   Instant
	Node string // whose MAC had the virtual IP then; empty: unknown
}

// Gap is a time without a good answer.
type Gap struct{ From, To Instant }

// Window is a time during which the virtual IP may be away for Bound: from a fault
// until the cluster is whole again. Outside of every window it must be there all
// the time.
type Window struct {
	Name     string
	From, To Instant
	Bound    time.Duration
}

// Back is I7: with a healthy quorum the virtual IP is back within the bound of the
// fault, and with no fault nothing fails over. calm is the longest gap that needs
// no fault: the client's pace and the machine's hiccups.
func Back(good []Good, windows []Window, calm time.Duration) (longest time.Duration, bad []Violation) {
	for i := 1; i < len(good); i++ {
		g := Gap{good[i-1].At, good[i].At}
		took := g.To.Sub(g.From)
		longest = max(longest, took)
		if took <= calm {
			continue
		}
		w, ok := during(windows, g)
		switch {
		case !ok:
			bad = append(bad, violation("I7", g.From, "no answer for %v without a fault", took))
		case took > w.Bound:
			bad = append(bad, violation("I7", g.From, "no answer for %v after %s: the bound is %v", took, w.Name, w.Bound))
		}
	}
	return longest, bad
}

// during finds the most generous of the windows that the gap touches.
func during(windows []Window, g Gap) (Window, bool) {
	var found Window
	for _, w := range windows {
		if g.From < w.To && w.From < g.To && w.Bound >= found.Bound {
			found = w
		}
	}
	return found, found.Bound > 0
}

// Unasked is the other half of I7: outside of the windows, the holder does not
// change.
func Unasked(timeline []Interval, windows []Window) (bad []Violation) {
	for i := 1; i < len(timeline); i++ {
		a, b := timeline[i-1], timeline[i]
		if a.Node == b.Node || slices.ContainsFunc(windows, func(w Window) bool { return w.From <= b.From && b.From < w.To }) {
			continue
		}
		bad = append(bad, violation("I7", b.From, "%s took over from %s without a fault", b.Node, a.Node))
	}
	return bad
}
