package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	storeFile   = "raft.db"
	snapshotDir = "snapshots" // raft's name for it
	// lockWait is how long opening waits for another process to let go of the
	// file. Without a limit a second process would hang with no word of why.
	lockWait = time.Second
)

var (
	bucketLog    = []byte("log")
	bucketStable = []byte("stable")
)

// store is raft.db: the log and the stable values of raft in one bbolt file.
// Every write is synced before it returns.
type store struct {
	db *bbolt.DB
	logStore
	stableStore
}

// openStore opens dir/raft.db, and creates it if it is not there. The file is
// made under another name and renamed when its buckets are in it: bbolt cannot
// tell a half made file from a broken one.
func openStore(dir string) (*store, error) {
	path := filepath.Join(dir, storeFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		// A node that has lost its log and its votes would vote a second time in
		// elections that it has voted in, and for those who miss what it had.
		if kept := filepath.Join(dir, snapshotDir); exists(kept) {
			return nil, fmt.Errorf("%s is missing but %s is there; restore the file, or remove this node from the cluster, empty the directory and join anew", path, kept)
		}
		if err := createStore(path); err != nil {
			return nil, fmt.Errorf("create %s: %w", path, err)
		}
	}
	db, err := openBolt(path)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: another process holds its lock; stop the amphorad that uses this data directory: %w", path, err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w; %s", path, err, startAnew)
	}
	s := &store{db: db}
	if err := errors.Join(s.logStore.open(db), s.stableStore.open(db)); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w; %s", path, err, startAnew), db.Close())
	}
	return s, nil
}

// startAnew is what an operator can do about a damaged data directory: a node
// without its log and its votes is a new node.
const startAnew = "if it is damaged, remove this node with `amphoractl cluster remove` on another one, " +
	"empty the data directory, start again and run `amphoractl cluster join ADDRESS` here"

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// dropHalfSnapshots removes what a crash left of snapshots being written. raft
// never does, and warns of each whenever it looks at its snapshots.
func dropHalfSnapshots(dir string) error {
	half, err := filepath.Glob(filepath.Join(dir, snapshotDir, "*.tmp"))
	for _, path := range half {
		err = errors.Join(err, os.RemoveAll(path))
	}
	if err != nil {
		return fmt.Errorf("remove unfinished snapshots: %w", err)
	}
	return nil
}

func createStore(path string) error {
	tmp := path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := openBolt(tmp)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err1 := tx.CreateBucket(bucketLog)
		_, err2 := tx.CreateBucket(bucketStable)
		return errors.Join(err1, err2)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// openBolt leaves the freelist out of every commit: after truncations of a long
// log, writing it would cost more than the entries. It is rebuilt when opening.
func openBolt(path string) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        lockWait,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	})
}

// Close waits for running transactions. Writes after it fail, and raft panics
// when it cannot save its term, so raft must have stopped before.
func (s *store) Close() error { return s.db.Close() }
