package octavia

import (
	"net/netip"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// netRefs are the resources of the network API that an operation names and that have an
// owner. Networks and subnets are everybody's.
type netRefs struct {
	ports  []lb.PortID
	groups []lb.SecurityGroupID
	qos    lb.QoSPolicyID
}

func netRefsOf(op lb.Op) (refs netRefs) {
	var spec lb.LoadBalancerSpec
	switch o := op.(type) {
	case lb.CreateLoadBalancer:
		spec = o.Spec
	case lb.UpdateLoadBalancer:
		spec = o.Spec
	default:
		return refs
	}
	add := func(port lb.Opt[lb.PortID]) {
		if id, ok := port.Get(); ok {
			refs.ports = append(refs.ports, id)
		}
	}
	add(spec.VIPPortID)
	for _, v := range valueOf(spec.AdditionalVIPs) {
		add(v.PortID)
	}
	refs.groups, refs.qos = valueOf(spec.VIPSecurityGroupIDs), valueOf(spec.VIPQoSPolicyID)
	return refs
}

// checkNets refuses an operation that names what the caller does not see in the network
// API, in the words for what is not there. Octavia looks these up with the client's token.
func (c *call) checkNets(op lb.Op) error {
	refs := netRefsOf(op)
	if len(refs.ports) == 0 && len(refs.groups) == 0 && refs.qos == "" || c.caller.IsAdmin() {
		return nil
	}
	// What another node acknowledged must not pass for unknown, which is left to lb.
	s, err := c.read()
	if err != nil {
		return err
	}
	hidden := func(m lb.Meta, shared bool) bool { return !shared && !c.caller.May(access.Read, m.ProjectID) }
	for _, id := range refs.ports {
		if p, ok := s.cfg.Port(id); ok && hidden(p.Meta, false) {
			return badRequest("Port %s not found.", id)
		}
	}
	for _, id := range refs.groups {
		if g, ok := s.cfg.SecurityGroup(id); ok && hidden(g.Meta, false) {
			return badRequest("Security Group %s not found.", id)
		}
	}
	if p, ok := s.cfg.QoSPolicy(refs.qos); ok && hidden(p.Meta, p.Shared) {
		return badRequest("qos_policy %s not found.", refs.qos)
	}
	return nil
}

// checkMembers refuses members on loopback: through them a client would reach what an
// amphora serves to itself only, such as an API that asks nobody. Administrators may, who
// could log in there.
func (c *call) checkMembers(op lb.Op) error {
	if c.caller.IsAdmin() {
		return nil
	}
	var specs []lb.MemberSpec
	switch o := op.(type) {
	case lb.CreateLoadBalancer:
		for _, p := range o.Spec.Pools {
			specs = append(specs, p.Members...)
		}
	case lb.CreatePool:
		specs = o.Spec.Members
	case lb.CreateMember:
		specs = []lb.MemberSpec{o.Spec}
	case lb.UpdateMember:
		specs = []lb.MemberSpec{o.Spec}
	case lb.SetMembers:
		specs = o.Members
	}
	for _, m := range specs {
		for name, address := range map[string]lb.Opt[netip.Addr]{"member address": m.Address, "member monitor_address": m.MonitorAddress} {
			if a := valueOf(address); a.Unmap().IsLoopback() {
				return badRequest("%s is not a valid option for %s", a, name)
			}
		}
	}
	return nil
}
