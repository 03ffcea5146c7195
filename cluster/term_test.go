package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stage is a raft that does what the test says.
type stage struct {
	terms *terms
	term  uint64

	mu     sync.Mutex
	events []string // guarded by mu

	barrier func(ctx context.Context) error
	resign  func() error
	work    func(ctx context.Context, term uint64) error
}

func newStage() *stage {
	s := &stage{
		barrier: func(context.Context) error { return nil },
		resign:  func() error { return nil },
	}
	s.work = func(ctx context.Context, _ uint64) error { <-ctx.Done(); return ctx.Err() }
	s.terms = &terms{
		latest:  newLeadership(),
		current: func() uint64 { return s.term },
		barrier: func(ctx context.Context) error { return s.barrier(ctx) },
		resign: func(context.Context) error {
			s.log("resign")
			return s.resign()
		},
		logger: slog.New(slog.DiscardHandler),
	}
	return s
}

func (s *stage) log(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, fmt.Sprintf(format, args...))
}

// play runs the terms while script says what raft does, and checks that after it
// exactly these things have happened.
func (s *stage) play(t *testing.T, script func(), want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.terms.latest = newLeadership() // its channels must be of the bubble
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- s.terms.run(ctx, func(ctx context.Context, term uint64) error {
				s.log("begin %d", term)
				defer s.log("end %d", term)
				return s.work(ctx, term)
			})
		}()
		synctest.Wait()
		script()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run returned %v", err)
		}
		if diff := cmp.Diff(want, s.events); diff != "" {
			t.Error(diff)
		}
	})
}

// raft tells what raft says on its channel, and lets the consequences happen.
func (s *stage) raft(lead bool, term uint64) {
	s.term = term
	s.terms.latest.set(lead)
	synctest.Wait()
}

func TestTermsFollowRaft(t *testing.T) {
	s := newStage()
	s.play(t, func() {
		s.raft(true, 2)
		s.raft(false, 3)
		s.log("follower")
		s.raft(true, 4)
	}, "begin 2", "end 2", "follower", "begin 4", "end 4")
}

func TestFollowerServesNothing(t *testing.T) {
	s := newStage()
	s.play(t, func() { s.raft(false, 2) })
}

func TestRepeatedTrueEndsTheTerm(t *testing.T) {
	s := newStage()
	s.play(t, func() {
		s.raft(true, 2)
		s.raft(true, 5) // raft dropped the false in between
	}, "begin 2", "end 2", "begin 5", "end 5")
}

func TestNextTermWaitsForTheLast(t *testing.T) {
	s := newStage()
	release := 3 * time.Second
	s.work = func(ctx context.Context, term uint64) error {
		<-ctx.Done()
		<-time.After(release) // slow to let go
		return ctx.Err()
	}
	s.play(t, func() {
		s.raft(true, 2)
		s.raft(false, 3)
		s.raft(true, 4)
		s.log("won again")
		<-time.After(release)
		synctest.Wait()
		s.log("let go")
	}, "begin 2", "won again", "end 2", "begin 4", "let go", "end 4")
}

func TestLostBeforeTheBarrier(t *testing.T) {
	s := newStage()
	s.barrier = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	s.play(t, func() {
		s.raft(true, 2)
		s.raft(false, 2)
	})
}

func TestBarrierIsTriedAgain(t *testing.T) {
	s := newStage()
	tries := 0
	s.barrier = func(context.Context) error {
		if tries++; tries < 3 {
			return errors.New("leadership transfer in progress")
		}
		return nil
	}
	s.play(t, func() {
		s.raft(true, 2)
		<-time.After(time.Second)
	}, "begin 2", "end 2")
}

func TestTermMustNotChangeAroundTheBarrier(t *testing.T) {
	s := newStage()
	calls := 0
	s.barrier = func(context.Context) error {
		if calls++; calls == 1 {
			s.term = 4 // lost and won while waiting
		}
		return nil
	}
	s.play(t, func() {
		s.raft(true, 2)
		<-time.After(time.Second)
	}, "begin 4", "end 4")
}

func TestWorkThatReturnsEarlyIsNotRepeatedInItsTerm(t *testing.T) {
	s := newStage()
	s.work = func(context.Context, uint64) error { return nil }
	s.play(t, func() {
		s.raft(true, 2)
		<-time.After(time.Hour)
		s.raft(true, 3)
	}, "begin 2", "end 2", "begin 3", "end 3")
}

func TestFailedWorkResigns(t *testing.T) {
	s := newStage()
	s.work = func(context.Context, uint64) error { return errors.New("port in use") }
	s.resign = func() error { s.terms.latest.set(false); return nil }
	s.play(t, func() {
		s.raft(true, 2)
		<-time.After(time.Hour)
	}, "begin 2", "end 2", "resign")
}

func TestFailedWorkWithoutASuccessorBacksOff(t *testing.T) {
	s := newStage()
	begin := 0
	s.work = func(ctx context.Context, _ uint64) error {
		if begin++; begin < 3 {
			return errors.New("port in use")
		}
		<-ctx.Done()
		return nil
	}
	s.resign = func() error { return errors.New("nobody else is alive") }
	s.play(t, func() {
		s.raft(true, 2)
		s.log("failed")
		<-time.After(resignBackoff)
		synctest.Wait()
		s.log("waited once")
		<-time.After(2*resignBackoff - time.Millisecond)
		synctest.Wait()
		s.log("waited twice, nearly")
		<-time.After(time.Millisecond)
	}, "begin 2", "end 2", "resign", "failed",
		"begin 2", "end 2", "resign", "waited once",
		"waited twice, nearly", "begin 2", "end 2")
}
