package fsm

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hashicorp/raft"
)

func TestSnapshotAtEveryIndex(t *testing.T) {
	s := history(t, 4, 80)
	f := newTest(t)
	store := snapshots(t)
	restored := newTest(t) // gets every snapshot over what it had before
	for i, l := range s.logs {
		f.Apply(l)
		data := persist(t, f, store)
		if err := restore(restored, data); err != nil {
			t.Fatalf("entry %d: %v", l.Index, err)
		}
		sameState(t, restored, f)
		restored.ApplyBatch(s.logs[i+1:])
		sameState(t, restored, s.fsm)
	}
}

// A snapshot shows the moment of Snapshot, whatever happens before Persist:
// more entries, a restore that swaps the file, even Close.
func TestSnapshotIsPinned(t *testing.T) {
	s := history(t, 5, 90)
	path := filepath.Join(t.TempDir(), "fsm.db")
	f := openTest(t, path)
	f.ApplyBatch(s.logs[:30])
	want := newTest(t)
	want.ApplyBatch(s.logs[:30])

	var pinned []raft.FSMSnapshot
	take := func() {
		snap, err := f.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(snap.Release)
		pinned = append(pinned, snap)
	}
	take()
	f.ApplyBatch(s.logs[30:60])
	other := persist(t, s.fsm, snapshots(t))
	if err := restore(want, persist(t, want, snapshots(t))); err != nil {
		t.Fatal(err)
	}
	if err := restore(f, other); err != nil {
		t.Fatal(err)
	}
	sameState(t, f, s.fsm)
	take()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	for i, state := range []*FSM{want, s.fsm} {
		var sink memorySink
		if err := pinned[i].Persist(&sink); err != nil {
			t.Fatal(err)
		}
		g := newTest(t)
		if err := restore(g, sink.buf.Bytes()); err != nil {
			t.Fatal(err)
		}
		sameState(t, g, state)
		pinned[i].Release()
		pinned[i].Release() // harmless
	}
	sameState(t, openTest(t, path), s.fsm) // the lock is free
}

func TestReleaseWithoutPersist(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fsm.db")
	f := openTest(t, path)
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	snap.Release()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	openTest(t, path)
}

func TestFailedPersistCancels(t *testing.T) {
	f := history(t, 6, 50).fsm
	for _, tt := range []struct {
		name string
		sink *memorySink
	}{
		{"write", &memorySink{room: 10000}},
		{"first write", &memorySink{room: 1}},
	} {
		snap, err := f.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		err = snap.Persist(tt.sink)
		snap.Release()
		// bbolt does not wrap the error of the first page.
		if err == nil || !strings.Contains(err.Error(), errFull.Error()) || !tt.sink.cancelled || tt.sink.closed {
			t.Errorf("%s: got %v, cancelled %v, closed %v", tt.name, err, tt.sink.cancelled, tt.sink.closed)
		}
	}
	snap, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	if err := snap.Persist(&memorySink{failClose: true}); !errors.Is(err, errFull) {
		t.Errorf("close: got %v", err)
	}
}

var errFull = errors.New("no space left")

// memorySink is a sink that can run out of room.
type memorySink struct {
	buf               bytes.Buffer
	room              int // 0: without limit
	failClose         bool
	closed, cancelled bool
}

func (s *memorySink) Write(p []byte) (int, error) {
	if s.room > 0 && s.buf.Len()+len(p) > s.room {
		return 0, errFull
	}
	return s.buf.Write(p)
}

func (s *memorySink) ID() string { return "memory" }

func (s *memorySink) Cancel() error {
	s.cancelled = true
	return nil
}

func (s *memorySink) Close() error {
	s.closed = true
	if s.failClose {
		return errFull
	}
	return nil
}

func TestFailedRestoreKeepsTheOldState(t *testing.T) {
	s := history(t, 7, 90)
	data := persist(t, s.fsm, snapshots(t))
	path := filepath.Join(t.TempDir(), "fsm.db")
	f := openTest(t, path)
	f.ApplyBatch(s.logs[:40])
	want, config := hash(t, f), f.Config()
	check := func(name string, r io.Reader) {
		t.Helper()
		err := f.Restore(io.NopCloser(r))
		if err == nil {
			t.Fatalf("%s: restored", name)
		}
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error does not name the file: %v", name, err)
		}
		if f.Config() != config || hash(t, f) != want {
			t.Fatalf("%s: the state has changed", name)
		}
		if _, err := os.Stat(restorePath(path)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %s is left behind: %v", name, restorePath(path), err)
		}
	}
	check("empty", strings.NewReader(""))
	check("text", strings.NewReader(strings.Repeat("no snapshot\n", 5000)))
	for _, n := range []int{100, 4096, 8192, 12288, len(data) / 2, len(data) - 4096, len(data) - 1} {
		check("cut short", bytes.NewReader(data[:n]))
	}
	check("reader fails", io.MultiReader(bytes.NewReader(data[:9000]), iotest.ErrReader(errFull)))
	zeroed := bytes.Clone(data)
	clear(zeroed[8192:])
	check("zeroed", bytes.NewReader(zeroed))

	if err := os.Mkdir(restorePath(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := restore(f, data); err == nil || f.Config() != config {
		t.Fatalf("restored without a file to receive into: %v", err)
	}
	if err := os.Remove(restorePath(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}

	f.ApplyBatch(s.logs) // goes on from the old state
	sameState(t, f, s.fsm)
	if err := restore(f, data); err != nil {
		t.Fatal(err)
	}
	sameState(t, f, s.fsm)
}

func TestRestoreWakesAndLasts(t *testing.T) {
	s := history(t, 8, 60)
	data := persist(t, s.fsm, snapshots(t))
	path := filepath.Join(t.TempDir(), "fsm.db")
	f := openTest(t, path)
	watch := f.Watch(t.Context())
	<-watch
	done := make(chan error, 1)
	go func() { done <- f.Wait(t.Context(), s.fsm.Index()) }()
	if err := restore(f, data); err != nil {
		t.Fatal(err)
	}
	<-watch
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	sameState(t, openTest(t, path), s.fsm)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := restore(f, data); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("a closed state machine has replaced the file: %v", err)
	}
}

// Reads go on while snapshots are restored.
func TestReadDuringRestore(t *testing.T) {
	s := history(t, 9, 40)
	data := persist(t, s.fsm, snapshots(t))
	f := newTest(t)
	if err := restore(f, data); err != nil {
		t.Fatal(err)
	}
	want := hash(t, f)
	stop, done := make(chan struct{}), make(chan error, 2)
	for range cap(done) {
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				if sum, err := f.Hash(); err != nil || sum != want {
					done <- errors.Join(errors.New("another hash"), err)
					return
				}
				for range f.Config().Objects() {
				}
			}
		}()
	}
	for range 10 {
		if err := restore(f, data); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
