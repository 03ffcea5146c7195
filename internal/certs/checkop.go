package certs

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
)

// Refers reports whether op brings TLS references.
func Refers(op lb.Op) bool {
	some := func(refs ...lb.Opt[string]) bool {
		return slices.ContainsFunc(refs, func(o lb.Opt[string]) bool { v, ok := o.Get(); return ok && v != "" })
	}
	listener := func(s lb.ListenerSpec) bool {
		sni, _ := s.SNIRefs.Get()
		return len(sni) > 0 || some(s.TLSDefaultRef, s.ClientCARef, s.ClientCRLRef)
	}
	pool := func(s lb.PoolSpec) bool { return some(s.TLSRef, s.CARef, s.CRLRef) }
	switch o := op.(type) {
	case lb.CreateLoadBalancer:
		return slices.ContainsFunc(o.Spec.Listeners, listener) || slices.ContainsFunc(o.Spec.Pools, pool)
	case lb.CreateListener:
		return listener(o.Spec)
	case lb.UpdateListener:
		return listener(o.Spec)
	case lb.CreatePool:
		return pool(o.Spec)
	case lb.UpdatePool:
		return pool(o.Spec)
	case lb.Batch:
		return slices.ContainsFunc(o.Ops, Refers)
	}
	return false
}

// CheckOp refuses an operation that leaves listeners or pools with new references that
// lead nowhere. What else is wrong with op is for lb to say when it is proposed. Secrets
// that op itself stores are found. It blocks while another machine is asked.
func (r *Resolver) CheckOp(ctx context.Context, op lb.Op) error {
	before := r.cfg.Objects()
	after, _, _, err := lb.Apply(before, lb.Command{
		Stamp: lb.Stamp{At: r.cfg.Now().UTC(), ID: uuid.NewString()}, Revision: before.Revision() + 1, Exempt: true, Op: op,
	})
	if err != nil {
		return nil //nolint:nilerr // lb says it again, unless the request is an old one repeated
	}
	then := *r
	then.cfg.Objects = func() *lb.Config { return after }
	for t := range after.Trees() {
		if old, ok := before.Tree(t.LoadBalancer.ID); ok && old == t {
			continue
		}
		if err := then.checkTree(ctx, before, t); err != nil {
			return err
		}
	}
	return nil
}

// checkTree refuses references of t that before had not.
func (r *Resolver) checkTree(ctx context.Context, before *lb.Config, t *lb.Tree) error {
	project := t.LoadBalancer.ProjectID
	for _, l := range t.Listeners {
		var had lb.ListenerTLS
		if old, ok := before.Listener(l.ID); ok {
			had = old.TLS
		}
		known := append([]string{had.DefaultRef}, had.SNIRefs...)
		if err := r.checkNew(ctx, project, known, append([]string{l.TLS.DefaultRef}, l.TLS.SNIRefs...)); err != nil {
			return err
		}
		if err := r.checkNewTrust(ctx, project, had.ClientCARef, had.ClientCRLRef, l.TLS.ClientCARef, l.TLS.ClientCRLRef); err != nil {
			return err
		}
	}
	for _, p := range t.Pools {
		var had lb.PoolTLS
		if old, ok := before.Pool(p.ID); ok {
			had = old.TLS
		}
		if err := r.checkNew(ctx, project, []string{had.Ref}, []string{p.TLS.Ref}); err != nil {
			return err
		}
		if err := r.checkNewTrust(ctx, project, had.CARef, had.CRLRef, p.TLS.CARef, p.TLS.CRLRef); err != nil {
			return err
		}
	}
	return nil
}

// checkNew refuses certificates that were not known before.
func (r *Resolver) checkNew(ctx context.Context, project string, known, refs []string) error {
	refs = slices.DeleteFunc(refs, func(ref string) bool { return ref == "" || slices.Contains(known, ref) })
	return r.CheckCertificates(ctx, project, refs...)
}

// checkNewTrust refuses a CA with its list when one of them is new.
func (r *Resolver) checkNewTrust(ctx context.Context, project, hadCA, hadCRL, ca, crl string) error {
	if ca == "" || ca == hadCA && crl == hadCRL {
		return nil
	}
	return r.CheckTrust(ctx, project, ca, crl)
}
