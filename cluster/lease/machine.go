package lease

import (
	"errors"
	"fmt"
	"slices"
)

// Config is what a Machine is made of.
type Config struct {
	Self     ID
	Boot     uint64 // random, new with every start of the process
	Timing   Timing
	RaftTerm uint64 // raft's term, read from the disk before raft runs; 0: raft never ran
	Epoch    uint64 // how often the cluster was forced to one node
	Seed     uint64 // of the jitter between two campaigns

	WaitForPeer bool // of two voters, one that starts alone waits for the other for ever
}

// Validate reports every field that a Machine cannot work with.
func (c Config) Validate() error {
	var errs []error
	if c.Self == "" {
		errs = append(errs, errors.New("lease: Self must name this node"))
	}
	if err := c.Timing.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("lease: %w", err))
	}
	return errors.Join(errs...)
}

// Machine is the lease of one node: its part as a voter, as a holder and as one
// that watches the holder. It must not be used by two goroutines at once.
type Machine struct {
	cfg Config
	now Instant
	log Position
	out []Action

	voters  []ID // sorted
	mayHold bool
	unfit   string

	voter  voter
	holder holder
	watch  watcher
	fence  fence
	solo   solo
	random random
	report reporter
}

// New returns the machine of a process that starts now. It holds nothing, knows no
// voters, and takes for granted that a former process of this node has just promised
// a whole lease to somebody. Only a node that was never part of a cluster has not:
// raft learns who votes in a term above 0 and writes that down first, and a node
// whose data was set aside is of a later epoch. The configuration must be valid.
func New(cfg Config, now Instant) *Machine {
	m := &Machine{cfg: cfg, now: now, random: random(cfg.Seed)}
	m.voter.bar = cfg.RaftTerm
	if cfg.RaftTerm > 0 || cfg.Epoch > 0 {
		m.voter.unknown = now.Add(promised(max(cfg.Timing.Lease, cfg.Timing.Fence)))
	}
	m.voter.released = make(map[ID]uint64)
	m.unheard(cfg.Timing.Detect, startPatience*cfg.Timing.Detect)
	m.alone()
	return m
}

// Next takes what happened and returns what must be done, in this order, before the
// next call; the slice is good until then.
func (m *Machine) Next(in Input) []Action {
	m.now, m.log, m.out = max(m.now, in.Now), in.Log, m.out[:0]
	m.expire() // whatever happened: a lease that has run out ends first
	switch e := in.Event.(type) {
	case Received:
		m.received(e.Message)
	case Reconfigured:
		m.reconfigured(e)
	case VoteAsked:
		m.voter.asked = append(m.voter.asked, e.Term)
	case VoteAnswered:
		m.voteAnswered(e)
	case VoteGranted:
		m.voteGranted(e)
	case Elected:
		m.elected(e.Term)
	case Stood:
		m.solo.stood = e.Term
		m.raise(e.Term)
	case TermSeen:
		m.raise(e.Term)
	case Suspected:
		m.suspected(e.Node)
	case Fitness:
		m.fitness(e.Why)
	case GateForced:
		m.forced(e)
	case Probed:
		m.probed(e)
	}
	m.round()
	m.extend()
	m.delegate()
	m.look()
	m.goSolo()
	m.ask()
	return m.out
}

// received hands a message to the part of the machine that it is for.
func (m *Machine) received(msg Message) {
	if msg.From == m.cfg.Self {
		return
	}
	switch msg.Kind {
	case Renew:
		m.renewed(msg)
	case Ack:
		m.acked(msg)
	case Stalled:
		m.stalled(msg)
	case Nack:
		m.refusedRound(msg)
	case Confirm:
		m.confirm(msg)
	case Agree:
		m.agreed(msg)
	case Refuse:
		m.refused(msg)
	case Released:
		m.released(msg.From, msg.Term)
	case Handover:
		m.handover(msg)
	}
}

// reconfigured takes over who votes. Two majorities of neighbouring configurations
// share a voter, of more distant ones perhaps not; so a claim waits a lease after the
// newest change (see DESIGN.md).
func (m *Machine) reconfigured(e Reconfigured) {
	voters := slices.Clone(e.Voters)
	slices.Sort(voters)
	voters = slices.Compact(voters)
	if !slices.Equal(voters, m.voters) {
		if m.voters != nil || len(voters) > 1 { // the first may come after a change, too
			m.voter.changed = m.now.Add(promised(m.cfg.Timing.Lease))
		}
		m.holder.revote(voters)
		m.voters = voters
		m.watch.agreed = 0
		m.watch.asking = false
	}
	m.mayHold = e.MayHold && m.isVoter(m.cfg.Self)
	if !m.mayHold && m.holder.open {
		m.release(m.holder.term, "may not hold any more")
	}
}

// Wake returns when the machine wants a Tick, at the latest; Never means not before
// another event. An instant that has passed means at once.
func (m *Machine) Wake() Instant {
	w := wake(Never)
	if m.holder.open {
		w.at(m.holder.until)
	}
	if m.leading() {
		w.at(m.holder.nextRound)
		w.at(m.claimWake())
	}
	w.at(m.delegateWake())
	w.at(m.lookWake())
	w.at(m.soloWake())
	return Instant(w)
}

// wake is the earliest of several instants, Never among none.
type wake Instant

func (w *wake) at(t Instant) {
	if t != Never && (*w == wake(Never) || t < Instant(*w)) {
		*w = wake(t)
	}
}

func (m *Machine) send(to ID, copies int, msg Message) {
	msg.From, msg.Boot = m.cfg.Self, m.cfg.Boot
	m.out = append(m.out, Send{To: to, Message: msg, Copies: copies})
}

func (m *Machine) broadcast(copies int, msg Message) {
	for _, v := range m.voters {
		if v != m.cfg.Self {
			m.send(v, copies, msg)
		}
	}
}

func (m *Machine) isVoter(id ID) bool { return slices.Contains(m.voters, id) }

// quorum is how many voters are a majority.
func (m *Machine) quorum() int { return len(m.voters)/2 + 1 }

// random is a source of jitter: splitmix64 (Steele, Lea and Flood, 2014). It is the
// machine's own, so that a run can be repeated.
type random uint64

// below returns a number in [0, n).
func (r *random) below(n int64) int64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int64((z ^ z>>31) % uint64(max(n, 1)))
}
