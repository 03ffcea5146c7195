package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// clusterService serves the nodes.
type clusterService struct {
	adminpb.UnimplementedClusterServer
	backend   Backend
	endpoints func() Endpoints
	stats     func(context.Context) (map[string]map[lb.ListenerID]lb.Stats, error)
}

// Endpoints implements adminpb.ClusterServer.
func (s *clusterService) Endpoints(context.Context, *adminpb.EndpointsRequest) (*adminpb.EndpointsResponse, error) {
	e := s.endpoints()
	return &adminpb.EndpointsResponse{
		Identity: e.Identity, LoadBalancer: e.LoadBalancer, Network: e.Network, KeyManager: e.KeyManager, Region: e.Region,
	}, nil
}

// ListenerStats implements adminpb.ClusterServer.
func (s *clusterService) ListenerStats(ctx context.Context, _ *adminpb.ListenerStatsRequest) (*adminpb.ListenerStatsResponse, error) {
	counted, err := s.stats(ctx)
	if err != nil {
		return nil, err
	}
	sum := make(map[lb.ListenerID]lb.Stats)
	for _, node := range counted {
		for id, n := range node {
			sum[id] = sum[id].Plus(n)
		}
	}
	return &adminpb.ListenerStatsResponse{Listeners: fromStats(sum)}, nil
}

// Status implements adminpb.ClusterServer.
func (s *clusterService) Status(ctx context.Context, _ *adminpb.StatusRequest) (*adminpb.ClusterStatus, error) {
	st, err := s.backend.Status(ctx)
	if err != nil {
		return nil, err
	}
	return fromClusterStatus(st), nil
}

// Bootstrap implements adminpb.ClusterServer.
func (s *clusterService) Bootstrap(ctx context.Context, _ *adminpb.BootstrapRequest) (*adminpb.BootstrapResponse, error) {
	return &adminpb.BootstrapResponse{}, plain(s.backend.Bootstrap(ctx))
}

// Join implements adminpb.ClusterServer.
func (s *clusterService) Join(ctx context.Context, req *adminpb.JoinRequest) (*adminpb.JoinResponse, error) {
	if req.Addr == "" {
		return nil, invalid("node", "addr", "required: host and port of a node of the cluster")
	}
	return &adminpb.JoinResponse{}, plain(s.backend.Join(ctx, req.Addr))
}

// Leave implements adminpb.ClusterServer.
func (s *clusterService) Leave(ctx context.Context, _ *adminpb.LeaveRequest) (*adminpb.LeaveResponse, error) {
	return &adminpb.LeaveResponse{}, plain(s.backend.Leave(ctx))
}

// Remove implements adminpb.ClusterServer.
func (s *clusterService) Remove(ctx context.Context, req *adminpb.RemoveRequest) (*adminpb.RemoveResponse, error) {
	if req.Node == "" {
		return nil, invalid("node", "node", "required: name or id of the node to remove")
	}
	return &adminpb.RemoveResponse{}, plain(s.backend.Remove(ctx, req.Node))
}

// Failover implements adminpb.ClusterServer.
func (s *clusterService) Failover(ctx context.Context, req *adminpb.FailoverRequest) (*adminpb.FailoverResponse, error) {
	moved, err := s.backend.Failover(ctx, req.To)
	if err != nil {
		return nil, plain(err)
	}
	return &adminpb.FailoverResponse{From: moved.From, To: moved.To}, nil
}

// SetMaintenance implements adminpb.ClusterServer.
func (s *clusterService) SetMaintenance(ctx context.Context, req *adminpb.SetMaintenanceRequest) (*adminpb.SetMaintenanceResponse, error) {
	return &adminpb.SetMaintenanceResponse{}, plain(s.backend.SetMaintenance(ctx, req.On))
}

// ForceSolo implements adminpb.ClusterServer.
func (s *clusterService) ForceSolo(ctx context.Context, req *adminpb.ForceSoloRequest) (*adminpb.ForceSoloResponse, error) {
	if !req.Confirmed {
		return nil, invalid("node", "confirmed", "required: what only the other node has is lost, and it must not serve meanwhile")
	}
	return &adminpb.ForceSoloResponse{}, plain(s.backend.ForceSolo(ctx))
}

// Discard implements adminpb.ClusterServer.
func (s *clusterService) Discard(ctx context.Context, req *adminpb.DiscardRequest) (*adminpb.DiscardResponse, error) {
	if req.Node == "" {
		return nil, invalid("node", "node", "required: name or id of the node whose data is kept")
	}
	return &adminpb.DiscardResponse{}, plain(s.backend.Discard(ctx, req.Node))
}

// plain lets an error of the network or of another node through to the client:
// who changes the cluster must learn that an address is wrong or a node down.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if _, hidden := toStatus(err); !hidden {
		return err
	}
	return &lb.Error{Kind: lb.ErrUnavailable, Msg: err.Error()}
}
