package lbpb

import (
	"fmt"

	"github.com/amphora-lb/amphora/lb"
)

// MaxBatch is how many operations a batch may hold.
const MaxBatch = 10_000

// FromOp encodes an operation. It fails for a batch within a batch and for one of more
// than [MaxBatch] operations, with an [*lb.Error], and for a type that it does not know.
func FromOp(op lb.Op) (*Op, error) { return fromOp(op, true) }

// fromOp encodes op, which may be a batch only at the top.
func fromOp(op any, top bool) (*Op, error) {
	switch o := op.(type) {
	case lb.Batch:
		return fromBatch(o, top)
	case lb.SetMembers:
		return &Op{Op: &Op_SetMembers{&SetMembers{
			PoolId: string(o.PoolID), Members: formatAll(o.Members, FromMemberSpec), AdditiveOnly: o.AdditiveOnly,
		}}}, nil
	case lb.SetQuota:
		return &Op{Op: &Op_SetQuota{&SetQuota{ProjectId: o.ProjectID, Spec: FromQuotaSpec(o.Spec)}}}, nil
	case lb.ResetQuota:
		return &Op{Op: &Op_ResetQuota{&ResetQuota{ProjectId: o.ProjectID}}}, nil
	case lb.Assign:
		return &Op{Op: &Op_Assign{&Assign{RoleAssignment: FromRoleAssignment(&o.Assignment)}}}, nil
	case lb.Unassign:
		return &Op{Op: &Op_Unassign{&Unassign{RoleAssignment: FromRoleAssignment(&o.Assignment)}}}, nil
	case lb.Revoke:
		return &Op{Op: &Op_Revoke{&Revoke{TokenId: o.TokenID, ExpiresAt: formatTime(o.Expires)}}}, nil
	case lb.CreateSubnet:
		return create(string(o.ID), &Spec_Subnet{FromSubnetSpec(o.Spec)}), nil
	case lb.UpdateSubnet:
		return update(string(o.ID), o.If, &Spec_Subnet{FromSubnetSpec(o.Spec)}), nil
	case lb.DeleteSubnet:
		return remove(lb.KindSubnet, string(o.ID), o.If, false), nil
	case lb.CreateLoadBalancer:
		return create(string(o.ID), &Spec_LoadBalancer{FromLoadBalancerSpec(o.Spec)}), nil
	case lb.UpdateLoadBalancer:
		return update(string(o.ID), o.If, &Spec_LoadBalancer{FromLoadBalancerSpec(o.Spec)}), nil
	case lb.DeleteLoadBalancer:
		return remove(lb.KindLoadBalancer, string(o.ID), o.If, o.Cascade), nil
	case lb.CreateListener:
		return create(string(o.ID), &Spec_Listener{FromListenerSpec(o.Spec)}), nil
	case lb.UpdateListener:
		return update(string(o.ID), o.If, &Spec_Listener{FromListenerSpec(o.Spec)}), nil
	case lb.DeleteListener:
		return remove(lb.KindListener, string(o.ID), o.If, false), nil
	case lb.CreatePool:
		return create(string(o.ID), &Spec_Pool{FromPoolSpec(o.Spec)}), nil
	case lb.UpdatePool:
		return update(string(o.ID), o.If, &Spec_Pool{FromPoolSpec(o.Spec)}), nil
	case lb.DeletePool:
		return remove(lb.KindPool, string(o.ID), o.If, false), nil
	case lb.CreateMember:
		return create(string(o.ID), &Spec_Member{FromMemberSpec(o.Spec)}), nil
	case lb.UpdateMember:
		return update(string(o.ID), o.If, &Spec_Member{FromMemberSpec(o.Spec)}), nil
	case lb.DeleteMember:
		return remove(lb.KindMember, string(o.ID), o.If, false), nil
	case lb.CreateHealthMonitor:
		return create(string(o.ID), &Spec_HealthMonitor{FromHealthMonitorSpec(o.Spec)}), nil
	case lb.UpdateHealthMonitor:
		return update(string(o.ID), o.If, &Spec_HealthMonitor{FromHealthMonitorSpec(o.Spec)}), nil
	case lb.DeleteHealthMonitor:
		return remove(lb.KindHealthMonitor, string(o.ID), o.If, false), nil
	case lb.CreateL7Policy:
		return create(string(o.ID), &Spec_L7Policy{FromL7PolicySpec(o.Spec)}), nil
	case lb.UpdateL7Policy:
		return update(string(o.ID), o.If, &Spec_L7Policy{FromL7PolicySpec(o.Spec)}), nil
	case lb.DeleteL7Policy:
		return remove(lb.KindL7Policy, string(o.ID), o.If, false), nil
	case lb.CreateL7Rule:
		return create(string(o.ID), &Spec_L7Rule{FromL7RuleSpec(o.Spec)}), nil
	case lb.UpdateL7Rule:
		return update(string(o.ID), o.If, &Spec_L7Rule{FromL7RuleSpec(o.Spec)}), nil
	case lb.DeleteL7Rule:
		return remove(lb.KindL7Rule, string(o.ID), o.If, false), nil
	case lb.CreateNetwork:
		return create(string(o.ID), &Spec_Network{FromNetworkSpec(o.Spec)}), nil
	case lb.UpdateNetwork:
		return update(string(o.ID), o.If, &Spec_Network{FromNetworkSpec(o.Spec)}), nil
	case lb.DeleteNetwork:
		return remove(lb.KindNetwork, string(o.ID), o.If, false), nil
	case lb.CreatePort:
		return create(string(o.ID), &Spec_Port{FromPortSpec(o.Spec)}), nil
	case lb.UpdatePort:
		return update(string(o.ID), o.If, &Spec_Port{FromPortSpec(o.Spec)}), nil
	case lb.DeletePort:
		return remove(lb.KindPort, string(o.ID), o.If, false), nil
	case lb.CreateSecurityGroup:
		return create(string(o.ID), &Spec_SecurityGroup{FromSecurityGroupSpec(o.Spec)}), nil
	case lb.UpdateSecurityGroup:
		return update(string(o.ID), o.If, &Spec_SecurityGroup{FromSecurityGroupSpec(o.Spec)}), nil
	case lb.DeleteSecurityGroup:
		return remove(lb.KindSecurityGroup, string(o.ID), o.If, false), nil
	case lb.CreateQoSPolicy:
		return create(string(o.ID), &Spec_QosPolicy{FromQoSPolicySpec(o.Spec)}), nil
	case lb.UpdateQoSPolicy:
		return update(string(o.ID), o.If, &Spec_QosPolicy{FromQoSPolicySpec(o.Spec)}), nil
	case lb.DeleteQoSPolicy:
		return remove(lb.KindQoSPolicy, string(o.ID), o.If, false), nil
	case lb.CreateFlavorProfile:
		return create(string(o.ID), &Spec_FlavorProfile{FromFlavorProfileSpec(o.Spec)}), nil
	case lb.UpdateFlavorProfile:
		return update(string(o.ID), o.If, &Spec_FlavorProfile{FromFlavorProfileSpec(o.Spec)}), nil
	case lb.DeleteFlavorProfile:
		return remove(lb.KindFlavorProfile, string(o.ID), o.If, false), nil
	case lb.CreateFlavor:
		return create(string(o.ID), &Spec_Flavor{FromFlavorSpec(o.Spec)}), nil
	case lb.UpdateFlavor:
		return update(string(o.ID), o.If, &Spec_Flavor{FromFlavorSpec(o.Spec)}), nil
	case lb.DeleteFlavor:
		return remove(lb.KindFlavor, string(o.ID), o.If, false), nil
	case lb.CreateAvailabilityZoneProfile:
		return create(string(o.ID), &Spec_AvailabilityZoneProfile{FromAvailabilityZoneProfileSpec(o.Spec)}), nil
	case lb.UpdateAvailabilityZoneProfile:
		return update(string(o.ID), o.If, &Spec_AvailabilityZoneProfile{FromAvailabilityZoneProfileSpec(o.Spec)}), nil
	case lb.DeleteAvailabilityZoneProfile:
		return remove(lb.KindAvailabilityZoneProfile, string(o.ID), o.If, false), nil
	case lb.CreateAvailabilityZone:
		return create("", &Spec_AvailabilityZone{FromAvailabilityZoneSpec(o.Spec)}), nil
	case lb.UpdateAvailabilityZone:
		return update(o.Name, 0, &Spec_AvailabilityZone{FromAvailabilityZoneSpec(o.Spec)}), nil
	case lb.DeleteAvailabilityZone:
		return remove(lb.KindAvailabilityZone, o.Name, 0, false), nil
	case lb.CreateProject:
		return create(o.ID, &Spec_Project{FromProjectSpec(o.Spec)}), nil
	case lb.UpdateProject:
		return update(o.ID, o.If, &Spec_Project{FromProjectSpec(o.Spec)}), nil
	case lb.DeleteProject:
		return remove(lb.KindProject, o.ID, o.If, false), nil
	case lb.CreateUser:
		return create(o.ID, &Spec_User{FromUserSpec(o.Spec)}), nil
	case lb.UpdateUser:
		return update(o.ID, o.If, &Spec_User{FromUserSpec(o.Spec)}), nil
	case lb.DeleteUser:
		return remove(lb.KindUser, o.ID, o.If, false), nil
	case lb.CreateRole:
		return create(o.ID, &Spec_Role{FromRoleSpec(o.Spec)}), nil
	case lb.DeleteRole:
		return remove(lb.KindRole, o.ID, o.If, false), nil
	case lb.CreateSecret:
		return create(string(o.ID), &Spec_Secret{FromSecretSpec(o.Spec)}), nil
	case lb.UpdateSecret:
		return update(string(o.ID), o.If, &Spec_Secret{FromSecretSpec(o.Spec)}), nil
	case lb.DeleteSecret:
		return remove(lb.KindSecret, string(o.ID), o.If, false), nil
	case lb.CreateSecretContainer:
		return create(string(o.ID), &Spec_SecretContainer{FromSecretContainerSpec(o.Spec)}), nil
	case lb.DeleteSecretContainer:
		return remove(lb.KindSecretContainer, string(o.ID), o.If, false), nil
	}
	return nil, fmt.Errorf("no encoding for %T", op)
}

