package admin

import (
	"context"
	"errors"
	"slices"

	"github.com/amphora-lb/amphora/lb"
)

// resolver replaces names in an operation by ids, and remembers what it did not find.
type resolver struct {
	ctx     context.Context
	backend Backend
	err     error
}

// refID resolves the id that an operation is about.
func refID[ID ~string](r *resolver, kind lb.Kind, id *ID) {
	if *id == "" || r.err != nil {
		return
	}
	found, err := idOf(r.ctx, r.backend, objectsOf(kind), nil, string(*id))
	if err != nil {
		r.err = err
		return
	}
	*id = ID(found)
}

// refOpt resolves a field of a spec.
func refOpt[ID ~string](r *resolver, kind lb.Kind, field string, o *lb.Opt[ID]) {
	if r.err == nil {
		r.err = resolve(r.ctx, r.backend, objectsOf(kind), nil, field, o)
	}
}

// refList resolves a field of a spec that is a list.
func refList[ID ~string](r *resolver, kind lb.Kind, field string, o *lb.Opt[[]ID]) {
	list, ok := o.Get()
	if !ok || len(list) == 0 {
		return
	}
	list = slices.Clone(list)
	for i := range list {
		one := lb.Some(list[i])
		refOpt(r, kind, field, &one)
		list[i], _ = one.Get()
	}
	*o = lb.Some(list)
}

// project resolves the project that owns something: the id of a project of that name, or
// the text itself, as nobody need know projects here.
func (r *resolver) project(o *lb.Opt[string]) {
	if ref, ok := o.Get(); ok && ref != "" && !isID(ref) {
		*o = lb.Some(projectID(r.backend.Config(), ref))
	}
}

// quota resolves the project whose quota is meant.
func (r *resolver) quota(id *string) {
	o := lb.Some(*id)
	r.project(&o)
	*id, _ = o.Get()
}

// assignment resolves what a role assignment names.
func (r *resolver) assignment(a *lb.Assignment) {
	refID(r, lb.KindUser, &a.UserID)
	refID(r, lb.KindProject, &a.ProjectID)
	r.role(&a.RoleID)
}

// role resolves a role.
func (r *resolver) role(id *string) {
	refID(r, lb.KindRole, id)
}

// resolveOp replaces names in op by ids. What a batch makes for itself is named by id.
func resolveOp(ctx context.Context, b Backend, op lb.Op) (lb.Op, error) {
	r := &resolver{ctx: ctx, backend: b}
	if batch, ok := op.(lb.Batch); ok {
		ops := make([]lb.Op, len(batch.Ops))
		for i, each := range batch.Ops {
			var err error
			if ops[i], err = resolveOp(ctx, b, each); err != nil {
				return nil, err
			}
		}
		return lb.Batch{Ops: ops}, nil
	}
	for _, resolved := range []func(lb.Op) lb.Op{r.trees, r.l7, r.network, r.offers, r.identity} {
		op = resolved(op)
	}
	if r.err != nil && errors.Is(r.err, context.Canceled) {
		return nil, ctx.Err()
	}
	return op, r.err
}

// trees resolves operations on load balancers and what is below them.
func (r *resolver) trees(op lb.Op) lb.Op {
	switch o := op.(type) {
	case lb.CreateLoadBalancer:
		r.loadBalancer(&o.Spec)
		return o
	case lb.UpdateLoadBalancer:
		refID(r, lb.KindLoadBalancer, &o.ID)
		r.loadBalancer(&o.Spec)
		return o
	case lb.DeleteLoadBalancer:
		refID(r, lb.KindLoadBalancer, &o.ID)
		return o
	case lb.CreateListener:
		refOpt(r, lb.KindLoadBalancer, "loadbalancer_id", &o.Spec.LoadBalancerID)
		refOpt(r, lb.KindPool, "default_pool_id", &o.Spec.DefaultPoolID)
		return o
	case lb.UpdateListener:
		refID(r, lb.KindListener, &o.ID)
		refOpt(r, lb.KindPool, "default_pool_id", &o.Spec.DefaultPoolID)
		return o
	case lb.DeleteListener:
		refID(r, lb.KindListener, &o.ID)
		return o
	case lb.CreatePool:
		refOpt(r, lb.KindLoadBalancer, "loadbalancer_id", &o.Spec.LoadBalancerID)
		refOpt(r, lb.KindListener, "listener_id", &o.Spec.ListenerID)
		return o
	case lb.UpdatePool:
		refID(r, lb.KindPool, &o.ID)
		return o
	case lb.DeletePool:
		refID(r, lb.KindPool, &o.ID)
		return o
	case lb.CreateMember:
		refOpt(r, lb.KindPool, "pool_id", &o.Spec.PoolID)
		refOpt(r, lb.KindSubnet, "subnet_id", &o.Spec.SubnetID)
		return o
	case lb.SetMembers:
		refID(r, lb.KindPool, &o.PoolID)
		o.Members = slices.Clone(o.Members)
		for i := range o.Members {
			refOpt(r, lb.KindSubnet, "subnet_id", &o.Members[i].SubnetID)
		}
		return o
	case lb.CreateHealthMonitor:
		refOpt(r, lb.KindPool, "pool_id", &o.Spec.PoolID)
		return o
	case lb.UpdateHealthMonitor:
		refID(r, lb.KindHealthMonitor, &o.ID)
		return o
	case lb.DeleteHealthMonitor:
		refID(r, lb.KindHealthMonitor, &o.ID)
		return o
	}
	return op
}

