package cluster

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// durableStore is what raft writes to.
type durableStore interface {
	raft.LogStore
	raft.StableStore
}

// timedStore watches the writes of a store while they are under way. A leader whose
// disk hangs goes on answering heartbeats, so nobody else would ever notice, and
// its main loop, which hangs with the disk, cannot.
type timedStore struct {
	durableStore
	slow   time.Duration // a write that takes longer is logged
	stall  time.Duration // one that takes longer is a stall
	logger *slog.Logger
	seen   throttle
	// onStall and onRecovered, if not nil, are called in turn: when a write has
	// become a stall, while it still hangs, and when no such write is left. They must
	// not block and not use the store: onRecovered is called on raft's own goroutine.
	onStall     func(op string)
	onRecovered func()

	mu       sync.Mutex
	underWay []*write // guarded by mu; in order of their start
	timer    *time.Timer
	armed    bool // guarded by mu; the timer runs

	telling sync.Mutex // held while a hook runs; taken before mu
	told    bool       // guarded by telling; onStall was called last
}

// write is one that has not ended.
type write struct {
	op     string
	start  time.Time
	logged bool
	stalls bool
}

// IsMonotonic makes raft empty the log when a snapshot of the leader replaces it.
// Otherwise raft keeps what was there, behind a gap: entries that the snapshot has
// overruled, which this node, once leader, would send to one that has none.
func (s *timedStore) IsMonotonic() bool { return true }

var _ raft.MonotonicLogStore = (*timedStore)(nil)

// StoreLog is raft.LogStore's, watched.
func (s *timedStore) StoreLog(l *raft.Log) error {
	defer s.end(s.begin("store log"))
	return s.durableStore.StoreLog(l)
}

// StoreLogs is raft.LogStore's, watched.
func (s *timedStore) StoreLogs(logs []*raft.Log) error {
	defer s.end(s.begin("store logs"))
	return s.durableStore.StoreLogs(logs)
}

// DeleteRange is raft.LogStore's, watched.
func (s *timedStore) DeleteRange(lo, hi uint64) error {
	defer s.end(s.begin("delete logs"))
	return s.durableStore.DeleteRange(lo, hi)
}

// Set is raft.StableStore's, watched.
func (s *timedStore) Set(key, value []byte) error {
	defer s.end(s.begin("set value"))
	return s.durableStore.Set(key, value)
}

// SetUint64 is raft.StableStore's, watched.
func (s *timedStore) SetUint64(key []byte, value uint64) error {
	defer s.end(s.begin("set number"))
	return s.durableStore.SetUint64(key, value)
}

// begin notes a write. The one timer is left alone if it runs: it finds, when it
// fires, what is under way then, and most writes have ended long before.
func (s *timedStore) begin(op string) *write {
	w := &write{op: op, start: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay = append(s.underWay, w)
	if !s.armed {
		s.arm(s.slow)
	}
	return w
}

// arm starts the timer. mu must be held.
func (s *timedStore) arm(d time.Duration) {
	s.armed = true
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.look)
		return
	}
	s.timer.Reset(d)
}

// look is called by the timer.
func (s *timedStore) look() {
	s.mu.Lock()
	s.armed = false
	now := time.Now()
	var next time.Duration // until a write is due; 0: none will be
	for _, w := range s.underWay {
		took := now.Sub(w.start)
		if !w.logged && took >= s.slow {
			w.logged = s.seen.first(w.op)
			if w.logged {
				s.logger.Warn("write to the raft store is slow", logkey.Op, w.op, logkey.Took, took)
			}
		}
		if !w.stalls && took >= s.stall {
			w.stalls = true
			s.logger.Error("write to the raft store hangs; is the disk full or broken", logkey.Op, w.op, logkey.Took, took)
		}
		due := s.stall - took
		if took < s.slow {
			due = min(due, s.slow-took)
		}
		if due > 0 && (next == 0 || due < next) {
			next = due
		}
	}
	if next > 0 {
		s.arm(next)
	}
	s.mu.Unlock()
	s.tell()
}

// end takes the note of a write back.
func (s *timedStore) end(w *write) {
	s.mu.Lock()
	s.underWay = slices.DeleteFunc(s.underWay, func(o *write) bool { return o == w })
	s.mu.Unlock()
	if w.logged || w.stalls {
		s.logger.Warn("slow write to the raft store has ended", logkey.Op, w.op, logkey.Took, time.Since(w.start))
	}
	if w.stalls {
		s.tell()
	}
}

// tell calls a hook if what it last told is not so any more.
func (s *timedStore) tell() {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	at := slices.IndexFunc(s.underWay, func(w *write) bool { return w.stalls })
	op := ""
	if at >= 0 {
		op = s.underWay[at].op
	}
	s.mu.Unlock()
	switch stalls := at >= 0; {
	case stalls == s.told:
	case stalls:
		s.told = true
		if s.onStall != nil {
			s.onStall(op)
		}
	default:
		s.told = false
		if s.onRecovered != nil {
			s.onRecovered()
		}
	}
}
