package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// CreateHealthMonitor implements adminpb.ConfigServer.
func (s *configService) CreateHealthMonitor(ctx context.Context, req *adminpb.CreateHealthMonitorRequest) (*adminpb.HealthMonitor, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, pools, nil, "pool_id", &spec.PoolID); err != nil {
		return nil, err
	}
	return change(ctx, s, healthMonitors, req.RequestId, lb.CreateHealthMonitor{Spec: spec})
}

// ListHealthMonitors implements adminpb.ConfigServer.
func (s *configService) ListHealthMonitors(ctx context.Context, req *adminpb.ListHealthMonitorsRequest) (*adminpb.ListHealthMonitorsResponse, error) {
	shown, next, err := list(ctx, s, healthMonitors, inTree(req.LoadBalancer, treeMonitors), req)
	return &adminpb.ListHealthMonitorsResponse{HealthMonitors: shown, NextPageToken: next}, err
}

// GetHealthMonitor implements adminpb.ConfigServer.
func (s *configService) GetHealthMonitor(ctx context.Context, req *adminpb.GetHealthMonitorRequest) (*adminpb.HealthMonitor, error) {
	return get(ctx, s, healthMonitors, nil, req.Ref, req.AllowStale)
}

// UpdateHealthMonitor implements adminpb.ConfigServer.
func (s *configService) UpdateHealthMonitor(ctx context.Context, req *adminpb.UpdateHealthMonitorRequest) (*adminpb.HealthMonitor, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	id, err := idOf(ctx, s.backend, healthMonitors, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return change(ctx, s, healthMonitors, req.RequestId, lb.UpdateHealthMonitor{ID: lb.HealthMonitorID(id), Spec: spec})
}

// DeleteHealthMonitor implements adminpb.ConfigServer.
func (s *configService) DeleteHealthMonitor(ctx context.Context, req *adminpb.DeleteHealthMonitorRequest) (*adminpb.Deleted, error) {
	id, err := idOf(ctx, s.backend, healthMonitors, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return s.remove(ctx, req.RequestId, lb.DeleteHealthMonitor{ID: lb.HealthMonitorID(id)})
}
