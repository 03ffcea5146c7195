package cluster

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

func TestStableStore(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenStore(t, dir)
	if n, err := s.GetUint64([]byte(keyTerm)); n != 0 || err != nil {
		t.Errorf("number that is not there: %d, %v", n, err)
	}
	if v, err := s.Get([]byte(keyVoteCandidate)); v != nil || err != nil {
		t.Errorf("value that is not there: %q, %v", v, err) // raft tells nil from empty
	}
	if err := errors.Join(s.SetUint64([]byte(keyTerm), 7), s.Set([]byte("k"), []byte("v"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Set([]byte("long"), make([]byte, slotSize)); err == nil {
		t.Error("a value longer than a slot was stored")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpenStore(t, dir)
	n, err1 := s.GetUint64([]byte(keyTerm))
	v, err2 := s.Get([]byte("k"))
	if n != 7 || string(v) != "v" || err1 != nil || err2 != nil {
		t.Errorf("after reopening: %d, %q, %v, %v", n, v, err1, err2)
	}
	if _, err := s.GetUint64([]byte("k")); err == nil {
		t.Error("a value of one byte was read as a number")
	}
}

func TestVoteIsOneWrite(t *testing.T) {
	d := newDisk(t)
	s, _, err := d.boot()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SetUint64([]byte(keyTerm), 5), vote(s, 5, "first")); err != nil {
		t.Fatal(err)
	}
	if d.writes != 2 {
		t.Errorf("a term and a vote take %d writes, want 2", d.writes)
	}
	if err := s.SetUint64([]byte(keyTerm), 5); err != nil || d.writes != 2 {
		t.Errorf("the same term again: %d writes, %v", d.writes, err)
	}
	// A crash between raft's two calls must leave the old pair, not a mixed one.
	if err := s.SetUint64([]byte(keyVoteTerm), 6); err != nil {
		t.Fatal(err)
	}
	if s, _, err = d.boot(); err != nil {
		t.Fatal(err)
	}
	term, _ := s.GetUint64([]byte(keyVoteTerm))
	candidate, _ := s.Get([]byte(keyVoteCandidate))
	if term != 5 || string(candidate) != "first" {
		t.Errorf("after a crash in mid-vote: term %d for %q, want 5 for first", term, candidate)
	}
}

// oldStore makes a raft.db as it was before there was a stable file.
func oldStore(t *testing.T, dir string, values map[string][]byte) {
	t.Helper()
	s := mustOpenStore(t, dir)
	mustStore(t, s, entry(1, "one"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, stableFile)); err != nil {
		t.Fatal(err)
	}
	putBucket(t, dir, values)
}

func putBucket(t *testing.T, dir string, values map[string][]byte) {
	t.Helper()
	db, err := openBolt(filepath.Join(dir, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(bucketStable)
		for key, value := range values {
			err = errors.Join(err, b.Put([]byte(key), value))
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestStableValuesMoveOutOfTheDatabase(t *testing.T) {
	dir := t.TempDir()
	old := map[string][]byte{keyTerm: binary.BigEndian.AppendUint64(nil, 9), keyVoteCandidate: []byte("x")}
	oldStore(t, dir, old)
	s := mustOpenStore(t, dir)
	if !cmp.Equal(s.values, old) {
		t.Errorf("moved %q, want %q", s.values, old)
	}
	if err := errors.Join(s.SetUint64([]byte(keyTerm), 10), s.Close()); err != nil {
		t.Fatal(err)
	}
	// A crash before the bucket was deleted: it must not overrule what came after.
	putBucket(t, dir, old)
	for range 2 {
		s = mustOpenStore(t, dir)
		if term, _ := s.GetUint64([]byte(keyTerm)); term != 10 {
			t.Errorf("term %d, want 10", term)
		}
		if bucket, err := readBucket(s.db); bucket != nil || err != nil {
			t.Errorf("still in %s: %q, %v", storeFile, bucket, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStableFileRefusals(t *testing.T) {
	path := func(dir string) string { return filepath.Join(dir, stableFile) }
	edit := func(change func(data []byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			data, err := os.ReadFile(path(dir))
			if err == nil {
				err = os.WriteFile(path(dir), change(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"lost": {func(t *testing.T, dir string) {
			if err := os.Remove(path(dir)); err != nil {
				t.Fatal(err)
			}
		}, "stable is missing but"},
		"database lost": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, storeFile)); err != nil {
				t.Fatal(err)
			}
		}, "raft.db is missing but"},
		"empty":      {edit(func([]byte) []byte { return nil }), "0 bytes instead of 8192"},
		"too long":   {edit(func(data []byte) []byte { return append(data, 0) }), "8193 bytes instead of 8192"},
		"both slots": {edit(func(data []byte) []byte { return make([]byte, len(data)) }), "slot 0: damaged slot: wrong checksum, slot 1: damaged"},
		"later version": {edit(func(data []byte) []byte {
			data[4+len(slotMagic)]++
			return sign(data)
		}), "slot 0: malformed stable file: version 2, this program knows 1"},
		"somebody else's": {edit(func(data []byte) []byte {
			data[4]++
			data[slotSize+4]++
			return sign(data)
		}), "none of amphora"},
		"swapped slots": {edit(func(data []byte) []byte { return append(data[slotSize:], data[:slotSize]...) }), "does not belong there"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := mustOpenStore(t, dir).Close(); err != nil {
				t.Fatal(err)
			}
			test.damage(t, dir)
			_, err := openStore(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}

// A slot that was damaged may have held a vote: none is given in that term, and the
// next start finds nothing to mend.
func TestDamagedSlotCostsTheVote(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenStore(t, dir)
	mustStore(t, s, entry(1, "one"), &raft.Log{Index: 2, Term: 8})
	if err := errors.Join(s.SetUint64([]byte(keyTerm), 7), vote(&s.stableStore, 7, "a"), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, stableFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	state, err := decodeStable(data)
	if err != nil {
		t.Fatal(err)
	}
	data[state.generation%2*slotSize+100] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = mustOpenStore(t, dir)
	if s.damage == nil || !strings.Contains(s.damage.Error(), path) {
		t.Errorf("the damage is told as %v", s.damage)
	}
	want := map[string][]byte{
		keyTerm: binary.BigEndian.AppendUint64(nil, 8), keyVoteTerm: binary.BigEndian.AppendUint64(nil, 8), keyVoteCandidate: []byte(abstention),
	}
	if !cmp.Equal(s.values, want) {
		t.Errorf("it holds %q, want %q", s.values, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = mustOpenStore(t, dir); s.damage != nil || !cmp.Equal(s.values, want) {
		t.Errorf("after it was mended: %v, %q", s.damage, s.values)
	}
}

// BenchmarkVote stores a new term and a vote in it, as every election does on every
// node. bbolt flushes twice per transaction.
func BenchmarkVote(b *testing.B) {
	b.Run("file", func(b *testing.B) {
		s := mustOpenStore(b, b.TempDir())
		term := uint64(0)
		for b.Loop() {
			term++
			if err := errors.Join(s.SetUint64([]byte(keyTerm), term), vote(&s.stableStore, term, "somebody")); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(2, "flushes/op")
	})
	b.Run("bbolt", func(b *testing.B) {
		db, err := openBolt(filepath.Join(b.TempDir(), "db"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = db.Close() })
		put := func(values map[string][]byte) error {
			return db.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists(bucketStable)
				for key, value := range values {
					err = errors.Join(err, bucket.Put([]byte(key), value))
				}
				return err
			})
		}
		term := uint64(0)
		for b.Loop() {
			term++
			buf := binary.BigEndian.AppendUint64(nil, term)
			err := errors.Join(put(map[string][]byte{keyTerm: buf}), put(map[string][]byte{keyVoteTerm: buf, keyVoteCandidate: []byte("somebody")}))
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(4, "flushes/op")
	})
}
