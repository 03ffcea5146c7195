package cluster

import (
	"encoding/binary"
	"fmt"
	"maps"
	"sync"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

var _ raft.StableStore = (*stableStore)(nil)

// The keys of a vote, as raft writes them: the term first, then the candidate.
const (
	keyVoteTerm      = "LastVoteTerm"
	keyVoteCandidate = "LastVoteCand"
)

// stableStore keeps raft's term and vote. It reads from memory and flushes once
// per change.
//
// A vote is two calls of raft, and here one transaction: the term of a vote waits
// in memory until its candidate comes. That is safe because raft promises nothing
// to anybody before the second call has returned, and it closes a hole: after a
// crash between the two writes the new term would stand beside the old candidate,
// and that candidate would be granted the term without a look at its log.
type stableStore struct {
	db *bbolt.DB

	mu     sync.Mutex
	values map[string][]byte // guarded by mu; what is on disk
	vote   []byte            // guarded by mu; a vote's term waiting for its candidate, or nil
}

func (s *stableStore) open(db *bbolt.DB) error {
	s.db = db
	s.values = map[string][]byte{}
	return db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketStable)
		if b == nil {
			return fmt.Errorf("bucket %q is missing; this is no raft store of amphora", bucketStable)
		}
		return b.ForEach(func(k, v []byte) error {
			s.values[string(k)] = append([]byte{}, v...)
			return nil
		})
	})
}

// Set stores a value, on disk when Set returns. The candidate of a vote takes
// the vote's term with it.
func (s *stableStore) Set(key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := map[string][]byte{string(key): append([]byte{}, value...)}
	if string(key) == keyVoteCandidate && s.vote != nil {
		changes[keyVoteTerm] = s.vote
		s.vote = nil // also when the write fails: raft has not voted then
	}
	return s.write(changes)
}

// Get returns the value of key, and an empty slice if there is none.
func (s *stableStore) Get(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.values[string(key)]...), nil
}

// SetUint64 stores a number. The term of a vote is kept back for its candidate;
// a number that is there already is not written again.
func (s *stableStore) SetUint64(key []byte, value uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	buf := binary.BigEndian.AppendUint64(nil, value)
	if string(key) == keyVoteTerm {
		s.vote = buf
		return nil
	}
	if string(s.values[string(key)]) == string(buf) {
		return nil
	}
	return s.write(map[string][]byte{string(key): buf})
}

// GetUint64 returns the number stored under key, and 0 if there is none.
func (s *stableStore) GetUint64(key []byte) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch value := s.values[string(key)]; len(value) {
	case 0:
		return 0, nil
	case 8:
		return binary.BigEndian.Uint64(value), nil
	default:
		return 0, fmt.Errorf("stable value %q: %d bytes are no number", key, len(value))
	}
}

// write makes the changes durable and then visible. mu must be held: the order
// of the flushes must be that of the calls.
func (s *stableStore) write(changes map[string][]byte) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketStable)
		for key, value := range changes {
			if err := b.Put([]byte(key), value); err != nil {
				return fmt.Errorf("store stable value %q: %w", key, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	maps.Copy(s.values, changes)
	return nil
}
