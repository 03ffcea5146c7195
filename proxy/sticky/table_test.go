package sticky

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amphora-lb/amphora/lb"
)

func key(n int) (k Key) {
	binary.BigEndian.PutUint32(k[12:], uint32(n))
	return k
}

func (t *Table) want(tb testing.TB, n int, now int64, want lb.MemberID) {
	tb.Helper()
	got, ok := t.Lookup(key(n), now)
	if got != want || ok != (want != "") {
		tb.Fatalf("client %d belongs to %q, %v, want %q", n, got, ok, want)
	}
}

func TestTableRemembers(t *testing.T) {
	tab := New(Config{})
	tab.want(t, 1, 0, "")
	tab.Assign(key(1), "a", 0)
	tab.want(t, 1, 1<<40, "a") // for ever
	tab.Assign(key(1), "b", 1<<40)
	tab.want(t, 1, 1<<40, "b")
	tab.want(t, 2, 0, "")
	if tab.Len() != 1 {
		t.Errorf("%d clients", tab.Len())
	}
}

func TestTableExpires(t *testing.T) {
	tab := New(Config{Timeout: time.Second})
	tab.Assign(key(1), "a", 0)
	tab.want(t, 1, 999, "a") // its time begins anew
	tab.want(t, 1, 1998, "a")
	tab.want(t, 1, 2998, "")
	tab.Assign(key(1), "b", 3000)
	tab.want(t, 1, 3000, "b")
	// An entry that is of no use makes room before the table is full.
	many := New(Config{Timeout: time.Second})
	for i := range 10_000 {
		many.Assign(key(i), "a", int64(i)*1000)
	}
	if n := many.Len(); n > shards {
		t.Errorf("%d entries for one client at a time", n)
	}
}

// Who was away for the longest time makes room.
func TestTableIsBounded(t *testing.T) {
	const size = 4 * shards
	tab := New(Config{Size: size})
	tab.Assign(key(-1), "first", 0)
	for i := range 100 * size {
		tab.Assign(key(i), "a", int64(i))
		tab.want(t, -1, int64(i), "first") // it keeps coming
		tab.want(t, i, int64(i), "a")
	}
	if n := tab.Len(); n > size {
		t.Errorf("%d entries, at most %d", n, size)
	}
	tab.want(t, 0, 0, "")
}

// A table does what a map with a list of times does, and tells everything that the other nodes need.
func TestTableAsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const timeout = 100
		here, there := New(Config{Timeout: timeout * time.Millisecond}), New(Config{Timeout: timeout * time.Millisecond})
		type known struct {
			member lb.MemberID
			used   int64
		}
		model := map[int]known{}
		now := int64(1000)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += rapid.Int64Range(0, 30).Draw(t, "time")
			n := rapid.IntRange(0, 20).Draw(t, "client")
			k, ok := model[n]
			alive := ok && now-k.used < timeout
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				m := rapid.SampledFrom([]lb.MemberID{"a", "b", "c"}).Draw(t, "member")
				here.Assign(key(n), m, now)
				if alive && k.member == m || k.used < now { // nothing to contradict
					model[n] = known{m, max(k.used, now)}
				} else {
					model[n] = known{m, k.used + 1} // twice within a millisecond
				}
			case 1:
				entries, _ := here.Take(nil, 1000)
				for _, e := range entries {
					there.Merge(e, now)
				}
			default:
				got, found := here.Lookup(key(n), now)
				if found != alive || found && got != k.member {
					t.Fatalf("client %d belongs to %q, %v, want %+v at %d", n, got, found, k, now)
				}
				if found {
					model[n] = known{k.member, max(k.used, now)}
				}
			}
		}
		entries, more := here.Take(nil, 1000)
		if more {
			t.Fatal("there is more")
		}
		for _, e := range entries {
			there.Merge(e, now)
		}
		for n, k := range model {
			if now-k.used >= timeout*3/4 { // it may have been told that long ago
				continue
			}
			if got, _ := there.Lookup(key(n), now); got != k.member {
				t.Fatalf("over there client %d belongs to %q, want %+v", n, got, k)
			}
		}
	})
}

