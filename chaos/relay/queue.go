package relay

import (
	"container/heap"
	"sync"
	"time"
)

// maxQueue bounds the frames that are under way in one direction. One more is
// dropped, as a switch would.
const maxQueue = 4096

// queue holds frames until they arrive.
type queue struct {
	wake chan struct{} // has room for one: something was added

	mu     sync.Mutex
	frames frames // guarded by mu
	seq    uint64 // guarded by mu
}

type delayed struct {
	at   time.Time
	seq  uint64 // keeps the order of frames that arrive at the same time
	data []byte
}

// frames is a heap, the next to arrive first.
type frames []delayed

// Len implements heap.Interface.
func (f frames) Len() int { return len(f) }

// Less implements heap.Interface.
func (f frames) Less(i, j int) bool {
	if !f[i].at.Equal(f[j].at) {
		return f[i].at.Before(f[j].at)
	}
	return f[i].seq < f[j].seq
}

// Swap implements heap.Interface.
func (f frames) Swap(i, j int) { f[i], f[j] = f[j], f[i] }

// Push implements heap.Interface.
func (f *frames) Push(x any) { *f = append(*f, x.(delayed)) }

// Pop implements heap.Interface.
func (f *frames) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// add puts a frame on its way, and keeps the slice. It reports whether there was
// room.
func (q *queue) add(data []byte, at time.Time) bool {
	q.mu.Lock()
	full := len(q.frames) >= maxQueue
	if !full {
		q.seq++
		heap.Push(&q.frames, delayed{at, q.seq, data})
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // it will look at this frame too
	}
	return !full
}

// due takes out the next frame that has arrived by now, or says how long there is
// none; negative: there is none under way.
func (q *queue) due(now time.Time) (data []byte, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		return nil, -1
	}
	if wait := q.frames[0].at.Sub(now); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&q.frames).(delayed).data, 0
}
