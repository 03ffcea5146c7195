package lease

import "time"

// solo is what a machine of a cluster of two voters knows besides: without the peer
// there is no quorum, and the network stands in for it.
type solo struct {
	claimed  bool    // the term was taken on evidence, raft did not elect this node in it
	evidence Instant // until when the network's answers keep the gate open
	probe    Probe   // what was asked for last
	clear    int     // probes in a row that found the network, and nobody with a virtual IP
	cleared  Instant // when the newest of them was sent
	peer     bool    // the peer's own address answered one of them
	from     Instant // with no holder known: from when on this node may claim
	yield    Instant // a holder that goes before this node was heard; wait until then
}

// clearProbes is how many probes must find nobody.
const clearProbes = 3

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
	if !e.Network || e.Occupied {
		s.clear, s.peer = 0, false
	} else {
		s.clear++
		s.cleared, s.peer = e.Sent, s.peer || e.Peer
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

// mayGoSolo tells whether this node is one that may claim on evidence at all.
func (m *Machine) mayGoSolo() bool {
	return m.pair() && !m.holder.open && m.unfit == "" && !m.leads() && len(m.voter.asked) == 0 &&
		(m.watch.holder != "" || m.solo.from != Never)
}

// goSolo claims when the peer is silent and the network says that nobody holds.
func (m *Machine) goSolo() {
	s, w, h := &m.solo, &m.watch, &m.holder
	if !m.mayGoSolo() || m.now < m.soloAt() || m.now < s.yield {
		return
	}
	released := w.holder != "" && w.gone != Never
	need := clearProbes
	if released {
		need = 1
	}
	end, _ := m.end(m.voter.promises)
	until := s.cleared.Add(held(m.cfg.Timing.Fence))
	switch {
	case s.clear < need || m.now.Sub(s.cleared) > 3*m.cfg.Timing.Probe:
		return
	case w.holder == "" && s.peer: // it is up, and will vote
		return
	case m.now < max(end, m.voter.unknown) || until <= m.now:
		return
	}
	m.voter.bar++
	h.term, h.ceded, h.nextRound = m.voter.bar, false, m.now
	clear(h.peers)
	h.claim = claim{term: h.term}
	m.soloReport(released)
	s.claimed, s.evidence = true, until
	w.asking = false
	m.open(until, s.cleared)
	m.round()
}

// float lifts a term that was taken on evidence over one that raft has come to know:
// raft elects nobody in a cluster of two without this node's vote.
func (m *Machine) float(term uint64) {
	if h := &m.holder; m.solo.claimed && !h.ceded && term > h.term {
		h.term = term
		clear(h.peers)
	}
}

// cede notes that raft voted for the peer.
func (m *Machine) cede(term uint64) {
	if h := &m.holder; term >= h.term && h.term > 0 {
		h.ceded = true
		m.solo.claimed = false
	}
}

// forfeit ends what was held on evidence: raft never knew that term.
func (m *Machine) forfeit() {
	m.solo.evidence = Never
	if m.solo.claimed {
		m.solo.claimed, m.holder.ceded = false, true
	}
	if m.pair() {
		m.alone()
	}
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
		case m.mayGoSolo() && m.now >= m.soloAt().Add(-m.probeTime()):
			want.On, want.Occupancy = true, true
		}
	}
	if want == m.solo.probe {
		return
	}
	if want.On && !m.solo.probe.On || want.Occupancy != m.solo.probe.Occupancy {
		m.solo.clear, m.solo.peer = 0, false
	}
	m.solo.probe = want
	m.out = append(m.out, want)
}

// probeTime is what enough probes take.
func (m *Machine) probeTime() time.Duration { return (clearProbes + 1) * m.cfg.Timing.Probe }

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
		if at := m.soloAt().Add(-m.probeTime()); at > m.now {
			return at
		}
		if at := max(m.soloAt(), m.solo.yield); at > m.now {
			return at
		}
	}
	return Never
}
