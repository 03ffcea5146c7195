package proxy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// The waits between attempts to bind an address.
const (
	minRetry = 100 * time.Millisecond
	maxRetry = 5 * time.Second
)

// binding is one address and port that is, or should be, listened on. It keeps
// its socket for as long as some listener wants the address: a socket that is
// closed and opened again loses the connections in its queue.
type binding struct {
	addr    netip.AddrPort
	current atomic.Pointer[snapshot] // nil: no listener wants the address any more

	// The rest belongs to control.
	server *server // nil: not bound
	err    error   // why it is not bound
	retry  time.Time
	wait   time.Duration
}

// serve gives the new listeners their addresses, takes them from those that are
// gone, and opens and closes sockets accordingly.
func (c *control) serve(changes []change) {
	for _, ch := range changes {
		for _, s := range ch.old.listeners {
			delete(c.waiting, s.claim())
			if b := c.bindings[s.addr]; b != nil && b.has(s.listener) && !ch.new.wants(s) {
				b.current.Store(nil)
			}
		}
	}
	for _, ch := range changes {
		for _, s := range ch.new.listeners {
			c.claim(s)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(c.waiting), claim.compare) {
		c.claim(c.waiting[k])
	}
	for addr, b := range c.bindings {
		if b.current.Load() == nil {
			delete(c.bindings, addr)
			if b.server != nil {
				b.server.retire()
			}
		}
	}
	c.bind(time.Now())
}

// claim is a listener's wish for an address. One with several VIPs has several.
type claim struct {
	listener lb.ListenerID
	addr     netip.AddrPort
}

func (s *snapshot) claim() claim { return claim{s.listener, s.addr} }

func (k claim) compare(o claim) int {
	return cmp.Or(cmp.Compare(k.listener, o.listener), k.addr.Compare(o.addr))
}

// claim makes s what is served on its address, or lets it wait for its turn.
func (c *control) claim(s *snapshot) {
	b := c.bindings[s.addr]
	if b == nil {
		b = &binding{addr: s.addr}
		c.bindings[s.addr] = b
	}
	if cur := b.current.Load(); cur != nil && cur.listener != s.listener {
		c.waiting[s.claim()] = s
		return
	}
	delete(c.waiting, s.claim())
	b.current.Store(s)
	if b.server != nil {
		b.server.changed()
	}
}

func (b *binding) has(id lb.ListenerID) bool {
	cur := b.current.Load()
	return cur != nil && cur.listener == id
}

func (b *branch) wants(s *snapshot) bool {
	return slices.ContainsFunc(b.listeners, func(n *snapshot) bool {
		return n.listener == s.listener && n.addr == s.addr
	})
}

// bind opens the sockets that are missing and due. It returns when to try again,
// zero if nothing is missing.
func (c *control) bind(at time.Time) {
	c.nextBind = time.Time{}
	if c.engine.draining.Load() {
		return
	}
	for _, b := range c.bindings {
		if b.server != nil {
			continue
		}
		if !b.retry.After(at) {
			c.open(b, at)
		}
		if b.server == nil && (c.nextBind.IsZero() || b.retry.Before(c.nextBind)) {
			c.nextBind = b.retry
		}
	}
}

func (c *control) open(b *binding, at time.Time) {
	log := c.engine.log.With(logkey.Listener, b.current.Load().listener, logkey.Addr, b.addr)
	ln, err := listen(c.engine.ctx, b.addr)
	if err != nil {
		if b.err == nil {
			log.Warn("listener cannot be served, will retry", logkey.Err, err)
		}
		b.err = err
		b.wait = min(max(2*b.wait, minRetry), maxRetry)
		b.retry = at.Add(b.wait)
		return
	}
	b.err, b.wait = nil, 0
	b.server = newServer(c.engine, b, ln)
	c.engine.running.Go(b.server.accept)
	log.Info("listener is served")
}

// listen opens a listening socket on an address that this host need not have.
func listen(ctx context.Context, addr netip.AddrPort) (*net.TCPListener, error) {
	cfg := net.ListenConfig{Control: listenControl, KeepAlive: -1}
	cfg.SetMultipathTCP(false) // its sockets do not hand down options as those of TCP do
	network := "tcp4"
	if addr.Addr().Is6() {
		network = "tcp6"
	}
	ln, err := cfg.Listen(ctx, network, addr.String())
	if err != nil {
		return nil, explainListen(addr, err)
	}
	return ln.(*net.TCPListener), nil
}

// problems says of each listener that is not served why.
func (c *control) problems() map[string]string {
	problems := maps.Clone(c.unserved)
	for _, b := range c.bindings {
		if cur := b.current.Load(); b.err != nil {
			problems[string(cur.listener)] = b.err.Error()
		}
	}
	for k, s := range c.waiting {
		cur := c.bindings[s.addr].current.Load()
		problems[string(k.listener)] = fmt.Sprintf("listen on %v: listener %s of load balancer %s has that address and port",
			s.addr, cur.listener, cur.lb)
	}
	return problems
}
