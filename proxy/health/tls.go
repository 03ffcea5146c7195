package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/amphora-lb/amphora/lb"
)

// handshake opens TLS on conn, as the engine would if the pool has settings for it,
// else without verifying anything ("check-ssl verify none").
func handshake(ctx context.Context, cfg *Config, t Target, conn net.Conn) (net.Conn, error) {
	if t.TLS {
		if settings := cfg.TLS(t); settings != nil {
			secure := tls.Client(conn, settings)
			return secure, secure.HandshakeContext(ctx)
		}
	}
	settings := asking.Clone()
	settings.ServerName = t.Host
	greeted := false
	settings.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error {
		greeted = true
		return nil
	}
	secure := tls.Client(conn, settings)
	err := secure.HandshakeContext(ctx)
	if greeted && t.Type == lb.MonitorTLSHello {
		// The hello is there. That the member wants a certificate of ours, or anything
		// else, is between it and its clients.
		return secure, nil
	}
	return secure, err
}

// asking is how a check speaks TLS to a member whose clients do it by themselves:
// whatever crypto/tls knows will do. It asks whether the member answers, not whether
// that is safe.
var asking = &tls.Config{
	InsecureSkipVerify: true,             //nolint:gosec // see above
	MinVersion:         tls.VersionTLS10, //nolint:gosec // see above
	CipherSuites:       everySuite(),
	// Nothing is kept between checks: a resumed session would not show a member that
	// has lost its key.
	ClientSessionCache: nil,
}

func everySuite() (ids []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}
