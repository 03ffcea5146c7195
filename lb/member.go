package lb

import "net/netip"

// metadataAddress is where clouds answer with an instance's credentials.
// Octavia reserves it, so that nobody reads them through a load balancer.
var metadataAddress = netip.AddrFrom4([4]byte{169, 254, 169, 254})

func (o CreateMember) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	m := &Member{ID: MemberID(id), Meta: Meta{AdminStateUp: true}, Weight: 1}
	c := &checker{kind: KindMember}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, m)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&m.Meta)
	p, _ := e.Pool(m.PoolID)
	if err := e.own(KindMember, id, p.LoadBalancerID); err != nil {
		return Result{}, err
	}
	e.countMember(m, 1)
	e.setPool(p.withMember(m))
	return e.wrote(KindMember, id, m), nil
}

func (o UpdateMember) apply(e *edit) (Result, error) {
	old, ok := e.Member(o.ID)
	if !ok {
		return Result{}, notFound(KindMember, string(o.ID))
	}
	if err := precondition(KindMember, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	m, c := *old, &checker{kind: KindMember, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &m)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&m.Meta)
	p, _ := e.Pool(m.PoolID)
	e.setPool(p.withMember(&m))
	return e.wrote(KindMember, string(m.ID), &m), nil
}

func (o DeleteMember) apply(e *edit) (Result, error) {
	m, ok := e.Member(o.ID)
	if !ok {
		return Result{}, notFound(KindMember, string(o.ID))
	}
	if err := precondition(KindMember, string(o.ID), o.If, m.Revision); err != nil {
		return Result{}, err
	}
	p, _ := e.Pool(m.PoolID)
	e.setPool(p.withoutMember(m))
	return e.forgetMember(m), nil
}

// forgetMember records that m is gone. Taking it out of its pool is left to
// the caller.
func (e *edit) forgetMember(m *Member) Result {
	e.disown(KindMember, string(m.ID))
	e.countMember(m, -1)
	return e.deleted(KindMember, string(m.ID))
}

// countMember keeps count of the members that name a subnet.
func (e *edit) countMember(m *Member, by int) {
	if n, ok := e.subnets.Get(m.SubnetID); ok {
		n.members += by
		e.subnets = e.subnets.With(m.SubnetID, n)
	}
}

func (spec MemberSpec) fill(c *checker, cfg *Config, m *Member) {
	tree, p := c.pool(cfg, &m.PoolID, spec.PoolID)
	spec.fillChild(c, &m.Meta, tree)
	spec.noDescription(c)
	address := requiredFixed(c, "address", &m.Address, spec.Address) && c.memberAddress("address", m.Address)
	port := c.port("protocol_port", &m.ProtocolPort, spec.ProtocolPort)
	if address && port && p != nil && c.creating() {
		c.onlyMember(p, m)
	}
	optional(&m.Weight, spec.Weight, 1)
	between(c, "weight", m.Weight, 0, 256)
	optional(&m.Backup, spec.Backup, false)
	optional(&m.MonitorAddress, spec.MonitorAddress, netip.Addr{})
	if given(spec.MonitorAddress) {
		c.memberAddress("monitor_address", m.MonitorAddress)
	}
	if n, ok := spec.MonitorPort.Get(); ok && between(c, "monitor_port", n, 1, 65535) {
		m.MonitorPort = uint16(n)
	} else if spec.MonitorPort.IsNull() {
		m.MonitorPort = 0
	}
	if fixed(c, "subnet_id", &m.SubnetID, spec.SubnetID) && given(spec.SubnetID) && !cfg.subnets.Has(m.SubnetID) {
		c.missing("subnet_id", KindSubnet, string(m.SubnetID))
	}
}

// pool finds the parent of a member or health monitor.
func (c *checker) pool(cfg *Config, id *PoolID, o Opt[PoolID]) (*Tree, *Pool) {
	if !requiredFixed(c, "pool_id", id, o) {
		return nil, nil
	}
	p, ok := cfg.Pool(*id)
	if !ok {
		c.missing("pool_id", KindPool, string(*id))
		return nil, nil
	}
	t, _ := cfg.Tree(p.LoadBalancerID)
	return t, p
}

func (c *checker) memberAddress(field string, a netip.Addr) bool {
	if !c.address(field, a) {
		return false
	}
	if a == metadataAddress {
		c.invalid(field, "%s is reserved, use the address of a member", a)
		return false
	}
	return true
}

func (c *checker) onlyMember(p *Pool, m *Member) {
	for _, other := range p.Members {
		if other.Address == m.Address && other.ProtocolPort == m.ProtocolPort {
			c.conflict("address", "%s is member %s of the pool already",
				netip.AddrPortFrom(m.Address, m.ProtocolPort), other.ID)
		}
	}
}
