package admin

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// configService serves the replicated resources. What differs between the kinds
// is in a file each and in the kind values; what a verb does is here.
type configService struct {
	adminpb.UnimplementedConfigServer
	backend Backend
}

// maxRequestID is the length of the longest request id in bytes: every node
// stores it.
const maxRequestID = 128

// propose has op committed and returns the id of the resource that it was about.
func (s *configService) propose(ctx context.Context, requestID string, op lb.Op) (id string, revision uint64, err error) {
	if err := checkRequestID(&requestID); err != nil {
		return "", 0, err
	}
	result, revision, err := s.backend.Propose(ctx, requestID, op)
	return result.ID, revision, err
}

// checkRequestID refuses a request id that is too long, and makes one if there is none.
func checkRequestID(id *string) error {
	switch {
	case *id == "":
		*id = uuid.NewString()
	case len(*id) > maxRequestID:
		return invalid("", "request_id", fmt.Sprintf("is too long, use at most %d bytes", maxRequestID))
	}
	return nil
}

// change has op committed and shows the resource that it created or updated.
func change[T, R any](ctx context.Context, s *configService, k kind[T, R], requestID string, op lb.Op) (*R, error) {
	id, _, err := s.propose(ctx, requestID, op)
	if err != nil {
		return nil, err
	}
	now, err := look(ctx, s.backend)
	if err != nil {
		return nil, err
	}
	v, ok := k.get(now.cfg, id)
	if !ok { // somebody was quick, or the request is an old one repeated
		return nil, &lb.Error{Kind: lb.ErrNotFound, Resource: k.name, ID: id, Msg: "has been deleted since"}
	}
	return k.show(now, v), nil
}

// remove has op, which deletes something, committed.
func (s *configService) remove(ctx context.Context, requestID string, op lb.Op) (*adminpb.Deleted, error) {
	_, revision, err := s.propose(ctx, requestID, op)
	if err != nil {
		return nil, err
	}
	return &adminpb.Deleted{Revision: revision}, nil
}

// get shows the resource that ref names.
func get[T, R any](ctx context.Context, s *configService, k kind[T, R], within scope[T], ref string, allowStale bool) (*R, error) {
	now, err := lookSynced(ctx, s.backend, allowStale)
	if err != nil {
		return nil, err
	}
	v, err := find(now.cfg, k, within, ref)
	if err != nil {
		return nil, err
	}
	return k.show(now, v), nil
}

// list shows a page of the resources within a scope.
func list[T, R any, PR interface {
	*R
	proto.Message
}](ctx context.Context, s *configService, k kind[T, R], within scope[T], req listRequest) ([]*R, string, error) {
	now, err := lookSynced(ctx, s.backend, req.GetAllowStale())
	if err != nil {
		return nil, "", err
	}
	var all iter.Seq[*T]
	if within == nil {
		all = k.all(now.cfg)
	} else if all, err = within(now.cfg); err != nil {
		return nil, "", err
	}
	return page[T, R, PR](now, k, all, req)
}

// given returns what the request gives, or an empty one.
func given[S any](spec *S) *S {
	if spec == nil {
		return new(S)
	}
	return spec
}
