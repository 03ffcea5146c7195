package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/chaos/check"
)

// journal is a ring of so many records, as the kernel would hold it.
type journal struct{ source }

func ring(length int) *journal {
	return &journal{source{slots: make([]slot, 1+length), records: map[uint64]check.Record{}, next: 1}}
}

func (j *journal) write(kind, term uint64) {
	j.slots[0].Seq++
	n := j.slots[0].Seq
	j.slots[1+(n-1)%uint64(len(j.slots)-1)] = slot{Seq: n, At: 100 * n, Kind: kind, Term: term}
}

func read(t *testing.T, sources ...*source) (check.Journal, uint64) {
	t.Helper()
	got, lost, err := (&Ledger{sources: sources}).Read()
	if err != nil {
		t.Fatal(err)
	}
	return got, lost
}

func TestRead(t *testing.T) {
	j := ring(4)
	want := check.Journal{}
	for i := range uint64(10) { // round and round, read in time
		j.write(1+i%4, i)
		want = append(want, check.Record{At: check.Instant(100 * (i + 1)), Kind: kinds[1+i%4], Term: i})
		if i%2 == 1 {
			got, lost := read(t, &j.source)
			if diff := cmp.Diff(want, got); diff != "" || lost != 0 {
				t.Fatalf("after %d: %d lost, -want +got\n%s", i, lost, diff)
			}
		}
	}
	for i := range uint64(6) { // not in time
		j.write(1, i)
	}
	if got, lost := read(t, &j.source); lost != 2 || len(got) != 14 {
		t.Errorf("%d read, %d lost, want 14 and 2", len(got), lost)
	}
}

// A record that is being written is read later; one that stays half written is
// left out.
func TestReadHalfWritten(t *testing.T) {
	j := ring(256)
	for range 3 {
		j.write(1, 7)
	}
	whole := j.slots[2]
	j.slots[2].Seq = 0
	if got, _ := read(t, &j.source); len(got) != 2 {
		t.Errorf("%d read, want 2", len(got))
	}
	j.slots[2] = whole
	if got, _ := read(t, &j.source); len(got) != 3 {
		t.Errorf("%d read, want 3", len(got))
	}
	j.slots[1+3].Seq = 0
	j.slots[0].Seq++
	for range 100 {
		j.write(1, 7)
	}
	if got, lost := read(t, &j.source); len(got) != 103 || lost != 0 {
		t.Errorf("%d read, %d lost, want 103 and 0", len(got), lost)
	}
}

func TestReadUnknownKind(t *testing.T) {
	j := ring(4)
	j.write(99, 1)
	if _, _, err := (&Ledger{sources: []*source{&j.source}}).Read(); err == nil {
		t.Error("a record of unknown kind is taken")
	}
}

// Two gates, one after the other, make one journal.
func TestReadSeveral(t *testing.T) {
	a, b := ring(4), ring(4)
	a.write(1, 1)
	a.write(6, 1)
	b.slots[0].Seq = 0
	b.write(5, 0)
	b.slots[1].At = 1000
	if got, _ := read(t, &b.source, &a.source); len(got) != 3 || got[2].At != 1000 || got[0].Kind != check.Extend {
		t.Errorf("got %v", got)
	}
}
