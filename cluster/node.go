package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
	"google.golang.org/grpc"
)

const (
	retainSnapshots = 2
	maxPool         = 3
	greetingLimit   = 2 * time.Second
)

// Node is this node of a cluster. Its methods may be called from any goroutine.
// Those that need a running node wait until Run has got that far.
type Node struct {
	cfg    Config
	id     string
	addr   string // advertised host:port of the node port
	logger *slog.Logger

	store *store
	mux   *mux
	conns *conns
	grpc  *grpc.Server

	calls      calls // to raft
	registry   registry
	changes    notifier
	seen       throttle // warnings of raft
	leadership *leadership
	view       atomic.Pointer[leaderView]
	hopeless   atomic.Pointer[time.Time] // since when there can be no leader; nil: there can
	epoch      atomic.Pointer[Epoch]
	standoffs  standoffs
	rejoins    bool       // node.json said so when the node was opened
	identityMu sync.Mutex // one change of node.json at a time
	agent      *agent
	carrier    *carrier
	fitness    *fitness
	muzzle     *muzzle // nil on an amphora
	tail       tail
	boot       uint64 // random, of this process
	tasks      tasks
	votersMu   sync.Mutex // one word to the lease on who votes at a time
	probing    func()     // ends the probing of the network; guarded by the agent's lock, as probes
	probes     uint64
	// barrierTerm is the term in which this node, as leader, has passed a barrier.
	barrierTerm atomic.Uint64
	proposals   atomic.Uint64 // that this node has put into the log; see spread
	poked       chan struct{} // asks watch to look again

	// Set by Run before ready is closed, and never after.
	transport *transport
	raft      *raft.Raft
	gossip    *gossip
	ready     chan struct{}

	started  atomic.Bool
	stopping context.Context // ended by stop
	stop     context.CancelFunc
	stopped  chan struct{} // closed when Run has returned
	again    atomic.Bool   // Run is to return ErrRestart
	closeErr error
	rude     atomic.Bool // tests set it to stop like a crash, without goodbyes

	left        atomic.Bool // this node left its cluster
	maintenance atomic.Bool
	vacating    sync.Mutex // one handover on purpose at a time

	holdMu sync.Mutex
	holds  chan struct{} // guarded by holdMu; closed when the running Hold returns
}

// leaderView is who leads, as far as this node knows. over ends when that changes.
type leaderView struct {
	id   string
	over context.Context
	end  context.CancelFunc
}

func newLeaderView(id string) *leaderView {
	ctx, cancel := context.WithCancel(context.Background())
	return &leaderView{id: id, over: ctx, end: cancel}
}

// Open loads or makes the node's identity, opens its stores and binds its port.
// It starts nothing; that is Run's. After Open the caller must call Run or Close.
func Open(cfg Config) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("cluster configuration: %w", err)
	}
	identity, err := LoadIdentity(cfg.DataDir, cfg.Cluster)
	if err != nil {
		return nil, err
	}
	if identity.Pending != nil {
		return nil, fmt.Errorf("open %s: a forced change is not carried out yet; call Settle first", cfg.DataDir)
	}
	store, err := openStore(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	logger := cfg.Logger.With(logkey.Component, "cluster")
	if store.damage != nil {
		logger.Warn("a write of term or vote was cut short or lost; this node votes for nobody in the term it is in", logkey.Err, store.damage)
	}
	mux, err := listenMux(cfg.ListenAddr, cfg.Cluster, identity.ID, cfg.TLS, greetingLimit, logger)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	n := &Node{
		cfg: cfg, id: identity.ID, addr: cfg.AdvertiseAddr, logger: logger,
		store: store, mux: mux,
		leadership: newLeadership(),
		poked:      make(chan struct{}, 1),
		ready:      make(chan struct{}),
		stopped:    make(chan struct{}),
	}
	if n.addr == "" {
		n.addr = mux.ln.Addr().String()
	}
	n.epoch.Store(&identity.Epoch)
	n.rejoins = identity.Rejoin
	mux.epoch = func() string { return n.Epoch().tag() }
	n.conns = newConns(mux, n.addrOf)
	n.view.Store(newLeaderView(""))
	n.stopping, n.stop = context.WithCancel(context.Background())
	if err := n.openLease(); err != nil {
		n.mux.close()
		return nil, errors.Join(err, store.Close())
	}
	n.left.Store(n.hasLeft())
	n.maintain(identity.Maintenance)
	return n, nil
}

// ID is the node's UUID.
func (n *Node) ID() string { return n.id }

// Addr is the host:port at which others reach the node's port.
func (n *Node) Addr() string { return n.addr }

// GossipAddr is the ip:port of the node's gossip, for others' Config.Peers. It is
// empty before Ready.
func (n *Node) GossipAddr() string {
	if !n.isReady() {
		return ""
	}
	return n.gossip.addr
}

// Ready is closed when raft and gossip run. It says nothing about a leader.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// HasState tells whether this node is or was part of a cluster: if not, it waits
// for its voters, Bootstrap or Join. It waits for Ready.
func (n *Node) HasState(ctx context.Context) (bool, error) {
	if err := n.awaitReady(ctx); err != nil {
		return false, err
	}
	return n.hasState(), nil
}

