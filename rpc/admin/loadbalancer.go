package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// CreateLoadBalancer implements adminpb.ConfigServer.
func (s *configService) CreateLoadBalancer(ctx context.Context, req *adminpb.CreateLoadBalancerRequest) (*adminpb.LoadBalancer, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	op, err := resolveOp(ctx, s.backend, lb.CreateLoadBalancer{Spec: spec})
	if err != nil {
		return nil, err
	}
	return change(ctx, s, loadBalancers, req.RequestId, op)
}

// ListLoadBalancers implements adminpb.ConfigServer.
func (s *configService) ListLoadBalancers(ctx context.Context, req *adminpb.ListLoadBalancersRequest) (*adminpb.ListLoadBalancersResponse, error) {
	shown, next, err := list(ctx, s, loadBalancers, nil, req)
	return &adminpb.ListLoadBalancersResponse{LoadBalancers: shown, NextPageToken: next}, err
}

// GetLoadBalancer implements adminpb.ConfigServer.
func (s *configService) GetLoadBalancer(ctx context.Context, req *adminpb.GetLoadBalancerRequest) (*adminpb.LoadBalancer, error) {
	return get(ctx, s, loadBalancers, nil, req.Ref, req.AllowStale)
}

// UpdateLoadBalancer implements adminpb.ConfigServer.
func (s *configService) UpdateLoadBalancer(ctx context.Context, req *adminpb.UpdateLoadBalancerRequest) (*adminpb.LoadBalancer, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	id, err := idOf(ctx, s.backend, loadBalancers, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	op, err := resolveOp(ctx, s.backend, lb.UpdateLoadBalancer{ID: lb.LoadBalancerID(id), Spec: spec})
	if err != nil {
		return nil, err
	}
	return change(ctx, s, loadBalancers, req.RequestId, op)
}

// DeleteLoadBalancer implements adminpb.ConfigServer.
func (s *configService) DeleteLoadBalancer(ctx context.Context, req *adminpb.DeleteLoadBalancerRequest) (*adminpb.Deleted, error) {
	id, err := idOf(ctx, s.backend, loadBalancers, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return s.remove(ctx, req.RequestId, lb.DeleteLoadBalancer{ID: lb.LoadBalancerID(id), Cascade: req.Cascade})
}

// GetLoadBalancerTree implements adminpb.ConfigServer.
func (s *configService) GetLoadBalancerTree(ctx context.Context, req *adminpb.GetLoadBalancerTreeRequest) (*adminpb.LoadBalancerTree, error) {
	now, err := lookSynced(ctx, s.backend, req.AllowStale)
	if err != nil {
		return nil, err
	}
	b, err := find(now.cfg, loadBalancers, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	t, _ := now.cfg.Tree(b.ID)
	return &adminpb.LoadBalancerTree{
		LoadBalancer:   loadBalancers.show(now, b),
		Listeners:      showAll(now, listeners, t.Listeners),
		Pools:          showAll(now, pools, t.Pools),
		Members:        showAll(now, members, treeMembers(t)),
		HealthMonitors: showAll(now, healthMonitors, treeMonitors(t)),
	}, nil
}

func showAll[T, R any](s *snapshot, k kind[T, R], all []*T) []*R {
	shown := make([]*R, len(all))
	for i, v := range all {
		shown[i] = k.show(s, v)
	}
	return shown
}
