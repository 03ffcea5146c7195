package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Pending is what was decided while a node ran, and is to be done while it does not.
type Pending struct {
	// Epoch is what the node's epoch becomes.
	Epoch Epoch `json:"epoch"`
	// Aside is the directory in the data directory that all data goes to before this
	// node joins those of the epoch. Empty: this node becomes the only voter.
	Aside string `json:"aside,omitempty"`
	// Addr is the address that the only voter has in raft's configuration.
	Addr string `json:"addr,omitempty"`
}

// Settle does what is pending in a data directory: after ForceSolo it makes this node
// the only voter, and for a node that is to heal it moves all data into a directory
// beside, raft's and that of the state machine, whose files in the data directory are
// given by name. Nothing is deleted. A directory without a node is left alone.
//
// It must be called before those files and the node are opened; Open refuses a
// directory with something pending. After a crash at any point it goes on from there:
// the change was decided when node.json said so, and is done when that says no more.
func Settle(dataDir string, stateFiles ...string) error {
	return settle(dataDir, stateFiles, func(string) error { return nil })
}

// settle calls step before each change; its error ends the work like a crash would.
func settle(dataDir string, stateFiles []string, step func(what string) error) error {
	path := filepath.Join(dataDir, identityFile)
	id, err := readIdentity(path)
	if errors.Is(err, os.ErrNotExist) || (err == nil && id.Pending == nil) {
		return nil
	}
	if err != nil {
		return err
	}
	s := &settlement{dir: dataDir, path: path, id: id, step: step}
	if id.Pending.Aside == "" {
		err = s.force()
	} else {
		err = s.setAside(stateFiles)
	}
	if err != nil {
		return fmt.Errorf("settle what is pending in %s: %w", path, err)
	}
	return nil
}

type settlement struct {
	dir, path string
	id        Identity
	step      func(what string) error
}

func (s *settlement) save(what string) error {
	if err := s.step(what); err != nil {
		return err
	}
	return writeIdentity(s.path, s.id)
}

// force appends to the log that this node is the only voter. All other entries stay,
// and are committed as soon as it leads: also those that no majority had. One entry
// in one transaction is the whole change.
func (s *settlement) force() error {
	store, err := openStore(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(s.forceLog(store), store.Close())
}

func (s *settlement) forceLog(store *store) error {
	end, err := endOfLog(s.dir, store)
	if err != nil {
		return err
	}
	next := s.id.Pending.Epoch
	self := next[len(next)-1]
	if len(s.id.Epoch) < len(next) {
		// Before the entry: it says where the log ended without it.
		self.Index, self.Term = end.index, end.term
		s.id.Epoch = append(next[:len(next)-1:len(next)-1], self)
		if err := s.save("note the epoch"); err != nil {
			return err
		}
	}
	if end.index == s.id.Epoch[len(next)-1].Index {
		term, err := store.GetUint64([]byte(keyTerm))
		if err != nil {
			return err
		}
		term = max(term, end.term) + 1
		if err := s.step("begin a term"); err != nil {
			return err
		}
		if err := store.SetUint64([]byte(keyTerm), term); err != nil {
			return err
		}
		if err := s.step("append the configuration"); err != nil {
			return err
		}
		if err := store.StoreLog(soleVoter(s.id.ID, s.id.Pending.Addr, end, term)); err != nil {
			return err
		}
	}
	s.id.Pending = nil
	return s.save("forget what was pending")
}

// endOfLog is the position of the last entry that the node has, in its log or in a
// snapshot. A log that a snapshot has overtaken is dropped, as when a node starts.
func endOfLog(dir string, store *store) (position, error) {
	end, err := endOfSnapshots(dir)
	if err != nil {
		return position{}, err
	}
	last, err := store.LastIndex()
	if err != nil || last == 0 {
		return end, err
	}
	if last < end.index {
		first, _ := store.FirstIndex()
		return end, store.DeleteRange(first, last)
	}
	var entry raft.Log
	if err := store.GetLog(last, &entry); err != nil {
		return position{}, err
	}
	return position{entry.Index, entry.Term}, nil
}

// endOfSnapshots is the position of the last entry in the newest snapshot.
func endOfSnapshots(dir string) (position, error) {
	snapshots, err := raft.NewFileSnapshotStore(dir, retainSnapshots, io.Discard)
	if err != nil {
		return position{}, err
	}
	list, err := snapshots.List()
	if err != nil || len(list) == 0 {
		return position{}, err
	}
	return position{list[0].Index, list[0].Term}, nil
}

// setAside moves what the node has into the directory beside and leaves it to join
// the others as a new node with its old id. What was moved before a crash is there
// already, and nothing new has come in its place: Open was refused meanwhile.
func (s *settlement) setAside(stateFiles []string) error {
	unlock, err := lockData(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	aside := filepath.Join(s.dir, s.id.Pending.Aside)
	if err := s.step("make the directory"); err != nil {
		return err
	}
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	for _, name := range append([]string{storeFile, stableFile, snapshotDir}, stateFiles...) {
		from := filepath.Join(s.dir, name)
		if !exists(from) {
			continue
		}
		if err := s.step("move " + name); err != nil {
			return err
		}
		if err := os.Rename(from, filepath.Join(aside, name)); err != nil {
			return err
		}
	}
	if err := errors.Join(syncDir(aside), syncDir(s.dir)); err != nil {
		return err
	}
	s.id.Epoch, s.id.Pending, s.id.Rejoin = s.id.Pending.Epoch, nil, true
	return s.save("forget what was pending")
}

// lockData keeps the files from being moved under a process that still uses them.
func lockData(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, storeFile)
	if !exists(path) {
		return func() {}, nil
	}
	db, err := openBolt(path)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("another process uses %s: %w", path, err)
	}
	if db == nil {
		return func() {}, nil // it is damaged, and goes aside all the same
	}
	return func() { _ = db.Close() }, nil
}
