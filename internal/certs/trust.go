package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
)

// ParseCA reads the PEM of one CA certificate or several.
func ParseCA(bundle []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		ca, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, invalid(msgInvalidCA, err)
		}
		all = append(all, ca)
	}
	if len(all) == 0 {
		return nil, invalid(msgInvalidCA, errors.New("there is no certificate in it"))
	}
	return all, nil
}

// ParseCRL reads the PEM of a revocation list, which one of cas must have signed.
func ParseCRL(bundle []byte, cas []*x509.Certificate) (*x509.RevocationList, error) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			continue
		}
		crl, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, invalid(msgInvalidCRL, err)
		}
		signed := func(ca *x509.Certificate) bool {
			// A CA without the extension for key usage may sign lists too (RFC 5280
			// section 4.2.1.3), which CheckSignatureFrom would refuse for those of version 1.
			return bytes.Equal(ca.RawSubject, crl.RawIssuer) && ca.CheckSignature(crl.SignatureAlgorithm, crl.RawTBSRevocationList, crl.Signature) == nil
		}
		if !slices.ContainsFunc(cas, signed) {
			return nil, invalid(msgForeignCRL)
		}
		return crl, nil
	}
	return nil, invalid(msgInvalidCRL, errors.New("there is no revocation list in it"))
}