func fromBatch(b lb.Batch, top bool) (*Op, error) {
	if err := checkBatch(len(b.Ops), top); err != nil {
		return nil, err
	}
	x := &Batch{}
	for i, op := range b.Ops {
		each, err := fromOp(op, false)
		if err != nil {
			return nil, fmt.Errorf("operation %d of %d: %w", i+1, len(b.Ops), err)
		}
		x.Ops = append(x.Ops, each)
	}
	return &Op{Op: &Op_Batch{x}}, nil
}

// checkBatch is the same for both directions, so that nothing is encoded that cannot be
// decoded.
func checkBatch(n int, top bool) error {
	switch {
	case !top:
		return &lb.Error{Kind: lb.ErrInvalid, Field: "ops", Msg: "there is a batch in a batch; put its operations into the outer one"}
	case n > MaxBatch:
		return &lb.Error{Kind: lb.ErrInvalid, Field: "ops", Msg: fmt.Sprintf("the batch has %d operations, use at most %d", n, MaxBatch)}
	}
	return nil
}

func create(id string, spec isSpec_Spec) *Op {
	return &Op{Op: &Op_Create{&Create{Id: id, Spec: &Spec{Spec: spec}}}}
}

func update(id string, rev uint64, spec isSpec_Spec) *Op {
	return &Op{Op: &Op_Update{&Update{Id: id, IfRevision: rev, Spec: &Spec{Spec: spec}}}}
}

func remove(kind lb.Kind, id string, rev uint64, cascade bool) *Op {
	return &Op{Op: &Op_Delete{&Delete{Kind: string(kind), Id: id, IfRevision: rev, Cascade: cascade}}}
}
