package lease

import (
	"slices"
	"time"
)

// claim is the way from a won term to the open gate: what the voters of the term had
// promised to others must have ended.
type claim struct {
	term     uint64 // of the votes
	votes    []vote
	unheard  Instant // end of what a voter may have promised whose vote brought no word
	nextHand Instant // when the old holders are asked again
	handed   bool
}

// vote is one voter's, with the ends of its promises by this node's clock.
type vote struct {
	by       ID
	promises []promise
}

// voteGranted records a vote, before or after the election is won.
func (m *Machine) voteGranted(e VoteGranted) {
	c := &m.holder.claim
	if e.Term < c.term || e.By == m.cfg.Self {
		return
	}
	if e.Term > c.term {
		*c = claim{term: e.Term}
	}
	v := vote{by: e.By}
	for _, p := range e.Promises {
		v.promises = append(v.promises, promise{p.Holder, p.Term, m.now.Add(awaited(p.For))})
	}
	c.votes = slices.DeleteFunc(c.votes, func(old vote) bool { return old.by == e.By })
	c.votes = append(c.votes, v)
}

// begin prepares for a won term.
func (c *claim) begin(m *Machine, term uint64) {
	if c.term != term {
		*c = claim{term: term}
	}
	c.unheard = m.now.Add(awaited(promised(m.cfg.Timing.Lease)))
	m.electedAt(term)
}

// end returns when the promises of one voter have ended; firm when those have that
// no release can end.
func (m *Machine) end(promises []promise) (end, firm Instant) {
	for _, p := range promises {
		if p.holder == m.cfg.Self || m.void(p) {
			continue
		}
		until := p.until.Add(m.cfg.Timing.Settle)
		end = max(end, until)
		if p.holder == "" {
			firm = max(firm, until)
		}
	}
	return end, firm
}

// freeAt returns when a quorum of those who elected this node is bound to nobody
// else any more, and when it would be if every old holder released now.
func (m *Machine) freeAt() (end, firm Instant) {
	c := &m.holder.claim
	ownEnd, ownFirm := m.end(m.voter.promises)
	var ends, firms []Instant
	for _, v := range c.votes {
		if m.isVoter(v.by) {
			e, f := m.end(v.promises)
			ends, firms = append(ends, e), append(firms, f)
		}
	}
	if need := m.quorum() - 1; len(ends) >= need {
		slices.Sort(ends)
		slices.Sort(firms)
		if need > 0 {
			end, firm = ends[need-1], firms[need-1]
		}
	} else {
		end, firm = slices.Max(append(ends, c.unheard)), c.unheard
	}
	// This node's own vote is always one of the quorum, and its own promises are
	// looked at until the last moment: raft votes for itself without being asked.
	own := max(m.voter.unknown, m.voter.changed)
	if !m.holder.open { // else nobody else can hold
		ownFirm = max(ownFirm, own)
	}
	return max(end, ownEnd, ownFirm), max(firm, ownFirm)
}

// free tells whether the gate may be opened as far as promises to others go, and
// asks the others to release when only that is missing.
func (m *Machine) free() bool {
	end, firm := m.freeAt()
	if m.now >= end {
		m.freed()
		return true
	}
	if c := &m.holder.claim; m.now >= firm && m.now >= c.nextHand {
		c.nextHand = m.now.Add(m.cfg.Timing.Confirm)
		c.handed = true
		for _, id := range m.bound() {
			m.send(id, 1, Message{Kind: Handover, Term: m.holder.term})
		}
	}
	return false
}

// bound returns the holders that promises still run to.
func (m *Machine) bound() []ID {
	var ids []ID
	add := func(list []promise) {
		for _, p := range list {
			if p.holder != "" && p.holder != m.cfg.Self && !m.void(p) && p.until > m.now && !slices.Contains(ids, p.holder) {
				ids = append(ids, p.holder)
			}
		}
	}
	add(m.voter.promises)
	for _, v := range m.holder.claim.votes {
		add(v.promises)
	}
	return ids
}

// claimWake is when a waiting claim can go on.
func (m *Machine) claimWake() Instant {
	h := &m.holder
	if leased, _ := m.leaseEnd(); (h.open && h.openTerm == h.term) || leased <= m.now {
		return Never
	}
	end, firm := m.freeAt()
	w := wake(end)
	if len(m.bound()) > 0 {
		w.at(max(firm, h.claim.nextHand, m.now+1))
	}
	return max(Instant(w), m.now+Instant(time.Microsecond))
}

// handover gives way to the winner of a newer term who is ready. A node that holds
// nothing shuts its gate as well: a former process may have left it open.
func (m *Machine) handover(msg Message) {
	h := &m.holder
	if msg.Term <= h.term {
		return
	}
	m.raise(msg.Term)
	term := msg.Term - 1
	if done := m.voter.released[m.cfg.Self]; done >= term {
		m.send(msg.From, 1, Message{Kind: Released, Term: done}) // the first got lost
		return
	}
	if m.holder.open {
		m.out = append(m.out, Drain{To: msg.From})
	}
	m.release(term, "handed over to "+string(msg.From))
}
