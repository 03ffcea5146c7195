package check

import (
	"net/netip"
	"slices"
	"time"
)

// FrameKind is what a frame with a virtual IP as its sender is.
type FrameKind uint8

// The kinds of frames.
const (
	Packet   FrameKind = iota + 1 // IP with the address as source
	Answer                        // ARP reply, or solicited neighbour advertisement
	Announce                      // gratuitous ARP of either form, or unsolicited advertisement
)

// String is the kind in a few words.
func (k FrameKind) String() string {
	return [...]string{"a frame", "a packet", "an answer", "an announcement"}[min(k, 3)]
}

// Frame is a frame with a virtual IP as its sender, as it left a node.
type Frame struct {
	At    Instant
	Node  string // whose port it came from
	MAC   [6]byte
	VIP   netip.Addr
	Kind  FrameKind
	Round uint32 // Answer: number of the probe that it answers, 0: of somebody else's question
}

// FromHolder is I4, and the second half of I2: no frame with a virtual IP as its
// sender leaves a node whose gate is shut, but for packets of connections that a
// planned switchover drains. settle is granted to frames that had passed the gate
// when it shut and were still on their way to the switch. Of a run of bad frames of
// one node the first and the number are reported.
func FromHolder(frames []Frame, journals map[string]Journal, settle time.Duration) (bad []Violation) {
	open, draining := map[string][]Interval{}, map[string][]Interval{}
	for node, j := range journals {
		open[node], draining[node] = j.Open(node), j.Draining(node)
	}
	type run struct {
		first, last Frame
		n           int
	}
	runs := map[string]*run{}
	flush := func(node string) {
		r := runs[node]
		if r == nil {
			return
		}
		delete(runs, node)
		invariant := "I4"
		if r.first.Kind != Packet {
			invariant = "I2"
		}
		since := "it was never open before"
		if last, ok := lastBefore(open[node], r.first.At); ok {
			since = "shut for " + r.first.At.Sub(last.To).String()
		}
		bad = append(bad, violation(invariant, r.first.At, "%v of %s left %s while its gate was shut (%s), first of %d until %v", r.first.Kind, r.first.VIP, node, since, r.n, r.last.At))
	}
	for _, f := range frames {
		last, ok := lastBefore(open[f.Node], f.At)
		ok = ok && last.Covers(f.At, settle)
		if !ok && f.Kind == Packet {
			last, ok = lastBefore(draining[f.Node], f.At)
			ok = ok && last.Covers(f.At, settle)
		}
		if ok {
			flush(f.Node)
			continue
		}
		if r := runs[f.Node]; r != nil {
			r.last, r.n = f, r.n+1
		} else {
			runs[f.Node] = &run{first: f, last: f, n: 1}
		}
	}
	for node := range runs {
		flush(node)
	}
	return bad
}

// lastBefore is the last interval that begins at t or before. Those of one node
// do not overlap, so it also is the one that ends last.
func lastBefore(all []Interval, t Instant) (Interval, bool) {
	n, _ := slices.BinarySearchFunc(all, t, func(i Interval, t Instant) int {
		if i.From <= t {
			return -1
		}
		return 1
	})
	if n == 0 {
		return Interval{}, false
	}
	return all[n-1], true
}

// OneAnswer is the first half of I2, from the wire alone: no two MACs answer for a
// virtual IP at the same time. In order of departure, the answers form runs of one
// MAC. When the holder changes between the looks that two nodes take at the same
// probe, both answer it, one after the other; but whoever answers in between must
// have had a probe for itself, or two answered in turns. dual is from the first
// to the last probe that was answered in turns.
func OneAnswer(frames []Frame) (dual time.Duration, bad []Violation) {
	perVIP := map[netip.Addr][]Frame{}
	for _, f := range frames {
		if f.Kind == Answer && f.Round != 0 {
			perVIP[f.VIP] = append(perVIP[f.VIP], f)
		}
	}
	for vip, answers := range perVIP {
		d, b := oneAnswer(vip, answers)
		dual += d
		bad = append(bad, b...)
	}
	return dual, bad
}

func oneAnswer(vip netip.Addr, answers []Frame) (dual time.Duration, bad []Violation) {
	by := map[uint32]map[[6]byte]bool{} // who answered a probe
	for _, f := range answers {
		if by[f.Round] == nil {
			by[f.Round] = map[[6]byte]bool{}
		}
		by[f.Round][f.MAC] = true
	}
	var contested []Frame
	for start := 0; start < len(answers); {
		end, alone := start, false
		for ; end < len(answers) && answers[end].MAC == answers[start].MAC; end++ {
			alone = alone || len(by[answers[end].Round]) == 1
		}
		if !alone && start > 0 && end < len(answers) {
			contested = append(contested, answers[start:end]...)
		}
		start = end
	}
	if len(contested) > 0 {
		first, last := contested[0], contested[len(contested)-1]
		dual = max(last.At.Sub(first.At), time.Microsecond)
		bad = append(bad, violation("I2", first.At, "%d MACs answered the same probes for %s in turns, %d times until %v", len(by[first.Round]), vip, len(contested), last.At))
	}
	return dual, bad
}
