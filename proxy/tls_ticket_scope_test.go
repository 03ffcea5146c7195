package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/amphora-lb/amphora/internal/testpki"
	"github.com/amphora-lb/amphora/lb"
)

// A ticket ends with what its session was made under: the certificate that was shown, and whom the listener trusts.
func TestTicketsEndWithTheirScope(t *testing.T) {
	clients := testpki.NewCA(t, "client CA")
	for name, tt := range map[string]struct {
		change func(f *tlsFront)
		asks   string // for which server the second time
		kept   bool
	}{
		"nothing":          {func(*tlsFront) {}, "www.example.com", true},
		"something else":   {func(f *tlsFront) { f.touch() }, "www.example.com", true},
		"other SNI secret": {func(f *tlsFront) { f.vault.put("other", f.ca.Issue(nil, "other.example.com")); f.touch() }, "www.example.com", true},
		"certificate":      {func(f *tlsFront) { f.vault.put("default", f.ca.Issue(nil, "www.example.com")); f.touch() }, "www.example.com", false},
		"another name":     {func(*tlsFront) {}, "other.example.com", false},
		"client auth": {func(f *tlsFront) {
			f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{ClientAuth: some(lb.ClientAuthMandatory)}})
		}, "www.example.com", false},
		"client CA": {func(f *tlsFront) {
			f.vault.put("clients", []*x509.Certificate{clients.Cert, testpki.NewCA(t, "another").Cert})
			f.touch()
		}, "www.example.com", false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+", "+tls.VersionName(version), func(t *testing.T) {
				f := newTLSFront(t, Config{}, 0, func(v *vault, s *lb.ListenerSpec) {
					v.put("clients", []*x509.Certificate{clients.Cert})
					s.ClientCARef, s.ClientAuth = some("clients"), some(lb.ClientAuthOptional)
				})
				f.vault.put("other", f.ca.Issue(nil, "other.example.com"))
				f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{SNIRefs: some([]string{"other"})}})
				mine := clients.Issue(nil, "me")
				cache := new(oneSession)
				resumed := func(asks string) bool {
					conn, err := f.enter(nil, func(c *tls.Config) {
						c.ClientSessionCache, c.MaxVersion, c.ServerName = cache, version, asks
						c.Certificates, c.InsecureSkipVerify = []tls.Certificate{mine}, true
					})
					if err != nil {
						t.Fatal(err)
					}
					return conn.ConnectionState().DidResume
				}
				if resumed("www.example.com") {
					t.Fatal("the first connection resumes a session")
				}
				if !resumed("www.example.com") {
					t.Fatal("sessions are not resumed at all")
				}
				tt.change(f)
				if got := resumed(tt.asks); got != tt.kept {
					t.Errorf("resumed is %v, want %v", got, tt.kept)
				}
			})
		}
	}
}

// oneSession keeps the newest session, for every name.
type oneSession struct{ state *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.state, o.state != nil }

func (o *oneSession) Put(_ string, s *tls.ClientSessionState) {
	if s != nil {
		o.state = s
	}
}
