package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// at is real time in nanoseconds since the world began. No host can read it.
type at int64

func (t at) add(d time.Duration) at { return t + at(d) }

// World is one run.
type World struct {
	seed  uint64
	kind  Kind
	rng   *rand.Rand
	now   at
	seq   uint64
	queue queue
	steps int
	limit int // of steps

	timing  lease.Timing
	hosts   []*host
	voters  []lease.ID
	net     network
	stall   float64 // chance that an action is carried out late
	calm    bool    // no faults now
	check   checker
	trace   trace
	Counts  Counts
	problem *Violation
}

// Violation is something that must never happen.
type Violation struct {
	Seed  uint64
	Kind  Kind
	At    time.Duration
	What  string
	Trace []string // the last events before it
}

func (v *Violation) Error() string {
	return fmt.Sprintf("seed %d (%v) at %v: %s", v.Seed, v.Kind, v.At, v.What)
}

// Run runs the world of a seed for at most so many steps, and returns what it has
// counted. The error is a *Violation.
func Run(seed uint64, kind Kind, steps int) (Counts, error) {
	w := newWorld(seed, kind, steps)
	w.scenario()
	for w.problem == nil && w.steps < w.limit && len(w.queue) > 0 {
		w.step()
	}
	w.Counts.Steps = w.steps
	if w.problem != nil {
		return w.Counts, w.problem
	}
	return w.Counts, nil
}

func (w *World) step() {
	e := w.queue.pop()
	w.now = e.at
	w.steps++
	e.do()
}

// runUntil runs up to an instant of real time.
func (w *World) after(d time.Duration, do func()) {
	w.seq++
	w.queue.push(event{at: w.now.add(max(d, 0)), seq: w.seq, do: do})
}

// violate ends the run.
func (w *World) violate(format string, args ...any) {
	if w.problem == nil {
		w.problem = &Violation{Seed: w.seed, Kind: w.kind, At: time.Duration(w.now), What: fmt.Sprintf(format, args...), Trace: w.trace.lines()}
	}
}

// Helpers of chance.

func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// between returns a duration in [lo, hi).
func (w *World) between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(w.rng.Int64N(int64(hi-lo)))
}

func pick[T any](w *World, list []T) T { return list[w.rng.IntN(len(list))] }

// event is something that will happen.
type event struct {
	at  at
	seq uint64 // of two at one instant, the older goes first
	do  func()
}

func (e event) before(o event) bool { return e.at < o.at || (e.at == o.at && e.seq < o.seq) }

// queue is a binary heap of events.
type queue []event

func (q *queue) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !h[i].before(h[p]) {
			break
		}
		h[i], h[p] = h[p], h[i]
		i = p
	}
	*q = h
}

func (q *queue) pop() event {
	h := *q
	top, n := h[0], len(h)-1
	h[0], h[n] = h[n], event{}
	h = h[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	*q = h
	return top
}
