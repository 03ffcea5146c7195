package admin

import (
	"context"
	"fmt"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// operations are how one kind is changed by the generic calls. Nil: it cannot.
type operations[T, S any] struct {
	kind   lb.Kind
	id     func(*T) string
	byRef  bool // the node finds what a change names, as there may be none yet
	create func(S) lb.Op
	update func(id string, spec S) lb.Op
	delete func(id string) lb.Op
}

// generic gives the generic calls the shape that Collection works with.
func generic[T, S any](c adminpb.ObjectsClient, o operations[T, S]) calls[T, S] {
	propose := func(ctx context.Context, requestID string, op lb.Op) (*adminpb.ChangeResponse, error) {
		x, err := lbpb.FromOp(op)
		if err != nil {
			return nil, err
		}
		return c.Change(ctx, &adminpb.ChangeRequest{RequestId: requestID, Ops: []*lbpb.Op{x}})
	}
	change := func(ctx context.Context, requestID string, op lb.Op) (Resource[T], error) {
		x, err := propose(ctx, requestID, op)
		return changedTo[T](x, err)
	}
	return calls[T, S]{
		id:    o.id,
		byRef: o.byRef,
		list: func(ctx context.Context, q query) ([]Resource[T], string, error) {
			r, err := c.List(ctx, &adminpb.ListRequest{
				Kind: string(o.kind), PageSize: q.size, PageToken: q.token, AllowStale: q.stale, Name: q.name, Parent: q.in, Project: q.of,
			})
			return listed(toItem[T], r.GetItems(), r.GetNextPageToken(), err)
		},
		get: func(ctx context.Context, q query) (Resource[T], error) {
			x, err := c.Get(ctx, &adminpb.GetRequest{Kind: string(o.kind), Ref: q.ref, AllowStale: q.stale, Parent: q.in})
			return answered(toItem[T], x, err)
		},
		delete: func(ctx context.Context, requestID string, q query) error {
			_, err := propose(ctx, requestID, o.delete(q.ref))
			return err
		},
		create: func(ctx context.Context, requestID string, spec S) (Resource[T], error) {
			return change(ctx, requestID, o.create(spec))
		},
		update: func(ctx context.Context, requestID string, q query, spec S) (Resource[T], error) {
			if o.update == nil {
				return Resource[T]{}, &lb.Error{Kind: lb.ErrImmutable, Resource: o.kind, ID: q.ref, Msg: "nothing of it can be changed, make another one"}
			}
			return change(ctx, requestID, o.update(q.ref, spec))
		},
	}
}

// toItem makes a Resource of an object that must be a T.
func toItem[T any](x *adminpb.Item) (Resource[T], error) {
	o, err := toObject(x)
	if err != nil {
		return Resource[T]{}, err
	}
	v, ok := o.Value.(*T)
	if !ok {
		return Resource[T]{}, fmt.Errorf("the node answered a %T, not a %T", o.Value, v)
	}
	return Resource[T]{Value: v, Status: o.Status}, nil
}

// changedTo makes a Resource of what a change made of it.
func changedTo[T any](x *adminpb.ChangeResponse, err error) (Resource[T], error) {
	if err != nil {
		return Resource[T]{}, err
	}
	if x.GetResult().GetItem() == nil { // somebody was quick, or the request is an old one repeated
		return Resource[T]{}, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.Kind(x.GetResult().GetKind()), ID: x.GetResult().GetId(), Msg: "has been deleted since"}
	}
	return toItem[T](x.Result.Item)
}

