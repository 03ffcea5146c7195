package lease

import (
	"math/bits"
	"slices"
	"time"
)

// watcher is the part of a machine that hears the holder and misses it.
type watcher struct {
	holder   ID // that is heard; empty: none since the start, or since this node held
	term     uint64
	open     bool
	solo     bool
	ahead    bool    // its log had entries that this node's has not
	acked    uint64  // the newest round that a quorum acknowledged, by its own word
	progress Instant // when acked last grew
	renewed  Instant // when it last said anything
	echoed   uint64
	resumed  Instant // when it last proved that it hears this node
	gone     Instant // when it released
	suspect  Instant // when its process was found gone

	agreeFrom, askFrom Instant // with no holder: from when on it is missed

	asking    bool
	seq       uint64 // of the question
	tries     int
	nextAsk   Instant
	agreed    uint64  // bit i: voter i misses the holder too
	notBefore Instant // no new question before
	noticed   Instant
	stood     uint // how often this node campaigned since it heard a holder

	agreedTo    ID // whom this node lets campaign
	agreedUntil Instant
}

// startPatience is how many times Detect a node waits after its start for a holder;
// raft's own election comes first.
const startPatience = 4

// unheard forgets the holder. From agree on this node lets others campaign, from ask
// on it wants to itself.
func (m *Machine) unheard(agree, ask time.Duration) {
	w := &m.watch
	w.holder, w.gone, w.suspect, w.open = "", Never, Never, false
	w.agreeFrom, w.askFrom = m.now.Add(agree), m.now.Add(ask)
}

// overtaken notices that the term that this node won is over. Who ended it shows
// itself soon; if nobody does, this node tries to win another while its lease lasts.
func (m *Machine) overtaken() { m.unheard(0, m.cfg.Timing.Lease/2) }

// hear takes note of a round, and tells whether its holder hears answers: one that
// does not would bind this node to somebody who serves nobody.
func (m *Machine) hear(msg Message) bool {
	w := &m.watch
	if msg.From != w.holder || msg.Term != w.term {
		*w = watcher{
			holder: msg.From, term: msg.Term, acked: msg.Acked, progress: m.now, echoed: msg.Echo,
			seq: w.seq, notBefore: w.notBefore,
		}
		m.heard()
	}
	if msg.Acked > w.acked || (msg.Solo && msg.Open) {
		w.acked, w.progress, w.stood = msg.Acked, m.now, 0
		m.heard()
	}
	if msg.Echo > w.echoed {
		w.echoed, w.resumed = msg.Echo, m.now
	}
	w.open, w.solo, w.renewed = msg.Open, msg.Solo, m.now
	w.ahead = m.log.Before(msg.Log)
	return m.now.Sub(max(w.progress, w.resumed)) <= m.cfg.Timing.Lease/2
}

// hearRelease notes that the holder has given up.
func (m *Machine) hearRelease(by ID, term uint64) {
	if w := &m.watch; w.holder == by && w.term <= term && w.gone == Never {
		w.gone, w.open = m.now, false
		w.notBefore = m.now
	}
}

// suspected takes evidence that the holder's process is gone.
func (m *Machine) suspected(node ID) {
	if w := &m.watch; w.holder == node && w.gone == Never {
		w.suspect = m.now
	}
}

// missed returns from when on the holder is missed: enough to let another campaign,
// and enough to campaign.
func (m *Machine) missed() (agree, ask Instant) {
	w := &m.watch
	switch {
	case w.holder == "":
		return w.agreeFrom, w.askFrom
	case w.gone != Never:
		return w.gone, w.gone
	case w.suspect > w.renewed:
		return w.suspect, w.suspect
	}
	ask = w.progress.Add(m.cfg.Timing.Detect)
	return ask.Add(-m.cfg.Timing.Renew), ask
}

// lookAt is when this node begins to ask the others, or goes on. A hold-down keeps two
// nodes that cannot hold from throwing the term at each other; a holder that has fallen
// silent throws nothing, and has nobody else.
func (m *Machine) lookAt() Instant {
	_, ask := m.missed()
	at := max(ask, m.watch.notBefore)
	if w := &m.watch; w.holder != "" && w.gone == Never {
		return at
	}
	return max(at, m.fence.until)
}

