package fsm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// Snapshot pins the present state: it begins a read transaction, which later
// batches do not disturb.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	s, err := f.pin()
	if err != nil {
		return nil, fmt.Errorf("take snapshot: %w", err)
	}
	tx, err := s.db.Begin(false)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take snapshot of %s: %w", f.path, err), f.unpin(s))
	}
	return &snapshot{fsm: f, store: s, tx: tx}, nil
}

// snapshot is a pinned read transaction.
type snapshot struct {
	fsm     *FSM
	store   *store
	tx      *bolt.Tx
	release sync.Once
}

// Persist writes the state to sink as a bbolt file. A snapshot that was not
// written whole is cancelled and reported: raft deletes the log that a snapshot
// covers.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := s.tx.WriteTo(sink); err != nil {
		return errors.Join(fmt.Errorf("write snapshot %s: %w", sink.ID(), err), sink.Cancel())
	}
	if err := sink.Close(); err != nil {
		return fmt.Errorf("finish snapshot %s: %w", sink.ID(), err)
	}
	return nil
}

// Release ends the transaction, whether or not the snapshot was written.
func (s *snapshot) Release() {
	s.release.Do(func() {
		err := errors.Join(s.tx.Rollback(), s.fsm.unpin(s.store))
		if err != nil {
			s.fsm.log.Warn("snapshot not released cleanly", logkey.Path, s.fsm.path, logkey.Err, err)
		}
	})
}

// restorePath is where a snapshot is received. It is in the directory of the
// file that it replaces, as a rename needs.
func restorePath(path string) string { return path + ".restore" }

// Restore replaces the state with that of a snapshot. The snapshot is written
// aside, checked as a whole, and put in place by a rename, so an error before
// that leaves the state as it was, and a crash leaves one or the other. An error
// after the rename comes with the new state in use, so that this node never
// serves another state than its file's. Raft closes r.
func (f *FSM) Restore(r io.ReadCloser) (err error) {
	old, err := f.pin()
	if err != nil {
		return fmt.Errorf("restore snapshot into %s: %w", f.path, err)
	}
	defer func() { err = errors.Join(err, f.unpin(old)) }()
	tmp := restorePath(f.path)
	s, st, err := receive(tmp, r)
	if err != nil {
		return errors.Join(fmt.Errorf("restore snapshot into %s: %w", f.path, err), removeIfThere(tmp))
	}
	if err := os.Rename(tmp, f.path); err != nil {
		return errors.Join(fmt.Errorf("restore snapshot: %w", err), s.db.Close(), removeIfThere(tmp))
	}
	synced := syncDir(filepath.Dir(f.path))

	f.mu.Lock()
	closed := f.store == nil
	if !closed {
		f.store = s
		old.users-- // the state machine's own; the pin above is the last but for snapshots
	}
	f.mu.Unlock()
	if closed {
		return errors.Join(fmt.Errorf("restore snapshot into %s: %w", f.path, ErrClosed), s.db.Close())
	}
	f.requests = st.requests
	f.publish(st.config, st.index)
	f.log.Info("snapshot restored", logkey.Path, f.path, logkey.Index, st.index,
		logkey.Term, st.term, logkey.Revision, st.config.Revision())
	if synced != nil {
		return fmt.Errorf("restore snapshot into %s: %w", f.path, synced)
	}
	return nil
}

// receive writes a snapshot to the file at path and opens it.
func receive(path string, r io.Reader) (*store, state, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, state{}, err
	}
	_, err = io.Copy(file, r)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, state{}, err
	}
	return loadStore(path)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
