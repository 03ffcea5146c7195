package lb

import "net/netip"

// The specs of what OpenStack's clients look for beside load balancers.
type (
	// NetworkSpec describes a network.
	NetworkSpec struct {
		MetaSpec
		Shared   Opt[bool]
		External Opt[bool]
	}

	// PortSpec describes a port.
	PortSpec struct {
		MetaSpec
		NetworkID        Opt[NetworkID]     // create only, required
		FixedIPs         Opt[[]FixedIPSpec] // create only; default: one of the first subnet with room
		DeviceID         Opt[string]
		DeviceOwner      Opt[string]
		SecurityGroupIDs Opt[[]SecurityGroupID]
		QoSPolicyID      Opt[QoSPolicyID]
	}

	// FixedIPSpec describes an address of a port: at least one of the two is needed.
	FixedIPSpec struct {
		SubnetID Opt[SubnetID]
		Address  Opt[netip.Addr]
	}

	// SecurityGroupSpec describes a security group.
	SecurityGroupSpec struct {
		MetaSpec
		Rules Opt[[]SecurityGroupRule] // replaced as a whole; ids are the proposer's
	}

	// QoSPolicySpec describes a QoS policy.
	QoSPolicySpec struct {
		MetaSpec
		Shared Opt[bool]
	}
)
