package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// CreatePool implements adminpb.ConfigServer.
func (s *configService) CreatePool(ctx context.Context, req *adminpb.CreatePoolRequest) (*adminpb.Pool, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, loadBalancers, nil, "loadbalancer_id", &spec.LoadBalancerID); err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, listeners, inTree(text(spec.LoadBalancerID), treeListeners), "listener_id", &spec.ListenerID); err != nil {
		return nil, err
	}
	return change(ctx, s, pools, req.RequestId, lb.CreatePool{Spec: spec})
}

// ListPools implements adminpb.ConfigServer.
func (s *configService) ListPools(ctx context.Context, req *adminpb.ListPoolsRequest) (*adminpb.ListPoolsResponse, error) {
	shown, next, err := list(ctx, s, pools, inTree(req.LoadBalancer, treePools), req)
	return &adminpb.ListPoolsResponse{Pools: shown, NextPageToken: next}, err
}

// GetPool implements adminpb.ConfigServer.
func (s *configService) GetPool(ctx context.Context, req *adminpb.GetPoolRequest) (*adminpb.Pool, error) {
	return get(ctx, s, pools, nil, req.Ref, req.AllowStale)
}

// UpdatePool implements adminpb.ConfigServer.
func (s *configService) UpdatePool(ctx context.Context, req *adminpb.UpdatePoolRequest) (*adminpb.Pool, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	id, err := idOf(ctx, s.backend, pools, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return change(ctx, s, pools, req.RequestId, lb.UpdatePool{ID: lb.PoolID(id), Spec: spec})
}

// DeletePool implements adminpb.ConfigServer.
func (s *configService) DeletePool(ctx context.Context, req *adminpb.DeletePoolRequest) (*adminpb.Deleted, error) {
	id, err := idOf(ctx, s.backend, pools, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return s.remove(ctx, req.RequestId, lb.DeletePool{ID: lb.PoolID(id)})
}
