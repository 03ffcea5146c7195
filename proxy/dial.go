package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/balance"
	"github.com/amphora-lb/amphora/proxy/http1"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// errNoMember means that the pool has no member that can be used.
var errNoMember = errors.New("no usable member")

// candidates walks through the members that one request, or one TCP client, may
// be sent to: three retries, each on a member not tried yet while there is one
// ("retries 3" and "option redispatch"). It belongs to one goroutine.
type candidates struct {
	choice   balance.Choice
	attempts int
	kept     *member // that the client belongs to; nil: to none that can be used
	known    bool    // the pool remembers the client
}

// reset ends the count on the member in use and forgets what was tried.
func (c *candidates) reset() {
	c.choice.Reset()
	c.attempts = 0
	c.kept, c.known = nil, false
}

// next picks a member. Members that became usable or unusable since the last
// attempt count as they are now. When every one has been tried it waits for the
// retry pause and begins again. A client that belongs to a member goes there first;
// r is its request, nil for a byte stream.
func (c *candidates) next(e *Engine, p *pool, client netip.Addr, r *http1.Request) (*member, error) {
	if p == nil || c.attempts >= attempts {
		return nil, errNoMember
	}
	c.attempts++
	u := p.usable.Load()
	if c.attempts == 1 {
		if c.kept, c.known = u.belongs(client, r); c.kept != nil {
			c.choice.Take(&c.kept.load)
			return c.kept, nil
		}
	}
	i, ok := u.balancer.Pick(&c.choice, client)
	if !ok {
		if c.attempts == 1 || !e.pause(e.cfg.RetryPause) {
			return nil, errNoMember
		}
		c.choice.Forget()
		u = p.usable.Load()
		if i, ok = u.balancer.Pick(&c.choice, client); !ok {
			return nil, errNoMember
		}
	}
	m := u.members[i]
	u.picked(client, m)
	return m, nil
}

// route is in what way a member is spoken to. Connections of one route are alike.
type route struct {
	tls        *tlsx.Client // nil: in the clear
	serverName string       // that the client asked for, sent on; "": none

	upgrade bool // over TLS: HTTP/2 is not offered, which knows no upgrade

	// Of members that are told who the client is: a connection is one client's.
	header lb.Protocol // PROXY or PROXYV2; "": they are not told
	owner  *session
}

// route is how this session reaches the members of p now.
func (x *session) route(p *pool) route {
	r := route{tls: p.usable.Load().tls}
	if r.tls != nil && x.tls != nil {
		r.serverName = x.tls.serverName
	}
	if p.announces() {
		// A stream's own session may serve another client next.
		r.header, r.owner = p.protocol, cmp.Or(x.carrier, x)
	}
	return r
}

// open opens a connection to m on that route, and makes it the member connection of the
// session. TCP and TLS together may take as long as timeout.
func (x *session) open(m *member, r route, timeout time.Duration) (*sock, error) {
	e := x.engine
	due := now().add(timeout)
	s, err := x.dial(m, timeout)
	if err != nil {
		return nil, err
	}
	x.use(s)
	s.route = r
	if r.header != "" {
		if err := x.announce(s, r.header, due); err != nil {
			e.log.Debug("member did not take the PROXY header", logkey.Member, m.id, logkey.Addr, m.addr, logkey.Err, err)
			x.member.Store(nil)
			s.close()
			return nil, err
		}
	}
	if r.tls == nil {
		return s, nil
	}
	cfg := r.tls.Config(m.id, r.serverName)
	if r.upgrade {
		cfg = withoutHTTP2(cfg)
	}
	if err := s.secure(tls.Client, cfg, e.meeting, true, due); err != nil {
		e.log.Debug("member did not complete the TLS handshake", logkey.Member, m.id, logkey.Addr, m.addr, logkey.Err, err)
		x.member.Store(nil)
		s.close()
		return nil, err
	}
	if s.tls.conn.ConnectionState().NegotiatedProtocol == "h2" {
		c := e.newBackConn(s, m, r, x.snap.memberData)
		x.use(&c.sock)
		return &c.sock, nil
	}
	return s, nil
}

// withoutHTTP2 is cfg that offers less.
func withoutHTTP2(cfg *tls.Config) *tls.Config {
	if !slices.Contains(cfg.NextProtos, "h2") {
		return cfg
	}
	cfg = cfg.Clone()
	cfg.NextProtos = slices.DeleteFunc(slices.Clone(cfg.NextProtos), func(p string) bool { return p == "h2" })
	return cfg
}

// dial is the engine's, which ends at once when the client of a stream gives up: one that resets
// its requests as fast as it sends them must not leave an attempt to connect for each of them.
func (x *session) dial(m *member, timeout time.Duration) (*sock, error) {
	e := x.engine
	if x.carrier == nil {
		return e.dial(e.ctx, m, timeout)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	x.dialing.Store(&cancel)
	defer x.dialing.Store(nil)
	if x.gone.Load() { // giveUp came before there was anything to end
		return nil, errClientGone
	}
	return e.dial(ctx, m, timeout)
}

// dial opens a TCP connection to m.
func (e *Engine) dial(ctx context.Context, m *member, timeout time.Duration) (*sock, error) {
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	network := "tcp4"
	if m.addr.Addr().Is6() {
		network = "tcp6"
	}
	c, err := d.DialTCP(ctx, network, netip.AddrPort{}, m.addr)
	if err != nil {
		e.log.Debug("member cannot be connected to", logkey.Member, m.id, logkey.Addr, m.addr, logkey.Err, err)
		return nil, err
	}
	return newSock(c)
}