// look asks the other voters whether they miss the holder too, and campaigns when a
// quorum does.
func (m *Machine) look() {
	w := &m.watch
	if m.leads() || !m.mayHold || m.unfit != "" || m.now < m.lookAt() {
		w.asking = false
		return
	}
	if !w.asking {
		w.asking, w.tries, w.agreed, w.nextAsk, w.noticed = true, 0, 0, m.now, m.now
		w.seq++
		m.agree(m.cfg.Self)
	}
	if bits.OnesCount64(w.agreed) >= m.quorum() {
		m.campaign()
		return
	}
	if m.now < w.nextAsk {
		return
	}
	if w.tries >= m.cfg.Timing.ConfirmTries {
		m.backOff(0)
		return
	}
	w.tries++
	w.nextAsk = m.now.Add(m.cfg.Timing.Confirm)
	m.broadcast(1, Message{Kind: Confirm, Term: w.term, Seq: w.seq, Log: m.log})
}

// lookWake is when look has something to do.
func (m *Machine) lookWake() Instant {
	switch {
	case m.leads() || !m.mayHold || m.unfit != "":
		return Never
	case m.watch.asking:
		return m.watch.nextAsk
	}
	return max(m.lookAt(), m.now+1)
}

// campaign makes raft stand, and waits before it would do so again.
func (m *Machine) campaign() {
	why := "holder silent"
	switch w := &m.watch; {
	case w.holder == "":
		why = "no holder"
	case w.gone != Never:
		why = "holder released"
	case w.suspect > w.renewed:
		why = "holder's process is gone"
	}
	m.confirmed()
	m.out = append(m.out, Campaign{Why: why})
	m.backOff(min(m.watch.stood, maxDoublings))
	m.watch.stood++
}

// maxDoublings bounds how long a node waits that has campaigned in vain again and again.
const maxDoublings = 1

// backOff waits between half of Detect and all of it, doubled so many times: nodes that
// got into each other's way do not meet again. A campaign that changed nothing met
// another one, or voters that are slow to write; the next one ends what they are about.
func (m *Machine) backOff(doublings uint) {
	half := m.cfg.Timing.Detect / 2
	m.watch.asking = false
	m.watch.notBefore = max(m.watch.notBefore, m.now.Add((half+time.Duration(m.random.below(int64(half))))<<doublings))
}

// agree counts a voter that misses the holder.
func (m *Machine) agree(by ID) {
	if i := slices.Index(m.voters, by); i >= 0 {
		m.watch.agreed |= 1 << i
	}
}

func (m *Machine) agreed(msg Message) {
	if w := &m.watch; w.asking && msg.Seq == w.seq && msg.Term == w.term {
		m.agree(msg.From)
	}
}

// refused is told for completeness: without a quorum nothing happens, and why is not
// this node's business. It may be that the one who refuses campaigns itself.
func (m *Machine) refused(Message) {}

// confirm answers a standby that misses its holder.
func (m *Machine) confirm(msg Message) {
	w := &m.watch
	answer := Message{Kind: Refuse, Term: msg.Term, Seq: msg.Seq, Log: m.log}
	agree, _ := m.missed()
	switch {
	case !m.isVoter(m.cfg.Self) || !m.isVoter(msg.From):
		answer.Reason = NotVoter
	case m.leads() && (m.holder.open || m.leading()):
		answer.Reason = HolderAlive
	case m.now < agree && w.holder != msg.From:
		answer.Reason = HolderAlive
		if w.holder != "" {
			answer.Age = m.now.Sub(w.progress)
		}
		if w.term > msg.Term {
			answer.Reason = NewerTerm
		}
	case msg.Log.Before(m.log):
		answer.Reason = LogBehind
	case !m.giveWay(msg):
		answer.Reason = AgreedOther
	default:
		answer.Kind = Agree
	}
	m.send(msg.From, 1, answer)
}

// giveWay lets one standby at a time campaign. A node that wants to itself lets pass
// who has the longer log, or with equal logs the smaller name.
func (m *Machine) giveWay(msg Message) bool {
	w := &m.watch
	if w.asking && !m.log.Before(msg.Log) && m.cfg.Self < msg.From {
		return false
	}
	if w.agreedTo != msg.From && m.now < w.agreedUntil {
		return false
	}
	w.agreedTo = msg.From
	w.agreedUntil = m.now.Add(time.Duration(m.cfg.Timing.ConfirmTries) * m.cfg.Timing.Confirm)
	m.backOff(0)
	return true
}
