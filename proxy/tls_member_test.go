package proxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

// backed is a front whose members speak TLS with certificates of backCA.
type backed struct {
	*tlsFront
	backCA *testpki.CA
}

func newBacked(t *testing.T, members int, edit func(*backed, *lb.PoolSpec)) *backed {
	t.Helper()
	b := &backed{tlsFront: newTLSFront(t, Config{RetryPause: time.Millisecond}, members, nil), backCA: testpki.NewCA(t, "member CA")}
	spec := lb.PoolSpec{TLSEnabled: some(true)}
	if edit != nil {
		edit(b, &spec)
	}
	b.do(lb.UpdatePool{ID: b.pool, Spec: spec})
	return b
}

// verify makes the pool accept members of backCA only.
func verify(b *backed, s *lb.PoolSpec) {
	b.vault.put("members", []*x509.Certificate{b.backCA.Cert})
	s.CARef = some("members")
}

// serveTLS shakes hands as member i. The connection is nil if that fails.
func (b *backed) serveTLS(i int, cfg *tls.Config) (*peer, *tls.ConnectionState, error) {
	b.t.Helper()
	c := tls.Server(b.origins[i].accept(), cfg)
	if err := c.Handshake(); err != nil {
		c.Close()
		return nil, nil, err
	}
	cs := c.ConnectionState()
	return &peer{halfCloser: c, t: b.t, r: bufio.NewReader(c)}, &cs, nil
}

func (b *backed) named(names ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{b.backCA.Issue(nil, names...)}}
}

// pass sends a request through to a member that has to be m, or a new connection.
func (b *backed) pass(c, m *peer) {
	b.t.Helper()
	m.wantHead("GET / HTTP/1.1")
	m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
	c.wantHead("HTTP/1.1 200 OK")
	c.wantBody("ok")
}

const getRoot = "GET / HTTP/1.1\nHost: a\n\n"

