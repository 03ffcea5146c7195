package cluster

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// hangingStore ends a write of logs when it is let go.
type hangingStore struct {
	durableStore
	letGo chan struct{}
}

func (s *hangingStore) StoreLogs([]*raft.Log) error    { <-s.letGo; return nil }
func (s *hangingStore) StoreLog(*raft.Log) error       { return nil }
func (s *hangingStore) DeleteRange(_, _ uint64) error  { <-s.letGo; return nil }
func (s *hangingStore) Set(_, _ []byte) error          { return errors.New("no space left") }
func (s *hangingStore) SetUint64([]byte, uint64) error { return nil }

// stalls notes what a timedStore tells, with the time.
type stalls struct {
	mu    sync.Mutex
	begun time.Time
	told  []string
}

func (s *stalls) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, what+" at "+time.Since(s.begun).String())
}

func (s *stalls) want(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.told); diff != "" {
		t.Error(diff)
	}
	s.told = nil
}

func watched(t *testing.T) (*timedStore, *hangingStore, *stalls, *lockedBuffer) {
	t.Helper()
	var out lockedBuffer
	inner := &hangingStore{letGo: make(chan struct{})}
	told := &stalls{begun: time.Now()}
	return &timedStore{
		durableStore: inner, slow: time.Second, stall: 3 * time.Second, logger: plainLogger(&out),
		onStall:     func(op string) { told.note(op) },
		onRecovered: func() { told.note("recovered") },
	}, inner, told, &out
}

func TestStallIsToldWhileTheWriteHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner, told, out := watched(t)
		for range 2 {
			told.begun = time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { _ = s.StoreLogs(nil) })
			wait(time.Second)
			synctest.Wait()
			told.want(t)
			wait(2 * time.Second)
			synctest.Wait()
			told.want(t, "store logs at 3s")
			wait(7 * time.Second)
			inner.letGo <- struct{}{}
			wg.Wait()
			told.want(t, "recovered at 10s")
		}
		log := strings.Join(lines(out), "\n")
		for message, count := range map[string]int{"is slow": 1, "hangs": 2, "has ended": 2} {
			if strings.Count(log, message) != count {
				t.Errorf("%q is to be in the log %d times: %s", message, count, log)
			}
		}
	})
}

// Two writes hang: one stall, from the first to the last of them.
func TestStallsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner, told, _ := watched(t)
		var wg sync.WaitGroup
		wg.Go(func() { _ = s.StoreLogs(nil) })
		wait(2 * time.Second)
		wg.Go(func() { _ = s.DeleteRange(1, 2) })
		wait(2 * time.Second)
		synctest.Wait()
		told.want(t, "store logs at 3s")
		wait(4 * time.Second)
		inner.letGo <- struct{}{}
		synctest.Wait()
		told.want(t)
		inner.letGo <- struct{}{}
		wg.Wait()
		told.want(t, "recovered at 8s")
	})
}

// Writes that end in time are nobody's business, however many follow each other.
func TestQuickWritesAreNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner, told, out := watched(t)
		for range 20 {
			var wg sync.WaitGroup
			wg.Go(func() { _ = s.StoreLogs(nil) })
			wait(900 * time.Millisecond)
			inner.letGo <- struct{}{}
			wg.Wait()
			if err := errors.Join(s.StoreLog(nil), s.SetUint64(nil, 1)); err != nil {
				t.Fatal(err)
			}
			if err := s.Set(nil, nil); err == nil {
				t.Error("the error of a write is lost")
			}
		}
		told.want(t)
		if log := strings.Join(lines(out), "\n"); log != "" {
			t.Errorf("the log says %q", log)
		}
	})
}

// A write that ends when it is about to become a stall is told as both or neither.
func TestStallAndRecoveryComeInTurn(t *testing.T) {
	s, inner, told, _ := watched(t)
	s.slow, s.stall = time.Microsecond, 50*time.Microsecond
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 500 {
				_ = s.StoreLogs(nil)
			}
		})
	}
	for range 2000 {
		inner.letGo <- struct{}{}
	}
	writers.Wait()
	s.tell() // what the timer has still to tell
	stalled := false
	for _, what := range told.told {
		if next := !strings.HasPrefix(what, "recovered"); next == stalled {
			t.Fatalf("told twice in succession: %s", what)
		} else {
			stalled = next
		}
	}
	if stalled {
		t.Error("no write is under way, and the stall is not over")
	}
}

func wait(d time.Duration) { <-time.After(d) }