// The later news wins, in whichever order they come.
func TestMerge(t *testing.T) {
	old, recent := Entry{key(1), "old", 100}, Entry{key(1), "recent", 200}
	for _, order := range [][]Entry{{old, recent}, {recent, old}, {old, recent, old, recent}} {
		tab := New(Config{})
		for _, e := range order {
			tab.Merge(e, 300)
		}
		tab.want(t, 1, 300, "recent")
	}
	tab := New(Config{Timeout: time.Second})
	tab.Merge(Entry{key(1), "expired", 100}, 2000)
	tab.want(t, 1, 2000, "")
	// What this node decides afterwards counts more than a clock that is ahead.
	tab.Merge(Entry{key(2), "ahead", 1 << 50}, 2000)
	tab.Assign(key(2), "mine", 2001)
	tab.want(t, 2, 2002, "mine")
	told, _ := tab.Take(nil, 10)
	if len(told) != 1 || told[0].Member != "mine" || told[0].Used > 2000+maxAhead+1 {
		t.Errorf("told %+v", told)
	}
}

// What comes from elsewhere does not push out those that were here later.
func TestMergeIntoFullTable(t *testing.T) {
	tab := New(Config{Size: shards}) // one for each shard
	for i := range 1000 {
		tab.Assign(key(i), "here", 1000+int64(i))
	}
	before := tab.Len()
	for i := range 1000 {
		tab.Merge(Entry{key(10_000 + i), "there", 500}, 3000)
	}
	for i := range 1000 {
		tab.want(t, 10_000+i, 3000, "")
	}
	tab.Merge(Entry{key(20_000), "there", 2500}, 3000)
	tab.want(t, 20_000, 3000, "there")
	if tab.Len() != before {
		t.Errorf("%d entries, then %d", before, tab.Len())
	}
}

