package lbpb

import (
	"github.com/amphora-lb/amphora/lb"
)

// FromNetwork encodes a network.
func FromNetwork(v *lb.Network) *Network {
	return &Network{
		Id:             string(v.ID),
		Meta:           fromMeta(v.Meta),
		Shared:         v.Shared,
		RouterExternal: v.External,
	}
}

// ToLB decodes a network.
func (x *Network) ToLB() (*lb.Network, error) {
	f := &faults{kind: lb.KindNetwork, id: x.GetId()}
	return checked(f, &lb.Network{
		ID:       lb.NetworkID(x.GetId()),
		Meta:     x.GetMeta().toLB(f),
		Shared:   x.GetShared(),
		External: x.GetRouterExternal(),
	})
}

// FromPort encodes a port.
func FromPort(v *lb.Port) *Port {
	return &Port{
		Id:             string(v.ID),
		Meta:           fromMeta(v.Meta),
		NetworkId:      string(v.NetworkID),
		FixedIps:       formatAll(v.FixedIPs, formatFixedIP),
		MacAddress:     v.MAC,
		DeviceId:       v.DeviceID,
		DeviceOwner:    v.DeviceOwner,
		SecurityGroups: formatTexts(v.SecurityGroupIDs),
		QosPolicyId:    string(v.QoSPolicyID),
		Owned:          v.Owned,
	}
}

// ToLB decodes a port.
func (x *Port) ToLB() (*lb.Port, error) {
	f := &faults{kind: lb.KindPort, id: x.GetId()}
	return checked(f, &lb.Port{
		ID:               lb.PortID(x.GetId()),
		Meta:             x.GetMeta().toLB(f),
		NetworkID:        lb.NetworkID(x.GetNetworkId()),
		FixedIPs:         parsedList(f, "fixed_ips", x.GetFixedIps(), parseFixedIP),
		MAC:              x.GetMacAddress(),
		DeviceID:         x.GetDeviceId(),
		DeviceOwner:      x.GetDeviceOwner(),
		SecurityGroupIDs: parseTexts[lb.SecurityGroupID](x.GetSecurityGroups()),
		QoSPolicyID:      lb.QoSPolicyID(x.GetQosPolicyId()),
		Owned:            x.GetOwned(),
	})
}

// FromSecurityGroup encodes a security group.
func FromSecurityGroup(v *lb.SecurityGroup) *SecurityGroup {
	return &SecurityGroup{
		Id:                 string(v.ID),
		Meta:               fromMeta(v.Meta),
		SecurityGroupRules: formatAll(v.Rules, formatSecurityGroupRule),
	}
}

// ToLB decodes a security group.
func (x *SecurityGroup) ToLB() (*lb.SecurityGroup, error) {
	f := &faults{kind: lb.KindSecurityGroup, id: x.GetId()}
	return checked(f, &lb.SecurityGroup{
		ID:    lb.SecurityGroupID(x.GetId()),
		Meta:  x.GetMeta().toLB(f),
		Rules: parsedList(f, "security_group_rules", x.GetSecurityGroupRules(), parseSecurityGroupRule),
	})
}

// FromQoSPolicy encodes a QoS policy.
func FromQoSPolicy(v *lb.QoSPolicy) *QoSPolicy {
	return &QoSPolicy{
		Id:     string(v.ID),
		Meta:   fromMeta(v.Meta),
		Shared: v.Shared,
	}
}

// ToLB decodes a QoS policy.
func (x *QoSPolicy) ToLB() (*lb.QoSPolicy, error) {
	f := &faults{kind: lb.KindQoSPolicy, id: x.GetId()}
	return checked(f, &lb.QoSPolicy{
		ID:     lb.QoSPolicyID(x.GetId()),
		Meta:   x.GetMeta().toLB(f),
		Shared: x.GetShared(),
	})
}

