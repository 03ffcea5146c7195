package tlsx

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Trust is whose certificates are accepted. It is immutable.
type Trust struct {
	roots *x509.CertPool
	cas   []*x509.Certificate
	list  *x509.RevocationList // nil: none
	// revoked are the serial numbers of list.
	revoked map[string]struct{}
}

// NewTrust accepts what cas have signed and list, which may be nil, does not name.
func NewTrust(cas []*x509.Certificate, list *x509.RevocationList) *Trust {
	t := &Trust{roots: x509.NewCertPool(), cas: cas, list: list}
	for _, ca := range cas {
		t.roots.AddCert(ca)
	}
	if list != nil {
		t.revoked = make(map[string]struct{}, len(list.RevokedCertificateEntries))
		for _, e := range list.RevokedCertificateEntries {
			if e.ReasonCode != removeFromCRL {
				t.revoked[string(e.SerialNumber.Bytes())] = struct{}{}
			}
		}
	}
	return t
}

// removeFromCRL takes an entry back (RFC 5280 section 5.3.1).
const removeFromCRL = 8

var errNoChain = errors.New("the certificate leads to no CA that is trusted")

// Revocation refuses chains, which verification has found, unless the list speaks for
// one of them. As OpenSSL with a list does, it refuses what the list does not cover:
// once it is out of date, or for an issuer who has none.
func (t *Trust) Revocation(chains [][]*x509.Certificate, now time.Time) error {
	if t.list == nil {
		return nil
	}
	if next := t.list.NextUpdate; !next.IsZero() && now.After(next) {
		return fmt.Errorf("the revocation list is out of date since %s", next.Format(time.RFC3339))
	}
	err := errNoChain
	for _, chain := range chains {
		if err = t.covers(chain); err == nil {
			return nil
		}
	}
	return err
}

func (t *Trust) covers(chain []*x509.Certificate) error {
	for _, c := range chain[:len(chain)-1] {
		if string(c.RawIssuer) != string(t.list.RawIssuer) {
			return fmt.Errorf("there is no revocation list of %s", c.Issuer)
		}
		if _, ok := t.revoked[string(c.SerialNumber.Bytes())]; ok {
			return fmt.Errorf("certificate %x is revoked", c.SerialNumber)
		}
	}
	return nil
}
