package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/amphora-lb/amphora/lb"
)

// The layout of the file besides the buckets of [buckets].
const (
	metaBucket     = "meta"
	requestsBucket = "requests"

	keyFormat   = "format"   // formatVersion, or an older one until the file has been upgraded
	keyIndex    = "index"    // of the last entry applied
	keyTerm     = "term"     // of the same entry
	keyRevision = "revision" // of the configuration

	formatVersion = 2
)

const (
	lockTimeout = time.Second
	// mapSize is how large the file grows before bbolt has to map it anew, for
	// which it waits until no snapshot is being written. It costs address space,
	// not memory.
	mapSize = 256 << 20
	// growth is how much the file grows at a time.
	growth = 1 << 20
)

// store is one open file.
type store struct {
	db    *bolt.DB
	users int // guarded by FSM.mu: the state machine itself and every open transaction
}

// state is what a file holds.
type state struct {
	config      *lb.Config
	format      uint64
	index, term uint64
	requests    *requests
}

// openStore opens or creates the file at path.
func openStore(path string) (*store, state, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createStore(path)
	}
	s, st, err := loadStore(path)
	if err != nil {
		return nil, state{}, err
	}
	// The lock is ours, so nobody is at work on what a crash left behind.
	if err := removeIfThere(restorePath(path)); err != nil {
		return nil, state{}, errors.Join(err, s.db.Close())
	}
	return s, st, nil
}

// createStore makes a file with all its buckets under another name first: a
// bbolt file that a crash left half made cannot be told from a damaged one.
func createStore(path string) (*store, state, error) {
	tmp := path + ".tmp"
	if err := removeIfThere(tmp); err != nil {
		return nil, state{}, err
	}
	db, err := openBolt(tmp)
	if err != nil {
		return nil, state{}, err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucket([]byte(b.bucket)); err != nil {
				return err
			}
		}
		if _, err := tx.CreateBucket([]byte(requestsBucket)); err != nil {
			return err
		}
		meta, err := tx.CreateBucket([]byte(metaBucket))
		if err != nil {
			return err
		}
		return meta.Put([]byte(keyFormat), bigEndian(formatVersion))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, state{}, errors.Join(err, os.Remove(tmp))
	}
	if err := install(tmp, path); err != nil {
		return nil, state{}, err
	}
	return loadStore(path)
}

// loadStore opens the file at path and reads all of it.
func loadStore(path string) (*store, state, error) {
	db, err := openBolt(path)
	if err != nil {
		return nil, state{}, err
	}
	var st state
	err = guarded(func() error {
		return db.View(func(tx *bolt.Tx) error {
			var err error
			st, err = load(tx, path)
			return err
		})
	})
	if err == nil && st.format < formatVersion {
		err = guarded(func() error {
			return db.Update(func(tx *bolt.Tx) error { return upgrade(tx, st.config) })
		})
	}
	if err != nil {
		return nil, state{}, errors.Join(err, db.Close())
	}
	return &store{db: db, users: 1}, st, nil
}

func openBolt(path string) (*bolt.DB, error) {
	var file *os.File
	var db *bolt.DB
	err := guarded(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout:         lockTimeout,
			FreelistType:    bolt.FreelistMapType,
			InitialMmapSize: mapSize,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				var err error
				file, err = os.OpenFile(name, flag, mode)
				return file, err
			},
		})
		return err
	})
	if err != nil {
		if file != nil {
			// bbolt has done so, unless it panicked. The mapping that a panic leaves
			// behind would keep the lock.
			_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
			_ = file.Close()
		}
		return nil, err
	}
	db.AllocSize = growth
	return db, nil
}

// load reads a whole file, which also visits every page that is in use.
func load(tx *bolt.Tx, path string) (state, error) {
	info, err := os.Stat(path)
	if err != nil {
		return state{}, err
	}
	if info.Size() < tx.Size() {
		return state{}, fmt.Errorf("it is cut short: %d bytes of %d", info.Size(), tx.Size())
	}
	meta := tx.Bucket([]byte(metaBucket))
	if meta == nil {
		return state{}, fmt.Errorf("it has no bucket %q", metaBucket)
	}
	var format, index, term, revision uint64
	for key, value := range map[string]*uint64{
		keyFormat: &format, keyIndex: &index, keyTerm: &term, keyRevision: &revision,
	} {
		if data := meta.Get([]byte(key)); len(data) == 8 {
			*value = binary.BigEndian.Uint64(data)
		} else if data != nil {
			return state{}, fmt.Errorf("%s is no number", key)
		}
	}
	switch {
	case format == 0:
		return state{}, errors.New("it has no format version")
	case format > formatVersion:
		return state{}, fmt.Errorf("format %d, known up to %d: %w", format, formatVersion, errNewer)
	}
	st := state{format: format, index: index, term: term}
	var decoding error
	st.config, err = lb.Build(revision, objects(tx, format, &decoding))
	if err := errors.Join(decoding, err); err != nil {
		return state{}, err
	}
	bucket := tx.Bucket([]byte(requestsBucket))
	if bucket == nil {
		return state{}, fmt.Errorf("it has no bucket %q", requestsBucket)
	}
	st.requests, err = loadRequests(bucket)
	return st, err
}

// objects yields every resource of a file of that format. It ends early at one that
// cannot be decoded and says why in failed.
func objects(tx *bolt.Tx, format uint64, failed *error) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, b := range buckets {
			if b.since > format {
				continue
			}
			bucket := tx.Bucket([]byte(b.bucket))
			if bucket == nil {
				*failed = fmt.Errorf("it has no bucket %q", b.bucket)
				return
			}
			c := bucket.Cursor()
			for key, data := c.First(); key != nil; key, data = c.Next() {
				object, id, err := decodeObject(b.kind, data)
				if err == nil && id != string(key) {
					err = fmt.Errorf("it holds %s", id)
				}
				if err == nil && format == 1 {
					completeV1(object)
				}
				if err != nil {
					*failed = fmt.Errorf("decode %s %s: %w", b.kind, key, err)
					return
				}
				if !yield(object) {
					return
				}
			}
		}
	}
}

// guarded turns a panic into an error. bbolt panics on pages that make no sense,
// and reading a damaged file through its mapping can fault.
func guarded(op func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return op()
}

// install puts a finished file in its place, durably.
func install(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// explain says what to do about an error of openStore.
func explain(path string, err error) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open %s: another process holds it; stop the other amphorad that runs on this data directory", path)
	case errors.Is(err, errNewer):
		return fmt.Errorf("open %s: %w", path, err)
	case errors.As(err, &errno):
		return fmt.Errorf("open %s: %w", path, err)
	}
	return fmt.Errorf("open %s: the file is damaged: %w; move it away and start again: "+
		"it is rebuilt from this node's log and snapshots or, without those, from the other nodes", path, err)
}
