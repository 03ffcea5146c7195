package cluster

import (
	"context"
	"sync"
)

// notifier wakes those who wait for a change. Signals coalesce: however many
// changes there were, a waiter finds one signal and looks at the latest state.
type notifier struct {
	mu      sync.Mutex
	waiters map[chan struct{}]struct{} // guarded by mu
}

// signal never blocks.
func (n *notifier) signal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for ch := range n.waiters {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// subscribe returns a channel that holds at most one signal, until ctx ends. It
// is never closed.
func (n *notifier) subscribe(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	n.mu.Lock()
	if n.waiters == nil {
		n.waiters = map[chan struct{}]struct{}{}
	}
	n.waiters[ch] = struct{}{}
	n.mu.Unlock()
	context.AfterFunc(ctx, func() {
		n.mu.Lock()
		delete(n.waiters, ch)
		n.mu.Unlock()
	})
	return ch
}
