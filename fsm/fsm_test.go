package fsm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

func TestSameLogSameState(t *testing.T) {
	for seed := range uint64(10) {
		s := history(t, seed, 150)
		one, many := newTest(t), newTest(t)
		var single, batched []any
		for _, l := range s.logs {
			single = append(single, one.Apply(l))
		}
		for rest := s.logs; len(rest) > 0; {
			n := min(len(rest), 1+s.rng.IntN(20))
			batched = append(batched, many.ApplyBatch(rest[:n])...)
			rest = rest[n:]
		}
		sameState(t, one, s.fsm)
		sameState(t, many, s.fsm)
		if !reflect.DeepEqual(single, batched) {
			t.Fatalf("seed %d: responses depend on the batch", seed)
		}
		ok, refused, other := outcomes(s.logs, single)
		if ok < 30 || refused < 10 || other < 2 {
			t.Fatalf("seed %d: a poor history: %d carried out, %d refused, %d others", seed, ok, refused, other)
		}
	}
}

func TestHashTellsStatesApart(t *testing.T) {
	s := newScript(t, 1)
	last := hash(t, s.fsm)
	for range 150 {
		before := s.fsm.Config()
		s.step()
		sum := hash(t, s.fsm)
		if same, want := sum == last, before == s.fsm.Config(); same != want {
			t.Fatalf("entry %d: same hash %v, same configuration %v", s.fsm.Index(), same, want)
		}
		last = sum
	}
}

func TestReopenPassesOverWhatItHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fsm.db")
	s := history(t, 2, 120)
	f := openTest(t, path)
	half := len(s.logs) / 2
	f.ApplyBatch(s.logs[:half])
	want := hash(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	f = openTest(t, path)
	if f.Index() != s.logs[half-1].Index || hash(t, f) != want {
		t.Fatalf("reopened at %d, want %d with the same content", f.Index(), s.logs[half-1].Index)
	}
	config := f.Config()
	for _, l := range s.logs[:half] { // as raft does without a snapshot
		if response, ok := f.Apply(l).([]byte); ok {
			if _, _, err := DecodeResponse(response); !errors.Is(err, lb.ErrUnavailable) {
				t.Fatalf("entry %d applied twice: %v", l.Index, err)
			}
		}
	}
	if f.Config() != config || hash(t, f) != want {
		t.Fatal("a replay changed the state")
	}
	if err := f.store.db.View(func(tx *bolt.Tx) error {
		st, err := load(tx, path)
		if last := s.logs[half-1]; st.index != last.Index || st.term != last.Term {
			t.Errorf("after a replay the file ends at entry %d of term %d, want %d of %d", st.index, st.term, last.Index, last.Term)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	f.ApplyBatch(s.logs[half-10:]) // a batch over the edge
	sameState(t, f, s.fsm)
}

// A process that dies within a batch leaves the file as it was before.
func TestCrashInBatch(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fsm.db")
	s := history(t, 3, 60)
	f := openTest(t, path)
	f.ApplyBatch(s.logs[:40])
	want := hash(t, f)

	batch := append([]*raft.Log{}, s.logs[40:]...)
	batch = append(batch, &raft.Log{Index: 1000, Term: 7, Type: raft.LogCommand, Data: []byte("?")})
	if message := panics(func() { f.ApplyBatch(batch) }); !strings.Contains(message, "entry 1000 of term 7") {
		t.Fatalf("panic %q does not name the entry", message)
	}
	if got := hash(t, f); got != want || f.Index() != s.logs[39].Index {
		t.Fatalf("at %d after the failed batch, want %d with the same content", f.Index(), s.logs[39].Index)
	}

	data, err := os.ReadFile(path) // what a killed process leaves
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	again := openTest(t, copied)
	if hash(t, again) != want {
		t.Fatal("half a batch was stored")
	}
	again.ApplyBatch(s.logs)
	sameState(t, again, s.fsm)
}

func TestFailedWritePanics(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fsm.db")
	f := openTest(t, path)
	f.Apply(subnetEntry(t, 1, "", 1))
	want := hash(t, f)
	f.store.db.MaxSize = 1 // the file cannot grow, as on a full disk
	message := panics(func() {
		for n := uint64(2); n < 5000; n++ {
			f.Apply(subnetEntry(t, n, "", n))
			want = hash(t, f)
		}
	})
	for _, part := range []string{"of term 1", path, "size"} {
		if !strings.Contains(message, part) {
			t.Errorf("panic %q lacks %q", message, part)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if hash(t, openTest(t, path)) != want {
		t.Error("the failed write left something behind")
	}
}

func TestUndecodableEntryPanics(t *testing.T) {
	good := subnetEntry(t, 1, "", 1).Data
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"empty":         {nil, "no version"},
		"not a command": {[]byte{0xff}, "decode command"},
		"newer version": {append([]byte{0x08, CommandVersion + 1}, good[2:]...), "older than the cluster, upgrade it"},
		"newer field":   {append(bytes.Clone(good), 0xd0, 0x0f, 0x01), "older than the cluster, upgrade it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTest(t)
			message := panics(func() {
				f.Apply(&raft.Log{Index: 17, Term: 3, Type: raft.LogCommand, Data: tt.data})
			})
			for _, part := range []string{"entry 17 of term 3", tt.want} {
				if !strings.Contains(message, part) {
					t.Errorf("panic %q lacks %q", message, part)
				}
			}
		})
	}
}

func panics(f func()) (message string) {
	defer func() { message, _ = recover().(string) }()
	f()
	return ""
}

func TestWatch(t *testing.T) {
	testenv.NoLeaks(t)
	f := newTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	first, second := f.Watch(ctx), f.Watch(t.Context())
	for _, ch := range []<-chan struct{}{first, second} {
		<-ch // the one that is there at once
	}
	for n := range uint64(3) {
		f.Apply(subnetEntry(t, n+1, "", n))
	}
	for _, ch := range []<-chan struct{}{first, second} {
		if len(ch) != 1 {
			t.Fatalf("%d signals for three changes, want 1", len(ch))
		}
		<-ch
	}
	f.Apply(subnetEntry(t, 4, "", 1)) // refused: it exists
	f.Apply(&raft.Log{Index: 5, Term: 1, Type: raft.LogConfiguration})
	if len(first) != 0 {
		t.Fatal("a signal for entries that changed nothing")
	}
	cancel()
	if _, ok := <-first; ok {
		t.Fatal("a signal instead of the end")
	}
	f.Apply(subnetEntry(t, 6, "", 6))
	<-second
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := <-second; ok {
		t.Fatal("Close left a watcher waiting")
	}
	if _, ok := <-f.Watch(t.Context()); ok {
		t.Fatal("a signal from a closed state machine")
	}
}

func TestWait(t *testing.T) {
	testenv.NoLeaks(t)
	f := newTest(t)
	done := make(chan error, 1)
	go func() { done <- f.Wait(t.Context(), 3) }()
	for n := range uint64(3) {
		if len(done) > 0 {
			t.Fatalf("returned at %d", f.Index())
		}
		f.Apply(subnetEntry(t, n+1, "", n))
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := f.Wait(canceled(), 3); err != nil {
		t.Errorf("an index that has been reached: %v", err)
	}
	if err := f.Wait(canceled(), 4); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	go func() { done <- f.Wait(t.Context(), 4) }()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if _, err := f.Hash(); !errors.Is(err, ErrClosed) {
		t.Errorf("Hash: got %v, want ErrClosed", err)
	}
	if _, err := f.Snapshot(); !errors.Is(err, ErrClosed) {
		t.Errorf("Snapshot: got %v, want ErrClosed", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestChanged(t *testing.T) {
	testenv.NoLeaks(t)
	f := newTest(t)
	if err := f.Changed(canceled(), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing has changed, and the context has ended: %v", err)
	}
	done := make(chan error)
	go func() { done <- f.Changed(t.Context(), 1) }()
	for index := range uint64(2) {
		select {
		case err := <-done:
			t.Fatalf("it came back at revision %d: %v", index, err)
		default:
		}
		f.Apply(subnetEntry(t, index+1, "", index))
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := f.Changed(t.Context(), 1); err != nil {
		t.Errorf("it has changed already: %v", err)
	}
	go func() { done <- f.Changed(t.Context(), 2) }()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}
