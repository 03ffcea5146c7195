package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/logkey"
)

// machine is what the agent needs of a lease.Machine.
type machine interface {
	Next(in lease.Input) []lease.Action
	Wake() lease.Instant
	Promises(now lease.Instant) []lease.Promise
	View() lease.View
}

// hands are what the agent carries the machine's actions out with, and the senses
// besides events. None of them may block or call the agent.
type hands struct {
	now      func() lease.Instant
	log      func() lease.Position // end of raft's log
	raftTerm func() uint64
	send     func(to lease.ID, m lease.Message, copies int)
	gate     Gate // nil: none
	campaign func(why string)
	give     func(to lease.ID, why string)
	probe    func(on, occupancy bool)
	publish  func(term uint64) // makes the will for term known; 0: none
	beat     func()
}

// agent gives the lease's machine a clock, a network and a gate. Whatever happens
// is fed to it under one lock, and what it wants is done, in order, before the lock
// is free again: when a vote says what was promised, nothing is under way that
// would make it a lie.
type agent struct {
	hands
	beatEvery time.Duration
	logger    *slog.Logger

	mu      sync.Mutex
	machine machine
	willOf  uint64                     // guarded by mu; term of the published will, 0: none
	until   lease.Instant              // guarded by mu; of the newest Extend
	ajar    lease.Instant              // guarded by mu; until when the gate may be open though it was to be shut
	tenure  *tenure                    // guarded by mu; nil: this node does not hold
	changed chan struct{}              // guarded by mu; closed and replaced when tenure changes
	heard   map[lease.ID]lease.Instant // guarded by mu; newest answer of each voter
	counts  agentCounts                // guarded by mu
	dead    bool                       // guarded by mu; see abandon
	asked   lease.Message              // guarded by mu; the newest Confirm
	askedAt lease.Instant              // guarded by mu

	rearm chan struct{} // the machine's wake-up may be earlier than the loop knows
	late  lateness
}

// agentCounts are for status; see Node.Lease.
type agentCounts struct {
	claims, losses, campaigns, extensions, releases, suspicions uint64
}

// tenure is a time of holding, from Claim to Lose.
type tenure struct {
	term uint64
	ctx  context.Context // its cause says why it ended
	end  context.CancelCauseFunc
}

func newAgent(m machine, h hands, beatEvery time.Duration, logger *slog.Logger) *agent {
	if h.beat == nil {
		h.beat = func() {}
	}
	return &agent{
		hands: h, beatEvery: beatEvery, logger: logger, machine: m,
		changed: make(chan struct{}), heard: map[lease.ID]lease.Instant{},
		rearm: make(chan struct{}, 1),
	}
}

// run feeds the machine with the time until ctx ends. It takes nothing back then:
// who ends it makes the node unfit before.
func (a *agent) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		a.beat()
		a.mu.Lock()
		due := a.machine.Wake()
		a.mu.Unlock()
		now := a.now()
		wait, ticks := a.beatEvery, false
		if due != lease.Never && due.Sub(now) <= wait {
			wait, ticks = max(due.Sub(now), 0), true
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
			woken := a.now()
			a.late.add(woken, woken.Sub(now.Add(wait)))
			if ticks {
				a.feed(lease.Tick{})
			}
		case <-a.rearm:
		case <-ctx.Done():
			return
		}
	}
}

// feed tells the machine what happened and does what it wants.
func (a *agent) feed(e lease.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.feedLocked(e)
}

func (a *agent) feedLocked(events ...lease.Event) {
	if a.dead {
		return
	}
	before := a.machine.Wake()
	for len(events) > 0 {
		in := lease.Input{Now: a.now(), Log: a.log(), Event: events[0]}
		events = events[1:]
		for _, action := range a.machine.Next(in) {
			if failed := a.do(action); failed != nil {
				events = append(events, failed)
			}
		}
	}
	if w := a.machine.Wake(); w != lease.Never && (before == lease.Never || w < before) {
		select {
		case a.rearm <- struct{}{}:
		default:
		}
	}
}

// do carries one action out. What it returns, if anything, happened on the way. mu
// must be held.
func (a *agent) do(action lease.Action) lease.Event {
	switch act := action.(type) {
	case lease.Extend:
		return a.extend(act)
	case lease.Drain:
		if d, ok := a.gate.(Drainer); ok {
			d.Drain(string(act.To))
		}
	case lease.Shut:
		a.shut(act.Term)
	case lease.Send:
		if act.Message.Kind == lease.Released {
			if a.now() < a.ajar {
				return nil // it would be a lie; the others wait for the lease
			}
			a.counts.releases++
		}
		a.send(act.To, act.Message, act.Copies)
	case lease.Claim:
		a.counts.claims++
		a.logger.Info("holding the virtual IPs", logkey.Term, act.Term)
		a.begin(act.Term)
	case lease.Lose:
		a.counts.losses++
		a.logger.Info("holding the virtual IPs no more", logkey.Term, act.Term, logkey.Reason, act.Why)
		a.finish(act.Why)
	case lease.Campaign:
		a.counts.campaigns++
		a.campaign(act.Why)
	case lease.GiveLeadership:
		a.give(act.To, act.Why)
	case lease.Probe:
		a.probe(act.On, act.Occupancy)
	}
	return nil
}