// Dial returns the connection to another node's port, for services that its
// Config.Register has added. Connections are shared; the caller must not close
// them. It does not wait for the node to be reachable.
func (n *Node) Dial(ctx context.Context, nodeID string) (grpc.ClientConnInterface, error) {
	if err := n.awaitReady(ctx); err != nil {
		return nil, fmt.Errorf("dial node %s: %w", nodeID, err)
	}
	if n.addrOf(nodeID) == "" {
		return nil, fmt.Errorf("dial node %s: %w", nodeID, ErrNodeNotFound)
	}
	conn, err := n.conns.get(nodeID)
	if err != nil {
		return nil, fmt.Errorf("dial node %s: %w", nodeID, err)
	}
	return conn, nil
}

func (n *Node) isReady() bool {
	select {
	case <-n.ready:
		return true
	default:
		return false
	}
}

func (n *Node) awaitReady(ctx context.Context) error {
	select {
	case <-n.stopping.Done():
		return ErrClosed
	default:
	}
	select {
	case <-n.ready:
		return nil
	case <-n.stopping.Done():
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("node is not running: %w", ctx.Err())
	}
}

// start makes raft and gossip.
func (n *Node) start() error {
	if err := dropHalfSnapshots(n.cfg.DataDir); err != nil {
		return err
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(n.cfg.DataDir, retainSnapshots, n.raftLogger("snapshot"))
	if err != nil {
		return fmt.Errorf("open snapshots in %s: %w", n.cfg.DataDir, err)
	}
	settings := n.cfg.raftConfig(n.id)
	settings.Logger = n.raftLogger("raft")
	settings.NoSnapshotRestoreOnStart, err = n.checkStateMachine(snapshots)
	if err != nil {
		return err
	}
	n.transport = newTransport(&stream{
		subListener: n.mux.raft, mux: n.mux, advertise: n.addr, resolve: n.gossipedAddr,
	}, n.cfg.RPCTimeout, n.raftLogger("transport"), n.agent, n.muzzle, 2*n.cfg.profile().lease.Lease)
	timed := &timedStore{
		durableStore: n.store, slow: n.cfg.SlowWrite, stall: n.cfg.profile().disk, logger: n.logger,
		onStall: n.diskStalls, onRecovered: n.diskRecovers,
	}
	n.raft, err = raft.NewRaft(settings, n.cfg.FSM, &tailStore{timed, &n.tail}, timed, snapshots, n.transport)
	if err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	n.tail.raft.Store(n.raft)
	n.reconfigured()
	self := meta{
		Name: n.cfg.Name, Role: n.cfg.Role, Addr: n.addr,
		Voters: hashVoters(n.cfg.Voters), Bootstrapped: n.hasState() || n.rejoins, Epoch: n.Epoch().tag(),
		Maintenance: n.maintenance.Load(), Unfit: n.eligible(), VIPLink: n.cfg.VIPLink, Profile: n.cfg.Profile,
	}
	n.gossip = &gossip{
		id: n.id, registry: &n.registry, changed: n.changes.signal, message: n.carrier.take, gone: n.missing,
		peers: n.cfg.Peers, logger: n.logger,
	}
	return n.gossip.start(n.cfg, self)
}

func (n *Node) raftLogger(part string) *raftLogger {
	return newRaftLogger(n.cfg.Logger, part, &n.seen)
}

// checkStateMachine compares what the state machine holds with what raft can give
// it, and tells whether it may keep what it has. If it holds at least the newest
// snapshot, restoring that at start would throw away what is newer, to apply it
// again; raft replays the log behind the snapshot, and the state machine skips the
// entries that it has.
func (n *Node) checkStateMachine(snapshots raft.SnapshotStore) (keep bool, err error) {
	list, err := snapshots.List()
	if err != nil {
		return false, fmt.Errorf("list snapshots in %s: %w", n.cfg.DataDir, err)
	}
	first, _ := n.store.FirstIndex()
	last, _ := n.store.LastIndex()
	var newest uint64
	if len(list) > 0 {
		newest = list[0].Index
	}
	if last < newest && last > 0 {
		// The process ended between taking over a snapshot and emptying the log.
		if err := n.store.DeleteRange(first, last); err != nil {
			return false, fmt.Errorf("drop the log before snapshot %d: %w", newest, err)
		}
		first, last = 0, 0
	}
	var applied uint64
	if n.cfg.FSMIndex != nil {
		applied = n.cfg.FSMIndex()
	}
	switch {
	case applied > max(last, newest):
		return false, fmt.Errorf("state machine has applied index %d, but raft in %s ends at %d: they do not belong together; restore %s, or remove this node from the cluster, empty the directory and join anew",
			applied, n.cfg.DataDir, max(last, newest), storeFile)
	case first > 1 && max(applied, newest)+1 < first:
		return false, fmt.Errorf("raft log in %s begins at index %d, but state machine and snapshots end at %d: entries are lost; empty the directory and join anew",
			n.cfg.DataDir, first, max(applied, newest))
	}
	return n.cfg.FSMIndex != nil && applied >= newest, nil
}

// Close stops the node as the end of Run's context would, and waits. On a node
// that never ran it closes the stores and the port. It may be called twice.
func (n *Node) Close() error {
	n.stop()
	if !n.started.CompareAndSwap(false, true) {
		<-n.stopped
		return n.closeErr
	}
	n.mux.close()
	n.closeErr = n.store.Close()
	close(n.stopped)
	return n.closeErr
}
