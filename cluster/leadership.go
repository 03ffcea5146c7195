package cluster

import (
	"context"
	"sync"
)

// leadership holds the latest word of raft on whether this node leads. One
// goroutine reads raft's channel and does nothing but set it: raft must never wait
// for what a node does with its leadership.
type leadership struct {
	mu      sync.Mutex
	lead    bool          // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced by set
}

func newLeadership() *leadership { return &leadership{changed: make(chan struct{})} }

// set takes over a word of raft. Two times true mean that leadership was lost and
// won again in between: the earlier term is over with every word.
func (l *leadership) set(lead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lead = lead
	close(l.changed)
	l.changed = make(chan struct{})
}

// await blocks until this node leads. The channel is closed with the next word.
func (l *leadership) await(ctx context.Context) (<-chan struct{}, error) {
	for {
		l.mu.Lock()
		lead, changed := l.lead, l.changed
		l.mu.Unlock()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if lead {
			return changed, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
