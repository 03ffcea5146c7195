package admin

import (
	"cmp"
	"context"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// clusterService serves the nodes.
type clusterService struct {
	adminpb.UnimplementedClusterServer
	backend Backend
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

var roles = map[Role]adminpb.Node_Role{
	Amphora: adminpb.Node_ROLE_AMPHORA,
	Witness: adminpb.Node_ROLE_WITNESS,
}

var states = map[State]adminpb.Node_State{
	Alive:   adminpb.Node_STATE_ALIVE,
	Dead:    adminpb.Node_STATE_DEAD,
	Left:    adminpb.Node_STATE_LEFT,
	Unknown: adminpb.Node_STATE_UNKNOWN,
}

func fromClusterStatus(st ClusterStatus) *adminpb.ClusterStatus {
	x := &adminpb.ClusterStatus{
		Cluster:      st.Cluster,
		NodeId:       st.NodeID,
		LeaderId:     st.LeaderID,
		HolderId:     st.HolderID,
		Term:         st.Term,
		AppliedIndex: st.AppliedIndex,
		Revision:     st.Revision,
		Quorum:       st.Quorum,
		NoCluster:    st.NoCluster,
	}
	for _, n := range st.Nodes {
		node := &adminpb.Node{
			Id:      n.ID,
			Name:    n.Name,
			Role:    roles[n.Role],
			State:   states[n.State],
			Addr:    n.Addr,
			Voter:   n.Voter,
			Leader:  n.ID == st.LeaderID,
			Holder:  n.ID == st.HolderID,
			Vips:    n.VIPs,
			Problem: n.Problem,
		}
		if n.AppliedIndex != 0 {
			node.AppliedIndex = &n.AppliedIndex
		}
		x.Nodes = append(x.Nodes, node)
	}
	slices.SortFunc(x.Nodes, func(a, b *adminpb.Node) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Id, b.Id))
	})
	return x
}

func toClusterStatus(x *adminpb.ClusterStatus) ClusterStatus {
	st := ClusterStatus{
		Cluster:      x.Cluster,
		NodeID:       x.NodeId,
		LeaderID:     x.LeaderId,
		HolderID:     x.HolderId,
		Term:         x.Term,
		AppliedIndex: x.AppliedIndex,
		Revision:     x.Revision,
		Quorum:       x.Quorum,
		NoCluster:    x.NoCluster,
	}
	for _, n := range x.Nodes {
		st.Nodes = append(st.Nodes, Node{
			ID:           n.Id,
			Name:         n.Name,
			Role:         keyOf(roles, n.Role),
			State:        keyOf(states, n.State),
			Addr:         n.Addr,
			Voter:        n.Voter,
			AppliedIndex: n.GetAppliedIndex(),
			VIPs:         n.Vips,
			Problem:      n.Problem,
		})
	}
	return st
}

// keyOf turns a table round; what it does not hold is the zero key.
func keyOf[K, V comparable](table map[K]V, v V) (key K) {
	for k, each := range table {
		if each == v {
			return k
		}
	}
	return key
}
