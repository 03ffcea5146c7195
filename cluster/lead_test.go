package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestWitnessHandsLeadershipOn(t *testing.T) {
	t.Parallel()
	nodes := trio(t, func(c *Config) {
		if c.Name == "c" {
			c.Role = Witness
		}
	})
	witness := nodes[2]
	awaitLeader(t, nodes...).mustPropose("first")
	if first := witness.servers()[0]; string(first.ID) != witness.ID() {
		t.Errorf("the witness is not the first server of the configuration")
	}
	served := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	led := make(chan error)
	go func() {
		led <- witness.Hold(ctx, func(context.Context, uint64) error { served <- struct{}{}; return nil })
	}()
	for range 2 {
		eventually(t, "the witness wins", func() bool {
			if err := awaitLeader(t, nodes...).Transfer(within(t, patience), "c"); err != nil {
				return false
			}
			return true
		})
		eventually(t, "an amphora leads", func() bool {
			info, ok := witness.Leader()
			return ok && info.Role == Amphora
		})
	}
	witness.mustPropose("by the witness")
	cancel()
	if err := <-led; !errors.Is(err, context.Canceled) {
		t.Errorf("hold on the witness: %v", err)
	}
	select {
	case <-served:
		t.Error("the witness served")
	default:
	}
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm)
	leader := awaitLeader(t, nodes...)
	rest := others(nodes, leader)
	// Asked of a third node, it goes to the leader.
	if err := rest[0].Transfer(within(t, patience), rest[1].cfg.Name); err != nil {
		t.Fatal(err)
	}
	if now := awaitLeader(t, nodes...); now != rest[1] {
		t.Errorf("after the transfer to %s leads %s", rest[1].cfg.Name, now.cfg.Name)
	}
	if err := rest[1].Transfer(within(t, patience), rest[1].ID()); err != nil {
		t.Errorf("transfer to the leader itself: %v", err)
	}
}

func TestCleanStopHandsOver(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	ended := make(chan error, 1)
	go func() {
		ended <- leader.Hold(t.Context(), func(context.Context, uint64) error {
			t.Error("a node without a gate serves")
			return nil
		})
	}()
	leader.halt()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("hold ended with %v", err)
	}
	rest := others(nodes, leader)
	awaitLeader(t, rest...)
	eventually(t, "the stopped node counts as left, not as dead", func() bool {
		p, _ := rest[0].registry.get(leader.ID())
		return p.state == StateLeft
	})
	if _, _, err := leader.Propose(t.Context(), []byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("propose on a stopped node: %v", err)
	}
	if err := leader.Hold(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("hold on a stopped node: %v", err)
	}
	if err := leader.Close(); err != nil {
		t.Errorf("close after stop: %v", err)
	}
}

func TestChangesWakeUp(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	watcher := others(nodes, leader)[0]
	changes := watcher.Changes(t.Context())
	leader.crash()
	for {
		if info, ok := watcher.Leader(); ok && info.ID != leader.ID() {
			break
		}
		select {
		case <-changes:
		case <-time.After(patience):
			t.Fatal("no signal with a new leader")
		}
	}
}

func TestSingleNodeLeadsAtOnce(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, "a")
	cfg.HeartbeatTimeout, cfg.ElectionTimeout, cfg.LeaderLeaseTimeout = time.Hour, time.Hour, time.Hour
	n := start(t, cfg)
	if err := n.Bootstrap(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it leads", func() bool { return n.raft.State() == raft.Leader })
	n.halt()
	again := start(t, n.cfg)
	eventually(t, "it leads after a restart", func() bool { return again.raft.State() == raft.Leader })
}
