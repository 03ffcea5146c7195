package cluster

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

func mustOpenStore(t testing.TB, dir string) *store {
	t.Helper()
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func entry(index uint64, data string) *raft.Log {
	return &raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: []byte(data)}
}

func mustStore(t *testing.T, s raft.LogStore, logs ...*raft.Log) {
	t.Helper()
	if err := s.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
}

func wantBounds(t *testing.T, s raft.LogStore, first, last uint64) {
	t.Helper()
	gotFirst, err1 := s.FirstIndex()
	gotLast, err2 := s.LastIndex()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if gotFirst != first || gotLast != last {
		t.Errorf("log goes from %d to %d, want %d to %d", gotFirst, gotLast, first, last)
	}
}

func TestLogStore(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenStore(t, dir)
	wantBounds(t, s, 0, 0)
	var got raft.Log
	// raft compares with ==, so the error must be this very value.
	if err := s.GetLog(1, &got); err != raft.ErrLogNotFound { //nolint:errorlint // as raft does
		t.Errorf("entry of an empty log: %v, want raft.ErrLogNotFound", err)
	}

	mustStore(t, s, entry(1, "one"), entry(2, "two"), entry(3, "three"))
	if err := s.StoreLog(entry(4, "four")); err != nil {
		t.Fatal(err)
	}
	wantBounds(t, s, 1, 4)
	if err := s.GetLog(2, &got); err != nil || string(got.Data) != "two" {
		t.Errorf("entry 2: %q, %v", got.Data, err)
	}
	// A new leader overwrites what was not committed.
	mustStore(t, s, &raft.Log{Index: 4, Term: 2, Type: raft.LogCommand, Data: []byte("other")})
	if err := s.GetLog(4, &got); err != nil || string(got.Data) != "other" || got.Term != 2 {
		t.Errorf("overwritten entry: %+v, %v", got, err)
	}

	// Compaction cuts the head, a conflict cuts the tail.
	for _, cut := range []struct{ lo, hi, first, last uint64 }{
		{1, 1, 2, 4}, {4, 4, 2, 3}, {9, 12, 2, 3}, {0, 99, 0, 0},
	} {
		if err := s.DeleteRange(cut.lo, cut.hi); err != nil {
			t.Fatal(err)
		}
		wantBounds(t, s, cut.first, cut.last)
	}

	// After a snapshot from the leader the log goes on beyond a gap.
	mustStore(t, s, entry(100, "later"))
	wantBounds(t, s, 100, 100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantBounds(t, mustOpenStore(t, dir), 100, 100)
}

func TestLostStoreIsNotMadeAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, snapshotDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(dir); err == nil || !strings.Contains(err.Error(), storeFile+" is missing") {
		t.Errorf("a directory with snapshots and without %s: %v", storeFile, err)
	}
	if exists(filepath.Join(dir, storeFile)) {
		t.Error("it was made all the same")
	}
}

func TestForeignDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, storeFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(dir); err == nil || !strings.Contains(err.Error(), "bucket") {
		t.Errorf("opening a bbolt file of somebody else: %v", err)
	}
}

// TestLogStoreModel runs random operations, with reopening among them, on the
// store and on raft's own store in memory.
func TestLogStoreModel(t *testing.T) {
	root := t.TempDir()
	fewer(t, "10")
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := mkdirTemp(root)
		if err != nil {
			rt.Fatal(err)
		}
		s, err := openStore(dir)
		if err != nil {
			rt.Fatal(err)
		}
		s.db.NoSync = true // the model has no power to lose
		defer func() { _ = s.Close() }()
		model := map[uint64]raft.Log{}
		ends := func() (lo, hi uint64) {
			for i := range model {
				if lo == 0 || i < lo {
					lo = i
				}
				hi = max(hi, i)
			}
			return lo, hi
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				_, last := ends()
				var batch []*raft.Log
				for _, data := range rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 4).Draw(rt, "batch") {
					last++
					batch = append(batch, &raft.Log{
						Index: last, Term: rapid.Uint64().Draw(rt, "term"), Data: data,
						Type:       raft.LogType(rapid.IntRange(0, 5).Draw(rt, "type")),
						Extensions: rapid.SliceOf(rapid.Byte()).Draw(rt, "extensions"),
						AppendedAt: time.Unix(0, rapid.Int64Range(1, 1<<62).Draw(rt, "at")).UTC(),
					})
					model[last] = *batch[len(batch)-1]
				}
				if err := s.StoreLogs(batch); err != nil {
					rt.Fatal(err)
				}
			},
			"delete": func(rt *rapid.T) {
				lo := rapid.Uint64Range(0, 30).Draw(rt, "lo")
				hi := lo + rapid.Uint64Range(0, 10).Draw(rt, "n")
				if err := s.DeleteRange(lo, hi); err != nil {
					rt.Fatal(err)
				}
				for i := lo; i <= hi; i++ {
					delete(model, i)
				}
			},
			"reopen": func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, err = openStore(dir); err != nil {
					rt.Fatal(err)
				}
				s.db.NoSync = true
			},
			"": func(rt *rapid.T) {
				lo, hi := ends()
				first, _ := s.FirstIndex()
				last, _ := s.LastIndex()
				if first != lo || last != hi {
					rt.Fatalf("log goes from %d to %d, want %d to %d", first, last, lo, hi)
				}
				for i := lo; i <= hi; i++ {
					var got raft.Log
					err := s.GetLog(i, &got)
					want, ok := model[i]
					if ok != (err == nil) {
						rt.Fatalf("entry %d: %v, in the model: %v", i, err, ok)
					}
					if ok && !cmp.Equal(got, want, cmp.Transformer("nil", func(b []byte) string { return string(b) })) {
						rt.Fatalf("entry %d: %+v, want %+v", i, got, want)
					}
				}
			},
		})
	})
}

// fewer bounds the number of runs of a property whose runs touch the disk.
func fewer(t *testing.T, checks string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f.Value.String() != f.DefValue {
		return // asked for on the command line
	}
	if err := flag.Set(f.Name, checks); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(f.Name, f.DefValue) })
}

func FuzzDecodeLog(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodeLog(entry(1, "one")))
	f.Add(encodeLog(&raft.Log{Index: 1 << 60, Term: 2, Type: raft.LogNoop, Extensions: []byte("x"), AppendedAt: time.Unix(1, 2)}))
	f.Add(append(make([]byte, logHeaderSize), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, data []byte) {
		var l raft.Log
		err := decodeLog(data, &l)
		if err != nil {
			if !errors.Is(err, errLogEntry) {
				t.Errorf("error without its kind: %v", err)
			}
			return
		}
		var again raft.Log
		if err := decodeLog(encodeLog(&l), &again); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(l, again) {
			t.Errorf("decoded %+v, encoded and decoded again %+v", l, again)
		}
	})
}

func TestDecodeLogRefusesAnotherVersion(t *testing.T) {
	buf := encodeLog(entry(1, "one"))
	buf[0] = logVersion + 1
	if err := decodeLog(buf, &raft.Log{}); !errors.Is(err, errLogEntry) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("entry of a later version: %v", err)
	}
}
