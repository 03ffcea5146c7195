package lb

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// vipWorld is a network with an IPv4 and an IPv6 subnet, a full one beside it, a network
// without subnets, and ports with one address, two, and a device.
type vipWorld struct {
	*world
	network, other, empty NetworkID
	v4, v6, full          SubnetID
	one, two, used        PortID
	group                 SecurityGroupID
	policy                QoSPolicyID
}

func newVIPWorld(t testing.TB) vipWorld {
	w := vipWorld{world: newWorld(t)}
	name := func(n string) MetaSpec { return MetaSpec{Name: Some(n)} }
	w.network = NetworkID(w.do(CreateNetwork{Spec: NetworkSpec{MetaSpec: name("net")}}))
	w.empty = NetworkID(w.do(CreateNetwork{Spec: NetworkSpec{MetaSpec: name("empty")}}))
	in := func(n, cidr string) SubnetSpec {
		s := subnetSpec(n, cidr)
		s.NetworkID = Some(w.network)
		return s
	}
	w.v6 = SubnetID(w.do(CreateSubnet{Spec: in("v6", "2001:db8::/64")}))
	w.v4 = SubnetID(w.do(CreateSubnet{Spec: in("v4", "192.0.2.0/24")}))
	full := subnetSpec("full", "198.51.100.0/30")
	full.Allocations = Some([]Range{})
	w.full = SubnetID(w.do(CreateSubnet{Spec: full}))
	s, _ := w.cfg.Subnet(w.full)
	w.other = s.NetworkID
	w.policy = QoSPolicyID(w.do(CreateQoSPolicy{}))
	w.group = SecurityGroupID(w.do(CreateSecurityGroup{}))
	port := func(device string, ips ...string) PortID {
		spec := PortSpec{NetworkID: Some(w.network), DeviceID: Some(device), QoSPolicyID: Some(w.policy)}
		var all []FixedIPSpec
		for _, ip := range ips {
			all = append(all, FixedIPSpec{Address: Some(addr(ip))})
		}
		spec.FixedIPs = Some(all)
		return PortID(w.do(CreatePort{Spec: spec}))
	}
	w.one = port("", "192.0.2.50")
	w.two = port("", "192.0.2.60", "2001:db8::60")
	w.used = port("server-1", "192.0.2.70")
	return w
}

func (w vipWorld) balancer(id LoadBalancerID) *LoadBalancer {
	w.t.Helper()
	t, ok := w.cfg.Tree(id)
	if !ok {
		w.t.Fatalf("load balancer %s is not there", id)
	}
	return t.LoadBalancer
}

