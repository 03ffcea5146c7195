package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// Opener opens what was sealed for the secret with that id.
type Opener interface {
	Open(id string, sealed []byte) ([]byte, error)
}

// Source is a store of secrets elsewhere. Its methods may be called from any number of
// goroutines, and return when ctx ends. An error that wraps lb.ErrUnavailable says that
// asking again may help.
type Source interface {
	// Owns reports whether ref is a URL of this store.
	Owns(ref string) bool
	// Secret returns the payload of the secret with that id.
	Secret(ctx context.Context, id string) ([]byte, error)
	// Container returns the ids of the secrets of a container, by their names there.
	Container(ctx context.Context, id string) (map[string]string, error)
}

// Answered is an error of a [Source] that is there, but fails at one secret: others are
// still worth asking for.
type Answered struct{ Err error }

func (e *Answered) Error() string { return e.Err.Error() }

// Unwrap returns what was answered.
func (e *Answered) Unwrap() error { return e.Err }

// Config says where secrets are.
type Config struct {
	// Objects is the configuration of this cluster, as it is when it is called.
	Objects func() *lb.Config
	Opener  Opener
	// Elsewhere is asked for the references that it owns, and for those that the
	// configuration does not know. nil: nobody is.
	Elsewhere Source
	Now       func() time.Time // nil: time.Now
}

// Resolver finds what references name. All methods may be called from any number of
// goroutines. It keeps nothing: each call reads anew.
type Resolver struct{ cfg Config }

// New returns a resolver.
func New(cfg Config) *Resolver {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Resolver{cfg}
}

// Certificate returns the certificate that ref names, for a load balancer of project. It
// blocks while another machine is asked. Errors are lb.ErrInvalid with Octavia's texts.
func (r *Resolver) Certificate(ctx context.Context, ref, project string) (*Certificate, error) {
	found, err := r.read(ctx, ref, project)
	if err != nil {
		return nil, notRetrieved([]string{ref}, err)
	}
	return found.certificate()
}

// CA returns the certificates that ref names; see [Resolver.Certificate].
func (r *Resolver) CA(ctx context.Context, ref, project string) ([]*x509.Certificate, error) {
	pem, err := r.secret(ctx, ref, project)
	if err != nil {
		return nil, err
	}
	return ParseCA(pem)
}

// CRL returns the revocation list that ref names, which one of cas must have signed; see
// [Resolver.Certificate].
func (r *Resolver) CRL(ctx context.Context, ref, project string, cas []*x509.Certificate) (*x509.RevocationList, error) {
	pem, err := r.secret(ctx, ref, project)
	if err != nil {
		return nil, err
	}
	return ParseCRL(pem, cas)
}

// CheckCertificates refuses references that a listener or a pool cannot show. It names
// all that lead to nothing.
func (r *Resolver) CheckCertificates(ctx context.Context, project string, refs ...string) error {
	var lost []string
	var causes []error
	for _, ref := range refs {
		found, err := r.read(ctx, ref, project)
		if err != nil {
			lost, causes = append(lost, ref), append(causes, err)
		} else if _, err := found.certificate(); err != nil {
			return err
		}
	}
	if len(lost) > 0 {
		return notRetrieved(lost, causes...)
	}
	return nil
}

// CheckTrust refuses references to a CA and to its revocation list that cannot be used.
// crl may be empty.
func (r *Resolver) CheckTrust(ctx context.Context, project, ca, crl string) error {
	cas, err := r.CA(ctx, ca, project)
	if err != nil || crl == "" {
		return err
	}
	_, err = r.CRL(ctx, crl, project, cas)
	return err
}

// followed is a Source that keeps copies: a [Follower].
type followed interface {
	Version(ref string) uint64
	Warning(ref string) string
}

// elsewhereBit tells versions of what is elsewhere from those of what is here.
const elsewhereBit = 1 << 63

// Version is as the function of that name, and knows what a [Follower] read elsewhere too.
func (r *Resolver) Version(cfg *lb.Config, ref string) uint64 {
	if v := Version(cfg, ref); v > 0 {
		return v
	}
	if f, ok := r.cfg.Elsewhere.(followed); ok {
		if v := f.Version(ref); v > 0 {
			return v | elsewhereBit
		}
	}
	return 0
}

// Warning says what is not well with what ref names, though it can be read; "" as a rule.
func (r *Resolver) Warning(ref string) string {
	if f, ok := r.cfg.Elsewhere.(followed); ok {
		return f.Warning(ref)
	}
	return ""
}

