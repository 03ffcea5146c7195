package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// The reasons why a lease does not open the gate.
var (
	// ErrFloor: the supervisor has ended the term.
	ErrFloor = errors.New("the supervisor ended this term")
	// ErrClaimed: a peer has claimed an address since the round was sent. A round
	// sent from now on opens the gate.
	ErrClaimed = errors.New("a peer claimed an address after this round was sent")
	// ErrDetached: the gate is not at the interface. Attach puts it there.
	ErrDetached = errors.New("the gate is not attached")
)

// maxLease is longer than any lease: what is longer is a mistake of the caller.
const maxLease = time.Minute

// enforcer is what drops the packets, by what it finds in the memory.
type enforcer interface {
	name() Backend
	memory() *memory
	// attach guards the interface of that index, whatever was guarded before.
	attach(index int) error
	protect(addrs []netip.Addr) error
	peers(macs []net.HardwareAddr) error
	// leased carries a change of the lease to where the memory is not looked at.
	leased(until int64) error
	// watch calls event for what the kernel tells, until ctx ends.
	watch(ctx context.Context, event func(gateEvent)) error
	// parked calls arrived for the frames that are kept for a new holder, until ctx ends.
	parked(ctx context.Context, arrived func(gateParked)) error
	// send puts a frame on the wire; it does not block.
	send(frame []byte) error
	state(s *State) error
	stats() (Stats, error)
	// close gives up what the process has of it; the guarding goes on.
	close() error
}

// Gate guards one interface. Its methods may be called from any goroutine.
type Gate struct {
	cfg    Config
	log    *slog.Logger
	dir    string
	lock   *os.File
	forced chan Event
	opened int64

	mu       sync.Mutex // guards the fields below, and orders the writers of the lease
	enf      enforcer
	mac      net.HardwareAddr // of the interface
	detached bool
	floor    uint64 // the highest that was told by forced
	closed   bool
}

// Open makes the gate of the interface in the network namespace of the calling
// thread, or adopts the one that an earlier process left, which guards all the
// while. The gate is shut when Open returns, and guards the addresses that it
// guarded before, none at first. An error names what the kernel refuses; it wraps
// ErrBusy while another process has the gate. Nothing runs until Run.
func Open(cfg Config) (*Gate, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open gate: %w", err)
	}
	cfg = cfg.withDefaults()
	g := &Gate{
		cfg:    cfg,
		log:    cfg.Logger.With(logkey.Iface, cfg.Interface),
		forced: make(chan Event, 16),
	}
	if err := g.open(); err != nil {
		return nil, fmt.Errorf("open gate of %s: %w", cfg.Interface, err)
	}
	g.log.Info("gate guards the interface", logkey.Op, g.enf.name())
	return g, nil
}

// open chooses the backend.
func (g *Gate) open() error {
	if g.cfg.Backend == NFT {
		return g.use(g.openNFT, readBPF, removeBPF)
	}
	err := g.use(g.openBPF, readNFT, removeNFT)
	if err == nil || g.cfg.Backend == BPF || errors.Is(err, ErrBusy) || guards(g.dir) {
		return err
	}
	if nft := g.use(g.openNFT, readBPF, removeBPF); nft != nil {
		return errors.Join(fmt.Errorf("bpf: %w", err), fmt.Errorf("nft: %w", nft))
	}
	g.log.Warn("the kernel refuses BPF; nftables guards the interface, less exactly", logkey.Err, err)
	return nil
}

// use makes the gate with a backend: shut, and attached. If an earlier process had the
// other backend, what that guards is guarded before it goes.
func (g *Gate) use(open func() error, other func(string) (Report, error), remove func(string) error) error {
	if err := open(); err != nil {
		return err
	}
	err := g.begin()
	if old, e := other(g.cfg.Interface); err == nil && e == nil {
		err = g.enf.protect(old.State.VIPs)
	}
	if err == nil {
		err = remove(g.cfg.Interface)
	}
	if err != nil {
		return errors.Join(err, g.enf.close(), g.lock.Close())
	}
	return nil
}

func (g *Gate) begin() error {
	m := g.enf.memory()
	g.opened = now()
	m.record(KindOpen, m.current())
	m.shut()
	m.endDrain(oldHolder) // the connections died with their process
	m.endDrain(newHolder)
	if err := g.enf.leased(0); err != nil {
		return err
	}
	return g.attach()
}

// Attach guards the interface that has the name now. To be called, in the network
// namespace of the gate, when the interface has come back after it vanished: before
// an address is put on it. It does nothing when the gate is in its place. Until it
// succeeds again after an error, Extend opens nothing.
func (g *Gate) Attach() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return fmt.Errorf("attach gate of %s: %w", g.cfg.Interface, os.ErrClosed)
	}
	err := g.attach()
	if err != nil && !g.detached {
		err = errors.Join(err, g.shut(KindShut, g.enf.memory().current().term))
	}
	g.detached = err != nil
	if err != nil {
		return fmt.Errorf("attach gate of %s: %w", g.cfg.Interface, err)
	}
	return nil
}

