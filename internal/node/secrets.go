package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"

	"github.com/amphora-lb/amphora/internal/certs"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy"
)

// secrets is what the engine sees of the resolver of references. What it says of a secret
// that cannot be read becomes the reason of a status, which a project's users see: the
// cause is only logged.
type secrets struct {
	resolver *certs.Resolver
	log      *slog.Logger
}

var _ proxy.Secrets = secrets{}

// Certificate implements [proxy.Secrets].
func (s secrets) Certificate(ctx context.Context, ref, project string) (tls.Certificate, error) {
	found, err := s.resolver.Certificate(ctx, ref, project)
	if err != nil {
		return tls.Certificate{}, s.reason(ref, err)
	}
	return found.TLS(), nil
}

// CA implements [proxy.Secrets].
func (s secrets) CA(ctx context.Context, ref, project string) ([]*x509.Certificate, error) {
	found, err := s.resolver.CA(ctx, ref, project)
	return found, s.reason(ref, err)
}

// CRL implements [proxy.Secrets].
func (s secrets) CRL(ctx context.Context, ref, project string, cas []*x509.Certificate) (*x509.RevocationList, error) {
	found, err := s.resolver.CRL(ctx, ref, project, cas)
	return found, s.reason(ref, err)
}

// Version implements [proxy.Secrets].
func (s secrets) Version(cfg *lb.Config, ref string) uint64 { return s.resolver.Version(cfg, ref) }

// reason is what users are told.
func (s secrets) reason(ref string, err error) error {
	if err == nil {
		return nil
	}
	s.log.Warn("secret cannot be read", "ref", ref, logkey.Err, err)
	if told := (*lb.Error)(nil); errors.As(err, &told) {
		return errors.New(told.Msg)
	}
	return err
}
