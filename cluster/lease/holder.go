package lease

import "slices"

// holder is the part of a machine that won a term and asks for promises.
type holder struct {
	term      uint64 // newest that this node won; 0: none
	seq       uint64 // of the newest round, in this process
	nextRound Instant
	peers     []peer // as Machine.voters, this node among them
	rounds    [64]round
	copies    copies

	open     bool // a claim is not lost; the gate is open until until
	openTerm uint64
	until    Instant
	since    Instant

	claim claim
}

// peer is what a holder knows of one voter.
type peer struct {
	seq     uint64  // newest round of this term that it acknowledged
	sent    Instant // when that round was sent
	stalled uint64  // newest round that it answered with Stalled
}

// round is one question to all voters. Its sending time is never taken from an
// answer.
type round struct {
	seq     uint64
	sent    Instant
	answers uint64 // bit i: voter i acknowledged it
}

// revote takes over another list of voters and keeps what is known of those that
// stay.
func (h *holder) revote(voters []ID) {
	h.peers = make([]peer, len(voters))
}

// leads tells whether this node won a term that is not over.
func (m *Machine) leads() bool {
	h := &m.holder
	return h.term > 0 && h.term >= m.voter.bar && h.term > m.voter.released[m.cfg.Self]
}

// able tells whether this node may claim at all. One that is held down may: it does
// not campaign, so whoever elected it had nobody better. Two nodes that are both held
// down would hand leadership to and fro.
func (m *Machine) able() bool {
	return m.mayHold && m.unfit == "" && m.now >= m.solo.yield && !m.gives()
}

// leading tells whether this node asks for promises now.
func (m *Machine) leading() bool { return m.leads() && m.able() && !m.undecided(m.holder.term) }

// elected begins a term that this node won.
func (m *Machine) elected(term uint64) {
	h := &m.holder
	if m.solo.claimed && term == h.term {
		m.solo.claimed = false // now raft says so, too
		return
	}
	if term <= h.term || term < m.voter.bar {
		return
	}
	m.voter.bar = term
	h.term, h.nextRound, m.solo.claimed = term, m.now, false
	clear(h.peers)
	h.claim.begin(m, term)
	m.watch.asking = false
}

// round asks all voters for another promise when that is due. This node promises
// itself what the others do: its own vote then carries its lease like any promise.
func (m *Machine) round() {
	h := &m.holder
	if !m.leading() || m.now < h.nextRound {
		return
	}
	lease := m.cfg.Timing.Lease
	h.copies.measure(h, m)
	h.seq++
	h.nextRound = m.now.Add(m.cfg.Timing.Renew)
	h.rounds[h.seq%uint64(len(h.rounds))] = round{seq: h.seq, sent: m.now}
	m.promise(m.cfg.Self, h.term, m.now.Add(promised(lease)))
	acked, solo := h.ackedSeq(m.quorum()), m.onEvidence() || m.solo.claimed
	for i, v := range m.voters {
		if v == m.cfg.Self {
			h.peers[i].seq, h.peers[i].sent = h.seq, m.now
			continue
		}
		m.send(v, h.copies.n(), Message{
			Kind: Renew, Term: h.term, Seq: h.seq, Sent: m.now, Lease: lease,
			Acked: acked, Echo: h.peers[i].stalled, Open: h.open, Solo: solo, Epoch: m.cfg.Epoch, Log: m.log,
		})
	}
}

// acked takes a voter's promise.
func (m *Machine) acked(msg Message) {
	h := &m.holder
	i := slices.Index(m.voters, msg.From)
	r := &h.rounds[msg.Seq%uint64(len(h.rounds))]
	if i < 0 || msg.Term != h.term || r.seq != msg.Seq || r.sent != msg.Sent {
		return
	}
	r.answers |= 1 << i
	if p := &h.peers[i]; msg.Seq > p.seq {
		p.seq, p.sent = r.seq, r.sent
	}
}

// stalled hears of a voter that it does not hear of its answers; the next round
// tells it that this one has arrived.
func (m *Machine) stalled(msg Message) {
	if i := slices.Index(m.voters, msg.From); i >= 0 && msg.Term == m.holder.term {
		p := &m.holder.peers[i]
		p.stalled = max(p.stalled, msg.Seq)
	}
}

