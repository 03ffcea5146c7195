package lb

import (
	"fmt"
	"net/netip"

	"pgregory.net/rapid"
)

// drawn is an operation that gen may draw, once there is a resource of the kind needs.
type drawn struct {
	needs Kind
	draw  func() Op
}

// identifyNet is identify for the kinds of [nets] and [operator].
func identifyNet(o any) (Kind, string, uint64) {
	switch o := o.(type) {
	case *Network:
		return KindNetwork, string(o.ID), o.Revision
	case *Port:
		return KindPort, string(o.ID), o.Revision
	case *SecurityGroup:
		return KindSecurityGroup, string(o.ID), o.Revision
	case *QoSPolicy:
		return KindQoSPolicy, string(o.ID), o.Revision
	case *Quota:
		return KindQuota, o.ProjectID, o.Revision
	case *FlavorProfile:
		return KindFlavorProfile, string(o.ID), o.Revision
	case *Flavor:
		return KindFlavor, string(o.ID), o.Revision
	case *AvailabilityZoneProfile:
		return KindAvailabilityZoneProfile, string(o.ID), o.Revision
	case *AvailabilityZone:
		return KindAvailabilityZone, o.Name, o.Revision
	}
	panic(fmt.Sprintf("%T", o))
}

// network and port draw ids also of those that are not stored.
func (g gen) network() NetworkID {
	var ids []NetworkID
	for n := range g.cfg.Networks() {
		ids = append(ids, n.ID)
	}
	return rapid.SampledFrom(append(ids, NetworkID(testID(0)))).Draw(g.t, "network")
}

func (g gen) port() PortID {
	var ids []PortID
	for p := range g.cfg.Ports() {
		ids = append(ids, p.ID)
	}
	return rapid.SampledFrom(append(ids, PortID(testID(0)))).Draw(g.t, "port")
}

func (g gen) address() netip.Addr {
	n, ok := g.cfg.subnets.Get(SubnetID(g.id(KindSubnet)))
	if !ok {
		return addr("10.9.9.9")
	}
	return at(n.subnet.CIDR, rapid.Uint64Range(0, 9).Draw(g.t, "host"))
}

func (g gen) groups() Opt[[]SecurityGroupID] {
	return maybe(g, []SecurityGroupID{SecurityGroupID(g.id(KindSecurityGroup))}, nil)
}

// vip draws how a load balancer finds its VIPs, and what it refers to beside them.
func (g gen) vip(s *LoadBalancerSpec) {
	s.ProjectID = maybe(g, "p1", "p2")
	switch {
	case g.chance(30):
		s.VIPSubnetID, s.VIPNetworkID = Opt[SubnetID]{}, Some(g.network())
	case g.chance(30):
		s.VIPSubnetID, s.VIPPortID = Opt[SubnetID]{}, Some(g.port())
	}
	if g.chance(30) {
		s.AdditionalVIPs = Some([]AdditionalVIPSpec{{SubnetID: Some(SubnetID(g.id(KindSubnet)))}})
	}
	if g.chance(30) {
		s.VIPSecurityGroupIDs, s.VIPQoSPolicyID = g.groups(), maybe(g, QoSPolicyID(g.id(KindQoSPolicy)))
	}
	if g.chance(20) {
		s.FlavorID = maybe(g, FlavorID(g.id(KindFlavor)))
		s.AvailabilityZone = maybe(g, g.id(KindAvailabilityZone))
	}
}

