package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// CreateSubnet implements adminpb.ConfigServer.
func (s *configService) CreateSubnet(ctx context.Context, req *adminpb.CreateSubnetRequest) (*adminpb.Subnet, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	op, err := resolveOp(ctx, s.backend, lb.CreateSubnet{Spec: spec})
	if err != nil {
		return nil, err
	}
	return change(ctx, s, subnets, req.RequestId, op)
}

// ListSubnets implements adminpb.ConfigServer.
func (s *configService) ListSubnets(ctx context.Context, req *adminpb.ListSubnetsRequest) (*adminpb.ListSubnetsResponse, error) {
	shown, next, err := list(ctx, s, subnets, nil, req)
	return &adminpb.ListSubnetsResponse{Subnets: shown, NextPageToken: next}, err
}

// GetSubnet implements adminpb.ConfigServer.
func (s *configService) GetSubnet(ctx context.Context, req *adminpb.GetSubnetRequest) (*adminpb.Subnet, error) {
	return get(ctx, s, subnets, nil, req.Ref, req.AllowStale)
}

// UpdateSubnet implements adminpb.ConfigServer.
func (s *configService) UpdateSubnet(ctx context.Context, req *adminpb.UpdateSubnetRequest) (*adminpb.Subnet, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	id, err := idOf(ctx, s.backend, subnets, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return change(ctx, s, subnets, req.RequestId, lb.UpdateSubnet{ID: lb.SubnetID(id), Spec: spec})
}

// DeleteSubnet implements adminpb.ConfigServer.
func (s *configService) DeleteSubnet(ctx context.Context, req *adminpb.DeleteSubnetRequest) (*adminpb.Deleted, error) {
	id, err := idOf(ctx, s.backend, subnets, nil, req.Ref)
	if err != nil {
		return nil, err
	}
	return s.remove(ctx, req.RequestId, lb.DeleteSubnet{ID: lb.SubnetID(id)})
}
