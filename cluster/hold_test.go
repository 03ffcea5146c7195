package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/hashicorp/raft"
)

// patient is a profile for a machine so busy that an election takes a second.
const patient Profile = "patient"

func init() {
	const ms = time.Millisecond
	p := profiles[Default]
	p.lease = lease.Timing{
		Renew: 100 * ms, Lease: 2000 * ms, Detect: 2050 * ms, Confirm: 100 * ms, ConfirmTries: 5, Settle: 5 * ms,
		Fence: 2000 * ms, Takeover: 2200 * ms, Probe: 100 * ms, Boot: 3000 * ms,
	}
	profiles[patient] = p
}

// gateBook is the record of all gates of a cluster, on the one clock that they share.
type gateBook struct {
	mu        sync.Mutex
	intervals []gateInterval // guarded by mu; in order of their beginning, for each node
}

// gateInterval is a time in which a gate was open.
type gateInterval struct {
	node     string
	term     uint64
	from, to lease.Instant
}

// fakeGate writes down when it is open. Left alone it shuts when its time is over,
// as the one in the kernel does.
type fakeGate struct {
	book *gateBook
	node string

	mu      sync.Mutex
	refuses error // guarded by mu
	shut    uint64
	will    Will
	extends atomic.Int64
}

func (g *fakeGate) Extend(term uint64, sent, until lease.Instant) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuses != nil {
		return g.refuses
	}
	now := bootTime()
	if sent > now || term <= g.shut {
		return fmt.Errorf("extended to %d in term %d with a round of %d at %d, after the end of term %d", until, term, sent, now, g.shut)
	}
	g.extends.Add(1)
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	if last := g.book.last(g.node); last != nil && last.to >= now {
		last.to = max(last.to, until)
		return nil
	}
	if until > now {
		g.book.intervals = append(g.book.intervals, gateInterval{g.node, term, now, until})
	}
	return nil
}

func (g *fakeGate) Shut(term uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shutLocked()
	return nil
}

func (g *fakeGate) shutLocked() {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	if last := g.book.last(g.node); last != nil {
		last.to = min(last.to, bootTime())
	}
}

func (g *fakeGate) publish(w Will) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.will = w
}

// die ends the node like a crash, and returns at once: what it held is not given up.
func (h *holder) die() {
	h.rude.Store(true)
	h.agent.abandon()
	h.stop()
}

// supervise does what a supervisor does when its worker has died.
func (g *fakeGate) supervise(t testing.TB) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = g.will.Term
	g.shutLocked()
	if g.will.Term == 0 {
		t.Fatal("the holder left no will")
	}
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, p := range g.will.Packets {
		if _, err := conn.WriteToUDPAddrPort(p.Data, p.To); err != nil {
			t.Error(err)
		}
	}
}

// last returns the newest interval of a node. mu must be held.
func (b *gateBook) last(node string) *gateInterval {
	for i := len(b.intervals) - 1; i >= 0; i-- {
		if b.intervals[i].node == node {
			return &b.intervals[i]
		}
	}
	return nil
}

// overlaps returns the times in which two gates were open.
func (b *gateBook) overlaps() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for i, a := range b.intervals {
		for _, c := range b.intervals[:i] {
			if a.node != c.node && a.from < c.to && c.from < a.to {
				found = append(found, fmt.Sprintf("%s in term %d and %s in term %d for %v", c.node, c.term, a.node, a.term, min(a.to, c.to).Sub(max(a.from, c.from))))
			}
		}
	}
	return found
}

// gap returns how long no gate was open before the newest interval.
func (b *gateBook) gap() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(b.intervals)
	slices.SortFunc(all, func(x, y gateInterval) int { return int(x.from - y.from) })
	var end lease.Instant
	for _, i := range all[:len(all)-1] {
		end = max(end, i.to)
	}
	return all[len(all)-1].from.Sub(end)
}

// A test that sees no overlaps must be able to see one.
func TestGateBookFindsOverlaps(t *testing.T) {
	b := &gateBook{intervals: []gateInterval{{"a", 1, 10, 20}, {"b", 2, 20, 30}, {"b", 3, 31, 40}}}
	if got := b.overlaps(); got != nil {
		t.Errorf("found %v in a good record", got)
	}
	b.intervals = append(b.intervals, gateInterval{"a", 4, 39, 50})
	if got := b.overlaps(); len(got) != 1 {
		t.Errorf("found %v, want one overlap", got)
	}
}

// holder is a node with a gate that serves when it holds.
type holder struct {
	*testNode
	gate    *fakeGate
	serving atomic.Int32
	served  chan uint64 // terms, as serve was called
	fails   atomic.Pointer[error]
	ended   chan error // causes of the end of serving
	held    chan error
}

