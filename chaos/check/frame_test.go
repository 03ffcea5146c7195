package check

import (
	"net/netip"
	"testing"
	"time"
)

var (
	vip  = netip.MustParseAddr("192.0.2.100")
	macs = map[string][6]byte{"a": {0, 0, 0, 0, 0, 0xa}, "b": {0, 0, 0, 0, 0, 0xb}}
)

func frame(at Instant, node string, kind FrameKind, round uint32) Frame {
	return Frame{At: at * ms, Node: node, MAC: macs[node], VIP: vip, Kind: kind, Round: round}
}

func TestFromHolder(t *testing.T) {
	journals := map[string]Journal{
		"a": {extend(100, 1), {At: 150 * ms, Kind: Shut}},
		"b": {extend(150, 2)},
	}
	settle := 2 * time.Millisecond
	good := []Frame{frame(100, "a", Packet, 0), frame(149, "a", Answer, 1), frame(151, "a", Packet, 0), frame(152, "b", Announce, 0), frame(288, "b", Packet, 0)}
	if bad := FromHolder(good, journals, settle); bad != nil {
		t.Errorf("good: %v", bad)
	}
	for _, tt := range []struct {
		frame Frame
		want  string
	}{
		{frame(153, "a", Packet, 0), "I4"},
		{frame(99, "a", Packet, 0), "I4"},
		{frame(155, "a", Announce, 0), "I2"},
		{frame(140, "b", Answer, 1), "I2"},
		{frame(120, "witness", Packet, 0), "I4"},
	} {
		if bad := FromHolder(append(good, tt.frame), journals, settle); len(bad) != 1 || bad[0].Invariant != tt.want {
			t.Errorf("%+v: %v, want one of %s", tt.frame, bad, tt.want)
		}
	}
	// A thousand frames of one fault are one violation.
	var many []Frame
	for i := range Instant(1000) {
		many = append(many, frame(400+i, "a", Packet, 0))
	}
	if bad := FromHolder(many, journals, settle); len(bad) != 1 {
		t.Errorf("many: %d violations", len(bad))
	}
}

// TestFromHolderDraining: connections go on after a planned switchover, and
// nothing else does.
func TestFromHolderDraining(t *testing.T) {
	journals := map[string]Journal{
		"a": {extend(100, 1), {At: 149 * ms, Kind: Drain, Term: 1, Until: 500 * ms}, extend(150, 1), {At: 150 * ms, Kind: Shut}},
		"b": {{At: 150 * ms, Kind: Other}, extend(150, 2), extend(250, 2)},
	}
	if bad := FromHolder([]Frame{frame(300, "a", Packet, 0), frame(499, "a", Packet, 0)}, journals, 0); bad != nil {
		t.Errorf("good: %v", bad)
	}
	for _, f := range []Frame{frame(300, "a", Announce, 0), frame(300, "a", Answer, 1), frame(501, "a", Packet, 0), frame(450, "b", Packet, 0)} {
		if bad := FromHolder([]Frame{f}, journals, 0); len(bad) != 1 {
			t.Errorf("%+v: %v", f, bad)
		}
	}
	journals["a"] = append(journals["a"], extend(400, 3), Record{At: 410 * ms, Kind: Shut})
	if bad := FromHolder([]Frame{frame(420, "a", Packet, 0)}, journals, 0); len(bad) != 1 {
		t.Errorf("after it held again: %v", bad)
	}
}

func TestOneAnswer(t *testing.T) {
	answers := func(nodes ...string) (all []Frame) {
		for i, who := range nodes {
			for j, node := range who {
				all = append(all, frame(Instant(100+5*i+j), string(node), Answer, uint32(i+1)))
			}
		}
		return all
	}
	for _, good := range [][]Frame{
		nil,
		answers("a", "a", "b", "b"),
		answers("a", "", "", "b"),
		answers("a", "ab", "b"), // the holder changed between the two looks
		answers("aaa", "a", "b", "a"),
		append(answers("a", "a"), frame(101, "b", Packet, 0), frame(102, "b", Answer, 0)), // no probe of ours
	} {
		if dual, bad := OneAnswer(good); dual != 0 || bad != nil {
			t.Errorf("good: %v, %v", dual, bad)
		}
	}
	for _, in := range [][]Frame{
		answers("a", "ab", "ab", "ab", "b"),
		answers("a", "ab", "ab", "a"),
		answers("a", "ab", "a"),
	} {
		if dual, bad := OneAnswer(in); dual == 0 || len(bad) != 1 {
			t.Errorf("two holders: %v, %v", dual, bad)
		}
	}
}