// extend opens the gate, after the will for the term is known: whoever finds this
// process dead with an open gate has what to send.
func (a *agent) extend(e lease.Extend) lease.Event {
	if a.gate == nil {
		return lease.GateForced{Term: e.Term, Why: "this node has no gate"}
	}
	if a.willOf != e.Term {
		a.willOf = e.Term
		a.publish(e.Term)
	}
	a.counts.extensions++
	a.until = e.Until
	if err := a.gate.Extend(e.Term, e.Sent, e.Until); err != nil {
		a.logger.Error("cannot open the gate", logkey.Term, e.Term, logkey.Err, err)
		return lease.GateForced{Term: e.Term, Why: "the gate does not open: " + err.Error()}
	}
	return nil
}

func (a *agent) shut(term uint64) {
	if a.gate != nil {
		if err := a.gate.Shut(term); err != nil {
			a.logger.Error("cannot shut the gate; it shuts when its time is over", logkey.Term, term, logkey.Err, err)
			a.ajar = a.until
		}
	}
	if a.willOf != 0 {
		a.willOf = 0
		a.publish(0)
	}
}

// suspected takes evidence that the process of a node is gone.
func (a *agent) suspected(id lease.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.suspicions++
	a.feedLocked(lease.Suspected{Node: id})
	a.answerAgain()
}

// abandon leaves everything as it is, as if the process were killed: the gate shuts
// when its time is over, and nobody is told anything.
func (a *agent) abandon() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dead = true
	a.finish("the process ends")
}

// reseal makes the will known anew, when those that it is for have changed.
func (a *agent) reseal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.willOf != 0 {
		a.publish(a.willOf)
	}
}

// received takes a message that the carrier has proven.
func (a *agent) received(m lease.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.feedLocked(lease.Received{Message: m})
	switch m.Kind {
	case lease.Ack, lease.Stalled, lease.Nack:
		a.heard[m.From] = a.now()
	case lease.Confirm:
		a.asked, a.askedAt = m, a.now()
	case lease.Released:
		a.answerAgain()
	}
}

// askAgain is less than the time after which a standby repeats a question itself.
const askAgain = 20 * time.Millisecond

// answerAgain gives the machine a standby's question once more, when news have come
// right behind it that may turn a refusal into an agreement. News and question leave
// two nodes at the same time, and the order of their arrival is chance. mu must be
// held.
func (a *agent) answerAgain() {
	if a.askedAt != lease.Never && a.now().Sub(a.askedAt) < askAgain {
		a.feedLocked(lease.Received{Message: a.asked})
	}
}

func (a *agent) begin(term uint64) {
	a.finish("claimed anew") // the machine has said Lose before
	ctx, end := context.WithCancelCause(context.Background())
	a.tenure = &tenure{term: term, ctx: ctx, end: end}
	close(a.changed)
	a.changed = make(chan struct{})
}

// LostError is the cause of the end of holding. It may be looked for with errors.As
// in the cause of the context that Hold gives its function.
type LostError struct{ Why string }

func (e *LostError) Error() string { return "the virtual IPs are held no more: " + e.Why }

func (a *agent) finish(why string) {
	if a.tenure == nil {
		return
	}
	a.tenure.end(&LostError{Why: why})
	a.tenure = nil
	close(a.changed)
	a.changed = make(chan struct{})
}

// holding returns the time of holding that runs, or nil, and a channel that is
// closed when that changes.
func (a *agent) holding() (*tenure, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tenure, a.changed
}

// view returns what the machine knows.
func (a *agent) view() lease.View {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.machine.View()
}

// What raft's transport tells; see tap. A vote's word on promises is made in the
// same breath as the machine learns of it.

func (a *agent) voteAsked(term uint64) { a.feed(lease.VoteAsked{Term: term}) }

func (a *agent) voteAnswered(term uint64, granted bool) []lease.Promise {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.feedLocked(lease.VoteAnswered{Term: term, RaftTerm: a.raftTerm(), Granted: granted})
	return a.machine.Promises(a.now())
}

func (a *agent) voteGranted(by lease.ID, term uint64, promises []lease.Promise) {
	a.feed(lease.VoteGranted{By: by, Term: term, Promises: promises})
}

func (a *agent) elected(term uint64)  { a.feed(lease.Elected{Term: term}) }
func (a *agent) stood(term uint64)    { a.feed(lease.Stood{Term: term}) }
func (a *agent) termSeen(term uint64) { a.feed(lease.TermSeen{Term: term}) }
