package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/proxyproto"
)

// introduction reads the header that a member got first.
func (p *peer) introduction() (proxyproto.Header, string) {
	p.t.Helper()
	for size := 1; ; size++ {
		b, err := p.r.Peek(size)
		if err != nil {
			p.t.Fatalf("read header, got %q: %v", b, err)
		}
		n, h, err := proxyproto.Parse(b)
		if err != nil {
			p.t.Fatalf("%q: %v", b, err)
		}
		if n > 0 {
			text := string(b[:n])
			_, _ = p.r.Discard(n)
			return h, text
		}
	}
}

func addrOf(a net.Addr) netip.AddrPort {
	at := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// announcing makes a listener of one protocol on port, with a pool of another.
func announcing(t *testing.T, cfg Config, listener, pool lb.Protocol, members ...netip.AddrPort) (*front, lb.PoolID) {
	t.Helper()
	f := &front{rig: newRig(t, cfg)}
	p := lb.PoolID(f.do(lb.CreatePool{Spec: lb.PoolSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(pool), Algorithm: lb.Some(lb.RoundRobin),
	}}))
	for _, m := range members {
		f.rig.member(p, m)
	}
	f.listener = lb.ListenerID(f.do(lb.CreateListener{Spec: lb.ListenerSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(listener), ProtocolPort: lb.Some(8080), DefaultPoolID: lb.Some(p),
	}}))
	f.pool = p
	return f, p
}

// The member of a PROXY pool learns who the client is, before anything else, in either
// version and below HTTP and TCP.
func TestMembersAreToldTheClient(t *testing.T) {
	for _, listener := range []lb.Protocol{lb.ProtocolTCP, lb.ProtocolHTTP} {
		for _, pool := range []lb.Protocol{lb.ProtocolPROXY, lb.ProtocolPROXYV2} {
			t.Run(string(listener)+" to "+string(pool), func(t *testing.T) {
				o := newOrigin(t)
				f, _ := announcing(t, Config{}, listener, pool, o.addr)
				c := f.client()
				c.send("GET / HTTP/1.1\nHost: a\n\n")
				m := newPeer(t, o.accept())
				h, text := m.introduction()
				if want := addrOf(c.LocalAddr()); h.Source != want {
					t.Errorf("source is %v, want %v", h.Source, want)
				}
				if want := addrOf(c.RemoteAddr()); h.Dest != want {
					t.Errorf("destination is %v, want %v", h.Dest, want)
				}
				if v1 := strings.HasPrefix(text, "PROXY TCP4 "); v1 != (pool == lb.ProtocolPROXY) {
					t.Errorf("header is %q", text)
				}
				m.wantHead("GET / HTTP/1.1")
				m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\n")
				write(t, m, "ok")
				c.wantHead("HTTP/1.1 200 OK")
				c.wantBody("ok")
			})
		}
	}
}

// A connection on which a client was announced carries that client's requests only, and
// carries more than one of them without another header.
func TestAnnouncedConnectionsAreNotShared(t *testing.T) {
	o := newOrigin(t)
	f, _ := announcing(t, Config{}, lb.ProtocolHTTP, lb.ProtocolPROXYV2, o.addr)
	exchange := func(c, m *peer) {
		t.Helper()
		m.wantHead("GET / HTTP/1.1")
		m.send("HTTP/1.1 200 OK\nContent-Length: 0\n\n")
		c.wantHead("HTTP/1.1 200 OK")
	}
	a, b := f.client(), f.client()
	a.send("GET / HTTP/1.1\nHost: a\n\n")
	ma := newPeer(t, o.accept())
	if h, _ := ma.introduction(); h.Source != addrOf(a.LocalAddr()) {
		t.Errorf("the first client is announced as %v", h.Source)
	}
	exchange(a, ma)
	b.send("GET / HTTP/1.1\nHost: a\n\n") // while the connection of a is idle
	mb := newPeer(t, o.accept())
	if h, _ := mb.introduction(); h.Source != addrOf(b.LocalAddr()) {
		t.Errorf("the second client is announced as %v", h.Source)
	}
	exchange(b, mb)
	a.send("GET / HTTP/1.1\nHost: a\n\n")
	exchange(a, ma) // a head, not a header
}

// A member behind a listener that terminates TLS is told of the client's TLS.
func TestMembersAreToldOfTLS(t *testing.T) {
	o := newOrigin(t)
	f := newTLSFront(t, Config{}, 0, nil)
	pool := lb.PoolID(f.do(lb.CreatePool{Spec: lb.PoolSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolPROXYV2), Algorithm: lb.Some(lb.RoundRobin),
	}}))
	f.rig.member(pool, o.addr)
	f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{DefaultPoolID: lb.Some(pool)}})
	c := f.secure(f.config())
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	m := newPeer(t, o.accept())
	h, _ := m.introduction()
	if h.TLS == nil || *h.TLS != (proxyproto.TLS{Version: "TLSv1.3"}) {
		t.Errorf("the member is told %+v", h.TLS)
	}
	m.wantHead("GET / HTTP/1.1")
}

// Health checks of such members say that they are nobody's.
func TestChecksAnnounceThemselves(t *testing.T) {
	for pool, want := range map[lb.Protocol]string{
		lb.ProtocolPROXY:   "PROXY UNKNOWN\r\n",
		lb.ProtocolPROXYV2: "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
	} {
		o := newOrigin(t)
		f, _ := announcing(t, Config{}, lb.ProtocolTCP, pool, o.addr)
		f.monitor(lb.MonitorHTTP, nil)
		m := newPeer(t, o.accept())
		if h, text := m.introduction(); !h.Local || text != want {
			t.Errorf("%s: the check says %q", pool, text)
		}
		m.wantHead("GET / HTTP/1.0")
	}
}

