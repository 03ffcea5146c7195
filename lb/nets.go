package lb

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
)

// nets are the networks and what is attached to them.
type nets struct {
	networks pmap[NetworkID, segment]
	ports    pmap[PortID, attachment]
	groups   pmap[SecurityGroupID, *SecurityGroup]
	qos      pmap[QoSPolicyID, *QoSPolicy]
	// refs counts what refers to a security group, a QoS policy, a flavor, a profile or
	// an availability zone, and the ports of a network, by the id referred to.
	refs pmap[string, int]
}

// segment is a network with its subnets.
type segment struct {
	// network is nil when nobody ever said anything about the network: it came with
	// a subnet, follows it and is not stored.
	network *Network
	of      SubnetID   // that subnet then
	subnets []SubnetID // sorted
}

// attachment is a port, and whose VIP it is.
type attachment struct {
	// port is nil when nobody ever said anything about the port: it came with a load
	// balancer, follows it and is not stored.
	port  *Port
	owner LoadBalancerID // "": it is no VIP
	vip   int            // which one of its owner, from 0, when port is nil
}

// networkOf is the id of the network that comes with a subnet.
func networkOf(id SubnetID) NetworkID { return NetworkID(deriveID("network of " + string(id))) }

// portOf is the id of the port that comes with the n-th VIP of a load balancer.
func portOf(id LoadBalancerID, n int) PortID {
	return PortID(deriveID(fmt.Sprintf("port %d of %s", n, id)))
}

// deriveID makes an RFC 9562 UUID of version 8 from a hash of seed.
func deriveID(seed string) string {
	b := sha256.Sum256([]byte(seed))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// macOf is the hardware address that a port shows, with OpenStack's usual prefix.
func macOf(id PortID) string {
	b := sha256.Sum256([]byte(id))
	return fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", b[0], b[1], b[2])
}

// Networks yields every network in order of id, those that came with a subnet too.
func (c *Config) Networks() iter.Seq[*Network] {
	return func(yield func(*Network) bool) {
		for id, s := range c.networks.All() {
			if !yield(c.network(id, s)) {
				return
			}
		}
	}
}

// Network returns the network with that id.
func (c *Config) Network(id NetworkID) (*Network, bool) {
	s, ok := c.networks.Get(id)
	if !ok {
		return nil, false
	}
	return c.network(id, s), true
}

// network makes up the network that came with a subnet. Everybody may use it unless the
// subnet is a project's.
func (c *Config) network(id NetworkID, s segment) *Network {
	if s.network != nil {
		return s.network
	}
	of, _ := c.Subnet(s.of)
	return &Network{
		ID: id, Shared: of.ProjectID == "",
		Meta: Meta{
			ProjectID: of.ProjectID, Name: of.Name, AdminStateUp: true,
			CreatedAt: of.CreatedAt, UpdatedAt: of.UpdatedAt, Revision: of.Revision, Serial: of.Serial,
		},
	}
}

// NetworkSubnets returns the ids of the subnets of a network, in order.
func (c *Config) NetworkSubnets(id NetworkID) []SubnetID {
	s, _ := c.networks.Get(id)
	return slices.Clone(s.subnets)
}

// Ports yields every port in order of id, those that came with a load balancer too.
func (c *Config) Ports() iter.Seq[*Port] {
	return func(yield func(*Port) bool) {
		for id, a := range c.ports.All() {
			if !yield(c.port(id, a)) {
				return
			}
		}
	}
}

// Port returns the port with that id.
func (c *Config) Port(id PortID) (*Port, bool) {
	a, ok := c.ports.Get(id)
	if !ok {
		return nil, false
	}
	return c.port(id, a), true
}

// PortOwner returns the load balancer whose VIP the port is.
func (c *Config) PortOwner(id PortID) (LoadBalancerID, bool) {
	a, _ := c.ports.Get(id)
	return a.owner, a.owner != ""
}

// port makes up the port that came with a VIP.
func (c *Config) port(id PortID, a attachment) *Port {
	if a.port != nil {
		return a.port
	}
	t, _ := c.Tree(a.owner)
	b := t.LoadBalancer
	v := b.everyVIP()[a.vip]
	return &Port{
		ID: id, NetworkID: b.VIPNetworkID, Owned: true,
		Meta: Meta{
			ProjectID: b.ProjectID, Name: deviceOf(b.ID, "octavia-"), AdminStateUp: true,
			CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt, Revision: b.Revision, Serial: b.Serial,
		},
		FixedIPs: []FixedIP{{SubnetID: v.SubnetID, Address: v.Address}}, MAC: macOf(id),
		DeviceID: deviceOf(b.ID, ""), DeviceOwner: vipDeviceOwner,
		SecurityGroupIDs: b.VIPSecurityGroupIDs, QoSPolicyID: b.VIPQoSPolicyID,
	}
}

// SecurityGroups yields every security group in order of id.
func (c *Config) SecurityGroups() iter.Seq[*SecurityGroup] { return c.groups.Values() }

// SecurityGroup returns the security group with that id.
func (c *Config) SecurityGroup(id SecurityGroupID) (*SecurityGroup, bool) { return c.groups.Get(id) }

// QoSPolicies yields every QoS policy in order of id.
func (c *Config) QoSPolicies() iter.Seq[*QoSPolicy] { return c.qos.Values() }

// QoSPolicy returns the QoS policy with that id.
func (c *Config) QoSPolicy(id QoSPolicyID) (*QoSPolicy, bool) { return c.qos.Get(id) }

// objects yields what is stored of them, and reports whether yield wants more.
// What a VIP's port or a subnet's network is when nobody ever changed it is not stored.
func (n *nets) objects(yield func(any) bool) bool {
	for s := range n.networks.Values() {
		if s.network != nil && !yield(s.network) {
			return false
		}
	}
	if !each(n.groups.Values(), yield) || !each(n.qos.Values(), yield) {
		return false
	}
	for a := range n.ports.Values() {
		if a.port != nil && !yield(a.port) {
			return false
		}
	}
	return true
}

// hasNet reports whether any of them has that id.
func (n *nets) hasNet(id string) bool {
	return n.networks.Has(NetworkID(id)) || n.ports.Has(PortID(id)) ||
		n.groups.Has(SecurityGroupID(id)) || n.qos.Has(QoSPolicyID(id))
}

// refer counts what after refers to, and no longer what before did.
func (n *nets) refer(before, after []string) {
	for _, id := range after {
		count, _ := n.refs.Get(id)
		n.refs = n.refs.With(id, count+1)
	}
	for _, id := range before {
		if count, _ := n.refs.Get(id); count > 1 {
			n.refs = n.refs.With(id, count-1)
		} else {
			n.refs = n.refs.Without(id)
		}
	}
}

// referred returns how much refers to an id.
func (n *nets) referred(id string) int {
	count, _ := n.refs.Get(id)
	return count
}
