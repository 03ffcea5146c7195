package flowlog

import (
	"bytes"
	"context"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// Target is where lines can go. Its methods are called by one goroutine.
type Target interface {
	// Write writes lines, each of which ends in a newline, and returns how many bytes of
	// whole lines it has written for certain. After an error it is closed, and opened by
	// the next Write. It may block until ctx ends.
	Write(ctx context.Context, lines []byte) (n int, err error)
	// Close lets go of what is open.
	Close() error
	// String names the target for people.
	String() string
}

// writer takes lines from the queues of a log to its targets.
type writer struct {
	log    *Log
	at     int // the target in use
	since  time.Time
	told   uint64 // drops
	broken bool   // the last attempt failed
	timer  *time.Timer
}

// wait returns after d, or when ctx ends.
func (w *writer) wait(ctx context.Context, d time.Duration) {
	w.timer.Reset(d)
	select {
	case <-w.timer.C:
	case <-ctx.Done():
	}
}

func (w *writer) close() {
	w.timer.Stop()
	for _, t := range w.log.cfg.Targets {
		_ = t.Close()
	}
	w.told = w.log.complain(w.told)
}

// writeAll writes what is in the queues now.
func (w *writer) writeAll(ctx context.Context) {
	for i := range w.log.shards {
		s := &w.log.shards[i]
		s.mu.Lock()
		s.lines, s.spare = s.spare[:0], s.lines
		s.mu.Unlock()
		w.write(ctx, s.spare)
	}
	w.told = w.log.complain(w.told)
}

// write writes lines, to whichever target takes them, until ctx ends. What is not
// written then is dropped.
func (w *writer) write(ctx context.Context, lines []byte) {
	for len(lines) > 0 && ctx.Err() == nil {
		w.failBack()
		n, ok := w.try(ctx, lines)
		w.log.waiting.Add(-count(lines[:n]))
		lines = lines[n:]
		if !ok {
			w.told = w.log.complain(w.told)
			w.wait(ctx, w.log.cfg.Retry)
		}
	}
	if left := count(lines); left > 0 {
		w.log.waiting.Add(-left)
		w.log.dropped.Add(uint64(left))
	}
}

func count(lines []byte) int64 { return int64(bytes.Count(lines, []byte{'\n'})) }

// failBack returns to the first target when it is time.
func (w *writer) failBack() {
	if w.at > 0 && time.Since(w.since) >= w.log.cfg.FailBack {
		w.at, w.since = 0, time.Now()
	}
}

// try writes to the target in use, or to the next ones. ok is false if none of them took
// anything.
func (w *writer) try(ctx context.Context, lines []byte) (n int, ok bool) {
	targets, log := w.log.cfg.Targets, w.log.cfg.Logger
	for range targets {
		t := targets[w.at]
		n, err := t.Write(ctx, lines)
		if err == nil || n > 0 {
			if w.broken {
				log.Info("log lines are written again", logkey.Target, t.String())
			}
			w.broken = false
			return n, true
		}
		if !w.broken || len(targets) > 1 {
			log.Warn("log lines cannot be written there", logkey.Target, t.String(), logkey.Err, err)
		}
		w.at, w.since = (w.at+1)%len(targets), time.Now()
	}
	w.broken = true
	return 0, false
}
