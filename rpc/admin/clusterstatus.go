package admin

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

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
		Topology:     st.Topology,
		Profile:      st.Profile,
		Degraded:     st.Degraded,
		Holding:      fromHolding(st.Holding),
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

			Maintenance: n.Maintenance,
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
		Topology:     x.Topology,
		Profile:      x.Profile,
		Degraded:     x.Degraded,
		Holding:      toHolding(x.Holding),
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
			Maintenance:  n.Maintenance,
		})
	}
	return st
}

func fromHolding(h *Holding) *adminpb.Holding {
	if h == nil {
		return nil
	}
	t := &adminpb.Takeover{Cause: h.Takeover.Cause, From: h.Takeover.From, Why: h.Takeover.Why, Total: durationpb.New(h.Takeover.Total)}
	for _, s := range h.Takeover.Stages {
		t.Stages = append(t.Stages, &adminpb.Takeover_Stage{Name: s.Name, At: durationpb.New(s.At)})
	}
	return &adminpb.Holding{
		Since: timestamppb.New(h.Since), Term: h.Term, Solo: h.Solo,
		LeaseRemaining: durationpb.New(h.Lease), Takeover: t,
	}
}

func toHolding(x *adminpb.Holding) *Holding {
	if x == nil {
		return nil
	}
	t := Takeover{Cause: x.Takeover.GetCause(), From: x.Takeover.GetFrom(), Why: x.Takeover.GetWhy(), Total: x.Takeover.GetTotal().AsDuration()}
	for _, s := range x.Takeover.GetStages() {
		t.Stages = append(t.Stages, Stage{Name: s.Name, At: s.At.AsDuration()})
	}
	return &Holding{Since: x.Since.AsTime(), Term: x.Term, Solo: x.Solo, Lease: x.LeaseRemaining.AsDuration(), Takeover: t}
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
