package flowlog

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// Config configures a [Log].
type Config struct {
	Logger *slog.Logger // of what goes wrong with the log itself; nil: discard
	Format Format
	// Targets are where lines go: the first that takes them. When it fails the next one
	// is used, and the first is tried again after FailBack.
	Targets []Target
	Queue   int           // lines that may wait; more are dropped. 0: 10,000
	Retry   time.Duration // the wait when no target takes lines. 0: 2 s
	// FailBack is how long another than the first target is used before the first is
	// tried again. 0: 30 s.
	FailBack time.Duration
}

// The defaults of Config; those of Octavia where it has them.
const (
	defaultQueue    = 10_000
	defaultRetry    = 2 * time.Second
	defaultFailBack = 30 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	if c.Retry <= 0 {
		c.Retry = defaultRetry
	}
	if c.FailBack <= 0 {
		c.FailBack = defaultFailBack
	}
	return c
}

// gather is how long lines are gathered before they are written: a write costs the same
// for many.
const gather = 50 * time.Millisecond

// shards is how many queues there are, so that connections that end at the same time
// rarely meet at one.
const shards = 16

// Log writes records. Add and Dropped may be called from any number of goroutines.
type Log struct {
	cfg     Config
	wake    chan struct{} // holds one signal: there are lines
	waiting atomic.Int64  // lines in the queues, or being written
	dropped atomic.Uint64
	shards  [shards]shard
}

// shard is one of the queues: lines, each with its end, in the order in which they came.
type shard struct {
	mu    sync.Mutex
	lines []byte // guarded by mu
	clock clock  // guarded by mu
	spare []byte // of the writer: swapped with lines, so that both stay as large as they got
	_     [64]byte
}

// New returns a Log that writes nothing until Run.
func New(cfg Config) *Log {
	return &Log{cfg: cfg.withDefaults(), wake: make(chan struct{}, 1)}
}

// Add queues the line of r, or drops it. It does not wait for anything but another Add
// of the same shard, and allocates nothing once the queues have grown. who spreads the
// callers over the shards: any number that differs between connections.
func (l *Log) Add(r *Record, who uint64) {
	if l.waiting.Add(1) > int64(l.cfg.Queue) {
		l.waiting.Add(-1)
		l.dropped.Add(1)
		return
	}
	at := time.Now()
	s := &l.shards[who%shards]
	s.mu.Lock()
	first := len(s.lines) == 0
	s.lines = append(l.cfg.Format.append(s.lines, r, &s.clock, at), '\n')
	s.mu.Unlock()
	if first {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// Dropped is how many records were dropped because the queue was full, since New.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// lastWords is how long Run goes on after the end of its context, to write what waits.
const lastWords = time.Second

// Run writes until ctx ends, then what is left if that is done within a second. It must
// be called once.
func (l *Log) Run(ctx context.Context) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })()
	w := &writer{log: l, timer: time.NewTimer(0)}
	defer w.close()
	for ctx.Err() == nil {
		select {
		case <-l.wake:
			w.wait(ctx, gather)
			w.writeAll(last)
		case <-ctx.Done():
		}
	}
	w.writeAll(last)
}

// complain tells of drops that have not been told of.
func (l *Log) complain(told uint64) uint64 {
	n := l.dropped.Load()
	if n > told {
		l.cfg.Logger.Warn("log lines were dropped: they came faster than they could be written",
			logkey.Count, n-told, "total", n)
	}
	return n
}
