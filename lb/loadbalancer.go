package lb

import "slices"

func (o CreateLoadBalancer) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	b := &LoadBalancer{ID: LoadBalancerID(id), Meta: Meta{AdminStateUp: true}}
	c := &checker{kind: KindLoadBalancer}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, b)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	if err := e.quota(KindLoadBalancer, b.ProjectID, 1); err != nil {
		return Result{}, err
	}
	e.created(&b.Meta)
	n, _ := e.subnets.Get(b.VIPSubnetID)
	e.subnets = e.subnets.With(b.VIPSubnetID, n.withVIP(b.VIPAddress, b.ID))
	e.setTree(&Tree{LoadBalancer: b})
	result := e.wrote(KindLoadBalancer, id, b)
	return result, o.Spec.createChildren(e, b)
}

func (o UpdateLoadBalancer) apply(e *edit) (Result, error) {
	old, ok := e.Tree(o.ID)
	if !ok {
		return Result{}, notFound(KindLoadBalancer, string(o.ID))
	}
	if err := precondition(KindLoadBalancer, string(o.ID), o.If, old.LoadBalancer.Revision); err != nil {
		return Result{}, err
	}
	b, c := *old.LoadBalancer, &checker{kind: KindLoadBalancer, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &b)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&b.Meta)
	t := *old
	t.LoadBalancer = &b
	e.setTree(&t)
	return e.wrote(KindLoadBalancer, string(b.ID), &b), nil
}

func (o DeleteLoadBalancer) apply(e *edit) (Result, error) {
	t, ok := e.Tree(o.ID)
	if !ok {
		return Result{}, notFound(KindLoadBalancer, string(o.ID))
	}
	if err := precondition(KindLoadBalancer, string(o.ID), o.If, t.LoadBalancer.Revision); err != nil {
		return Result{}, err
	}
	if children := len(t.Listeners) + len(t.Pools); children > 0 && !o.Cascade {
		c := &checker{kind: KindLoadBalancer, id: string(o.ID)}
		c.add(ErrInUse, "", "has %d listeners and %d pools, delete them first or cascade", len(t.Listeners), len(t.Pools))
		return Result{}, c.err()
	}
	for _, p := range slices.Backward(t.Pools) {
		e.deletePool(p)
	}
	for _, l := range slices.Backward(t.Listeners) {
		e.deleteListener(l)
	}
	b := t.LoadBalancer
	e.release(KindLoadBalancer, b.ProjectID, 1)
	n, _ := e.subnets.Get(b.VIPSubnetID)
	e.subnets = e.subnets.With(b.VIPSubnetID, n.withoutVIP(b.VIPAddress))
	e.trees = e.trees.Without(o.ID)
	return e.deleted(KindLoadBalancer, string(o.ID)), nil
}

func (spec LoadBalancerSpec) fill(c *checker, cfg *Config, b *LoadBalancer) {
	spec.MetaSpec.fill(c, &b.Meta)
	spec.fillProject(c, &b.Meta)
	subnet := requiredFixed(c, "vip_subnet_id", &b.VIPSubnetID, spec.VIPSubnetID)
	address := fixed(c, "vip_address", &b.VIPAddress, spec.VIPAddress)
	if !c.creating() || !subnet || !address {
		return
	}
	n, ok := cfg.subnets.Get(b.VIPSubnetID)
	if !ok {
		c.missing("vip_subnet_id", KindSubnet, string(b.VIPSubnetID))
		return
	}
	if _, asked := spec.VIPAddress.Get(); asked {
		c.vip(n, b)
		return
	}
	if b.VIPAddress, ok = n.free(); !ok {
		c.conflict("vip_address", "subnet %s is full: all %d addresses of its allocation ranges are taken", n.subnet.ID, n.subnet.size())
	}
}

// vip checks a VIP that was asked for. It may lie outside the allocation
// ranges: these only bound what is given out unasked.
func (c *checker) vip(n network, b *LoadBalancer) {
	const field = "vip_address"
	a, all := b.VIPAddress, hosts(n.subnet.CIDR)
	switch {
	case !c.address(field, a):
	case !n.subnet.CIDR.Contains(a):
		c.invalid(field, "%s is outside %s of subnet %s", a, n.subnet.CIDR, n.subnet.ID)
	case !all.Contains(a):
		c.invalid(field, "%s is the network or broadcast address of %s, use one of %s", a, n.subnet.CIDR, all)
	case a == n.subnet.Gateway:
		c.invalid(field, "%s is the gateway of subnet %s", a, n.subnet.ID)
	default:
		if holder, ok := n.holder(a); ok {
			c.conflict(field, "%s is the VIP of load balancer %s", a, holder)
		}
	}
}