var fromAfar = proxyproto.Header{Source: netip.MustParseAddrPort("203.0.113.7:4711"), Dest: netip.MustParseAddrPort("198.51.100.1:443")}

// What a trusted proxy says of the client counts everywhere.
func TestTrustedProxy(t *testing.T) {
	trust := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	brief := trust
	brief.HeadTimeout = 200 * time.Millisecond
	headers := map[string][]byte{"v1": proxyproto.AppendV1(nil, fromAfar), "v2": proxyproto.AppendV2(nil, fromAfar)}
	for name, header := range headers {
		t.Run(name, func(t *testing.T) {
			f := newFrontWith(t, trust, 1, func(s *lb.ListenerSpec) {
				s.InsertHeaders = lb.Some(map[string]string{"X-Forwarded-For": "true"})
				s.AllowedCIDRs = lb.Some([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")})
			})
			whole := f.client()
			write(t, whole, string(header)+"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			m := f.member(0)
			m.wantHead("GET / HTTP/1.1", "X-Forwarded-For: 203.0.113.7")
			m.send("HTTP/1.1 200 OK\nContent-Length: 0\n\n")
			whole.wantHead("HTTP/1.1 200 OK")

			pieces := f.client()
			for i := range header {
				write(t, pieces, string(header[i:i+1]))
			}
			pieces.send("GET / HTTP/1.1\nHost: a\n\n")
			m.wantHead("GET / HTTP/1.1", "X-Forwarded-For: 203.0.113.7") // of one client, so the connection is the same
		})
	}
	t.Run("TLS in one segment with the header", func(t *testing.T) {
		f := newTLSFront(t, trust, 1, nil)
		c := f.dial(tlsPort)
		s := tls.Client(&prefixed{Conn: c, first: headers["v2"]}, f.config())
		t.Cleanup(func() { _ = s.Close() })
		if err := s.Handshake(); err != nil {
			t.Fatal(err)
		}
		write(t, s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		f.member(0).wantHead("GET / HTTP/1.1")
	})
	t.Run("on to a PROXY pool", func(t *testing.T) {
		o := newOrigin(t)
		f, _ := announcing(t, trust, lb.ProtocolTCP, lb.ProtocolPROXY, o.addr)
		c := f.client()
		write(t, c, string(headers["v2"])+"hello")
		m := newPeer(t, o.accept())
		if h, _ := m.introduction(); h.Source != fromAfar.Source || h.Dest != fromAfar.Dest {
			t.Errorf("the member is told %+v", h)
		}
		m.wantBody("hello")
		testenv.Eventually(t, limit, func() error { // the header is not the client's
			if got := f.engine.Stats()[f.listener].BytesIn; got != 5 {
				return fmt.Errorf("%d bytes are counted, want 5", got)
			}
			return nil
		})
	})
	t.Run("its own connections", func(t *testing.T) {
		f := newFrontWith(t, trust, 1, func(s *lb.ListenerSpec) {
			s.InsertHeaders = lb.Some(map[string]string{"X-Forwarded-For": "true"})
		})
		c := f.client()
		write(t, c, string(proxyproto.AppendV2(nil, proxyproto.Header{Local: true}))+"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		f.member(0).wantHead("GET / HTTP/1.1", "X-Forwarded-For: 127.0.0.1")
	})
	for name, first := range map[string]string{
		"no header": "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "silence": "", "half a header": "PROXY TCP4 ",
		"a client that may not connect": string(proxyproto.AppendV1(nil, proxyproto.Header{
			Source: netip.MustParseAddrPort("192.0.2.1:1"), Dest: netip.MustParseAddrPort("192.0.2.2:80"),
		})) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFrontWith(t, brief, 1, func(s *lb.ListenerSpec) {
				s.AllowedCIDRs = lb.Some([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
			})
			c := f.client()
			write(t, c, first)
			if b, err := io.ReadAll(bufio.NewReader(c)); len(b) > 0 || isTimeout(err) {
				t.Errorf("got %q, %v, want the connection closed", b, err)
			}
			if len(f.origins[0].conns) > 0 {
				t.Error("something reached the member")
			}
		})
	}
}

// A header from whom nobody trusts is not one.
func TestHeaderFromStranger(t *testing.T) {
	f := newFrontWith(t, Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, 1, nil)
	c := f.client()
	write(t, c, string(proxyproto.AppendV1(nil, fromAfar))+"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	c.wantHead("HTTP/1.1 400 Bad Request")
}

// prefixed sends first together with the first write.
type prefixed struct {
	net.Conn
	first []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	n := len(p.first)
	m, err := p.Conn.Write(append(p.first, b...))
	p.first = nil
	return max(m-n, 0), err
}

// Requests of one HTTP/2 connection may share a member connection, those of two may not.
func TestAnnouncedStreamsAreNotShared(t *testing.T) {
	a, b := &session{}, &session{}
	p := &pool{protocol: lb.ProtocolPROXYV2}
	p.usable.Store(new(usable))
	stream := &session{carrier: a}
	first := stream.route(p)
	if again := (&session{carrier: a}).route(p); again != first {
		t.Error("two streams of a connection need two member connections")
	}
	stream.carrier = b // it is used again
	if other := stream.route(p); other == first {
		t.Error("another client gets the member connection of the first")
	}
}
