package lease

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// node drives one machine by hand: Default timing, boot at 1 s of its clock.
type node struct {
	t   *testing.T
	m   *Machine
	now Instant
	log Position
}

// newNode returns node a of the voters, long after its start, so that nothing of a
// former process counts any more.
func newNode(t *testing.T, mayHold bool, voters ...ID) *node {
	n := &node{t: t, now: Instant(time.Second), log: Position{Index: 10, Term: 1}}
	n.m = New(Config{Self: "a", Boot: 1, Timing: Default(), Seed: 1}, n.now)
	n.do(Reconfigured{Voters: voters, MayHold: mayHold})
	n.now = n.now.Add(time.Second)
	return n
}

func (n *node) after(d time.Duration) *node {
	n.now = n.now.Add(d)
	return n
}

// do gives an event to the machine and returns what it asked for, one word each.
func (n *node) do(e Event) []string {
	var words []string
	for _, a := range n.m.Next(Input{Now: n.now, Log: n.log, Event: e}) {
		switch a := a.(type) {
		case Send:
			name := [...]string{"", "renew", "ack", "stalled", "nack", "confirm", "agree", "refuse", "released", "handover"}[a.Message.Kind]
			words = append(words, fmt.Sprintf("%s(%d)>%s", name, a.Message.Term, a.To))
		case Extend:
			words = append(words, fmt.Sprintf("extend(%d,+%v)", a.Term, a.Until.Sub(n.now)))
		case Shut:
			words = append(words, fmt.Sprintf("shut(%d)", a.Term))
		case Claim:
			words = append(words, fmt.Sprintf("claim(%d)", a.Term))
		case Lose:
			words = append(words, fmt.Sprintf("lose(%d)", a.Term))
		case Campaign:
			words = append(words, "campaign")
		case GiveLeadership:
			words = append(words, "give>"+string(a.To))
		case Probe:
			words = append(words, fmt.Sprintf("probe(%v,%v)", a.On, a.Occupancy))
		}
	}
	return words
}

func (n *node) hear(m Message) []string { return n.do(Received{m}) }

// renew is a round of another node.
func renew(from ID, term, seq, acked uint64) Message {
	return Message{Kind: Renew, From: from, Term: term, Seq: seq, Acked: acked, Sent: Instant(seq), Lease: 450 * ms, Open: true}
}

// ack acknowledges the newest round of the node.
func (n *node) ack(by ID) Event {
	h := &n.m.holder
	return Received{Message{Kind: Ack, From: by, Term: h.term, Seq: h.seq, Sent: h.rounds[h.seq%64].sent}}
}

// holding returns a node that holds term 1 by the acks of b.
func holding(t *testing.T, voters ...ID) *node {
	n := newNode(t, true, voters...)
	n.do(Elected{1})
	n.do(VoteGranted{By: "b", Term: 1})
	n.expect(n.do(n.ack("b")), "extend(1,+445.5ms)", "claim(1)")
	return n
}

func (n *node) expect(got []string, want ...string) {
	n.t.Helper()
	if !slices.Equal(got, want) {
		n.t.Errorf("got %v, want %v", got, want)
	}
}

