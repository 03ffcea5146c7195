package lbpb

import (
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/lb"
)

// ToLB decodes an operation. What [FromOp] refuses is refused here too.
func (x *Op) ToLB() (lb.Op, error) {
	op, err := x.toLB(true)
	if err != nil {
		return nil, err
	}
	return asOp(op)
}

// asOp fails for operations that lb has a name but no rules for.
func asOp(op any) (lb.Op, error) {
	o, ok := op.(lb.Op)
	if !ok {
		return nil, fmt.Errorf("%T cannot be applied", op)
	}
	return o, nil
}

// toLB decodes x, which may be a batch only at the top.
func (x *Op) toLB(top bool) (any, error) {
	switch o := x.GetOp().(type) {
	case *Op_Batch:
		return o.Batch.toLB(top)
	case *Op_Create:
		return o.Create.toLB()
	case *Op_Update:
		return o.Update.toLB()
	case *Op_Delete:
		return o.Delete.toLB()
	case *Op_SetMembers:
		members, err := parseSpecs(o.SetMembers.GetMembers(), (*MemberSpec).ToLB)
		return lb.SetMembers{
			PoolID: lb.PoolID(o.SetMembers.GetPoolId()), Members: members, AdditiveOnly: o.SetMembers.GetAdditiveOnly(),
		}, err
	case *Op_SetQuota:
		spec, err := o.SetQuota.GetSpec().ToLB()
		return lb.SetQuota{ProjectID: o.SetQuota.GetProjectId(), Spec: spec}, err
	case *Op_ResetQuota:
		return lb.ResetQuota{ProjectID: o.ResetQuota.GetProjectId()}, nil
	case *Op_Assign:
		a, err := assignment(o.Assign.GetRoleAssignment())
		return lb.Assign{Assignment: a}, err
	case *Op_Unassign:
		a, err := assignment(o.Unassign.GetRoleAssignment())
		return lb.Unassign{Assignment: a}, err
	case *Op_Revoke:
		f := &faults{kind: lb.KindRevocation, id: o.Revoke.GetTokenId()}
		at := parsed(f, "expires_at", o.Revoke.GetExpiresAt(), parseTime)
		return lb.Revoke{TokenID: o.Revoke.GetTokenId(), Expires: at}, f.err()
	}
	return nil, errors.New("it has no operation")
}

func (x *Batch) toLB(top bool) (any, error) {
	if err := checkBatch(len(x.GetOps()), top); err != nil {
		return nil, err
	}
	var b lb.Batch
	for i, each := range x.GetOps() {
		decoded, err := each.toLB(false)
		if err != nil {
			return nil, fmt.Errorf("operation %d of %d: %w", i+1, len(x.GetOps()), err)
		}
		op, err := asOp(decoded)
		if err != nil {
			return nil, err
		}
		b.Ops = append(b.Ops, op)
	}
	return b, nil
}

func assignment(x *RoleAssignment) (lb.Assignment, error) {
	a, err := x.ToLB()
	if err != nil {
		return lb.Assignment{}, err
	}
	return *a, nil
}

// with makes an operation of a decoded spec.
func with[S any, M interface{ ToLB() (S, error) }](m M, op func(S) any) (any, error) {
	spec, err := m.ToLB()
	if err != nil {
		return nil, err
	}
	return op(spec), nil
}

// misplaced is the error about a field that operations on that kind do not have.
func misplaced(kind lb.Kind, field, msg string) error {
	return &lb.Error{Kind: lb.ErrInvalid, Resource: kind, Field: field, Msg: msg}
}

