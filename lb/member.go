package lb

import (
	"net/netip"
	"slices"
)

// metadataAddress is where clouds answer with an instance's credentials.
// Octavia reserves it, so that nobody reads them through a load balancer.
var metadataAddress = netip.AddrFrom4([4]byte{169, 254, 169, 254})

func (o CreateMember) apply(e *edit) (Result, error) {
	m, p, err := e.newMember(e.newID(string(o.ID)), o.Spec, nil)
	if err != nil {
		return Result{}, err
	}
	e.setPool(p.withMember(m))
	return e.wrote(KindMember, string(m.ID), m), nil
}

// newMember makes a member and returns it with its pool as it is. Putting it there, and
// recording it, is left to the caller. taken are the pool's members, if the caller has
// them in an index, else nil.
func (e *edit) newMember(id string, spec MemberSpec, taken map[netip.AddrPort]*Member) (*Member, *Pool, error) {
	m := &Member{ID: MemberID(id), Meta: Meta{AdminStateUp: true}, Weight: 1}
	c := &checker{kind: KindMember}
	c.newID(&e.Config, id)
	p := spec.fill(c, &e.Config, m, taken)
	if err := c.err(); err != nil {
		return nil, nil, err
	}
	e.created(&m.Meta)
	if err := e.own(KindMember, id, p.LoadBalancerID); err != nil {
		return nil, nil, err
	}
	e.countMember(m, 1)
	return m, p, nil
}

// createMembers makes the members of a pool that has none.
func (e *edit) createMembers(id PoolID, specs []MemberSpec) error {
	if len(specs) == 0 {
		return nil
	}
	taken := make(map[netip.AddrPort]*Member, len(specs))
	members := make([]*Member, 0, len(specs))
	for _, spec := range specs {
		spec.PoolID = Some(id)
		m, _, err := e.newMember(e.newID(""), spec, taken)
		if err != nil {
			return err
		}
		taken[m.addrPort()] = m
		members = append(members, m)
		e.wrote(KindMember, string(m.ID), m)
	}
	p, _ := e.Pool(id)
	next := *p
	slices.SortFunc(members, byAge)
	next.Members = members
	e.setPool(&next)
	return nil
}

func (m *Member) addrPort() netip.AddrPort { return netip.AddrPortFrom(m.Address, m.ProtocolPort) }

func (o UpdateMember) apply(e *edit) (Result, error) {
	old, ok := e.Member(o.ID)
	if !ok {
		return Result{}, notFound(KindMember, string(o.ID))
	}
	if err := precondition(KindMember, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	m, c := *old, &checker{kind: KindMember, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &m, nil)
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

// fill returns the pool of the member, nil if there is none.
func (spec MemberSpec) fill(c *checker, cfg *Config, m *Member, taken map[netip.AddrPort]*Member) *Pool {
	tree, p := c.pool(cfg, &m.PoolID, spec.PoolID)
	spec.fillChild(c, &m.Meta, tree)
	spec.noDescription(c)
	address := requiredFixed(c, "address", &m.Address, spec.Address) && c.memberAddress("address", m.Address)
	port := c.port("protocol_port", &m.ProtocolPort, spec.ProtocolPort)
	if address && port && p != nil && c.creating() {
		c.onlyMember(p, m, taken)
		c.memberFamily(tree, p, m)
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
		c.invalid("subnet_id", "Subnet %s not found.", m.SubnetID)
	}
	if fixed(c, "request_sriov", &m.SRIOV, spec.SRIOV) && c.creating() && m.SRIOV && tree != nil && !cfg.memberSRIOV(tree.LoadBalancer) {
		c.invalid("request_sriov", "The load balancer flavor does not allow SR-IOV member ports.")
	}
	return p
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
		c.invalid(field, "%s is not a valid option for member address", a)
		return false
	}
	return true
}

func (c *checker) onlyMember(p *Pool, m *Member, taken map[netip.AddrPort]*Member) {
	_, twice := taken[m.addrPort()]
	if taken == nil {
		twice = slices.ContainsFunc(p.Members, func(other *Member) bool { return other.addrPort() == m.addrPort() })
	}
	if twice {
		c.conflict("address", "Another member on this pool is already using ip %s on protocol_port %d", m.Address, m.ProtocolPort)
	}
}

// memberFamily refuses what Octavia's provider cannot carry: datagrams from a VIP to a
// member of another IP version.
func (c *checker) memberFamily(t *Tree, p *Pool, m *Member) {
	if p.Protocol.datagram() && !t.LoadBalancer.hasFamily(m.Address) {
		c.unsupported(t, "address", "This provider doesn't support mixing IPv4 and IPv6 addresses for its VIP and members in %s load balancers.",
			p.Protocol)
	}
}
