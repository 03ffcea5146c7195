package lb

import (
	"net/netip"
	"slices"
	"testing"
)

func TestPortRules(t *testing.T) {
	var w vipWorld
	fresh := func(t *testing.T) (*world, PortSpec) {
		w = newVIPWorld(t)
		return w.world, PortSpec{NetworkID: Some(w.network)}
	}
	meta := func(s *PortSpec) *MetaSpec { return &s.MetaSpec }
	ips := func(all ...FixedIPSpec) func(*PortSpec) { return func(s *PortSpec) { s.FixedIPs = Some(all) } }
	at := func(a string) FixedIPSpec { return FixedIPSpec{Address: Some(addr(a))} }
	v6, gone := Some(SubnetID(testID(3))), testID(99)
	checkRules(t, fresh, func(s PortSpec) Op { return CreatePort{Spec: s} }, slices.Concat(metaRules(meta), describedRules(meta), projectRules(meta), []rule[PortSpec]{
		{"no network", func(s *PortSpec) { s.NetworkID = Opt[NetworkID]{} }, ErrInvalid, "network_id", "is required"},
		{"unknown network", func(s *PortSpec) { s.NetworkID = Some(NetworkID(gone)) }, ErrNotFound, "network_id", "does not exist"},
		{"network without subnets", func(s *PortSpec) { s.NetworkID = Some(w.empty) }, nil, "", ""},
		{"full network", func(s *PortSpec) { s.NetworkID = Some(w.other) }, ErrConflict, "fixed_ips", "are full"},
		{"no addresses", ips(), nil, "", ""},
		{"two addresses", ips(at("192.0.2.9"), FixedIPSpec{SubnetID: v6}), nil, "", ""},
		{"two of one subnet", ips(FixedIPSpec{SubnetID: v6}, FixedIPSpec{SubnetID: v6}), nil, "", ""},
		{"one address twice", ips(at("192.0.2.9"), at("192.0.2.9")), ErrConflict, "fixed_ips", "is an address of port"},
		{"address in use", ips(at("192.0.2.50")), ErrConflict, "fixed_ips", "is an address of port"},
		{"address of a gateway", ips(at("192.0.2.1")), ErrInvalid, "fixed_ips", "is the gateway"},
		{"address outside", ips(at("10.0.0.1")), ErrInvalid, "fixed_ips", "is in no subnet of network"},
		{"unknown subnet", ips(FixedIPSpec{SubnetID: Some(SubnetID(gone))}), ErrNotFound, "fixed_ips", "does not exist"},
		{"subnet elsewhere", ips(FixedIPSpec{SubnetID: Some(SubnetID(testID(5)))}), ErrInvalid, "fixed_ips", "use one of network"},
		{"nothing named", ips(FixedIPSpec{}), ErrInvalid, "fixed_ips", "give one of them"},
		{"too many", ips(slices.Repeat([]FixedIPSpec{{SubnetID: v6}}, 65)...), ErrInvalid, "fixed_ips", "at most 64"},
		{"unknown group", func(s *PortSpec) { s.SecurityGroupIDs = Some([]SecurityGroupID{SecurityGroupID(gone)}) }, ErrNotFound, "security_groups", "does not exist"},
		{"unknown policy", func(s *PortSpec) { s.QoSPolicyID = Some(QoSPolicyID(gone)) }, ErrNotFound, "qos_policy_id", "does not exist"},
	}))
}

func TestUpdatePortRules(t *testing.T) {
	var w vipWorld
	fresh := func(t *testing.T) (*world, PortSpec) {
		w = newVIPWorld(t)
		return w.world, PortSpec{}
	}
	checkRules(t, fresh, func(s PortSpec) Op { return UpdatePort{ID: w.two, Spec: s} }, []rule[PortSpec]{
		{"same network", func(s *PortSpec) { s.NetworkID = Some(w.network) }, nil, "", ""},
		{"other network", func(s *PortSpec) { s.NetworkID = Some(w.empty) }, ErrInvalid, "network_id", "cannot be changed"},
		{"same addresses", func(s *PortSpec) {
			s.FixedIPs = Some([]FixedIPSpec{{Address: Some(addr("192.0.2.60"))}, {SubnetID: Some(w.v6)}})
		}, nil, "", ""},
		{"fewer addresses", func(s *PortSpec) { s.FixedIPs = Some([]FixedIPSpec{{SubnetID: Some(w.v4)}}) }, ErrInvalid, "fixed_ips", "cannot be changed"},
		{"device", func(s *PortSpec) { s.DeviceID, s.DeviceOwner = Some("vm"), Some("compute:nova") }, nil, "", ""},
	})
}

func TestSecurityGroupRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, SecurityGroupSpec) { return newWorld(t), SecurityGroupSpec{} }
	meta := func(s *SecurityGroupSpec) *MetaSpec { return &s.MetaSpec }
	with := func(f func(*SecurityGroupRule)) func(*SecurityGroupSpec) {
		return func(s *SecurityGroupSpec) {
			r := SecurityGroupRule{ID: testID(50), Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", PortMin: 80, PortMax: 81, RemotePrefix: prefix("10.0.0.0/8")}
			f(&r)
			s.Rules = Some([]SecurityGroupRule{r})
		}
	}
	one := SecurityGroupRule{ID: testID(50), Direction: "egress", EtherType: "IPv6"}
	checkRules(t, fresh, func(s SecurityGroupSpec) Op { return CreateSecurityGroup{Spec: s} }, slices.Concat(metaRules(meta), describedRules(meta), projectRules(meta), []rule[SecurityGroupSpec]{
		{"rule", with(func(*SecurityGroupRule) {}), nil, "", ""},
		{"own group", with(func(r *SecurityGroupRule) { r.RemoteGroupID = SecurityGroupID(testID(1)) }), nil, "", ""},
		{"no id", with(func(r *SecurityGroupRule) { r.ID = "" }), ErrInvalid, "security_group_rules", "not a lower-case UUID"},
		{"id twice", func(s *SecurityGroupSpec) { s.Rules = Some([]SecurityGroupRule{one, one}) }, ErrInvalid, "security_group_rules", "two rules with the id"},
		{"direction", with(func(r *SecurityGroupRule) { r.Direction = "in" }), ErrInvalid, "direction", "ingress"},
		{"ethertype", with(func(r *SecurityGroupRule) { r.EtherType = "IPv5" }), ErrInvalid, "ethertype", "IPv4"},
		{"ports backwards", with(func(r *SecurityGroupRule) { r.PortMin = 82 }), ErrInvalid, "port_range_min", "greater than"},
		{"port too high", with(func(r *SecurityGroupRule) { r.PortMax = 65536 }), ErrInvalid, "port_range_max", "use 0 to 65535"},
		{"prefix of other version", with(func(r *SecurityGroupRule) { r.RemotePrefix = prefix("2001:db8::/32") }), ErrInvalid, "remote_ip_prefix", "not of ethertype"},
		{"unknown group", with(func(r *SecurityGroupRule) { r.RemoteGroupID = SecurityGroupID(testID(99)) }), ErrNotFound, "remote_group_id", "does not exist"},
		{"too many", func(s *SecurityGroupSpec) { s.Rules = Some(make([]SecurityGroupRule, 257)) }, ErrInvalid, "security_group_rules", "at most 256"},
	}))
}

func TestNetworkInUse(t *testing.T) {
	w := newVIPWorld(t)
	for _, r := range []struct {
		op  Op
		msg string
	}{
		{DeleteNetwork{ID: w.network}, "is used by 3 ports or load balancers and 0 members"},
		{DeleteSubnet{ID: w.v6}, "is used by 1 ports or load balancers"},
		{DeleteQoSPolicy{ID: w.policy}, "is used by 3 ports or load balancers"},
	} {
		_, _, _, err := Apply(w.cfg, w.stamp(r.op))
		checkError(t, err, ErrInUse, "", r.msg)
	}
	for _, id := range []PortID{w.one, w.two, w.used} {
		w.do(DeletePort{ID: id})
	}
	w.do(DeleteQoSPolicy{ID: w.policy})
	b := LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(w.v4), VIPSecurityGroupIDs: Some([]SecurityGroupID{w.group})}}))
	_, _, _, err := Apply(w.cfg, w.stamp(DeleteSecurityGroup{ID: w.group}))
	checkError(t, err, ErrInUse, "", "is used by 1 ports, load balancers or rules")
	_, _, _, err = Apply(w.cfg, w.stamp(DeleteNetwork{ID: w.network}))
	checkError(t, err, ErrInUse, "", "is used by 1 ports or load balancers")
	w.do(UpdateLoadBalancer{ID: b, Spec: LoadBalancerSpec{VIPSecurityGroupIDs: Null[[]SecurityGroupID]()}})
	w.do(DeleteSecurityGroup{ID: w.group})
	w.do(DeleteLoadBalancer{ID: b})
	w.do(DeleteNetwork{ID: w.network})
	for _, id := range []SubnetID{w.v4, w.v6} {
		if _, ok := w.cfg.Subnet(id); ok {
			t.Errorf("subnet %s outlives its network", id)
		}
	}
	w.subnet("v4", "192.0.2.0/24") // name and addresses are free again
}

