package vip

import (
	"container/heap"
	"time"
)

// rank says how urgent a task is. Among tasks that are due, a lower rank goes
// first.
type rank int

const (
	atOnce rank = iota // the first round of a claim: not paced
	soon               // the rest of a burst, and of questions: paced
	later              // repetitions and probes: paced, and after the others
	ranks
)

// queues holds tasks by rank, each in the order in which they fall due. Whatever
// waits for its turn within a rank thus waits as long as the others there, and a
// wake-up costs no more than what it sends.
type queues [ranks]queue

// add puts the task in, or moves it to where it belongs now.
func (q *queues) add(t *task) {
	q.drop(t)
	t.queued = true
	heap.Push(&q[t.rank], t)
	t.in = t.rank
}

// drop takes the task out, if it is in.
func (q *queues) drop(t *task) {
	if t.queued {
		heap.Remove(&q[t.in], t.pos)
		t.queued = false
	}
}

// head is the task of a rank that is due first, nil if there is none.
func (q *queues) head(r rank) *task {
	if len(q[r]) == 0 {
		return nil
	}
	return q[r][0]
}

// pending reports whether there is any task.
func (q *queues) pending() bool { return len(q[atOnce])+len(q[soon])+len(q[later]) > 0 }

// next is when the first task of all falls due; zero if there is none.
func (q *queues) next() (at time.Time) {
	for r := range q {
		if t := q.head(rank(r)); t != nil && (at.IsZero() || t.due.Before(at)) {
			at = t.due
		}
	}
	return at
}

// queue is a heap of tasks by due time, and by number where that is the same.
type queue []*task

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if c := q[i].due.Compare(q[j].due); c != 0 {
		return c < 0
	}
	return q[i].number < q[j].number
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

// Push is for package heap.
func (q *queue) Push(x any) {
	t := x.(*task)
	t.pos = len(*q)
	*q = append(*q, t)
}

// Pop is for package heap.
func (q *queue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return t
}
