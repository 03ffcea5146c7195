package event_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/internal/event"
)

func fill(l *event.Log, n int) {
	for i := range n {
		l.Append(event.Event{Message: fmt.Sprint(i + 1)})
	}
}

// drain reads what is there and returns the messages and all that was missed.
func drain(r *event.Reader) (messages []string, missed uint64) {
	for {
		e, m, ok := r.Try()
		if !ok {
			return messages, missed
		}
		messages = append(messages, e.Message)
		missed += m
	}
}

func TestAppendCompletesTheEvent(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("east", 3600))
	l := event.NewLog(event.Config{Node: "a", Now: func() time.Time { return now }})
	given := event.Event{Kind: event.NodeFailed, Resource: "node", Name: "b", Message: "no answer"}
	want := given
	want.Seq, want.At, want.Node = 1, now.UTC(), "a"
	if diff := cmp.Diff(want, l.Append(given)); diff != "" {
		t.Errorf("stored event (-want +got):\n%s", diff)
	}
	if got := l.Append(event.Event{Node: "b", At: now.Add(time.Hour)}); got.Node != "b" || !got.At.Equal(now.Add(time.Hour)) || got.Seq != 2 {
		t.Errorf("what the event brought was replaced: %+v", got)
	}
}

func TestTail(t *testing.T) {
	for _, tt := range []struct {
		appended int
		n        uint64
		want     []string
	}{
		{appended: 0, n: 5},
		{appended: 2, n: 0},
		{appended: 2, n: 5, want: []string{"1", "2"}},
		{appended: 3, n: 2, want: []string{"2", "3"}},
		{appended: 9, n: 100, want: []string{"6", "7", "8", "9"}},
	} {
		t.Run(fmt.Sprintf("%d of %d", tt.n, tt.appended), func(t *testing.T) {
			l := event.NewLog(event.Config{Size: 4})
			fill(l, tt.appended)
			got, missed := drain(l.Tail(tt.n))
			if diff := cmp.Diff(tt.want, got); diff != "" || missed != 0 {
				t.Errorf("missed %d, events (-want +got):\n%s", missed, diff)
			}
		})
	}
}

func TestSince(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := start
	l := event.NewLog(event.Config{Size: 3, Now: func() time.Time { at = at.Add(time.Minute); return at }})
	fill(l, 5) // at minutes 1 to 5, of which 3 to 5 are kept
	for _, tt := range []struct {
		minute time.Duration
		want   []string
	}{
		{minute: 0, want: []string{"3", "4", "5"}},
		{minute: 3, want: []string{"3", "4", "5"}},
		{minute: 4, want: []string{"4", "5"}},
		{minute: 5, want: []string{"5"}},
		{minute: 6},
	} {
		got, _ := drain(l.Since(start.Add(tt.minute * time.Minute)))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("since minute %d (-want +got):\n%s", tt.minute, diff)
		}
	}
}

func TestSlowReaderLearnsWhatItMissed(t *testing.T) {
	l := event.NewLog(event.Config{Size: 4})
	r := l.Tail(0)
	fill(l, 10)
	e, missed, ok := r.Try()
	if !ok || e.Message != "7" || missed != 6 {
		t.Fatalf("first event %q, missed %d, %v; want 7, missed 6", e.Message, missed, ok)
	}
	if rest, missed := drain(r); missed != 0 || len(rest) != 3 {
		t.Errorf("then %v, missed %d; want 8 9 10 and nothing missed", rest, missed)
	}
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := event.NewLog(event.Config{})
		r := l.Tail(0)
		got := make(chan event.Event, 1)
		go func() {
			e, _, _ := r.Next(t.Context())
			got <- e
		}()
		synctest.Wait()
		select {
		case e := <-got:
			t.Fatalf("Next returned %+v of an empty log", e)
		default:
		}
		l.Append(event.Event{Message: "hello"})
		if e := <-got; e.Message != "hello" {
			t.Errorf("got %+v", e)
		}
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, _, err := event.NewLog(event.Config{}).Tail(0).Next(ctx)
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

// Every reader accounts for every event: it has read it or was told of its loss.
func TestManyReadersAndWriters(t *testing.T) {
	const writers, each, readers = 4, 500, 4
	l := event.NewLog(event.Config{Size: 16})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range readers {
		r := l.Tail(0)
		wg.Go(func() {
			var last uint64
			for last < writers*each {
				e, missed, err := r.Next(ctx)
				if err != nil {
					t.Errorf("after event %d: %v", last, err)
					return
				}
				if e.Seq != last+missed+1 {
					t.Errorf("event %d after %d with %d missed", e.Seq, last, missed)
					return
				}
				last = e.Seq
			}
		})
	}
	for range writers {
		wg.Go(func() { fill(l, each) })
	}
	wg.Wait()
}