func TestVoterPromises(t *testing.T) {
	n := newNode(t, false, "a", "b", "c")
	n.expect(n.hear(renew("b", 2, 1, 0)), "ack(2)>b")
	n.expect(n.hear(renew("c", 1, 1, 0)), "nack(2)>c")
	long := renew("b", 2, 2, 1)
	long.Lease = time.Second
	n.expect(n.hear(long), "nack(2)>b")

	n.expect(n.do(VoteAsked{3}))
	n.expect(n.hear(renew("b", 2, 3, 2))) // raft thinks: no promise, no refusal
	n.do(VoteAnswered{Term: 3, RaftTerm: 2})
	n.expect(n.hear(renew("b", 2, 4, 3)), "ack(2)>b")
	n.do(VoteAsked{3})
	n.do(VoteAnswered{Term: 3, RaftTerm: 3, Granted: true})
	n.expect(n.hear(renew("b", 2, 5, 4)), "nack(3)>b")
	if got := n.m.Promises(n.now); len(got) != 1 || got[0] != (Promise{"b", 2, 459 * ms}) {
		t.Errorf("the vote carries %v", got)
	}
	n.hear(Message{Kind: Released, From: "b", Term: 1})
	n.hear(Message{Kind: Released, From: "c", Term: 9})
	if got := n.m.Promises(n.now); len(got) != 1 {
		t.Errorf("releases of an older term and of another node ended the promise: %v", got)
	}
	n.hear(Message{Kind: Released, From: "b", Term: 2})
	if got := n.m.Promises(n.now); len(got) != 0 {
		t.Errorf("the release did not end %v", got)
	}
}

func TestRestartedVoterMayHavePromised(t *testing.T) {
	m := New(Config{Self: "a", Timing: Default(), RaftTerm: 7}, 1000)
	if got := m.Promises(1000 + Instant(59*ms)); len(got) != 1 || got[0] != (Promise{For: 400 * ms}) {
		t.Errorf("got %v", got)
	}
	n := &node{t: t, m: m, now: 2000}
	n.expect(n.hear(renew("b", 6, 1, 0)), "nack(7)>b")
}

func TestDeafHolderGetsNoPromise(t *testing.T) {
	n := newNode(t, false, "a", "b", "c")
	n.expect(n.hear(renew("b", 2, 1, 0)), "ack(2)>b")
	n.expect(n.after(225*ms).hear(renew("b", 2, 2, 0)), "ack(2)>b")
	n.expect(n.after(50*ms).hear(renew("b", 2, 3, 0)), "stalled(2)>b")
	echo := renew("b", 2, 4, 0)
	echo.Echo = 3
	n.expect(n.after(50*ms).hear(echo), "ack(2)>b")
	n.expect(n.hear(Message{Kind: Confirm, From: "c", Term: 2, Log: n.log}), "refuse(2)>c")
	// An echo is no progress: the silence since the last one counts.
	n.expect(n.after(90*ms).hear(Message{Kind: Confirm, From: "c", Term: 2, Log: n.log}), "agree(2)>c")
}

func TestLeaseCountsFromSending(t *testing.T) {
	n := newNode(t, true, "a", "b", "c")
	n.expect(n.do(Elected{1}), "renew(1)>b", "renew(1)>c")
	n.do(VoteGranted{By: "b", Term: 1})
	n.expect(n.after(40*ms).do(n.ack("b")), "extend(1,+405.5ms)", "claim(1)")
	n.expect(n.after(10*ms).do(Tick{}), "renew(1)>b", "renew(1)>c")
	stray := Message{Kind: Ack, From: "c", Term: 1, Seq: 2, Sent: 5}
	n.expect(n.do(Received{stray})) // not the sending time of that round
	n.expect(n.do(n.ack("c")), "extend(1,+445.5ms)")
}

func TestLateTickEndsTheLeaseFirst(t *testing.T) {
	n := holding(t, "a", "b", "c")
	late := n.ack("c")
	n.after(446 * ms)
	n.expect(n.do(late), "shut(1)", "lose(1)", "renew(1)>b", "renew(1)>c")
	n.expect(n.do(n.ack("c")), "extend(1,+445.5ms)", "claim(1)") // the term is still good
}

func TestHolderVotesAndHandsOver(t *testing.T) {
	n := holding(t, "a", "b", "c")
	n.after(45 * ms).do(VoteAsked{2})
	n.do(VoteAnswered{Term: 2, RaftTerm: 2, Granted: true})
	if got := n.m.Promises(n.now); len(got) != 1 || got[0] != (Promise{"a", 1, 414 * ms}) {
		t.Errorf("its vote carries %v, want its own lease", got)
	}
	n.expect(n.after(10 * ms).do(Tick{})) // no round any more, and still open
	if v := n.m.View(); v.State != Holding {
		t.Errorf("state %v, want holding until the handover", v.State)
	}
	hand := Message{Kind: Handover, From: "b", Term: 2}
	n.expect(n.hear(hand), "shut(1)", "released(1)>b", "released(1)>c", "lose(1)")
	n.expect(n.hear(hand), "released(1)>b") // the first was lost
}

