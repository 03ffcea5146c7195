package lbpb

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/amphora-lb/amphora/lb"
)

// FromObject encodes a resource of any kind, given as the pointer that [lb.Change] and
// [lb.Config.Objects] hold. It fails for what is no resource.
func FromObject(object any) (*Object, error) {
	x := &Object{}
	switch o := object.(type) {
	case *lb.Subnet:
		x.Object = &Object_Subnet{FromSubnet(o)}
	case *lb.LoadBalancer:
		x.Object = &Object_LoadBalancer{FromLoadBalancer(o)}
	case *lb.Listener:
		x.Object = &Object_Listener{FromListener(o)}
	case *lb.Pool:
		x.Object = &Object_Pool{FromPool(o)}
	case *lb.Member:
		x.Object = &Object_Member{FromMember(o)}
	case *lb.HealthMonitor:
		x.Object = &Object_HealthMonitor{FromHealthMonitor(o)}
	case *lb.L7Policy:
		x.Object = &Object_L7Policy{FromL7Policy(o)}
	case *lb.L7Rule:
		x.Object = &Object_L7Rule{FromL7Rule(o)}
	case *lb.Network:
		x.Object = &Object_Network{FromNetwork(o)}
	case *lb.Port:
		x.Object = &Object_Port{FromPort(o)}
	case *lb.SecurityGroup:
		x.Object = &Object_SecurityGroup{FromSecurityGroup(o)}
	case *lb.QoSPolicy:
		x.Object = &Object_QosPolicy{FromQoSPolicy(o)}
	case *lb.Quota:
		x.Object = &Object_Quota{FromQuota(o)}
	case *lb.FlavorProfile:
		x.Object = &Object_FlavorProfile{FromFlavorProfile(o)}
	case *lb.Flavor:
		x.Object = &Object_Flavor{FromFlavor(o)}
	case *lb.AvailabilityZoneProfile:
		x.Object = &Object_AvailabilityZoneProfile{FromAvailabilityZoneProfile(o)}
	case *lb.AvailabilityZone:
		x.Object = &Object_AvailabilityZone{FromAvailabilityZone(o)}
	case *lb.Project:
		x.Object = &Object_Project{FromProject(o)}
	case *lb.User:
		x.Object = &Object_User{FromUser(o)}
	case *lb.Role:
		x.Object = &Object_Role{FromRole(o)}
	case *lb.Assignment:
		x.Object = &Object_RoleAssignment{FromRoleAssignment(o)}
	case *lb.Revocation:
		x.Object = &Object_RevokedToken{FromRevokedToken(o)}
	case *lb.Secret:
		x.Object = &Object_Secret{FromSecret(o)}
	case *lb.SecretContainer:
		x.Object = &Object_SecretContainer{FromSecretContainer(o)}
	default:
		return nil, fmt.Errorf("no encoding for %T", object)
	}
	return x, nil
}

// ToLB decodes a resource of any kind, as a pointer to it.
func (x *Object) ToLB() (any, error) {
	switch o := x.GetObject().(type) {
	case *Object_Subnet:
		return untyped(o.Subnet.ToLB())
	case *Object_LoadBalancer:
		return untyped(o.LoadBalancer.ToLB())
	case *Object_Listener:
		return untyped(o.Listener.ToLB())
	case *Object_Pool:
		return untyped(o.Pool.ToLB())
	case *Object_Member:
		return untyped(o.Member.ToLB())
	case *Object_HealthMonitor:
		return untyped(o.HealthMonitor.ToLB())
	case *Object_L7Policy:
		return untyped(o.L7Policy.ToLB())
	case *Object_L7Rule:
		return untyped(o.L7Rule.ToLB())
	case *Object_Network:
		return untyped(o.Network.ToLB())
	case *Object_Port:
		return untyped(o.Port.ToLB())
	case *Object_SecurityGroup:
		return untyped(o.SecurityGroup.ToLB())
	case *Object_QosPolicy:
		return untyped(o.QosPolicy.ToLB())
	case *Object_Quota:
		return untyped(o.Quota.ToLB())
	case *Object_FlavorProfile:
		return untyped(o.FlavorProfile.ToLB())
	case *Object_Flavor:
		return untyped(o.Flavor.ToLB())
	case *Object_AvailabilityZoneProfile:
		return untyped(o.AvailabilityZoneProfile.ToLB())
	case *Object_AvailabilityZone:
		return untyped(o.AvailabilityZone.ToLB())
	case *Object_Project:
		return untyped(o.Project.ToLB())
	case *Object_User:
		return untyped(o.User.ToLB())
	case *Object_Role:
		return untyped(o.Role.ToLB())
	case *Object_RoleAssignment:
		return untyped(o.RoleAssignment.ToLB())
	case *Object_RevokedToken:
		return untyped(o.RevokedToken.ToLB())
	case *Object_Secret:
		return untyped(o.Secret.ToLB())
	case *Object_SecretContainer:
		return untyped(o.SecretContainer.ToLB())
	}
	return nil, &lb.Error{Kind: lb.ErrInvalid, Msg: "it is no resource of a kind that this version knows"}
}

// untyped keeps the nil pointer of a resource with an error out of the interface.
func untyped[T any](o *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Message returns the message of the one resource in x, nil if there is none.
func (x *Object) Message() proto.Message {
	r := x.ProtoReflect()
	f := r.WhichOneof(r.Descriptor().Oneofs().Get(0))
	if f == nil {
		return nil
	}
	return r.Get(f).Message().Interface()
}