func (x *Create) toLB() (any, error) {
	id := x.GetId()
	switch s := x.GetSpec().GetSpec().(type) {
	case *Spec_Subnet:
		return with(s.Subnet, func(spec lb.SubnetSpec) any { return lb.CreateSubnet{ID: lb.SubnetID(id), Spec: spec} })
	case *Spec_LoadBalancer:
		return with(s.LoadBalancer, func(spec lb.LoadBalancerSpec) any {
			return lb.CreateLoadBalancer{ID: lb.LoadBalancerID(id), Spec: spec}
		})
	case *Spec_Listener:
		return with(s.Listener, func(spec lb.ListenerSpec) any { return lb.CreateListener{ID: lb.ListenerID(id), Spec: spec} })
	case *Spec_Pool:
		return with(s.Pool, func(spec lb.PoolSpec) any { return lb.CreatePool{ID: lb.PoolID(id), Spec: spec} })
	case *Spec_Member:
		return with(s.Member, func(spec lb.MemberSpec) any { return lb.CreateMember{ID: lb.MemberID(id), Spec: spec} })
	case *Spec_HealthMonitor:
		return with(s.HealthMonitor, func(spec lb.HealthMonitorSpec) any {
			return lb.CreateHealthMonitor{ID: lb.HealthMonitorID(id), Spec: spec}
		})
	case *Spec_L7Policy:
		return with(s.L7Policy, func(spec lb.L7PolicySpec) any { return lb.CreateL7Policy{ID: lb.L7PolicyID(id), Spec: spec} })
	case *Spec_L7Rule:
		return with(s.L7Rule, func(spec lb.L7RuleSpec) any { return lb.CreateL7Rule{ID: lb.L7RuleID(id), Spec: spec} })
	case *Spec_Network:
		return with(s.Network, func(spec lb.NetworkSpec) any { return lb.CreateNetwork{ID: lb.NetworkID(id), Spec: spec} })
	case *Spec_Port:
		return with(s.Port, func(spec lb.PortSpec) any { return lb.CreatePort{ID: lb.PortID(id), Spec: spec} })
	case *Spec_SecurityGroup:
		return with(s.SecurityGroup, func(spec lb.SecurityGroupSpec) any {
			return lb.CreateSecurityGroup{ID: lb.SecurityGroupID(id), Spec: spec}
		})
	case *Spec_QosPolicy:
		return with(s.QosPolicy, func(spec lb.QoSPolicySpec) any { return lb.CreateQoSPolicy{ID: lb.QoSPolicyID(id), Spec: spec} })
	case *Spec_FlavorProfile:
		return with(s.FlavorProfile, func(spec lb.FlavorProfileSpec) any {
			return lb.CreateFlavorProfile{ID: lb.FlavorProfileID(id), Spec: spec}
		})
	case *Spec_Flavor:
		return with(s.Flavor, func(spec lb.FlavorSpec) any { return lb.CreateFlavor{ID: lb.FlavorID(id), Spec: spec} })
	case *Spec_AvailabilityZoneProfile:
		return with(s.AvailabilityZoneProfile, func(spec lb.AvailabilityZoneProfileSpec) any {
			return lb.CreateAvailabilityZoneProfile{ID: lb.AvailabilityZoneProfileID(id), Spec: spec}
		})
	case *Spec_AvailabilityZone:
		if id != "" {
			return nil, misplaced(lb.KindAvailabilityZone, "id", "has no id but its name; leave it out")
		}
		return with(s.AvailabilityZone, func(spec lb.AvailabilityZoneSpec) any { return lb.CreateAvailabilityZone{Spec: spec} })
	case *Spec_Project:
		return with(s.Project, func(spec lb.ProjectSpec) any { return lb.CreateProject{ID: id, Spec: spec} })
	case *Spec_User:
		return with(s.User, func(spec lb.UserSpec) any { return lb.CreateUser{ID: id, Spec: spec} })
	case *Spec_Role:
		return with(s.Role, func(spec lb.RoleSpec) any { return lb.CreateRole{ID: id, Spec: spec} })
	case *Spec_Secret:
		return with(s.Secret, func(spec lb.SecretSpec) any { return lb.CreateSecret{ID: lb.SecretID(id), Spec: spec} })
	case *Spec_SecretContainer:
		return with(s.SecretContainer, func(spec lb.SecretContainerSpec) any {
			return lb.CreateSecretContainer{ID: lb.SecretContainerID(id), Spec: spec}
		})
	}
	return nil, errors.New("it has no spec of a kind that can be created")
}

