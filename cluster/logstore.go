package cluster

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

var _ raft.LogStore = (*logStore)(nil)

// logStore keeps raft's log, one bbolt key per entry, the index as key. raft
// calls it from several goroutines; writes come from one at a time.
type logStore struct {
	db *bbolt.DB

	mu          sync.RWMutex
	first, last uint64 // guarded by mu; 0, 0 for an empty log
}

func (s *logStore) open(db *bbolt.DB) error {
	s.db = db
	return db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLog)
		if b == nil {
			return fmt.Errorf("bucket %q is missing; this is no raft log of amphora", bucketLog)
		}
		s.setBounds(bounds(b))
		return nil
	})
}

func (s *logStore) setBounds(first, last uint64) {
	s.mu.Lock()
	s.first, s.last = first, last
	s.mu.Unlock()
}

func bounds(b *bbolt.Bucket) (first, last uint64) {
	c := b.Cursor()
	if k, _ := c.First(); k != nil {
		first = binary.BigEndian.Uint64(k)
	}
	if k, _ := c.Last(); k != nil {
		last = binary.BigEndian.Uint64(k)
	}
	return first, last
}

// FirstIndex is the index of the oldest entry, 0 for an empty log.
func (s *logStore) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.first, nil
}

// LastIndex is the index of the newest entry, 0 for an empty log.
func (s *logStore) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last, nil
}

// GetLog reads one entry; raft.ErrLogNotFound where there is none.
func (s *logStore) GetLog(index uint64, l *raft.Log) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		buf := tx.Bucket(bucketLog).Get(indexKey(index))
		if buf == nil {
			// Compared with ==, so it must not be wrapped.
			return raft.ErrLogNotFound
		}
		if err := decodeLog(buf, l); err != nil {
			return fmt.Errorf("read log entry %d: %w", index, err)
		}
		return nil
	})
}

// StoreLog writes one entry. It is on disk when StoreLog returns.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs writes entries in one transaction: all of them or none.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	return s.update(func(b *bbolt.Bucket) error {
		for _, l := range logs {
			if err := b.Put(indexKey(l.Index), encodeLog(l)); err != nil {
				return fmt.Errorf("store log entry %d: %w", l.Index, err)
			}
		}
		return nil
	})
}

// DeleteRange removes the entries from lo to hi, both included.
func (s *logStore) DeleteRange(lo, hi uint64) error {
	return s.update(func(b *bbolt.Bucket) error {
		c := b.Cursor()
		// Delete moves the cursor on unpredictably, so it seeks anew each time.
		for k, _ := c.Seek(indexKey(lo)); k != nil; k, _ = c.Seek(indexKey(lo)) {
			index := binary.BigEndian.Uint64(k)
			if index > hi {
				return nil
			}
			if err := c.Delete(); err != nil {
				return fmt.Errorf("delete log entry %d: %w", index, err)
			}
			if index == hi {
				return nil
			}
			lo = index + 1
		}
		return nil
	})
}

// update runs change in a transaction and, once that is on disk, takes over the
// new ends of the log.
func (s *logStore) update(change func(*bbolt.Bucket) error) error {
	var first, last uint64
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLog)
		if err := change(b); err != nil {
			return err
		}
		first, last = bounds(b)
		return nil
	})
	if err != nil {
		return err
	}
	s.setBounds(first, last)
	return nil
}

func indexKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, index)
}
