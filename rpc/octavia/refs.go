package octavia

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
)

// Refs reads what TLS references name. An error of it is an answer to the client: a
// *lb.Error with Octavia's text. Its methods may ask another machine, and return when ctx
// ends. project is that of the load balancer.
type Refs interface {
	// CheckCertificates refuses references that are not to a certificate with its key.
	CheckCertificates(ctx context.Context, project string, refs ...string) error
	// CheckTrust refuses a reference that is not to a CA, and one, if it is not "", that
	// is not to a revocation list of that CA.
	CheckTrust(ctx context.Context, project, ca, crl string) error
}

// trust is a CA and its revocation list, "" for none.
type trust struct{ ca, crl string }

// tlsRefs are the references that an operation brings, and those that it leaves and that
// must fit them.
type tlsRefs struct {
	project string
	certs   []string
	trusts  []trust
}

// checkRefs refuses an operation with references that lead nowhere. What the references of
// a resource mean together is for lb to say.
func (c *call) checkRefs(op lb.Op) error {
	if c.api.Refs == nil {
		return nil
	}
	refs := refsOf(c.api.Backend.Config(), op)
	if len(refs.certs) > 0 {
		if err := c.api.Refs.CheckCertificates(c.ctx(), refs.project, refs.certs...); err != nil {
			return err
		}
	}
	for _, t := range refs.trusts {
		if err := c.api.Refs.CheckTrust(c.ctx(), refs.project, t.ca, t.crl); err != nil {
			return err
		}
	}
	return nil
}

func refsOf(cfg *lb.Config, op lb.Op) tlsRefs {
	var refs tlsRefs
	of := func(t *lb.Tree, ok bool) {
		if ok {
			refs.project = t.LoadBalancer.ProjectID
		}
	}
	switch o := op.(type) {
	case lb.CreateLoadBalancer:
		refs.project, _ = o.Spec.ProjectID.Get()
		for _, l := range o.Spec.Listeners {
			refs.listener(l, lb.ListenerTLS{})
		}
		for _, p := range o.Spec.Pools {
			refs.pool(p, lb.PoolTLS{})
		}
	case lb.CreateListener:
		id, _ := o.Spec.LoadBalancerID.Get()
		of(cfg.Tree(id))
		refs.listener(o.Spec, lb.ListenerTLS{})
	case lb.UpdateListener:
		if old, ok := cfg.Listener(o.ID); ok {
			of(cfg.Tree(old.LoadBalancerID))
			refs.listener(o.Spec, old.TLS)
		}
	case lb.CreatePool:
		if id, ok := o.Spec.LoadBalancerID.Get(); ok {
			of(cfg.Tree(id))
		} else if id, ok := o.Spec.ListenerID.Get(); ok {
			of(cfg.TreeOf(string(id)))
		}
		refs.pool(o.Spec, lb.PoolTLS{})
	case lb.UpdatePool:
		if old, ok := cfg.Pool(o.ID); ok {
			of(cfg.Tree(old.LoadBalancerID))
			refs.pool(o.Spec, old.TLS)
		}
	}
	return refs
}

func (r *tlsRefs) listener(spec lb.ListenerSpec, old lb.ListenerTLS) {
	r.cert(spec.TLSDefaultRef)
	sni, _ := spec.SNIRefs.Get()
	r.certs = append(r.certs, sni...)
	r.trust(spec.ClientCARef, spec.ClientCRLRef, trust{old.ClientCARef, old.ClientCRLRef})
}

func (r *tlsRefs) pool(spec lb.PoolSpec, old lb.PoolTLS) {
	r.cert(spec.TLSRef)
	r.trust(spec.CARef, spec.CRLRef, trust{old.CARef, old.CRLRef})
}

func (r *tlsRefs) cert(ref lb.Opt[string]) {
	if v, _ := ref.Get(); v != "" {
		r.certs = append(r.certs, v)
	}
}

// trust adds a CA and a list as they will be, if one of them is new.
func (r *tlsRefs) trust(ca, crl lb.Opt[string], t trust) {
	newCA, okCA := ca.Get()
	newCRL, okCRL := crl.Get()
	if !okCA && !okCRL {
		return
	}
	if !ca.IsAbsent() {
		t.ca = newCA
	}
	if !crl.IsAbsent() {
		t.crl = newCRL
	}
	if t.ca != "" { // a list alone is refused by lb
		r.trusts = append(r.trusts, t)
	}
}
