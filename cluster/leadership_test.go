package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestLeadershipEndsWithEveryWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeadership()
		led := make(chan (<-chan struct{}))
		go func() {
			over, err := l.await(t.Context())
			if err != nil {
				t.Error(err)
			}
			led <- over
		}()
		l.set(false)
		synctest.Wait()
		select {
		case <-led:
			t.Fatal("it leads before raft has said so")
		default:
		}
		l.set(true)
		over := <-led
		l.set(true) // raft dropped the false in between
		select {
		case <-over:
		default:
			t.Error("the term goes on after it was lost and won again")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.await(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("await after the end: %v", err)
		}
	})
}
