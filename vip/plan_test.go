package vip

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	const life = 30 * time.Second
	here := link{index: 2}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	ours := func(addr netip.Addr, left time.Duration) address {
		return address{index: 2, prefix: netip.PrefixFrom(addr, addr.BitLen()), proto: Protocol, valid: left}
	}
	foreign := func(index, bits int) address {
		return address{index: index, prefix: netip.PrefixFrom(a, bits), valid: forever}
	}
	elsewhere := ours(a, life)
	elsewhere.index = 3
	wide := ours(a, life)
	wide.prefix = netip.PrefixFrom(a, 24)

	for _, tc := range []struct {
		name string
		want []netip.Addr
		have []address
		plan plan
	}{
		{"nothing", nil, nil, plan{}},
		{"claim", []netip.Addr{a, b}, nil, plan{add: []netip.Addr{a, b}}},
		{"settled", []netip.Addr{a}, []address{ours(a, life)}, plan{present: []netip.Addr{a}}},
		{"release", nil, []address{ours(a, life), foreign(2, 24)}, plan{remove: []address{ours(a, life)}}},
		{"one of two", []netip.Addr{b}, []address{ours(a, life), ours(b, life)}, plan{present: []netip.Addr{b}, remove: []address{ours(a, life)}}},
		{"above two thirds", []netip.Addr{a}, []address{ours(a, 21*time.Second)}, plan{present: []netip.Addr{a}}},
		{"a third gone", []netip.Addr{a}, []address{ours(a, 20*time.Second)}, plan{present: []netip.Addr{a}, refresh: []netip.Addr{a}}},
		{"without end", []netip.Addr{a}, []address{ours(a, forever)}, plan{present: []netip.Addr{a}, refresh: []netip.Addr{a}}},
		{"somebody else's, other length", []netip.Addr{a}, []address{foreign(2, 24)}, plan{foreign: map[netip.Addr]address{a: foreign(2, 24)}}},
		{"somebody else's, other interface", []netip.Addr{a}, []address{foreign(1, 32)}, plan{foreign: map[netip.Addr]address{a: foreign(1, 32)}}},
		{"ours on another interface", []netip.Addr{a}, []address{elsewhere}, plan{foreign: map[netip.Addr]address{a: elsewhere}}},
		{"not ours to remove", nil, []address{elsewhere, foreign(1, 32)}, plan{}},
		{"ours and somebody else's", []netip.Addr{a}, []address{ours(a, life), foreign(2, 24)}, plan{present: []netip.Addr{a}, foreign: map[netip.Addr]address{a: foreign(2, 24)}}},
		{"our mark, wrong length", []netip.Addr{a}, []address{wide}, plan{add: []netip.Addr{a}, remove: []address{wide}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := diff(tc.want, wantAll, snapshot{link: here, addrs: tc.have}, life)
			if len(got.foreign) == 0 {
				got.foreign = nil
			}
			if d := cmp.Diff(tc.plan, got, cmp.AllowUnexported(plan{}, address{}), cmp.Comparer(func(x, y netip.Addr) bool { return x == y }), cmp.Comparer(func(x, y netip.Prefix) bool { return x == y })); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// TestDiffOfAStandby removes what is ours, adds nothing, and knows what will be in
// the way.
func TestDiffOfAStandby(t *testing.T) {
	here := link{index: 2}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	left := address{index: 2, prefix: netip.PrefixFrom(b, 128), proto: Protocol}
	other := address{index: 3, prefix: netip.PrefixFrom(a, 24)}
	got := diff([]netip.Addr{a, b}, wantNone, snapshot{link: here, addrs: []address{left, other}}, 30*time.Second)
	want := plan{remove: []address{left}, foreign: map[netip.Addr]address{a: other}}
	same(t, "plan", want, got)
}

// TestDiffOfWhatIsKept leaves the VIPs that are there, removes what is none, and adds
// nothing.
func TestDiffOfWhatIsKept(t *testing.T) {
	here := link{index: 2}
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.2")
	kept := address{index: 2, prefix: netip.PrefixFrom(a, 32), proto: Protocol, valid: 10 * time.Second}
	old := address{index: 2, prefix: netip.PrefixFrom(c, 32), proto: Protocol}
	got := diff([]netip.Addr{a, b}, wantKept, snapshot{link: here, addrs: []address{kept, old}}, 30*time.Second)
	want := plan{present: []netip.Addr{a}, refresh: []netip.Addr{a}, remove: []address{old}, foreign: map[netip.Addr]address{}}
	same(t, "plan", want, got)
}
