package lb

import (
	"net/netip"
	"slices"
	"testing"
)

var addr, prefix = netip.MustParseAddr, netip.MustParsePrefix

func span(first, last string) Range { return Range{addr(first), addr(last)} }

func TestCreateSubnetRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, SubnetSpec) {
		w := newWorld(t)
		w.subnet("taken", "192.0.2.0/24")
		return w, subnetSpec("public", "198.51.100.0/24")
	}
	meta := func(s *SubnetSpec) *MetaSpec { return &s.MetaSpec }
	cidr := func(p string) func(*SubnetSpec) { return func(s *SubnetSpec) { s.CIDR = Some(prefix(p)) } }
	gateway := func(a string) func(*SubnetSpec) { return func(s *SubnetSpec) { s.Gateway = Some(addr(a)) } }
	pools := func(r ...Range) func(*SubnetSpec) { return func(s *SubnetSpec) { s.Allocations = Some(r) } }
	many := make([]Range, 65)
	for i := range many {
		a := at(prefix("198.51.100.0/24"), uint64(2+i))
		many[i] = Range{a, a}
	}
	op := func(s SubnetSpec) Op { return CreateSubnet{Spec: s} }
	checkRules(t, fresh, op, slices.Concat(metaRules(meta), describedRules(meta), projectRules(meta), []rule[SubnetSpec]{
		{"no name", func(s *SubnetSpec) { s.Name = Opt[string]{} }, ErrInvalid, "name", "required"},
		{"name taken", func(s *SubnetSpec) { s.Name = Some("taken") }, ErrConflict, "name", "unique"},
		{"no cidr", func(s *SubnetSpec) { s.CIDR = Opt[netip.Prefix]{} }, ErrInvalid, "cidr", "required"},
		{"null cidr", func(s *SubnetSpec) { s.CIDR = Null[netip.Prefix]() }, ErrInvalid, "cidr", "required"},
		{"zero cidr", func(s *SubnetSpec) { s.CIDR = Some(netip.Prefix{}) }, ErrInvalid, "cidr", "not an address prefix"},
		{"host bits", cidr("198.51.100.77/24"), nil, "", ""},
		{"IPv4 /8", cidr("10.0.0.0/8"), nil, "", ""},
		{"IPv4 /7", cidr("10.0.0.0/7"), ErrInvalid, "cidr", "use /8 to /30"},
		{"IPv4 /30", cidr("10.0.0.0/30"), nil, "", ""},
		{"IPv4 /31", cidr("10.0.0.0/31"), ErrInvalid, "cidr", "use /8 to /30"},
		{"IPv6 /64", cidr("2001:db8::/64"), nil, "", ""},
		{"IPv6 /63", cidr("2001:db8::/63"), ErrInvalid, "cidr", "use /64 to /126"},
		{"IPv6 /126", cidr("2001:db8::/126"), nil, "", ""},
		{"IPv6 /127", cidr("2001:db8::/127"), ErrInvalid, "cidr", "use /64 to /126"},
		{"IPv4 in IPv6", cidr("::ffff:10.0.0.0/120"), ErrInvalid, "cidr", "write it as IPv4"},
		{"multicast", cidr("224.0.0.0/24"), ErrInvalid, "cidr", "hosts"},
		{"loopback", cidr("127.0.0.0/8"), ErrInvalid, "cidr", "hosts"},
		{"overlap", cidr("192.0.2.128/25"), ErrConflict, "cidr", "overlaps 192.0.2.0/24"},
		{"last gateway", gateway("198.51.100.254"), nil, "", ""},
		{"no gateway", func(s *SubnetSpec) { s.Gateway = Null[netip.Addr]() }, nil, "", ""},
		{"gateway outside", gateway("198.51.101.1"), ErrInvalid, "gateway_ip", "use one of 198.51.100.1-198.51.100.254"},
		{"gateway is network", gateway("198.51.100.0"), ErrInvalid, "gateway_ip", "not a host address"},
		{"gateway is broadcast", gateway("198.51.100.255"), ErrInvalid, "gateway_ip", "not a host address"},
		{"gateway of other family", gateway("2001:db8::1"), ErrInvalid, "gateway_ip", "not a host address"},
		{"gateway with a zone", func(s *SubnetSpec) {
			s.CIDR, s.Gateway = Some(prefix("2001:db8::/64")), Some(addr("2001:db8::1%eth0"))
		}, ErrInvalid, "gateway_ip", "zone"},
		{"range with a zone", func(s *SubnetSpec) {
			s.CIDR, s.Allocations = Some(prefix("2001:db8::/64")), Some([]Range{span("2001:db8::5%eth0", "2001:db8::9")})
		}, ErrInvalid, "allocation_pools", "zone"},
		{"ranges", pools(span("198.51.100.20", "198.51.100.29"), span("198.51.100.10", "198.51.100.19")), nil, "", ""},
		{"no ranges", pools(), nil, "", ""},
		{"null ranges", func(s *SubnetSpec) { s.Allocations = Null[[]Range]() }, nil, "", ""},
		{"most ranges", pools(many[:64]...), nil, "", ""},
		{"too many ranges", pools(many...), ErrInvalid, "allocation_pools", "at most 64"},
		{"range outside", pools(span("198.51.100.250", "198.51.101.5")), ErrInvalid, "allocation_pools", "use 198.51.100.1-198.51.100.254"},
		{"range with broadcast", pools(span("198.51.100.250", "198.51.100.255")), ErrInvalid, "allocation_pools", "not within"},
		{"range with network", pools(span("198.51.100.0", "198.51.100.0")), ErrInvalid, "allocation_pools", "not within"},
		{"range of no addresses", pools(Range{}), ErrInvalid, "allocation_pools", "not within"},
		{"range of other family", pools(span("2001:db8::1", "2001:db8::2")), ErrInvalid, "allocation_pools", "not within"},
		{"range backwards", pools(span("198.51.100.9", "198.51.100.8")), ErrInvalid, "allocation_pools", "ends before"},
		{"range with gateway", pools(span("198.51.100.1", "198.51.100.8")), ErrInvalid, "allocation_pools", "contains the gateway"},
		{"ranges overlap", pools(span("198.51.100.4", "198.51.100.8"), span("198.51.100.8", "198.51.100.9")), ErrInvalid, "allocation_pools", "overlaps"},
	}))
}

