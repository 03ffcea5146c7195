package fsm

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func TestOpenErrors(t *testing.T) {
	whole, err := os.ReadFile(history(t, 1, 60).fsm.path)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		make func(path string) error
		want []string
	}{
		{"empty", func(path string) error { return os.WriteFile(path, nil, 0o600) }, []string{"damaged", "move it away"}},
		{"text", func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("text ", 9000)), 0o600)
		}, []string{"damaged", "move it away"}},
		{"cut short", func(path string) error {
			return os.WriteFile(path, whole[:20000], 0o600)
		}, []string{"damaged", "move it away"}},
		{"another program's", func(path string) error {
			return edit(path, func(*bolt.Tx) error { return nil })
		}, []string{"damaged", `no bucket "meta"`}},
		{"a bucket missing", func(path string) error {
			return editCopy(path, whole, func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("pools")) })
		}, []string{"damaged", `no bucket "pools"`}},
		{"a value undecodable", func(path string) error {
			return editCopy(path, whole, func(tx *bolt.Tx) error {
				return tx.Bucket([]byte("subnets")).Put([]byte("x"), []byte("?"))
			})
		}, []string{"damaged", "subnet x"}},
		{"a parent missing", func(path string) error {
			return editCopy(path, whole, func(tx *bolt.Tx) error {
				_ = tx.DeleteBucket([]byte("subnets"))
				_, err := tx.CreateBucket([]byte("subnets"))
				return err
			})
		}, []string{"damaged", "missing"}},
		{"newer format", func(path string) error {
			return editCopy(path, whole, func(tx *bolt.Tx) error {
				return tx.Bucket([]byte(metaBucket)).Put([]byte(keyFormat), bigEndian(formatVersion+1))
			})
		}, []string{"format 3", "upgrade it"}},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, []string{"is a directory"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fsm.db")
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, nil)
			if err == nil {
				t.Fatal("opened")
			}
			for _, part := range append(tt.want, path) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q: %v", part, err)
				}
			}
			if err := os.RemoveAll(path); err != nil { // what the error says
				t.Fatal(err)
			}
			openTest(t, path)
		})
	}
	t.Run("no directory", func(t *testing.T) {
		if _, err := Open(filepath.Join(t.TempDir(), "none", "fsm.db"), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

func edit(path string, change func(*bolt.Tx) error) error {
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(change), db.Close())
}

func editCopy(path string, data []byte, change func(*bolt.Tx) error) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return edit(path, change)
}

func TestOpenLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fsm.db")
	f := openTest(t, path)
	f.Apply(subnetEntry(t, 1, "", 1))
	// bbolt locks per open file, so a second Open meets the lock in this process too.
	_, err := Open(path, nil)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another process holds it") {
		t.Fatalf("got %v", err)
	}
	f.Apply(subnetEntry(t, 2, "", 2)) // the holder has not noticed
}

// A page that was lost or holds another's content never gets past Open as a
// crash, nor unnoticed where it belongs to the state.
func TestOpenDamaged(t *testing.T) {
	const page = 4096
	whole, err := os.ReadFile(history(t, 2, 80).fsm.path)
	if err != nil {
		t.Fatal(err)
	}
	whole = whole[:min(len(whole), 24*page)]
	path := filepath.Join(t.TempDir(), "fsm.db")
	refused, same := 0, 0
	try := func(data []byte, want [32]byte) [32]byte {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, nil)
		if err != nil {
			if !strings.Contains(err.Error(), "damaged") {
				t.Error(err)
			}
			refused++
			return want
		}
		defer func() {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}()
		sum := hash(t, f)
		if sum == want {
			same++
		}
		return sum
	}
	want := try(whole, [32]byte{})
	for n := 2 * page; n < len(whole); n += page { // the two meta pages back each other up
		lost := bytes.Clone(whole)
		clear(lost[n : n+page])
		misplaced := bytes.Clone(whole)
		copy(misplaced[n:n+page], whole[2*page:])
		for _, data := range [][]byte{lost, misplaced} {
			if got := try(data, want); got != want {
				t.Errorf("page %d: opened with another content", n/page)
			}
		}
	}
	if refused == 0 || same == 0 {
		t.Errorf("%d refused, %d opened with free pages damaged: the test shows nothing", refused, same)
	}
}

func TestOpenAfterCrashWhileCreating(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fsm.db")
	for _, left := range []string{path + ".tmp", restorePath(path)} {
		if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := openTest(t, path)
	f.Apply(subnetEntry(t, 1, "", 1))
	want := hash(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if hash(t, openTest(t, path)) != want {
		t.Error("content lost")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
