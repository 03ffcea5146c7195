package event

import (
	"context"
	"sync"
	"time"
)

// DefaultSize is how many events a [Log] keeps when Config.Size is 0.
const DefaultSize = 1024

// Config of a [Log]. The zero value is useful.
type Config struct {
	Node string // name that events carry unless they bring one
	Size int    // events kept; 0: [DefaultSize]
	Now  func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Size <= 0 {
		c.Size = DefaultSize
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Log is a ring of the newest events. Any number of goroutines may append and
// read. The writer waits for nobody: a [Reader] that is slow loses the oldest
// events and is told how many.
type Log struct {
	cfg Config

	mu   sync.Mutex
	ring []Event       // guarded by mu; the event with sequence s is at (s-1) % Size
	last uint64        // guarded by mu; sequence of the newest event, 0: none
	more chan struct{} // guarded by mu; closed by the next Append, nil while nobody waits
}

// NewLog makes an empty log.
func NewLog(cfg Config) *Log { return &Log{cfg: cfg.withDefaults()} }

// Append adds e to the log, wakes the readers and returns e as it was stored.
// It never blocks on a reader.
func (l *Log) Append(e Event) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	e.Seq = l.last
	if e.At.IsZero() {
		e.At = l.cfg.Now()
	}
	e.At = e.At.UTC()
	if e.Node == "" {
		e.Node = l.cfg.Node
	}
	if len(l.ring) < l.cfg.Size {
		l.ring = append(l.ring, e)
	} else {
		*l.atLocked(e.Seq) = e
	}
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return e
}

// Tail returns a reader that begins with the last n events; n 0 reads only what
// is yet to come.
func (l *Log) Tail(n uint64) *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, uint64(len(l.ring)))
	return &Reader{log: l, next: l.last - n + 1}
}

// Since returns a reader that begins with the oldest kept event that happened
// at t or later.
func (l *Log) Since(t time.Time) *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq := l.oldestLocked()
	for seq <= l.last && l.atLocked(seq).At.Before(t) {
		seq++
	}
	return &Reader{log: l, next: seq}
}

// atLocked returns the place of a kept sequence number in the ring.
func (l *Log) atLocked(seq uint64) *Event {
	return &l.ring[(seq-1)%uint64(l.cfg.Size)]
}

// oldestLocked is the sequence number of the oldest kept event.
func (l *Log) oldestLocked() uint64 { return l.last - uint64(len(l.ring)) + 1 }

// Reader is a place in a [Log]. It holds nothing that must be released. One
// goroutine at a time may use it.
type Reader struct {
	log  *Log
	next uint64 // sequence of the event to read next
}

// Next blocks until there is an event and returns it with the number of events
// that were dropped unread before it. The error is ctx's.
func (r *Reader) Next(ctx context.Context) (e Event, missed uint64, err error) {
	for {
		e, missed, ok, more := r.poll()
		if ok {
			return e, missed, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Event{}, 0, context.Cause(ctx)
		}
	}
}

// Try is Next without waiting; ok is false when there is no event yet.
func (r *Reader) Try() (e Event, missed uint64, ok bool) {
	e, missed, ok, _ = r.poll()
	return e, missed, ok
}

func (r *Reader) poll() (e Event, missed uint64, ok bool, more <-chan struct{}) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.next > l.last {
		if l.more == nil {
			l.more = make(chan struct{})
		}
		return Event{}, 0, false, l.more
	}
	if oldest := l.oldestLocked(); r.next < oldest {
		missed = oldest - r.next
		r.next = oldest
	}
	e = *l.atLocked(r.next)
	r.next++
	return e, missed, true, nil
}