func TestTLSToMember(t *testing.T) {
	b := newBacked(t, 1, func(b *backed, s *lb.PoolSpec) {
		verify(b, s)
		b.vault.put("own", b.backCA.Issue(nil, "amphora"))
		s.TLSRef = some("own")
	})
	c := b.secure(b.config())
	c.send(getRoot)
	cfg := b.named("www.example.com")
	cfg.ClientAuth, cfg.ClientCAs, cfg.NextProtos = tls.RequireAndVerifyClientCert, b.backCA.Pool(), []string{"x", "http/1.1"}
	m, cs, err := b.serveTLS(0, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if cs.ServerName != "www.example.com" || cs.PeerCertificates[0].Subject.CommonName != "amphora" || cs.NegotiatedProtocol != "http/1.1" {
		t.Errorf("the member sees %q, %s and %q", cs.ServerName, cs.PeerCertificates[0].Subject, cs.NegotiatedProtocol)
	}
	b.pass(c, m)
	c.send(getRoot) // on the connection that is there
	b.pass(c, m)
	other := b.secure(b.config())
	other.send(getRoot)
	b.pass(other, m)

	// A change of something else leaves the connection of use, one of the pool's TLS does not.
	b.touch()
	c.send(getRoot)
	b.pass(c, m)
	b.vault.put("own", b.backCA.Issue(nil, "amphora 2"))
	b.touch()
	c.send(getRoot)
	m, cs, err = b.serveTLS(0, cfg)
	if err != nil || cs.PeerCertificates[0].Subject.CommonName != "amphora 2" {
		t.Fatalf("after the change: %v", err)
	}
	b.pass(c, m)

	// Who asked for another name gets another connection.
	named := b.config()
	named.ServerName, named.InsecureSkipVerify = "b.example", true
	d := b.secure(named)
	d.send(getRoot)
	m2, cs, err := b.serveTLS(0, b.withCAs(b.named("b.example")))
	if err != nil || cs.ServerName != "b.example" {
		t.Fatalf("another name: %v", err)
	}
	b.pass(d, m2)
	c.send(getRoot)
	b.pass(c, m)
	d.send(getRoot)
	b.pass(d, m2)
}

func (b *backed) withCAs(cfg *tls.Config) *tls.Config {
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, b.backCA.Pool()
	return cfg
}

func TestMemberCertificate(t *testing.T) {
	revoked := func(b *backed) *tls.Config {
		cfg := b.named("www.example.com")
		b.vault.put("list", b.backCA.Revoke(time.Now().Add(time.Hour), cfg.Certificates[0].Leaf))
		return cfg
	}
	listed := func(b *backed, s *lb.PoolSpec) {
		verify(b, s)
		b.vault.put("list", b.backCA.Revoke(time.Now().Add(time.Hour)))
		s.CRLRef = some("list")
	}
	for name, tt := range map[string]struct {
		pool   func(*backed, *lb.PoolSpec)
		member func(*backed) *tls.Config
		ok     bool
	}{
		"right":      {verify, func(b *backed) *tls.Config { return b.named("www.example.com") }, true},
		"wrong name": {verify, func(b *backed) *tls.Config { return b.named("other.example") }, false},
		"wrong CA": {verify, func(b *backed) *tls.Config {
			b.backCA = testpki.NewCA(t, "member CA")
			return b.named("www.example.com")
		}, false},
		"expired":     {verify, expired, false},
		"revoked":     {listed, revoked, false},
		"not revoked": {listed, func(b *backed) *tls.Config { return b.named("www.example.com") }, true},
		"nobody asks": {nil, func(b *backed) *tls.Config { b.backCA = testpki.NewCA(t, "?"); return b.named("other.example") }, true},
		"version":     {func(_ *backed, s *lb.PoolSpec) { s.Versions = some([]string{"TLSv1.3"}) }, func(b *backed) *tls.Config { c := b.named("x"); c.MaxVersion = tls.VersionTLS12; return c }, false},
		"cipher": {func(_ *backed, s *lb.PoolSpec) {
			s.Versions, s.Ciphers = some([]string{"TLSv1.2"}), some("ECDHE-ECDSA-AES256-GCM-SHA384")
		}, aes128, false},
		"speaks no TLS": {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBacked(t, 1, tt.pool)
			c := b.secure(b.config())
			var cfg *tls.Config
			if tt.member != nil {
				cfg = tt.member(b)
				b.touch() // the vault may have changed
			}
			c.send(getRoot)
			if tt.ok {
				m, _, err := b.serveTLS(0, cfg)
				if err != nil {
					t.Fatal(err)
				}
				b.pass(c, m)
				return
			}
			for range attempts {
				if cfg == nil {
					o := b.origins[0].accept()
					_, _ = io.WriteString(o, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				} else if m, _, err := b.serveTLS(0, cfg); err == nil {
					if _, err := m.r.ReadByte(); err == nil { // TLS 1.3: the client's refusal comes after
						t.Fatal("the member gets a request")
					}
				}
			}
			c.wantHead("HTTP/1.1 503 Service Unavailable")
		})
	}
}

func expired(b *backed) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{b.backCA.Issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "www.example.com")}}
}

func aes128(b *backed) *tls.Config {
	cfg := b.named("x")
	cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	return cfg
}

// A member that stalls in its handshake is left for another within the time for connecting.
func TestMemberStallsInHandshake(t *testing.T) {
	b := newBacked(t, 2, nil)
	b.do(lb.UpdateListener{ID: b.listener, Spec: lb.ListenerSpec{TimeoutMemberConnect: some(100 * time.Millisecond)}})
	good := b.named("x")
	go func() { // the other one accepts and says nothing
		for c := range b.origins[1].conns {
			s := tls.Server(c, good)
			go func() { defer s.Close(); _ = answer(s) }()
		}
	}()
	c := b.secure(b.config())
	for range 2 { // in turn
		c.send(getRoot)
		c.wantHead("HTTP/1.1 200 OK")
	}
}

