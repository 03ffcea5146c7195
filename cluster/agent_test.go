package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/google/go-cmp/cmp"
)

// script is a machine that does what the test says, and writes down what it is told.
type script struct {
	wake    lease.Instant
	answers map[string][]lease.Action // by the type of the event
	told    []string
}

func (s *script) Next(in lease.Input) []lease.Action {
	name := fmt.Sprintf("%T", in.Event)[len("lease."):]
	s.told = append(s.told, name)
	if _, tick := in.Event.(lease.Tick); tick {
		s.wake = lease.Never
	}
	return s.answers[name]
}

func (s *script) Wake() lease.Instant                    { return s.wake }
func (s *script) Promises(lease.Instant) []lease.Promise { return []lease.Promise{{Holder: "x"}} }
func (s *script) View() lease.View                       { return lease.View{} }

// recorder is the rest of the node around an agent.
type recorder struct {
	events []string
	refuse error // of the gate, to be opened
	stuck  error // of the gate, to be shut
	beats  int
}

func (r *recorder) note(format string, args ...any) {
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) Extend(term uint64, _, _ lease.Instant) error {
	r.note("extend %d", term)
	return r.refuse
}

func (r *recorder) Shut(term uint64) error {
	r.note("shut %d", term)
	return r.stuck
}

func (r *recorder) Drain(to string) { r.note("drain to %s", to) }

func (r *recorder) agent(m machine) *agent {
	start := time.Now()
	return newAgent(m, hands{
		now:      func() lease.Instant { return lease.Instant(time.Since(start) + 1) },
		log:      func() lease.Position { return lease.Position{} },
		raftTerm: func() uint64 { return 1 },
		send:     func(to lease.ID, m lease.Message, copies int) { r.note("send %d to %s", m.Kind, to) },
		gate:     r,
		campaign: func(string) { r.note("campaign") },
		give:     func(to lease.ID, _ string) { r.note("give to %s", to) },
		probe:    func(on, _ bool) { r.note("probe %t", on) },
		publish:  func(term uint64) { r.note("will %d", term) },
		beat:     func() { r.beats++ },
	}, 50*time.Millisecond, slog.New(slog.DiscardHandler))
}

// The will is known before the gate opens, and revoked after it is shut; the rest is
// done in the order in which the machine wants it.
func TestAgentActsInOrder(t *testing.T) {
	m := &script{answers: map[string][]lease.Action{
		"Elected": {
			lease.Send{To: "b", Message: lease.Message{Kind: lease.Renew}}, lease.Extend{Term: 3}, lease.Claim{Term: 3},
		},
		"TermSeen": {lease.Extend{Term: 3}},
		"Fitness": {
			lease.Shut{Term: 3},
			lease.Send{To: "b", Message: lease.Message{Kind: lease.Released}},
			lease.Lose{Term: 3, Why: "unfit"},
			lease.GiveLeadership{To: "b"},
			lease.Campaign{},
			lease.Probe{On: true},
		},
	}}
	r := &recorder{}
	a := r.agent(m)
	_, changed := a.holding()
	a.elected(3)
	<-changed
	held, changed := a.holding()
	if held == nil || held.term != 3 || held.ctx.Err() != nil {
		t.Fatalf("held: %+v", held)
	}
	a.termSeen(3)
	a.feed(lease.Fitness{Why: "unfit"})
	<-changed
	var lost *LostError
	if cause := context.Cause(held.ctx); !errors.As(cause, &lost) || lost.Why != "unfit" {
		t.Errorf("the end of holding: %v", cause)
	}
	want := []string{
		"send 1 to b", "will 3", "extend 3", "extend 3",
		"shut 3", "will 0", "send 8 to b", "give to b", "campaign", "probe true",
	}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Error(diff)
	}
}

// A gate that does not open ends what is held, at once.
func TestAgentTellsOfAGateThatFails(t *testing.T) {
	m := &script{answers: map[string][]lease.Action{
		"Elected":    {lease.Extend{Term: 3}, lease.Claim{Term: 3}},
		"GateForced": {lease.Shut{Term: 3}, lease.Lose{Term: 3, Why: "forced"}},
	}}
	r := &recorder{refuse: errors.New("no such map")}
	a := r.agent(m)
	a.elected(3)
	if held, _ := a.holding(); held != nil {
		t.Error("it holds")
	}
	if diff := cmp.Diff([]string{"Elected", "GateForced"}, m.told); diff != "" {
		t.Error(diff)
	}
}

// A node whose gate could not be shut says nothing of it until the lease is over that
// the gate was opened for.
func TestAgentKeepsQuietOfAGateThatStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := []lease.Action{lease.Shut{Term: 3}, lease.Send{To: "b", Message: lease.Message{Kind: lease.Released, Term: 3}}}
		m := &script{answers: map[string][]lease.Action{
			"Elected": {lease.Extend{Term: 3, Until: lease.Instant(time.Second)}, lease.Claim{Term: 3}},
			"Fitness": released,
		}}
		r := &recorder{stuck: errors.New("no answer")}
		a := r.agent(m)
		a.elected(3)
		a.feed(lease.Fitness{Why: "unfit"})
		<-time.After(2 * time.Second) // of the bubble
		a.feed(lease.Fitness{Why: "unfit"})
		want := []string{"will 3", "extend 3", "shut 3", "will 0", "shut 3", "send 8 to b"}
		if diff := cmp.Diff(want, r.events); diff != "" {
			t.Error(diff)
		}
	})
}

