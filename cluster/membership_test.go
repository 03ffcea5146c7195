package cluster

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBootstrapJoinRemoveLeave(t *testing.T) {
	t.Parallel()
	a := start(t, testConfig(t, "a"))
	if has, err := a.HasState(t.Context()); has || err != nil {
		t.Fatalf("fresh node has state: %v, %v", has, err)
	}
	ctx := within(t, 2*patience)
	if err := a.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	awaitLeader(t, a)
	if err := a.Bootstrap(ctx); !errors.Is(err, ErrBootstrapped) {
		t.Errorf("second bootstrap: %v", err)
	}
	a.mustPropose("before")

	b := start(t, testConfig(t, "b"))
	if err := b.Join(ctx, a.Addr()); err != nil {
		t.Fatal(err)
	}
	if got := b.fsm.all(); !cmp.Equal(got, []string{"before"}) {
		t.Errorf("b has its vote and %v", got)
	}
	if err := b.Join(ctx, a.Addr()); !errors.Is(err, ErrBootstrapped) {
		t.Errorf("second join: %v", err)
	}
	if err := b.Bootstrap(ctx); !errors.Is(err, ErrBootstrapped) {
		t.Errorf("bootstrap of a node that joined: %v", err)
	}
	c := start(t, testConfig(t, "c"))
	if err := c.Join(ctx, b.Addr()); err != nil { // b passes it on to a
		t.Fatal(err)
	}
	nodes := []*testNode{a, b, c}
	awaitLeader(t, nodes...)
	for _, n := range nodes {
		n.mustPropose("by-" + n.cfg.Name)
		eventually(t, "three voters alive", func() bool {
			infos := n.Nodes()
			for _, info := range infos {
				if info.Suffrage != Voter || info.State != StateAlive {
					return false
				}
			}
			return len(infos) == 3
		})
	}

	twin := start(t, testConfig(t, "b"))
	if err := twin.Join(ctx, a.Addr()); !errors.Is(err, ErrNameTaken) || !strings.Contains(err.Error(), b.ID()) {
		t.Errorf("join under a name that is taken: %v", err)
	}
	twin.halt()
	if err := c.Remove(ctx, "nobody"); !errors.Is(err, ErrNodeNotFound) || !strings.Contains(err.Error(), "a, b, c") {
		t.Errorf("remove of a stranger: %v", err)
	}

	for addr, kind := range map[string]error{"0.0.0.0:1": ErrInvalid, b.Addr(): nil} {
		if err := awaitLeader(t, nodes...).promote(ctx, b.ID(), addr); !errors.Is(err, kind) {
			t.Errorf("promote at %s: %v", addr, err)
		}
	}
	if err := a.Leave(ctx); err != nil { // the leader leaves
		t.Fatal(err)
	}
	leader := awaitLeader(t, b, c)
	follower := others([]*testNode{b, c}, leader)[0]
	follower.mustPropose("without a")
	if err := a.Join(ctx, b.Addr()); err != nil { // and comes back
		t.Errorf("join after leave: %v", err)
	}
	eventually(t, "a is a voter that is alive, as before", func() bool {
		i := slices.IndexFunc(b.Nodes(), func(i Info) bool { return i.ID == a.ID() })
		return i >= 0 && b.Nodes()[i].Suffrage == Voter && b.Nodes()[i].State == StateAlive
	})
	if err := b.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if err := leader.Remove(ctx, follower.ID()); err != nil {
		t.Fatal(err)
	}
	leader.mustPropose("alone")
	if err := leader.Leave(ctx); !errors.Is(err, ErrLastVoter) {
		t.Errorf("leave of the last voter: %v", err)
	}
	leader.mustPropose("still alone")
}

func TestRemoveRefusesToLoseTheQuorum(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	rest := others(nodes, leader)
	rest[0].crash()
	eventually(t, "gossip notices", func() bool {
		p, _ := leader.registry.get(rest[0].ID())
		return p.state == StateDead
	})
	ctx := within(t, patience)
	if err := leader.Remove(ctx, rest[1].cfg.Name); !errors.Is(err, ErrWouldLoseQuorum) {
		t.Errorf("remove of a living voter beside a dead one: %v", err)
	}
	if err := rest[1].Remove(ctx, rest[0].cfg.Name); err != nil {
		t.Errorf("remove of the dead voter: %v", err)
	}
	rest[1].mustPropose("on")
}