// answer answers requests until the connection ends.
func answer(c net.Conn) error {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.TrimSpace(line) == "" {
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
				return err
			}
		}
	}
}

// The end of a connection that TLS did not announce is not the end of a body.
func TestTruncatedMemberBody(t *testing.T) {
	for name, whole := range map[string]bool{"close_notify": true, "cut": false} {
		t.Run(name, func(t *testing.T) {
			b := newBacked(t, 1, nil)
			c := b.secure(b.config())
			c.send(getRoot)
			raw := b.origins[0].accept()
			s := tls.Server(raw, b.named("x"))
			if err := s.Handshake(); err != nil {
				t.Fatal(err)
			}
			m := &peer{halfCloser: s, t: t, r: bufio.NewReader(s)}
			m.head()
			m.send("HTTP/1.1 200 OK\n\nhalf")
			c.wantHead("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
			c.wantBody("4\r\nhalf\r\n")
			if whole {
				_ = s.CloseWrite()
				c.wantBody("0\r\n\r\n")
				return
			}
			_ = raw.Close()
			c.wantAbort()
		})
	}
}

// TCP clients reach TLS members as well, and the bytes go through whole.
func TestTCPToTLSMember(t *testing.T) {
	r := newRig(t, Config{})
	o := newOrigin(t)
	_, pool, _ := r.serve(lb.ProtocolTCP, 9000, nil, o.addr)
	r.do(lb.UpdatePool{ID: pool, Spec: lb.PoolSpec{TLSEnabled: some(true)}})
	client := r.dial(9000)
	ca := testpki.NewCA(t, "CA")
	s := tls.Server(o.accept(), &tls.Config{Certificates: []tls.Certificate{ca.Issue(nil, "x")}, NextProtos: []string{"h2"}})
	if err := s.Handshake(); err != nil {
		t.Fatal(err)
	}
	if p := s.ConnectionState().NegotiatedProtocol; p != "" {
		t.Errorf("the proxy promises %q for what it does not know", p)
	}
	const size = 3 << 20
	go func() { _, _ = client.Write(make([]byte, size)); _ = client.CloseWrite() }()
	if n, err := io.Copy(io.Discard, s); n != size || err != nil {
		t.Fatalf("the member got %d bytes, %v", n, err)
	}
	go func() { _, _ = s.Write(make([]byte, size)); _ = s.CloseWrite() }()
	if n, err := io.Copy(io.Discard, client); n != size || err != nil {
		t.Fatalf("the client got %d bytes, %v", n, err)
	}
}

// What a member sent unasked is not the response to the next request, also if it is in a
// record that was read with others.
func TestMemberSpeaksUnaskedOverTLS(t *testing.T) {
	b := newBacked(t, 1, nil)
	c := b.secure(b.config())
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	raw := &corked{TCPConn: b.origins[0].accept()}
	first := tls.Server(raw, b.named("x"))
	if err := first.Handshake(); err != nil {
		t.Fatal(err)
	}
	m := &peer{halfCloser: first, t: t, r: bufio.NewReader(first)}
	m.head()
	raw.cork = true
	m.send("HTTP/1.1 200 OK\nContent-Length: 40\n\n")
	m.send("HTTP/1.1 200 OK\nX: evil\nContent-Length: 0\n\n")
	write(t, raw.TCPConn, string(raw.kept))
	c.wantHead("HTTP/1.1 200 OK")
	c.send(getRoot)
	m, _, err := b.serveTLS(0, b.named("x"))
	if err != nil {
		t.Fatal(err)
	}
	b.pass(c, m)
}

// corked can keep what is written, to be sent in one piece.
type corked struct {
	*net.TCPConn
	cork bool
	kept []byte
}

func (c *corked) Write(p []byte) (int, error) {
	if !c.cork {
		return c.TCPConn.Write(p)
	}
	c.kept = append(c.kept, p...)
	return len(p), nil
}
