package gate

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// newMemory is a memory that no kernel looks at.
func newMemory() *memory {
	return &memory{
		lease: &gateLease{}, floor: &gateFloor{}, killed: &gateKilled{}, meta: &gateMeta{},
		journal: make([]gateRecord, 1+records),
	}
}

// TestStoresAreNeverLooser goes through every state that the kernel may see between
// two leases: each allows what the old or the new lease allows, at most.
func TestStoresAreNeverLooser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Int64Range(0, 4)
		lease := func(name string) leaseRecord {
			return leaseRecord{uint64(small.Draw(t, name+" term")), small.Draw(t, name+" sent"), small.Draw(t, name+" until")}
		}
		old, next := lease("old"), lease("new")
		now, floor, killed := small.Draw(t, "now"), uint64(small.Draw(t, "floor")), small.Draw(t, "killed")
		allows := func(l leaseRecord) bool { return now < l.until && l.term >= floor && killed < l.sent }

		at := old
		steps, n := stores(old, next)
		for _, s := range steps[:n] {
			switch s.word {
			case wordUntil:
				at.until = int64(s.value)
			case wordSent:
				at.sent = int64(s.value)
			case wordTerm:
				at.term = s.value
			}
			if allows(at) && !allows(old) && !allows(next) {
				t.Fatalf("%+v between %+v and %+v allows what neither does", at, old, next)
			}
		}
		if at != next {
			t.Fatalf("the stores lead to %+v, want %+v", at, next)
		}
	})
}

func TestRaiseIsAMaximum(t *testing.T) {
	m := newMemory()
	var wg sync.WaitGroup
	for i := range uint64(8) {
		wg.Go(func() {
			for n := range uint64(1000) {
				m.raise(n*8 + i)
			}
		})
	}
	wg.Wait()
	if got := m.minTerm(); got != 7999 {
		t.Errorf("floor is %d, want 7999", got)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		want          Verdict
		lease         leaseRecord
		floor, killed uint64
	}{
		{Expired, leaseRecord{}, 0, 0},
		{IsOpen, leaseRecord{5, 10, math.MaxInt64}, 0, 0},
		{IsOpen, leaseRecord{5, 10, math.MaxInt64}, 5, 9},
		{Expired, leaseRecord{5, 10, 20}, 0, 0},
		{BelowFloor, leaseRecord{5, 10, math.MaxInt64}, 6, 0},
		{Claimed, leaseRecord{5, 10, math.MaxInt64}, 5, 10},
	} {
		m := newMemory()
		m.store(c.lease)
		m.floor.MinTerm, m.killed.At = c.floor, c.killed
		if got := m.verdict(); got != c.want {
			t.Errorf("%+v, floor %d, killed %d: %s, want %s", c.lease, c.floor, c.killed, got, c.want)
		}
	}
}

func TestTermsOfAnotherCluster(t *testing.T) {
	m := newMemory()
	m.introduce("one", 1)
	m.store(leaseRecord{9, 10, 20})
	m.raise(10)
	m.introduce("one", 1)
	if m.minTerm() != 10 || m.current().term != 9 {
		t.Error("the same cluster forgot its terms")
	}
	m.introduce("two", 1)
	if m.minTerm() != 0 || m.current() != (leaseRecord{}) {
		t.Errorf("another cluster inherits floor %d and %+v", m.minTerm(), m.current())
	}
}

// TestJournal has three writers go round the ring while a reader looks.
func TestJournal(t *testing.T) {
	m := newMemory()
	// None is ever overtaken by a whole round: its record would be lost.
	const writers, each = 3, records/2 - 1
	var left atomic.Int32
	left.Store(writers)
	var wg sync.WaitGroup
	for w := range int64(writers) {
		wg.Go(func() {
			defer left.Add(-1)
			for i := range int64(each) {
				m.record(KindExtend, leaseRecord{uint64(i), i + w, i + 2*w})
			}
		})
	}
	whole := func(list []Record) {
		for _, r := range list {
			if w := r.Sent - int64(r.Term); r.Until != int64(r.Term)+2*w || r.Kind != KindExtend || r.At == 0 {
				t.Errorf("half a record: %+v", r)
			}
		}
	}
	for left.Load() > 0 {
		list, _ := m.entries()
		whole(list)
	}
	wg.Wait()
	list, torn := m.entries()
	whole(list)
	if len(list) != records || torn != 0 {
		t.Errorf("%d records, %d torn, want %d and 0", len(list), torn, records)
	}
	for i, r := range list {
		if want := uint64(writers*each - records + i + 1); r.Seq != want {
			t.Fatalf("record %d is number %d, want %d", i, r.Seq, want)
		}
	}
}

// TestJournalTorn lets a writer die in the middle of a record.
func TestJournalTorn(t *testing.T) {
	m := newMemory()
	for i := range int64(5) {
		m.record(KindExtend, leaseRecord{uint64(i), i, i})
	}
	m.journal[3].Seq = 0
	list, torn := m.entries()
	var seqs []uint64
	for _, r := range list {
		seqs = append(seqs, r.Seq)
	}
	if want := []uint64{1, 2, 4, 5}; !slices.Equal(seqs, want) || torn != 1 {
		t.Errorf("records %v, %d torn, want %v and 1", seqs, torn, want)
	}
}

