package lease

import "slices"

// reporter writes down how this node comes to hold.
type reporter struct {
	draft  Report
	last   Report
	reason string // why this node campaigned; empty: it did not
}

// confirmed notes that a quorum misses the holder.
func (m *Machine) confirmed() {
	r, w := &m.report, &m.watch
	r.draft = Report{From: w.holder, LastHeard: w.sign(w.noticed), Noticed: w.noticed, Agreed: m.now}
	switch {
	case w.holder == "":
		r.reason = CauseStart
	case w.gone != Never:
		r.reason = CauseReleased
	case w.suspect > w.renewed:
		r.reason = CauseCrash
	default:
		r.reason = CauseSilence
	}
}

// sign is the last sign of the holder: its release, unless it was missed before.
func (w *watcher) sign(noticed Instant) Instant {
	switch {
	case w.holder == "":
		return Never
	case w.gone != Never && w.gone <= noticed:
		return w.gone
	}
	return w.progress
}

// heard forgets why this node campaigned: its holder was there all the time.
func (m *Machine) heard() {
	if !m.leads() {
		m.report.draft, m.report.reason = Report{}, ""
	}
}

// electedAt notes that a term was won.
func (m *Machine) electedAt(term uint64) {
	r, w := &m.report, &m.watch
	if r.reason == "" {
		r.draft = Report{From: w.holder, LastHeard: w.sign(m.now)}
		switch {
		case w.holder == "":
			r.reason = CauseStart
		case w.gone != Never:
			r.reason, r.draft.Noticed = CauseReleased, w.gone
		default:
			r.reason = CauseElection
		}
	}
	r.draft.Term, r.draft.Elected = term, m.now
	r.draft.Acked, r.draft.Free = Never, Never
}

// soloReport begins the report of a claim on evidence.
func (m *Machine) soloReport() {
	r, w := &m.report, &m.watch
	r.draft = Report{From: w.holder, LastHeard: w.sign(m.now), Noticed: m.now}
	r.reason = CauseSolo
	if w.gone != Never {
		r.reason, r.draft.Noticed = CauseReleased, w.gone
	}
}

// answered notes that a quorum acknowledged a round.
func (m *Machine) answered() {
	if r := &m.report.draft; r.Acked == Never {
		r.Acked = m.now
	}
}

// freed notes that promises to others have ended.
func (m *Machine) freed() {
	if r := &m.report.draft; r.Free == Never {
		r.Free = m.now
	}
}

// claimed ends the draft.
func (m *Machine) claimed() {
	r := &m.report
	r.draft.Opened, r.draft.Term = m.now, m.holder.term
	r.draft.Cause = r.reason
	if w := &m.watch; r.reason == CauseElection && m.holder.claim.handed && w.holder == r.draft.From && w.gone != Never {
		r.draft.Cause, r.draft.LastHeard = CausePlanned, w.gone // it has served until then
	}
	if r.draft.Cause == "" {
		r.draft.Cause = CauseElection
	}
	r.last, r.draft, r.reason = r.draft, Report{}, ""
}

// View returns what the machine knows.
func (m *Machine) View() View {
	h, w := &m.holder, &m.watch
	v := View{State: m.state(), Unfit: m.unfit, Last: m.report.last}
	if v.Unfit == "" && m.now < m.fence.until {
		v.Unfit = m.fence.why
	}
	switch {
	case h.open:
		v.Term, v.Holder, v.Open, v.Since, v.Until = h.openTerm, m.cfg.Self, true, h.since, h.until
		v.Silent, v.Solo = m.silent(), m.onEvidence()
		v.Stale = v.Solo && m.watch.ahead
	case m.leading():
		v.Term, v.Holder = h.term, m.cfg.Self
	default:
		v.Term, v.Holder, v.Open, v.Solo, v.Heard = w.term, w.holder, w.open, w.solo, w.progress
	}
	return v
}

// state is where this node stands, for people.
func (m *Machine) state() State {
	switch {
	case m.onEvidence():
		return Solo
	case m.holder.open:
		return Holding
	case !m.mayHold:
		return Observing
	case m.now < m.fence.until || m.unfit != "":
		return Fenced
	case m.leading():
		return Waiting
	case m.watch.asking:
		return Suspecting
	case m.report.reason != "" && m.now < m.watch.notBefore:
		return Campaigning
	}
	return Standby
}

// silent lists the voters that did not answer within a lease.
func (m *Machine) silent() []ID {
	var ids []ID
	for i, p := range m.holder.peers {
		if p.sent == Never || m.now.Sub(p.sent) > m.cfg.Timing.Lease {
			ids = append(ids, m.voters[i])
		}
	}
	return slices.Clip(ids)
}
