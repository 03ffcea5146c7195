package cluster

import (
	"context"
	"fmt"
	"sync"
)

// calls counts what waits for raft. Raft never answers for entries that it has
// committed and not yet applied when it is shut down, so the node waits for them
// before.
type calls struct {
	mu   sync.Mutex
	open int           // guarded by mu
	idle chan struct{} // guarded by mu; closed when open falls to 0; nil: nobody waits
}

// await runs do and gives up waiting for it when ctx ends: raft's futures know no
// deadline, and without a quorum they stay open until the leader steps down.
func (c *calls) await(ctx context.Context, do func() error) error {
	c.mu.Lock()
	c.open++
	c.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		defer c.leave()
		done <- do()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

func (c *calls) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if c.open == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// drain waits until nothing waits for raft, or ctx ends. One goroutine may call it.
func (c *calls) drain(ctx context.Context) error {
	c.mu.Lock()
	if c.open == 0 {
		c.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	c.idle = idle
	c.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
