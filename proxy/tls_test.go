package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

func TestTLSTerminates(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			f := newTLSFront(t, Config{}, 1, func(_ *vault, s *lb.ListenerSpec) {
				s.InsertHeaders = some(map[string]string{"X-Forwarded-Proto": "true", "X-Forwarded-Port": "true"})
			})
			cfg := f.config()
			cfg.MaxVersion = version
			c := f.secure(cfg)
			var m *peer
			for i := range 3 {
				c.send("POST /%d HTTP/1.1\nHost: a\nX-Forwarded-Proto: http\nContent-Length: 5\n\nhello", i)
				if m == nil {
					m = f.member(0)
				}
				head := m.wantHead(fmt.Sprintf("POST /%d HTTP/1.1", i), "X-Forwarded-Proto: https", "X-Forwarded-Port: 8443")
				if strings.Contains(head, "Proto: http\n") {
					t.Errorf("the client's X-Forwarded-Proto is passed on:\n%s", head)
				}
				m.wantBody("hello")
				m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
				c.wantHead("HTTP/1.1 200 OK")
				c.wantBody("ok")
			}
			c.send("GET / HTTP/1.1\nHost: a\nConnection: close\n\n")
			m.head()
			m.send("HTTP/1.1 204 No Content\n\n")
			c.wantHead("HTTP/1.1 204 No Content", "Connection: close")
			c.wantEnd() // crypto/tls would say if there was no close_notify
			testenv.Eventually(t, limit, func() error {
				s := f.engine.Stats()[f.listener]
				if s.Handshakes != 1 || s.Requests != 4 || s.Active != 0 || s.BytesIn == 0 {
					return fmt.Errorf("stats: %+v", s)
				}
				return nil
			})
		})
	}
}

func TestTLSServerNames(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, func(v *vault, s *lb.ListenerSpec) {
		ca := testpki.NewCA(t, "other")
		v.put("wild", ca.Issue(nil, "*.wild.example"))
		v.put("exact", ca.Issue(nil, "a.wild.example"))
		v.put("rsa", ca.IssueRSA(nil, "both.example"))
		v.put("ecdsa", ca.Issue(nil, "both.example"))
		v.put("default rsa", ca.IssueRSA(nil, "www.example.com"))
		s.SNIRefs = some([]string{"wild", "exact", "ecdsa", "rsa", "default rsa"})
	})
	for name, want := range map[string]string{
		"":                 "www.example.com",
		"unknown.example":  "www.example.com",
		"wild.example":     "www.example.com",
		"a.b.wild.example": "www.example.com",
		"b.wild.example":   "*.wild.example",
		"B.Wild.Example":   "*.wild.example",
		"a.wild.example":   "a.wild.example",
		"both.example":     "both.example",
	} {
		c, err := f.shake(&tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%q is shown the certificate of %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"both.example", "unknown.example"} {
		c, err := f.shake(&tls.Config{
			ServerName: name, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		})
		if err != nil {
			t.Errorf("a client without ECDSA, asking for %s: %v", name, err)
			continue
		}
		if got := c.ConnectionState().PeerCertificates[0].PublicKeyAlgorithm.String(); got != "RSA" {
			t.Errorf("a client without ECDSA is shown a certificate with a key of %s", got)
		}
	}
}

