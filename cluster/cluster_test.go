package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
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
		infos := n.Nodes()
		if len(infos) != 3 {
			t.Fatalf("%s sees %d nodes", n.cfg.Name, len(infos))
		}
		for i, info := range infos {
			want := Info{
				ID: nodes[i].ID(), Name: nodes[i].cfg.Name, Role: Amphora, Addr: nodes[i].Addr(),
				Suffrage: Voter, State: StateAlive, Leader: info.Leader, Self: nodes[i] == n,
			}
			if diff := cmp.Diff(want, info); diff != "" {
				t.Errorf("%s, node %d: %s", n.cfg.Name, i, diff)
			}
		}
	}
}

func TestTLSCluster(t *testing.T) {
	config := testTLS(t)
	nodes := trio(t, func(c *Config) { c.TLS, c.GossipKey = config, make([]byte, 32) })
	for i, n := range nodes {
		n.mustPropose(fmt.Sprint(i))
	}
}

func TestNoAcknowledgedWriteIsLostWithTheLeader(t *testing.T) {
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

func TestStateMachineThatIsDurableItself(t *testing.T) {
	cfg := testConfig(t, "a")
	n := start(t, cfg)
	if err := n.Bootstrap(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	n.mustPropose("one")
	if err := n.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	n.mustPropose("two")
	applied := n.fsm.applied()
	n.halt()

	for name, test := range map[string]struct {
		index    uint64
		restored int
		err      string
	}{
		"it has all of it":           {applied, 0, ""},
		"its file was lost":          {0, 1, ""},
		"it has what raft never had": {applied + 1000, 0, "do not belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := n.cfg
			cfg.FSMIndex = func() uint64 { return test.index }
			if test.err != "" {
				cfg.FSM = &memFSM{}
				again, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := again.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("run: %v, want %q", err, test.err)
				}
				return
			}
			again := start(t, cfg)
			awaitLeader(t, again)
			if again.fsm.restored != test.restored {
				t.Errorf("restored %d times, want %d", again.fsm.restored, test.restored)
			}
			eventually(t, "the entry behind the snapshot", func() bool { return slices.Contains(again.fsm.all(), "two") })
			again.halt()
		})
	}
}

func TestBootstrapJoinRemoveLeave(t *testing.T) {
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

	if err := a.Leave(ctx); err != nil { // the leader leaves
		t.Fatal(err)
	}
	leader := awaitLeader(t, b, c)
	follower := others([]*testNode{b, c}, leader)[0]
	follower.mustPropose("without a")
	if err := a.Join(ctx, b.Addr()); err != nil { // and comes back
		t.Errorf("join after leave: %v", err)
	}
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

func TestWitnessHandsLeadershipOn(t *testing.T) {
	nodes := trio(t, func(c *Config) {
		if c.Name == "c" {
			c.Role = Witness
		}
	})
	witness := nodes[2]
	awaitLeader(t, nodes...).mustPropose("first")
	eventually(t, "the witness has the configuration", witness.isVoter)
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
	nodes := trio(t)
	type event struct {
		node string
		term uint64
	}
	begun := make(chan event, 10)
	var leads sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for _, n := range nodes {
		leads.Go(func() {
			err := n.Lead(ctx, func(ctx context.Context, term uint64) error {
				begun <- event{n.cfg.Name, term}
				<-ctx.Done()
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

func TestCleanStopHandsOver(t *testing.T) {
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

func TestWithoutQuorum(t *testing.T) {
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
	if _, err := leader.ReadIndex(short()); !errors.Is(err, ErrNoLeader) || !errors.Is(err, context.DeadlineExceeded) {
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

func TestStrangersAreKeptOut(t *testing.T) {
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
				err := stranger.Join(ctx, a.Addr())
				if !errors.Is(err, ErrWrongCluster) || !strings.Contains(err.Error(), `"test"`) || !strings.Contains(err.Error(), `"other"`) {
					t.Errorf("join of another cluster: %v", err)
				}
			}
			stranger.halt()
		})
	}
}

func TestServicesOnTheNodePort(t *testing.T) {
	nodes := trio(t, func(c *Config) {
		c.Register = func(r grpc.ServiceRegistrar) { grpc_health_v1.RegisterHealthServer(r, health.NewServer()) }
	})
	conn, err := nodes[0].Dial(t.Context(), nodes[1].ID())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(within(t, patience), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("call to another node: %v, %v", answer, err)
	}
	if _, err := nodes[0].Dial(t.Context(), "nobody"); !errors.Is(err, ErrNodeNotFound) {
		t.Errorf("dial a stranger: %v", err)
	}
}

func TestChangesWakeUp(t *testing.T) {
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

func TestMovedNodeIsFound(t *testing.T) {
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

func TestOpenRefusals(t *testing.T) {
	testenv.NoLeaks(t)
	cfg := testConfig(t, "a")
	cfg.FSM = &memFSM{}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), cfg.DataDir) {
		t.Errorf("second opening of a directory: %v", err)
	}
	other := cfg
	other.DataDir, other.ListenAddr = t.TempDir(), n.Addr()
	if _, err := Open(other); err == nil || !strings.Contains(err.Error(), n.Addr()) {
		t.Errorf("port in use: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := n.Propose(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("propose before run: %v", err)
	}
	if infos := n.Nodes(); infos != nil {
		t.Errorf("nodes before run: %v", infos)
	}
	if err := errors.Join(n.Close(), n.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := n.Run(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("run after close: %v", err)
	}
	if again, err := Open(cfg); err != nil {
		t.Errorf("open after close: %v", err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestGossipPortInUse(t *testing.T) {
	testenv.NoLeaks(t)
	first := start(t, testConfig(t, "a"))
	cfg := testConfig(t, "b")
	cfg.GossipAddr, cfg.FSM = first.GossipAddr(), &memFSM{}
	second, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), cfg.GossipAddr) {
		t.Errorf("run: %v", err)
	}
	if _, err := second.HasState(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after a failed start: %v", err)
	}
	first.halt()
}

func TestSingleNodeLeadsAtOnce(t *testing.T) {
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
