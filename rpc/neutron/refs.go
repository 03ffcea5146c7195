package neutron

import (
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// unseen refuses an operation that names a security group or a QoS policy that the caller
// does not see, as if it were not there. What nobody has is left to lb.
func unseen(v *view, caller access.Caller, op lb.Op) error {
	var groups []lb.SecurityGroupID
	var policy lb.Opt[lb.QoSPolicyID]
	switch o := op.(type) {
	case lb.CreatePort:
		groups, _ = o.Spec.SecurityGroupIDs.Get()
		policy = o.Spec.QoSPolicyID
	case lb.UpdatePort:
		groups, _ = o.Spec.SecurityGroupIDs.Get()
		policy = o.Spec.QoSPolicyID
	case lb.UpdateSecurityGroup:
		rules, _ := o.Spec.Rules.Get()
		for _, rule := range rules {
			groups = append(groups, rule.RemoteGroupID)
		}
	}
	for _, id := range groups {
		if g, ok := v.SecurityGroup(id); ok && !caller.May(access.Read, g.ProjectID) {
			return notFound(lb.KindSecurityGroup, string(id))
		}
	}
	id, _ := policy.Get()
	if p, ok := v.QoSPolicy(id); ok && !p.Shared && !caller.May(access.Read, p.ProjectID) {
		return notFound(lb.KindQoSPolicy, string(id))
	}
	return nil
}