// hold runs Hold until the node stops.
func (h *holder) hold(ctx context.Context) {
	h.held = make(chan error, 1)
	go func() {
		h.held <- h.Hold(ctx, func(ctx context.Context, term uint64) error {
			if h.serving.Add(1) > 1 {
				h.t.Errorf("%s serves twice at once", h.cfg.Name)
			}
			defer h.serving.Add(-1)
			select {
			case h.served <- term:
			default:
			}
			if err := h.fails.Load(); err != nil {
				return *err
			}
			<-ctx.Done()
			select {
			case h.ended <- context.Cause(ctx):
			default:
			}
			return ctx.Err()
		})
	}()
}

// holders starts two amphorae and a witness, and waits until one holds. At the end
// no two gates may ever have been open at once.
func holders(t testing.TB, adjust ...func(*Config)) (amphorae []*holder, witness *testNode, book *gateBook) {
	t.Helper()
	book = &gateBook{}
	t.Cleanup(func() {
		for _, overlap := range book.overlaps() {
			t.Errorf("two gates were open: %s", overlap)
		}
	})
	gates := map[string]*fakeGate{}
	nodes := trio(t, append([]func(*Config){func(c *Config) {
		// raft's own elections are not what is tested, and the machine may be busy.
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 2*time.Second, 2*time.Second, 2*time.Second
		c.Profile = patient
		if c.Name == "c" {
			c.Role = Witness
			return
		}
		g := &fakeGate{book: book, node: c.Name}
		gates[c.Name] = g
		c.Gate, c.Publish = g, g.publish
	}}, adjust...)...)
	for _, n := range nodes[:2] {
		h := &holder{testNode: n, gate: gates[n.cfg.Name], served: make(chan uint64, 10), ended: make(chan error, 10)}
		h.hold(context.Background())
		amphorae = append(amphorae, h)
	}
	awaitHolder(t, amphorae...)
	return amphorae, nodes[2], book
}

// again starts a node anew, with a new gate.
func (h *holder) again(book *gateBook) *holder {
	h.t.Helper()
	g := &fakeGate{book: book, node: h.cfg.Name}
	cfg := h.cfg
	cfg.Gate, cfg.Publish = g, g.publish
	n := &holder{testNode: start(h.t, cfg), gate: g, served: make(chan uint64, 10), ended: make(chan error, 10)}
	n.hold(context.Background())
	return n
}

// awaitHolder waits until one of the amphorae holds and serves.
func awaitHolder(t testing.TB, amphorae ...*holder) *holder {
	t.Helper()
	var found *holder
	eventually(t, "an amphora holds", func() bool {
		for _, h := range amphorae {
			if h.agent.view().State == lease.Holding && h.serving.Load() == 1 {
				found = h
				return true
			}
		}
		return false
	})
	return found
}

func (h *holder) other(amphorae []*holder) *holder {
	if amphorae[0] == h {
		return amphorae[1]
	}
	return amphorae[0]
}

