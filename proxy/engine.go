package proxy

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/health"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// Engine serves the listeners of a configuration. Its methods are safe for
// concurrent use.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	checker *health.Checker
	tickets *tlsx.Tickets
	stapler *tlsx.Stapler
	shaking slots // TLS handshakes with clients that compute
	meeting slots // those with members, which a flood of clients must not hold up

	desired   atomic.Pointer[lb.Config]
	applying  atomic.Bool   // Apply was called
	wake      chan struct{} // holds one signal: there is something for the goroutine of Run
	changed   chan struct{} // holds one signal, see Changes
	published atomic.Pointer[published]

	// byID are the pools as [lb.PoolID] to *pool, for the checks. control writes it.
	byID sync.Map

	// dirty are the pools with a member whose health changed.
	dirty dirtyPools
	// tables are what pools remember of clients, see StickyChanges.
	tables atomic.Pointer[tables]

	// ctx ends when everything has to go at once; it is set by Run before any
	// goroutine starts that reads it.
	ctx      context.Context
	running  sync.WaitGroup // listeners and client connections
	extra    atomic.Int64   // streams beyond the first of each client connection
	sessions registry
	draining atomic.Bool
}

// rebuildEvery is how often health may change the pools at most: a host that
// goes down with many members on it is one change.
const rebuildEvery = 20 * time.Millisecond

// New returns an Engine that serves nothing yet. It starts nothing.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	e := &Engine{
		cfg:      cfg,
		log:      cfg.Logger,
		wake:     make(chan struct{}, 1),
		changed:  make(chan struct{}, 1),
		stapler:  tlsx.NewStapler(tlsx.StaplerConfig{Client: cfg.OCSP, Logger: cfg.Logger}),
		tickets:  tlsx.NewTickets(cfg.TicketKey, nil),
		shaking:  make(slots, runtime.GOMAXPROCS(0)),
		meeting:  make(slots, runtime.GOMAXPROCS(0)),
		sessions: registry{set: make(map[*session]struct{})},
	}
	e.checker = health.New(health.Config{Logger: cfg.Logger, TLS: e.checkTLS, Report: func(ev health.Event) {
		e.dirty.add(ev.Pool)
		signal(e.wake)
	}})
	e.published.Store(&published{})
	return e, nil
}

// Apply makes cfg the configuration to serve. It returns at once; [Engine.View]
// tells when it is done. Of several calls the last one counts. It may be called
// before Run. What is the same as before is not touched, so the same configuration may be
// applied again when something that it names has changed elsewhere.
func (e *Engine) Apply(cfg *lb.Config) {
	e.desired.Store(cfg)
	e.applying.Store(true) // after desired, which who takes it back reads next
	signal(e.wake)
}

// Run serves until ctx ends, then cuts what is left and returns nil when
// everything that the Engine started is gone. Call [Engine.Drain] before ending
// ctx to let requests finish. Run must be called once.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.ctx = ctx

	// The logs go on until nothing is left that they could get a record of.
	logCtx, endLogs := context.WithCancel(context.WithoutCancel(ctx))
	defer endLogs()
	var logs sync.WaitGroup
	for _, l := range e.cfg.Logs {
		logs.Go(func() { l.Run(logCtx) })
	}
	var checks sync.WaitGroup
	var checkErr error
	checks.Go(func() { checkErr = e.checker.Run(ctx) })
	checks.Go(func() { _ = e.stapler.Run(ctx) }) // it has no error to tell

	c := newControl(e)
	c.run(ctx)

	for _, b := range c.bindings {
		if b.server != nil {
			b.server.retire()
		}
	}
	e.sessions.cut()
	e.running.Wait()
	for _, m := range c.members {
		m.remove()
	}
	checks.Wait()
	endLogs()
	logs.Wait()
	return checkErr
}

