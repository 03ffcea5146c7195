package health

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// selfSigned is a certificate that nobody vouches for, and it has run out.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"member.example"}, NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secureMember is member that speaks TLS.
func secureMember(t *testing.T, cfg *tls.Config, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	cfg.Certificates = []tls.Certificate{selfSigned(t)}
	return member(t, func(c net.Conn) {
		s := tls.Server(c, cfg)
		if s.Handshake() == nil {
			handle(s)
		}
	})
}

func TestProbeOverTLS(t *testing.T) {
	testenv.NoLeaks(t)
	typed := func(kind lb.MonitorType) func(netip.AddrPort) Target {
		return func(addr netip.AddrPort) Target {
			target := httpTarget(addr)
			target.Type, target.Host = kind, "www.example.com"
			return target
		}
	}
	names := make(chan string, 1)
	named := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- h.ServerName
		return nil, nil
	}}
	for _, tt := range []struct {
		name   string
		member *tls.Config
		answer string
		target func(netip.AddrPort) Target
		want   string // part of the error; "": healthy
	}{
		{"HTTPS", named, "HTTP/1.1 200 OK\r\n\r\n", typed(lb.MonitorHTTPS), ""},
		{"HTTPS, wrong status", new(tls.Config), "HTTP/1.1 503 No\r\n\r\n", typed(lb.MonitorHTTPS), "status 503, expected 200"},
		{"HTTPS, TLS 1.0", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, "HTTP/1.1 200 OK\r\n\r\n", typed(lb.MonitorHTTPS), ""},
		{
			"HTTPS, certificate wanted", &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, "",
			typed(lb.MonitorHTTPS), "TLS handshake: ",
		},
		{"TLS-HELLO", new(tls.Config), "", typed(lb.MonitorTLSHello), ""},
		{
			"TLS-HELLO, certificate wanted", &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, "",
			typed(lb.MonitorTLSHello), "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := secureMember(t, tt.member, answering(tt.answer))
			err := run(t, tt.target(addr))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if got := <-names; got != "www.example.com" {
		t.Errorf("the member was asked for %q", got)
	}
}

// A member that accepts but does not speak TLS is not healthy, whatever it does
// instead.
func TestProbeWithoutTLSThere(t *testing.T) {
	for name, tt := range map[string]struct {
		member func(net.Conn)
		want   string
	}{
		"plain HTTP": {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); hang(c) }, "TLS handshake: tls: first record does not look like"},
		"closes":     {func(net.Conn) {}, "TLS handshake: "},
		"hangs":      {hang, "TLS handshake: no answer within 100ms"},
	} {
		target := tcpTarget(member(t, tt.member))
		target.Type = lb.MonitorTLSHello
		if name == "hangs" {
			target.Timeout = 100 * time.Millisecond
		}
		if err := run(t, target); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// With settings of the pool a check sees what the engine would: here, a certificate
// that cannot be verified.
func TestProbeWithSettingsOfThePool(t *testing.T) {
	addr := secureMember(t, new(tls.Config), answering("HTTP/1.1 200 OK\r\n\r\n"))
	target := httpTarget(addr)
	target.TLS = true
	if err := run(t, target); err != nil {
		t.Errorf("without settings: %v", err)
	}
	cfg := Config{TLS: func(asked Target) *tls.Config {
		if asked.Member != target.Member {
			t.Errorf("asked for %q", asked.Member)
		}
		return &tls.Config{ServerName: "member.example", RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	}}.withDefaults()
	for _, kind := range []lb.MonitorType{lb.MonitorTCP, lb.MonitorTLSHello, lb.MonitorHTTP, lb.MonitorHTTPS} {
		target.Type = kind
		if err := probe(t.Context(), &cfg, target); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
