package proxy

import (
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

// withClientCA lets clients show certificates of a new CA.
func withClientCA(t testing.TB, auth lb.ClientAuth) (*testpki.CA, func(*vault, *lb.ListenerSpec)) {
	ca := testpki.NewCA(t, "client CA")
	return ca, func(v *vault, s *lb.ListenerSpec) {
		v.put("clients", []*x509.Certificate{ca.Cert})
		s.ClientCARef, s.ClientAuth = some("clients"), some(auth)
	}
}

func allCertHeaders() map[string]string {
	all := map[string]string{}
	for _, h := range certHeaders {
		all[h.name] = "True"
	}
	return all
}

func TestCertificateHeaders(t *testing.T) {
	ca, auth := withClientCA(t, lb.ClientAuthOptional)
	f := newTLSFront(t, Config{}, 1, func(v *vault, s *lb.ListenerSpec) {
		auth(v, s)
		s.InsertHeaders = some(allCertHeaders())
	})
	shown := ca.Issue(func(c *x509.Certificate) {
		c.Subject = pkix.Name{
			Country: []string{"DE"}, Organization: []string{"Evil \"Corp\"\r\nX-Admin: 1"}, CommonName: "Müller",
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: "odd"}},
		}
	})
	forged := "X-SSL-Client-Verify: 7\nx-ssl-client-dn: /CN=root\nX-SSL-Client-Serial: 1\nX-SSL-Issuer: me\nX_SSL_Client_DN: /CN=root\nx-ssl_issuer: me\n"

	cfg := f.config()
	cfg.Certificates = []tls.Certificate{shown}
	c := f.secure(cfg)
	c.send("GET / HTTP/1.1\nHost: a\n%sConnection: X-SSL-Client-CN\n\n", forged)
	m := f.member(0)
	dn := `/C=DE/O=Evil \x22Corp\x22\x0D\x0AX-Admin: 1/CN=M\xC3\xBCller/1.2.3.4=odd`
	head := m.wantHead("GET / HTTP/1.1",
		"X-SSL-Client-Verify: 0", "X-SSL-Client-Has-Cert: 1",
		`X-SSL-Client-DN: "`+dn+`"`, `X-SSL-Client-CN: "M\xC3\xBCller"`, `X-SSL-Issuer: "/CN=client CA"`,
		fmt.Sprintf(`X-SSL-Client-SHA1: "%X"`, sha1.Sum(shown.Certificate[0])),
		`X-SSL-Client-Not-Before: "`+shown.Leaf.NotBefore.UTC().Format("060102150405Z")+`"`,
		`X-SSL-Client-Not-After: "`+shown.Leaf.NotAfter.UTC().Format("060102150405Z")+`"`,
	)
	for _, lie := range []string{"/CN=root", "Serial", ": me", "Verify: 7"} {
		if strings.Contains(head, lie) {
			t.Errorf("the member is told %q by the client:\n%s", lie, head)
		}
	}
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")

	c = f.secure(f.config())
	c.send("GET / HTTP/1.1\nHost: a\n%s\n", forged)
	head = m.wantHead("GET / HTTP/1.1", "X-SSL-Client-Verify: 0", "X-SSL-Client-Has-Cert: 0", `X-SSL-Client-DN: ""`, `X-SSL-Issuer: ""`)
	if strings.Contains(head, "root") {
		t.Errorf("the client without a certificate says who it is:\n%s", head)
	}
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")

	// Switched off, what clients say passes as it is, as in HAProxy.
	f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{InsertHeaders: lb.Null[map[string]string]()}})
	c.send("GET / HTTP/1.1\nHost: a\nX-SSL-Client-DN: mine\n\n")
	m.wantHead("GET / HTTP/1.1", "X-SSL-Client-DN: mine")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
}

func TestHSTS(t *testing.T) {
	for want, edit := range map[string]func(*lb.ListenerSpec){
		"max-age=31536000;": func(s *lb.ListenerSpec) { s.HSTSMaxAge = some(31536000) },
		"max-age=0; includeSubDomains; preload;": func(s *lb.ListenerSpec) {
			s.HSTSMaxAge, s.HSTSIncludeSubdomains, s.HSTSPreload = some(0), some(true), some(true)
		},
		"": nil,
	} {
		f := newTLSFront(t, Config{}, 1, func(_ *vault, s *lb.ListenerSpec) {
			if edit != nil {
				edit(s)
			}
		})
		c := f.secure(f.config())
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		m := f.member(0)
		m.head()
		m.send("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 0\nstrict-transport-security: max-age=1\n\n")
		if head := c.wantHead("HTTP/1.1 100 Continue"); strings.Contains(head, "Strict") {
			t.Errorf("an interim response has it: %s", head)
		}
		line := "Strict-Transport-Security: " + want
		if want == "" {
			line += "max-age=1"
		}
		head := c.wantHead("HTTP/1.1 200 OK", line)
		if n := strings.Count(strings.ToLower(head), "strict-transport-security"); n != 1 {
			t.Errorf("%d such lines:\n%s", n, head)
		}
	}
}
