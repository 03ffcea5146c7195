package lease

import "time"

// fence keeps a node that had to give up from trying again at once.
type fence struct {
	until  Instant       // no campaign before
	last   time.Duration // how long the newest hold-down was
	began  Instant
	lapses [flaps]Instant // when leases ran out, a ring
	next   int
	why    string

	nextGive Instant // when leadership is given away again
}

// Damping of a node that flaps.
const (
	minHoldDown = time.Second
	maxHoldDown = time.Minute
	calm        = 10 * time.Minute // without a fence: the next hold-down is short again
	flaps       = 3                // so many leases that ran out
	flapTime    = time.Minute      // within so long: the node is not fit to hold
)

// hold begins a hold-down, twice as long as the one before.
func (m *Machine) hold(why string) {
	f := &m.fence
	d := minHoldDown
	if f.last > 0 && m.now.Sub(f.began) < calm {
		d = min(2*f.last, maxHoldDown)
	}
	f.last, f.began, f.until, f.why = d, m.now, m.now.Add(d), why
}

// lapsed counts a lease that ran out. One may be an accident; a node to which it
// happens again and again gives up.
func (m *Machine) lapsed() {
	f := &m.fence
	oldest := f.lapses[f.next]
	f.lapses[f.next] = m.now
	f.next = (f.next + 1) % flaps
	if oldest != Never && m.now.Sub(oldest) < flapTime {
		f.lapses = [flaps]Instant{}
		const why = "the lease ran out too often"
		m.release(m.holder.term, why)
		m.hold(why)
	}
}

// delegate gives leadership away as long as this node leads and cannot hold: best to
// the one that is heard as the holder.
func (m *Machine) delegate() {
	f := &m.fence
	if !m.leads() || m.able() || len(m.voters) < 2 || m.now < f.nextGive {
		return
	}
	f.nextGive = m.now.Add(m.cfg.Timing.Detect)
	why := m.unfit
	switch {
	case !m.mayHold:
		why = "a witness does not hold"
	case why == "":
		why = "another node holds"
	}
	m.out = append(m.out, GiveLeadership{To: m.lastHolder(), Why: why})
}

// delegateWake is when delegate has something to do.
func (m *Machine) delegateWake() Instant {
	switch {
	case !m.leads():
		return Never
	case m.able():
		return Never
	case m.mayHold && m.unfit == "":
		w := wake(m.solo.yield)
		if len(m.voters) > 1 {
			w.at(m.fence.nextGive)
		}
		return Instant(w)
	case len(m.voters) > 1:
		return m.fence.nextGive
	}
	return Never
}

// lastHolder is who was heard as a holder not long ago.
func (m *Machine) lastHolder() ID {
	if w := &m.watch; w.holder != "" && w.gone == Never && m.now.Sub(w.progress) < m.cfg.Timing.Detect {
		return w.holder
	}
	return ""
}
