package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// CreateMember implements adminpb.ConfigServer.
func (s *configService) CreateMember(ctx context.Context, req *adminpb.CreateMemberRequest) (*adminpb.Member, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, pools, nil, "pool_id", &spec.PoolID); err != nil {
		return nil, err
	}
	if err := resolve(ctx, s.backend, subnets, nil, "subnet_id", &spec.SubnetID); err != nil {
		return nil, err
	}
	return change(ctx, s, members, req.RequestId, lb.CreateMember{Spec: spec})
}

// ListMembers implements adminpb.ConfigServer.
func (s *configService) ListMembers(ctx context.Context, req *adminpb.ListMembersRequest) (*adminpb.ListMembersResponse, error) {
	shown, next, err := list(ctx, s, members, inPool(req.Pool), req)
	return &adminpb.ListMembersResponse{Members: shown, NextPageToken: next}, err
}

// GetMember implements adminpb.ConfigServer.
func (s *configService) GetMember(ctx context.Context, req *adminpb.GetMemberRequest) (*adminpb.Member, error) {
	within := inPool(req.Pool)
	if req.Pool == "" && isID(req.Ref) {
		within = nil // an id needs no pool
	}
	return get(ctx, s, members, within, req.Ref, req.AllowStale)
}

// UpdateMember implements adminpb.ConfigServer.
func (s *configService) UpdateMember(ctx context.Context, req *adminpb.UpdateMemberRequest) (*adminpb.Member, error) {
	spec, err := given(req.Spec).ToLB()
	if err != nil {
		return nil, err
	}
	id, err := idOf(ctx, s.backend, members, inPool(req.Pool), req.Ref)
	if err != nil {
		return nil, err
	}
	return change(ctx, s, members, req.RequestId, lb.UpdateMember{ID: lb.MemberID(id), Spec: spec})
}

// DeleteMember implements adminpb.ConfigServer.
func (s *configService) DeleteMember(ctx context.Context, req *adminpb.DeleteMemberRequest) (*adminpb.Deleted, error) {
	id, err := idOf(ctx, s.backend, members, inPool(req.Pool), req.Ref)
	if err != nil {
		return nil, err
	}
	return s.remove(ctx, req.RequestId, lb.DeleteMember{ID: lb.MemberID(id)})
}