func (x *Update) toLB() (any, error) {
	id, rev := x.GetId(), x.GetIfRevision()
	switch s := x.GetSpec().GetSpec().(type) {
	case *Spec_Subnet:
		return with(s.Subnet, func(spec lb.SubnetSpec) any { return lb.UpdateSubnet{ID: lb.SubnetID(id), If: rev, Spec: spec} })
	case *Spec_LoadBalancer:
		return with(s.LoadBalancer, func(spec lb.LoadBalancerSpec) any {
			return lb.UpdateLoadBalancer{ID: lb.LoadBalancerID(id), If: rev, Spec: spec}
		})
	case *Spec_Listener:
		return with(s.Listener, func(spec lb.ListenerSpec) any { return lb.UpdateListener{ID: lb.ListenerID(id), If: rev, Spec: spec} })
	case *Spec_Pool:
		return with(s.Pool, func(spec lb.PoolSpec) any { return lb.UpdatePool{ID: lb.PoolID(id), If: rev, Spec: spec} })
	case *Spec_Member:
		return with(s.Member, func(spec lb.MemberSpec) any { return lb.UpdateMember{ID: lb.MemberID(id), If: rev, Spec: spec} })
	case *Spec_HealthMonitor:
		return with(s.HealthMonitor, func(spec lb.HealthMonitorSpec) any {
			return lb.UpdateHealthMonitor{ID: lb.HealthMonitorID(id), If: rev, Spec: spec}
		})
	case *Spec_L7Policy:
		return with(s.L7Policy, func(spec lb.L7PolicySpec) any { return lb.UpdateL7Policy{ID: lb.L7PolicyID(id), If: rev, Spec: spec} })
	case *Spec_L7Rule:
		return with(s.L7Rule, func(spec lb.L7RuleSpec) any { return lb.UpdateL7Rule{ID: lb.L7RuleID(id), If: rev, Spec: spec} })
	case *Spec_Network:
		return with(s.Network, func(spec lb.NetworkSpec) any { return lb.UpdateNetwork{ID: lb.NetworkID(id), If: rev, Spec: spec} })
	case *Spec_Port:
		return with(s.Port, func(spec lb.PortSpec) any { return lb.UpdatePort{ID: lb.PortID(id), If: rev, Spec: spec} })
	case *Spec_SecurityGroup:
		return with(s.SecurityGroup, func(spec lb.SecurityGroupSpec) any {
			return lb.UpdateSecurityGroup{ID: lb.SecurityGroupID(id), If: rev, Spec: spec}
		})
	case *Spec_QosPolicy:
		return with(s.QosPolicy, func(spec lb.QoSPolicySpec) any {
			return lb.UpdateQoSPolicy{ID: lb.QoSPolicyID(id), If: rev, Spec: spec}
		})
	case *Spec_FlavorProfile:
		return with(s.FlavorProfile, func(spec lb.FlavorProfileSpec) any {
			return lb.UpdateFlavorProfile{ID: lb.FlavorProfileID(id), If: rev, Spec: spec}
		})
	case *Spec_Flavor:
		return with(s.Flavor, func(spec lb.FlavorSpec) any { return lb.UpdateFlavor{ID: lb.FlavorID(id), If: rev, Spec: spec} })
	case *Spec_AvailabilityZoneProfile:
		return with(s.AvailabilityZoneProfile, func(spec lb.AvailabilityZoneProfileSpec) any {
			return lb.UpdateAvailabilityZoneProfile{ID: lb.AvailabilityZoneProfileID(id), If: rev, Spec: spec}
		})
	case *Spec_AvailabilityZone:
		if rev != 0 {
			return nil, misplaced(lb.KindAvailabilityZone, "if_revision", "cannot be asked for; leave it out")
		}
		return with(s.AvailabilityZone, func(spec lb.AvailabilityZoneSpec) any { return lb.UpdateAvailabilityZone{Name: id, Spec: spec} })
	case *Spec_Project:
		return with(s.Project, func(spec lb.ProjectSpec) any { return lb.UpdateProject{ID: id, If: rev, Spec: spec} })
	case *Spec_User:
		return with(s.User, func(spec lb.UserSpec) any { return lb.UpdateUser{ID: id, If: rev, Spec: spec} })
	case *Spec_Secret:
		return with(s.Secret, func(spec lb.SecretSpec) any { return lb.UpdateSecret{ID: lb.SecretID(id), If: rev, Spec: spec} })
	}
	return nil, errors.New("it has no spec of a kind that can be updated")
}