// Drain stops accepting connections and waits until those that are open have
// ended: requests under way finish and their answers say "Connection: close",
// idle client connections are closed. When ctx ends first, it returns the error
// of ctx; the end of Run cuts the rest. An Engine does not accept again.
func (e *Engine) Drain(ctx context.Context) error {
	e.draining.Store(true)
	signal(e.wake)
	e.sessions.drain()
	select {
	case <-e.sessions.empty():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shed ends the client connections that are open now, as Drain does, and goes on
// accepting others: the VIPs have moved away, and what came before is to follow
// them. It returns when those connections have ended; after limit it resets the rest
// and returns their number. When ctx ends first, they are left alone.
func (e *Engine) Shed(ctx context.Context, limit time.Duration) (cut int) {
	s := e.sessions.shed()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.gone:
		return 0
	case <-ctx.Done():
		return 0
	case <-timer.C:
		return e.sessions.cutShed(s)
	}
}

// run is the control loop: it owns c until ctx ends.
func (c *control) run(ctx context.Context) {
	e := c.engine
	timer := time.NewTimer(0)
	defer timer.Stop()
	sweep := time.NewTicker(max(e.cfg.MemberIdleTimeout/2, time.Millisecond))
	defer sweep.Stop()
	var rebuilt time.Time
	for {
		at := time.Now()
		if e.draining.Load() {
			c.stopAccepting()
		}
		if e.applying.Swap(false) {
			cfg := e.desired.Load()
			c.cfg = cfg
			c.apply(cfg.Revision(), cfg.Trees())
		}
		next := rebuilt.Add(rebuildEvery)
		if !next.After(at) {
			rebuilt = at
			next = time.Time{}
			c.rebuild(e.dirty.take())
		} else if e.dirty.none() {
			next = time.Time{}
		}
		if !c.nextBind.IsZero() {
			c.bind(at)
			if next.IsZero() || c.nextBind.Before(next) {
				next = c.nextBind
			}
		}
		c.publishView()

		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		case <-timer.C:
		case <-sweep.C:
			notBefore := now() - instant(e.cfg.MemberIdleTimeout)
			for _, m := range c.members {
				m.idle.expire(notBefore)
			}
		}
	}
}

// checkTLS is how a member of a pool with TLS is checked: as its traffic is sent, but
// with a whole handshake each time, and in HTTP/1. As in HAProxy its name is not verified,
// for that is the one that a client asks for.
func (e *Engine) checkTLS(t health.Target) *tls.Config {
	p, ok := e.byID.Load(t.Pool)
	if !ok {
		return nil
	}
	u := p.(*pool).usable.Load()
	if u == nil || u.tls == nil {
		return nil
	}
	cfg := u.tls.Config(t.Member, "")
	cfg.ServerName, cfg.ClientSessionCache, cfg.NextProtos = t.Host, nil, nil
	return cfg
}

// rebuild renews the pools in which a member's health changed.
func (c *control) rebuild(dirty map[lb.PoolID]struct{}) {
	for id := range dirty {
		if rec := c.pools[id]; rec != nil {
			c.publish(rec)
		}
	}
	c.viewDirty = c.viewDirty || len(dirty) > 0
}

// stopAccepting closes the listening sockets after what is in their queues.
func (c *control) stopAccepting() {
	for _, b := range c.bindings {
		if b.server != nil {
			b.server.retire()
		}
	}
}

// listenAddrs is where a listener listens: on every VIP of its load balancer.
func (e *Engine) listenAddrs(t *lb.Tree, l *lb.Listener) []netip.AddrPort {
	if e.cfg.Bind.IsValid() {
		return []netip.AddrPort{netip.AddrPortFrom(e.cfg.Bind, l.ProtocolPort)}
	}
	vips := t.LoadBalancer.VIPs()
	addrs := make([]netip.AddrPort, len(vips))
	for i, vip := range vips {
		addrs[i] = netip.AddrPortFrom(vip, l.ProtocolPort)
	}
	return addrs
}

// signal leaves a signal in a channel that holds one.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// dirtyPools collects the pools that have to be rebuilt.
type dirtyPools struct {
	mu  sync.Mutex
	set map[lb.PoolID]struct{} // guarded by mu
}

func (d *dirtyPools) add(id lb.PoolID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.set == nil {
		d.set = make(map[lb.PoolID]struct{})
	}
	d.set[id] = struct{}{}
}

func (d *dirtyPools) take() map[lb.PoolID]struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := d.set
	d.set = nil
	return set
}

func (d *dirtyPools) none() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.set) == 0
}