// FromNetworkSpec encodes the spec of a network.
func FromNetworkSpec(s lb.NetworkSpec) *NetworkSpec {
	var n nulls
	x := &NetworkSpec{
		Meta:           fromMetaSpec(&n, s.MetaSpec),
		Shared:         from(&n, "shared", s.Shared, formatBool),
		RouterExternal: from(&n, "router_external", s.External, formatBool),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a network.
func (x *NetworkSpec) ToLB() (lb.NetworkSpec, error) {
	if x == nil {
		x = &NetworkSpec{}
	}
	f := newFields(lb.KindNetwork, x.NullFields)
	s := lb.NetworkSpec{
		MetaSpec: x.Meta.toLB(f),
		Shared:   to(f, "shared", x.Shared, parseBool),
		External: to(f, "router_external", x.RouterExternal, parseBool),
	}
	return s, f.done()
}

// FromPortSpec encodes the spec of a port.
func FromPortSpec(s lb.PortSpec) *PortSpec {
	var n nulls
	x := &PortSpec{
		Meta:           fromMetaSpec(&n, s.MetaSpec),
		NetworkId:      from(&n, "network_id", s.NetworkID, formatText),
		FixedIps:       from(&n, "fixed_ips", s.FixedIPs, formatFixedIPSpecs),
		DeviceId:       from(&n, "device_id", s.DeviceID, formatText),
		DeviceOwner:    from(&n, "device_owner", s.DeviceOwner, formatText),
		SecurityGroups: from(&n, "security_groups", s.SecurityGroupIDs, formatIDs),
		QosPolicyId:    from(&n, "qos_policy_id", s.QoSPolicyID, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a port.
func (x *PortSpec) ToLB() (lb.PortSpec, error) {
	if x == nil {
		x = &PortSpec{}
	}
	f := newFields(lb.KindPort, x.NullFields)
	s := lb.PortSpec{
		MetaSpec:         x.Meta.toLB(f),
		NetworkID:        to(f, "network_id", x.NetworkId, parseText[lb.NetworkID]),
		FixedIPs:         to(f, "fixed_ips", x.FixedIps, parseFixedIPSpecs),
		DeviceID:         to(f, "device_id", x.DeviceId, parseText[string]),
		DeviceOwner:      to(f, "device_owner", x.DeviceOwner, parseText[string]),
		SecurityGroupIDs: to(f, "security_groups", x.SecurityGroups, parseIDs[lb.SecurityGroupID]),
		QoSPolicyID:      to(f, "qos_policy_id", x.QosPolicyId, parseText[lb.QoSPolicyID]),
	}
	return s, f.done()
}

// FromSecurityGroupSpec encodes the spec of a security group.
func FromSecurityGroupSpec(s lb.SecurityGroupSpec) *SecurityGroupSpec {
	var n nulls
	x := &SecurityGroupSpec{
		Meta:               fromMetaSpec(&n, s.MetaSpec),
		SecurityGroupRules: from(&n, "security_group_rules", s.Rules, formatSecurityGroupRules),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a security group.
func (x *SecurityGroupSpec) ToLB() (lb.SecurityGroupSpec, error) {
	if x == nil {
		x = &SecurityGroupSpec{}
	}
	f := newFields(lb.KindSecurityGroup, x.NullFields)
	s := lb.SecurityGroupSpec{
		MetaSpec: x.Meta.toLB(f),
		Rules:    to(f, "security_group_rules", x.SecurityGroupRules, parseSecurityGroupRules),
	}
	return s, f.done()
}

// FromQoSPolicySpec encodes the spec of a QoS policy.
func FromQoSPolicySpec(s lb.QoSPolicySpec) *QoSPolicySpec {
	var n nulls
	x := &QoSPolicySpec{
		Meta:   fromMetaSpec(&n, s.MetaSpec),
		Shared: from(&n, "shared", s.Shared, formatBool),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a QoS policy.
func (x *QoSPolicySpec) ToLB() (lb.QoSPolicySpec, error) {
	if x == nil {
		x = &QoSPolicySpec{}
	}
	f := newFields(lb.KindQoSPolicy, x.NullFields)
	s := lb.QoSPolicySpec{
		MetaSpec: x.Meta.toLB(f),
		Shared:   to(f, "shared", x.Shared, parseBool),
	}
	return s, f.done()
}