func (x *Delete) toLB() (any, error) {
	kind, id, rev := lb.Kind(x.GetKind()), x.GetId(), x.GetIfRevision()
	if x.GetCascade() && kind != lb.KindLoadBalancer {
		return nil, misplaced(kind, "cascade", "is for load balancers; leave it out")
	}
	switch kind {
	case lb.KindSubnet:
		return lb.DeleteSubnet{ID: lb.SubnetID(id), If: rev}, nil
	case lb.KindLoadBalancer:
		return lb.DeleteLoadBalancer{ID: lb.LoadBalancerID(id), If: rev, Cascade: x.GetCascade()}, nil
	case lb.KindListener:
		return lb.DeleteListener{ID: lb.ListenerID(id), If: rev}, nil
	case lb.KindPool:
		return lb.DeletePool{ID: lb.PoolID(id), If: rev}, nil
	case lb.KindMember:
		return lb.DeleteMember{ID: lb.MemberID(id), If: rev}, nil
	case lb.KindHealthMonitor:
		return lb.DeleteHealthMonitor{ID: lb.HealthMonitorID(id), If: rev}, nil
	case lb.KindL7Policy:
		return lb.DeleteL7Policy{ID: lb.L7PolicyID(id), If: rev}, nil
	case lb.KindL7Rule:
		return lb.DeleteL7Rule{ID: lb.L7RuleID(id), If: rev}, nil
	case lb.KindNetwork:
		return lb.DeleteNetwork{ID: lb.NetworkID(id), If: rev}, nil
	case lb.KindPort:
		return lb.DeletePort{ID: lb.PortID(id), If: rev}, nil
	case lb.KindSecurityGroup:
		return lb.DeleteSecurityGroup{ID: lb.SecurityGroupID(id), If: rev}, nil
	case lb.KindQoSPolicy:
		return lb.DeleteQoSPolicy{ID: lb.QoSPolicyID(id), If: rev}, nil
	case lb.KindFlavorProfile:
		return lb.DeleteFlavorProfile{ID: lb.FlavorProfileID(id), If: rev}, nil
	case lb.KindFlavor:
		return lb.DeleteFlavor{ID: lb.FlavorID(id), If: rev}, nil
	case lb.KindAvailabilityZoneProfile:
		return lb.DeleteAvailabilityZoneProfile{ID: lb.AvailabilityZoneProfileID(id), If: rev}, nil
	case lb.KindAvailabilityZone:
		if rev != 0 {
			return nil, misplaced(kind, "if_revision", "cannot be asked for; leave it out")
		}
		return lb.DeleteAvailabilityZone{Name: id}, nil
	case lb.KindProject:
		return lb.DeleteProject{ID: id, If: rev}, nil
	case lb.KindUser:
		return lb.DeleteUser{ID: id, If: rev}, nil
	case lb.KindRole:
		return lb.DeleteRole{ID: id, If: rev}, nil
	case lb.KindSecret:
		return lb.DeleteSecret{ID: lb.SecretID(id), If: rev}, nil
	case lb.KindSecretContainer:
		return lb.DeleteSecretContainer{ID: lb.SecretContainerID(id), If: rev}, nil
	}
	return nil, fmt.Errorf("%q is no kind that can be deleted", kind)
}
