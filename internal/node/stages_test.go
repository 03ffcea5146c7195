package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// recorder notes in which order stages end.
type recorder struct {
	mu    sync.Mutex
	order []string // guarded by mu
}

func (r *recorder) stage(name string, fail <-chan error) stage {
	return stage{name, func(ctx context.Context) error {
		var err error
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case err = <-fail:
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.order = append(r.order, name)
		return err
	}}
}

func TestStagesStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var r recorder
		done := make(chan error)
		go func() {
			done <- runStages(ctx, []stage{r.stage("first", nil), r.stage("second", nil), r.stage("third", nil)})
		}()
		synctest.Wait()
		if len(r.order) > 0 {
			t.Fatalf("ended before anybody said so: %v", r.order)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if want := []string{"third", "second", "first"}; !slices.Equal(r.order, want) {
			t.Errorf("ended in the order %v, want %v", r.order, want)
		}
	})
}

func TestStagesEndWithTheFirstFailure(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		err  error
		want func(error) bool
	}{
		{"an error", broken, func(err error) bool { return errors.Is(err, broken) }},
		{"no error", nil, func(err error) bool { return err != nil }},
		{"the end of a context of its own", context.Canceled, func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				fail := make(chan error, 1)
				fail <- tt.err
				err := runStages(t.Context(), []stage{r.stage("first", nil), r.stage("second", fail), r.stage("third", nil)})
				if !tt.want(err) {
					t.Errorf("got %v", err)
				}
				if want := []string{"second", "third", "first"}; !slices.Equal(r.order, want) {
					t.Errorf("ended in the order %v, want %v", r.order, want)
				}
			})
		})
	}
}
