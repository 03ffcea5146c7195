package vip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// ErrStaleTerm is returned by Hold for a term older than one it has seen.
var ErrStaleTerm = errors.New("term is over")

// Holder keeps the addresses of one interface as it was last told. Its methods
// may be called from any goroutine; only the one in Run touches the kernel.
type Holder struct {
	cfg  Config
	open func() (kernel, error)
	dial dialer
	rand func() float64 // in [0, 1)

	stats     counters
	heard     chan claim                          // what others say of our VIPs, or in answer to them
	listening atomic.Pointer[map[netip.Addr]bool] // the VIPs that heard is about

	wake    chan struct{} // one pending signal: the order changed
	changes chan struct{} // one pending signal: the view changed
	view    atomic.Pointer[View]

	mu      sync.Mutex
	order   order         // guarded by mu
	running bool          // guarded by mu; stays true after Run
	settled uint64        // guarded by mu; newest order with nothing left to remove
	problem error         // guarded by mu; of the last attempt to settle
	ended   bool          // guarded by mu; Run has returned
	turn    chan struct{} // guarded by mu; closed and replaced when the above change
}

// order is what the holder was told last. It is state: an order that was
// replaced before it was carried out leaves no trace.
type order struct {
	seq  uint64
	term uint64
	wish wish
	at   time.Time    // of the last Hold
	set  []netip.Addr // all VIPs, unique, in the order told; never changed in place
}

// wish is what is to be on the interface.
type wish uint8

const (
	wantNone wish = iota // of the VIPs
	wantKept             // those that are there, and nothing is said of them
	wantAll              // and announced
)

// View is what a Holder has, for status and metrics. It is immutable.
type View struct {
	Term    uint64     // of the last Hold
	Holding bool       // told to hold, and not to yield; the addresses may still be on their way
	Addrs   []AddrView // every VIP, held or not, in the order of Update
	Link    Link
	Claim   Claim        // the last one
	Silent  []netip.Addr // gateways and neighbours that did not say that they know it
	Err     error        // what keeps the whole interface from working, or nil
}

// Link is the state of the interface.
type Link struct {
	Up    bool             // administratively up, with carrier
	Since time.Time        // when Up became what it is, as far as was seen
	MAC   net.HardwareAddr // nil while there is no interface
}

// AddrView is the state of one VIP.
type AddrView struct {
	Addr    netip.Addr
	Present bool      // on the interface, and announced
	Since   time.Time // when it was put there
	Err     error     // why it is not there, or what disputes it; or nil
	// Rival is the hardware address of another host on the link that has claimed
	// the address within the last minute, while it was Present; or nil.
	Rival net.HardwareAddr
}

// New returns a Holder for the interface of cfg, after Check, and logs what Advise
// says. It changes nothing
// and starts nothing: leftovers of an earlier process are removed by Run.
func New(cfg Config) (*Holder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("vip configuration: %w", err)
	}
	if err := Check(cfg.Interface); err != nil {
		return nil, err
	}
	open := func() (kernel, error) { return openKernel(cfg.Interface, cfg.Gateways) }
	h := newHolder(cfg, open, dialPacket)
	advice, err := Advise(cfg.Interface)
	if err != nil {
		return nil, err
	}
	for _, a := range advice {
		h.cfg.Logger.Warn("host works against the VIPs", logkey.Iface, cfg.Interface, logkey.Reason, a)
	}
	return h, nil
}

func newHolder(cfg Config, open func() (kernel, error), dial dialer) *Holder {
	h := &Holder{
		cfg:     cfg.withDefaults(),
		open:    open,
		dial:    dial,
		rand:    rand.Float64,
		heard:   make(chan claim, 256),
		wake:    make(chan struct{}, 1),
		changes: make(chan struct{}, 1),
		turn:    make(chan struct{}),
	}
	h.view.Store(&View{})
	return h
}

