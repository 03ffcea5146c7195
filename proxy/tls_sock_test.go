package proxy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// A record that comes byte by byte is a pause for crypto/tls, not an end: this is what
// link relies on.
func TestWouldBlockDoesNotPoison(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f := newTLSFront(t, Config{}, 1, nil)
		raw := &corked{TCPConn: f.dial(tlsPort)}
		cfg := f.config()
		cfg.MaxVersion = version
		c := tls.Client(raw, cfg)
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		raw.cork = true
		write(t, c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		for i := range raw.kept {
			write(t, raw.TCPConn, string(raw.kept[i:i+1]))
			runtime.Gosched()
			if i%10 == 0 {
				<-time.After(time.Millisecond)
			}
		}
		f.member(0).wantHead("GET / HTTP/1.1")
	}
}

func TestWaitingTLSConnectionHoldsNoBuffer(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIPPED: it looks at memory that belongs to another goroutine")
	}
	f := newTLSFront(t, Config{}, 1, nil)
	c := f.secure(f.config())
	c.send(getRoot)
	m := f.member(0)
	m.head()
	m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
	c.wantHead("HTTP/1.1 200 OK")
	c.wantBody("ok")
	testenv.Eventually(t, limit, func() error {
		f.engine.sessions.mu.Lock()
		for x := range f.engine.sessions.set {
			l := x.client.tls
			if l == nil || l.pending != nil {
				f.engine.sessions.mu.Unlock()
				return errors.New("records are pending")
			}
		}
		f.engine.sessions.mu.Unlock()
		return held(f.engine)
	})
}

// What the client takes late, and in small pieces, arrives whole.
func TestTLSBulkToSlowClient(t *testing.T) {
	body := make([]byte, 6<<20)
	for i := range body {
		body[i] = byte(i >> 8 * 7)
	}
	for name, chunked := range map[string]bool{"length": false, "chunked": true} {
		t.Run(name, func(t *testing.T) {
			f := newTLSFront(t, Config{}, 0, nil)
			f.rig.member(f.pool, newWebServer(t, func(w http.ResponseWriter, _ *http.Request) {
				if !chunked {
					w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				}
				_, _ = w.Write(body)
			}))
			c := f.secure(f.config())
			c.send(getRoot)
			<-time.After(50 * time.Millisecond) // all buffers on the way are full
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if s := f.engine.Stats()[f.listener]; s.BytesOut < uint64(len(body)) {
				t.Errorf("%d bytes are counted", s.BytesOut)
			}
		})
	}
}

func TestTLSUpload(t *testing.T) {
	const size = 3 << 20
	var got atomic.Int64
	f := newTLSFront(t, Config{}, 0, nil)
	f.rig.member(f.pool, newWebServer(t, func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got.Store(n)
	}))
	c := f.secure(f.config())
	c.send("POST / HTTP/1.1\nHost: a\nContent-Length: %d\n\n", size)
	if _, err := c.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	c.wantHead("HTTP/1.1 200 OK")
	if got.Load() != size {
		t.Errorf("the member got %d bytes", got.Load())
	}
}

func TestTLSUpgrade(t *testing.T) {
	f := newTLSFront(t, Config{}, 1, nil)
	c := f.secure(f.config())
	c.send("GET /chat HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n")
	m := f.member(0)
	m.head()
	m.send("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\nhi")
	c.wantHead("HTTP/1.1 101 Switching Protocols")
	c.wantBody("hi")
	write(t, c, "there")
	m.wantBody("there")
	const size = 1 << 20 // both ways at once
	go func() { _, _ = c.Write(make([]byte, size)) }()
	go func() { _, _ = m.Write(make([]byte, size)) }()
	c.body(size)
	m.body(size)
	_ = m.CloseWrite()
	c.wantEnd()
}

func TestTLSDrain(t *testing.T) {
	f := newTLSFront(t, Config{}, 1, nil)
	c := f.secure(f.config())
	c.send(getRoot)
	m := f.member(0)
	m.head()
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
	if n := f.engine.Shed(t.Context(), limit); n != 0 {
		t.Errorf("%d connections were cut", n)
	}
	c.wantEnd()
}

// A response to the question about the certificate goes with it, once it is there.
func TestStapledResponseIsShown(t *testing.T) {
	responder := make(chan struct{})
	answers := roundTrip(func(r *http.Request) (*http.Response, error) {
		<-responder // until then handshakes go on without
		return nil, errors.New("not today")
	})
	var der atomic.Pointer[[]byte]
	f := newTLSFront(t, Config{OCSP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if raw := der.Load(); raw != nil {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(*raw)), Request: r}, nil
		}
		return answers(r)
	})}}, 0, nil)
	cert := f.ca.Issue(func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.example/"} }, "www.example.com")
	f.vault.put("default", cert)
	f.touch()
	c, err := f.shake(f.config())
	if err != nil || c.OCSPResponse() != nil {
		t.Errorf("while the responder is silent: %v, %d bytes stapled", err, len(c.OCSPResponse()))
	}
	raw, err := ocsp.CreateResponse(f.ca.Cert, f.ca.Cert, ocsp.Response{
		Status: ocsp.Good, SerialNumber: cert.Leaf.SerialNumber, ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}, f.ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	der.Store(&raw)
	close(responder)
	// A new certificate, so that nobody has to wait for the next attempt.
	f.vault.put("default", cert)
	f.touch()
	testenv.Eventually(t, limit, func() error {
		c, err := f.shake(f.config())
		if err == nil && !bytes.Equal(c.OCSPResponse(), raw) {
			err = errors.New("no response is stapled")
		}
		return err
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Another implementation of TLS takes part.
func TestOpenSSLClient(t *testing.T) {
	testenv.RequireDebian(t, "/usr/bin/openssl", "openssl")
	f := newTLSFront(t, Config{}, 0, func(_ *vault, s *lb.ListenerSpec) {
		s.Versions, s.Ciphers = some([]string{"TLSv1.2", "TLSv1.3"}), some("ECDHE+AESGCM")
	})
	f.rig.member(f.pool, newWebServer(t, hello))
	at := fmt.Sprintf("%s:%d", f.addr, tlsPort)
	dir := t.TempDir()
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"-tls1_2", "-sess_out", dir + "/12"}, []string{"Protocol  : TLSv1.2", "HTTP/1.1 200 OK", "hello", "New, TLSv1.2"}},
		{[]string{"-tls1_2", "-sess_in", dir + "/12"}, []string{"Reused, TLSv1.2", "HTTP/1.1 200 OK"}},
		{[]string{"-tls1_3", "-alpn", "http/1.1", "-sess_out", dir + "/13"}, []string{"ALPN protocol: http/1.1", "HTTP/1.1 200 OK", "New, TLSv1.3"}},
		{[]string{"-tls1_3", "-sess_in", dir + "/13"}, []string{"Reused, TLSv1.3", "HTTP/1.1 200 OK"}},
		{[]string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, []string{"alert protocol version"}},
		{[]string{"-tls1_2", "-cipher", "AES128-SHA"}, []string{"alert handshake failure"}},
	} {
		cmd := exec.CommandContext(t.Context(), "openssl", append([]string{"s_client", "-connect", at, "-servername", "www.example.com", "-ign_eof"}, tt.args...)...)
		cmd.Stdin = strings.NewReader("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
		out, _ := cmd.CombinedOutput() // it fails where it shall
		for _, want := range tt.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("openssl s_client %s: the output lacks %q:\n%s", strings.Join(tt.args, " "), want, out)
			}
		}
	}
}