// loadBalancer resolves what a load balancer's spec names.
func (r *resolver) loadBalancer(s *lb.LoadBalancerSpec) {
	r.project(&s.ProjectID)
	refOpt(r, lb.KindSubnet, "vip_subnet_id", &s.VIPSubnetID)
	refOpt(r, lb.KindNetwork, "vip_network_id", &s.VIPNetworkID)
	refOpt(r, lb.KindPort, "vip_port_id", &s.VIPPortID)
	refOpt(r, lb.KindQoSPolicy, "vip_qos_policy_id", &s.VIPQoSPolicyID)
	refList(r, lb.KindSecurityGroup, "vip_sg_ids", &s.VIPSecurityGroupIDs)
	refOpt(r, lb.KindFlavor, "flavor_id", &s.FlavorID)
	if vips, ok := s.AdditionalVIPs.Get(); ok {
		vips = slices.Clone(vips)
		for i := range vips {
			refOpt(r, lb.KindSubnet, "additional_vips", &vips[i].SubnetID)
			refOpt(r, lb.KindPort, "additional_vips", &vips[i].PortID)
		}
		s.AdditionalVIPs = lb.Some(vips)
	}
}

// l7 resolves operations on L7 policies and rules.
func (r *resolver) l7(op lb.Op) lb.Op {
	switch o := op.(type) {
	case lb.CreateL7Policy:
		refOpt(r, lb.KindListener, "listener_id", &o.Spec.ListenerID)
		refOpt(r, lb.KindPool, "redirect_pool_id", &o.Spec.RedirectPoolID)
		return o
	case lb.UpdateL7Policy:
		refID(r, lb.KindL7Policy, &o.ID)
		refOpt(r, lb.KindPool, "redirect_pool_id", &o.Spec.RedirectPoolID)
		return o
	case lb.DeleteL7Policy:
		refID(r, lb.KindL7Policy, &o.ID)
		return o
	case lb.CreateL7Rule:
		refOpt(r, lb.KindL7Policy, "l7policy_id", &o.Spec.PolicyID)
		return o
	}
	return op
}

// network resolves operations on networks and what they have.
func (r *resolver) network(op lb.Op) lb.Op {
	switch o := op.(type) {
	case lb.CreateNetwork:
		r.project(&o.Spec.ProjectID)
		return o
	case lb.UpdateNetwork:
		refID(r, lb.KindNetwork, &o.ID)
		return o
	case lb.DeleteNetwork:
		refID(r, lb.KindNetwork, &o.ID)
		return o
	case lb.CreateSubnet:
		refOpt(r, lb.KindNetwork, "network_id", &o.Spec.NetworkID)
		return o
	case lb.UpdateSubnet:
		refID(r, lb.KindSubnet, &o.ID)
		return o
	case lb.DeleteSubnet:
		refID(r, lb.KindSubnet, &o.ID)
		return o
	case lb.CreatePort:
		r.port(&o.Spec)
		return o
	case lb.UpdatePort:
		refID(r, lb.KindPort, &o.ID)
		r.port(&o.Spec)
		return o
	case lb.DeletePort:
		refID(r, lb.KindPort, &o.ID)
		return o
	case lb.UpdateSecurityGroup:
		refID(r, lb.KindSecurityGroup, &o.ID)
		return o
	case lb.DeleteSecurityGroup:
		refID(r, lb.KindSecurityGroup, &o.ID)
		return o
	case lb.UpdateQoSPolicy:
		refID(r, lb.KindQoSPolicy, &o.ID)
		return o
	case lb.DeleteQoSPolicy:
		refID(r, lb.KindQoSPolicy, &o.ID)
		return o
	}
	return op
}