func TestKindsAsText(t *testing.T) {
	for kind := range kindNames {
		text, err := kind.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Kind
		if err := back.UnmarshalText(text); err != nil || back != kind {
			t.Errorf("%v became %v, %v", kind, back, err)
		}
	}
	var k Kind
	if err := k.UnmarshalText([]byte("nonsense")); err == nil {
		t.Error("nonsense was accepted")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		cfg Config
		ok  bool
	}{
		{Config{Interface: "eth0"}, true},
		{Config{Interface: "eth0.10", Backend: NFT}, true},
		{Config{}, false},
		{Config{Interface: "../x"}, false},
		{Config{Interface: ".."}, false},
		{Config{Interface: "a:b"}, false},
		{Config{Interface: "sixteen-letters-"}, false},
		{Config{Interface: "eth0", Backend: "iptables"}, false},
	} {
		if err := c.cfg.Validate(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
	if _, err := Open(Config{}); err == nil {
		t.Error("opened a gate of no interface")
	}
}

func TestTableName(t *testing.T) {
	got := []string{tableName("eth0"), tableName("eth0.10"), tableName("a_b"), ifaceOf("/x/1/eth0:10")}
	want := []string{"amphora_eth0", "amphora_eth0_2e10", "amphora_a_5fb", "eth0.10"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// fake is an enforcer that does what it is told.
type fake struct {
	enforcer
	mem *memory
	err error
	n   int // calls of leased
}

func (f *fake) memory() *memory    { return f.mem }
func (f *fake) leased(int64) error { f.n++; return f.err }

func newFake(t *testing.T) (*Gate, *fake) {
	f := &fake{mem: newMemory()}
	return &Gate{cfg: Config{Interface: "eth0"}.withDefaults(), log: Config{}.withDefaults().Logger, enf: f, forced: make(chan Event, 1)}, f
}

func TestExtend(t *testing.T) {
	const second = int64(1e9)
	t0 := now()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		before func(*Gate, *fake)
		lease  leaseRecord
		want   error // nil: any error
		stored bool
	}{
		"older term":      {nil, leaseRecord{4, t0 + 1, t0 + second}, nil, false},
		"older round":     {nil, leaseRecord{6, t0 - 1, t0 + second}, nil, false},
		"too long":        {nil, leaseRecord{6, t0 + 1, t0 + 61*second}, nil, false},
		"without a round": {nil, leaseRecord{6, 0, second}, nil, false},
		"below the floor": {func(_ *Gate, f *fake) { f.mem.raise(7) }, leaseRecord{6, t0 + 1, t0 + second}, ErrFloor, false},
		"detached":        {func(g *Gate, _ *fake) { g.detached = true }, leaseRecord{6, t0 + 1, t0 + second}, ErrDetached, false},
		"after a claim":   {func(_ *Gate, f *fake) { f.mem.killed.At = uint64(t0 + 1) }, leaseRecord{6, t0 + 1, t0 + second}, ErrClaimed, true},
		"kernel refuses":  {func(_ *Gate, f *fake) { f.err = broken }, leaseRecord{6, t0 + 1, t0 + second}, broken, true},
	} {
		t.Run(name, func(t *testing.T) {
			g, f := newFake(t)
			first := leaseRecord{5, t0, t0 + second}
			if err := g.Extend(first.term, first.sent, first.until); err != nil {
				t.Fatal(err)
			}
			if c.before != nil {
				c.before(g, f)
			}
			err := g.Extend(c.lease.term, c.lease.sent, c.lease.until)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			want := first
			if c.stored {
				want = c.lease
			}
			if got := f.mem.current(); got != want {
				t.Errorf("the lease is %+v, want %+v", got, want)
			}
		})
	}
}

func TestExtendTellsOfAFloorOnce(t *testing.T) {
	g, f := newFake(t)
	f.mem.raise(7)
	for range 3 {
		if err := g.Extend(6, now(), now()+1e9); !errors.Is(err, ErrFloor) {
			t.Fatal(err)
		}
	}
	if e := <-g.Forced(); e.Kind != KindRaise || e.Term != 7 {
		t.Errorf("told %+v", e)
	}
	if len(g.forced) != 0 {
		t.Error("told more than once")
	}
}

// TestJournalComesFirst reads the journal at the moment at which the kernel is told.
func TestJournalComesFirst(t *testing.T) {
	g, f := newFake(t)
	sent := now()
	if err := errors.Join(g.Extend(5, sent, sent+1e9), g.Shut(5)); err != nil {
		t.Fatal(err)
	}
	list, _ := f.mem.entries()
	if len(list) != 2 || list[0].Kind != KindExtend || list[0].Until != sent+1e9 || list[1].Kind != KindShut || list[1].Until != sent+1e9 {
		t.Errorf("journal: %+v", list)
	}
	if f.n != 2 || f.mem.current() != (leaseRecord{5, sent, 0}) {
		t.Errorf("%d changes, lease %+v", f.n, f.mem.current())
	}
}

func TestExtendDoesNotAllocate(t *testing.T) {
	g, _ := newFake(t)
	if n := testing.AllocsPerRun(100, func() {
		sent := now()
		if err := g.Extend(5, sent, sent+1e9); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
