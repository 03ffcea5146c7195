package vip

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

const (
	// maxHot is how many neighbours besides the gateways are asked for each VIP.
	maxHot = 64
	// maxQuestions bounds the questions to them for all VIPs of one claim: with
	// many VIPs each neighbour is asked for some of them only.
	maxQuestions = 1024
)

// questions is what the announcer knows of those it asks.
type questions struct {
	peers    []peer // gateways first, then by last use
	open     int    // questions to gateways that wait for an answer
	answered time.Time
	mute     map[netip.Addr]bool // gave no answer
}

func (q *questions) silent(addr netip.Addr) {
	if q.mute == nil {
		q.mute = map[netip.Addr]bool{}
	}
	q.mute[addr] = true
}

// silence lists who gave no answer.
func (q *questions) silence() []netip.Addr {
	var addrs []netip.Addr
	for addr := range q.mute {
		addrs = append(addrs, addr)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// inquire asks gateways and neighbours, for each VIP that was started, where they
// are: their answers say that they know where the VIP is. It also asks whether
// somebody else has the VIP.
func (a *announcer) inquire(now time.Time, vips []netip.Addr) {
	if len(vips) == 0 {
		return
	}
	a.ask.mute, a.ask.answered = nil, time.Time{}
	hot := min(maxHot, maxQuestions/len(vips))
	for _, vip := range vips {
		n := a.vips[vip]
		n.questions = map[netip.Addr]*task{}
		asked := 0
		for _, p := range a.ask.peers {
			if p.addr.Is4() != vip.Is4() || a.built[p.addr] != nil || !p.gateway && asked == hot {
				continue
			}
			if !p.gateway {
				asked++
			}
			t := a.task(now, question, vip)
			t.peer, t.rank = p, atOnce
			n.questions[p.addr] = t
			if p.gateway {
				a.ask.open++
			}
			a.frame(t)
		}
		n.probe = a.task(now, probe, vip)
		n.probe.rank = later
		a.frame(n.probe)
	}
}

// frame builds the frame of a question or probe and puts it into its queue.
func (a *announcer) frame(t *task) {
	var frame []byte
	var err error
	if t.kind == question {
		frame, err = questionFrame(t.vip, a.link.hardwareAddr(), t.peer.addr, t.peer.mac)
	} else {
		frame, err = probeFrame(t.vip, a.link.hardwareAddr())
	}
	if err != nil {
		// The addresses are valid, so this is a bug; the VIP works all the same.
		a.log.Error("question not built", logkey.VIP, t.vip, logkey.Err, err)
		return
	}
	t.frames = [][]byte{frame}
	a.queues.add(t)
}

// broaden asks everybody for a gateway that did not answer at the hardware address
// that we know.
func (a *announcer) broaden(t *task) {
	if t.peer.mac != nil {
		t.peer.mac = nil
		a.frame(t)
	}
}

// answer takes note that somebody answered a question. It reports whether it was
// the last of those to gateways.
func (a *announcer) answer(now time.Time, c claim) bool {
	n := a.vips[c.to]
	if n == nil || n.questions[c.addr] == nil {
		return false
	}
	a.stats.answered.Add(1)
	delete(a.ask.mute, c.addr)
	t := n.questions[c.addr]
	a.closeQuestion(t)
	if t.peer.gateway && a.ask.open == 0 {
		a.ask.answered = now
		return true
	}
	return false
}

func (a *announcer) closeQuestion(t *task) {
	a.queues.drop(t)
	if n := a.vips[t.vip]; n.questions[t.peer.addr] == t {
		delete(n.questions, t.peer.addr)
		if t.peer.gateway {
			a.ask.open--
		}
	}
}

// Stats counts what a Holder has sent since it was made, and what came back.
type Stats struct {
	Announced uint64 // gratuitous ARP packets and unsolicited neighbour advertisements
	Asked     uint64 // directed ARP requests and neighbour solicitations
	Answered  uint64 // answers to those
	Probed    uint64 // probes for another owner
	Dropped   uint64 // of all these, frames that a shut gate or a full queue of this host dropped
}

// counters is what Stats is taken from; the goroutine in Run counts.
type counters struct {
	announced, asked, answered, probed, dropped atomic.Uint64
}

func (c *counters) sent(t *task) {
	n := uint64(len(t.frames))
	switch t.kind {
	case announcement:
		c.announced.Add(n)
	case question:
		c.asked.Add(n)
	default:
		c.probed.Add(n)
	}
}
