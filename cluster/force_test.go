package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// pair starts two voters whose state machine has a file.
func pair(t *testing.T) (a, b *testNode) {
	t.Helper()
	nodes := group(t, []string{"a", "b"})
	for _, n := range nodes {
		put(t, n.cfg.DataDir, stateFile, "state of "+n.cfg.Name)
	}
	return nodes[0], nodes[1]
}

// force makes the node the only voter, as soon as gossip has noticed that the others
// are gone.
func (n *testNode) force() *testNode {
	n.t.Helper()
	eventually(n.t, n.cfg.Name+" can be forced", func() bool {
		err := n.ForceSolo(within(n.t, patience), "test")
		if err != nil && !errors.Is(err, ErrHasQuorum) {
			n.t.Fatal(err)
		}
		return err == nil
	})
	again := n.restarts()
	eventually(n.t, "it leads alone", func() bool { return again.raft.State() == raft.Leader && again.voters() == 1 })
	return again
}

// wantTogether waits until the nodes are voters of one cluster with equal content.
func wantTogether(t *testing.T, want []string, nodes ...*testNode) {
	t.Helper()
	for _, n := range nodes {
		eventually(t, n.cfg.Name+" is a voter among all", func() bool { return n.isVoter() && n.voters() == len(nodes) })
		eventually(t, fmt.Sprintf("%s has %q", n.cfg.Name, want), func() bool { return slices.Equal(n.fsm.all(), want) })
		if got := n.Standoffs(); len(got) > 0 {
			t.Errorf("%s has stand-offs: %v", n.cfg.Name, got)
		}
		if !cmp.Equal(n.Epoch(), nodes[0].Epoch()) {
			t.Errorf("%s is in epoch %v, %s in %v", n.cfg.Name, n.Epoch(), nodes[0].cfg.Name, nodes[0].Epoch())
		}
	}
}

func TestForcedPairHeals(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.mustPropose("both")
	b.crash()
	a = a.force()
	a.mustPropose("alone")
	b = start(t, b.cfg) // it finds a cluster that was forced without it
	b = b.restarts()
	b.mustPropose("both again")
	wantTogether(t, []string{"both", "alone", "both again"}, a, b)
	if len(a.Epoch()) != 1 || a.Epoch()[0].By != a.ID() {
		t.Errorf("epoch %v, want it forced once, by %s", a.Epoch(), a.ID())
	}
	aside, _ := filepath.Glob(filepath.Join(b.cfg.DataDir, "quarantine-0-*"))
	if len(aside) != 1 {
		t.Fatalf("directories beside: %v", aside)
	}
	for _, name := range []string{storeFile, stableFile, stateFile} {
		if !exists(filepath.Join(aside[0], name)) {
			t.Errorf("%s is not in %s", name, aside[0])
		}
	}
	if kept, _ := os.ReadFile(filepath.Join(aside[0], stateFile)); string(kept) != "state of b" {
		t.Errorf("the state aside is %q", kept)
	}

	// And the other way round, as often as need be.
	a.crash()
	b = b.force()
	b.mustPropose("b alone")
	a = start(t, a.cfg).restarts()
	wantTogether(t, []string{"both", "alone", "both again", "b alone"}, b, a)
	// A restart in peace changes nothing.
	a.halt()
	a = start(t, a.cfg)
	a.mustPropose("peace")
	wantTogether(t, []string{"both", "alone", "both again", "b alone", "peace"}, b, a)
}

// Nobody waits for a leader that cannot be.
func TestSurvivorOfAPairRefusesAtOnce(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	b.crash()
	eventually(t, "a has noticed", func() bool { _, ok := a.Leader(); return !ok && a.standstill() != nil })
	_, _, err := a.Propose(t.Context(), []byte("nowhere"))
	if !errors.Is(err, ErrNoLeader) || !errors.Is(err, ErrNoQuorum) || errors.Is(err, ErrUnknownOutcome) || !strings.Contains(err.Error(), "b gone of 2 voters") {
		t.Errorf("propose: %v", err)
	}
	if _, err := a.ReadIndex(t.Context()); !errors.Is(err, ErrNoQuorum) {
		t.Errorf("read: %v", err)
	}
	b = start(t, b.cfg)
	b.mustPropose("somewhere")
	wantTogether(t, []string{"somewhere"}, a, b)
}

