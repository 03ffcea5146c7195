package cluster

import (
	"log/slog"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// durableStore is what raft writes to.
type durableStore interface {
	raft.LogStore
	raft.StableStore
}

// timedStore measures the writes of a store and reports the slow ones: a leader
// whose disk hangs still answers heartbeats, so nobody else would ever notice.
type timedStore struct {
	durableStore
	slow   time.Duration
	logger *slog.Logger
	seen   throttle
	// onSlow, if not nil, is called after a slow write, on raft's own goroutine;
	// it must not block. Here a node may one day give leadership away.
	onSlow func(op string, took time.Duration)
}

// IsMonotonic makes raft empty the log when a snapshot of the leader replaces it.
// Otherwise raft keeps what was there, behind a gap: entries that the snapshot has
// overruled, which this node, once leader, would send to one that has none.
func (s *timedStore) IsMonotonic() bool { return true }

var _ raft.MonotonicLogStore = (*timedStore)(nil)

// StoreLog is raft.LogStore's, timed.
func (s *timedStore) StoreLog(l *raft.Log) error {
	defer s.watch("store log", time.Now())
	return s.durableStore.StoreLog(l)
}

// StoreLogs is raft.LogStore's, timed.
func (s *timedStore) StoreLogs(logs []*raft.Log) error {
	defer s.watch("store logs", time.Now())
	return s.durableStore.StoreLogs(logs)
}

// DeleteRange is raft.LogStore's, timed.
func (s *timedStore) DeleteRange(lo, hi uint64) error {
	defer s.watch("delete logs", time.Now())
	return s.durableStore.DeleteRange(lo, hi)
}

// Set is raft.StableStore's, timed.
func (s *timedStore) Set(key, value []byte) error {
	defer s.watch("set value", time.Now())
	return s.durableStore.Set(key, value)
}

// SetUint64 is raft.StableStore's, timed.
func (s *timedStore) SetUint64(key []byte, value uint64) error {
	defer s.watch("set number", time.Now())
	return s.durableStore.SetUint64(key, value)
}

func (s *timedStore) watch(op string, start time.Time) {
	took := time.Since(start)
	if took < s.slow {
		return
	}
	if s.seen.first(op) {
		s.logger.Warn("slow write to the raft store", logkey.Op, op, logkey.Took, took)
	}
	if s.onSlow != nil {
		s.onSlow(op, took)
	}
}