func TestClaimWaits(t *testing.T) {
	n := newNode(t, true, "a", "b", "c")
	n.do(VoteGranted{By: "b", Term: 2, Promises: []Promise{{"c", 1, 100 * ms}}})
	n.do(Elected{2})
	n.expect(n.do(n.ack("b")), "handover(2)>c")
	n.expect(n.after(20 * ms).do(Tick{})) // Handover again after Confirm
	n.expect(n.after(5*ms).do(Tick{}), "handover(2)>c")
	n.expect(n.hear(Message{Kind: Released, From: "c", Term: 1}), "extend(2,+420.5ms)", "claim(2)")
	if last := n.m.View().Last; last.Term != 2 || last.Opened != n.now {
		t.Errorf("report %+v", last)
	}
}

func TestClaimWaitsForWhatIsUnknown(t *testing.T) {
	n := newNode(t, true, "a", "b", "c")
	n.do(VoteGranted{By: "b", Term: 2, Promises: []Promise{{"", 0, 100 * ms}}})
	n.do(Elected{2})
	n.expect(n.do(n.ack("b"))) // nobody can release it
	n.after(107 * ms).do(Tick{})
	if n.m.View().State == Holding {
		t.Error("it claimed before 103 ms and Settle were over")
	}
	n.after(1 * ms)
	n.expect(n.do(Tick{}), "extend(2,+337.5ms)", "claim(2)")
}

func TestClaimAfterChangeOfVotersWaits(t *testing.T) {
	n := newNode(t, true, "a", "b", "c")
	n.do(Reconfigured{Voters: []ID{"a", "b"}, MayHold: true})
	n.do(Elected{2})
	n.do(VoteGranted{By: "b", Term: 2})
	n.expect(n.do(n.ack("b")))
	n.after(450 * ms).do(Tick{})
	n.do(n.ack("b"))
	n.expect(n.after(9*ms).do(Tick{}), "extend(2,+436.5ms)", "claim(2)")
}

func TestReleases(t *testing.T) {
	out := []string{"shut(1)", "released(1)>b", "released(1)>c", "lose(1)"}
	for name, e := range map[string]Event{
		"unfit":       Fitness{"the disk hangs"},
		"forced":      GateForced{Term: 1, Why: "another claims"},
		"not a voter": Reconfigured{Voters: []ID{"a", "b", "c"}},
	} {
		n := holding(t, "a", "b", "c")
		if got := n.do(e); !slices.Equal(got, out) {
			t.Errorf("%s: got %v, want %v", name, got, out)
		}
	}
}

func TestStandbyAsksThenCampaigns(t *testing.T) {
	n := newNode(t, true, "a", "b", "c")
	n.hear(renew("b", 2, 1, 0))
	n.expect(n.after(459 * ms).do(Tick{}))
	n.expect(n.after(1*ms).do(Tick{}), "confirm(2)>b", "confirm(2)>c")
	n.expect(n.hear(Message{Kind: Refuse, From: "b", Term: 2, Seq: 1}))
	n.expect(n.hear(Message{Kind: Agree, From: "c", Term: 2, Seq: 9})) // of another question
	n.expect(n.hear(Message{Kind: Agree, From: "c", Term: 2, Seq: 1}), "campaign")
}

