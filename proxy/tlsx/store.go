package tlsx

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
)

// Certificate is a certificate as it is shown, with the newest OCSP response. Its
// methods may be called from any number of goroutines.
type Certificate struct {
	shown  atomic.Pointer[tls.Certificate]
	print  [sha256.Size]byte // of the certificate itself
	names  []string          // lower case
	issuer *x509.Certificate // nil: the chain does not have it
}

// NewCertificate makes a Certificate of one with its key and its chain.
func NewCertificate(c tls.Certificate) (*Certificate, error) {
	if len(c.Certificate) == 0 || c.PrivateKey == nil {
		return nil, errors.New("the certificate or its key is missing")
	}
	if c.Leaf == nil {
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			return nil, err
		}
		c.Leaf = leaf
	}
	out := &Certificate{print: sha256.Sum256(c.Leaf.Raw)}
	for _, name := range append([]string{c.Leaf.Subject.CommonName}, c.Leaf.DNSNames...) {
		if name = strings.ToLower(name); name != "" && !slices.Contains(out.names, name) {
			out.names = append(out.names, name)
		}
	}
	for _, der := range c.Certificate[1:] {
		if ca, err := x509.ParseCertificate(der); err == nil && c.Leaf.CheckSignatureFrom(ca) == nil {
			out.issuer = ca
			break
		}
	}
	out.shown.Store(&c)
	return out, nil
}

// Leaf is the certificate itself.
func (c *Certificate) Leaf() *x509.Certificate { return c.shown.Load().Leaf }

// Store finds the certificate for a server name. It is immutable.
type Store struct {
	fallback []*Certificate            // for clients that name nothing, or nothing that is known
	exact    map[string][]*Certificate // by name
	wildcard map[string][]*Certificate // by what follows "*."
}

// NewStore makes a Store. The first certificate is the one for clients that name nothing
// known. Of several for one name the first that a client supports is shown: an ECDSA and
// an RSA certificate can be side by side.
func NewStore(all []*Certificate) *Store {
	s := &Store{exact: map[string][]*Certificate{}, wildcard: map[string][]*Certificate{}}
	for _, c := range all {
		for _, name := range c.names {
			if rest, ok := strings.CutPrefix(name, "*."); ok {
				s.wildcard[rest] = append(s.wildcard[rest], c)
			} else {
				s.exact[name] = append(s.exact[name], c)
			}
		}
	}
	if len(all) > 0 {
		s.fallback = all[:1:1]
		for _, c := range all[1:] {
			if len(c.names) > 0 && slices.Contains(all[0].names, c.names[0]) {
				s.fallback = append(s.fallback, c)
			}
		}
	}
	return s
}

// Strict is a Store of the same certificates that has none for clients that name nothing
// known: the one for them cannot be had, and another one would be a wrong name.
func (s *Store) Strict() *Store { return &Store{exact: s.exact, wildcard: s.wildcard} }

// Get is the GetCertificate of a [tls.Config]. An exact name comes before a wildcard,
// which stands for one label (RFC 6125 section 6.4.3). Without a certificate, and then
// without an error, crypto/tls sends the alert unrecognized_name (RFC 6066 section 3).
func (s *Store) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	found := s.find(hello.ServerName)
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	if len(found) > 1 {
		other := *hello
		other.ServerName = "" // which of the names it is was settled by find
		for _, c := range found {
			if shown := c.shown.Load(); other.SupportsCertificate(shown) == nil {
				return shown, nil
			}
		}
	}
	return found[0].shown.Load(), nil
}

// scope is fixed together with the certificates that a client which asks for name may be shown. A session that was made with
// another one is not resumed: who revokes or replaces a certificate is rid of it at once, and not when the last ticket is too old.
func (s *Store) scope(fixed []byte, name string) []byte {
	h := sha256.New()
	h.Write(fixed)
	for _, c := range s.find(name) {
		h.Write(c.print[:])
	}
	return h.Sum(nil)
}

func (s *Store) find(name string) []*Certificate {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if found := s.exact[name]; found != nil {
		return found
	}
	if _, rest, ok := strings.Cut(name, "."); ok {
		if found := s.wildcard[rest]; found != nil {
			return found
		}
	}
	return s.fallback
}
