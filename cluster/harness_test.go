package cluster

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/hashicorp/raft"
)

const patience = 15 * time.Second

// TestMain runs more tests at a time than there are processors: they mostly wait
// for elections and for gossip.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(strconv.Itoa(max(4, runtime.GOMAXPROCS(0)))); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// memFSM remembers every command once, in order. Its responses are bytes, as
// those of a real state machine must be.
type memFSM struct {
	mu       sync.Mutex
	commands []string
	index    uint64
	restored int
}

func (f *memFSM) Apply(l *raft.Log) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index = l.Index
	for _, c := range f.commands {
		if c == string(l.Data) {
			return []byte("again " + c)
		}
	}
	f.commands = append(f.commands, string(l.Data))
	return append([]byte("did "), l.Data...)
}

func (f *memFSM) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.commands...)
}

func (f *memFSM) applied() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.index
}

func (f *memFSM) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var buf bytes.Buffer
	return memSnapshot{&buf}, gob.NewEncoder(&buf).Encode(f.commands)
}

func (f *memFSM) Restore(r io.ReadCloser) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restored++
	f.commands = nil
	return errors.Join(gob.NewDecoder(r).Decode(&f.commands), r.Close())
}

type memSnapshot struct{ buf *bytes.Buffer }

func (s memSnapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := s.buf.WriteTo(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

func (memSnapshot) Release() {}

// testNode is a running node with its state machine.
type testNode struct {
	*Node
	t    testing.TB
	cfg  Config
	fsm  *memFSM
	stop context.CancelFunc
	done chan struct{}
	err  error
}

// testConfig is quick enough for tests and calm enough for a loaded machine.
func testConfig(t testing.TB, name string) Config {
	host := loopback()
	return Config{
		Cluster: "test", Name: name, DataDir: t.TempDir(),
		ListenAddr: host + ":0", GossipAddr: host + ":0",
		HeartbeatTimeout: 500 * time.Millisecond, ElectionTimeout: 500 * time.Millisecond, LeaderLeaseTimeout: 500 * time.Millisecond, // calm on a busy machine
		RPCTimeout:    2 * time.Second,
		CommitTimeout: 5 * time.Millisecond, RejoinInterval: 50 * time.Millisecond,
		Logger: testLogger(t, name),
	}
}

var lastHost atomic.Uint32

// loopback returns an address of this machine that no other node has. A node that
// comes back to its port must not find there the outgoing connection of another
// one: those have the address 127.0.0.1.
func loopback() string {
	pid, n := os.Getpid(), lastHost.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 64+pid>>8&0x3f, pid&0xff, 1+n%250)
}

func testLogger(t testing.TB, name string) *slog.Logger {
	if os.Getenv("CLUSTER_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("on", name, "test", t.Name())
}

// start opens and runs a node. A restarted one keeps its addresses.
func start(t testing.TB, cfg Config) *testNode {
	t.Helper()
	return startWith(t, cfg, &memFSM{})
}

func startWith(t testing.TB, cfg Config, f *memFSM) *testNode {
	t.Helper()
	cfg.FSM = f
	if err := Settle(cfg.DataDir, stateFile); err != nil {
		t.Fatal(err)
	}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tn := &testNode{Node: n, t: t, cfg: cfg, fsm: f, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(tn.done)
		tn.err = n.Run(ctx)
	}()
	t.Cleanup(func() { tn.halt() })
	select {
	case <-n.Ready():
	case <-tn.done:
		t.Fatalf("run %s: %v", cfg.Name, tn.err)
	}
	tn.cfg.ListenAddr, tn.cfg.GossipAddr = n.Addr(), n.GossipAddr()
	return tn
}

// halt stops the node in order.
func (n *testNode) halt() {
	n.t.Helper()
	n.stop()
	<-n.done
	if n.err != nil && !errors.Is(n.err, ErrRestart) {
		n.t.Errorf("stop %s: %v", n.cfg.Name, n.err)
	}
}

// crash stops the node without a goodbye: for the others its connections break
// and its gossip falls silent.
func (n *testNode) crash() {
	n.t.Helper()
	n.rude.Store(true)
	n.halt()
}

func (n *testNode) propose(command string) error {
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	response, index, err := n.Propose(ctx, []byte(command))
	if err != nil {
		return fmt.Errorf("propose %s on %s: %w", command, n.cfg.Name, err)
	}
	if string(response) != "did "+command && string(response) != "again "+command {
		return fmt.Errorf("propose %s on %s: response %q", command, n.cfg.Name, response)
	}
	if index == 0 {
		return fmt.Errorf("propose %s on %s: index 0", command, n.cfg.Name)
	}
	return nil
}

func (n *testNode) mustPropose(command string) {
	n.t.Helper()
	if err := n.propose(command); err != nil {
		n.t.Fatal(err)
	}
}

// calm keeps elections by timer out of a test that needs none, or that one would
// spoil: on a busy machine a leader may be silent, and a vote on its way, for more
// than half a second.
func calm(c *Config) {
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 5*time.Second, 5*time.Second, 5*time.Second
	c.RPCTimeout = 5 * time.Second
}

// stateFile stands for the file of a state machine.
const stateFile = "state.db"

// restarts waits until the node has stopped because it is to be started again, and
// does that.
func (n *testNode) restarts() *testNode {
	n.t.Helper()
	select {
	case <-n.done:
	case <-time.After(patience):
		n.t.Fatalf("%s does not stop", n.cfg.Name)
	}
	if !errors.Is(n.err, ErrRestart) {
		n.t.Fatalf("%s stopped with %v", n.cfg.Name, n.err)
	}
	return start(n.t, n.cfg)
}

// trio starts three nodes that form a cluster by their list of voters. All of them
// have its configuration when it returns: until then the death of the founder
// stops the others, for they know of no cluster that they could elect a leader of.
func trio(t testing.TB, adjust ...func(*Config)) []*testNode {
	t.Helper()
	return group(t, []string{"a", "b", "c"}, adjust...)
}

func group(t testing.TB, names []string, adjust ...func(*Config)) []*testNode {
	t.Helper()
	var nodes []*testNode
	for _, name := range names {
		cfg := testConfig(t, name)
		cfg.Voters = names
		if len(nodes) > 0 {
			cfg.Peers = []string{nodes[0].GossipAddr()}
		}
		for _, f := range adjust {
			f(&cfg)
		}
		nodes = append(nodes, start(t, cfg))
	}
	awaitLeader(t, nodes...)
	for _, n := range nodes {
		eventually(t, n.cfg.Name+" has the configuration", n.isVoter)
	}
	// Goodbyes by gossip take their time; they are said together.
	t.Cleanup(func() {
		for _, n := range nodes {
			n.stop()
		}
	})
	return nodes
}

// awaitLeader waits until all nodes name the same leader, and that one agrees.
func awaitLeader(t testing.TB, nodes ...*testNode) *testNode {
	t.Helper()
	var leader *testNode
	testenv.Eventually(t, patience, func() error {
		leader = nil
		for _, n := range nodes {
			info, ok := n.Leader()
			if !ok {
				return fmt.Errorf("%s knows no leader", n.cfg.Name)
			}
			for _, other := range nodes {
				if other.ID() == info.ID && other.raft.State() == raft.Leader {
					if leader != nil && leader != other {
						return errors.New("two leaders")
					}
					leader = other
				}
			}
		}
		if leader == nil {
			return errors.New("the leader is not running")
		}
		for _, n := range nodes {
			if info, _ := n.Leader(); info.ID != leader.ID() {
				return fmt.Errorf("%s names another leader", n.cfg.Name)
			}
		}
		return nil
	})
	return leader
}

func others(nodes []*testNode, not *testNode) []*testNode {
	var rest []*testNode
	for _, n := range nodes {
		if n != not {
			rest = append(rest, n)
		}
	}
	return rest
}

// eventually waits for a condition with a name.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	testenv.Eventually(t, patience, func() error {
		if !cond() {
			return errors.New("not yet: " + what)
		}
		return nil
	})
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
