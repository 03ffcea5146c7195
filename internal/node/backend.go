package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/fsm"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// backend answers the admin API's questions about a node.
type backend struct{ *Node }

var _ admin.Backend = backend{}

// Propose has op committed; see [admin.Backend]. Who uses the admin API is not bound by
// quotas.
func (b backend) Propose(ctx context.Context, requestID string, op lb.Op) (lb.Result, uint64, error) {
	return b.propose(ctx, requestID, true, op)
}

// propose checks the TLS references of op, stamps it, has it committed, and waits until
// this node has applied it. Quotas do not bind it when it is exempt.
func (b backend) propose(ctx context.Context, requestID string, exempt bool, op lb.Op) (lb.Result, uint64, error) {
	if err := b.checkRefs(ctx, op); err != nil {
		return lb.Result{}, 0, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if requestID == "" {
		requestID = rand.Text()
	}
	stamp := lb.Stamp{At: time.Now().UTC().Truncate(time.Second), ID: uuid.NewString()}
	command, err := fsm.EncodeCommand(requestID, stamp, exempt, op)
	if err != nil {
		return lb.Result{}, 0, err
	}
	response, index, err := b.cluster.Propose(ctx, command)
	if err != nil {
		return lb.Result{}, 0, b.unavailable(err)
	}
	result, revision, err := fsm.DecodeResponse(response)
	if err != nil {
		return lb.Result{}, 0, err
	}
	// The leader has applied it; this node may be a follower.
	if err := b.state.Wait(ctx, index); err != nil {
		return lb.Result{}, 0, b.unavailable(fmt.Errorf("the change is made, but this node has not caught up: %w", err))
	}
	return result, revision, nil
}

// Sync waits until this node shows all that was acknowledged; see [admin.Backend].
func (b backend) Sync(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	index, err := b.cluster.ReadIndex(ctx)
	if err != nil {
		return b.unavailable(err)
	}
	return b.unavailable(b.state.Wait(ctx, index))
}

// Config is the configuration on this node.
func (b backend) Config() *lb.Config { return b.state.Config() }

// Status describes the cluster; see [admin.Backend].
func (b backend) Status(ctx context.Context) (admin.ClusterStatus, error) {
	st := admin.ClusterStatus{
		Cluster: b.cfg.Cluster.Name, NodeID: b.cluster.ID(),
		Term: b.cluster.Term(), AppliedIndex: b.state.Index(), Revision: b.state.Config().Revision(),
	}
	verify, cancel := context.WithTimeout(ctx, viewLimit)
	defer cancel()
	// The lease first: without a quorum the rest takes all the time there is. Who
	// is cut off and cannot renew it takes itself for the holder, but has shut its gate.
	if lease, err := b.cluster.Lease(verify, ""); err == nil && (lease.HolderID != lease.NodeID || lease.Open) {
		st.HolderID = lease.HolderID
	}
	formed, err := b.cluster.HasState(verify)
	st.NoCluster = err == nil && !formed
	if formed {
		_, err = b.cluster.ReadIndex(verify)
		st.Quorum = err == nil
	}
	nodes := b.cluster.Nodes()
	var holder cluster.Info
	for _, info := range nodes {
		node := admin.Node{
			ID: info.ID, Name: info.Name, Role: admin.Role(info.Role), State: admin.State(info.State),
			Addr: info.Addr, Voter: info.Suffrage == cluster.Voter, Maintenance: info.Maintenance,
		}
		if info.Leader {
			st.LeaderID = info.ID
		}
		if info.ID == st.HolderID {
			holder = info
			node.VIPs = text(vips(b.state.Config()))
		}
		if info.Self {
			node.AppliedIndex = b.state.Index()
			node.VIPs, node.Problem = b.carried()
		}
		st.Nodes = append(st.Nodes, node)
	}
	st.Topology, st.Profile = topology(nodes), b.cfg.Cluster.Profile
	st.Holding, st.Degraded = b.askHolding(ctx, holder)
	st.Degraded = append(st.Degraded, standoffs(b.cluster.Standoffs())...)
	return st, nil
}

// carried lists the VIPs that are really on this node's interface, and says what
// keeps others from being there.
func (b backend) carried() (addrs []string, problem string) {
	if b.vips == nil {
		return nil, ""
	}
	view := b.vips.View()
	var present []netip.Addr
	err := view.Err
	for _, a := range view.Addrs {
		if a.Present {
			present = append(present, a.Addr)
		}
		err = errors.Join(err, a.Err)
	}
	if err != nil {
		problem = err.Error()
	}
	return text(present), problem
}

func text(addrs []netip.Addr) []string {
	var all []string
	for _, a := range addrs {
		all = append(all, a.String())
	}
	return all
}
