package lb

import (
	"net/netip"
	"slices"
)

// apply makes the changes of a batch member update: members that are not named go
// first, so that a quota only sees the difference.
func (o SetMembers) apply(e *edit) (Result, error) {
	p, ok := e.Pool(o.PoolID)
	if !ok {
		return Result{}, notFound(KindPool, string(o.PoolID))
	}
	result := Result{Kind: KindPool, ID: string(p.ID)}
	if len(o.Members) == 0 && (len(p.Members) == 0 || o.AdditiveOnly) {
		return result, nil
	}
	next := *p
	e.updated(&next.Meta)
	e.wrote(KindPool, string(p.ID), next.stored())

	old := make(map[netip.AddrPort]*Member, len(p.Members))
	for _, m := range p.Members {
		old[m.addrPort()] = m
	}
	if !o.AdditiveOnly {
		e.forgetUnnamed(p, o.Members)
	}
	members := make([]*Member, 0, len(o.Members))
	taken := make(map[netip.AddrPort]*Member, len(o.Members))
	for _, spec := range o.Members {
		m, err := e.setMember(p.ID, spec, old, taken)
		if err != nil {
			return Result{}, err
		}
		taken[m.addrPort()] = m
		members = append(members, m)
		e.wrote(KindMember, string(m.ID), m)
	}
	for _, m := range p.Members {
		if _, named := taken[m.addrPort()]; o.AdditiveOnly && !named {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, byAge)
	next.Members = slices.Clip(members)
	if len(next.Members) == 0 {
		next.Members = nil
	}
	e.setPool(&next)
	return result, nil
}

// forgetUnnamed deletes the members of p that no spec names.
func (e *edit) forgetUnnamed(p *Pool, specs []MemberSpec) {
	named := make(map[netip.AddrPort]bool, len(specs))
	for _, spec := range specs {
		named[spec.addrPort()] = true
	}
	for _, m := range p.Members {
		if !named[m.addrPort()] {
			e.forgetMember(m)
		}
	}
}

// setMember updates or creates the member that spec names. taken are those that the
// same request has named before.
func (e *edit) setMember(pool PoolID, spec MemberSpec, old, taken map[netip.AddrPort]*Member) (*Member, error) {
	spec.PoolID = Some(pool)
	was, ok := old[spec.addrPort()]
	if !ok {
		m, _, err := e.newMember(e.newID(""), spec, taken)
		return m, err
	}
	m, c := *was, &checker{kind: KindMember, id: string(was.ID)}
	if _, twice := taken[m.addrPort()]; twice {
		c.failure("address", "Member must be updated only once in the same request.")
	}
	// What a create would have defaulted, a batch update does; the rest stays. What
	// cannot change is dropped, as in Octavia, but a subnet is checked.
	spec.AdminStateUp, spec.Weight, spec.Backup = orNull(spec.AdminStateUp), orNull(spec.Weight), orNull(spec.Backup)
	spec.MonitorAddress, spec.MonitorPort = orNull(spec.MonitorAddress), orNull(spec.MonitorPort)
	spec.ProjectID, spec.SRIOV = Opt[string]{}, Opt[bool]{}
	if id, ok := spec.SubnetID.Get(); ok && id != m.SubnetID {
		if !e.subnets.Has(id) {
			c.invalid("subnet_id", "Subnet %s not found.", id)
		} else {
			e.countMember(&m, -1)
			m.SubnetID = id
			e.countMember(&m, 1)
		}
	}
	spec.SubnetID = Opt[SubnetID]{}
	spec.fill(c, &e.Config, &m, nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	e.updated(&m.Meta)
	return &m, nil
}

// addrPort is what a batch update knows a member by; zero when the spec has no such.
func (spec MemberSpec) addrPort() netip.AddrPort {
	a, _ := spec.Address.Get()
	port, _ := spec.ProtocolPort.Get()
	if port < 1 || port > 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(port))
}

// orNull makes a field that is absent one that is null.
func orNull[T any](o Opt[T]) Opt[T] {
	if o.IsAbsent() {
		return Null[T]()
	}
	return o
}