func (g gen) netOps() []drawn {
	port := func() PortSpec {
		return PortSpec{
			MetaSpec: g.meta(), SecurityGroupIDs: g.groups(), QoSPolicyID: maybe(g, QoSPolicyID(g.id(KindQoSPolicy))),
			DeviceID: maybe(g, ""),
		}
	}
	group := func() SecurityGroupSpec {
		rule := SecurityGroupRule{ID: testID(900), Direction: "ingress", EtherType: "IPv4", RemoteGroupID: SecurityGroupID(g.id(KindSecurityGroup))}
		return SecurityGroupSpec{MetaSpec: g.meta(), Rules: maybe(g, []SecurityGroupRule{rule}, nil)}
	}
	balancer := func() LoadBalancerID { return LoadBalancerID(g.id(KindLoadBalancer)) }
	return []drawn{
		{"", func() Op { return CreateNetwork{Spec: NetworkSpec{MetaSpec: g.meta(), Shared: maybe(g, true)}} }},
		{KindSubnet, func() Op { return UpdateNetwork{ID: g.network(), Spec: NetworkSpec{MetaSpec: g.meta()}} }},
		{KindSubnet, func() Op { return DeleteNetwork{ID: g.network()} }},
		{KindSubnet, func() Op {
			s := g.subnet(true)
			s.NetworkID = Some(g.network())
			return CreateSubnet{Spec: s}
		}},
		{KindSubnet, func() Op {
			s := port()
			s.NetworkID = Some(g.network())
			if g.chance(50) {
				s.FixedIPs = Some([]FixedIPSpec{{Address: Some(g.address())}, {SubnetID: Some(SubnetID(g.id(KindSubnet)))}}[:rapid.IntRange(0, 2).Draw(g.t, "ips")])
			}
			return CreatePort{Spec: s}
		}},
		{KindLoadBalancer, func() Op { return UpdatePort{ID: g.port(), Spec: port()} }},
		{KindPort, func() Op { return DeletePort{ID: g.port()} }},
		{"", func() Op { return CreateSecurityGroup{Spec: group()} }},
		{KindSecurityGroup, func() Op {
			return UpdateSecurityGroup{ID: SecurityGroupID(g.id(KindSecurityGroup)), Spec: group()}
		}},
		{KindSecurityGroup, func() Op { return DeleteSecurityGroup{ID: SecurityGroupID(g.id(KindSecurityGroup))} }},
		{"", func() Op { return CreateQoSPolicy{Spec: QoSPolicySpec{MetaSpec: g.meta()}} }},
		{KindQoSPolicy, func() Op {
			return UpdateQoSPolicy{ID: QoSPolicyID(g.id(KindQoSPolicy)), Spec: QoSPolicySpec{MetaSpec: g.meta()}}
		}},
		{KindQoSPolicy, func() Op { return DeleteQoSPolicy{ID: QoSPolicyID(g.id(KindQoSPolicy))} }},
		{KindSubnet, func() Op {
			s := g.loadBalancer()
			g.vip(&s)
			return CreateLoadBalancer{Spec: s}
		}},
		{KindPort, func() Op {
			return CreateLoadBalancer{Spec: LoadBalancerSpec{VIPPortID: Some(PortID(g.id(KindPort))), VIPSecurityGroupIDs: g.groups()}}
		}},
		{KindLoadBalancer, func() Op {
			return UpdateLoadBalancer{ID: balancer(), Spec: LoadBalancerSpec{
				VIPSecurityGroupIDs: g.groups(), VIPQoSPolicyID: maybe(g, QoSPolicyID(g.id(KindQoSPolicy))),
			}}
		}},
		{KindLoadBalancer, func() Op { return DeleteLoadBalancer{ID: balancer(), Cascade: true} }},
		{"", func() Op {
			return SetQuota{ProjectID: rapid.SampledFrom([]string{"p1", "p2"}).Draw(g.t, "project"), Spec: QuotaSpec{
				LoadBalancer: maybe(g, 1, 3, -1), Member: maybe(g, 1, -2),
			}}
		}},
		{KindQuota, func() Op { return ResetQuota{ProjectID: g.id(KindQuota)} }},
		{"", func() Op {
			return CreateFlavorProfile{Spec: FlavorProfileSpec{Name: Some("f"), ProviderName: Some("amphora"), Data: Some(`{"sriov_vip": false}`)}}
		}},
		{KindFlavorProfile, func() Op {
			return UpdateFlavorProfile{ID: FlavorProfileID(g.id(KindFlavorProfile)), Spec: FlavorProfileSpec{Name: Some("g"), Data: maybe(g, `{}`)}}
		}},
		{KindFlavorProfile, func() Op { return DeleteFlavorProfile{ID: FlavorProfileID(g.id(KindFlavorProfile))} }},
		{KindFlavorProfile, func() Op {
			return CreateFlavor{Spec: FlavorSpec{Name: maybe(g, "a", "b"), ProfileID: Some(FlavorProfileID(g.id(KindFlavorProfile)))}}
		}},
		{KindFlavor, func() Op {
			return UpdateFlavor{ID: FlavorID(g.id(KindFlavor)), Spec: FlavorSpec{Name: maybe(g, "a", "b"), Enabled: maybe(g, true, false)}}
		}},
		{KindFlavor, func() Op { return DeleteFlavor{ID: FlavorID(g.id(KindFlavor))} }},
		{"", func() Op {
			return CreateAvailabilityZoneProfile{Spec: AvailabilityZoneProfileSpec{
				Name: Some("z"), ProviderName: Some("amphora"), Data: Some(`{"compute_zone": "nova"}`),
			}}
		}},
		{KindAvailabilityZoneProfile, func() Op {
			return DeleteAvailabilityZoneProfile{ID: AvailabilityZoneProfileID(g.id(KindAvailabilityZoneProfile))}
		}},
		{KindAvailabilityZoneProfile, func() Op {
			return CreateAvailabilityZone{Spec: AvailabilityZoneSpec{
				Name: maybe(g, "east", "west"), ProfileID: Some(AvailabilityZoneProfileID(g.id(KindAvailabilityZoneProfile))),
			}}
		}},
		{KindAvailabilityZone, func() Op {
			return UpdateAvailabilityZone{Name: g.id(KindAvailabilityZone), Spec: AvailabilityZoneSpec{Enabled: maybe(g, true, false)}}
		}},
		{KindAvailabilityZone, func() Op { return DeleteAvailabilityZone{Name: g.id(KindAvailabilityZone)} }},
	}
}