func TestUpdateSubnetRules(t *testing.T) {
	const id = 1
	fresh := func(t *testing.T) (*world, SubnetSpec) {
		w := newWorld(t)
		s := w.subnet("public", "198.51.100.0/24")
		w.subnet("taken", "192.0.2.0/24")
		w.loadBalancer(s) // at .2
		return w, SubnetSpec{}
	}
	meta := func(s *SubnetSpec) *MetaSpec { return &s.MetaSpec }
	op := func(s SubnetSpec) Op { return UpdateSubnet{ID: SubnetID(testID(id)), Spec: s} }
	checkRules(t, fresh, op, slices.Concat(metaRules(meta), describedRules(meta), []rule[SubnetSpec]{
		{"project", func(s *SubnetSpec) { s.ProjectID = Some("x") }, ErrInvalid, "project_id", "cannot be changed"},
		{"null name", func(s *SubnetSpec) { s.Name = Null[string]() }, ErrInvalid, "name", "required"},
		{"own name", func(s *SubnetSpec) { s.Name = Some("public") }, nil, "", ""},
		{"name taken", func(s *SubnetSpec) { s.Name = Some("taken") }, ErrConflict, "name", "unique"},
		{"same cidr", func(s *SubnetSpec) { s.CIDR = Some(prefix("198.51.100.9/24")) }, nil, "", ""},
		{"other cidr", func(s *SubnetSpec) { s.CIDR = Some(prefix("198.51.100.0/25")) }, ErrInvalid, "cidr", "cannot be changed"},
		{"null cidr", func(s *SubnetSpec) { s.CIDR = Null[netip.Prefix]() }, ErrInvalid, "cidr", "cannot be changed"},
		{"gateway", func(s *SubnetSpec) { s.Gateway = Some(addr("198.51.100.254")) }, nil, "", ""},
		{"gateway is a VIP", func(s *SubnetSpec) { s.Gateway = Some(addr("198.51.100.2")) }, ErrConflict, "gateway_ip", "is the VIP"},
		{"VIP falls out of the ranges", func(s *SubnetSpec) {
			s.Allocations = Some([]Range{span("198.51.100.100", "198.51.100.101")})
		}, nil, "", ""},
	}))
}

