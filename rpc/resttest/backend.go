// Package resttest is a node that is not there, for tests of the REST APIs: the
// configuration is real, kept in memory by lb.Apply. It must never be part of a shipped
// binary.
package resttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// Start is the time of the first change; each later one comes a second after.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// ID is the id stamped on the n-th change, from 1.
func ID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// Backend has the shape of the Backend that each REST API declares. Its ids, times and
// answers are the same in every run. The zero value has an empty configuration. All
// methods may be called from any number of goroutines.
type Backend struct {
	mu      sync.Mutex
	cfg     *lb.Config                            // guarded by mu
	changes int                                   // guarded by mu
	failure error                                 // guarded by mu
	stats   map[string]map[lb.ListenerID]lb.Stats // guarded by mu
	view    func(*lb.Config) lb.View

	watchers []chan struct{} // guarded by mu
}

// New returns a backend whose engine is as view says; nil: it serves everything.
func New(view func(*lb.Config) lb.View) *Backend {
	if view == nil {
		view = func(cfg *lb.Config) lb.View { return lb.View{Revision: cfg.Revision()} }
	}
	return &Backend{cfg: &lb.Config{}, view: view}
}

// Fail makes every call that needs a quorum fail with err, until it is called with nil.
func (b *Backend) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = err
}

// Propose applies op. Exempt lets it pass quotas.
func (b *Backend) Propose(_ context.Context, _ string, exempt bool, op lb.Op) (lb.Result, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failure != nil {
		return lb.Result{}, 0, b.failure
	}
	b.changes++
	cmd := lb.Command{
		Stamp:    lb.Stamp{At: Start.Add(time.Duration(b.changes-1) * time.Second), ID: ID(b.changes)},
		Revision: uint64(b.changes), Exempt: exempt, Op: op,
	}
	next, result, _, err := lb.Apply(b.cfg, cmd)
	if err != nil {
		return lb.Result{}, 0, err
	}
	b.cfg = next
	for _, ch := range b.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
	return result, cmd.Revision, nil
}

// Must applies op and panics when it is refused, to prepare a test.
func (b *Backend) Must(op lb.Op) string {
	r, _, err := b.Propose(context.Background(), "", true, op)
	if err != nil {
		panic(err)
	}
	return r.ID
}

// Sync has nothing to wait for.
func (b *Backend) Sync(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failure
}

// Config is the configuration.
func (b *Backend) Config() *lb.Config {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cfg
}

// View is the engine's.
func (b *Backend) View(context.Context) (lb.View, error) {
	return b.view(b.Config()), nil
}

// Count makes Stats answer so: by node id.
func (b *Backend) Count(stats map[string]map[lb.ListenerID]lb.Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats = stats
}

// Stats is what each amphora counted: what Count was told.
func (b *Backend) Stats(context.Context) (map[string]map[lb.ListenerID]lb.Stats, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats, nil
}

// Watch returns a channel that has a signal when the configuration changes. It is closed
// when ctx ends.
func (b *Backend) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	ch <- struct{}{}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers = append(b.watchers, ch)
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.watchers = slices.DeleteFunc(b.watchers, func(c chan struct{}) bool { return c == ch })
		close(ch)
	})
	return ch
}
