package health

import (
	"container/heap"
	"time"
)

// check is a target with its state.
type check struct {
	Target
	verdict verdict
	reason  string    // what the last check that failed found
	due     time.Time // of the next probe
	begun   bool      // has been probed
	index   int       // in the schedule; -1: being probed
	dropped bool      // no longer a target: the result of its probe is void
}

// schedule holds the checks that wait, the next one first.
type schedule []*check

func (s *schedule) add(c *check) { heap.Push(s, c) }

// drop takes c out, wherever it is.
func (s *schedule) drop(c *check) {
	c.dropped = true
	if c.index >= 0 {
		heap.Remove(s, c.index)
	}
}

// next takes out the first check if it is due. Else it returns nil and the time
// until then; negative: there is none.
func (s *schedule) next(now time.Time) (*check, time.Duration) {
	if len(*s) == 0 {
		return nil, -1
	}
	if wait := (*s)[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	return heap.Pop(s).(*check), 0
}

// nextDue is when a check that was due at due, and begins now, is due again: a whole
// number of delays later, but not before half a delay has passed. So every check
// keeps its place within the delay. Counted from now, all that are late together
// (the process was stopped, or MaxInFlight were hanging) would stay together.
func nextDue(due, now time.Time, delay time.Duration) time.Time {
	late := now.Add(delay / 2).Sub(due)
	if late <= delay {
		return due.Add(delay)
	}
	return due.Add((late + delay - 1) / delay * delay)
}

// What follows is for container/heap.

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].due.Before(s[j].due) }

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}

// Push is for container/heap; use add.
func (s *schedule) Push(x any) {
	c := x.(*check)
	c.index = len(*s)
	*s = append(*s, c)
}

// Pop is for container/heap; use next.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	c := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	c.index = -1
	return c
}
