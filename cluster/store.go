package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	storeFile   = "raft.db"
	stableFile  = "stable"
	snapshotDir = "snapshots" // raft's name for it
	// lockWait is how long opening waits for another process to let go of the
	// file. Without a limit a second process would hang with no word of why.
	lockWait = time.Second
)

var (
	bucketLog = []byte("log")
	// bucketStable is in a raft.db whose stable values are still to be moved to the
	// stable file: a new one, or one of before there was that file.
	bucketStable = []byte("stable")
)

// store is what raft keeps on disk beside its snapshots: the log in raft.db, a
// bbolt file, and term and vote in the stable file. Every write is synced before
// it returns. bbolt's lock on raft.db keeps a second process out of both.
type store struct {
	db *bbolt.DB
	logStore
	stableStore
	// damage, if not nil, is what was wrong with the stable file and was mended.
	damage error
}

// openStore opens dir/raft.db and dir/stable, and creates them if they are not
// there. raft.db is made under another name and renamed when its buckets are in
// it: bbolt cannot tell a half made file from a broken one.
func openStore(dir string) (*store, error) {
	path := filepath.Join(dir, storeFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		// A node that has lost its log and its votes would vote a second time in
		// elections that it has voted in, and for those who miss what it had.
		for _, name := range []string{snapshotDir, stableFile} {
			if kept := filepath.Join(dir, name); exists(kept) {
				return nil, fmt.Errorf("%s is missing but %s is there; restore the file, or remove this node from the cluster, empty the directory and join anew", path, kept)
			}
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
	if err := s.open(db); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w; %s", path, err, startAnew), db.Close())
	}
	if err := s.openStable(filepath.Join(dir, stableFile)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// openStable opens the stable file. Values that are still in raft.db are moved
// there first, once: the file is made with them, and when it is durable they are
// deleted. After a crash in between both are there and the file counts, for what
// raft has written since is in it alone. Without the bucket and without the file
// term and vote are lost, and the bucket must not stay to be taken for them.
func (s *store) openStable(path string) error {
	bucket, err := readBucket(s.db)
	if err != nil {
		return fmt.Errorf("read stable values of %s: %w; %s", s.db.Path(), err, startAnew)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if bucket == nil {
			return fmt.Errorf("%s is missing but %s is there; restore the file, or remove this node from the cluster, empty the directory and join anew", path, s.db.Path())
		}
		data, err = newStableFile(bucket)
		if err == nil {
			err = writeFileDurably(path, data)
		}
		if err != nil {
			return fmt.Errorf("create %s: %w", path, err)
		}
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	state, err := decodeStable(data)
	if err != nil {
		return fmt.Errorf("read %s: %w; %s", path, err, startAnew)
	}
	if bucket != nil {
		if err := s.db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketStable) }); err != nil {
			return fmt.Errorf("delete from %s the values moved to %s: %w", s.db.Path(), path, err)
		}
	}
	file, err := openBlocks(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	s.load(file, state)
	if state.damaged != nil {
		s.damage = fmt.Errorf("%s: %w", path, state.damaged)
		if err := s.mend(); err != nil {
			return errors.Join(fmt.Errorf("mend %s: %w", path, err), file.Close())
		}
	}
	return nil
}

// mend replaces the damaged slot of the stable file.
func (s *store) mend() error {
	var last raft.Log
	index, err := s.LastIndex()
	if err == nil && index > 0 {
		err = s.GetLog(index, &last)
	}
	if err != nil {
		return err
	}
	return s.abstain(last.Term)
}

// readBucket returns the values that are still in raft.db, nil if they have gone.
func readBucket(db *bbolt.DB) (values map[string][]byte, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketStable)
		if b == nil {
			return nil
		}
		values = map[string][]byte{}
		return b.ForEach(func(k, v []byte) error {
			values[string(k)] = bytes.Clone(v)
			return nil
		})
	})
	return values, err
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
func (s *store) Close() error { return errors.Join(s.db.Close(), s.file.Close()) }
