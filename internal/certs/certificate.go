package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// Certificate is a certificate with its private key and what leads to its root.
type Certificate struct {
	Chain []*x509.Certificate // the certificate itself, then the intermediates as given
	Key   crypto.Signer       // RSA, ECDSA or Ed25519
}

// TLS is the certificate for crypto/tls.
func (c *Certificate) TLS() tls.Certificate {
	out := tls.Certificate{PrivateKey: c.Key, Leaf: c.Chain[0]}
	for _, each := range c.Chain {
		out.Certificate = append(out.Certificate, each.Raw)
	}
	return out
}

// Names are the hosts that it is for, in lower case: the common name first, then the DNS
// names, without duplicates.
func (c *Certificate) Names() []string {
	var names []string
	for _, name := range append([]string{c.Chain[0].Subject.CommonName}, c.Chain[0].DNSNames...) {
		if name = strings.ToLower(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// PEM is the chain and the key, unencrypted, as files have them.
func (c *Certificate) PEM() (chain, key []byte, err error) {
	var b bytes.Buffer
	for _, each := range c.Chain {
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: each.Raw}); err != nil {
			return nil, nil, err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, nil, err
	}
	return b.Bytes(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Parse reads a bundle in one piece: PKCS#12 without a pass phrase, or certificate, key
// and intermediates as PEM.
func Parse(bundle []byte) (*Certificate, error) {
	if bytes.Contains(bundle, []byte("-----BEGIN ")) {
		return parsePEM(bundle, nil)
	}
	key, leaf, rest, err := pkcs12.DecodeChain(bundle, "")
	if err != nil {
		return nil, invalid(msgUnreadablePKCS12, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, invalid(msgMismatchedKey)
	}
	return checked(append([]*x509.Certificate{leaf}, rest...), signer)
}

// parsePEM reads certificates and one key. passphrase is that of the key, nil for none.
func parsePEM(bundle, passphrase []byte) (*Certificate, error) {
	var chain []*x509.Certificate
	var key crypto.Signer
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, invalid(msgUnreadableCert)
			}
			chain = append(chain, cert)
		case strings.HasSuffix(block.Type, "PRIVATE KEY") && key == nil:
			var err error
			if key, err = parseKey(block, passphrase); err != nil {
				return nil, err
			}
		}
	}
	if len(chain) == 0 {
		return nil, invalid(msgUnreadableCert)
	}
	if key == nil {
		return nil, invalid("There is no private key for the certificate: store a PKCS12 bundle, a PEM bundle that has both, or a container.")
	}
	return checked(chain, key)
}

func parseKey(block *pem.Block, passphrase []byte) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		// The old way of encrypting a key is no protection, and crypto/x509 has given
		// it up; what is read here is what openssl has written since version 1.0.
		if block.Headers["DEK-Info"] != "" {
			return nil, invalid("The private key is encrypted in the way of old PEM files, convert it with: openssl pkcs8 -topk8")
		}
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		if len(passphrase) == 0 {
			return nil, invalid(msgNeedsPassphrase)
		}
		key, err = pkcs8.ParsePKCS8PrivateKey(block.Bytes, passphrase)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, invalid("The private key cannot be read, it must be RSA, EC or PKCS8 in PEM form.")
	}
	return signer, nil
}

// checked puts the certificate that key belongs to first, and checks it.
func checked(chain []*x509.Certificate, key crypto.Signer) (*Certificate, error) {
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
	default:
		return nil, invalid("Private keys of type %T are not served, use RSA, ECDSA or Ed25519.", key)
	}
	public, _ := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	i := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return public.Equal(c.PublicKey) })
	if i < 0 {
		return nil, invalid(msgMismatchedKey)
	}
	leaf := chain[i]
	c := &Certificate{Chain: append([]*x509.Certificate{leaf}, slices.Delete(slices.Clone(chain), i, i+1)...), Key: key}
	if len(c.Names()) == 0 {
		return nil, invalid(msgNoNames)
	}
	return c, nil
}
