package certs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// The time between two readings of a secret, and the longest after readings that failed.
const (
	DefaultEvery = time.Minute
	maxPause     = 10 * time.Minute
	firstPause   = time.Second // after a failure; it doubles
)

// FollowConfig says what a [Follower] reads.
type FollowConfig struct {
	Source Source
	Every  time.Duration // between two readings of a secret; 0: DefaultEvery
	// Wanted lists the references that are served. What else was asked for is forgotten
	// at its next reading. It is called seldom.
	Wanted func() []string
	Logger *slog.Logger // nil: nobody is told
}

// Follower is a [Source] for what serves: it keeps the last good copy of everything that
// it was asked for, and reads the store behind it again now and then. It never blocks. What
// it has no copy of yet is reported as unavailable, and read; [Follower.Changes] tells when
// asking again is worth it. All methods may be called from any number of goroutines.
type Follower struct {
	cfg     FollowConfig
	changes chan struct{}
	asked   chan struct{} // holds one signal: there is something new to read

	mu      sync.Mutex
	copies  map[thing]*stored // guarded by mu
	version uint64            // guarded by mu; counts what changed
}

var _ Source = (*Follower)(nil)

// thing is a secret or a container.
type thing struct {
	id        string
	container bool
}

// stored is what is known of one thing.
type stored struct {
	payload []byte            // of a secret
	parts   map[string]string // of a container
	version uint64            // of the last change; 0: never read
	at      time.Time         // of the last good reading
	problem error             // of the last reading, nil if it was good
	due     time.Time         // of the next one
	pause   time.Duration     // before the next one, after failures
}

var errNotYet = &lb.Error{Kind: lb.ErrUnavailable, Msg: "it is being read"}

// Follow returns a follower that knows nothing yet. It reads while Run runs.
func Follow(cfg FollowConfig) *Follower {
	if cfg.Every == 0 {
		cfg.Every = DefaultEvery
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Follower{cfg: cfg, changes: make(chan struct{}, 1), asked: make(chan struct{}, 1), copies: map[thing]*stored{}}
}

// Owns implements [Source].
func (f *Follower) Owns(ref string) bool { return f.cfg.Source.Owns(ref) }

// Secret implements [Source].
func (f *Follower) Secret(_ context.Context, id string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.copyOf(thing{id: id})
	if err != nil {
		return nil, err
	}
	return s.payload, nil
}

// Container implements [Source].
func (f *Follower) Container(_ context.Context, id string) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := f.copyOf(thing{id: id, container: true})
	if err != nil {
		return nil, err
	}
	return s.parts, nil
}

// copyOf is what is known of a thing. What nobody asked for before is read next.
func (f *Follower) copyOf(t thing) (*stored, error) {
	s, ok := f.copies[t]
	switch {
	case !ok:
		f.copies[t] = &stored{problem: errNotYet}
		signal(f.asked)
		return nil, errNotYet
	case s.version == 0:
		return nil, s.problem
	}
	return s, nil
}

// Changes has a signal when something that was asked for has changed, or why it cannot be
// read. It holds one, so there should be one receiver.
func (f *Follower) Changes() <-chan struct{} { return f.changes }

// Version is another number whenever what ref names has changed; 0: there is no copy.
func (f *Follower) Version(ref string) (newest uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.behind(ref) {
		newest = max(newest, s.version)
	}
	return newest
}

// Warning says why the copy of what ref names may be an old one, "" if it is not, or if
// there is none.
func (f *Follower) Warning(ref string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.behind(ref) {
		if s.version > 0 && s.problem != nil {
			return fmt.Sprintf("%s is served as it was at %s: %v", ref, s.at.UTC().Format(time.RFC3339), s.problem)
		}
	}
	return ""
}

// Ailing reports whether there is a Warning about anything. It is quick.
func (f *Follower) Ailing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.copies {
		if s.version > 0 && s.problem != nil {
			return true
		}
	}
	return false
}

// behind yields everything that ref leads to. The caller holds mu.
func (f *Follower) behind(ref string) func(yield func(*stored) bool) {
	return func(yield func(*stored) bool) {
		for t := range f.things(ref) {
			if s, ok := f.copies[t]; ok && !yield(s) {
				return
			}
		}
	}
}

