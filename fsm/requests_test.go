package fsm

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/amphora-lb/amphora/lb"
)

func TestRequestIsAppliedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fsm.db")
	f := openTest(t, path)
	first := f.Apply(subnetEntry(t, 5, "r", 1)).([]byte)
	if _, revision, err := DecodeResponse(first); err != nil || revision != 5 {
		t.Fatalf("revision %d, %v", revision, err)
	}
	config, sum := f.Config(), hash(t, f)
	repeat := func(f *FSM, index uint64) {
		t.Helper()
		got := f.Apply(subnetEntry(t, index, "r", 1)).([]byte)
		if !bytes.Equal(got, first) {
			t.Fatalf("entry %d: another response: %q, first %q", index, got, first)
		}
		if f.Index() != index || hash(t, f) != sum || f.Config().Revision() != config.Revision() {
			t.Fatalf("entry %d: the state has changed", index)
		}
	}
	repeat(f, 6)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openTest(t, path)
	repeat(f, 7)
	g := newTest(t)
	if err := restore(g, persist(t, f, snapshots(t))); err != nil {
		t.Fatal(err)
	}
	repeat(g, 8)

	// Without an id, or with another one, it is another command.
	for i, id := range []string{"", "", "other"} {
		response := f.Apply(subnetEntry(t, uint64(10+i), id, 1)).([]byte)
		if _, _, err := DecodeResponse(response); err == nil {
			t.Errorf("request %q: carried out, though the subnet exists", id)
		}
	}
}

// A refused command changed nothing and is judged anew.
func TestRefusedRequestIsTriedAgain(t *testing.T) {
	f := newTest(t)
	f.Apply(subnetEntry(t, 1, "", 1))
	refused := subnetEntry(t, 2, "r", 1)
	if _, _, err := DecodeResponse(f.Apply(refused).([]byte)); err == nil {
		t.Fatal("carried out, though the subnet exists")
	}
	data, err := EncodeCommand("", lb.Stamp{At: time.Unix(1_800_000_000, 0)}, true, lb.DeleteSubnet{ID: lb.SubnetID(testID(1))})
	if err != nil {
		t.Fatal(err)
	}
	f.Apply(&raft.Log{Index: 3, Term: 1, Data: data})
	refused.Index = 4
	if _, _, err := DecodeResponse(f.Apply(refused).([]byte)); err != nil {
		t.Errorf("got %v, though nothing is in the way now", err)
	}
}

func TestRequestInOneBatch(t *testing.T) {
	f := newTest(t)
	responses := f.ApplyBatch([]*raft.Log{subnetEntry(t, 1, "r", 1), subnetEntry(t, 2, "r", 1)})
	if !bytes.Equal(responses[0].([]byte), responses[1].([]byte)) {
		t.Errorf("%q and %q", responses...)
	}
}

func TestOldestRequestIsForgotten(t *testing.T) {
	f := newTest(t)
	// Updates of one subnet: carried out anew, each moves the revision.
	entry := func(index, n uint64) *raft.Log {
		data, err := EncodeCommand(fmt.Sprintf("r%d", n), lb.Stamp{At: time.Unix(1_800_000_000, 0)}, true,
			lb.UpdateSubnet{ID: lb.SubnetID(testID(1)), Spec: lb.SubnetSpec{
				MetaSpec: lb.MetaSpec{Description: lb.Some(fmt.Sprint(n))},
			}})
		if err != nil {
			t.Fatal(err)
		}
		return &raft.Log{Index: index, Term: 1, Data: data}
	}
	logs := []*raft.Log{subnetEntry(t, 1, "", 1)}
	for n := uint64(1); n <= maxRequests; n++ {
		logs = append(logs, entry(n+1, n))
	}
	f.ApplyBatch(logs)
	repeated := func(f *FSM, index, n uint64) bool {
		t.Helper()
		before := f.Config().Revision()
		_, revision, err := DecodeResponse(f.Apply(entry(index, n)).([]byte))
		if err != nil {
			t.Fatal(err)
		}
		return revision < index && f.Config().Revision() == before
	}
	if !repeated(f, 5000, 1) {
		t.Fatal("forgotten while there was room")
	}
	if repeated(f, 5001, maxRequests+1) {
		t.Fatal("a new request was taken for a repeated one")
	}
	g := newTest(t)
	if err := restore(g, persist(t, f, snapshots(t))); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*FSM{f, g} {
		if len(f.requests.responses) != maxRequests {
			t.Errorf("%d remembered, want %d", len(f.requests.responses), maxRequests)
		}
		if !repeated(f, 5002, 2) || !repeated(f, 5003, maxRequests+1) {
			t.Error("a younger one was forgotten")
		}
		if repeated(f, 5004, 1) {
			t.Error("the oldest was not forgotten")
		}
	}
	sameState(t, f, g)
}
