package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// Secrets finds what TLS references name, for objects of a project. Its methods are
// called by the goroutine of [Engine.Run] only; they may take as long as it takes to
// unseal and parse, no longer: meanwhile nothing changes.
type Secrets interface {
	Certificate(ctx context.Context, ref, project string) (tls.Certificate, error)
	CA(ctx context.Context, ref, project string) ([]*x509.Certificate, error)
	CRL(ctx context.Context, ref, project string, cas []*x509.Certificate) (*x509.RevocationList, error)
	// Version is another number whenever what ref names has changed.
	Version(cfg *lb.Config, ref string) uint64
}

// noSecrets is for an Engine that was given none.
type noSecrets struct{}

var errNoSecrets = errors.New("this node has no store of secrets")

// Certificate fails: there are no secrets.
func (noSecrets) Certificate(context.Context, string, string) (tls.Certificate, error) {
	return tls.Certificate{}, errNoSecrets
}

// CA fails, as Certificate does.
func (noSecrets) CA(context.Context, string, string) ([]*x509.Certificate, error) {
	return nil, errNoSecrets
}

// CRL fails, as Certificate does.
func (noSecrets) CRL(context.Context, string, string, []*x509.Certificate) (*x509.RevocationList, error) {
	return nil, errNoSecrets
}

// Version is always the same.
func (noSecrets) Version(*lb.Config, string) uint64 { return 0 }

// secretTimeout bounds reading one secret.
const secretTimeout = 2 * time.Second

// secretVersion is a reference as it was read.
type secretVersion struct {
	ref     string
	version uint64
}

// material is what one listener or pool needs for TLS, made of its specification and of
// the secrets that this names. It is immutable but for what its parts say, and is made
// anew only if one of those has changed: connections, sessions and staples outlive
// changes of other things.
type material struct {
	spec    any // lb.ListenerTLS or lb.PoolTLS
	project string
	secrets []secretVersion
	certs   map[secretVersion]*tlsx.Certificate

	trust    *tlsx.Trust
	trusted  [2]string    // references that trust was made of
	front    *tls.Config  // of a listener; nil: it cannot be served
	client   *tlsx.Client // of a pool; nil: it cannot be used
	problems []error
}

// problem is why the object is in error, "" if it is not.
func (m *material) problem() string {
	if m == nil || len(m.problems) == 0 {
		return ""
	}
	return errors.Join(m.problems...).Error()
}

// current reports whether m is still what those would be made into.
func (m *material) current(spec any, project string, secrets []secretVersion) bool {
	return m != nil && m.project == project && slices.Equal(m.secrets, secrets) && reflect.DeepEqual(m.spec, spec)
}

// versions looks up references, leaving out empty ones.
func (c *control) versions(refs ...string) []secretVersion {
	var all []secretVersion
	for _, ref := range refs {
		if ref != "" {
			all = append(all, secretVersion{ref, c.engine.cfg.Secrets.Version(c.cfg, ref)})
		}
	}
	return all
}

// stale reports whether a secret that b was made with has changed.
func (c *control) stale(b *branch) bool {
	for _, s := range b.secrets {
		if c.engine.cfg.Secrets.Version(c.cfg, s.ref) != s.version {
			return true
		}
	}
	return false
}

// loader reads the secrets of one material. What cannot be read is a problem, and what
// was there before stays in use.
type loader struct {
	c   *control
	old *material // nil: there was none
	new *material
}

func (c *control) load(old *material, spec any, project string, secrets []secretVersion) *loader {
	m := &material{spec: spec, project: project, secrets: secrets, certs: make(map[secretVersion]*tlsx.Certificate)}
	if old != nil && old.project != project {
		old = nil
	}
	return &loader{c, old, m}
}

func (l *loader) problem(field string, err error) {
	l.new.problems = append(l.new.problems, fmt.Errorf("%s: %w", field, err))
}

// certificate returns nil if there is none to be had.
func (l *loader) certificate(field, ref string) *tlsx.Certificate {
	at := l.c.versions(ref)[0]
	if known := l.new.certs[at]; known != nil {
		return known
	}
	if l.old != nil && l.old.certs[at] != nil {
		l.new.certs[at] = l.old.certs[at]
		return l.old.certs[at]
	}
	ctx, cancel := context.WithTimeout(l.c.engine.ctx, secretTimeout)
	defer cancel()
	raw, err := l.c.engine.cfg.Secrets.Certificate(ctx, ref, l.new.project)
	var found *tlsx.Certificate
	if err == nil {
		found, err = tlsx.NewCertificate(raw)
	}
	if err == nil {
		l.new.certs[at] = found
		return found
	}
	l.problem(field, err)
	if l.old != nil {
		for before, cert := range l.old.certs {
			if before.ref == ref {
				l.new.certs[before] = cert
				return cert
			}
		}
	}
	return nil
}

