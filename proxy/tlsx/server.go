package tlsx

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// ServerConfig is what the TLS of a listener is made of.
type ServerConfig struct {
	Listener   lb.ListenerID // tickets are good there only
	Params     lb.TLSParams
	Protocols  []string // those of Params.ALPN that can be served
	Store      *Store
	ClientAuth lb.ClientAuth
	Trust      *Trust // nil: ClientAuth is NONE
	Tickets    *Tickets
	Now        func() time.Time // nil: time.Now
}

// Server returns the configuration for [tls.Server]. It is never changed. The error says
// what of Params cannot be served.
func Server(c ServerConfig) (*tls.Config, error) {
	p, err := read(c.Params, c.Protocols)
	if err != nil {
		return nil, err
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	cfg := &tls.Config{GetCertificate: c.Store.Get, Time: now}
	p.apply(cfg)
	switch c.ClientAuth {
	case lb.ClientAuthOptional:
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	case lb.ClientAuthMandatory:
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if cfg.ClientAuth != tls.NoClientCert {
		cfg.ClientCAs = c.Trust.roots
		// Not VerifyPeerCertificate: a resumed session can have been revoked meanwhile.
		cfg.VerifyConnection = func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 {
				return nil
			}
			return c.Trust.Revocation(cs.VerifiedChains, now())
		}
	}
	fixed := c.scope()
	c.Tickets.enable(cfg, func(name string) []byte { return c.Store.scope(fixed, name) })
	if p.gap() {
		whole := cfg
		cfg = whole.Clone()
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			v, err := p.pick(hello.SupportedVersions)
			if err != nil {
				return nil, err
			}
			one := whole.Clone()
			one.MinVersion, one.MaxVersion = v, v
			return one, nil
		}
	}
	return cfg, nil
}

// scope is what sessions must not leave, whatever the name: the listener, and whom it trusts.
func (c ServerConfig) scope() []byte {
	h := sha256.New()
	put := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	put([]byte(c.Listener))
	put([]byte(c.ClientAuth))
	if c.Trust != nil {
		for _, ca := range c.Trust.cas {
			put(ca.Raw)
		}
	}
	return h.Sum(nil)
}

// ClientCertificate is the verified certificate of the client, nil if it showed none.
func ClientCertificate(cs *tls.ConnectionState) *x509.Certificate {
	if len(cs.VerifiedChains) == 0 || len(cs.PeerCertificates) == 0 {
		return nil
	}
	return cs.PeerCertificates[0]
}
