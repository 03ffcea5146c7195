package balance

import (
	"hash/crc32"
	"net/netip"
	"slices"
	"testing"

	"github.com/amphora-lb/amphora/lb"
)

// owners returns the id that each of n clients belongs to.
func owners(t *testing.T, members []Member, n int) []lb.MemberID {
	t.Helper()
	ids := make([]lb.MemberID, n)
	for k, i := range picks(t, New(Config{Algorithm: lb.SourceIP, Members: members}), n) {
		ids[k] = members[i].ID
	}
	return ids
}

func TestSourceIPIsTheSameOnEveryNode(t *testing.T) {
	members := pool(3, 1, 2, 7)
	reversed := slices.Clone(members)
	slices.Reverse(reversed)
	if !slices.Equal(owners(t, members, 5000), owners(t, reversed, 5000)) {
		t.Error("the order of the members matters")
	}
	// Nodes of different versions serve the same clients for a while, so the
	// table must never change.
	table := newMaglevTable(New(Config{Algorithm: lb.SourceIP, Members: members}).members)
	sum := crc32.NewIEEE()
	for _, i := range table {
		sum.Write([]byte{byte(i)})
	}
	if got, want := sum.Sum32(), uint32(0xe6a9e04); got != want {
		t.Errorf("the table has checksum %#x, was %#x in released versions", got, want)
	}
	if got, want := hashAddr(netip.MustParseAddr("192.0.2.1")), uint64(0xd21f2ca35c221d8d); got != want {
		t.Errorf("192.0.2.1 hashes to %#x, was %#x in released versions", got, want)
	}
}

func TestSourceIPKey(t *testing.T) {
	b := New(Config{Algorithm: lb.SourceIP, Members: pool(equal(50)...)})
	pick := func(s string) int {
		t.Helper()
		var c Choice
		i, _ := b.Pick(&c, netip.MustParseAddr(s))
		c.Release()
		return i
	}
	if pick("192.0.2.7") != pick("::ffff:192.0.2.7") {
		t.Error("an IPv4-mapped address is another client than the IPv4 address")
	}
	if pick("fe80::1%eth0") != pick("fe80::1%2") {
		t.Error("the zone matters")
	}
	distinct := map[int]bool{}
	for _, s := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::1", "2001:db8::2", "2001:db8:1::1"} {
		distinct[pick(s)] = true
	}
	if len(distinct) < 5 {
		t.Errorf("7 clients share %d members of 50", len(distinct))
	}
	var c Choice
	if _, ok := b.Pick(&c, netip.Addr{}); !ok {
		t.Error("no member for a client without an address")
	}
}

func TestSourceIPFollowsWeights(t *testing.T) {
	for _, weights := range [][]int{equal(2), equal(37), {5, 1, 1}, {256, 1, 128, 64}, equal(500)} {
		members := pool(weights...)
		b := New(Config{Algorithm: lb.SourceIP, Members: members})
		picks(t, b, 1)
		total := 0
		for _, w := range weights {
			total += w
		}
		entries := make([]int, len(weights))
		for _, i := range b.maglev {
			entries[b.members[i].index]++
		}
		for i, n := range entries {
			want := float64(tableSize) * float64(weights[i]) / float64(total)
			if diff := float64(n) - want; diff > 1+want/100 || diff < -1-want/100 {
				t.Errorf("weights %v: member %d owns %d entries, want %.0f", weights, i, n, want)
			}
		}
		chiSquare(t, count(picks(t, b, 200*len(weights)), len(weights)), entries)
	}
}

// disruption is the share of clients, among those that a change of members does
// not force to move, that it moves nevertheless.
func disruption(t *testing.T, before, after []Member) float64 {
	t.Helper()
	const clients = 20_000
	is := map[lb.MemberID]bool{}
	for _, m := range after {
		is[m.ID] = true
	}
	was := map[lb.MemberID]bool{}
	for _, m := range before {
		was[m.ID] = true
	}
	from, to := owners(t, before, clients), owners(t, after, clients)
	moved := 0
	for k := range from {
		if from[k] != to[k] && is[from[k]] && was[to[k]] {
			moved++
		}
	}
	return float64(moved) / clients
}

func TestSourceIPDisruption(t *testing.T) {
	weighted := []int{10, 20, 30, 40, 50, 10, 20, 30, 40, 50, 25}
	for _, tt := range []struct {
		name    string
		weights []int
		limit   float64
	}{
		{"3 members", equal(3), 0.01},
		{"11 members", equal(11), 0.01},
		{"101 members", equal(101), 0.02},
		{"11 weighted members", weighted, 0.01},
	} {
		members := pool(tt.weights...)
		less := members[:len(members)-1]
		for change, got := range map[string]float64{
			"remove": disruption(t, members, less),
			"add":    disruption(t, less, members),
		} {
			t.Logf("%s, %s one: %.2f%% moved needlessly", tt.name, change, 100*got)
			if got > tt.limit {
				t.Errorf("%s, %s one: %.2f%% of clients moved needlessly, limit %.0f%%", tt.name, change, 100*got, 100*tt.limit)
			}
		}
	}
}

// Clients of a member that fails are spread over the others, each always to the
// same one.
func TestSourceIPRetries(t *testing.T) {
	b := New(Config{Algorithm: lb.SourceIP, Members: pool(equal(9)...)})
	got := make([]int, 9)
	for k := range 20_000 {
		var first int
		for attempt := range 2 {
			var c Choice
			i, _ := b.Pick(&c, client(k))
			if i != 4 {
				break
			}
			i, _ = b.Pick(&c, client(k))
			c.Release()
			if attempt == 0 {
				first = i
				got[i]++
			} else if i != first {
				t.Fatalf("client %d: retried on %d, then on %d", k, first, i)
			}
		}
	}
	if got[4] != 0 {
		t.Fatalf("retries came back: %v", got)
	}
	for i, n := range got {
		if i != 4 && (n < 200 || n > 360) {
			t.Errorf("member %d got %d of the 2222 clients", i, n)
		}
	}
}