func TestNetworkOfASubnetFollowsIt(t *testing.T) {
	w := newWorld(t)
	id := w.subnet("public", "192.0.2.0/24")
	s, _ := w.cfg.Subnet(id)
	if n, ok := w.cfg.Network(s.NetworkID); !ok || n.Name != "public" || !n.Shared {
		t.Fatalf("network %+v, want one of the subnet's name that everybody may use", n)
	}
	w.do(UpdateSubnet{ID: id, Spec: SubnetSpec{MetaSpec: MetaSpec{Name: Some("front")}}})
	if n, _ := w.cfg.Network(s.NetworkID); n.Name != "front" {
		t.Errorf("network is named %q, want it to follow its subnet", n.Name)
	}
	second := subnetSpec("v6", "2001:db8::/64")
	second.NetworkID = Some(s.NetworkID)
	v6 := SubnetID(w.do(CreateSubnet{Spec: second}))
	_, _, _, err := Apply(w.cfg, w.stamp(DeleteSubnet{ID: id}))
	checkError(t, err, ErrInUse, "", "has 1 other subnets")
	w.do(DeleteSubnet{ID: v6})

	w.do(UpdateNetwork{ID: s.NetworkID, Spec: NetworkSpec{MetaSpec: MetaSpec{Name: Some("own")}}})
	w.do(DeleteSubnet{ID: id})
	if n, ok := w.cfg.Network(s.NetworkID); !ok || n.Name != "own" {
		t.Errorf("network %+v, want one that was changed to stay when the subnet goes", n)
	}
	w.do(DeleteNetwork{ID: s.NetworkID})
	if n := len(slices.Collect(w.cfg.Networks())); n != 0 {
		t.Errorf("%d networks are left", n)
	}
}

// TestBuildOfOlderStore builds what a version without networks and ports has stored.
func TestBuildOfOlderStore(t *testing.T) {
	meta := Meta{AdminStateUp: true, Revision: 1}
	s := &Subnet{ID: SubnetID(testID(1)), Meta: meta, CIDR: prefix("192.0.2.0/24"), Allocations: []Range{span("192.0.2.2", "192.0.2.9")}}
	b := &LoadBalancer{ID: LoadBalancerID(testID(2)), Meta: meta, VIPSubnetID: s.ID, VIPAddress: netip.MustParseAddr("192.0.2.2")}
	cfg, err := Build(1, slices.Values([]any{s, b}))
	if err != nil {
		t.Fatal(err)
	}
	tree, _ := cfg.Tree(b.ID)
	got := tree.LoadBalancer
	network, ok := cfg.Network(got.VIPNetworkID)
	if !ok || got.Provider != "amphora" {
		t.Errorf("load balancer %+v, want it in a network, of provider amphora", got)
	}
	if sub, _ := cfg.Subnet(s.ID); sub.NetworkID != network.ID {
		t.Errorf("subnet in network %q, want %q", sub.NetworkID, network.ID)
	}
	if p, ok := cfg.Port(got.VIPPortID); !ok || p.FixedIPs[0].Address != b.VIPAddress {
		t.Errorf("port %+v, want one with the VIP", p)
	}
	if s.NetworkID != "" || b.VIPPortID != "" {
		t.Error("Build changed what was stored")
	}
}

func TestNetworksAreActiveAtOnce(t *testing.T) {
	w := newVIPWorld(t)
	b := w.balancer(LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(w.v4)}})))
	for kind, id := range map[Kind]string{
		KindNetwork: string(w.other), KindPort: string(b.VIPPortID), KindSecurityGroup: string(w.group), KindQoSPolicy: string(w.policy),
	} {
		if s, ok := w.cfg.Status(kind, id, View{}); !ok || s.Provisioning != Active || s.Operating != Online {
			t.Errorf("%s has the status %+v, %v", kind, s, ok)
		}
		if _, ok := w.cfg.Status(kind, testID(99), View{}); ok {
			t.Errorf("%s that is not there has a status", kind)
		}
	}
}
