package lease

import "time"

// solo is what a machine of a cluster of two voters knows besides: without the peer
// there is no quorum, and the network stands in for it.
type solo struct {
	claimed   bool   // the term was taken on evidence, raft did not elect this node in it
	stood     uint64 // newest term in which raft voted for this node
	nextStand Instant
	evidence  Instant // until when the network's answers keep the gate open
	probe     Probe   // what was asked for last
	cleared   Instant // when the newest probe was sent that found the network
	asked     Instant // from when on probes look for somebody with a virtual IP
	since     Instant // when the first was sent of those in a row that found the network
	vacant    Instant // and nobody with a virtual IP; and the newest
	peer      bool    // the peer's own address answered one of them
	from      Instant // with no holder known: from when on this node may claim
	yield     Instant // a holder that goes before this node was heard; wait until then
}

// pair tells whether the rules of a cluster of two apply.
func (m *Machine) pair() bool { return len(m.voters) == 2 && m.mayHold }

// alone forgets that there was a holder: a node that gave up, or has just started,
// waits as long as a peer needs to boot.
func (m *Machine) alone() {
	m.solo.from = m.now.Add(m.cfg.Timing.Boot)
	if m.cfg.WaitForPeer {
		m.solo.from = Never
	}
}

// probed takes what the network answered.
func (m *Machine) probed(e Probed) {
	s := &m.solo
	if !m.pair() || e.Sent == Never || e.Sent > m.now {
		return
	}
	switch {
	case !e.Network || e.Occupied:
		s.cleared, s.vacant, s.peer = Never, Never, false
	case e.Sent.Sub(s.cleared) >= 2*m.cfg.Timing.Probe: // one is missing, or the first
		s.cleared, s.vacant, s.peer = e.Sent, Never, e.Peer
	case e.Sent > s.cleared:
		s.cleared, s.peer = e.Sent, s.peer || e.Peer
	}
	if s.probe.Occupancy && e.Sent >= s.asked {
		if s.vacant == Never {
			s.since = s.cleared
		}
		s.vacant = s.cleared
	}
	h := &m.holder
	if e.Network && h.open && h.openTerm == h.term && m.leading() {
		s.evidence = max(s.evidence, e.Sent.Add(held(m.cfg.Timing.Fence)))
		h.nextRound = m.now // if the peer can be reached at all, then now
	}
}

// onEvidence tells whether the gate is open because of the network, not of the peer.
func (m *Machine) onEvidence() bool {
	end, _ := m.leaseEnd()
	return m.holder.open && m.solo.evidence > end && m.solo.evidence > m.now
}

// soloAt is when silence of the holder allows to claim: at once after a release.
func (m *Machine) soloAt() Instant {
	w := &m.watch
	switch {
	case w.holder == "":
		return max(m.solo.from, m.fence.until)
	case w.gone != Never:
		return max(w.gone, m.fence.until)
	}
	return max(w.progress.Add(m.cfg.Timing.Takeover), m.fence.until)
}

// forfeit ends what was held on evidence. Without a peer this node now waits as it
// does after a start.
func (m *Machine) forfeit() {
	if m.solo.claimed {
		m.holder.term = 0 // nobody elected this node in it
	}
	m.solo.evidence, m.solo.claimed = Never, false
	if m.pair() {
		m.alone()
	}
}

// mayGoSolo tells whether this node is one that may claim on evidence at all.
func (m *Machine) mayGoSolo() bool {
	if !m.pair() || m.holder.open || m.unfit != "" || len(m.voter.asked) > 0 {
		return false
	}
	if leased, _ := m.leaseEnd(); m.leads() && (leased > m.now || m.now < m.holder.claim.unheard) {
		return false // the peer has just elected it
	}
	return m.watch.holder != "" || m.solo.from != Never
}

// evident tells whether the peer is silent and the network says that nobody holds.
func (m *Machine) evident() bool {
	s, w := &m.solo, &m.watch
	if !m.mayGoSolo() || m.now < max(m.soloAt(), s.yield) {
		return false
	}
	const old = 3
	if m.now.Sub(s.cleared) > occupancyTime+old*m.cfg.Timing.Probe {
		return false
	}
	switch {
	case w.holder == "" && s.peer: // it is up, and will vote
		return false
	case w.holder != "" && w.gone != Never:
	case s.vacant == Never || s.vacant.Sub(s.since) < m.connectedTime():
		return false
	}
	end, _ := m.end(m.voter.promises)
	return m.now >= max(end, m.voter.unknown) && s.fence(m.cfg.Timing.Fence) > m.now
}

// fence is until when the newest clear probe opens the gate.
func (s *solo) fence(fence time.Duration) Instant { return s.cleared.Add(held(fence)) }