// refusedRound hears that a term is over; perhaps its own, if the supervisor has
// released it while this process was frozen.
func (m *Machine) refusedRound(msg Message) {
	if msg.Reason == HasReleased && msg.Term == m.holder.term && m.leads() {
		m.release(msg.Term, "released by the supervisor")
		return
	}
	m.raise(msg.Term)
}

// ackedSeq is the newest round that a quorum acknowledged, or newer ones.
func (h *holder) ackedSeq(quorum int) uint64 {
	if len(h.peers) < quorum {
		return 0
	}
	var few [8]uint64
	seqs := few[:0]
	for _, p := range h.peers {
		seqs = append(seqs, p.seq)
	}
	slices.Sort(seqs)
	return seqs[len(seqs)-quorum]
}

// leaseEnd is until when a quorum has promised: each of its members has acknowledged
// the round that was sent at the second instant, or a newer one. Never means that no
// quorum has answered in this term.
func (m *Machine) leaseEnd() (end, sent Instant) {
	h := &m.holder
	if len(h.peers) < m.quorum() || h.term == 0 {
		return Never, Never
	}
	var few [8]Instant
	sents := few[:0]
	for _, p := range h.peers {
		sents = append(sents, p.sent)
	}
	slices.Sort(sents)
	if sent = sents[len(sents)-m.quorum()]; sent == Never {
		return Never, Never
	}
	return sent.Add(held(m.cfg.Timing.Lease)), sent
}

// extend keeps the gate open, or opens it, as far as the promises allow.
func (m *Machine) extend() {
	h := &m.holder
	if h.term <= m.voter.released[m.cfg.Self] {
		return
	}
	end, sent := m.leaseEnd()
	if !h.open || h.openTerm != h.term {
		if end > m.now && m.leading() {
			m.answered()
			if m.free() {
				m.open(end, sent)
				return
			}
		}
	}
	if s := m.solo.evidence; h.open && s > end && h.openTerm == h.term {
		end, sent = s, s.Add(-held(m.cfg.Timing.Fence))
	} else if h.openTerm != h.term {
		return
	}
	if h.open && end > m.now && end > h.until {
		m.open(end, sent)
	}
}

// open opens the gate in the term that this node won, or keeps it open. This node's
// own promise to itself is at least as long: it travels with its vote.
func (m *Machine) open(until, sent Instant) {
	h := &m.holder
	m.promise(m.cfg.Self, h.term, until)
	m.out = append(m.out, Extend{Term: h.term, Sent: sent, Until: until})
	h.openTerm, h.until = h.term, until
	if !h.open {
		h.open, h.since = true, m.now
		m.out = append(m.out, Claim{Term: h.term})
		m.claimed()
		// What was heard of the old holder is of no use any more; above all not its
		// release, should this lease run out.
		m.unheard(0, m.cfg.Timing.Detect)
	}
}

// expire ends a lease that was not renewed in time. The term may still be good: then
// the next round opens the gate again.
func (m *Machine) expire() {
	h := &m.holder
	if !h.open || m.now < h.until {
		return
	}
	h.open = false
	m.out = append(m.out, Shut{h.openTerm}, Lose{h.openTerm, "the lease ran out"})
	m.lapsed()
	m.forfeit()
}

// release gives up a term and all older ones, for good, and says so.
func (m *Machine) release(term uint64, why string) {
	h := &m.holder
	m.voter.released[m.cfg.Self] = max(m.voter.released[m.cfg.Self], term)
	wasOpen := h.open
	h.open = false
	m.out = append(m.out, Shut{term})
	m.broadcast(releaseCopies, Message{Kind: Released, Term: term})
	if wasOpen {
		m.out = append(m.out, Lose{h.openTerm, why})
	}
	m.unheard(0, m.cfg.Timing.Detect)
	m.forfeit()
}

// releaseCopies is how often a release is sent: nobody asks for it again.
const releaseCopies = 3

// fitness takes over whether this node is able to serve.
func (m *Machine) fitness(why string) {
	fell := m.unfit == "" && why != ""
	m.unfit = why
	if fell && m.holder.open {
		m.release(m.holder.term, why)
		m.hold(why)
	}
}

// forced ends what is held in a term: the gate was shut from outside.
func (m *Machine) forced(e GateForced) {
	h := &m.holder
	if h.term == 0 || h.term <= m.voter.released[m.cfg.Self] || h.term > e.Term {
		return
	}
	m.release(h.term, e.Why)
	m.hold(e.Why)
}
