package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"syscall"

	"github.com/hashicorp/raft"
)

var _ raft.StableStore = (*stableStore)(nil)

// The keys of raft: a vote is its term first, then its candidate.
const (
	keyTerm          = "CurrentTerm"
	keyVoteTerm      = "LastVoteTerm"
	keyVoteCandidate = "LastVoteCand"
)

// abstention is what stands for a candidate where this node has voted for none.
const abstention = "abstained"

// stableStore keeps raft's term and vote in the stable file. It reads from memory
// and flushes once per change: an election waits for these flushes and for little
// else, and a transaction of bbolt takes two.
//
// A vote is two calls of raft, and here one write: the term of a vote waits in
// memory until its candidate comes. That is safe because raft promises nothing to
// anybody before the second call has returned, and it closes a hole: after a crash
// between the two writes the new term would stand beside the old candidate, and
// that candidate would be granted the term without a look at its log.
type stableStore struct {
	file blockFile

	mu         sync.Mutex
	generation uint64            // guarded by mu; of the last slot written
	values     map[string][]byte // guarded by mu; what is on disk; replaced, never changed
	vote       []byte            // guarded by mu; a vote's term waiting for its candidate, or nil
}

// blockFile is a file whose writes are on disk when they return.
type blockFile interface {
	io.WriterAt
	io.Closer
}

// load takes over what the stable file held.
func (s *stableStore) load(file blockFile, state stableState) {
	s.file, s.generation, s.values = file, state.generation, state.values
}

// openBlocks opens a file that is there, for synchronous writes: each is one system
// call that writes and flushes.
func openBlocks(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|syscall.O_DSYNC, 0)
}

// abstain uses up this node's vote in the term that it is in, or that of the last
// entry of its log if that is later. It mends a slot that was damaged: a vote of
// that term may have stood in it, and must not be given again. A later term than
// this one, if it is forgotten, has neither a vote nor an entry of this node.
func (s *stableStore) abstain(lastLogTerm uint64) error {
	term, err := s.GetUint64([]byte(keyTerm))
	if err != nil {
		return err
	}
	buf := binary.BigEndian.AppendUint64(nil, max(term, lastLogTerm))
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(map[string][]byte{keyTerm: buf, keyVoteTerm: buf, keyVoteCandidate: []byte(abstention)})
}

// Set stores a value, on disk when Set returns. The candidate of a vote takes
// the vote's term with it.
func (s *stableStore) Set(key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := map[string][]byte{string(key): bytes.Clone(value)}
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
	if bytes.Equal(s.values[string(key)], buf) {
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
	next := maps.Clone(s.values)
	maps.Copy(next, changes)
	slot, err := encodeSlot(s.generation+1, next)
	if err != nil {
		return fmt.Errorf("store stable values: %w", err)
	}
	// After a failure the slot may hold anything. The next write goes there again,
	// and leaves the other one, which is all that is left, alone.
	if _, err := s.file.WriteAt(slot, int64((s.generation+1)%2)*slotSize); err != nil {
		return fmt.Errorf("store stable values: %w", err)
	}
	s.generation++
	s.values = next
	return nil
}
