package node

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// keyTLS makes the TLS configuration of the port between nodes out of the
// cluster key: every node derives the same Ed25519 identity from it (HKDF, RFC
// 5869), presents it, and accepts nobody who does not. So one secret file
// guards gossip, raft and forwarded requests alike, and a stranger who reaches
// the port can neither read nor propose anything.
func keyTLS(key []byte) (*tls.Config, error) {
	seed, err := hkdf.Key(sha256.New, key, nil, "amphora node port identity v1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("derive node identity: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		// Nobody looks at the dates: holding the key is the whole proof.
		NotBefore: time.Unix(0, 0),
		NotAfter:  time.Unix(1<<33, 0),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, fmt.Errorf("make node certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: private}},
		ClientAuth:   tls.RequireAnyClientCert,
		// There is no name or authority to verify; VerifyConnection compares
		// the peer's key with ours, and TLS 1.3 proves that it holds it.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errOtherKey
			}
			theirs, ok := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			if !ok || !bytes.Equal(theirs, private.Public().(ed25519.PublicKey)) {
				return errOtherKey
			}
			return nil
		},
	}, nil
}

var errOtherKey = errors.New("the peer has another cluster key: compare the files named by cluster.key_file")
