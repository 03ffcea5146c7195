package lb

import (
	"net/netip"
	"slices"
	"testing"
)

func TestCreateLoadBalancerRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, LoadBalancerSpec) {
		w := newWorld(t)
		s := w.subnet("public", "192.0.2.0/24")
		w.loadBalancer(s) // at .2
		return w, LoadBalancerSpec{VIPSubnetID: Some(s)}
	}
	meta := func(s *LoadBalancerSpec) *MetaSpec { return &s.MetaSpec }
	vip := func(a string) func(*LoadBalancerSpec) {
		return func(s *LoadBalancerSpec) { s.VIPAddress = Some(addr(a)) }
	}
	op := func(s LoadBalancerSpec) Op { return CreateLoadBalancer{Spec: s} }
	checkRules(t, fresh, op, slices.Concat(metaRules(meta), describedRules(meta), projectRules(meta), []rule[LoadBalancerSpec]{
		{"no subnet", func(s *LoadBalancerSpec) { s.VIPSubnetID = Opt[SubnetID]{} }, ErrInvalid, "vip_subnet_id", "Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id."},
		{"null subnet", func(s *LoadBalancerSpec) { s.VIPSubnetID = Null[SubnetID]() }, ErrInvalid, "vip_subnet_id", "Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id."},
		{"unknown subnet", func(s *LoadBalancerSpec) { s.VIPSubnetID = Some(SubnetID(testID(9))) }, ErrInvalid, "vip_subnet_id", "Subnet " + testID(9) + " not found."},
		{"null address", func(s *LoadBalancerSpec) { s.VIPAddress = Null[netip.Addr]() }, nil, "", ""},
		{"free address", vip("192.0.2.254"), nil, "", ""},
		{"zero address", func(s *LoadBalancerSpec) { s.VIPAddress = Some(netip.Addr{}) }, ErrInvalid, "vip_address", "not an IP address"},
		{"address in use", vip("192.0.2.2"), ErrConflict, "vip_address", "is the VIP of load balancer " + testID(2)},
		{"address outside", vip("192.0.3.1"), ErrInvalid, "vip_address", "outside 192.0.2.0/24"},
		{"other family", vip("2001:db8::1"), ErrInvalid, "vip_address", "outside"},
		{"IPv4 in IPv6", vip("::ffff:192.0.2.9"), ErrInvalid, "vip_address", "use 192.0.2.9"},
		{"network", vip("192.0.2.0"), ErrInvalid, "vip_address", "use one of 192.0.2.1-192.0.2.254"},
		{"broadcast", vip("192.0.2.255"), ErrInvalid, "vip_address", "use one of"},
		{"gateway", vip("192.0.2.1"), ErrInvalid, "vip_address", "is the gateway"},
	}))
}

func TestUpdateLoadBalancerRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, LoadBalancerSpec) {
		w := newWorld(t)
		w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
		return w, LoadBalancerSpec{}
	}
	meta := func(s *LoadBalancerSpec) *MetaSpec { return &s.MetaSpec }
	op := func(s LoadBalancerSpec) Op { return UpdateLoadBalancer{ID: LoadBalancerID(testID(2)), Spec: s} }
	checkRules(t, fresh, op, slices.Concat(metaRules(meta), describedRules(meta), []rule[LoadBalancerSpec]{
		{"project", func(s *LoadBalancerSpec) { s.ProjectID = Some("x") }, ErrInvalid, "project_id", "cannot be changed"},
		{"same subnet", func(s *LoadBalancerSpec) { s.VIPSubnetID = Some(SubnetID(testID(1))) }, nil, "", ""},
		{"other subnet", func(s *LoadBalancerSpec) { s.VIPSubnetID = Some(SubnetID(testID(9))) }, ErrInvalid, "vip_subnet_id", "cannot be changed"},
		{"same address", func(s *LoadBalancerSpec) { s.VIPAddress = Some(addr("192.0.2.2")) }, nil, "", ""},
		{"other address", func(s *LoadBalancerSpec) { s.VIPAddress = Some(addr("192.0.2.3")) }, ErrInvalid, "vip_address", "cannot be changed"},
		{"null address", func(s *LoadBalancerSpec) { s.VIPAddress = Null[netip.Addr]() }, ErrInvalid, "vip_address", "cannot be changed"},
	}))
}

