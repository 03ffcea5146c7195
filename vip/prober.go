package vip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// ProberConfig describes a Prober. The zero value of every field but Interface has
// a default.
type ProberConfig struct {
	// Interface is the name of the interface that carries the VIPs: it is the
	// network of their clients that is asked.
	Interface string

	// Logger receives one record per change of state. Nil discards them.
	Logger *slog.Logger

	// Gateways are asked first. Default: the next hops of the default routes
	// through the interface.
	Gateways []netip.Addr

	// TieBreakers are further hosts whose answer shows that the network is there:
	// by ARP or ND if they are on the link, else by ICMP echo through the
	// interface. They should be up whenever the network is.
	TieBreakers []netip.Addr

	// Refresh is how often routes and addresses are read, besides every netlink
	// event. Default 3 s.
	Refresh time.Duration
}

func (c ProberConfig) withDefaults() ProberConfig {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Refresh == 0 {
		c.Refresh = 3 * time.Second
	}
	return c
}

// Validate reports every field that is wrong.
func (c ProberConfig) Validate() error {
	errs := []error{Config{Interface: c.Interface, Gateways: c.Gateways}.Validate()}
	if _, err := normalize(c.TieBreakers); err != nil {
		errs = append(errs, fmt.Errorf("tie_breakers: %w", err))
	}
	if c.withDefaults().Refresh < 0 {
		errs = append(errs, fmt.Errorf("refresh: %v must be above 0", c.Refresh))
	}
	return errors.Join(errs...)
}

// Prober asks the network of the VIPs whether it is there, and whether somebody has
// a VIP: what a node of two goes by when it does not hear the other. It asks in its
// own name or in none, so that no cache changes and the guard lets it pass. It
// never decides anything.
type Prober struct {
	cfg  ProberConfig
	open func() (kernel, error)
	dial dialer
	echo func() (echoer, error)

	mu       sync.Mutex
	port     port           // guarded by mu; nil while nothing can be sent
	pinger   echoer         // guarded by mu; nil without tie-breakers off the link
	link     link           // guarded by mu
	down     chan struct{}  // guarded by mu; closed when the link goes down
	own      []netip.Prefix // guarded by mu; addresses of this host on the interface
	gateways []netip.Addr   // guarded by mu
	vips     []netip.Addr   // guarded by mu
	peers    []netip.Addr   // guarded by mu
	waiting  map[netip.Addr][]*wait
	macs     map[netip.Addr][6]byte // guarded by mu, as is waiting; of those that answered last
	searches map[*search]bool       // guarded by mu; those that run
}

// echoer asks by ICMP.
type echoer interface {
	// ping sends an echo request and calls answered, at most once, when the reply
	// to it comes, until forget is called.
	ping(to netip.Addr, answered func()) (forget func(), err error)
	Close() error
}

// NewProber returns a Prober for the interface of cfg. It starts nothing.
func NewProber(cfg ProberConfig) (*Prober, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("prober configuration: %w", err)
	}
	open := func() (kernel, error) { return openKernel(cfg.Interface, cfg.Gateways) }
	echo := func() (echoer, error) { return openEcho(cfg.Interface) }
	return newProber(cfg, open, dialPacket, echo), nil
}

func newProber(cfg ProberConfig, open func() (kernel, error), dial dialer, echo func() (echoer, error)) *Prober {
	return &Prober{
		cfg: cfg.withDefaults(), open: open, dial: dial, echo: echo,
		down:     make(chan struct{}),
		waiting:  map[netip.Addr][]*wait{},
		macs:     map[netip.Addr][6]byte{},
		searches: map[*search]bool{},
	}
}

// Watch replaces the VIPs and the addresses of the other amphora on the link, which
// Probe looks for. It does not block and may be called from any goroutine.
func (p *Prober) Watch(vips, peers []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.vips, p.peers = slices.Clone(vips), slices.Clone(peers)
}