func (r *resolver) port(s *lb.PortSpec) {
	r.project(&s.ProjectID)
	refOpt(r, lb.KindNetwork, "network_id", &s.NetworkID)
	refList(r, lb.KindSecurityGroup, "security_groups", &s.SecurityGroupIDs)
	refOpt(r, lb.KindQoSPolicy, "qos_policy_id", &s.QoSPolicyID)
	if ips, ok := s.FixedIPs.Get(); ok {
		ips = slices.Clone(ips)
		for i := range ips {
			refOpt(r, lb.KindSubnet, "fixed_ips", &ips[i].SubnetID)
		}
		s.FixedIPs = lb.Some(ips)
	}
}

// offers resolves operations on what operators offer and limit.
func (r *resolver) offers(op lb.Op) lb.Op {
	switch o := op.(type) {
	case lb.SetQuota:
		r.quota(&o.ProjectID)
		return o
	case lb.ResetQuota:
		r.quota(&o.ProjectID)
		return o
	case lb.UpdateFlavorProfile:
		refID(r, lb.KindFlavorProfile, &o.ID)
		return o
	case lb.DeleteFlavorProfile:
		refID(r, lb.KindFlavorProfile, &o.ID)
		return o
	case lb.CreateFlavor:
		refOpt(r, lb.KindFlavorProfile, "flavor_profile_id", &o.Spec.ProfileID)
		return o
	case lb.UpdateFlavor:
		refID(r, lb.KindFlavor, &o.ID)
		return o
	case lb.DeleteFlavor:
		refID(r, lb.KindFlavor, &o.ID)
		return o
	case lb.UpdateAvailabilityZoneProfile:
		refID(r, lb.KindAvailabilityZoneProfile, &o.ID)
		return o
	case lb.DeleteAvailabilityZoneProfile:
		refID(r, lb.KindAvailabilityZoneProfile, &o.ID)
		return o
	case lb.CreateAvailabilityZone:
		refOpt(r, lb.KindAvailabilityZoneProfile, "availability_zone_profile_id", &o.Spec.ProfileID)
		return o
	}
	return op
}

// identity resolves operations on who may do what, and on secrets.
func (r *resolver) identity(op lb.Op) lb.Op {
	switch o := op.(type) {
	case lb.UpdateProject:
		refID(r, lb.KindProject, &o.ID)
		return o
	case lb.DeleteProject:
		refID(r, lb.KindProject, &o.ID)
		return o
	case lb.CreateUser:
		refOpt(r, lb.KindProject, "default_project_id", &o.Spec.DefaultProjectID)
		return o
	case lb.UpdateUser:
		refID(r, lb.KindUser, &o.ID)
		refOpt(r, lb.KindProject, "default_project_id", &o.Spec.DefaultProjectID)
		return o
	case lb.DeleteUser:
		refID(r, lb.KindUser, &o.ID)
		return o
	case lb.DeleteRole:
		r.role(&o.ID)
		return o
	case lb.Assign:
		r.assignment(&o.Assignment)
		return o
	case lb.Unassign:
		r.assignment(&o.Assignment)
		return o
	case lb.UpdateSecret:
		refID(r, lb.KindSecret, &o.ID)
		return o
	case lb.DeleteSecret:
		refID(r, lb.KindSecret, &o.ID)
		return o
	case lb.CreateSecretContainer:
		r.project(&o.Spec.ProjectID)
		if list, ok := o.Spec.Secrets.Get(); ok {
			list = slices.Clone(list)
			for i := range list {
				refID(r, lb.KindSecret, &list[i].SecretID)
			}
			o.Spec.Secrets = lb.Some(list)
		}
		return o
	case lb.DeleteSecretContainer:
		refID(r, lb.KindSecretContainer, &o.ID)
		return o
	}
	return op
}
