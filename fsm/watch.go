package fsm

import (
	"context"
	"sync"
)

// watchers are channels with room for one signal each. The zero value is ready.
type watchers struct {
	mu     sync.Mutex
	closed bool                          // guarded by mu
	stops  map[chan struct{}]func() bool // guarded by mu
}

// watch returns a channel with its first signal in it.
func (w *watchers) watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || ctx.Err() != nil {
		close(ch)
		return ch
	}
	ch <- struct{}{}
	if w.stops == nil {
		w.stops = make(map[chan struct{}]func() bool)
	}
	w.stops[ch] = context.AfterFunc(ctx, func() { w.drop(ch) })
	return ch
}

// wake leaves a signal in every channel that has none. It does not block.
func (w *watchers) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.stops {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (w *watchers) drop(ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.stops[ch]; ok {
		delete(w.stops, ch)
		close(ch)
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for ch, stop := range w.stops {
		stop()
		delete(w.stops, ch)
		close(ch)
	}
}
