package node

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/supervise"
)

// deadLine is the line to a supervisor that dies when gone is closed.
type deadLine struct{ ready, gone chan struct{} }

func (l deadLine) Ready() { close(l.ready) }

func (l deadLine) Run(ctx context.Context) error {
	select {
	case <-l.gone:
		return supervise.ErrGone
	case <-ctx.Done():
		return nil
	}
}

func TestAttendLine(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	l := deadLine{make(chan struct{}), make(chan struct{})}
	close(l.gone)
	// It never gets ready: without a quorum, say.
	if err := attendLine(ctx, l, make(chan struct{})); !errors.Is(err, supervise.ErrGone) || ctx.Err() != nil {
		t.Errorf("the supervisor of a node that is not ready died: got %v, want %v", err, supervise.ErrGone)
	}

	l = deadLine{make(chan struct{}), make(chan struct{})}
	ready := make(chan struct{})
	close(ready)
	done := make(chan error, 1)
	go func() { done <- attendLine(ctx, l, ready) }()
	select {
	case <-l.ready:
	case <-ctx.Done():
		t.Fatal("the supervisor was not told that the node is ready")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("after a stop in order: %v", err)
	}
}