func (g *Gate) attach() error {
	index, mac, err := findLink(g.cfg.Interface)
	if err != nil {
		return err
	}
	g.mac = mac
	if !fenced {
		return nil
	}
	return g.enf.attach(index)
}

// Protect sets the addresses that the gate guards: every virtual IP of the
// interface, on every amphora, always, and before it is put on the interface. An
// address that is guarded already stays so without a gap. One that is left out
// passes from now on.
func (g *Gate) Protect(addrs []netip.Addr) error {
	return g.set("protect addresses", func() error {
		for _, a := range addrs {
			if !a.IsValid() || a.IsUnspecified() || a.Zone() != "" {
				return fmt.Errorf("address %q cannot be a virtual IP", a)
			}
		}
		return g.enf.protect(addrs)
	})
}

// Peers sets the hardware addresses of the other amphorae. A frame from one of
// them that claims a guarded address shuts the gate until a round is sent after it.
func (g *Gate) Peers(macs []net.HardwareAddr) error {
	return g.set("set peers", func() error {
		for _, mac := range macs {
			if len(mac) != 6 {
				return fmt.Errorf("hardware address %q of a peer is not one of Ethernet", mac)
			}
		}
		return g.enf.peers(macs)
	})
}

func (g *Gate) set(what string, fn func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := os.ErrClosed
	if !g.closed {
		err = fn()
	}
	if err != nil {
		return fmt.Errorf("%s of the gate of %s: %w", what, g.cfg.Interface, err)
	}
	return nil
}

// Extend opens the gate until the instant `until`, because a quorum has acknowledged
// the round of this term that was sent at `sent`. Terms and rounds never go back; the
// end may. Extend takes about a microsecond with BPF and does not block. An error wraps
// ErrFloor, ErrClaimed or ErrDetached when the gate is shut in spite of the lease; a
// lease that has ended already is no error.
func (g *Gate) Extend(term uint64, sent, until int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.extend(leaseRecord{term, sent, until}); err != nil {
		return fmt.Errorf("extend gate of %s in term %d: %w", g.cfg.Interface, term, err)
	}
	return nil
}

func (g *Gate) extend(l leaseRecord) error {
	switch {
	case g.closed:
		return os.ErrClosed
	case g.detached:
		return ErrDetached
	case l.sent <= 0 || l.until < 0 || l.until-l.sent > int64(maxLease):
		return fmt.Errorf("lease from %d to %d: no lease is like that", l.sent, l.until)
	}
	m := g.enf.memory()
	if old := m.current(); l.term < old.term || l.sent < old.sent {
		return fmt.Errorf("round sent at %d is older than that of term %d sent at %d", l.sent, old.term, old.sent)
	}
	if floor := m.minTerm(); l.term < floor {
		g.tellFloor(floor)
		return ErrFloor
	}
	if !fenced {
		l.until = math.MaxInt64
	}
	m.record(KindExtend, l)
	m.endDrain(oldHolder) // who holds again drains no more
	m.store(l)
	if err := g.enf.leased(l.until); err != nil {
		return err
	}
	if m.killedAt() >= l.sent {
		return ErrClaimed
	}
	return nil
}

// tellFloor reports a floor above the lease once. Nothing wakes the worker when the
// supervisor raises it: a gate that nobody extends is shut soon anyway.
func (g *Gate) tellFloor(floor uint64) {
	if floor <= g.floor {
		return
	}
	g.floor = floor
	g.force(Event{At: now(), Kind: KindRaise, Term: floor})
}

// Shut shuts the gate at once; packets that have passed it already are on their way.
// It ends what DrainFrom began.
// It shuts whatever the term is, which is only recorded.
func (g *Gate) Shut(term uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil // Close has shut it
	}
	return g.shut(KindShut, term)
}

func (g *Gate) shut(kind Kind, term uint64) error {
	m := g.enf.memory()
	l := m.current()
	l.term = term
	m.record(kind, l)
	m.shut()
	// Who has lost what it took over resets what it does not know when it is back: by
	// then the old holder has nothing any more either.
	m.endDrain(newHolder)
	if err := g.enf.leased(0); err != nil {
		return fmt.Errorf("shut gate of %s: %w", g.cfg.Interface, err)
	}
	return nil
}

// Forced tells that the gate was shut by somebody else: by a peer's claim, which
// takes Run, or by the supervisor, which the next Extend notices. An event that
// nobody takes is lost, and with it nothing: the gate is shut all the same.
func (g *Gate) Forced() <-chan Event { return g.forced }

func (g *Gate) force(e Event) {
	g.log.Warn("gate shut from outside", logkey.Reason, e.Kind, logkey.Term, e.Term, logkey.VIP, e.VIP, logkey.MAC, e.MAC.String())
	select {
	case g.forced <- e:
	default:
	}
}

// Dir is where the gate is kept: OpenFloor takes it, in another process.
func (g *Gate) Dir() string { return g.dir }

// Close shuts the gate and gives it up. It goes on guarding, shut, until Remove.
func (g *Gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	m := g.enf.memory()
	err := g.shut(KindClose, m.current().term)
	return errors.Join(err, g.enf.close(), g.lock.Close())
}
