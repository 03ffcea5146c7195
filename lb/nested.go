package lb

// createChildren creates what comes with a new load balancer, in Octavia's order: pools,
// each with its monitor and members, then listeners, each with its L7 policies and rules.
// The load balancer must be in the edit already. When something is refused the whole
// command is.
func (spec LoadBalancerSpec) createChildren(e *edit, b *LoadBalancer) error {
	if len(spec.Pools)+len(spec.Listeners) == 0 {
		return nil
	}
	c := &checker{kind: KindPool}
	c.poolNames(spec)
	if err := c.err(); err != nil {
		return err
	}
	pools := make(map[string]PoolID, len(spec.Pools))
	for _, p := range spec.Pools {
		p.LoadBalancerID, p.ListenerID = Some(b.ID), Opt[ListenerID]{}
		result, err := e.createPool(e.newID(""), p)
		if err != nil {
			return err
		}
		name, _ := p.Name.Get()
		pools[name] = PoolID(result.ID)
	}
	for _, l := range spec.Listeners {
		l.LoadBalancerID = Some(b.ID)
		if l.DefaultPoolName != "" {
			l.DefaultPoolID = Some(pools[l.DefaultPoolName])
		}
		policies := make([]L7PolicySpec, len(l.L7Policies))
		for i, q := range l.L7Policies {
			if q.RedirectPoolName != "" {
				q.RedirectPoolID = Some(pools[q.RedirectPoolName])
			}
			policies[i] = q
		}
		l.L7Policies = policies
		if _, err := e.createListener(e.newID(""), l); err != nil {
			return err
		}
	}
	return nil
}

// poolNames checks that every pool has a name of its own, and that every name that is
// referred to has a pool.
func (c *checker) poolNames(spec LoadBalancerSpec) {
	defined := make(map[string]bool, len(spec.Pools))
	for _, p := range spec.Pools {
		name, _ := p.Name.Get()
		switch {
		case name == "":
			c.failure("pools", "Pools must be named when creating a fully populated loadbalancer.")
		case defined[name]:
			c.failure("pools", "Pool names must be unique when creating a fully populated loadbalancer.")
		case !given(p.Protocol):
			c.failure("pools", "Pool definition for '%s' missing required attribute: protocol", name)
		case !given(p.Algorithm):
			c.failure("pools", "Pool definition for '%s' missing required attribute: lb_algorithm", name)
		}
		defined[name] = true
	}
	refer := func(name string) {
		if name != "" && !defined[name] {
			c.failure("pools", "Pool '%s' was referenced but no full definition was found.", name)
		}
	}
	for _, l := range spec.Listeners {
		refer(l.DefaultPoolName)
		for _, q := range l.L7Policies {
			refer(q.RedirectPoolName)
		}
	}
}