// goSolo claims on evidence, in a term in which raft has voted for this node: without
// that vote the peer cannot win the term, and after a restart this node does not take
// it again. A holder on evidence that has seen a newer term, and did not vote in it,
// goes on in one of its own.
func (m *Machine) goSolo() {
	s, h := &m.solo, &m.holder
	keep := h.open && s.claimed && m.voter.bar > h.term && s.evidence > m.now
	if !keep && !m.evident() {
		return
	}
	if s.stood != m.voter.bar || s.stood <= max(h.term, m.voter.released[m.cfg.Self]) {
		if m.now >= s.nextStand {
			s.nextStand = m.now.Add(m.cfg.Timing.Detect/4 + time.Duration(m.random.below(int64(m.cfg.Timing.Detect/4))))
			m.out = append(m.out, Campaign{Why: "peer silent"})
		}
		return
	}
	h.term, h.nextRound = s.stood, m.now
	clear(h.peers)
	h.claim = claim{term: h.term}
	m.watch.asking = false
	if !keep {
		m.soloReport()
		s.evidence = s.fence(m.cfg.Timing.Fence)
	}
	s.claimed = true
	m.open(s.evidence, s.evidence.Add(-held(m.cfg.Timing.Fence)))
	m.round()
}

// rival sees a holder beside this one: two of them can only have come apart where
// the network is not what the rules of a pair take for granted. One gives way.
func (m *Machine) rival(msg Message) {
	h := &m.holder
	own := max(h.openTerm, h.term)
	before := msg.Epoch > m.cfg.Epoch || (msg.Epoch == m.cfg.Epoch && (msg.Term > own || (msg.Term == own && msg.From > m.cfg.Self)))
	if !msg.Open || !before || msg.Term <= m.voter.released[msg.From] {
		return
	}
	if msg.Epoch > m.cfg.Epoch {
		m.solo.yield = m.now.Add(m.cfg.Timing.Detect)
	}
	if h.open {
		m.release(own, string(msg.From)+" holds, too")
	}
}

// gives tells whether a won term is for the peer: it holds on evidence, and moving
// the virtual IPs because the two see each other again would help nobody.
func (m *Machine) gives() bool {
	w := &m.watch
	return m.pair() && !m.holder.open && w.holder != "" && w.solo && w.open && w.gone == Never &&
		m.now.Sub(w.progress) < m.cfg.Timing.Detect
}

// ask switches the probes on and off.
func (m *Machine) ask() {
	want := Probe{}
	if m.pair() {
		switch {
		case m.holder.open && m.leads():
			want.On = m.now >= m.quietAt()
		case m.mayGoSolo() && m.now >= m.probeAt():
			want.On, want.Occupancy = true, m.now >= m.occupancyAt()
		}
	}
	s := &m.solo
	if want == s.probe {
		return
	}
	if want.On && !s.probe.On {
		s.cleared, s.peer = Never, false
	}
	if want.Occupancy {
		s.asked = m.now
	}
	s.probe, s.vacant = want, Never
	m.out = append(m.out, want)
}

// connectedTime is how long this node must have reached the network, and found nobody
// with a virtual IP, without a break before the silence of the holder means anything:
// whenever the holder had evidence within that time, both were connected, and its
// rounds or its gate would have been noticed.
func (m *Machine) connectedTime() time.Duration {
	t := m.cfg.Timing
	return promised(t.Fence) + t.Settle + t.Renew
}

// probeAt is when this node begins to probe. While it hears a holder it always does:
// after a release nothing is left to wait for but the network's answer.
func (m *Machine) probeAt() Instant {
	if m.watch.holder != "" {
		return m.now
	}
	return m.occupancyAt()
}

// occupancyAt is when the probes begin to look for somebody with a virtual IP.
func (m *Machine) occupancyAt() Instant {
	t := m.cfg.Timing
	if w := &m.watch; w.holder != "" {
		return w.progress.Add(2 * t.Renew)
	}
	return m.soloAt().Add(-m.connectedTime() - occupancyTime - 2*t.Probe)
}

// quietAt is when a holder begins to doubt that its peer is there.
func (m *Machine) quietAt() Instant {
	end, sent := m.leaseEnd()
	if end == Never {
		return m.now
	}
	return sent.Add(3 * m.cfg.Timing.Renew)
}

// soloWake is when the rules of a pair have something to do. What follows a probe
// needs no timer.
func (m *Machine) soloWake() Instant {
	switch {
	case !m.pair():
		return Never
	case m.holder.open && m.leads():
		if at := m.quietAt(); at > m.now {
			return at
		}
	case m.mayGoSolo():
		if at := m.probeAt(); at > m.now {
			return at
		}
		if at := m.occupancyAt(); at > m.now {
			return at
		}
		if at := max(m.soloAt(), m.solo.yield); at > m.now {
			return at
		}
	}
	return Never
}
