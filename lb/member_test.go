package lb

import (
	"net/netip"
	"slices"
	"testing"
)

func memberRules() []rule[MemberSpec] {
	weight := func(n int) func(*MemberSpec) { return func(s *MemberSpec) { s.Weight = Some(n) } }
	monitor := func(a string) func(*MemberSpec) { return func(s *MemberSpec) { s.MonitorAddress = Some(addr(a)) } }
	port := func(n int) func(*MemberSpec) { return func(s *MemberSpec) { s.MonitorPort = Some(n) } }
	meta := func(s *MemberSpec) *MetaSpec { return &s.MetaSpec }
	return slices.Concat(metaRules(meta), undescribedRules(meta), []rule[MemberSpec]{
		{"weight 0", weight(0), nil, "", ""},
		{"weight 256", weight(256), nil, "", ""},
		{"weight -1", weight(-1), ErrInvalid, "weight", "-1 is out of range, use 0 to 256"},
		{"weight 257", weight(257), ErrInvalid, "weight", "use 0 to 256"},
		{"null weight", func(s *MemberSpec) { s.Weight = Null[int]() }, nil, "", ""},
		{"null backup", func(s *MemberSpec) { s.Backup = Null[bool]() }, nil, "", ""},
		{"monitor address", monitor("2001:db8::1"), nil, "", ""},
		{"null monitor address", func(s *MemberSpec) { s.MonitorAddress = Null[netip.Addr]() }, nil, "", ""},
		{"reserved monitor address", monitor("169.254.169.254"), ErrInvalid, "monitor_address", "169.254.169.254 is not a valid option for member address"},
		{"unspecified monitor address", monitor("0.0.0.0"), ErrInvalid, "monitor_address", "not the address of a host"},
		{"monitor port", port(65535), nil, "", ""},
		{"null monitor port", func(s *MemberSpec) { s.MonitorPort = Null[int]() }, nil, "", ""},
		{"monitor port 0", port(0), ErrInvalid, "monitor_port", "use 1 to 65535"},
		{"monitor port 65536", port(65536), ErrInvalid, "monitor_port", "use 1 to 65535"},
	})
}

// memberWorld has a pool with one member, and another pool.
func memberWorld(t *testing.T) (w *world, s SubnetID, p PoolID, m MemberID, other PoolID) {
	w = newWorld(t)
	s = w.subnet("public", "192.0.2.0/24")
	b := w.loadBalancer(s)
	p = w.pool(b, ProtocolHTTP)
	m = w.member(p, "10.0.0.1", 80)
	return w, s, p, m, w.pool(b, ProtocolHTTP)
}

func TestCreateMemberRules(t *testing.T) {
	_, subnet, p, _, other := memberWorld(t)
	fresh := func(t *testing.T) (*world, MemberSpec) {
		w, _, _, _, _ := memberWorld(t)
		return w, memberSpec(p, "10.0.0.2", 80)
	}
	address := func(a string) func(*MemberSpec) { return func(s *MemberSpec) { s.Address = Some(addr(a)) } }
	port := func(n int) func(*MemberSpec) { return func(s *MemberSpec) { s.ProtocolPort = Some(n) } }
	op := func(s MemberSpec) Op { return CreateMember{Spec: s} }
	checkRules(t, fresh, op, slices.Concat(memberRules(), []rule[MemberSpec]{
		{"no pool", func(s *MemberSpec) { s.PoolID = Opt[PoolID]{} }, ErrInvalid, "pool_id", "required"},
		{"unknown pool", func(s *MemberSpec) { s.PoolID = Some(PoolID(testID(99))) }, ErrNotFound, "pool_id", "does not exist"},
		{"no address", func(s *MemberSpec) { s.Address = Opt[netip.Addr]{} }, ErrInvalid, "address", "required"},
		{"IPv6", address("2001:db8::1"), nil, "", ""},
		{"loopback", address("127.0.0.1"), nil, "", ""},
		{"zero address", func(s *MemberSpec) { s.Address = Some(netip.Addr{}) }, ErrInvalid, "address", "not an IP address"},
		{"reserved address", address("169.254.169.254"), ErrInvalid, "address", "169.254.169.254 is not a valid option for member address"},
		{"reserved address in IPv6", address("::ffff:169.254.169.254"), ErrInvalid, "address", "in IPv6 form"},
		{"multicast", address("224.0.0.1"), ErrInvalid, "address", "not the address of a host"},
		{"unspecified", address("::"), ErrInvalid, "address", "not the address of a host"},
		{"zone", address("fe80::1%eth0"), ErrInvalid, "address", "without one"},
		{"no port", func(s *MemberSpec) { s.ProtocolPort = Opt[int]{} }, ErrInvalid, "protocol_port", "required"},
		{"port 0", port(0), ErrInvalid, "protocol_port", "use 1 to 65535"},
		{"port 65536", port(65536), ErrInvalid, "protocol_port", "use 1 to 65535"},
		{"duplicate", address("10.0.0.1"), ErrConflict, "address", "Another member on this pool is already using ip 10.0.0.1 on protocol_port 80"},
		{"same address, other port", func(s *MemberSpec) {
			s.Address, s.ProtocolPort = Some(addr("10.0.0.1")), Some(81)
		}, nil, "", ""},
		{"same address, other pool", func(s *MemberSpec) {
			s.Address, s.PoolID = Some(addr("10.0.0.1")), Some(other)
		}, nil, "", ""},
		{"subnet", func(s *MemberSpec) { s.SubnetID = Some(subnet) }, nil, "", ""},
		{"unknown subnet", func(s *MemberSpec) { s.SubnetID = Some(SubnetID(testID(99))) }, ErrInvalid, "subnet_id", "Subnet " + testID(99) + " not found."},
	}))
}