func TestTLSParameters(t *testing.T) {
	for name, tt := range map[string]struct {
		edit    func(*lb.ListenerSpec)
		client  *tls.Config
		version uint16 // 0: no handshake
		alpn    string
	}{
		"defaults":           {nil, &tls.Config{NextProtos: []string{"http/1.1"}}, tls.VersionTLS13, "http/1.1"},
		"no ALPN":            {nil, &tls.Config{}, tls.VersionTLS13, ""},
		"ALPN in our order":  {nil, &tls.Config{NextProtos: []string{"http/1.0", "http/1.1"}}, tls.VersionTLS13, "http/1.1"},
		"ALPN of the list":   {func(s *lb.ListenerSpec) { s.ALPN = some([]string{"http/1.0"}) }, &tls.Config{NextProtos: []string{"http/1.1", "http/1.0"}}, tls.VersionTLS13, "http/1.0"},
		"ALPN unknown":       {nil, &tls.Config{NextProtos: []string{"acme-tls/1"}}, 0, ""},
		"default is not 1.1": {nil, &tls.Config{MaxVersion: tls.VersionTLS11}, 0, ""},
		"1.1": {func(s *lb.ListenerSpec) {
			s.Versions, s.Ciphers = some([]string{"TLSv1.1", "TLSv1.2"}), some("ALL")
		}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, tls.VersionTLS11, ""},
		"1.2 left out": {func(s *lb.ListenerSpec) {
			s.Versions, s.Ciphers = some([]string{"TLSv1.1", "TLSv1.3"}), some("ALL")
		}, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}, 0, ""},
		"1.2 left out, falls to 1.1": {func(s *lb.ListenerSpec) {
			s.Versions, s.Ciphers = some([]string{"TLSv1.1", "TLSv1.3"}), some("ALL")
		}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12}, tls.VersionTLS11, ""},
		"ciphers": {func(s *lb.ListenerSpec) {
			s.Ciphers = some("ECDHE-ECDSA-AES256-GCM-SHA384")
		}, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTLSFront(t, Config{}, 0, func(_ *vault, s *lb.ListenerSpec) {
				if tt.edit != nil {
					tt.edit(s)
				}
			})
			cfg := tt.client.Clone()
			cfg.RootCAs, cfg.ServerName = f.ca.Pool(), "www.example.com"
			c, err := f.shake(cfg)
			switch {
			case tt.version == 0 && err == nil:
				t.Errorf("shook hands: %+v", c.ConnectionState())
			case tt.version != 0 && err != nil:
				t.Errorf("handshake: %v", err)
			case tt.version != 0 && (c.ConnectionState().Version != tt.version || c.ConnectionState().NegotiatedProtocol != tt.alpn):
				t.Errorf("got %s and %q", tls.VersionName(c.ConnectionState().Version), c.ConnectionState().NegotiatedProtocol)
			}
		})
	}
}

func TestHTTPOnTLSPortIsRedirected(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, nil)
	for request, want := range map[string]string{
		"GET /a?b HTTP/1.1\nHost: www.example.com:8443\n\n":                            "HTTP/1.1 302 Found",
		"POST / HTTP/1.1\nHost: a\nContent-Length: 9\n\n":                              "HTTP/1.1 302 Found",
		"GET http://www.example.com:8443/a?b HTTP/1.1\nHost: www.example.com:8443\n\n": "HTTP/1.1 302 Found",
		"GET / HTTP/1.0\n\n":              "HTTP/1.1 400 Bad Request",
		"OPTIONS * HTTP/1.1\nHost: a\n\n": "HTTP/1.1 400 Bad Request",
		"HELO you\n\n":                    "HTTP/1.1 400 Bad Request",
	} {
		c := newPeer(t, f.dial(tlsPort))
		c.send("%s", request)
		lines := []string{"Connection: close"}
		if strings.Contains(request, "/a?b") {
			lines = append(lines, "Location: https://www.example.com:8443/a?b")
		}
		c.wantHead(want, lines...)
	}
}

func TestStalledHandshakeEnds(t *testing.T) {
	f := newTLSFront(t, Config{HandshakeTimeout: 50 * time.Millisecond}, 0, nil)
	for _, sent := range []string{"", "\x16", "\x16\x03\x01\x00\x80\x01", "\x80\x2e\x01\x00\x02"} {
		c := f.dial(tlsPort)
		write(t, c, sent)
		readToEnd(t, c)
	}
	testenv.Eventually(t, limit, func() error {
		if s := f.engine.Stats()[f.listener]; s.Active != 0 || s.HandshakesFailed != 3 || s.Handshakes != 0 {
			return fmt.Errorf("stats: %+v", s)
		}
		return nil
	})
	f.secure(f.config()) // nobody holds a slot
}

// Clients that leave in the middle of a handshake hold up nobody.
func TestManyStalledHandshakes(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, nil)
	for range 50 {
		write(t, f.dial(tlsPort), "\x16\x03\x01\x00\x80\x01")
	}
	f.secure(f.config())
}

