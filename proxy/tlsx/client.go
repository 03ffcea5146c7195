package tlsx

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// ClientConfig is what the TLS of a pool to its members is made of.
type ClientConfig struct {
	Params      lb.TLSParams
	Protocols   []string     // those of Params.ALPN that can be spoken; none: no ALPN
	Certificate *Certificate // nil: none
	Trust       *Trust       // nil: members are not verified
	Now         func() time.Time
}

// Client makes configurations for connections to the members of a pool. It is immutable
// but for a cache of sessions, and may be used by any number of goroutines.
type Client struct {
	base     *tls.Config
	trust    *Trust
	now      func() time.Time
	sessions tls.ClientSessionCache
}

// maxSessions bounds the sessions that are kept for one pool.
const maxSessions = 256

// NewClient makes a Client. The error says what of Params cannot be done.
func NewClient(c ClientConfig) (*Client, error) {
	p, err := read(c.Params, c.Protocols)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Protocols) == 0 {
		p.alpn = nil
	}
	k := &Client{trust: c.Trust, now: c.Now, sessions: tls.NewLRUClientSessionCache(maxSessions)}
	// The check of crypto/tls needs a name, which there is only if the client gave one.
	k.base = &tls.Config{InsecureSkipVerify: true, Time: c.Now}
	p.apply(k.base)
	if p.gap() { // a client must offer a range
		for p.gap() {
			p.versions = p.versions[1:]
		}
		p.apply(k.base)
	}
	if c.Certificate != nil {
		shown := c.Certificate
		k.base.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return shown.shown.Load(), nil
		}
	}
	return k, nil
}

// Config is the configuration for a new connection to a member, on behalf of a client
// that asked for that server name; "" if it asked for none.
func (k *Client) Config(member lb.MemberID, serverName string) *tls.Config {
	cfg := k.base.Clone()
	cfg.ServerName = serverName
	cfg.ClientSessionCache = ofMember{k.sessions, string(member) + "/" + serverName}
	if k.trust != nil {
		cfg.VerifyConnection = func(cs tls.ConnectionState) error { return k.verify(cs, serverName) }
	}
	return cfg
}

// verify checks the member's certificate, and its name if the client asked for one, as
// HAProxy does with "verify required" and "sni". It runs on resumption too.
func (k *Client) verify(cs tls.ConnectionState, serverName string) error {
	opts := x509.VerifyOptions{
		Roots: k.trust.roots, Intermediates: x509.NewCertPool(), DNSName: serverName, CurrentTime: k.now(),
	}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := cs.PeerCertificates[0].Verify(opts)
	if err != nil {
		return err
	}
	return k.trust.Revocation(chains, k.now())
}

// ofMember keeps the sessions of members apart, which crypto/tls would take for one
// server when they have one name.
type ofMember struct {
	tls.ClientSessionCache
	key string
}

// Get implements [tls.ClientSessionCache].
func (c ofMember) Get(string) (*tls.ClientSessionState, bool) {
	return c.ClientSessionCache.Get(c.key)
}

// Put implements [tls.ClientSessionCache].
func (c ofMember) Put(_ string, s *tls.ClientSessionState) { c.ClientSessionCache.Put(c.key, s) }