func TestVIPRules(t *testing.T) {
	var w vipWorld
	fresh := func(t *testing.T) (*world, LoadBalancerSpec) {
		w = newVIPWorld(t)
		return w.world, LoadBalancerSpec{VIPSubnetID: Some(w.v4)}
	}
	type spec = LoadBalancerSpec
	clear := func(s *spec) { s.VIPSubnetID = Opt[SubnetID]{} }
	byPort := func(p *PortID) func(*spec) {
		return func(s *spec) { clear(s); s.VIPPortID = Some(*p) }
	}
	byNet := func(n *NetworkID) func(*spec) {
		return func(s *spec) { clear(s); s.VIPNetworkID = Some(*n) }
	}
	at := func(a string) func(*spec) { return func(s *spec) { s.VIPAddress = Some(addr(a)) } }
	more := func(v ...AdditionalVIPSpec) func(*spec) { return func(s *spec) { s.AdditionalVIPs = Some(v) } }
	and := func(fs ...func(*spec)) func(*spec) {
		return func(s *spec) {
			for _, f := range fs {
				f(s)
			}
		}
	}
	gone := testID(99)
	checkRules(t, fresh, func(s spec) Op { return CreateLoadBalancer{Spec: s} }, []rule[spec]{
		{"nothing named", clear, ErrInvalid, "vip_subnet_id", "Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id."},
		{"address alone", and(clear, at("192.0.2.9")), ErrInvalid, "vip_subnet_id", "VIP must contain one of"},
		{"unknown port", func(s *spec) { s.VIPPortID = Some(PortID(gone)) }, ErrInvalid, "vip_port_id", "Port " + gone + " not found."},
		{"unknown subnet", func(s *spec) { s.VIPSubnetID = Some(SubnetID(gone)) }, ErrInvalid, "vip_subnet_id", "Subnet " + gone + " not found."},
		{"unknown network", and(clear, func(s *spec) { s.VIPNetworkID = Some(NetworkID(gone)) }), ErrInvalid, "vip_network_id", "Network " + gone + " not found."},
		{"unknown network with subnet", func(s *spec) { s.VIPNetworkID = Some(NetworkID(gone)) }, ErrInvalid, "vip_network_id", "Network " + gone + " not found."},
		{"unknown policy", func(s *spec) { s.VIPQoSPolicyID = Some(QoSPolicyID(gone)) }, ErrInvalid, "vip_qos_policy_id", "qos_policy " + gone + " not found."},
		{"unknown group", func(s *spec) { s.VIPSecurityGroupIDs = Some([]SecurityGroupID{SecurityGroupID(gone)}) }, ErrInvalid, "vip_sg_ids", "Security Group " + gone + " not found."},

		{"port", byPort(&w.one), nil, "", ""},
		{"port and its subnet", func(s *spec) { s.VIPPortID = Some(w.one) }, nil, "", ""},
		{"port of a device", byPort(&w.used), ErrInvalid, "vip_port_id", "is already used by device server-1"},
		{"port and other subnet", func(s *spec) { s.VIPPortID, s.VIPSubnetID = Some(w.one), Some(w.v6) }, ErrInvalid, "vip_subnet_id", "No VIP address found on the specified VIP port within the specified subnet"},
		{"port and unknown subnet", func(s *spec) { s.VIPPortID, s.VIPSubnetID = Some(w.one), Some(SubnetID(gone)) }, ErrInvalid, "vip_subnet_id", "Subnet " + gone + " not found."},
		{"port and its address", and(byPort(&w.two), at("2001:db8::60")), nil, "", ""},
		{"port and other address", and(byPort(&w.one), at("192.0.2.51")), ErrInvalid, "vip_address", "Specified VIP address not found on the specified VIP port"},
		{"port of two addresses", byPort(&w.two), ErrInvalid, "vip_port_id", "VIP port's subnet could not be determined"},
		{"port of two addresses and subnet", func(s *spec) { s.VIPPortID = Some(w.two) }, nil, "", ""},

		{"network", byNet(&w.network), nil, "", ""},
		{"network and its subnet", func(s *spec) { s.VIPNetworkID = Some(w.network) }, nil, "", ""},
		{"network and other subnet", func(s *spec) { s.VIPNetworkID = Some(w.other) }, ErrInvalid, "vip_subnet_id", "not found."},
		{"network and address", and(byNet(&w.network), at("192.0.2.9")), nil, "", ""},
		{"network and address in use", and(byNet(&w.network), at("192.0.2.50")), ErrConflict, "vip_address", "is an address of port"},
		{"network and address outside", and(byNet(&w.network), at("10.0.0.1")), ErrInvalid, "vip_network_id", "does not contain a subnet for VIP address specified"},
		{"network without subnets", byNet(&w.empty), ErrInvalid, "vip_network_id", "Supplied network does not contain a subnet."},
		{"full network", byNet(&w.other), ErrInvalid, "vip_network_id", "do not have an available IP address"},
		{"full subnet", func(s *spec) { s.VIPSubnetID = Some(w.full) }, ErrConflict, "vip_address", "is full"},

		{"additional", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(3)))}), nil, "", ""},
		{"additional by address", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(3))), Address: Some(addr("2001:db8::9"))}), nil, "", ""},
		{"additional outside", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(3))), Address: Some(addr("2001:db9::9"))}), ErrInvalid, "additional_vips", "outside"},
		{"additional in use", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(3))), Address: Some(addr("2001:db8::60"))}), ErrConflict, "additional_vips", "is an address of port"},
		{"additional without subnet", more(AdditionalVIPSpec{Address: Some(addr("2001:db8::9"))}), ErrInvalid, "additional_vips", "Mandatory field missing"},
		{"additional of unknown subnet", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(gone))}), ErrInvalid, "additional_vips", "Subnet " + gone + " not found."},
		{"additional of the first subnet", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(4)))}), ErrInvalid, "additional_vips", "Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet."},
		{"additional twice", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(3)))}, AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(3)))}), ErrInvalid, "additional_vips", "Duplicate VIP subnet(s)"},
		{"additional of other network", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(5)))}), ErrInvalid, "additional_vips", "All VIP subnets must belong to the same network."},
		{"additional by unknown port", more(AdditionalVIPSpec{SubnetID: Some(SubnetID(testID(3))), PortID: Some(PortID(gone))}), ErrInvalid, "additional_vips", "Port " + gone + " not found."},
		{"additional by port", func(s *spec) {
			s.AdditionalVIPs = Some([]AdditionalVIPSpec{{SubnetID: Some(w.v6), PortID: Some(w.two)}})
		}, nil, "", ""},
		{"additional by port elsewhere", func(s *spec) {
			s.AdditionalVIPs = Some([]AdditionalVIPSpec{{SubnetID: Some(w.v6), PortID: Some(w.one)}})
		}, ErrInvalid, "additional_vips", "No VIP address found on the specified VIP port"},

		{"provider", func(s *spec) { s.Provider = Some("amphora") }, nil, "", ""},
		{"alias of the provider", func(s *spec) { s.Provider = Some("octavia") }, nil, "", ""},
		{"other provider", func(s *spec) { s.Provider = Some("ovn") }, ErrInvalid, "provider", "Provider 'ovn' is not enabled."},
		{"unknown flavor", func(s *spec) { s.FlavorID = Some(FlavorID(gone)) }, ErrInvalid, "flavor_id", "Validation failure: Invalid flavor_id."},
		{"unknown zone", func(s *spec) { s.AvailabilityZone = Some("north") }, ErrInvalid, "availability_zone", "Validation failure: Invalid availability zone."},
	})
}

