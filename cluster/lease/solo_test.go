package lease

import (
	"slices"
	"testing"
	"time"
)

// probes lets the network answer for a while, each probe at once, and returns the
// newest words of the machine that are not rounds.
func (n *node) probes(d time.Duration, e Probed) []string {
	var words []string
	for range d / (50 * ms) {
		n.after(50 * ms)
		e.Sent = n.now
		words = append(words, n.do(e)...)
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "renew(1)>b" || w == "confirm(1)>b" })
}

func TestHolderOfPairGoesOnWithTheNetwork(t *testing.T) {
	n := holding(t, "a", "b")
	n.expect(n.after(150*ms).do(Tick{}), "renew(1)>b", "probe(true,false)")
	n.probes(2*time.Second, Probed{Network: true})
	if v := n.m.View(); v.State != Solo || v.Until.Sub(n.now) != held(450*ms) {
		t.Errorf("view %+v", v)
	}
	n.expect(n.probes(500*ms, Probed{})[:2], "shut(1)", "lose(1)") // neither peer nor network
}

func TestStandbyOfPairClaims(t *testing.T) {
	n := newNode(t, true, "a", "b")
	n.expect(n.hear(renew("b", 1, 1, 0)), "ack(1)>b", "probe(true,false)")
	if got := n.probes(600*ms, Probed{Network: true}); !slices.Equal(got, []string{"probe(true,true)"}) {
		t.Errorf("in Takeover: %v", got)
	}
	n.expect(n.probes(50*ms, Probed{Network: true, Occupied: true})) // somebody answers: all begins anew
	n.expect(n.probes(500*ms, Probed{Network: true}))
	n.expect(n.probes(100*ms, Probed{Network: true}), "campaign")
	n.expect(n.do(Stood{2})[:2], "extend(2,+445.5ms)", "claim(2)")
	n.expect(n.do(Elected{2})) // raft says so, too: nothing changes
}

func TestReleaseInPairNeedsOneAnswer(t *testing.T) {
	n := newNode(t, true, "a", "b")
	n.hear(renew("b", 1, 1, 0))
	n.probes(100*ms, Probed{Network: true})
	n.expect(n.hear(Message{Kind: Released, From: "b", Term: 1}), "confirm(1)>b", "campaign")
}

func TestOneOfPairAtBoot(t *testing.T) {
	for _, wait := range []bool{false, true} {
		n := &node{t: t, now: 1000}
		timing := Default()
		n.m = New(Config{Self: "a", Timing: timing, WaitForPeer: wait}, n.now)
		n.do(Reconfigured{Voters: []ID{"a", "b"}, MayHold: true})
		early := n.probes(timing.Boot-50*ms, Probed{Network: true})
		late := n.probes(200*ms, Probed{Network: true})
		if slices.Contains(early, "campaign") || slices.Contains(late, "campaign") == wait {
			t.Errorf("wait %v: %v, then %v", wait, early, late)
		}
	}
}

func TestTwoHolders(t *testing.T) {
	for term, gives := range map[uint64]bool{1: true, 2: true} {
		n := holding(t, "a", "b")
		got := n.hear(renew("b", term, 1, 0))
		if slices.Contains(got, "lose(1)") != gives {
			t.Errorf("a holder of term %d beside term 1 of a smaller name: %v", term, got)
		}
	}
	n := newNode(t, true, "a", "b")
	n.do(Elected{3})
	n.do(VoteGranted{By: "b", Term: 3})
	n.do(n.ack("b"))
	n.expect(n.hear(renew("b", 2, 1, 0)), "nack(3)>b")
}

func TestLeadershipGoesToTheSurvivor(t *testing.T) {
	n := newNode(t, true, "a", "b")
	solo := renew("b", 2, 1, 0)
	solo.Solo = true
	n.hear(solo)
	n.expect(n.do(Elected{3}), "give>b", "probe(false,false)")
}
