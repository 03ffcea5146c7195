package lb

import "net/netip"

// Network holds subnets. Amphora has one layer 2 network, the one of its VIP interface;
// networks only group what clients name. Networks, ports, security groups and QoS
// policies are here because OpenStack's clients look them up or make them.
type Network struct {
	ID NetworkID
	Meta
	Shared   bool
	External bool
}

// Port has addresses of one network. Every VIP is one: that of the client who named it,
// or one that came with its load balancer and goes with it.
type Port struct {
	ID        PortID
	NetworkID NetworkID
	Meta
	FixedIPs         []FixedIP
	MAC              string // lower case; only shown
	DeviceID         string // "lb-<load balancer id>" for a VIP
	DeviceOwner      string // "Octavia" for a VIP
	SecurityGroupIDs []SecurityGroupID
	QoSPolicyID      QoSPolicyID // "": none
	// Owned is set on a port that came with its load balancer.
	Owned bool
}

// FixedIP is an address of a port.
type FixedIP struct {
	SubnetID SubnetID
	Address  netip.Addr
}

// SecurityGroup is what clients look up and attach to ports. Its rules are stored and
// shown; a listener's allowed CIDRs are what is enforced.
type SecurityGroup struct {
	ID SecurityGroupID
	Meta
	Rules []SecurityGroupRule // in order of creation
}

// SecurityGroupRule is one rule of a security group, in the words of Neutron.
type SecurityGroupRule struct {
	ID            string
	Direction     string // ingress or egress
	EtherType     string // IPv4 or IPv6
	Protocol      string // "": any
	PortMin       int    // 0: any
	PortMax       int
	RemotePrefix  netip.Prefix    // zero: any
	RemoteGroupID SecurityGroupID // "": none
	Description   string
}

// QoSPolicy is what clients look up and name. Nothing is enforced.
type QoSPolicy struct {
	ID QoSPolicyID
	Meta
	Shared bool
}