// Update replaces the set of all VIPs, of which every amphora is told at every
// change, also while it holds none: Config.Guard then denies them before one can
// appear, and what a claim needs is made in advance. A holder adds and removes
// what has changed. The order is that in which a claim adds and announces them.
// Update does not wait. Addresses must be unicast, without zone; an error changes
// nothing.
func (h *Holder) Update(addrs []netip.Addr) error {
	addrs, err := normalize(addrs)
	if err != nil {
		return fmt.Errorf("update addresses on %s: %w", h.cfg.Interface, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.order.set, addrs) {
		o := h.order
		o.set = addrs
		h.tellLocked(o)
	}
	return nil
}

// Hold tells the holder to have the VIPs on the interface, in a term that was won.
// It does not wait: the goroutine in Run adds and announces them at once. An
// address that the guard does not cover is left out, and so is one that somebody
// else has put on this host; View says so. Hold returns ErrStaleTerm, and changes
// nothing, when it has seen a newer term: the call is late.
func (h *Holder) Hold(term uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if term < h.order.term {
		return fmt.Errorf("hold addresses on %s in term %d after term %d: %w", h.cfg.Interface, term, h.order.term, ErrStaleTerm)
	}
	h.tellLocked(order{term: term, wish: wantAll, at: time.Now(), set: h.order.set})
	return nil
}

// Yield tells the holder that the VIPs are another host's now, and that connections
// to this one still need them here: it keeps those that are on the interface, adds
// none, announces none, and takes nobody who announces them for a rival. Release or
// another Hold ends that. Nothing happens unless it holds. Yield does not wait.
func (h *Holder) Yield() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.order.wish == wantAll {
		o := h.order
		o.wish = wantKept
		h.tellLocked(o)
	}
}

// Release tells the holder to have no VIP on the interface, and returns when none
// is left there, when a newer Hold took over, or with an error when ctx ends
// before. The guard stays. It needs Run; after Run it reports what Run could not remove.
func (h *Holder) Release(ctx context.Context) error {
	h.mu.Lock()
	h.tellLocked(order{term: h.order.term, set: h.order.set})
	seq := h.order.seq
	h.mu.Unlock()
	for {
		h.mu.Lock()
		settled, ended, problem, turn := h.settled >= seq, h.ended, h.problem, h.turn
		h.mu.Unlock()
		if settled {
			return nil
		}
		if ended {
			return problem
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return fmt.Errorf("release addresses on %s: %w", h.cfg.Interface, errors.Join(context.Cause(ctx), problem))
		}
	}
}

// View returns what the holder has now. It does not block.
func (h *Holder) View() View { return *h.view.Load() }

// Stats returns what the holder has sent and heard so far. It does not block.
func (h *Holder) Stats() Stats {
	return Stats{
		Announced: h.stats.announced.Load(), Asked: h.stats.asked.Load(),
		Answered: h.stats.answered.Load(), Probed: h.stats.probed.Load(), Dropped: h.stats.dropped.Load(),
	}
}

// Changes signals that View has changed. Signals coalesce: after one, look at
// View. There is one channel, so one goroutine should read it.
func (h *Holder) Changes() <-chan struct{} { return h.changes }

func (h *Holder) tellLocked(o order) {
	o.seq = h.order.seq + 1
	h.order = o
	signal(h.wake)
}

func (h *Holder) told() order {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.order
}

// settle records how far the order is carried out and wakes those in Release.
func (h *Holder) settle(seq uint64, problem error, ended bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problem, h.ended = problem, ended
	if problem == nil {
		h.settled = max(h.settled, seq)
	}
	close(h.turn)
	h.turn = make(chan struct{})
}

func (h *Holder) publish(v View) {
	if sameView(v, h.View()) {
		return
	}
	h.view.Store(&v)
	signal(h.changes)
}

func sameView(a, b View) bool {
	return a.Term == b.Term && a.Holding == b.Holding && sameError(a.Err, b.Err) &&
		a.Claim == b.Claim && slices.Equal(a.Silent, b.Silent) &&
		a.Link.Up == b.Link.Up && a.Link.Since.Equal(b.Link.Since) && bytes.Equal(a.Link.MAC, b.Link.MAC) &&
		slices.EqualFunc(a.Addrs, b.Addrs, func(x, y AddrView) bool {
			return x.Addr == y.Addr && x.Present == y.Present && x.Since.Equal(y.Since) && sameError(x.Err, y.Err) && bytes.Equal(x.Rival, y.Rival)
		})
}

// sameError compares by text: an error that is met again is made anew.
func sameError(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

// signal leaves one pending signal in a channel of capacity one.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// normalize drops what comes twice and keeps the order.
func normalize(addrs []netip.Addr) ([]netip.Addr, error) {
	var errs []error
	out := make([]netip.Addr, 0, len(addrs))
	seen := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		a = a.Unmap()
		if !a.IsValid() || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() ||
			a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
			errs = append(errs, fmt.Errorf("address %s: must be a unicast address of a network, without a zone", a))
			continue
		}
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out, errors.Join(errs...)
}
