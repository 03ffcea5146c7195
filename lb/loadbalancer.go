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
	e.setTree(&Tree{LoadBalancer: b})
	e.refer(nil, b.refs())
	result := e.wrote(KindLoadBalancer, id, b)
	e.attachVIPs(b)
	e.followVIPs(b, given(o.Spec.VIPSecurityGroupIDs), given(o.Spec.VIPQoSPolicyID))
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
	e.refer(old.LoadBalancer.refs(), b.refs())
	result := e.wrote(KindLoadBalancer, string(b.ID), &b)
	e.followVIPs(&b, !o.Spec.VIPSecurityGroupIDs.IsAbsent(), !o.Spec.VIPQoSPolicyID.IsAbsent())
	return result, nil
}

func (o DeleteLoadBalancer) apply(e *edit) (Result, error) {
	t, ok := e.Tree(o.ID)
	if !ok {
		return Result{}, notFound(KindLoadBalancer, string(o.ID))
	}
	if err := precondition(KindLoadBalancer, string(o.ID), o.If, t.LoadBalancer.Revision); err != nil {
		return Result{}, err
	}
	if len(t.Listeners)+len(t.Pools) > 0 && !o.Cascade {
		c := &checker{kind: KindLoadBalancer, id: string(o.ID)}
		c.add(ErrInUse, "", "Validation failure: Cannot delete Load Balancer %s - it has children", o.ID)
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
	e.refer(b.refs(), nil)
	e.trees = e.trees.Without(o.ID)
	result := e.deleted(KindLoadBalancer, string(o.ID))
	e.detachVIPs(b)
	return result, nil
}

// refs returns the ids of what the load balancer refers to beside its VIPs' ports.
func (b *LoadBalancer) refs() []string {
	ids := []string{string(b.VIPNetworkID)}
	for _, id := range b.VIPSecurityGroupIDs {
		ids = append(ids, string(id))
	}
	if b.VIPQoSPolicyID != "" {
		ids = append(ids, string(b.VIPQoSPolicyID))
	}
	if b.FlavorID != "" {
		ids = append(ids, string(b.FlavorID))
	}
	if b.AvailabilityZone != "" {
		ids = append(ids, zoneRef(b.AvailabilityZone))
	}
	return ids
}

func (spec LoadBalancerSpec) fill(c *checker, cfg *Config, b *LoadBalancer) {
	spec.MetaSpec.fill(c, &b.Meta)
	spec.fillProject(c, &b.Meta)
	spec.fillFlavor(c, cfg, b)
	zone := spec.fillZone(c, cfg, b)
	spec.fillPolicies(c, cfg, b)
	if c.creating() {
		spec.fillVIPs(c, cfg, b)
		if zone != nil {
			c.zoneNetwork(cfg, zone, b)
		}
		return
	}
	fixed(c, "vip_subnet_id", &b.VIPSubnetID, spec.VIPSubnetID)
	fixed(c, "vip_network_id", &b.VIPNetworkID, spec.VIPNetworkID)
	fixed(c, "vip_port_id", &b.VIPPortID, spec.VIPPortID)
	fixed(c, "vip_address", &b.VIPAddress, spec.VIPAddress)
	if !spec.AdditionalVIPs.IsAbsent() && !spec.sameVIPs(b) {
		c.invalid("additional_vips", "cannot be changed after creation")
	}
	if len(spec.Pools)+len(spec.Listeners) > 0 {
		c.invalid("", "pools and listeners can be given at creation only")
	}
}

// fillFlavor chooses the provider: what is asked for, else that of the flavor.
func (spec LoadBalancerSpec) fillFlavor(c *checker, cfg *Config, b *LoadBalancer) {
	fixed(c, "provider", &b.Provider, spec.Provider)
	fixed(c, "flavor_id", &b.FlavorID, spec.FlavorID)
	if !c.creating() {
		return
	}
	if b.FlavorID != "" {
		f, ok := cfg.flavors.Get(b.FlavorID)
		if !ok {
			c.failure("flavor_id", "Invalid flavor_id.")
			return
		}
		p, _ := cfg.flavorProfiles.Get(f.ProfileID)
		switch {
		case !f.Enabled:
			c.invalid("flavor_id", "The selected flavor is not allowed in this deployment: %s", f.ID)
		case b.Provider == "":
			b.Provider = p.ProviderName
		case b.Provider != p.ProviderName:
			c.invalid("flavor_id", "Flavor '%s' is not compatible with provider '%s'", f.ID, b.Provider)
			return
		}
	}
	if b.Provider == "" {
		b.Provider = DefaultProvider
	}
	c.provider("provider", b.Provider)
}

// fillZone returns the availability zone of a load balancer that is new, nil for none.
func (spec LoadBalancerSpec) fillZone(c *checker, cfg *Config, b *LoadBalancer) *AvailabilityZone {
	fixed(c, "availability_zone", &b.AvailabilityZone, spec.AvailabilityZone)
	if !c.creating() || b.AvailabilityZone == "" {
		return nil
	}
	z, ok := cfg.zones.Get(b.AvailabilityZone)
	switch {
	case !ok:
		c.failure("availability_zone", "Invalid availability zone.")
		return nil
	case !z.Enabled:
		c.invalid("availability_zone", "The selected availability_zone is not allowed in this deployment: %s", z.Name)
	}
	return z
}

// fillPolicies gives the VIP its QoS policy and its security groups.
func (spec LoadBalancerSpec) fillPolicies(c *checker, cfg *Config, b *LoadBalancer) {
	optional(&b.VIPQoSPolicyID, spec.VIPQoSPolicyID, "")
	if given(spec.VIPQoSPolicyID) && !cfg.qos.Has(b.VIPQoSPolicyID) {
		c.subresource("vip_qos_policy_id", "qos_policy", string(b.VIPQoSPolicyID))
	}
	optional(&b.VIPSecurityGroupIDs, spec.VIPSecurityGroupIDs, nil)
	if len(b.VIPSecurityGroupIDs) == 0 {
		b.VIPSecurityGroupIDs = nil
		return
	}
	if !given(spec.VIPSecurityGroupIDs) {
		return
	}
	for _, id := range b.VIPSecurityGroupIDs {
		if !cfg.groups.Has(id) {
			c.subresource("vip_sg_ids", "Security Group", string(id))
		}
	}
	if cfg.VNICType(b) == "direct" {
		c.failure("vip_sg_ids", "VIP Security Groups are not allowed with VIP port of type direct.")
	}
}

// subresource refuses something that the request refers to and that is not there. It is
// the request that is wrong then, as Octavia sees it, so it is no ErrNotFound.
func (c *checker) subresource(field, name, id string) {
	c.invalid(field, "%s %s not found.", name, id)
}

// zoneNetwork checks that VIPs of the availability zone may be of the network.
func (c *checker) zoneNetwork(cfg *Config, z *AvailabilityZone, b *LoadBalancer) {
	if valid := cfg.vipNetworks(z); valid != nil && b.VIPNetworkID != "" && !slices.Contains(valid, b.VIPNetworkID) {
		c.failure("vip_network_id", "Supplied VIP network_id is not allowed by the configuration of this deployment.")
	}
}
