package cluster

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
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
		led <- witness.Lead(ctx, func(context.Context, uint64) error { served <- struct{}{}; return nil })
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
		t.Errorf("lead on the witness: %v", err)
	}
	select {
	case <-served:
		t.Error("the witness served a term")
	default:
	}
}

func TestLeadMovesWithTransfer(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm) // after an election by timer two may serve for a moment
	type event struct {
		node string
		term uint64
	}
	begun := make(chan event, 10)
	var serving atomic.Int32
	var leads sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for _, n := range nodes {
		leads.Go(func() {
			err := n.Lead(ctx, func(ctx context.Context, term uint64) error {
				if serving.Add(1) > 1 {
					t.Errorf("%s serves in term %d before the node that led has ended its work", n.cfg.Name, term)
				}
				defer serving.Add(-1)
				begun <- event{n.cfg.Name, term}
				<-ctx.Done()
				<-time.After(50 * time.Millisecond) // the end of the work takes longer than an election
				return ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("lead on %s: %v", n.cfg.Name, err)
			}
		})
	}
	first := <-begun
	leader := awaitLeader(t, nodes...)
	if first.node != leader.cfg.Name {
		t.Errorf("%s serves, %s leads", first.node, leader.cfg.Name)
	}
	if err := leader.Lead(ctx, nil); err == nil {
		t.Error("a second Lead on one node")
	}
	rest := others(nodes, leader)
	// Asked of a third node, it goes to the leader.
	if err := rest[0].Transfer(within(t, patience), rest[1].cfg.Name); err != nil {
		t.Fatal(err)
	}
	second := <-begun
	if second.node != rest[1].cfg.Name || second.term <= first.term {
		t.Errorf("after the transfer to %s: %+v, before: %+v", rest[1].cfg.Name, second, first)
	}
	if err := rest[1].Transfer(within(t, patience), rest[1].ID()); err != nil {
		t.Errorf("transfer to the leader itself: %v", err)
	}
	cancel()
	leads.Wait()
}

// A transfer that fails costs the leader's work a moment, not the term.
func TestWorkGoesOnAfterAFailedTransfer(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm)
	leader := awaitLeader(t, nodes...)
	ctx, cancel := context.WithCancel(t.Context())
	terms := make(chan uint64, 10)
	led := make(chan error, 1)
	go func() {
		led <- leader.Lead(ctx, func(ctx context.Context, term uint64) error {
			terms <- term
			<-ctx.Done()
			return nil
		})
	}()
	first := <-terms
	broken := errors.New("the target does not answer")
	if err := leader.stepAside(within(t, patience), func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if again := <-terms; again != first {
		t.Errorf("work goes on in term %d, want %d", again, first)
	}
	cancel()
	if err := <-led; !errors.Is(err, context.Canceled) {
		t.Errorf("lead: %v", err)
	}
}

func TestCleanStopHandsOver(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	ended := make(chan error, 1)
	serving := make(chan struct{})
	go func() {
		ended <- leader.Lead(t.Context(), func(ctx context.Context, _ uint64) error {
			close(serving)
			<-ctx.Done()
			return nil
		})
	}()
	<-serving
	leader.halt()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("lead ended with %v", err)
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
	if err := leader.Lead(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("lead on a stopped node: %v", err)
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
