package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/amphora-lb/amphora/lb"
)

// What is known of one client's certificate is never said of another client: streams are served by objects that are used again.
func TestHTTP2ClientsAreToldApart(t *testing.T) {
	ca, auth := withClientCA(t, lb.ClientAuthOptional)
	f := newTLSFront(t, Config{}, 0, func(v *vault, s *lb.ListenerSpec) {
		auth(v, s)
		s.InsertHeaders = some(allCertHeaders())
	})
	f.rig.member(f.pool, newWebServer(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-SSL-Client-CN"))
	}))
	f.policy(lb.L7Reject, func(s *lb.L7PolicySpec) {
		s.Rules = []lb.L7RuleSpec{rule(lb.L7SSLDNField, lb.L7EqualTo, "CN", "mallory")}
	})
	ask := func(name string) (status int, seen string) {
		cfg := f.config()
		if name != "" {
			cfg.Certificates = []tls.Certificate{ca.Issue(func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: name} })}
		}
		tr := &http.Transport{
			TLSClientConfig: cfg, ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, netip.AddrPortFrom(f.addr, tlsPort).String())
			},
		}
		defer tr.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://www.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, body := do(t, &http.Client{Transport: tr, Timeout: limit}, req)
		if resp.ProtoMajor != 2 {
			t.Fatalf("got %s, want HTTP/2", resp.Proto)
		}
		return resp.StatusCode, body
	}
	for range 5 {
		for name, want := range map[string]int{"alice": 200, "mallory": 403, "bob": 200, "": 200} {
			status, seen := ask(name)
			if status != want || status == 200 && seen != fmt.Sprintf("%q", name) {
				t.Fatalf("client %q got status %d, and the member saw %s", name, status, seen)
			}
		}
	}
}
