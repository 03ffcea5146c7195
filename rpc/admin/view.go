package admin

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// Local is what a node answers the others for itself. Its methods are called from
// any number of goroutines.
type Local interface {
	// LocalView is what the node's data plane knows. It does not block.
	LocalView() lb.View
	// LocalHolding is how the node holds the VIPs, nil if it does not, and what it
	// finds degraded. It may block until ctx ends.
	LocalHolding(ctx context.Context) (*Holding, []string)
	// LocalStats are the counters of the node's data plane. It does not block.
	LocalStats() map[lb.ListenerID]lb.Stats
}

// RegisterEngine lets the other nodes ask this one. It belongs on the port of the
// nodes, not on the admin socket.
func RegisterEngine(r grpc.ServiceRegistrar, local Local) {
	adminpb.RegisterEngineServer(r, &engineService{local: local})
}

// AskHolding asks the node at the other end of conn how it holds the VIPs: nil if
// it does not. It blocks until there is an answer or ctx ends.
func AskHolding(ctx context.Context, conn grpc.ClientConnInterface) (*Holding, []string, error) {
	x, err := adminpb.NewEngineClient(conn).Holding(ctx, &adminpb.HoldingRequest{})
	if err != nil {
		return nil, nil, fmt.Errorf("ask how the VIPs are held: %w", err)
	}
	return toHolding(x.Holding), x.Degraded, nil
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
		Warnings: x.Warnings,
		Members:  make(map[lb.MemberID]lb.OperatingStatus, len(x.Members)),
		Reasons:  make(map[lb.MemberID]string, len(x.Reasons)),
	}
	for id, st := range x.Members {
		v.Members[lb.MemberID(id)] = lb.OperatingStatus(st)
	}
	for _, id := range x.Full {
		if v.Full == nil {
			v.Full = make(map[lb.ListenerID]bool, len(x.Full))
		}
		v.Full[lb.ListenerID(id)] = true
	}
	for id, reason := range x.Reasons {
		v.Reasons[lb.MemberID(id)] = reason
	}
	return v, nil
}

// AskStats asks the node at the other end of conn for its counters. It blocks until
// there is an answer or ctx ends.
func AskStats(ctx context.Context, conn grpc.ClientConnInterface) (map[lb.ListenerID]lb.Stats, error) {
	x, err := adminpb.NewEngineClient(conn).Stats(ctx, &adminpb.StatsRequest{}, grpc.MaxCallRecvMsgSize(maxViewSize))
	if err != nil {
		return nil, fmt.Errorf("ask for the counters: %w", err)
	}
	return toStats(x.Listeners), nil
}

func toStats(x map[string]*adminpb.ListenerStats) map[lb.ListenerID]lb.Stats {
	all := make(map[lb.ListenerID]lb.Stats, len(x))
	for id, s := range x {
		all[lb.ListenerID(id)] = lb.Stats{
			ActiveConnections: s.ActiveConnections, TotalConnections: s.TotalConnections,
			BytesIn: s.BytesIn, BytesOut: s.BytesOut, RequestErrors: s.RequestErrors,
		}
	}
	return all
}

func fromStats(all map[lb.ListenerID]lb.Stats) map[string]*adminpb.ListenerStats {
	x := make(map[string]*adminpb.ListenerStats, len(all))
	for id, s := range all {
		x[string(id)] = &adminpb.ListenerStats{
			ActiveConnections: s.ActiveConnections, TotalConnections: s.TotalConnections,
			BytesIn: s.BytesIn, BytesOut: s.BytesOut, RequestErrors: s.RequestErrors,
		}
	}
	return x
}

// maxViewSize has room for 100,000 members at some 50 bytes each, all of them in
// error with a reason of 200 bytes.
const maxViewSize = 32 << 20

// engineService answers for this node's data plane.
type engineService struct {
	adminpb.UnimplementedEngineServer
	local Local
}

// Holding implements adminpb.EngineServer.
func (s *engineService) Holding(ctx context.Context, _ *adminpb.HoldingRequest) (*adminpb.HoldingResponse, error) {
	holding, degraded := s.local.LocalHolding(ctx)
	return &adminpb.HoldingResponse{Holding: fromHolding(holding), Degraded: degraded}, nil
}

// View implements adminpb.EngineServer.
func (s *engineService) View(context.Context, *adminpb.ViewRequest) (*adminpb.ViewResponse, error) {
	v := s.local.LocalView()
	x := &adminpb.ViewResponse{
		Revision: v.Revision, Errors: v.Errors, Warnings: v.Warnings,
		Members: make(map[string]string, len(v.Members)), Reasons: make(map[string]string, len(v.Reasons)),
	}
	for id, st := range v.Members {
		x.Members[string(id)] = string(st)
	}
	for id, full := range v.Full {
		if full {
			x.Full = append(x.Full, string(id))
		}
	}
	for id, reason := range v.Reasons {
		x.Reasons[string(id)] = reason
	}
	return x, nil
}

// Stats implements adminpb.EngineServer.
func (s *engineService) Stats(context.Context, *adminpb.StatsRequest) (*adminpb.StatsResponse, error) {
	return &adminpb.StatsResponse{Listeners: fromStats(s.local.LocalStats())}, nil
}
