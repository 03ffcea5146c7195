package cluster

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/hashicorp/raft"
)

// tail knows where raft's log ends, for the comparison of logs that precedes an
// election, without reading it from the disk: that may hang when it is needed.
type tail struct {
	raft atomic.Pointer[raft.Raft] // nil before raft runs

	mu  sync.Mutex
	pos lease.Position // guarded by mu; zero: ask raft
}

// end returns the end of the log or of the snapshot, whichever is newer.
func (t *tail) end() lease.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.raft.Load(); t.pos == (lease.Position{}) && r != nil {
		stats := r.Stats() // raft tells the term of its last entry in no other way
		number := func(key string) uint64 {
			v, _ := strconv.ParseUint(stats[key], 10, 64)
			return v
		}
		t.pos = lease.Position{Index: number("last_log_index"), Term: number("last_log_term")}
		if s := number("last_snapshot_index"); s > t.pos.Index {
			t.pos = lease.Position{Index: s, Term: number("last_snapshot_term")}
		}
	}
	return t.pos
}

func (t *tail) set(pos lease.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pos = pos
}

// cut forgets the end if entries from there on are deleted: by others, which follow
// at once, or by a snapshot that raft knows already.
func (t *tail) cut(last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last >= t.pos.Index {
		t.pos = lease.Position{}
	}
}

// tailStore tells a tail what raft writes to its log.
type tailStore struct {
	*timedStore
	tail *tail
}

var _ raft.MonotonicLogStore = (*tailStore)(nil)

// StoreLog is raft.LogStore's.
func (s *tailStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs is raft.LogStore's.
func (s *tailStore) StoreLogs(logs []*raft.Log) error {
	err := s.timedStore.StoreLogs(logs)
	if err == nil && len(logs) > 0 {
		last := logs[len(logs)-1]
		s.tail.set(lease.Position{Index: last.Index, Term: last.Term})
	}
	return err
}

// DeleteRange is raft.LogStore's.
func (s *tailStore) DeleteRange(first, last uint64) error {
	err := s.timedStore.DeleteRange(first, last)
	s.tail.cut(last)
	return err
}