// objectCalls wires the kinds that only the generic calls serve.
func (c *Client) objectCalls() {
	x := c.objects
	c.L7Policies.calls = generic(x, operations[lb.L7Policy, lb.L7PolicySpec]{
		kind: lb.KindL7Policy, id: func(v *lb.L7Policy) string { return string(v.ID) },
		create: func(s lb.L7PolicySpec) lb.Op { return lb.CreateL7Policy{Spec: s} },
		update: func(id string, s lb.L7PolicySpec) lb.Op { return lb.UpdateL7Policy{ID: lb.L7PolicyID(id), Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteL7Policy{ID: lb.L7PolicyID(id)} },
	})
	c.L7Rules.calls = generic(x, operations[lb.L7Rule, lb.L7RuleSpec]{
		kind: lb.KindL7Rule, id: func(v *lb.L7Rule) string { return string(v.ID) },
		create: func(s lb.L7RuleSpec) lb.Op { return lb.CreateL7Rule{Spec: s} },
		update: func(id string, s lb.L7RuleSpec) lb.Op { return lb.UpdateL7Rule{ID: lb.L7RuleID(id), Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteL7Rule{ID: lb.L7RuleID(id)} },
	})
	c.networkCalls(x)
	c.offerCalls(x)
	c.identityCalls(x)
}

func (c *Client) networkCalls(x adminpb.ObjectsClient) {
	c.Networks.calls = generic(x, operations[lb.Network, lb.NetworkSpec]{
		kind: lb.KindNetwork, id: func(v *lb.Network) string { return string(v.ID) },
		create: func(s lb.NetworkSpec) lb.Op { return lb.CreateNetwork{Spec: s} },
		update: func(id string, s lb.NetworkSpec) lb.Op { return lb.UpdateNetwork{ID: lb.NetworkID(id), Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteNetwork{ID: lb.NetworkID(id)} },
	})
	c.Ports.calls = generic(x, operations[lb.Port, lb.PortSpec]{
		kind: lb.KindPort, id: func(v *lb.Port) string { return string(v.ID) },
		create: func(s lb.PortSpec) lb.Op { return lb.CreatePort{Spec: s} },
		update: func(id string, s lb.PortSpec) lb.Op { return lb.UpdatePort{ID: lb.PortID(id), Spec: s} },
		delete: func(id string) lb.Op { return lb.DeletePort{ID: lb.PortID(id)} },
	})
	c.SecurityGroups.calls = generic(x, operations[lb.SecurityGroup, lb.SecurityGroupSpec]{
		kind: lb.KindSecurityGroup, id: func(v *lb.SecurityGroup) string { return string(v.ID) },
		create: func(s lb.SecurityGroupSpec) lb.Op { return lb.CreateSecurityGroup{Spec: s} },
		update: func(id string, s lb.SecurityGroupSpec) lb.Op {
			return lb.UpdateSecurityGroup{ID: lb.SecurityGroupID(id), Spec: s}
		},
		delete: func(id string) lb.Op { return lb.DeleteSecurityGroup{ID: lb.SecurityGroupID(id)} },
	})
	c.QoSPolicies.calls = generic(x, operations[lb.QoSPolicy, lb.QoSPolicySpec]{
		kind: lb.KindQoSPolicy, id: func(v *lb.QoSPolicy) string { return string(v.ID) },
		create: func(s lb.QoSPolicySpec) lb.Op { return lb.CreateQoSPolicy{Spec: s} },
		update: func(id string, s lb.QoSPolicySpec) lb.Op { return lb.UpdateQoSPolicy{ID: lb.QoSPolicyID(id), Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteQoSPolicy{ID: lb.QoSPolicyID(id)} },
	})
}

func (c *Client) offerCalls(x adminpb.ObjectsClient) {
	c.Quotas.calls = generic(x, operations[lb.Quota, lb.QuotaSpec]{
		kind: lb.KindQuota, byRef: true, id: func(v *lb.Quota) string { return v.ProjectID },
		update: func(id string, s lb.QuotaSpec) lb.Op { return lb.SetQuota{ProjectID: id, Spec: s} },
		delete: func(id string) lb.Op { return lb.ResetQuota{ProjectID: id} },
	})
	c.FlavorProfiles.calls = generic(x, operations[lb.FlavorProfile, lb.FlavorProfileSpec]{
		kind: lb.KindFlavorProfile, id: func(v *lb.FlavorProfile) string { return string(v.ID) },
		create: func(s lb.FlavorProfileSpec) lb.Op { return lb.CreateFlavorProfile{Spec: s} },
		update: func(id string, s lb.FlavorProfileSpec) lb.Op {
			return lb.UpdateFlavorProfile{ID: lb.FlavorProfileID(id), Spec: s}
		},
		delete: func(id string) lb.Op { return lb.DeleteFlavorProfile{ID: lb.FlavorProfileID(id)} },
	})
	c.Flavors.calls = generic(x, operations[lb.Flavor, lb.FlavorSpec]{
		kind: lb.KindFlavor, id: func(v *lb.Flavor) string { return string(v.ID) },
		create: func(s lb.FlavorSpec) lb.Op { return lb.CreateFlavor{Spec: s} },
		update: func(id string, s lb.FlavorSpec) lb.Op { return lb.UpdateFlavor{ID: lb.FlavorID(id), Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteFlavor{ID: lb.FlavorID(id)} },
	})
	c.AvailabilityZoneProfiles.calls = generic(x, operations[lb.AvailabilityZoneProfile, lb.AvailabilityZoneProfileSpec]{
		kind: lb.KindAvailabilityZoneProfile, id: func(v *lb.AvailabilityZoneProfile) string { return string(v.ID) },
		create: func(s lb.AvailabilityZoneProfileSpec) lb.Op { return lb.CreateAvailabilityZoneProfile{Spec: s} },
		update: func(id string, s lb.AvailabilityZoneProfileSpec) lb.Op {
			return lb.UpdateAvailabilityZoneProfile{ID: lb.AvailabilityZoneProfileID(id), Spec: s}
		},
		delete: func(id string) lb.Op {
			return lb.DeleteAvailabilityZoneProfile{ID: lb.AvailabilityZoneProfileID(id)}
		},
	})
	c.AvailabilityZones.calls = generic(x, operations[lb.AvailabilityZone, lb.AvailabilityZoneSpec]{
		kind: lb.KindAvailabilityZone, byRef: true, id: func(v *lb.AvailabilityZone) string { return v.Name },
		create: func(s lb.AvailabilityZoneSpec) lb.Op { return lb.CreateAvailabilityZone{Spec: s} },
		update: func(id string, s lb.AvailabilityZoneSpec) lb.Op { return lb.UpdateAvailabilityZone{Name: id, Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteAvailabilityZone{Name: id} },
	})
}

func (c *Client) identityCalls(x adminpb.ObjectsClient) {
	c.Projects.calls = generic(x, operations[lb.Project, lb.ProjectSpec]{
		kind: lb.KindProject, id: func(v *lb.Project) string { return v.ID },
		create: func(s lb.ProjectSpec) lb.Op { return lb.CreateProject{Spec: s} },
		update: func(id string, s lb.ProjectSpec) lb.Op { return lb.UpdateProject{ID: id, Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteProject{ID: id} },
	})
	c.Users.calls = generic(x, operations[lb.User, lb.UserSpec]{
		kind: lb.KindUser, id: func(v *lb.User) string { return v.ID },
		create: func(s lb.UserSpec) lb.Op { return lb.CreateUser{Spec: s} },
		update: func(id string, s lb.UserSpec) lb.Op { return lb.UpdateUser{ID: id, Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteUser{ID: id} },
	})
	c.Roles.calls = generic(x, operations[lb.Role, lb.RoleSpec]{
		kind: lb.KindRole, id: func(v *lb.Role) string { return v.ID },
		create: func(s lb.RoleSpec) lb.Op { return lb.CreateRole{Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteRole{ID: id} },
	})
	c.Assignments.calls = generic(x, operations[lb.Assignment, lb.Assignment]{
		kind: lb.KindAssignment, byRef: true, id: func(v *lb.Assignment) string { return assignmentID(*v) },
		create: func(a lb.Assignment) lb.Op { return lb.Assign{Assignment: a} },
		delete: func(id string) lb.Op { return lb.Unassign{Assignment: parseAssignment(id)} },
	})
	c.Secrets.calls = generic(x, operations[lb.Secret, lb.SecretSpec]{
		kind: lb.KindSecret, id: func(v *lb.Secret) string { return string(v.ID) },
		create: func(s lb.SecretSpec) lb.Op { return lb.CreateSecret{Spec: s} },
		update: func(id string, s lb.SecretSpec) lb.Op { return lb.UpdateSecret{ID: lb.SecretID(id), Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteSecret{ID: lb.SecretID(id)} },
	})
	c.SecretContainers.calls = generic(x, operations[lb.SecretContainer, lb.SecretContainerSpec]{
		kind: lb.KindSecretContainer, id: func(v *lb.SecretContainer) string { return string(v.ID) },
		create: func(s lb.SecretContainerSpec) lb.Op { return lb.CreateSecretContainer{Spec: s} },
		delete: func(id string) lb.Op { return lb.DeleteSecretContainer{ID: lb.SecretContainerID(id)} },
	})
}
