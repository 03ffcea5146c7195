package lbpb

import "github.com/amphora-lb/amphora/lb"

// Identify returns the kind of a resource, given as a pointer, and the id that
// [lb.Change] gives it. The kind of what is no resource is "".
func Identify(object any) (lb.Kind, string) {
	switch o := object.(type) {
	case *lb.Subnet:
		return lb.KindSubnet, string(o.ID)
	case *lb.LoadBalancer:
		return lb.KindLoadBalancer, string(o.ID)
	case *lb.Listener:
		return lb.KindListener, string(o.ID)
	case *lb.Pool:
		return lb.KindPool, string(o.ID)
	case *lb.Member:
		return lb.KindMember, string(o.ID)
	case *lb.HealthMonitor:
		return lb.KindHealthMonitor, string(o.ID)
	case *lb.L7Policy:
		return lb.KindL7Policy, string(o.ID)
	case *lb.L7Rule:
		return lb.KindL7Rule, string(o.ID)
	case *lb.Network:
		return lb.KindNetwork, string(o.ID)
	case *lb.Port:
		return lb.KindPort, string(o.ID)
	case *lb.SecurityGroup:
		return lb.KindSecurityGroup, string(o.ID)
	case *lb.QoSPolicy:
		return lb.KindQoSPolicy, string(o.ID)
	case *lb.Quota:
		return lb.KindQuota, o.ProjectID
	case *lb.FlavorProfile:
		return lb.KindFlavorProfile, string(o.ID)
	case *lb.Flavor:
		return lb.KindFlavor, string(o.ID)
	case *lb.AvailabilityZoneProfile:
		return lb.KindAvailabilityZoneProfile, string(o.ID)
	case *lb.AvailabilityZone:
		return lb.KindAvailabilityZone, o.Name
	case *lb.Project:
		return lb.KindProject, o.ID
	case *lb.User:
		return lb.KindUser, o.ID
	case *lb.Role:
		return lb.KindRole, o.ID
	case *lb.Assignment:
		return lb.KindAssignment, o.UserID + "/" + o.ProjectID + "/" + o.RoleID
	case *lb.Revocation:
		return lb.KindRevocation, o.TokenID
	case *lb.Secret:
		return lb.KindSecret, string(o.ID)
	case *lb.SecretContainer:
		return lb.KindSecretContainer, string(o.ID)
	}
	return "", ""
}