func TestDefaultRangesFollowGateway(t *testing.T) {
	w := newWorld(t)
	id := w.subnet("public", "198.51.100.0/24")
	check := func(step string, gateway string, want ...Range) {
		t.Helper()
		s, _ := w.cfg.Subnet(id)
		if got := s.Gateway; gateway == "" && got.IsValid() || gateway != "" && got != addr(gateway) {
			t.Errorf("%s: gateway %v, want %q", step, got, gateway)
		}
		if !slices.Equal(s.Allocations, want) {
			t.Errorf("%s: ranges %v, want %v", step, s.Allocations, want)
		}
	}
	check("default", "198.51.100.1", span("198.51.100.2", "198.51.100.254"))
	w.do(UpdateSubnet{ID: id, Spec: SubnetSpec{Gateway: Some(addr("198.51.100.9"))}})
	check("gateway moved", "198.51.100.9", span("198.51.100.1", "198.51.100.8"), span("198.51.100.10", "198.51.100.254"))
	w.do(UpdateSubnet{ID: id, Spec: SubnetSpec{Gateway: Null[netip.Addr]()}})
	check("gateway gone", "", span("198.51.100.1", "198.51.100.254"))
	own := span("198.51.100.50", "198.51.100.60")
	w.do(UpdateSubnet{ID: id, Spec: SubnetSpec{Allocations: Some([]Range{own})}})
	w.do(UpdateSubnet{ID: id, Spec: SubnetSpec{Gateway: Some(addr("198.51.100.1"))}})
	check("ranges of its own", "198.51.100.1", own)
	_, _, _, err := Apply(w.cfg, w.stamp(UpdateSubnet{ID: id, Spec: SubnetSpec{Gateway: Some(addr("198.51.100.55"))}}))
	checkError(t, err, ErrInvalid, "allocation_pools", "contains the gateway")
}

func TestSubnetInUse(t *testing.T) {
	w := newWorld(t)
	s, backend := w.subnet("public", "192.0.2.0/24"), w.subnet("backend", "10.0.0.0/24")
	b := w.loadBalancer(s)
	p := w.pool(b, ProtocolTCP)
	spec := memberSpec(p, "10.0.0.1", 80)
	spec.SubnetID = Some(backend)
	m := MemberID(w.do(CreateMember{Spec: spec}))
	for _, id := range []SubnetID{s, backend} {
		_, _, _, err := Apply(w.cfg, w.stamp(DeleteSubnet{ID: id}))
		checkError(t, err, ErrInUse, "", "delete them first")
	}
	w.do(DeleteMember{ID: m})
	w.do(DeleteSubnet{ID: backend})
	w.do(DeleteLoadBalancer{ID: b, Cascade: true})
	w.do(DeleteSubnet{ID: s})
	w.subnet("public", "192.0.2.0/25") // name and addresses are free again
}

func TestRenamedSubnetFreesItsName(t *testing.T) {
	w := newWorld(t)
	id := w.subnet("old", "192.0.2.0/24")
	w.do(UpdateSubnet{ID: id, Spec: SubnetSpec{MetaSpec: MetaSpec{Name: Some("new")}}})
	if s, ok := w.cfg.SubnetByName("new"); !ok || s.ID != id {
		t.Errorf("SubnetByName(new) = %v, %v", s, ok)
	}
	if s, ok := w.cfg.SubnetByName("old"); ok {
		t.Errorf("SubnetByName(old) = %v", s)
	}
	w.subnet("old", "198.51.100.0/24")
}