func TestReinstalledNode(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	wiped := others(nodes, leader)[0]
	wiped.crash()
	old := wiped.ID()
	wiped.cfg.DataDir = t.TempDir()
	wiped.cfg.Peers = []string{leader.GossipAddr()}
	fresh := start(t, wiped.cfg)
	ctx := within(t, 2*patience)

	// It must neither form a cluster of its own nor take the old node's place.
	eventually(t, "the fresh node sees the cluster", func() bool {
		return planBootstrap(fresh.ID(), fresh.cfg.Voters, fresh.registry.alive()).step == stepNone
	})
	leader.mustPropose("meanwhile")
	if fresh.hasState() {
		t.Fatal("the fresh node got the log of the old one")
	}
	if err := fresh.Join(ctx, leader.Addr()); !errors.Is(err, ErrNameTaken) {
		t.Errorf("join before the old one is removed: %v", err)
	}
	if err := leader.Remove(ctx, old); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Join(ctx, leader.Addr()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the fresh node has the log", func() bool { return slices.Contains(fresh.fsm.all(), "meanwhile") })
}

// memberlist never reports that news were spread which come after its goodbye.
func TestNothingIsSaidAfterTheGoodbye(t *testing.T) {
	t.Parallel()
	a := start(t, testConfig(t, "a"))
	cfg := testConfig(t, "b")
	cfg.Peers = []string{a.GossipAddr()}
	b := start(t, cfg)
	eventually(t, "b sees a", func() bool { return len(b.registry.alive()) == 2 })
	b.gossip.leave()
	b.gossip.update(func(m *meta) { m.Bootstrapped = true })
	if m := b.gossip.meta.Load(); m.Bootstrapped || !m.Leaving {
		t.Errorf("after its goodbye it says %+v", *m)
	}
}

func TestStrangersAreKeptOut(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef")
	ctx := within(t, 2*patience)
	a := func() *testNode {
		cfg := testConfig(t, "a")
		cfg.GossipKey = key
		return start(t, cfg)
	}()
	if err := a.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	awaitLeader(t, a)
	meet := func(change func(*Config)) (*testNode, *lockedBuffer) {
		var log lockedBuffer
		cfg := testConfig(t, "x")
		cfg.GossipKey, cfg.Peers = key, []string{a.GossipAddr()}
		cfg.Logger = textLogger(&log)
		change(&cfg)
		return start(t, cfg), &log
	}
	sees := func() bool { return len(a.registry.alive()) == 2 }

	friend, _ := meet(func(*Config) {})
	eventually(t, "a sees a node with its key", sees)
	friend.halt()
	eventually(t, "it left", func() bool { return !sees() })

	for name, change := range map[string]func(*Config){
		"other key":     func(c *Config) { c.GossipKey = []byte("0123456789abcdeF") },
		"no key":        func(c *Config) { c.GossipKey = nil },
		"other cluster": func(c *Config) { c.Cluster = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			stranger, log := meet(change)
			eventually(t, "the stranger is told", func() bool { return strings.Contains(log.String(), "cannot reach a gossip peer") })
			if sees() {
				t.Error("a sees the stranger")
			}
			if name == "other cluster" {
				var err error
				eventually(t, "the stranger is refused", func() bool { // the first answer may come too late
					err = stranger.Join(ctx, a.Addr())
					return errors.Is(err, ErrWrongCluster)
				})
				if !strings.Contains(err.Error(), `"test"`) || !strings.Contains(err.Error(), `"other"`) {
					t.Errorf("join of another cluster: %v", err)
				}
			}
			stranger.halt()
		})
	}
}

func TestMovedNodeIsFound(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	mover := others(nodes, leader)[0]
	mover.halt()
	mover.cfg.ListenAddr, mover.cfg.GossipAddr = "127.0.0.1:0", "127.0.0.1:0"
	mover.cfg.Peers = []string{leader.GossipAddr()}
	moved := start(t, mover.cfg)
	leader.mustPropose("to the new address")
	eventually(t, "the log reaches the new address", func() bool {
		return slices.Contains(moved.fsm.all(), "to the new address")
	})
}
