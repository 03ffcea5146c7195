package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

func TestVotersFormACluster(t *testing.T) {
	testenv.NoLeaks(t)
	nodes := trio(t)
	for i, n := range nodes {
		n.mustPropose(fmt.Sprintf("from-%d", i))
	}
	for _, n := range nodes {
		eventually(t, n.cfg.Name+" has applied everything", func() bool {
			return cmp.Equal(n.fsm.all(), []string{"from-0", "from-1", "from-2"})
		})
		// raft may be quicker than gossip, which adds names and states.
		testenv.Eventually(t, patience, func() error {
			infos := n.Nodes()
			var want []Info
			for i, other := range nodes {
				want = append(want, Info{
					ID: other.ID(), Name: other.cfg.Name, Role: Amphora, Addr: other.Addr(),
					Suffrage: Voter, State: StateAlive, Leader: i < len(infos) && infos[i].Leader, Self: other == n,
				})
			}
			if diff := cmp.Diff(want, infos); diff != "" {
				return fmt.Errorf("nodes as %s sees them: %s", n.cfg.Name, diff)
			}
			return nil
		})
	}
}

func TestTLSCluster(t *testing.T) {
	t.Parallel()
	config := testTLS(t)
	nodes := trio(t, func(c *Config) {
		c.TLS, c.GossipKey = config, make([]byte, 32)
		c.ListenAddr = "127.0.0.1:0" // the one that the certificate is for
	})
	for i, n := range nodes {
		n.mustPropose(fmt.Sprint(i))
	}
}

// A command that the state machine cannot decode must not reach the log, from
// whichever node it comes.
func TestUndecodableCommandIsRefused(t *testing.T) {
	t.Parallel()
	nodes := trio(t, func(c *Config) {
		c.Check = func(command []byte) error {
			if string(command) == "poison" {
				return errors.New("unknown version")
			}
			return nil
		}
	})
	for _, n := range nodes {
		n.mustPropose("food for " + n.cfg.Name)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, _, err := n.Propose(ctx, []byte("poison"))
		cancel()
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("proposed on %s: got %v, want %v", n.cfg.Name, err, ErrInvalid)
		}
		if slices.Contains(n.fsm.all(), "poison") {
			t.Errorf("%s has applied it", n.cfg.Name)
		}
	}
}

func TestNoAcknowledgedWriteIsLostWithTheLeader(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	rest := others(nodes, leader)

	var mu sync.Mutex
	var acknowledged []string
	var writers sync.WaitGroup
	enough := make(chan struct{})
	stop := make(chan struct{})
	for w := range 4 {
		writers.Go(func() {
			via := rest[w%2]
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				command := fmt.Sprintf("%d-%d", w, i)
				if err := via.propose(command); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if acknowledged = append(acknowledged, command); len(acknowledged) == 40 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	leader.crash()
	next := awaitLeader(t, rest...)
	if next == leader {
		t.Fatal("the dead node leads")
	}
	next.mustPropose("after")
	close(stop)
	writers.Wait()

	back := start(t, leader.cfg)
	awaitLeader(t, append(rest, back)...)
	for _, n := range append(rest, back) {
		eventually(t, n.cfg.Name+" has every acknowledged command once", func() bool {
			have := n.fsm.all()
			slices.Sort(have)
			if len(slices.Compact(slices.Clone(have))) != len(have) {
				t.Fatalf("%s applied a command twice", n.cfg.Name)
			}
			for _, command := range acknowledged {
				if _, ok := slices.BinarySearch(have, command); !ok {
					return false
				}
			}
			return true
		})
	}
}

func TestRestartOfAllKeepsEverything(t *testing.T) {
	t.Parallel()
	nodes := trio(t, func(c *Config) { c.SnapshotThreshold, c.TrailingLogs = 4, 4 })
	var want []string
	for i := range 12 {
		want = append(want, fmt.Sprint(i))
		nodes[i%3].mustPropose(want[i])
	}
	// A snapshot and a log behind it, so that a restart has to use both.
	if err := awaitLeader(t, nodes...).raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	nodes[0].mustPropose("last")
	want = append(want, "last")
	for _, n := range nodes {
		n.stop() // together: goodbyes by gossip take their time
	}
	for _, n := range nodes {
		n.halt()
	}
	for i, n := range nodes {
		n.cfg.Peers = []string{nodes[(i+1)%3].cfg.GossipAddr}
		nodes[i] = start(t, n.cfg)
	}
	awaitLeader(t, nodes...)
	for _, n := range nodes {
		eventually(t, n.cfg.Name+" has what it had", func() bool { return cmp.Equal(n.fsm.all(), want) })
	}
}

func TestWithoutQuorum(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	leader := awaitLeader(t, nodes...)
	rest := others(nodes, leader)
	rest[0].crash()
	rest[1].crash()

	short := func() context.Context { return within(t, 300*time.Millisecond) }
	begin := time.Now()
	eventually(t, "the leader steps down", func() bool { _, ok := leader.Leader(); return !ok })
	if _, _, err := leader.Propose(short(), []byte("nowhere")); !errors.Is(err, ErrNoLeader) || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("propose without a leader: %v", err)
	}
	if _, err := leader.ReadIndex(short()); !errors.Is(err, ErrNoLeader) {
		t.Errorf("read without a leader: %v", err)
	}
	if took := time.Since(begin); took > patience {
		t.Errorf("it took %v", took)
	}
	back := start(t, rest[0].cfg)
	awaitLeader(t, leader, back)
	back.mustPropose("with a quorum")
}

func TestDoubtIsReportedAndARetryIsHarmless(t *testing.T) {
	t.Parallel()
	n := start(t, testConfig(t, "a"))
	if err := n.Bootstrap(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	n.mustPropose("first")
	n.fsm.mu.Lock() // the state machine hangs, so the answer does not come
	_, _, err := n.Propose(within(t, 50*time.Millisecond), []byte("in doubt"))
	n.fsm.mu.Unlock()
	if !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNoLeader) {
		t.Errorf("propose without an answer: %v", err)
	}
	n.mustPropose("in doubt")
	if diff := cmp.Diff([]string{"first", "in doubt"}, n.fsm.all()); diff != "" {
		t.Error(diff)
	}
}

func TestReadIndexSeesWhatWasCommitted(t *testing.T) {
	t.Parallel()
	nodes := trio(t)
	for round := range 3 {
		for i, n := range nodes {
			command := fmt.Sprintf("%d-%d", round, i)
			n.mustPropose(command)
			reader := nodes[(i+1)%3]
			index, err := reader.ReadIndex(within(t, patience))
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the reader's state machine reaches the index", func() bool { return reader.fsm.applied() >= index })
			if !slices.Contains(reader.fsm.all(), command) {
				t.Fatalf("%s read at %d and misses %s", reader.cfg.Name, index, command)
			}
		}
		// The next leader must first commit something of its own.
		if err := nodes[0].Transfer(within(t, patience), ""); err != nil {
			t.Fatal(err)
		}
		awaitLeader(t, nodes...)
	}
}
