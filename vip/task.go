package vip

import (
	"net"
	"net/netip"
	"time"
)

// task is something to be sent for one VIP, more than once.
type task struct {
	kind   kind
	vip    netip.Addr
	peer   peer // asked by a question
	frames [][]byte

	began  time.Time
	due    time.Time
	rounds int // sent so far
	rank   rank

	number uint64 // breaks ties: what was started first goes first
	queued bool
	in     rank // the queue it is in
	pos    int  // its place there
}

type kind int

const (
	announcement kind = iota // to everybody, for ever
	question                 // to one neighbour, until it answers
	probe                    // whether somebody else has the address
)

// The rounds of questions and probes, counted from the claim.
var (
	questionRounds = []time.Duration{0, 10 * time.Millisecond, 40 * time.Millisecond, 160 * time.Millisecond, 640 * time.Millisecond}
	probeRounds    = []time.Duration{0, 20 * time.Millisecond, 40 * time.Millisecond}
)

// broadcastFrom is the round from which a gateway is asked by broadcast: the
// hardware address that we know may not be its own any more.
const broadcastFrom = 2

// advance plans the next round after one at now. It returns false when there is
// none.
func (t *task) advance(now time.Time, s schedule, spread float64) bool {
	t.rounds++
	elapsed := now.Sub(t.began)
	switch t.kind {
	case announcement:
		t.due, t.rank = t.began.Add(s.next(elapsed, spread)), soon
		if elapsed >= s.burst[len(s.burst)-1] {
			t.rank = later
		}
		return true
	case question:
		t.rank = soon
		if t.rounds == len(questionRounds) {
			// It gets as much time for the last answer as there was before it.
			t.due, t.frames = now.Add(questionRounds[t.rounds-1]-questionRounds[t.rounds-2]), nil
			return true
		}
		return t.follow(now, questionRounds)
	default:
		return t.follow(now, probeRounds)
	}
}

// follow plans the next round after the pause that belongs before it, also when
// this one was late because many wait.
func (t *task) follow(now time.Time, rounds []time.Duration) bool {
	if t.rounds >= len(rounds) {
		return false
	}
	t.due = now.Add(rounds[t.rounds] - rounds[t.rounds-1])
	return true
}

// peer is a neighbour on the link.
type peer struct {
	addr    netip.Addr
	mac     net.HardwareAddr // nil if it is not known
	gateway bool
}