func TestCertificateIsReplacedUnderConnections(t *testing.T) {
	f := newTLSFront(t, Config{}, 1, nil)
	f.serve(lb.ProtocolHTTP, 8080, nil)
	c, m := f.secure(f.config()), (*peer)(nil)
	get := func() {
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		if m == nil {
			m = f.member(0)
		}
		m.head()
		m.send("HTTP/1.1 204 No Content\n\n")
		c.wantHead("HTTP/1.1 204 No Content")
	}
	shown := func() string {
		cfg := f.config()
		cfg.InsecureSkipVerify = true
		c, err := f.shake(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	get()
	f.vault.put("default", f.ca.Issue(nil, "new.example.com"))
	f.touch()
	get()
	if got := shown(); got != "new.example.com" {
		t.Errorf("%s is shown after the change", got)
	}
	f.vault.put("default", errors.New("Could not retrieve certificate: ['default']"))
	f.touch()
	if got, want := f.engine.View().Errors[string(f.listener)], "default_tls_container_ref: Could not retrieve certificate: ['default']"; got != want {
		t.Errorf("the listener's error is %q, want %q", got, want)
	}
	if got := shown(); got != "new.example.com" {
		t.Errorf("%s is shown when the certificate cannot be read, want the one before", got)
	}
	get()
	f.vault.put("default", f.ca.Issue(nil, "third.example.com"))
	f.touch()
	if got := f.engine.View().Errors; len(got) != 0 || shown() != "third.example.com" {
		t.Errorf("errors %v, %s is shown", got, shown())
	}
	get()
}

func TestUnreadableCertificateIsSaid(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, func(v *vault, s *lb.ListenerSpec) {
		v.put("good", testpki.NewCA(t, "other").Issue(nil, "good.example"))
		s.TLSDefaultRef, s.SNIRefs = some("lost"), some([]string{"good"})
	})
	if got, want := f.engine.View().Errors[string(f.listener)], "default_tls_container_ref: there is no secret lost"; got != want {
		t.Errorf("error is %q, want %q", got, want)
	}
	c, err := f.shake(&tls.Config{InsecureSkipVerify: true, ServerName: "good.example"}) // the rest is served
	if err != nil || c.ConnectionState().PeerCertificates[0].Subject.CommonName != "good.example" {
		t.Errorf("handshake: %v", err)
	}
	for _, name := range []string{"", "www.example.com"} { // with its own names only
		_, err := f.shake(&tls.Config{InsecureSkipVerify: true, ServerName: name})
		if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("handshake without the default certificate, asking for %q: %v", name, err)
		}
	}
	// One without any certificate does not listen, and is there once there is one.
	f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{SNIRefs: lb.Null[[]string]()}})
	testenv.Eventually(t, limit, func() error {
		if _, err := f.shakeNow(); err == nil {
			return errors.New("it still listens")
		}
		return nil
	})
	f.vault.put("lost", f.ca.Issue(nil, "www.example.com"))
	f.touch()
	f.secure(f.config())
}

func TestUnservedTLSParametersAreSaid(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, func(_ *vault, s *lb.ListenerSpec) {
		s.Versions = some([]string{"TLSv1.2"})
		s.Ciphers = some("DHE-RSA-AES128-GCM-SHA256")
	})
	got := f.engine.View().Errors[string(f.listener)]
	if !strings.HasPrefix(got, "tls_ciphers: no suite is left for TLSv1.2: DHE-RSA-AES128-GCM-SHA256 is not served") {
		t.Errorf("error is %q", got)
	}
}

// A whole web client of another make.
func TestTLSWithNetHTTP(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, nil)
	f.rig.member(f.pool, newWebServer(t, hello))
	transport := &http.Transport{TLSClientConfig: f.config()}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: limit}
	for range 3 {
		resp, err := client.Get(fmt.Sprintf("https://%s:%d/", f.addr, tlsPort))
		if err != nil {
			t.Fatal(err)
		}
		if body := readAll(t, resp.Body); body != "hello" {
			t.Errorf("got %q", body)
		}
		resp.Body.Close()
	}
	if s := f.engine.Stats()[f.listener]; s.Handshakes != 1 {
		t.Errorf("%d handshakes for three requests", s.Handshakes)
	}
}