// The one that takes over is known to the gate before it is shut.
func TestAgentDrainsBeforeItShuts(t *testing.T) {
	m := &script{answers: map[string][]lease.Action{"Received": {lease.Drain{To: "b"}, lease.Shut{Term: 3}}}}
	r := &recorder{}
	r.agent(m).received(lease.Message{Kind: lease.Handover, From: "b", Term: 4})
	if diff := cmp.Diff([]string{"drain to b", "shut 3"}, r.events); diff != "" {
		t.Error(diff)
	}
}

func TestAgentWakesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &script{wake: 0}
		r := &recorder{}
		a := r.agent(m)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		go func() { defer close(done); a.run(ctx) }()
		<-time.After(120 * time.Millisecond)
		synctest.Wait()
		if len(m.told) != 0 || r.beats != 3 { // at 0, 50 and 100 ms
			t.Errorf("told %v, %d beats", m.told, r.beats)
		}
		a.mu.Lock()
		m.answers = map[string][]lease.Action{"TermSeen": nil}
		m.wake = a.now().Add(7 * time.Millisecond)
		a.mu.Unlock()
		a.rearm <- struct{}{}
		<-time.After(7 * time.Millisecond)
		synctest.Wait()
		if diff := cmp.Diff([]string{"Tick"}, m.told); diff != "" {
			t.Error(diff)
		}
		cancel()
		<-done
		a.abandon()
		a.feed(lease.Tick{})
		if len(m.told) != 1 {
			t.Error("a dead agent goes on")
		}
	})
}

// What a vote says of promises is what the machine knows after it has heard of it.
func TestAgentAnswersVotes(t *testing.T) {
	m := &script{}
	a := (&recorder{}).agent(m)
	a.voteAsked(4)
	promises := a.voteAnswered(4, true)
	a.voteGranted("b", 5, nil)
	a.stood(6)
	if diff := cmp.Diff([]string{"VoteAsked", "VoteAnswered", "VoteGranted", "Stood"}, m.told); diff != "" || len(promises) != 1 {
		t.Errorf("promises %v: %s", promises, diff)
	}
}

// News right behind a standby's question give it another answer; later ones do not.
func TestAgentAnswersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &script{}
		a := (&recorder{}).agent(m)
		a.received(lease.Message{Kind: lease.Confirm, From: "b"})
		a.received(lease.Message{Kind: lease.Released, From: "c"})
		<-time.After(askAgain)
		a.suspected("c")
		want := []string{"Received", "Received", "Received", "Suspected"}
		if diff := cmp.Diff(want, m.told); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFitnessTellsTheFirstReason(t *testing.T) {
	var told []string
	f := newFitness(func(why string) { told = append(told, why) })
	f.set(toldUnfit, "cable")
	f.set(nothingServes, "nobody")
	f.set(inMaintenance, "maintenance")
	f.set(inMaintenance, "")
	f.set(toldUnfit, "")
	f.set(nothingServes, "")
	f.set(nothingServes, "")
	if diff := cmp.Diff([]string{"cable", "maintenance", "cable", "nobody", ""}, told); diff != "" {
		t.Error(diff)
	}
}

func TestLateness(t *testing.T) {
	var l lateness
	at := lease.Instant(time.Hour)
	for range 5000 {
		l.add(at, 100*time.Microsecond)
	}
	l.add(at, 30*time.Millisecond)
	if got := l.read(); got.Max != 30*time.Millisecond || got.P999 < 100*time.Microsecond || got.P999 > 150*time.Microsecond {
		t.Errorf("one late of 5000: %+v", got)
	}
	for range 20 {
		l.add(at, 8*time.Millisecond)
	}
	if got := l.read(); got.P999 < 8*time.Millisecond || got.P999 > 11*time.Millisecond {
		t.Errorf("twenty late of 5000: %+v", got)
	}
	l.add(at.Add(30*time.Minute), time.Hour)
	if got := l.read(); got.Max != time.Hour || got.P999 == 0 {
		t.Errorf("after half an hour: %+v", got)
	}
	for i := range 200 { // every bucket holds what its bound says
		d := time.Duration(1) << (i % 40) * time.Duration(1+i%7)
		if b := latenessBucket(d); b < latenessSize-1 && (d >= latenessBound(b) || (b > 0 && d < latenessBound(b-1))) {
			t.Errorf("%v is in bucket %d that ends at %v", d, b, latenessBound(b))
		}
	}
}

func TestMuzzle(t *testing.T) {
	now := time.Unix(0, 0)
	m := newMuzzle(time.Second, func() lease.Position { return lease.Position{Index: 10, Term: 2} })
	m.now = func() time.Time { return now }
	m.led()
	if m.check() == nil {
		t.Error("it may ask for votes although somebody leads")
	}
	m.asked(lease.Position{Index: 10, Term: 2})
	if m.check() == nil {
		t.Error("it may ask for votes although an amphora has the same log")
	}
	m.asked(lease.Position{Index: 9, Term: 2})
	if err := m.check(); err != nil {
		t.Errorf("an amphora's log is behind: %v", err)
	}
	m.led()
	now = now.Add(muzzledElections*time.Second - 1)
	if m.check() == nil {
		t.Error("it may ask for votes too early")
	}
	now = now.Add(1)
	if err := m.check(); err != nil {
		t.Errorf("nobody leads: %v", err)
	}
	m = nil
	m.led()
	m.asked(lease.Position{})
	m.lift()
	if err := m.check(); err != nil {
		t.Errorf("an amphora: %v", err)
	}
}
