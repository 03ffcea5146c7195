package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallsDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c calls
		if err := c.drain(t.Context()); err != nil {
			t.Errorf("nothing is open: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error)
		given := make(chan error)
		go func() { given <- c.await(ctx, func() error { return <-answer }) }()
		synctest.Wait()
		cancel()
		if err := <-given; !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("given up: got %v, want %v", err, ErrUnknownOutcome)
		}
		short, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		if err := c.drain(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("still open: got %v, want a deadline exceeded", err)
		}
		drained := make(chan error)
		go func() { drained <- c.drain(t.Context()) }()
		synctest.Wait()
		answer <- nil
		if err := <-drained; err != nil {
			t.Errorf("answered: %v", err)
		}
	})
}