func TestVIPOfANetworkPrefersIPv4(t *testing.T) {
	w := newVIPWorld(t)
	b := w.balancer(LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPNetworkID: Some(w.network)}})))
	if b.VIPSubnetID != w.v4 || b.VIPAddress != addr("192.0.2.2") || b.VIPNetworkID != w.network {
		t.Errorf("VIP %s of subnet %s, want 192.0.2.2 of the IPv4 subnet", b.VIPAddress, b.VIPSubnetID)
	}
}

func TestVIPPortLivesAsItsLoadBalancer(t *testing.T) {
	w := newVIPWorld(t)
	id := LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{
		VIPSubnetID: Some(w.v4), AdditionalVIPs: Some([]AdditionalVIPSpec{{SubnetID: Some(w.v6)}}),
		VIPSecurityGroupIDs: Some([]SecurityGroupID{w.group}), VIPQoSPolicyID: Some(w.policy),
	}}))
	b := w.balancer(id)
	if got, want := b.VIPs(), []netip.Addr{addr("192.0.2.2"), addr("2001:db8::2")}; !slices.Equal(got, want) {
		t.Fatalf("VIPs %v, want %v", got, want)
	}
	for i, v := range b.everyVIP() {
		p, ok := w.cfg.Port(v.PortID)
		if !ok {
			t.Fatalf("VIP %d has no port", i)
		}
		if p.DeviceID != "lb-"+string(id) || p.DeviceOwner != "Octavia" || !p.Owned || p.NetworkID != w.network ||
			!slices.Equal(p.FixedIPs, []FixedIP{{v.SubnetID, v.Address}}) || !slices.Equal(p.SecurityGroupIDs, []SecurityGroupID{w.group}) ||
			p.QoSPolicyID != w.policy || !strings.HasPrefix(p.MAC, "fa:16:3e:") || len(p.MAC) != 17 {
			t.Errorf("port of VIP %d is %+v", i, p)
		}
		_, _, _, err := Apply(w.cfg, w.stamp(DeletePort{ID: v.PortID}))
		checkError(t, err, ErrInUse, "", "is the VIP of load balancer "+string(id))
		_, _, _, err = Apply(w.cfg, w.stamp(UpdatePort{ID: v.PortID, Spec: PortSpec{DeviceID: Some("x")}}))
		checkError(t, err, ErrInUse, "device_id", "is the VIP of load balancer "+string(id))
	}
	// A change of one stores it, and its groups are its own until the load balancer's change.
	w.do(UpdatePort{ID: b.VIPPortID, Spec: PortSpec{MetaSpec: MetaSpec{Name: Some("mine")}, SecurityGroupIDs: Null[[]SecurityGroupID]()}})
	if p, _ := w.cfg.Port(b.VIPPortID); p.Name != "mine" || p.SecurityGroupIDs != nil || !p.Owned {
		t.Errorf("changed port %+v", p)
	}
	w.do(UpdateLoadBalancer{ID: id, Spec: LoadBalancerSpec{VIPSecurityGroupIDs: Some([]SecurityGroupID{w.group})}})
	if p, _ := w.cfg.Port(b.VIPPortID); p.Name != "mine" || len(p.SecurityGroupIDs) != 1 {
		t.Errorf("port %+v after its load balancer got the group", p)
	}
	w.do(DeleteLoadBalancer{ID: id})
	for i, v := range b.everyVIP() {
		if _, ok := w.cfg.Port(v.PortID); ok {
			t.Errorf("port of VIP %d outlives its load balancer", i)
		}
	}
	if again := w.balancer(w.loadBalancer(w.v4)); again.VIPAddress != b.VIPAddress {
		t.Errorf("VIP %s, want %s, which was given back", again.VIPAddress, b.VIPAddress)
	}
}

func TestClientsPortIsOnlyLent(t *testing.T) {
	w := newVIPWorld(t)
	id := LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{
		VIPPortID: Some(w.two), VIPSubnetID: Some(w.v4), AdditionalVIPs: Some([]AdditionalVIPSpec{{SubnetID: Some(w.v6)}}),
	}}))
	b := w.balancer(id)
	if b.VIPPortID != w.two || b.AdditionalVIPs[0].PortID != w.two || b.AdditionalVIPs[0].Address != addr("2001:db8::60") {
		t.Errorf("VIPs %+v, want both of port %s", b.everyVIP(), w.two)
	}
	if b.VIPQoSPolicyID != w.policy {
		t.Errorf("QoS policy %q, want that of the port", b.VIPQoSPolicyID)
	}
	if p, _ := w.cfg.Port(w.two); p.DeviceID != "lb-"+string(id) || p.DeviceOwner != "Octavia" || p.Owned {
		t.Errorf("lent port %+v", p)
	}
	w.do(DeleteLoadBalancer{ID: id})
	if p, ok := w.cfg.Port(w.two); !ok || p.DeviceID != "" || p.DeviceOwner != "" || len(p.FixedIPs) != 2 {
		t.Errorf("port %+v after the load balancer, want it as it was", p)
	}
	w.do(DeletePort{ID: w.two})
	w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(w.v4), VIPAddress: Some(addr("192.0.2.60"))}})
}
