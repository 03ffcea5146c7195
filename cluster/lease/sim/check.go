package sim

import (
	"slices"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// checker sees everything that happens, in real time.
type checker struct {
	w       *World
	leaders map[uint64]lease.ID // of raft, by term

	lastHolder lease.ID // whose gate was opened last
	lastTerm   uint64
	openedAt   at // when lastHolder first opened
	opens      int
	changes    int // of lastHolder

	of map[lease.ID]*record
}

// record is what is known of one host.
type record struct {
	open     bool // the machine has claimed and not lost
	until    lease.Instant
	released uint64
	term     uint64 // that rounds are in
	rounds   [256]sentRound
	proof    lease.Instant              // newest probe that the network answered
	acked    map[lease.ID]lease.Instant // voter: sending time of the newest acknowledged round of term
	lostAt   at
}

type sentRound struct {
	seq  uint64
	sent lease.Instant
}

func (c *checker) begin(w *World) {
	c.w, c.leaders, c.of = w, map[uint64]lease.ID{}, map[lease.ID]*record{}
	for _, h := range w.hosts {
		c.of[h.id] = &record{acked: map[lease.ID]lease.Instant{}}
	}
}

// leads checks that raft elects one leader in a term: the model is worth nothing if
// it does not.
func (c *checker) leads(h *host, term uint64) {
	c.w.note(string(h.id), "raft leads term %d", term)
	if was, ok := c.leaders[term]; ok && was != h.id {
		c.w.violate("the model of raft elected both %s and %s in term %d", was, h.id, term)
	}
	c.leaders[term] = h.id
	c.w.Counts.Elections++
}

// batch checks what a machine asked for at once, and notes what it promised.
func (c *checker) batch(h *host, now lease.Instant, actions []lease.Action) {
	w, r := c.w, c.of[h.id]
	for i, a := range actions {
		switch a := a.(type) {
		case lease.Extend:
			if a.Sent == lease.Never || a.Until <= a.Sent || a.Until.Sub(a.Sent) > h.timing.Lease {
				w.violate("%s extends from %d to %d: not within a lease", h.id, a.Sent, a.Until)
			}
			claims := i+1 < len(actions) && actions[i+1] == lease.Action(lease.Claim{Term: a.Term})
			if !r.open && !claims {
				w.violate("%s extends in term %d without a claim", h.id, a.Term)
			}
			if !c.evident(h, a) {
				c.acknowledged(h, a)
			}
			r.until = a.Until
		case lease.Claim:
			if r.open {
				w.violate("%s claims term %d twice", h.id, a.Term)
			}
			r.open = true
		case lease.Lose:
			if !r.open {
				w.violate("%s loses term %d without a claim", h.id, a.Term)
			}
			if !slices.ContainsFunc(actions[:i], func(b lease.Action) bool { s, ok := b.(lease.Shut); return ok && s.Term >= a.Term }) {
				w.violate("%s loses term %d with an open gate", h.id, a.Term)
			}
			if a.Why != "the lease ran out" {
				r.released = max(r.released, a.Term)
			}
			r.open = false
		case lease.Send:
			c.promised(h, a.Message, a.To)
		}
	}
	if r.open && now >= r.until {
		w.violate("%s still holds, its lease has run out", h.id)
	}
}

// promised notes rounds and acknowledgements when they are made.
func (c *checker) promised(h *host, m lease.Message, to lease.ID) {
	switch m.Kind {
	case lease.Renew:
		r := c.of[h.id]
		if m.Term != r.term {
			r.term = m.Term
			clear(r.acked)
		}
		now := h.clock.read(c.w.now)
		r.rounds[m.Seq%uint64(len(r.rounds))] = sentRound{m.Seq, now}
		r.acked[h.id] = now
	case lease.Ack:
		r := c.of[to]
		s := r.rounds[m.Seq%uint64(len(r.rounds))]
		if m.Term == r.term && s.seq == m.Seq {
			r.acked[h.id] = max(r.acked[h.id], s.sent)
		}
	case lease.Stalled:
		c.w.Counts.Stalled++
	case lease.Nack:
		c.w.Counts.Nacks++
	case lease.Refuse:
		c.w.Counts.Refusals++
	case lease.Handover:
		c.w.Counts.Handovers++
	}
}

// acknowledged checks that a quorum has promised what the gate is opened for.
func (c *checker) acknowledged(h *host, a lease.Extend) {
	w, r := c.w, c.of[h.id]
	if len(w.voters) == 1 {
		return
	}
	var acks []lease.Instant
	for _, v := range w.voters {
		if t, ok := r.acked[v]; ok && r.term == a.Term {
			acks = append(acks, t)
		}
	}
	slices.Sort(acks)
	quorum := len(w.voters)/2 + 1
	if len(acks) < quorum || a.Until.Sub(acks[len(acks)-quorum]) > h.timing.Lease {
		w.violate("%s extends term %d to %d: no quorum has promised that (%v)", h.id, a.Term, a.Until, acks)
	}
}

// evident tells whether the network has answered a probe within the time that the
// gate is opened for, in a cluster of two.
func (c *checker) evident(h *host, a lease.Extend) bool {
	r := c.of[h.id]
	if len(c.w.voters) != 2 || r.proof == lease.Never || a.Until.Sub(r.proof) > h.timing.Fence {
		return false
	}
	c.w.Counts.Evident++
	return true
}

// sent checks a message when it leaves.
func (c *checker) sent(h *host, a lease.Send) {
	if a.Message.Kind != lease.Released {
		return
	}
	r := c.of[h.id]
	if h.isOpen() && h.gate.term <= a.Message.Term {
		c.w.violate("%s says that term %d is released, its gate is open", h.id, a.Message.Term)
	}
	r.released = max(r.released, a.Message.Term)
	c.w.Counts.Releases++
}

// opened checks a gate that was just opened or kept open: nothing else may be.
func (c *checker) opened(h *host) {
	w := c.w
	if !h.isOpen() {
		w.Counts.LateExtends++
		return
	}
	for _, o := range w.hosts {
		if o != h && o.isOpen() {
			w.violate("two gates are open: %s in term %d, for %v more; %s in term %d, for %v more", h.id, h.gate.term,
				time.Duration(h.gate.end-w.now), o.id, o.gate.term, time.Duration(o.gate.end-w.now))
		}
	}
	if r := c.of[h.id]; h.gate.term <= r.released {
		w.violate("%s opens its gate in term %d, which it has released", h.id, h.gate.term)
	}
	if h.id != c.lastHolder {
		if h.gate.term <= c.lastTerm && w.kind != Pair && w.kind != Split { // raft does not know every term of a pair
			w.violate("%s opens its gate in term %d after %s did in term %d", h.id, h.gate.term, c.lastHolder, c.lastTerm)
		}
		if c.lastHolder != "" {
			c.changes++
			w.Counts.Failovers++
		}
		c.lastHolder, c.openedAt = h.id, w.now
	}
	c.lastTerm = max(c.lastTerm, h.gate.term)
	c.opens++
	w.Counts.Extends++
}

// closed notes that a gate was shut before its time.
func (c *checker) closed(h *host) { c.of[h.id].lostAt = c.w.now }

func (c *checker) claimed(h *host) {
	c.w.Counts.Claims++
	if h.machine.View().Solo {
		c.w.Counts.SoloClaims++
	}
}

func (c *checker) lost(h *host, why string) {
	switch {
	case h.isOpen():
		c.w.violate("%s loses with an open gate", h.id)
	case why == "the lease ran out":
		c.w.Counts.Expiries++
	}
}

// dead forgets what the process of a host had claimed.
func (c *checker) dead(h *host) { c.of[h.id].open = false }

// holder returns the host whose gate is open, if there is one.
func (w *World) holder() *host {
	for _, h := range w.hosts {
		if h.isOpen() {
			return h
		}
	}
	return nil
}
