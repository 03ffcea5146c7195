package admin

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// RegisterEngine lets the other nodes ask for this node's view. It belongs on
// the port of the nodes, not on the admin socket. local must not block.
func RegisterEngine(r grpc.ServiceRegistrar, local func() lb.View) {
	adminpb.RegisterEngineServer(r, &engineService{local: local})
}

// AskView asks the node at the other end of conn for its view. It blocks until
// there is an answer or ctx ends.
func AskView(ctx context.Context, conn grpc.ClientConnInterface) (lb.View, error) {
	x, err := adminpb.NewEngineClient(conn).View(ctx, &adminpb.ViewRequest{}, grpc.MaxCallRecvMsgSize(maxViewSize))
	if err != nil {
		return lb.View{}, fmt.Errorf("ask for the view: %w", err)
	}
	v := lb.View{
		Revision: x.Revision,
		Errors:   x.Errors,
		Members:  make(map[lb.MemberID]lb.OperatingStatus, len(x.Members)),
	}
	for id, st := range x.Members {
		v.Members[lb.MemberID(id)] = lb.OperatingStatus(st)
	}
	return v, nil
}

// maxViewSize has room for 100,000 members at some 50 bytes each, and as much
// again for errors.
const maxViewSize = 16 << 20

// engineService answers for this node's data plane.
type engineService struct {
	adminpb.UnimplementedEngineServer
	local func() lb.View
}

// View implements adminpb.EngineServer.
func (s *engineService) View(context.Context, *adminpb.ViewRequest) (*adminpb.ViewResponse, error) {
	v := s.local()
	x := &adminpb.ViewResponse{Revision: v.Revision, Errors: v.Errors, Members: make(map[string]string, len(v.Members))}
	for id, st := range v.Members {
		x.Members[string(id)] = string(st)
	}
	return x, nil
}
