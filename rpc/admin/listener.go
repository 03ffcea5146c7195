package admin

import (
	"context"
	"iter"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// CreateListener implements adminpb.ConfigServer.
func (s *configService) CreateListener(ctx context.Context, req *adminpb.CreateListenerRequest) (*adminpb.Listener, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, loadBalancers, nil, "loadbalancer_id", &spec.LoadBalancerID); err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, pools, inTree(text(spec.LoadBalancerID), treePools), "default_pool_id", &spec.DefaultPoolID); err != nil {
		return nil, err
	}
	return change(ctx, s, listeners, req.RequestId, lb.CreateListener{Spec: spec})
}

// ListListeners implements adminpb.ConfigServer.
func (s *configService) ListListeners(ctx context.Context, req *adminpb.ListListenersRequest) (*adminpb.ListListenersResponse, error) {
	shown, next, err := list(ctx, s, listeners, inTree(req.LoadBalancer, treeListeners), req)
	return &adminpb.ListListenersResponse{Listeners: shown, NextPageToken: next}, err
}

// GetListener implements adminpb.ConfigServer.
func (s *configService) GetListener(ctx context.Context, req *adminpb.GetListenerRequest) (*adminpb.Listener, error) {
	return get(ctx, s, listeners, nil, req.Ref, req.AllowStale)
}

// UpdateListener implements adminpb.ConfigServer.
func (s *configService) UpdateListener(ctx context.Context, req *adminpb.UpdateListenerRequest) (*adminpb.Listener, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	id, err := idOf(ctx, s.backend, listeners, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, pools, besideListener(lb.ListenerID(id)), "default_pool_id", &spec.DefaultPoolID); err != nil {
		return nil, err
	}
	return change(ctx, s, listeners, req.RequestId, lb.UpdateListener{ID: lb.ListenerID(id), Spec: spec})
}

// DeleteListener implements adminpb.ConfigServer.
func (s *configService) DeleteListener(ctx context.Context, req *adminpb.DeleteListenerRequest) (*adminpb.Deleted, error) {
	id, err := idOf(ctx, s.backend, listeners, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return s.remove(ctx, req.RequestId, lb.DeleteListener{ID: lb.ListenerID(id)})
}

// besideListener is the scope of the pools of a listener's load balancer.
func besideListener(id lb.ListenerID) scope[lb.Pool] {
	return func(c *lb.Config) (iter.Seq[*lb.Pool], error) {
		t, ok := c.TreeOf(string(id))
		if !ok {
			return nil, notFound(lb.KindListener, string(id))
		}
		return slices.Values(t.Pools), nil
	}
}
