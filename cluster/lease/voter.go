package lease

import "slices"

// voter is the part of a machine that promises: to the holder of the newest term,
// for the length of a lease, to help nobody else.
type voter struct {
	bar      uint64    // highest term that was acknowledged, granted, or known to raft
	asked    []uint64  // terms of votes that raft thinks about
	promises []promise // at most one for each holder, this node among them
	unknown  Instant   // end of what a former process may have promised
	changed  Instant   // end of what voters of former configurations may have promised

	released map[ID]uint64 // up to which term a node's gate is shut for good
}

// promise helps nobody but its holder before until.
type promise struct {
	holder ID
	term   uint64 // the newest that it was made in
	until  Instant
}

// raise records that raft, somewhere, knows a term.
func (m *Machine) raise(term uint64) {
	was := m.leads()
	m.voter.bar = max(m.voter.bar, term)
	if was && !m.leads() {
		m.overtaken()
	}
}

// undecided tells whether raft thinks about a vote in a newer term. A promise made
// now might be missing from what goes with the vote.
func (m *Machine) undecided(term uint64) bool {
	for _, t := range m.voter.asked {
		if t > term {
			return true
		}
	}
	return false
}

func (m *Machine) voteAnswered(e VoteAnswered) {
	if i := slices.Index(m.voter.asked, e.Term); i >= 0 {
		m.voter.asked = slices.Delete(m.voter.asked, i, i+1)
	}
	term := e.RaftTerm
	if e.Granted {
		term = max(term, e.Term)
		m.solo.claimed = false // the peer is back, and may win
	}
	m.raise(term)
}

// renewed answers a holder that asks for a promise.
func (m *Machine) renewed(msg Message) {
	m.rival(msg)
	if m.undecided(msg.Term) {
		return // the next round comes soon
	}
	if msg.Term < m.voter.bar || msg.Lease > m.cfg.Timing.Lease {
		m.send(msg.From, 1, Message{Kind: Nack, Term: m.voter.bar, Seq: msg.Seq})
		return
	}
	if msg.Term <= m.voter.released[msg.From] {
		m.send(msg.From, 1, Message{Kind: Nack, Term: msg.Term, Seq: msg.Seq, Reason: HasReleased})
		return
	}
	m.raise(msg.Term)
	if !m.hear(msg) {
		m.send(msg.From, 1, Message{Kind: Stalled, Term: msg.Term, Seq: msg.Seq})
		return
	}
	m.promise(msg.From, msg.Term, m.now.Add(promised(msg.Lease)))
	m.send(msg.From, 1, Message{Kind: Ack, Term: msg.Term, Seq: msg.Seq, Sent: msg.Sent})
}

// promise records a promise; a longer one that was made before stays.
func (m *Machine) promise(to ID, term uint64, until Instant) {
	for i := range m.voter.promises {
		if p := &m.voter.promises[i]; p.holder == to {
			p.term, p.until = max(p.term, term), max(p.until, until)
			return
		}
	}
	m.voter.promises = slices.DeleteFunc(m.voter.promises, func(p promise) bool { return p.until <= m.now })
	m.voter.promises = append(m.voter.promises, promise{to, term, until})
}

// released takes note that the gate of a node is shut for good in a term and all
// older ones: what was promised to it in them is void.
func (m *Machine) released(by ID, term uint64) {
	if term <= m.voter.released[by] {
		return
	}
	m.voter.released[by] = term
	m.voter.promises = slices.DeleteFunc(m.voter.promises, func(p promise) bool { return m.void(p) })
	m.hearRelease(by, term)
}

// void tells whether a release has ended the promise.
func (m *Machine) void(p promise) bool {
	return p.holder != "" && p.term <= m.voter.released[p.holder]
}

// Promises returns what must travel with a vote that raft grants now: what this node
// has promised to holders, to itself when it holds, and perhaps before it was
// restarted.
func (m *Machine) Promises(now Instant) []Promise {
	var list []Promise
	for _, p := range m.voter.promises {
		if p.until > now {
			list = append(list, Promise{Holder: p.holder, Term: p.term, For: p.until.Sub(now)})
		}
	}
	if unknown := m.voter.unknown; unknown > now {
		list = append(list, Promise{For: unknown.Sub(now)})
	}
	return list
}