func TestUpdateMemberRules(t *testing.T) {
	_, subnet, p, m, other := memberWorld(t)
	fresh := func(t *testing.T) (*world, MemberSpec) {
		w, _, _, _, _ := memberWorld(t)
		return w, MemberSpec{}
	}
	op := func(s MemberSpec) Op { return UpdateMember{ID: m, Spec: s} }
	checkRules(t, fresh, op, slices.Concat(memberRules(), []rule[MemberSpec]{
		{"same identity", func(s *MemberSpec) { *s = memberSpec(p, "10.0.0.1", 80) }, nil, "", ""},
		{"other pool", func(s *MemberSpec) { s.PoolID = Some(other) }, ErrInvalid, "pool_id", "cannot be changed"},
		{"other address", func(s *MemberSpec) { s.Address = Some(addr("10.0.0.9")) }, ErrInvalid, "address", "cannot be changed"},
		{"other port", func(s *MemberSpec) { s.ProtocolPort = Some(81) }, ErrInvalid, "protocol_port", "cannot be changed"},
		{"other subnet", func(s *MemberSpec) { s.SubnetID = Some(subnet) }, ErrInvalid, "subnet_id", "cannot be changed"},
		{"null subnet, none before", func(s *MemberSpec) { s.SubnetID = Null[SubnetID]() }, nil, "", ""},
		{"project", func(s *MemberSpec) { s.ProjectID = Some("x") }, ErrInvalid, "project_id", "cannot be changed"},
	}))
}

func TestMemberChangeTouchesTheMemberOnly(t *testing.T) {
	w, _, p, m, other := memberWorld(t)
	bystander, _ := w.cfg.Pool(other)
	poolBefore, _ := w.cfg.Pool(p)
	memberBefore := *poolBefore.Members[0]
	w.do(UpdateMember{ID: m, Spec: MemberSpec{
		Weight: Some(9), Backup: Some(true), MonitorPort: Some(81), MonitorAddress: Some(addr("10.0.0.9")),
	}})
	pool, _ := w.cfg.Pool(p)
	if pool.Revision != poolBefore.Revision || !pool.UpdatedAt.IsZero() {
		t.Errorf("the pool has revision %d since %v, want %d and no update", pool.Revision, pool.UpdatedAt, poolBefore.Revision)
	}
	if got := pool.Members[0]; got.Weight != 9 || !got.Backup || got.MonitorPort != 81 || got.MonitorAddress != addr("10.0.0.9") ||
		got.Revision != w.cfg.Revision() {
		t.Errorf("member %+v", got)
	}
	if poolBefore.Members[0].Weight != memberBefore.Weight {
		t.Errorf("the member of the old Config was changed")
	}
	if got, _ := w.cfg.Pool(other); got != bystander {
		t.Errorf("the other pool was copied")
	}
	w.do(UpdateMember{ID: m, Spec: MemberSpec{
		Weight: Null[int](), Backup: Null[bool](), MonitorPort: Null[int](), MonitorAddress: Null[netip.Addr](),
	}})
	if got, _ := w.cfg.Member(m); got.Weight != 1 || got.Backup || got.MonitorPort != 0 || got.MonitorAddress.IsValid() {
		t.Errorf("after nulls %+v, want the defaults", got)
	}
}
