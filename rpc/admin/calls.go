package admin

import (
	"context"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// Every call has a message type of its own. What follows only gives them the
// shape that Collection works with.

func subnetCalls(c adminpb.ConfigClient) calls[lb.Subnet, lb.SubnetSpec] {
	return calls[lb.Subnet, lb.SubnetSpec]{
		id: subnets.id,
		create: func(ctx context.Context, requestID string, spec lb.SubnetSpec) (Resource[lb.Subnet], error) {
			r, err := c.CreateSubnet(ctx, &adminpb.CreateSubnetRequest{RequestId: requestID, Spec: lbpb.FromSubnetSpec(spec)})
			return answered(toSubnet, r, err)
		},
		list: func(ctx context.Context, q query) ([]Resource[lb.Subnet], string, error) {
			r, err := c.ListSubnets(ctx, &adminpb.ListSubnetsRequest{PageSize: q.size, PageToken: q.token, AllowStale: q.stale, Name: q.name})
			return listed(toSubnet, r.GetSubnets(), r.GetNextPageToken(), err)
		},
		get: func(ctx context.Context, q query) (Resource[lb.Subnet], error) {
			r, err := c.GetSubnet(ctx, &adminpb.GetSubnetRequest{Ref: q.ref, AllowStale: q.stale})
			return answered(toSubnet, r, err)
		},
		update: func(ctx context.Context, requestID string, q query, spec lb.SubnetSpec) (Resource[lb.Subnet], error) {
			r, err := c.UpdateSubnet(ctx, &adminpb.UpdateSubnetRequest{RequestId: requestID, Ref: q.ref, Spec: lbpb.FromSubnetSpec(spec)})
			return answered(toSubnet, r, err)
		},
		delete: func(ctx context.Context, requestID string, q query) error {
			_, err := c.DeleteSubnet(ctx, &adminpb.DeleteSubnetRequest{RequestId: requestID, Ref: q.ref})
			return err
		},
	}
}

func toSubnet(x *adminpb.Subnet) (Resource[lb.Subnet], error) {
	return resource(x.Resource, x.Status)
}

func loadBalancerCalls(c adminpb.ConfigClient) calls[lb.LoadBalancer, lb.LoadBalancerSpec] {
	return calls[lb.LoadBalancer, lb.LoadBalancerSpec]{
		id: loadBalancers.id,
		create: func(ctx context.Context, requestID string, spec lb.LoadBalancerSpec) (Resource[lb.LoadBalancer], error) {
			r, err := c.CreateLoadBalancer(ctx, &adminpb.CreateLoadBalancerRequest{RequestId: requestID, Spec: lbpb.FromLoadBalancerSpec(spec)})
			return answered(toLoadBalancer, r, err)
		},
		list: func(ctx context.Context, q query) ([]Resource[lb.LoadBalancer], string, error) {
			r, err := c.ListLoadBalancers(ctx, &adminpb.ListLoadBalancersRequest{PageSize: q.size, PageToken: q.token, AllowStale: q.stale, Name: q.name})
			return listed(toLoadBalancer, r.GetLoadBalancers(), r.GetNextPageToken(), err)
		},
		get: func(ctx context.Context, q query) (Resource[lb.LoadBalancer], error) {
			r, err := c.GetLoadBalancer(ctx, &adminpb.GetLoadBalancerRequest{Ref: q.ref, AllowStale: q.stale})
			return answered(toLoadBalancer, r, err)
		},
		update: func(ctx context.Context, requestID string, q query, spec lb.LoadBalancerSpec) (Resource[lb.LoadBalancer], error) {
			r, err := c.UpdateLoadBalancer(ctx, &adminpb.UpdateLoadBalancerRequest{RequestId: requestID, Ref: q.ref, Spec: lbpb.FromLoadBalancerSpec(spec)})
			return answered(toLoadBalancer, r, err)
		},
		delete: func(ctx context.Context, requestID string, q query) error {
			_, err := c.DeleteLoadBalancer(ctx, &adminpb.DeleteLoadBalancerRequest{RequestId: requestID, Ref: q.ref})
			return err
		},
	}
}

func toLoadBalancer(x *adminpb.LoadBalancer) (Resource[lb.LoadBalancer], error) {
	s, err := resource(x.Resource, x.Status)
	s.ListenerIDs, s.PoolIDs = x.ListenerIds, x.PoolIds
	return s, err
}

func listenerCalls(c adminpb.ConfigClient) calls[lb.Listener, lb.ListenerSpec] {
	return calls[lb.Listener, lb.ListenerSpec]{
		id: listeners.id,
		create: func(ctx context.Context, requestID string, spec lb.ListenerSpec) (Resource[lb.Listener], error) {
			r, err := c.CreateListener(ctx, &adminpb.CreateListenerRequest{RequestId: requestID, Spec: lbpb.FromListenerSpec(spec)})
			return answered(toListener, r, err)
		},
		list: func(ctx context.Context, q query) ([]Resource[lb.Listener], string, error) {
			r, err := c.ListListeners(ctx, &adminpb.ListListenersRequest{PageSize: q.size, PageToken: q.token, AllowStale: q.stale, Name: q.name, LoadBalancer: q.in})
			return listed(toListener, r.GetListeners(), r.GetNextPageToken(), err)
		},
		get: func(ctx context.Context, q query) (Resource[lb.Listener], error) {
			r, err := c.GetListener(ctx, &adminpb.GetListenerRequest{Ref: q.ref, AllowStale: q.stale})
			return answered(toListener, r, err)
		},
		update: func(ctx context.Context, requestID string, q query, spec lb.ListenerSpec) (Resource[lb.Listener], error) {
			r, err := c.UpdateListener(ctx, &adminpb.UpdateListenerRequest{RequestId: requestID, Ref: q.ref, Spec: lbpb.FromListenerSpec(spec)})
			return answered(toListener, r, err)
		},
		delete: func(ctx context.Context, requestID string, q query) error {
			_, err := c.DeleteListener(ctx, &adminpb.DeleteListenerRequest{RequestId: requestID, Ref: q.ref})
			return err
		},
	}
}

func toListener(x *adminpb.Listener) (Resource[lb.Listener], error) {
	return resource(x.Resource, x.Status)
}

func poolCalls(c adminpb.ConfigClient) calls[lb.Pool, lb.PoolSpec] {
	return calls[lb.Pool, lb.PoolSpec]{
		id: pools.id,
		create: func(ctx context.Context, requestID string, spec lb.PoolSpec) (Resource[lb.Pool], error) {
			r, err := c.CreatePool(ctx, &adminpb.CreatePoolRequest{RequestId: requestID, Spec: lbpb.FromPoolSpec(spec)})
			return answered(toPool, r, err)
		},
		list: func(ctx context.Context, q query) ([]Resource[lb.Pool], string, error) {
			r, err := c.ListPools(ctx, &adminpb.ListPoolsRequest{PageSize: q.size, PageToken: q.token, AllowStale: q.stale, Name: q.name, LoadBalancer: q.in})
			return listed(toPool, r.GetPools(), r.GetNextPageToken(), err)
		},
		get: func(ctx context.Context, q query) (Resource[lb.Pool], error) {
			r, err := c.GetPool(ctx, &adminpb.GetPoolRequest{Ref: q.ref, AllowStale: q.stale})
			return answered(toPool, r, err)
		},
		update: func(ctx context.Context, requestID string, q query, spec lb.PoolSpec) (Resource[lb.Pool], error) {
			r, err := c.UpdatePool(ctx, &adminpb.UpdatePoolRequest{RequestId: requestID, Ref: q.ref, Spec: lbpb.FromPoolSpec(spec)})
			return answered(toPool, r, err)
		},
		delete: func(ctx context.Context, requestID string, q query) error {
			_, err := c.DeletePool(ctx, &adminpb.DeletePoolRequest{RequestId: requestID, Ref: q.ref})
			return err
		},
	}
}

func toPool(x *adminpb.Pool) (Resource[lb.Pool], error) {
	s, err := resource(x.Resource, x.Status)
	s.ListenerIDs, s.MemberIDs, s.HealthMonitorID = x.ListenerIds, x.MemberIds, x.HealthMonitorId
	return s, err
}

func memberCalls(c adminpb.ConfigClient) calls[lb.Member, lb.MemberSpec] {
	return calls[lb.Member, lb.MemberSpec]{
		id: members.id,
		create: func(ctx context.Context, requestID string, spec lb.MemberSpec) (Resource[lb.Member], error) {
			r, err := c.CreateMember(ctx, &adminpb.CreateMemberRequest{RequestId: requestID, Spec: lbpb.FromMemberSpec(spec)})
			return answered(toMember, r, err)
		},
		list: func(ctx context.Context, q query) ([]Resource[lb.Member], string, error) {
			r, err := c.ListMembers(ctx, &adminpb.ListMembersRequest{PageSize: q.size, PageToken: q.token, AllowStale: q.stale, Name: q.name, Pool: q.in})
			return listed(toMember, r.GetMembers(), r.GetNextPageToken(), err)
		},
		get: func(ctx context.Context, q query) (Resource[lb.Member], error) {
			r, err := c.GetMember(ctx, &adminpb.GetMemberRequest{Ref: q.ref, AllowStale: q.stale, Pool: q.in})
			return answered(toMember, r, err)
		},
		update: func(ctx context.Context, requestID string, q query, spec lb.MemberSpec) (Resource[lb.Member], error) {
			r, err := c.UpdateMember(ctx, &adminpb.UpdateMemberRequest{RequestId: requestID, Ref: q.ref, Spec: lbpb.FromMemberSpec(spec)})
			return answered(toMember, r, err)
		},
		delete: func(ctx context.Context, requestID string, q query) error {
			_, err := c.DeleteMember(ctx, &adminpb.DeleteMemberRequest{RequestId: requestID, Ref: q.ref})
			return err
		},
	}
}

func toMember(x *adminpb.Member) (Resource[lb.Member], error) {
	return resource(x.Resource, x.Status)
}

func healthMonitorCalls(c adminpb.ConfigClient) calls[lb.HealthMonitor, lb.HealthMonitorSpec] {
	return calls[lb.HealthMonitor, lb.HealthMonitorSpec]{
		id: healthMonitors.id,
		create: func(ctx context.Context, requestID string, spec lb.HealthMonitorSpec) (Resource[lb.HealthMonitor], error) {
			r, err := c.CreateHealthMonitor(ctx, &adminpb.CreateHealthMonitorRequest{RequestId: requestID, Spec: lbpb.FromHealthMonitorSpec(spec)})
			return answered(toHealthMonitor, r, err)
		},
		list: func(ctx context.Context, q query) ([]Resource[lb.HealthMonitor], string, error) {
			r, err := c.ListHealthMonitors(ctx, &adminpb.ListHealthMonitorsRequest{PageSize: q.size, PageToken: q.token, AllowStale: q.stale, Name: q.name, LoadBalancer: q.in})
			return listed(toHealthMonitor, r.GetHealthMonitors(), r.GetNextPageToken(), err)
		},
		get: func(ctx context.Context, q query) (Resource[lb.HealthMonitor], error) {
			r, err := c.GetHealthMonitor(ctx, &adminpb.GetHealthMonitorRequest{Ref: q.ref, AllowStale: q.stale})
			return answered(toHealthMonitor, r, err)
		},
		update: func(ctx context.Context, requestID string, q query, spec lb.HealthMonitorSpec) (Resource[lb.HealthMonitor], error) {
			r, err := c.UpdateHealthMonitor(ctx, &adminpb.UpdateHealthMonitorRequest{RequestId: requestID, Ref: q.ref, Spec: lbpb.FromHealthMonitorSpec(spec)})
			return answered(toHealthMonitor, r, err)
		},
		delete: func(ctx context.Context, requestID string, q query) error {
			_, err := c.DeleteHealthMonitor(ctx, &adminpb.DeleteHealthMonitorRequest{RequestId: requestID, Ref: q.ref})
			return err
		},
	}
}

func toHealthMonitor(x *adminpb.HealthMonitor) (Resource[lb.HealthMonitor], error) {
	return resource(x.Resource, x.Status)
}
