// Package testpki makes certificates for tests: authorities, certificates and
// revocation lists, with ECDSA P-256 keys unless asked for others. It must never be
// linked into a shipped binary, and owns no file.
package testpki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

var serial atomic.Int64

// CA is a certificate authority.
type CA struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	t    testenv.TB
}

// NewCA makes an authority that has signed itself.
func NewCA(t testenv.TB, name string) *CA {
	t.Helper()
	return issueCA(t, name, nil)
}

// Intermediate makes an authority below ca.
func (ca *CA) Intermediate(name string) *CA {
	ca.t.Helper()
	return issueCA(ca.t, name, ca)
}

func issueCA(t testenv.TB, name string, above *CA) *CA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	ca := &CA{Key: key, t: t}
	if above == nil {
		ca.Cert = sign(t, template, template, key.Public(), key)
	} else {
		ca.Cert = sign(t, template, above.Cert, key.Public(), above.Key)
	}
	return ca
}

// Issue makes a certificate for servers and clients that is for names, the first of
// which is its common name too. edit, which may be nil, changes it before it is signed.
func (ca *CA) Issue(edit func(*x509.Certificate), names ...string) tls.Certificate {
	ca.t.Helper()
	return ca.issue(newKey(ca.t), edit, names...)
}

// IssueRSA is Issue with an RSA key of 2048 bits.
func (ca *CA) IssueRSA(edit func(*x509.Certificate), names ...string) tls.Certificate {
	ca.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		ca.t.Fatalf("make RSA key: %v", err)
	}
	return ca.issue(key, edit, names...)
}

func (ca *CA) issue(key crypto.Signer, edit func(*x509.Certificate), names ...string) tls.Certificate {
	ca.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(names) > 0 {
		template.Subject.CommonName = names[0]
	}
	if edit != nil {
		edit(template)
	}
	leaf := sign(ca.t, template, ca.Cert, key.Public(), ca.Key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, ca.Cert.Raw}, PrivateKey: key, Leaf: leaf}
}

// Revoke makes a revocation list that names certs and is good until next.
func (ca *CA) Revoke(next time.Time, certs ...*x509.Certificate) *x509.RevocationList {
	ca.t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(serial.Add(1)), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: next}
	for _, c := range certs {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: c.SerialNumber, RevocationTime: time.Now().Add(-time.Minute),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, ca.Cert, ca.Key)
	if err != nil {
		ca.t.Fatalf("make revocation list: %v", err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		ca.t.Fatalf("read revocation list: %v", err)
	}
	return list
}

// Pool is a pool of ca alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	return pool
}

func newKey(t testenv.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make key: %v", err)
	}
	return key
}

func sign(t testenv.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatalf("sign certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("read certificate: %v", err)
	}
	return cert
}