// Campaigns that change nothing get rarer: each one ends the election that is under way.
func TestCampaignsInVainGetRarer(t *testing.T) {
	n := newNode(t, true, "a", "b", "c")
	detect := n.m.cfg.Timing.Detect
	n.hear(renew("b", 2, 1, 0))
	n.after(460 * ms).do(Tick{})
	campaign := func(want time.Duration) {
		t.Helper()
		n.expect(n.hear(Message{Kind: Agree, From: "c", Term: 2, Seq: n.m.watch.seq}), "campaign")
		wait := n.m.watch.notBefore.Sub(n.now)
		if wait < want/2 || wait > want {
			t.Errorf("it waits for %v, want %v to %v", wait, want/2, want)
		}
		n.expect(n.after(wait).do(Tick{}), "confirm(2)>b", "confirm(2)>c")
	}
	for _, doubled := range []time.Duration{1, 2, 2} {
		campaign(doubled * detect)
	}
	n.hear(renew("b", 2, 2, 1)) // it serves again
	n.after(460 * ms).do(Tick{})
	campaign(detect)
}

func TestEvidenceBeginsTheQuestionEarly(t *testing.T) {
	for name, sign := range map[string]Event{
		"refused connection": Suspected{"b"},
		"release":            Received{Message{Kind: Released, From: "b", Term: 2}},
	} {
		n := newNode(t, true, "a", "b", "c")
		n.hear(renew("b", 2, 1, 0))
		if got := n.after(ms).do(sign); !slices.Equal(got, []string{"confirm(2)>b", "confirm(2)>c"}) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestWitness(t *testing.T) {
	n := newNode(t, false, "a", "b", "c")
	n.hear(renew("b", 2, 1, 0))
	n.expect(n.after(time.Minute).do(Tick{})) // it never campaigns
	behind := Message{Kind: Confirm, From: "c", Term: 2, Log: Position{Index: 9, Term: 1}}
	n.expect(n.hear(behind), "refuse(2)>c")
	behind.Log = n.log
	n.expect(n.hear(behind), "agree(2)>c")
	n.expect(n.do(Elected{3}), "give>") // nor holds
}

func TestHoldDownDoubles(t *testing.T) {
	n := newNode(t, true, "a")
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		n.do(Elected{uint64(i + 1)})
		n.do(GateForced{Term: uint64(i + 1), Why: "test"})
		if got := n.m.fence.until.Sub(n.now); got != want {
			t.Errorf("hold-down %d is %v, want %v", i+1, got, want)
		}
		n.after(want)
	}
}

// A node that is held down does not campaign; one that was elected all the same holds:
// two of them would hand leadership to and fro until their time is over.
func TestHeldDownNodeHoldsWhenElected(t *testing.T) {
	n := holding(t, "a", "b", "c")
	n.do(GateForced{Term: n.m.holder.term, Why: "test"})
	n.expect(n.after(900 * ms).do(Tick{})) // no question
	term := n.m.holder.term + 1
	n.do(VoteGranted{By: "b", Term: term})
	for _, action := range n.do(Elected{term}) {
		if strings.HasPrefix(action, "give") {
			t.Errorf("leadership is given away: %s", action)
		}
	}
	if got, want := n.do(n.ack("b")), fmt.Sprintf("claim(%d)", term); !slices.Contains(got, want) {
		t.Errorf("after a quorum's promise: %v, want %s", got, want)
	}
}

// A node that is held down takes over from a holder that has fallen silent as fast as
// any: there is nobody to throw the term to and fro with. A release it leaves alone.
func TestHeldDownNodeFollowsSilence(t *testing.T) {
	for _, released := range []bool{false, true} {
		n := newNode(t, true, "a", "b", "c")
		for term := uint64(1); term <= 5; term++ { // the last hold-down takes 16 s
			n.do(Elected{term})
			n.do(GateForced{Term: term, Why: "test"})
		}
		n.hear(renew("b", 6, 1, 0))
		if released {
			n.hear(Message{Kind: Released, From: "b", Term: 6})
		}
		got := n.after(n.m.cfg.Timing.Detect).do(Tick{})
		if asked := slices.Contains(got, "confirm(6)>c"); asked == released {
			t.Errorf("released %v: %v", released, got)
		}
	}
}

func TestLossMakesMoreCopies(t *testing.T) {
	n := holding(t, "a", "b", "c")
	for i := range 200 {
		n.after(50 * ms).do(Tick{})
		n.do(n.ack("b"))
		if i%5 != 0 {
			n.do(n.ack("c"))
		}
	}
	if got := n.m.holder.copies.n(); got != 3 {
		t.Errorf("with a tenth of the answers lost it sends %d copies", got)
	}
	for range 600 {
		n.after(50 * ms).do(Tick{})
		n.do(n.ack("b"))
		n.do(n.ack("c"))
	}
	if got := n.m.holder.copies.n(); got != 1 {
		t.Errorf("without loss it sends %d copies", got)
	}
}

func TestTimingsAreValid(t *testing.T) {
	for _, timing := range []Timing{LANFast(), Default(), WAN()} {
		if err := timing.Validate(); err != nil {
			t.Error(err)
		}
	}
	if err := (Config{}).Validate(); err == nil {
		t.Error("an empty configuration is valid")
	}
}

func TestNodeThatNeverVotedHoldsAtOnce(t *testing.T) {
	n := &node{t: t, now: 1000}
	n.m = New(Config{Self: "a", Timing: Default()}, n.now)
	n.do(Reconfigured{Voters: []ID{"a"}, MayHold: true})
	n.expect(n.do(Elected{1}), "extend(1,+445.5ms)", "claim(1)")

	for name, cfg := range map[string]Config{
		"one that was restarted": {RaftTerm: 1},
		"one whose data is new":  {Epoch: 1},
	} {
		cfg.Self, cfg.Timing = "a", Default()
		n.m = New(cfg, n.now)
		n.do(Reconfigured{Voters: []ID{"a"}, MayHold: true})
		if got := n.do(Elected{2}); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	n.m = New(Config{Self: "a", Timing: Default()}, n.now) // it joins others, who may have changed twice
	n.do(Reconfigured{Voters: []ID{"a", "b", "c"}, MayHold: true})
	n.do(VoteGranted{By: "b", Term: 2})
	n.do(Elected{2})
	n.expect(n.do(n.ack("b")))
}

func TestReportCountsFromTheSignThatWasLast(t *testing.T) {
	n := newNode(t, true, "a", "b", "c")
	n.hear(renew("b", 1, 1, 0))
	n.after(460 * ms).do(Tick{})
	n.hear(Message{Kind: Agree, From: "c", Term: 1, Seq: 1}) // it campaigns, nothing comes of it
	n.hear(renew("b", 1, 2, 1))
	n.do(VoteGranted{By: "b", Term: 2, Promises: []Promise{{"b", 1, 400 * ms}}})
	n.after(10 * ms).do(Elected{2})
	n.after(1 * ms).do(n.ack("b"))
	acked := n.now
	n.after(2 * ms).hear(Message{Kind: Released, From: "b", Term: 1})
	last := n.m.View().Last
	if last.Cause != CausePlanned || last.LastHeard != n.now || last.Opened != n.now || last.Acked != acked || last.Noticed != Never {
		t.Errorf("planned move, let go and opened at %d: %+v", n.now, last)
	}

	n = newNode(t, true, "a", "b", "c")
	n.hear(renew("b", 1, 1, 0))
	heard := n.now
	n.after(10 * ms).do(Suspected{"b"})
	noticed := n.now
	n.after(20 * ms).hear(Message{Kind: Released, From: "b", Term: 1}) // the will comes late
	n.hear(Message{Kind: Agree, From: "c", Term: 1, Seq: 1})
	n.do(Elected{2})
	n.do(VoteGranted{By: "c", Term: 2})
	n.do(n.ack("c"))
	if last := n.m.View().Last; last.LastHeard != heard || last.Noticed != noticed {
		t.Errorf("heard at %d, missed at %d: %+v", heard, noticed, last)
	}
}