func (h *holder) status(of string) LeaseStatus {
	h.t.Helper()
	s, err := h.Lease(within(h.t, patience), of)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func TestOneAmphoraHolds(t *testing.T) {
	t.Parallel()
	amphorae, witness, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	eventually(t, "the standby hears the holder", func() bool {
		v := first.other(amphorae).agent.view()
		return v.Holder == lease.ID(first.ID()) && v.Open
	})
	// No failover in some time without a fault, counted in renewals.
	before := first.gate.extends.Load()
	eventually(t, "the lease is renewed", func() bool { return first.gate.extends.Load() >= before+20 })
	if s := first.status(""); s.State != "holding" || s.Counters["claims"] == 0 || s.Left <= 0 || len(s.Voters) != 2 || s.Last.Cause == "" {
		t.Errorf("status of the holder: %+v", s)
	}
	if s := first.other(amphorae).status(first.ID()); s.NodeID != first.ID() || s.State != "holding" || len(s.Last.Stages) == 0 {
		t.Errorf("status of the holder, asked of the other: %+v", s)
	}
	if s := first.status(witness.ID()); s.State != "observing" || s.HolderID != first.ID() {
		t.Errorf("status of the witness: %+v", s)
	}
	if err := first.Hold(t.Context(), nil); err == nil {
		t.Error("a second Hold on one node")
	}
}

// The holder and its supervisor die: the gate shuts itself, and the next holder waits
// for that and no longer.
func TestCrashOfTheHolder(t *testing.T) {
	t.Parallel()
	amphorae, witness, book := holders(t)
	first := awaitHolder(t, amphorae...)
	next := first.other(amphorae)
	first.crash()
	if err := <-first.held; !errors.Is(err, ErrClosed) {
		t.Errorf("hold ended with %v", err)
	}
	awaitHolder(t, next)
	t.Logf("gap %v", book.gap())
	last := next.status("").Last
	if last.FromID != first.ID() || (last.Cause != lease.CauseCrash && last.Cause != lease.CauseSilence) {
		t.Errorf("report of the next holder: %+v", last)
	}
	if term := witness.transport.elected.Load(); term != 0 {
		t.Errorf("the witness led in term %d", term)
	}
}

// The worker dies and its supervisor lives: the will makes the way free at once.
func TestWillOfTheHolder(t *testing.T) {
	t.Parallel()
	amphorae, _, book := holders(t)
	first := awaitHolder(t, amphorae...)
	next := first.other(amphorae)
	first.crash()
	first.gate.supervise(t)
	awaitHolder(t, next)
	t.Logf("gap %v", book.gap())
	if last := next.status("").Last; last.Cause != lease.CauseReleased && last.Cause != lease.CauseCrash || last.FromID != first.ID() {
		t.Errorf("report of the next holder: %+v", last)
	}
	if gap := book.gap(); gap > next.cfg.profile().lease.Lease {
		t.Errorf("the next holder waited %v for a gate that was known to be shut", gap)
	}
}

// On purpose the VIPs move while the old holder serves.
func TestPlannedHandover(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(t *testing.T, from, to *holder){
		"transfer":    func(t *testing.T, from, to *holder) { must(t, from.Transfer(within(t, patience), to.cfg.Name)) },
		"stop":        func(t *testing.T, from, _ *holder) { from.halt() },
		"maintenance": func(t *testing.T, from, _ *holder) { must(t, from.SetMaintenance(within(t, patience), true)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			amphorae, witness, book := holders(t)
			first := awaitHolder(t, amphorae...)
			next := first.other(amphorae)
			awaitSuccessor(t, first)
			move(t, first, next)
			awaitHolder(t, next)
			t.Logf("gap %v", book.gap())
			var lost *LostError
			if cause := <-first.ended; !errors.As(cause, &lost) {
				t.Errorf("serving ended because of %v", cause)
			}
			next.mustPropose("after")
			last := next.status("").Last
			if last.Took > next.cfg.profile().lease.Lease/4 {
				t.Logf("one election took so long that others came between: %+v", last)
				return
			}
			if last.Cause != lease.CausePlanned || last.FromID != first.ID() {
				t.Errorf("report of the next holder: %+v", last)
			}
			if term := witness.transport.elected.Load(); term != 0 {
				t.Errorf("the witness led in term %d", term)
			}
		})
	}
}

// awaitSuccessor waits until a node knows another amphora that is able to hold.
func awaitSuccessor(t testing.TB, n *holder) {
	t.Helper()
	eventually(t, "there is a successor", func() bool { return len(n.successors(true)) > 0 })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMaintenanceKeepsANodeFromHolding(t *testing.T) {
	t.Parallel()
	amphorae, _, book := holders(t)
	first := awaitHolder(t, amphorae...)
	next := first.other(amphorae)
	must(t, next.SetMaintenance(within(t, patience), true))
	eventually(t, "the holder has heard of it", func() bool { return len(first.successors(true)) == 0 })
	if err := first.Transfer(within(t, patience), next.cfg.Name); !errors.Is(err, ErrInvalid) {
		t.Errorf("transfer to a node in maintenance: %v", err)
	}
	if err := first.SetMaintenance(within(t, patience), true); !errors.Is(err, ErrNoSuccessor) {
		t.Errorf("maintenance of the only node that can hold: %v", err)
	}
	if s := first.status(""); s.State != "holding" || s.Maintenance {
		t.Errorf("status of the holder: %+v", s)
	}
	if !slices.ContainsFunc(first.Nodes(), func(i Info) bool { return i.ID == next.ID() && i.Maintenance }) {
		t.Errorf("the others do not see it: %+v", first.Nodes())
	}
	next.halt()
	again := next.again(book)
	if s := again.status(""); !s.Maintenance || s.Unfit == "" {
		t.Errorf("after a restart: %+v", s)
	}
	must(t, again.SetMaintenance(within(t, patience), false))
	awaitSuccessor(t, first)
	must(t, first.SetMaintenance(within(t, patience), true))
	awaitHolder(t, again)
}

// A node that cannot serve lets another one hold, and holds itself if there is none.
func TestUnfitHolderReleases(t *testing.T) {
	t.Parallel()
	amphorae, _, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	next := first.other(amphorae)
	first.SetFitness("the network interface is down")
	awaitHolder(t, next)
	if s := first.status(""); s.Unfit != "the network interface is down" {
		t.Errorf("status: %+v", s)
	}
	next.SetFitness("so is this one's")
	first.SetFitness("")
	awaitHolder(t, first)
}

// The disk of the holder hangs, and raft's main loop with it: heartbeats go on, and
// still another amphora holds.
func TestStalledDiskOfTheHolder(t *testing.T) {
	t.Parallel()
	amphorae, _, _ := holders(t, func(c *Config) { c.Profile = LANFast })
	first := awaitHolder(t, amphorae...)
	next := first.other(amphorae)
	eventually(t, "there is a successor", func() bool { return len(first.successors(true)) > 0 })
	tx, err := first.store.db.Begin(true) // writes wait for it
	if err != nil {
		t.Fatal(err)
	}
	var release sync.Once
	rollback := func() { release.Do(func() { _ = tx.Rollback() }) }
	t.Cleanup(rollback)
	proposed := make(chan error, 1)
	go func() { proposed <- next.propose("while the disk hangs") }()
	awaitHolder(t, next)
	// On a starved machine the lease may have run out before the disk was blamed.
	stalled := func() bool {
		s := first.status("")
		return strings.Contains(s.Unfit, "hangs") || strings.Contains(s.Unfit, "stands still")
	}
	eventually(t, "status says what is wrong with the disk", stalled)
	if err := <-proposed; err != nil {
		t.Error(err)
	}
	rollback()
	eventually(t, "it is fit again", func() bool { return !stalled() })
}

func TestForcedGateIsGivenUp(t *testing.T) {
	t.Parallel()
	amphorae, _, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	must(t, first.gate.Shut(0))
	first.Force(first.agent.view().Term, "another amphora claimed a virtual IP")
	awaitHolder(t, first.other(amphorae))
}

func TestFailedServingMovesOn(t *testing.T) {
	t.Parallel()
	amphorae, _, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	next := first.other(amphorae)
	broken := errors.New("no such interface")
	next.fails.Store(&broken)
	awaitSuccessor(t, first)
	must(t, first.Transfer(within(t, patience), next.cfg.Name))
	<-next.served
	awaitHolder(t, first)
}

// A voter that was restarted does not know what it promised. What it votes for waits.
func TestRestartedWitness(t *testing.T) {
	t.Parallel()
	amphorae, witness, book := holders(t)
	first := awaitHolder(t, amphorae...)
	witness.crash()
	again := start(t, witness.cfg)
	eventually(t, "the witness hears the holder", func() bool { return again.agent.view().Holder == lease.ID(first.ID()) })
	first.crash()
	awaitHolder(t, first.other(amphorae))
	t.Logf("gap %v", book.gap())
}

// One message of five gets lost: the virtual IPs stay. Then the holder dies.
func TestLossyCarrier(t *testing.T) {
	t.Parallel()
	amphorae, witness, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	lose := func(lease.ID, lease.Message) bool { return rand.N(5) == 0 }
	for _, n := range []*testNode{amphorae[0].testNode, amphorae[1].testNode, witness} {
		n.carrier.lose.Store(&lose)
	}
	before := first.gate.extends.Load()
	eventually(t, "the lease is renewed", func() bool { return first.gate.extends.Load() >= before+20 })
	if s := first.other(amphorae).status(""); s.Counters["claims"] != 0 {
		t.Errorf("status of the standby: %+v", s)
	}
	first.crash()
	awaitHolder(t, first.other(amphorae))
}

// A holder that hears nobody shuts its gate, and when it hears them again there is
// one holder.
func TestCutOffHolder(t *testing.T) {
	t.Parallel()
	amphorae, _, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	cut := func(lease.ID, lease.Message) bool { return true }
	first.carrier.lose.Store(&cut)
	awaitHolder(t, first.other(amphorae))
	first.carrier.lose.Store(nil)
	testenv.Eventually(t, patience, func() error {
		if v := first.agent.view(); v.State != lease.Standby || v.Holder != lease.ID(first.other(amphorae).ID()) {
			return fmt.Errorf("the old holder: %+v", v)
		}
		return nil
	})
}

func TestOneNodeHoldsAlone(t *testing.T) {
	t.Parallel()
	book := &gateBook{}
	g := &fakeGate{book: book, node: "a"}
	cfg := testConfig(t, "a")
	cfg.Gate, cfg.Publish, cfg.Profile = g, g.publish, patient
	n := start(t, cfg)
	must(t, n.Bootstrap(within(t, patience)))
	h := &holder{testNode: n, gate: g, served: make(chan uint64, 10), ended: make(chan error, 10)}
	h.hold(context.Background())
	awaitHolder(t, h)
	h.Force(h.agent.view().Term, "the supervisor")
	if err := <-h.ended; err == nil {
		t.Error("serving went on")
	}
	awaitHolder(t, h) // in a new term, although it led all the time
	if n.raft.State() != raft.Leader {
		t.Error("it does not lead")
	}
}