func TestSubnetFull(t *testing.T) {
	w := newWorld(t)
	spec := subnetSpec("public", "192.0.2.0/24")
	spec.Allocations = Some([]Range{span("192.0.2.20", "192.0.2.21"), span("192.0.2.10", "192.0.2.10")})
	s := SubnetID(w.do(CreateSubnet{Spec: spec}))
	vip := func(id LoadBalancerID) string {
		tree, _ := w.cfg.Tree(id)
		return tree.LoadBalancer.VIPAddress.String()
	}
	a, b, c := w.loadBalancer(s), w.loadBalancer(s), w.loadBalancer(s)
	if got := []string{vip(a), vip(b), vip(c)}; !slices.Equal(got, []string{"192.0.2.10", "192.0.2.20", "192.0.2.21"}) {
		t.Errorf("VIPs %v, want the ranges in order", got)
	}
	_, _, _, err := Apply(w.cfg, w.stamp(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s)}}))
	checkError(t, err, ErrConflict, "vip_address", "full: all 3 addresses")

	w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), VIPAddress: Some(addr("192.0.2.99"))}})
	w.do(DeleteLoadBalancer{ID: b})
	if got := vip(w.loadBalancer(s)); got != "192.0.2.20" {
		t.Errorf("VIP %s, want the one given back, 192.0.2.20", got)
	}
}

func TestLargestSubnetAllocates(t *testing.T) {
	w := newWorld(t)
	s := w.subnet("public", "2001:db8::/64")
	tree, _ := w.cfg.Tree(w.loadBalancer(s))
	if got := tree.LoadBalancer.VIPAddress; got != addr("2001:db8::2") {
		t.Errorf("VIP %v, want 2001:db8::2", got)
	}
	last := addr("2001:db8::ffff:ffff:ffff:ffff")
	w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s), VIPAddress: Some(last)}})
	w.do(UpdateSubnet{ID: s, Spec: SubnetSpec{Allocations: Some([]Range{{last, last}})}})
	_, _, _, err := Apply(w.cfg, w.stamp(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(s)}}))
	checkError(t, err, ErrConflict, "vip_address", "all 1 addresses")
}

func TestDeleteLoadBalancer(t *testing.T) {
	for _, child := range []string{"listener", "pool"} {
		w := newWorld(t)
		b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
		if child == "listener" {
			w.listener(b, ProtocolTCP, 80)
		} else {
			w.pool(b, ProtocolTCP)
		}
		_, _, _, err := Apply(w.cfg, w.stamp(DeleteLoadBalancer{ID: b}))
		checkError(t, err, ErrInUse, "", "Cannot delete Load Balancer "+string(b)+" - it has children")
		w.do(DeleteLoadBalancer{ID: b, Cascade: true})
	}
}

func TestDeleteCascadesFromTheBottom(t *testing.T) {
	w := newWorld(t)
	b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	p := w.pool(b, ProtocolHTTP)
	w.listener(b, ProtocolHTTP, 80)
	w.member(p, "10.0.0.1", 80)
	w.monitor(p, MonitorTCP)
	_, _, changes, err := Apply(w.cfg, w.stamp(DeleteLoadBalancer{ID: b, Cascade: true}))
	if err != nil {
		t.Fatal(err)
	}
	var got []Kind
	for _, c := range changes {
		if c.Object != nil {
			t.Errorf("%s %s is written, not deleted", c.Kind, c.ID)
		}
		got = append(got, c.Kind)
	}
	want := []Kind{KindMember, KindHealthMonitor, KindPool, KindListener, KindLoadBalancer}
	if !slices.Equal(got, want) {
		t.Errorf("deleted %q, want %q", got, want)
	}
}