func TestTake(t *testing.T) {
	tab := New(Config{})
	for i := range 1000 {
		tab.Assign(key(i), "a", 1)
	}
	seen := map[Key]bool{}
	for more := true; more; {
		var got []Entry
		got, more = tab.Take(nil, 64)
		if len(got) > 64 {
			t.Fatalf("%d entries at once", len(got))
		}
		for _, e := range got {
			seen[e.Key] = true
		}
	}
	if len(seen) != 1000 {
		t.Fatalf("%d entries were told", len(seen))
	}
	if got, _ := tab.Take(nil, 10); len(got) != 0 {
		t.Errorf("told twice: %v", got)
	}
	// One that is there again is told when the others' knowledge is old.
	tab.Lookup(key(1), 2)
	if got, _ := tab.Take(nil, 10); len(got) != 0 {
		t.Errorf("told too soon: %v", got)
	}
	tab.Lookup(key(1), 1+retellEvery.Milliseconds())
	if got, _ := tab.Take(nil, 10); len(got) != 1 || got[0].Key != key(1) {
		t.Errorf("told %v", got)
	}
	tab.Retell()
	if got, _ := tab.Take(nil, 2000); len(got) != 1000 {
		t.Errorf("%d told again", len(got))
	}
	// What was heard is not told back.
	tab.Merge(Entry{key(5000), "b", 5}, 5)
	if got, _ := tab.Take(nil, 10); len(got) != 0 {
		t.Errorf("told back: %v", got)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	tab := New(Config{})
	addr := netip.MustParseAddr("192.0.2.7")
	value := []byte("a session of the application")
	tab.Assign(SourceKey(addr, netip.Addr{}), "a", 0)
	if got := testing.AllocsPerRun(100, func() {
		tab.Lookup(SourceKey(addr, netip.Addr{}), 1)
		tab.Lookup(CookieKey(value), 1)
		tab.Assign(SourceKey(addr, netip.Addr{}), "a", 2)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// Everything at once, for the race detector; in the end both nodes agree.
func TestConcurrentUse(t *testing.T) {
	a, b := New(Config{Size: 4096}), New(Config{Size: 4096})
	var writers, carriers sync.WaitGroup
	stop := make(chan struct{})
	carry := func(from, to *Table) {
		for {
			entries, _ := from.Take(nil, 100)
			for _, e := range entries {
				to.Merge(e, 1000)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}
	carriers.Go(func() { carry(a, b) })
	carriers.Go(func() { carry(b, a) })
	for w := range 4 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			tab := []*Table{a, b}[w%2]
			for i := range 5000 {
				n := r.IntN(500)
				if _, ok := tab.Lookup(key(n), int64(i)); !ok || r.IntN(10) == 0 {
					tab.Assign(key(n), lb.MemberID(fmt.Sprint(w)), int64(i))
				}
				if r.IntN(2000) == 0 {
					tab.Retell()
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	carriers.Wait()
	a.Retell()
	b.Retell()
	fromA, _ := a.Take(nil, 1<<20)
	fromB, _ := b.Take(nil, 1<<20)
	for _, e := range fromA {
		b.Merge(e, 10_000)
	}
	for _, e := range fromB {
		a.Merge(e, 10_000)
	}
	differ := 0
	for n := range 500 {
		x, _ := a.Lookup(key(n), 10_000)
		y, _ := b.Lookup(key(n), 10_000)
		if x == "" || y == "" {
			t.Errorf("client %d is lost", n)
		}
		if x != y {
			differ++ // both decided within the same millisecond
		}
	}
	if differ > 50 {
		t.Errorf("%d of 500 clients differ", differ)
	}
}

func TestKeys(t *testing.T) {
	addr := netip.MustParseAddr
	for _, tt := range []struct {
		a, b, mask string
		same       bool
	}{
		{"192.0.2.1", "::ffff:192.0.2.1", "", true},
		{"192.0.2.1", "192.0.2.2", "", false},
		{"192.0.2.1", "192.0.2.200", "255.255.255.0", true},
		{"192.0.2.1", "192.0.3.1", "255.255.255.0", false},
		{"192.0.2.1", "192.0.2.2", "ffff::", false},
		{"2001:db8::1", "2001:db8::2", "ffff:ffff:ffff:ffff::", true},
		{"2001:db8::1", "2001:db9::1", "ffff:ffff:ffff:ffff::", false},
		{"2001:db8::1", "2001:db8::2", "255.255.255.0", false},
	} {
		var mask netip.Addr
		if tt.mask != "" {
			mask = addr(tt.mask)
		}
		if got := SourceKey(addr(tt.a), mask) == SourceKey(addr(tt.b), mask); got != tt.same {
			t.Errorf("%s and %s under %s: same is %v", tt.a, tt.b, tt.mask, got)
		}
	}
	if CookieKey([]byte("a")) == CookieKey([]byte("b")) {
		t.Error("two cookies have one key")
	}
	// The addresses of one network use all locks evenly.
	counts := make([]int, shards)
	for i := range 64 * 256 {
		counts[SourceKey(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), netip.Addr{}).shard()]++
	}
	if least, most := slices.Min(counts), slices.Max(counts); least < 180 || most > 340 {
		t.Errorf("of 16384 addresses a shard has %d to %d", least, most)
	}
}

func TestBatch(t *testing.T) {
	sections := map[lb.PoolID][]Entry{
		"p1": {{key(1), "a", 5}, {key(2), "b", 6}, {key(3), "a", 1 << 41}},
		"p2": {{key(1), "a", 0}},
		"p3": nil,
	}
	var batch []byte
	for _, id := range []lb.PoolID{"p1", "p2", "p3"} {
		batch = AppendSection(batch, id, sections[id])
	}
	got := map[lb.PoolID][]Entry{"p3": nil}
	read := func(id lb.PoolID, e Entry) { got[id] = append(got[id], e) }
	if err := Read(batch, read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sections, got); diff != "" {
		t.Error(diff)
	}
	whole := 0
	for n := range batch {
		if err := Read(batch[:n], func(lb.PoolID, Entry) {}); err == nil {
			whole++ // it ends between two sections
		}
	}
	if whole != 3 {
		t.Errorf("%d of the shortened batches are whole, want those of 0, 1 and 2 sections", whole)
	}
	for name, bad := range map[string][]byte{
		"empty":                  {},
		"unknown version":        append([]byte{9}, batch[1:]...),
		"member that is not":     {1, 1, 'p', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7},
		"more than it can hold":  {1, 1, 'p', 0xff, 0xff, 0xff, 0xff, 0x7f},
		"number that is too big": append([]byte{1}, slices.Repeat([]byte{0xff}, 11)...),
	} {
		if err := Read(bad, func(lb.PoolID, Entry) {}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(AppendSection(AppendSection(nil, "p", []Entry{{key(1), "a", 5}, {key(2), "b", 6}}), "q", nil))
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, batch []byte) {
		n := 0
		err := Read(batch, func(lb.PoolID, Entry) { n++ })
		if n*(EntrySize-6) > len(batch) {
			t.Fatalf("%d entries of %d bytes", n, len(batch))
		}
		if err == nil && len(batch) == 0 {
			t.Fatal("nothing is a batch")
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	tab := New(Config{})
	const clients = 32 << 10
	for i := range clients {
		tab.Assign(key(i), "a", 0)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(clients); pb.Next(); i++ {
			tab.Lookup(key(i%clients), 1)
		}
	})
}
