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

// Starved is how much of a time the machine had no core left for something that
// was ready to run. No timer holds then, of no program.
type Starved func(from, to Instant) time.Duration

// maxExcuse bounds what a starved machine excuses at once: beyond it, a cluster
// that is stuck would go unnoticed.
const maxExcuse = 2 * time.Second

// Back is I7: with a healthy quorum the virtual IP is back within the bound of the
// fault, and with no fault nothing fails over. calm is the longest gap that needs
// no fault: the client's pace and the machine's hiccups.
func Back(good []Good, windows []Window, calm time.Duration, starved Starved) (longest time.Duration, bad []Violation) {
	for i := 1; i < len(good); i++ {
		g := Gap{good[i-1].At, good[i].At}
		took := g.To.Sub(g.From)
		longest = max(longest, took)
		if took <= calm {
			continue
		}
		name, bound := "no fault", calm
		if w, ok := during(windows, g); ok {
			name, bound = w.Name, max(w.Bound, calm)
		}
		if excuse := min(maxExcuse, starved(g.From, g.To)); took > bound+excuse {
			bad = append(bad, violation("I7", g.From, "no answer for %v after %s: the bound is %v, and for %v the machine was starved", took, name, bound, excuse))
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
// change, unless the machine was starved for as long as a lease just before.
func Unasked(timeline []Interval, windows []Window, lease time.Duration, starved Starved) (bad []Violation) {
	for i := 1; i < len(timeline); i++ {
		a, b := timeline[i-1], timeline[i]
		if a.Node == b.Node || slices.ContainsFunc(windows, func(w Window) bool { return w.From <= b.From && b.From < w.To }) {
			continue
		}
		if starved(b.From.Add(-3*lease), b.From) < lease {
			bad = append(bad, violation("I7", b.From, "%s took over from %s without a fault", b.Node, a.Node))
		}
	}
	return bad
}