func TestBothForcedAreNotPutTogether(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.mustPropose("both")
	b.halt()
	a = a.force()
	a.mustPropose("of a")
	a.halt()
	b = start(t, b.cfg).force()
	b.mustPropose("of b")
	a = start(t, a.cfg)
	for _, n := range []*testNode{a, b} {
		eventually(t, n.cfg.Name+" tells of the stand-off", func() bool { return len(n.Standoffs()) == 1 })
	}
	first, second := a.Standoffs()[0], b.Standoffs()[0]
	if first.ID != b.ID() || second.ID != a.ID() || first.Outranked == second.Outranked {
		t.Errorf("a says %+v, b says %+v; one of them is outranked", first, second)
	}
	for _, n := range []*testNode{a, b} {
		n.mustPropose("more of " + n.cfg.Name)
		if want := []string{"both", "of " + n.cfg.Name, "more of " + n.cfg.Name}; !slices.Equal(n.fsm.all(), want) {
			t.Errorf("%s has %q, want %q", n.cfg.Name, n.fsm.all(), want)
		}
		if n.voters() != 1 {
			t.Errorf("%s has %d voters", n.cfg.Name, n.voters())
		}
	}
	winner, loser := a, b
	if first.Outranked {
		winner, loser = b, a
	}
	eventually(t, "the outranked one does not hold the virtual IPs", func() bool {
		return strings.Contains(loser.fitness.answer(), "forced apart")
	})
	if err := loser.Join(within(t, patience), winner.Addr()); !errors.Is(err, ErrForcedApart) && !errors.Is(err, ErrBootstrapped) {
		t.Errorf("join with data of another epoch: %v", err)
	}
	if err := winner.Discard(within(t, patience), "nobody"); !errors.Is(err, ErrNodeNotFound) {
		t.Errorf("discard in favour of nobody: %v", err)
	}
	if err := loser.Discard(within(t, patience), winner.cfg.Name); err != nil {
		t.Fatal(err)
	}
	loser = loser.restarts()
	wantTogether(t, []string{"both", "of " + winner.cfg.Name, "more of " + winner.cfg.Name}, winner, loser)
	eventually(t, "the stand-off is over for the winner", func() bool { return len(winner.Standoffs()) == 0 })
}

// Two of three went on when the third one was forced: what they acknowledged is not
// thrown away without a word.
func TestMajorityThatWentOnIsNotHealed(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	nodes[0].mustPropose("all")
	c := nodes[2]
	rest := nodes[:2]
	c.halt()
	rest[0].mustPropose("two of three")
	for _, n := range rest {
		eventually(t, n.cfg.Name+" has it", func() bool { return slices.Contains(n.fsm.all(), "two of three") })
	}
	for _, n := range rest {
		n.stop() // together: goodbyes by gossip take their time
	}
	for _, n := range rest {
		n.halt()
	}
	c = start(t, c.cfg).force()
	c.mustPropose("one of three")
	for i, n := range rest {
		n.cfg.Peers = append(n.cfg.Peers, c.GossipAddr())
		n.cfg.FSMIndex = n.fsm.applied // its state machine is durable
		rest[i] = startWith(t, n.cfg, n.fsm)
	}
	for _, n := range rest {
		eventually(t, n.cfg.Name+" tells of the stand-off", func() bool {
			got := n.Standoffs()
			return len(got) == 1 && got[0].ID == c.ID() && got[0].Outranked
		})
	}
	rest[0].mustPropose("still two")
	if slices.Contains(c.fsm.all(), "still two") || slices.Contains(rest[0].fsm.all(), "one of three") {
		t.Error("the two clusters were mixed")
	}
	var healed []*testNode
	for _, n := range rest {
		if err := n.Discard(within(t, patience), c.ID()); err != nil {
			t.Fatal(err)
		}
		n.cfg.FSMIndex = nil
		healed = append(healed, n.restarts())
	}
	wantTogether(t, []string{"all", "one of three"}, append(healed, c)...)
}

// A node that joins a cluster which was forced before is in its epoch from the start.
func TestNewNodeTakesTheEpochOver(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	b.crash()
	a = a.force()
	a.mustPropose("one")
	cfg := testConfig(t, "c")
	cfg.Peers = []string{a.GossipAddr()}
	c := start(t, cfg)
	if err := c.Join(within(t, patience), a.Addr()); err != nil {
		t.Fatal(err)
	}
	wantTogether(t, []string{"one"}, a, c)
	c.halt()
	c = start(t, c.cfg)
	c.mustPropose("two")
	wantTogether(t, []string{"one", "two"}, a, c)
}

func TestForceRefusals(t *testing.T) {
	t.Parallel()
	nodes := trio(t, func(c *Config) {
		if c.Name == "c" {
			c.Role = Witness
		}
	})
	check := func(what string, n *testNode, confirm string, want error) {
		t.Helper()
		err := n.ForceSolo(within(t, patience), confirm)
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	check("not confirmed", nodes[0], "", ErrInvalid)
	check("another cluster's name", nodes[0], "prod", ErrInvalid)
	check("a healthy cluster", nodes[0], "test", ErrHasQuorum)
	nodes[0].halt()
	check("two of three are there", nodes[1], "test", ErrHasQuorum)
	nodes[1].halt()
	check("a witness", nodes[2], "test", ErrInvalid)
	cfg := testConfig(t, "d")
	check("no cluster", start(t, cfg), "test", ErrInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check("stopped", nodes[0], "test", ErrClosed)
	if err := nodes[0].Discard(ctx, "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("discard on a stopped node: %v", err)
	}
	if err := nodes[2].Discard(within(t, patience), "a"); !errors.Is(err, ErrNodeNotFound) {
		t.Errorf("discard without a stand-off: %v", err)
	}
}
