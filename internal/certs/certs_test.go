package certs_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/amphora-lb/amphora/internal/certs"
)

// authority signs certificates and revocation lists.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	return must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func newCA(t *testing.T, name string) authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return authority{must[*x509.Certificate](t)(x509.ParseCertificate(der)), key}
}

// issue makes a certificate for key. Names: the common name, then DNS names.
func (a authority) issue(t *testing.T, key crypto.Signer, names ...string) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour)}
	if len(names) > 0 {
		template.Subject.CommonName, template.DNSNames = names[0], names[1:]
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key))
	return must[*x509.Certificate](t)(x509.ParseCertificate(der))
}

func (a authority) crl(t *testing.T) []byte {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	der := must[[]byte](t)(x509.CreateRevocationList(rand.Reader, template, a.cert, a.key))
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func certPEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

func keyPEM(t *testing.T, key any) []byte {
	t.Helper()
	der := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestParse(t *testing.T) {
	ca := newCA(t, "ca")
	key, other := newKey(t), newKey(t)
	leaf := ca.issue(t, key, "WWW.example.org", "example.org", "www.example.org")
	rsaKey := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1 := must[[]byte](t)(x509.MarshalECPrivateKey(key))
	p12 := func(password string, enc *pkcs12.Encoder) []byte {
		return must[[]byte](t)(enc.Encode(key, leaf, []*x509.Certificate{ca.cert}, password))
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	encrypted := must[[]byte](t)(pkcs8.MarshalPrivateKey(key, []byte("secret"), nil))

	for name, tt := range map[string]struct {
		bundle []byte
		chain  int
		err    string // "" or a part of it
	}{
		"pem":                     {join(certPEM(leaf), keyPEM(t, key)), 1, ""},
		"pem, key first":          {join(keyPEM(t, key), certPEM(leaf, ca.cert)), 2, ""},
		"pem, intermediate first": {join(certPEM(ca.cert, leaf), keyPEM(t, key)), 2, ""},
		"pem, EC key":             {join(certPEM(leaf), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})), 1, ""},
		"pem, RSA key": {join(certPEM(ca.issue(t, rsaKey, "r")),
			pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})), 1, ""},
		"pem, Ed25519 key":    {join(certPEM(ca.issue(t, edKey, "e")), keyPEM(t, edKey)), 1, ""},
		"pkcs12":              {p12("", pkcs12.Modern), 2, ""},
		"pkcs12, old ciphers": {p12("", pkcs12.Legacy), 2, ""},
		"pkcs12, password":    {p12("secret", pkcs12.Modern), 0, "The PKCS12 bundle is unreadable."},
		"neither":             {[]byte("hello"), 0, "The PKCS12 bundle is unreadable."},
		"empty":               {nil, 0, "The PKCS12 bundle is unreadable."},
		"no certificate":      {keyPEM(t, key), 0, "Could not read X509 from PEM"},
		"broken certificate":  {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), 0, "Could not read X509 from PEM"},
		"no key":              {certPEM(leaf), 0, "no private key"},
		"broken key":          {join(certPEM(leaf), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})), 0, "private key cannot be read"},
		"encrypted key":       {join(certPEM(leaf), pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: encrypted})), 0, "Passphrase needed"},
		"another's key":       {join(certPEM(leaf), keyPEM(t, other)), 0, "Key and x509 certificate do not match"},
		"no names":            {join(certPEM(ca.issue(t, key)), keyPEM(t, key)), 0, "No CN or DNSName(s) found"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := certs.Parse(tt.bundle)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want an error with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Chain) != tt.chain || len(got.TLS().Certificate) != tt.chain {
				t.Errorf("chain of %d", len(got.Chain))
			}
			chain, key := must2(got.PEM())(t)
			again, err := certs.Parse(append(chain, key...))
			if err != nil || !again.Chain[0].Equal(got.Chain[0]) {
				t.Errorf("its PEM gives %v", err)
			}
		})
	}
	got, err := certs.Parse(join(certPEM(leaf), keyPEM(t, key)))
	if want := []string{"www.example.org", "example.org"}; err != nil || !slices.Equal(got.Names(), want) {
		t.Errorf("names are %v, want %v", got.Names(), want)
	}
}

func must2(a, b []byte, err error) func(*testing.T) ([]byte, []byte) {
	return func(t *testing.T) ([]byte, []byte) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
}

func TestTrust(t *testing.T) {
	ca, other := newCA(t, "ca"), newCA(t, "other")
	if _, err := certs.ParseCA([]byte("x")); err == nil || !strings.Contains(err.Error(), "CA certificate is invalid") {
		t.Errorf("no PEM: %v", err)
	}
	if _, err := certs.ParseCA(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})); err == nil {
		t.Error("a broken certificate passes")
	}
	cas, err := certs.ParseCA(certPEM(other.cert, ca.cert))
	if err != nil || len(cas) != 2 {
		t.Fatalf("two: %d, %v", len(cas), err)
	}
	if _, err := certs.ParseCRL(ca.crl(t), cas); err != nil {
		t.Error(err)
	}
	if _, err := certs.ParseCRL(ca.crl(t), cas[:1]); err == nil || !strings.Contains(err.Error(), "not signed by") {
		t.Errorf("another's list: %v", err)
	}
	for name, bad := range map[string][]byte{"no PEM": []byte("x"), "broken": pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("x")})} {
		if _, err := certs.ParseCRL(bad, cas); err == nil || !strings.Contains(err.Error(), "revocation list is invalid") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
