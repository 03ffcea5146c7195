package check

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = Instant(time.Millisecond)

// extend is what a holder writes every 20 ms: sent a millisecond before, until
// 140 ms after that.
func extend(at Instant, term uint64) Record {
	return Record{At: at * ms, Kind: Extend, Term: term, Sent: (at - 1) * ms, Until: (at + 139) * ms}
}

func TestOpen(t *testing.T) {
	at := func(from, to Instant, term uint64) Interval {
		return Interval{Node: "a", Term: term, From: from * ms, To: to * ms}
	}
	for _, tt := range []struct {
		name    string
		journal Journal
		want    []Interval
	}{
		{"nothing", nil, nil},
		{"runs out", Journal{extend(100, 1), extend(120, 1)}, []Interval{at(100, 259, 1)}},
		{"shut", Journal{extend(100, 1), {At: 150 * ms, Kind: Shut, Term: 1}}, []Interval{at(100, 150, 1)}},
		{"shut twice", Journal{extend(100, 1), {At: 150 * ms, Kind: Shut}, {At: 160 * ms, Kind: Shut}}, []Interval{at(100, 150, 1)}},
		{"a hole", Journal{extend(100, 1), extend(300, 1)}, []Interval{at(100, 239, 1), at(300, 439, 1)}},
		{"next term", Journal{extend(100, 1), extend(120, 2)}, []Interval{at(100, 120, 1), at(120, 259, 2)}},
		{"raised", Journal{extend(100, 1), {At: 110 * ms, Kind: Raise, Term: 2}, extend(120, 1)}, []Interval{at(100, 110, 1)}},
		{"raised below", Journal{extend(100, 2), {At: 110 * ms, Kind: Raise, Term: 2}}, []Interval{at(100, 239, 2)}},
		{"killed", Journal{extend(100, 1), {At: 110 * ms, Kind: Kill, Term: 1}, extend(111, 1), extend(112, 1)}, []Interval{at(100, 110, 1), at(112, 251, 1)}},
		{"for ever", Journal{{At: 1, Kind: Extend, Term: 1, Sent: 1, Until: math.MaxInt64}}, []Interval{{Node: "a", Term: 1, From: 1, To: math.MaxInt64}}},
		{"too late", Journal{{At: 200 * ms, Kind: Extend, Term: 1, Sent: 10 * ms, Until: 150 * ms}}, nil},
	} {
		if diff := cmp.Diff(tt.want, tt.journal.Open("a")); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		to   Instant
		at   Instant
		want bool
	}{{20, 9, false}, {20, 10, true}, {20, 22, true}, {20, 23, false}, {math.MaxInt64, 23, true}} {
		if got := (Interval{From: 10, To: tt.to}).Covers(tt.at, 3); got != tt.want {
			t.Errorf("from 10 to %d, slack 3: %d is covered: %v", tt.to, tt.at, got)
		}
	}
}

func TestOneHolder(t *testing.T) {
	handover := map[string]Journal{
		"a": {extend(100, 1), {At: 150 * ms, Kind: Shut}},
		"b": {extend(150, 2), extend(170, 2)},
	}
	if dual, bad := OneHolder(Timeline(handover)); dual != 0 || bad != nil {
		t.Errorf("a handover: %v, %v", dual, bad)
	}
	handover["b"][0].At -= Instant(3 * time.Microsecond)
	dual, bad := OneHolder(Timeline(handover))
	if dual != 3*time.Microsecond || len(bad) != 1 {
		t.Errorf("3 µs too early: %v, %v", dual, bad)
	}
	// One long interval overlaps several short ones.
	dual, bad = OneHolder(Timeline(map[string]Journal{
		"a": {extend(100, 1)},
		"b": {extend(110, 2), {At: 112 * ms, Kind: Shut}, extend(120, 2), {At: 125 * ms, Kind: Shut}},
	}))
	if dual != 7*time.Millisecond || len(bad) != 2 {
		t.Errorf("twice: %v, %v", dual, bad)
	}
}

func TestLeases(t *testing.T) {
	const lease = 140 * time.Millisecond
	good := map[string]Journal{
		"a": {extend(100, 1), extend(120, 1), {At: 270 * ms, Kind: Extend, Term: 1, Sent: 100 * ms, Until: 239 * ms}},
		"b": {extend(300, 2)},
	}
	if bad := Leases(good, lease); bad != nil {
		t.Errorf("good: %v", bad)
	}
	for name, j := range map[string]map[string]Journal{
		"later":       {"a": {{At: 100 * ms, Kind: Extend, Term: 1, Sent: 101 * ms, Until: 150 * ms}}},
		"until 200ms": {"a": {{At: 270 * ms, Kind: Extend, Term: 1, Sent: 100 * ms, Until: 300 * ms}}},
		"until 141ms": {"a": {{At: 100 * ms, Kind: Extend, Term: 1, Sent: 100 * ms, Until: 241 * ms}}},
		"in term 1 ":  {"a": {extend(100, 2)}, "b": {extend(300, 1)}},
		"in term 2 ":  {"a": {extend(100, 2)}, "b": {extend(300, 2)}},
	} {
		if bad := Leases(j, lease); len(bad) != 1 || !strings.Contains(bad[0].String(), name) {
			t.Errorf("%s: %v", name, bad)
		}
	}
}
