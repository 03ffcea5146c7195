package fsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// ErrClosed is returned by what needs the file after [FSM.Close].
var ErrClosed = errors.New("the state machine is closed")

// FSM is the state machine of one node. Raft calls Apply, ApplyBatch, Snapshot
// and Restore, one at a time; everything else is safe for any number of
// goroutines.
type FSM struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	store *store // guarded by mu; nil once closed

	requests *requests // touched by raft's calls only
	config   atomic.Pointer[lb.Config]
	applied  atomic.Uint64
	changed  watchers // of config
	moved    watchers // of applied
}

var (
	_ raft.FSM         = (*FSM)(nil)
	_ raft.BatchingFSM = (*FSM)(nil)
)

// Open opens the state in the file at path, which it creates when it is
// missing; its directory must exist. It blocks for at most a second when another
// process holds the file. Errors name the file and what to do about it. A nil
// log discards.
func Open(path string, log *slog.Logger) (*FSM, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s, state, err := openStore(path)
	if err != nil {
		return nil, explain(path, err)
	}
	f := &FSM{path: path, log: log, store: s, requests: state.requests}
	f.config.Store(state.config)
	f.applied.Store(state.index)
	log.Info("state opened", logkey.Path, path, logkey.Index, state.index,
		logkey.Term, state.term, logkey.Revision, state.config.Revision())
	return f, nil
}

// Close closes the file and every channel of [FSM.Watch]. Raft must have been
// shut down. A snapshot that is still held keeps the file open until its
// Release. [FSM.Config] and [FSM.Index] go on answering. A second Close does
// nothing.
func (f *FSM) Close() error {
	f.mu.Lock()
	s := f.store
	f.store = nil
	f.mu.Unlock()
	if s == nil {
		return nil
	}
	f.changed.close()
	f.moved.close()
	if err := f.unpin(s); err != nil {
		return fmt.Errorf("close %s: %w", f.path, err)
	}
	return nil
}

// Config returns the configuration as of the last entry applied. It never
// blocks, also not while a snapshot is restored.
func (f *FSM) Config() *lb.Config { return f.config.Load() }

// Index returns the index of the last entry applied, 0 if none was. What it
// stands for is on disk, and in [FSM.Config]. Entries that raft keeps to itself,
// such as barriers, do not move it.
func (f *FSM) Index() uint64 { return f.applied.Load() }

// Watch returns a channel that has a signal whenever [FSM.Config] may be another
// than at the last signal. Signals do not queue: a slow reader gets one for any
// number of changes, and nobody waits for it. The first is there at once, so a
// loop over the channel sees the present configuration first. The channel is
// closed when ctx ends or the state machine is closed.
func (f *FSM) Watch(ctx context.Context) <-chan struct{} { return f.changed.watch(ctx) }

// Changed blocks until the revision of [FSM.Config] is higher than after. It returns ctx's
// error when that ends first, and [ErrClosed].
func (f *FSM) Changed(ctx context.Context, after uint64) error {
	watch, stop := context.WithCancel(ctx)
	defer stop()
	for range f.Watch(watch) {
		if f.Config().Revision() > after {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for a change after revision %d: %w", after, err)
	}
	return ErrClosed
}

// Wait blocks until [FSM.Index] is at least index. It returns ctx's error when
// that ends first, and [ErrClosed].
func (f *FSM) Wait(ctx context.Context, index uint64) error {
	if f.applied.Load() >= index {
		return nil
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	for range f.moved.watch(watch) {
		if f.applied.Load() >= index {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for entry %d, applied up to %d: %w", index, f.applied.Load(), err)
	}
	return ErrClosed
}

// publish makes a committed state visible: first the configuration, so that who
// has waited for the index finds it.
func (f *FSM) publish(config *lb.Config, index uint64) {
	old := f.config.Swap(config)
	f.applied.Store(index)
	f.moved.wake()
	if old != config {
		f.changed.wake()
	}
}

// pin returns the store in use and keeps it open until unpin.
func (f *FSM) pin() (*store, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.store == nil {
		return nil, ErrClosed
	}
	f.store.users++
	return f.store, nil
}

// unpin closes the store when the last user is gone. bbolt's own Close would
// instead wait for the transactions that are open.
func (f *FSM) unpin(s *store) error {
	f.mu.Lock()
	s.users--
	last := s.users == 0
	f.mu.Unlock()
	if !last {
		return nil
	}
	return s.db.Close()
}
