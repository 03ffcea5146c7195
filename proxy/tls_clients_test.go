package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

// enter reports whether a client that shows cert can send a request. With TLS 1.3 the
// client's handshake is complete before the server has looked at its certificate.
func (f *tlsFront) enter(cert *tls.Certificate, edit func(*tls.Config)) (*tls.Conn, error) {
	cfg := f.config()
	if cert != nil {
		// Whatever the server says it accepts.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	if edit != nil {
		edit(cfg)
	}
	c, err := f.shake(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
		return nil, err
	}
	_, err = c.Read(make([]byte, 1))
	return c, err
}

func TestClientAuthentication(t *testing.T) {
	ca, auth := withClientCA(t, lb.ClientAuthOptional)
	good, revoked := ca.Issue(nil, "good"), ca.Issue(nil, "revoked")
	below := ca.Intermediate("below").Issue(nil, "below")
	foreign := testpki.NewCA(t, "client CA").Issue(nil, "foreign")
	old := ca.Issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, "old")
	server := ca.Issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, "server")
	lists := map[string]*x509.RevocationList{
		"": nil, "list": ca.Revoke(time.Now().Add(time.Hour), revoked.Leaf), "old list": ca.Revoke(time.Now().Add(-time.Minute)),
	}
	for list, crl := range lists {
		for _, mode := range []lb.ClientAuth{lb.ClientAuthNone, lb.ClientAuthOptional, lb.ClientAuthMandatory} {
			f := newTLSFront(t, Config{}, 0, func(v *vault, s *lb.ListenerSpec) {
				auth(v, s)
				s.ClientAuth = some(mode)
				if crl != nil {
					v.put("list", crl)
					s.ClientCRLRef = some("list")
				}
			})
			never := mode == lb.ClientAuthNone
			for name, tt := range map[string]struct {
				cert *tls.Certificate
				in   bool
			}{
				"nothing":     {nil, mode != lb.ClientAuthMandatory},
				"good":        {&good, never || list != "old list"},
				"revoked":     {&revoked, never || list == ""},
				"below":       {&below, never || list == ""}, // no list speaks for it
				"foreign":     {&foreign, never},
				"old":         {&old, never},
				"server only": {&server, never},
			} {
				for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
					_, err := f.enter(tt.cert, func(c *tls.Config) { c.MaxVersion = version })
					if in := err == nil; in != tt.in {
						t.Errorf("%s with %q and %s, %s: %v, want in to be %v", mode, list, name, tls.VersionName(version), err, tt.in)
					}
				}
			}
		}
	}
}

// Without a CA that can be read nobody is let in on the strength of a certificate.
func TestUnreadableClientCA(t *testing.T) {
	_, auth := withClientCA(t, lb.ClientAuthMandatory)
	f := newTLSFront(t, Config{}, 0, func(v *vault, s *lb.ListenerSpec) {
		auth(v, s)
		s.ClientCARef = some("lost")
	})
	if got, want := f.engine.View().Errors[string(f.listener)], "client_ca_tls_container_ref: there is no secret lost"; got != want {
		t.Errorf("error is %q, want %q", got, want)
	}
	if _, err := f.shakeNow(); err == nil {
		t.Error("the listener serves without its CA")
	}
}

// A CA that cannot be read any more goes on being trusted, but not in place of another.
func TestClientCAIsLost(t *testing.T) {
	ca, auth := withClientCA(t, lb.ClientAuthMandatory)
	cert := ca.Issue(nil, "client")
	f := newTLSFront(t, Config{}, 0, auth)
	f.vault.put("clients", errors.New("gone"))
	f.touch()
	if _, err := f.enter(&cert, nil); err != nil {
		t.Errorf("while the CA cannot be read: %v", err)
	}
	if got, want := f.engine.View().Errors[string(f.listener)], "client_ca_tls_container_ref: gone"; got != want {
		t.Errorf("error is %q, want %q", got, want)
	}
	f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{ClientCARef: some("other")}})
	testenv.Eventually(t, limit, func() error {
		if _, err := f.shakeNow(); err == nil {
			return errors.New("the CA before is trusted in place of the new one")
		}
		return nil
	})
}

// A session that was made before its certificate was revoked is of no use after.
func TestResumptionIsCheckedAgain(t *testing.T) {
	ca, auth := withClientCA(t, lb.ClientAuthMandatory)
	cert := ca.Issue(nil, "client")
	f := newTLSFront(t, Config{}, 0, func(v *vault, s *lb.ListenerSpec) {
		auth(v, s)
		v.put("list", ca.Revoke(time.Now().Add(time.Hour)))
		s.ClientCRLRef = some("list")
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := tls.NewLRUClientSessionCache(0)
		resume := func(c *tls.Config) { c.ClientSessionCache, c.MaxVersion = cache, version }
		f.vault.put("list", ca.Revoke(time.Now().Add(time.Hour)))
		f.touch()
		for i := range 2 {
			c, err := f.enter(&cert, resume)
			if err != nil || c.ConnectionState().DidResume != (i == 1) {
				t.Fatalf("%s, connection %d: %v", tls.VersionName(version), i, err)
			}
		}
		f.vault.put("list", ca.Revoke(time.Now().Add(time.Hour), cert.Leaf))
		f.touch()
		if _, err := f.enter(&cert, resume); err == nil {
			t.Errorf("%s: a revoked client resumes", tls.VersionName(version))
		}
	}
}
