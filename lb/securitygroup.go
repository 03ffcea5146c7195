package lb

import "slices"

const (
	maxGroupRules = 256 // of one security group
	maxPort       = 65535
)

func (o CreateSecurityGroup) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	g, c := &SecurityGroup{ID: SecurityGroupID(id), Meta: Meta{AdminStateUp: true}}, &checker{kind: KindSecurityGroup}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, g)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&g.Meta)
	e.refer(nil, g.refs())
	e.groups = e.groups.With(g.ID, g)
	return e.wrote(KindSecurityGroup, id, g), nil
}

func (o UpdateSecurityGroup) apply(e *edit) (Result, error) {
	old, ok := e.groups.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindSecurityGroup, string(o.ID))
	}
	if err := precondition(KindSecurityGroup, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	g, c := *old, &checker{kind: KindSecurityGroup, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &g)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&g.Meta)
	e.refer(old.refs(), g.refs())
	e.groups = e.groups.With(g.ID, &g)
	return e.wrote(KindSecurityGroup, string(g.ID), &g), nil
}

func (o DeleteSecurityGroup) apply(e *edit) (Result, error) {
	g, ok := e.groups.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindSecurityGroup, string(o.ID))
	}
	if err := precondition(KindSecurityGroup, string(o.ID), o.If, g.Revision); err != nil {
		return Result{}, err
	}
	if err := e.unused(KindSecurityGroup, string(o.ID), "ports, load balancers or rules"); err != nil {
		return Result{}, err
	}
	e.refer(g.refs(), nil)
	e.groups = e.groups.Without(o.ID)
	return e.deleted(KindSecurityGroup, string(o.ID)), nil
}

// unused refuses to delete what something refers to.
func (e *edit) unused(kind Kind, id, by string) error {
	c := &checker{kind: kind, id: id}
	if n := e.referred(id); n > 0 {
		c.add(ErrInUse, "", "is used by %d %s, change or delete them first", n, by)
	}
	return c.err()
}

// refs returns the ids of the other groups that its rules name.
func (g *SecurityGroup) refs() []string {
	var ids []string
	for _, r := range g.Rules {
		if r.RemoteGroupID != "" && r.RemoteGroupID != g.ID {
			ids = append(ids, string(r.RemoteGroupID))
		}
	}
	return ids
}

func (spec SecurityGroupSpec) fill(c *checker, cfg *Config, g *SecurityGroup) {
	spec.MetaSpec.fill(c, &g.Meta)
	spec.fillProject(c, &g.Meta)
	optional(&g.Rules, spec.Rules, nil)
	if len(g.Rules) > maxGroupRules {
		c.invalid("security_group_rules", "has %d rules, at most %d are allowed", len(g.Rules), maxGroupRules)
		return
	}
	for i, r := range g.Rules {
		if slices.ContainsFunc(g.Rules[:i], func(o SecurityGroupRule) bool { return o.ID == r.ID }) {
			c.invalid("security_group_rules", "has two rules with the id %s", r.ID)
		}
		c.groupRule(cfg, g, r)
	}
}

func (c *checker) groupRule(cfg *Config, g *SecurityGroup, r SecurityGroupRule) {
	if !validID(r.ID) {
		c.invalid("security_group_rules", "has a rule whose id %q is not a lower-case UUID", r.ID)
	}
	oneOf(c, "direction", r.Direction, "ingress", "egress")
	version := oneOf(c, "ethertype", r.EtherType, "IPv4", "IPv6")
	c.text("protocol", r.Protocol, 32)
	c.text("description", r.Description, maxText)
	if between(c, "port_range_min", r.PortMin, 0, maxPort) && between(c, "port_range_max", r.PortMax, 0, maxPort) && r.PortMin > r.PortMax {
		c.invalid("port_range_min", "%d is greater than port_range_max %d", r.PortMin, r.PortMax)
	}
	if p := r.RemotePrefix; p.IsValid() && version && p.Addr().Is4() != (r.EtherType == "IPv4") {
		c.invalid("remote_ip_prefix", "%s is not of ethertype %s", p, r.EtherType)
	}
	if r.RemoteGroupID != "" && r.RemoteGroupID != g.ID && !cfg.groups.Has(r.RemoteGroupID) {
		c.missing("remote_group_id", KindSecurityGroup, string(r.RemoteGroupID))
	}
}
