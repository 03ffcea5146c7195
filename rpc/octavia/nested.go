package octavia

import (
	"slices"

	"github.com/amphora-lb/amphora/lb"
)

// A fully populated create may write a pool where it is used: as a listener's default,
// or where a policy redirects to. Such a pool is either a definition, which is hoisted to
// the load balancer, or just the name of one that is defined elsewhere in the request.

// nestedListener is a listener of a fully populated create.
type nestedListener struct {
	lb.ListenerSpec
	pools []lb.PoolSpec // defined in it
}

// nestedPolicy is a policy of a fully populated create.
type nestedPolicy struct {
	lb.L7PolicySpec
	pools []lb.PoolSpec // defined in it
}

func nestedListenerForm() object[nestedListener] {
	return append(
		lift(nested(listenerForm()), func(l *nestedListener) *lb.ListenerSpec { return &l.ListenerSpec }),
		nestedPool("default_pool", func(l *nestedListener, name string, defined ...lb.PoolSpec) {
			l.DefaultPoolName, l.pools = name, append(l.pools, defined...)
		}),
		each("l7policies", nestedPolicyForm(), func(l *nestedListener, p nestedPolicy) error {
			l.L7Policies, l.pools = append(l.L7Policies, p.L7PolicySpec), append(l.pools, p.pools...)
			return nil
		}),
	)
}

func nestedPolicyForm() object[nestedPolicy] {
	return append(
		lift(nested(policyForm()), func(p *nestedPolicy) *lb.L7PolicySpec { return &p.L7PolicySpec }),
		nestedPool("redirect_pool", func(p *nestedPolicy, name string, defined ...lb.PoolSpec) {
			p.RedirectPoolName, p.pools = name, append(p.pools, defined...)
		}),
	)
}

// nestedPool is an attribute that is a pool. Keep gets its name, and the pool too if it
// is a definition: if it says more than a reference does.
func nestedPool[S any](name string, keep func(s *S, name string, defined ...lb.PoolSpec)) param[S] {
	pool := nested(poolForm(false))
	return param[S]{name: name, set: func(dst *S, v any, in form) error {
		if v == nil {
			return nil
		}
		var p lb.PoolSpec
		if err := pool.decode(&p, v, in); err != nil {
			return err
		}
		named := valueOf(p.Name)
		if named == "" {
			return validation("Pools must be named when creating a fully populated loadbalancer.")
		}
		for attribute := range v.(map[string]any) { //nolint:forcetypeassert // it has been decoded as one
			if !slices.Contains([]string{"name", "admin_state_up", "tls_enabled"}, attribute) {
				keep(dst, named, p)
				return nil
			}
		}
		keep(dst, named)
		return nil
	}}
}

// nested is a form without what a part of a fully populated create must not say: it
// belongs to the project of its load balancer.
func nested[S any](o object[S]) object[S] {
	return slices.DeleteFunc(slices.Clone(o), func(p param[S]) bool { return p.name == "project_id" || p.name == "tenant_id" })
}

// lift makes a form of S one of what holds an S.
func lift[N, S any](o object[S], at func(*N) *S) object[N] {
	lifted := make(object[N], len(o))
	for i, p := range o {
		lifted[i] = param[N]{name: p.name, required: p.required, only: p.only, set: func(dst *N, v any, in form) error {
			return p.set(at(dst), v, in)
		}}
	}
	return lifted
}