// Run keeps the sockets open and the targets known until ctx ends. It may be called
// once, and like that of a Holder stays in the network namespace of its thread.
func (p *Prober) Run(ctx context.Context) error {
	k, err := p.open()
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	var g errgroup.Group
	g.Go(func() error {
		if err := k.watch(func(bool) { signal(changed) }); err != nil {
			p.cfg.Logger.Warn("netlink events lost; changes are noticed late", logkey.Iface, p.cfg.Interface, logkey.Err, err)
		}
		return nil
	})
	tick := time.NewTicker(p.cfg.Refresh)
	defer tick.Stop()
	var problem error
	for {
		began := time.Now()
		err := p.refresh(k)
		idle := time.After(share * time.Since(began))
		if err != nil && !sameError(err, problem) {
			p.cfg.Logger.Warn("network cannot be probed", logkey.Iface, p.cfg.Interface, logkey.Err, err)
		}
		problem = err
		select {
		case <-ctx.Done():
		case <-idle:
		}
		select {
		case <-ctx.Done():
			return errors.Join(p.hangUp(), k.close(), g.Wait())
		case <-changed:
		case <-tick.C:
		}
	}
}

// refresh learns where to ask, and from where.
func (p *Prober) refresh(k kernel) error {
	have, err := k.look()
	if err != nil {
		return errors.Join(err, p.hangUp())
	}
	around, err := k.around(have.link.index)
	if err != nil {
		return err
	}
	var gateways []netip.Addr
	for _, n := range around {
		if n.gateway {
			gateways = append(gateways, n.addr)
		}
	}
	var own []netip.Prefix
	for _, a := range have.addrs {
		if a.index == have.link.index && a.proto != Protocol {
			own = append(own, a.prefix)
		}
	}
	p.mu.Lock()
	p.gateways, p.own = gateways, own
	anew := p.port == nil || have.link.index != p.link.index || have.link.mac != p.link.mac
	wantEcho := p.pinger == nil && slices.ContainsFunc(p.cfg.TieBreakers, func(addr netip.Addr) bool { return !p.onLinkLocked(addr) })
	p.mu.Unlock()
	if anew {
		if err := errors.Join(p.hangUp(), p.dialUp(have.link)); err != nil {
			return err
		}
	}
	p.carry(have.link)
	if len(gateways) == 0 && len(p.cfg.TieBreakers) == 0 {
		return errors.New("nobody to ask: there is no default route through the interface; name gateways or tie_breakers")
	}
	if wantEcho {
		pinger, err := p.echo()
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.pinger = pinger
		p.mu.Unlock()
	}
	return nil
}

func (p *Prober) dialUp(l link) error {
	out, err := p.dial(l, p.hear)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.port = out
	return nil
}

// carry takes note of the link, and ends the probes that wait when it went down.
func (p *Prober) carry(l link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link.up && (!l.up || l.ups != p.link.ups) {
		close(p.down)
		p.down = make(chan struct{})
		clear(p.waiting)
	}
	p.link = l
}

// hangUp closes what is open. Nothing is heard when it returns.
func (p *Prober) hangUp() error {
	p.carry(link{})
	p.mu.Lock()
	out, pinger := p.port, p.pinger
	p.port, p.pinger = nil, nil
	clear(p.macs)
	p.mu.Unlock()
	var errs []error
	if out != nil {
		errs = append(errs, out.Close())
	}
	if pinger != nil {
		errs = append(errs, pinger.Close())
	}
	return errors.Join(errs...)
}

// onLinkLocked reports whether addr is in a subnet of the interface.
func (p *Prober) onLinkLocked(addr netip.Addr) bool {
	return addr.IsLinkLocalUnicast() || slices.ContainsFunc(p.own, func(own netip.Prefix) bool { return own.Contains(addr) })
}

// senderLocked chooses the address of this host that asks for target; unspecified
// if it has none.
func (p *Prober) senderLocked(target netip.Addr) netip.Addr {
	from := netip.IPv4Unspecified()
	if target.Is6() {
		from = netip.IPv6Unspecified()
	}
	for _, own := range p.own {
		if own.Addr().Is4() == target.Is4() && (from.IsUnspecified() || own.Contains(target)) {
			from = own.Addr()
		}
	}
	return from
}

// sample picks at most n of addrs.
func sample(addrs []netip.Addr, n int) []netip.Addr {
	addrs = slices.Clone(addrs)
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	return addrs[:min(n, len(addrs))]
}