// authorities reads a CA and its revocation list. ok is false if there is nothing to
// verify by: then nobody may be let in.
func (l *loader) authorities(caField, ca, crlField, crl string) (ok bool) {
	ctx, cancel := context.WithTimeout(l.c.engine.ctx, secretTimeout)
	defer cancel()
	field := caField
	cas, err := l.c.engine.cfg.Secrets.CA(ctx, ca, l.new.project)
	var list *x509.RevocationList
	if err == nil && crl != "" {
		field = crlField
		list, err = l.c.engine.cfg.Secrets.CRL(ctx, crl, l.new.project, cas)
	}
	if err == nil {
		l.new.trust, l.new.trusted = tlsx.NewTrust(cas, list), [2]string{ca, crl}
		return true
	}
	l.problem(field, err)
	if l.old != nil && l.old.trusted == [2]string{ca, crl} {
		l.new.trust, l.new.trusted = l.old.trust, l.old.trusted
	}
	return l.new.trust != nil
}

// listenerTLS returns what l needs for TLS, made anew if something has changed.
func (c *control) listenerTLS(t *lb.Tree, l *lb.Listener) *material {
	spec, project := l.TLS, t.LoadBalancer.ProjectID
	refs := append([]string{spec.DefaultRef}, spec.SNIRefs...)
	secrets := c.versions(append(refs, spec.ClientCARef, spec.ClientCRLRef)...)
	old := c.fronts[l.ID]
	if old.current(spec, project, secrets) {
		return old
	}
	load := c.load(old, spec, project, secrets)
	m := load.new
	c.fronts[l.ID] = m
	c.certsDirty = true
	var certs []*tlsx.Certificate
	lost := false // the one for clients that name nothing known
	for i, ref := range refs {
		field := "sni_container_refs"
		if i == 0 {
			field = "default_tls_container_ref"
		}
		if ref == "" {
			continue
		}
		if cert := load.certificate(field, ref); cert != nil {
			certs = append(certs, cert)
		} else {
			lost = lost || i == 0
		}
	}
	if len(certs) == 0 {
		return m
	}
	if spec.ClientAuth != lb.ClientAuthNone &&
		!load.authorities("client_ca_tls_container_ref", spec.ClientCARef, "client_crl_container_ref", spec.ClientCRLRef) {
		return m
	}
	store := tlsx.NewStore(certs)
	if lost {
		store = store.Strict()
	}
	front, err := tlsx.Server(tlsx.ServerConfig{
		Listener: l.ID, Params: spec.TLSParams, Protocols: clientProtocols(), Store: store,
		ClientAuth: spec.ClientAuth, Trust: m.trust, Tickets: c.engine.tickets,
	})
	if err != nil {
		m.problems = append(m.problems, err)
		return m
	}
	m.front = front
	return m
}

// poolTLS returns what p needs for TLS to its members, nil if that is off.
func (c *control) poolTLS(t *lb.Tree, p *lb.Pool) *material {
	spec, project := p.TLS, t.LoadBalancer.ProjectID
	if !spec.Enabled {
		delete(c.backs, p.ID)
		return nil
	}
	secrets := c.versions(spec.Ref, spec.CARef, spec.CRLRef)
	old := c.backs[p.ID]
	if old.current(spec, project, secrets) {
		return old
	}
	load := c.load(old, spec, project, secrets)
	m := load.new
	c.backs[p.ID] = m
	cfg := tlsx.ClientConfig{Params: spec.TLSParams}
	if p.Protocol == lb.ProtocolHTTP { // what runs in another stream is not ours to promise
		cfg.Protocols = memberProtocols
	}
	if spec.Ref != "" {
		if cfg.Certificate = load.certificate("tls_container_ref", spec.Ref); cfg.Certificate == nil {
			return m
		}
	}
	if spec.CARef != "" {
		if !load.authorities("ca_tls_container_ref", spec.CARef, "crl_container_ref", spec.CRLRef) {
			return m
		}
		cfg.Trust = m.trust
	}
	client, err := tlsx.NewClient(cfg)
	if err != nil {
		m.problems = append(m.problems, err)
		return m
	}
	m.client = client
	return m
}

// staple tells the stapler which certificates are shown, if that changed.
func (c *control) staple() {
	if !c.certsDirty {
		return
	}
	c.certsDirty = false
	var all []*tlsx.Certificate
	for _, m := range c.fronts {
		all = slices.AppendSeq(all, maps.Values(m.certs))
	}
	c.engine.stapler.Watch(all)
}