// Version is another number whenever what ref names in the configuration cfg has changed,
// and 0 when it names nothing there. Comparing it on each new configuration tells when to
// read a certificate again.
func Version(cfg *lb.Config, ref string) uint64 {
	at, ok := parseRef(ref)
	if !ok {
		return 0
	}
	if s, ok := cfg.Secret(lb.SecretID(at.id)); ok && at.secret {
		return s.Revision
	}
	box, ok := cfg.SecretContainer(lb.SecretContainerID(at.id))
	if !ok || !at.container {
		return 0
	}
	newest := box.Revision
	for _, c := range box.Secrets {
		if s, ok := cfg.Secret(c.SecretID); ok {
			newest = max(newest, s.Revision)
		}
	}
	return newest
}

// secret reads a reference that must not be a container's.
func (r *Resolver) secret(ctx context.Context, ref, project string) ([]byte, error) {
	found, err := r.read(ctx, ref, project)
	if err == nil && found.parts != nil {
		err = errors.New("it is a container of secrets, name one secret")
	}
	if err != nil {
		return nil, notRetrieved([]string{ref}, err)
	}
	return found.payload, nil
}

// material is the payload of a secret, or those of a container by name.
type material struct {
	payload []byte
	parts   map[string][]byte
}

func (m material) certificate() (*Certificate, error) {
	if m.parts == nil {
		return Parse(m.payload)
	}
	bundle := slices.Concat(m.parts["certificate"], []byte("\n"), m.parts["intermediates"], []byte("\n"), m.parts["private_key"])
	return parsePEM(bundle, m.parts["private_key_passphrase"])
}

// read gets what ref names.
func (r *Resolver) read(ctx context.Context, ref, project string) (material, error) {
	at, ok := parseRef(ref)
	if !ok {
		return material{}, errors.New("it is no URL of a secret or a container of secrets, and no id")
	}
	if r.cfg.Elsewhere == nil || !r.cfg.Elsewhere.Owns(ref) {
		found, err := r.readHere(at, project)
		if err == nil || !errors.Is(err, lb.ErrNotFound) || r.cfg.Elsewhere == nil || ref != at.id {
			return found, err
		}
	}
	return r.readElsewhere(ctx, at)
}

func (r *Resolver) readHere(at reference, project string) (material, error) {
	cfg := r.cfg.Objects()
	if _, ok := cfg.Secret(lb.SecretID(at.id)); ok && at.secret {
		payload, err := r.open(cfg, lb.SecretID(at.id), project)
		return material{payload: payload}, err
	}
	box, ok := cfg.SecretContainer(lb.SecretContainerID(at.id))
	if !ok || !at.container || !visible(box.ProjectID, project) {
		return material{}, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSecretContainer, ID: at.id, Msg: "does not exist"}
	}
	parts := map[string][]byte{}
	for _, c := range box.Secrets {
		payload, err := r.open(cfg, c.SecretID, project)
		if err != nil {
			return material{}, err
		}
		parts[c.Name] = payload
	}
	return material{parts: parts}, nil
}

// open returns the payload of a secret that project may use.
func (r *Resolver) open(cfg *lb.Config, id lb.SecretID, project string) ([]byte, error) {
	s, ok := cfg.Secret(id)
	problem := ""
	switch {
	case !ok || !visible(s.ProjectID, project):
		problem = "does not exist"
	case len(s.Sealed) == 0:
		problem = "has no payload"
	case !s.Expires.IsZero() && !r.cfg.Now().Before(s.Expires):
		problem = "has expired"
	}
	if problem != "" {
		return nil, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSecret, ID: string(id), Msg: problem}
	}
	payload, err := r.cfg.Opener.Open(string(id), s.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open secret %s: %w", id, err)
	}
	return payload, nil
}

// visible reports whether a load balancer of project may use what owner has. What belongs
// to no project is everybody's.
func visible(owner, project string) bool { return owner == "" || owner == project }

func (r *Resolver) readElsewhere(ctx context.Context, at reference) (material, error) {
	if at.secret {
		payload, err := r.cfg.Elsewhere.Secret(ctx, at.id)
		if err == nil || !at.container || !errors.Is(err, lb.ErrNotFound) {
			return material{payload: payload}, err
		}
	}
	ids, err := r.cfg.Elsewhere.Container(ctx, at.id)
	if err != nil {
		return material{}, err
	}
	parts := map[string][]byte{}
	for name, id := range ids {
		if parts[name], err = r.cfg.Elsewhere.Secret(ctx, id); err != nil {
			return material{}, err
		}
	}
	return material{parts: parts}, nil
}