// things are the secrets and containers that ref may name, and what the latter hold. The
// caller holds mu.
func (f *Follower) things(ref string) map[thing]bool {
	all := map[thing]bool{}
	at, ok := parseRef(ref)
	if ok && at.secret {
		all[thing{id: at.id}] = true
	}
	if box := (thing{at.id, true}); ok && at.container {
		all[box] = true
		if s, ok := f.copies[box]; ok {
			for _, id := range s.parts {
				all[thing{id: id}] = true
			}
		}
	}
	return all
}

// Run reads until ctx ends, whose error it returns.
func (f *Follower) Run(ctx context.Context) error {
	for {
		next := f.round(ctx)
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-f.asked:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// round forgets what nobody wants, reads what is due, and says when to come again. A store
// that is away is asked once in a round.
func (f *Follower) round(ctx context.Context) (next time.Time) {
	var away error
	for batch := f.due(); len(batch) > 0; batch = f.due() { // what is in a container comes after it
		for _, t := range batch {
			s, err := (*stored)(nil), away
			if away == nil {
				s, err = f.read(ctx, t)
			}
			if ctx.Err() != nil {
				return time.Now()
			}
			if answered := (*Answered)(nil); errors.Is(err, lb.ErrUnavailable) && !errors.As(err, &answered) {
				away = err
			}
			if f.keep(t, s, err) {
				signal(f.changes) // at once: the next answer may take long
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	next = time.Now().Add(f.cfg.Every)
	for _, s := range f.copies {
		if s.due.Before(next) {
			next = s.due
		}
	}
	return next
}

// due lists what is to be read now, containers first, in a fixed order.
func (f *Follower) due() []thing {
	refs := f.cfg.Wanted() // without the lock: it looks at the configuration
	f.mu.Lock()
	defer f.mu.Unlock()
	wanted := map[thing]bool{}
	for _, ref := range refs {
		maps.Copy(wanted, f.things(ref))
	}
	now := time.Now()
	var all []thing
	for t, s := range f.copies {
		switch {
		case s.due.After(now):
		case !wanted[t]:
			delete(f.copies, t)
		default:
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b thing) int {
		if a.container != b.container {
			if a.container {
				return -1
			}
			return 1
		}
		return bytes.Compare([]byte(a.id), []byte(b.id))
	})
	return all
}

func (f *Follower) read(ctx context.Context, t thing) (*stored, error) {
	var s stored
	var err error
	if t.container {
		s.parts, err = f.cfg.Source.Container(ctx, t.id)
	} else {
		s.payload, err = f.cfg.Source.Secret(ctx, t.id)
	}
	return &s, err
}

// keep notes the outcome of a reading, and reports whether there is something new to know.
func (f *Follower) keep(t thing, got *stored, err error) (changed bool) {
	log := f.cfg.Logger.With("secret", t.id, "container", t.container)
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.copies[t]
	if !ok {
		return false
	}
	now := time.Now()
	if err != nil {
		if s.problem == nil || errors.Is(s.problem, errNotYet) {
			log.Warn("a secret elsewhere cannot be read, will retry", logkey.Err, err)
			changed = true
		}
		s.pause = min(max(2*s.pause, firstPause), maxPause)
		s.problem, s.due = err, now.Add(s.pause)
		return changed
	}
	if s.version == 0 || !bytes.Equal(s.payload, got.payload) || !maps.Equal(s.parts, got.parts) {
		if s.version > 0 {
			log.Info("a secret elsewhere has changed")
		}
		f.version++
		s.payload, s.parts, s.version = got.payload, got.parts, f.version
		changed = true
		for _, id := range got.parts {
			if part := (thing{id: id}); f.copies[part] == nil {
				f.copies[part] = &stored{problem: errNotYet}
			}
		}
	}
	changed = changed || s.problem != nil
	s.problem, s.pause, s.at, s.due = nil, 0, now, now.Add(f.cfg.Every)
	return changed
}

// signal leaves a signal unless there is one already.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
