package cluster

import (
	"context"
	"sync"
)

// tasks are goroutines that nobody waits for, until the end of the node.
type tasks struct {
	mu     sync.Mutex
	ctx    context.Context // guarded by mu; nil before open
	end    context.CancelFunc
	names  map[string]bool // guarded by mu; those that run
	closed bool            // guarded by mu
	wg     sync.WaitGroup
}

// start runs do, unless a task of that name runs or the node ends. It never blocks.
func (t *tasks) start(name string, do func(ctx context.Context)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.names[name] {
		return
	}
	if t.ctx == nil {
		t.ctx, t.end = context.WithCancel(context.Background())
		t.names = map[string]bool{}
	}
	t.names[name] = true
	ctx := t.ctx
	t.wg.Go(func() {
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			delete(t.names, name)
		}()
		do(ctx)
	})
}

// stop ends all tasks and waits for them. None begins any more.
func (t *tasks) stop() {
	t.mu.Lock()
	t.closed = true
	if t.end != nil {
		t.end()
	}
	t.mu.Unlock()
	t.wg.Wait()
}
