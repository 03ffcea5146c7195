package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/google/uuid"
	"github.com/hashicorp/raft"
)

const catchUpPoll = 10 * time.Millisecond

// Join makes this node part of the cluster that the node at addr (its node port)
// belongs to: first without a vote, and with one when it has caught up. Any node
// of the cluster will do. It blocks until this node has its vote or ctx ends;
// calling it again goes on where it stopped.
func (n *Node) Join(ctx context.Context, addr string) error {
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if n.isVoter() && !n.hasLeft() {
		return fmt.Errorf("join: this node has a vote in cluster %s already; if it was removed from it, empty %s first: %w",
			n.cfg.Cluster, n.cfg.DataDir, ErrBootstrapped)
	}
	answer, err := n.askToJoin(ctx, addr)
	if err != nil {
		return fmt.Errorf("join at %s: %w", addr, err)
	}
	if _, err := n.gossip.list.Join(answer.GetGossipAddrs()); err != nil {
		n.logger.Warn("joined, but gossip reaches nobody", logkey.Err, err)
	}
	behind := func() bool { return n.raft.AppliedIndex() < answer.GetIndex() }
	if err := n.while(ctx, behind); err != nil {
		return fmt.Errorf("join at %s: catch up with the log (%d of %d applied); can the leader reach %s: %w",
			addr, n.raft.AppliedIndex(), answer.GetIndex(), n.addr, err)
	}
	err = n.onLeader(ctx, leaderCall{
		name:  "join: ask for the vote",
		local: func(context.Context) error { return nil }, // it cannot lead without a vote
		remote: func(ctx context.Context, leader peerpb.PeerClient) error {
			_, err := leader.Promote(ctx, &peerpb.PromoteRequest{Id: n.id, Addr: n.addr})
			return err
		},
	})
	if err != nil {
		return err
	}
	if err := n.while(ctx, func() bool { return !n.isVoter() }); err != nil {
		return fmt.Errorf("join at %s: learn of the vote: %w", addr, err)
	}
	if !n.hasLeft() {
		return nil
	}
	if err := n.store.Set(keyLeft, nil); err != nil {
		return fmt.Errorf("join at %s: forget having left: %w", addr, err)
	}
	n.left.Store(false)
	n.reconfigured()
	return nil
}

func (n *Node) askToJoin(ctx context.Context, addr string) (*peerpb.JoinResponse, error) {
	// One attempt by hand first: gRPC would hide why a handshake was refused.
	probe, err := n.mux.dial(ctx, kindGRPC, anyNode, addr)
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	conn, err := n.conns.toAddr(addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := connected(ctx, conn); err != nil {
		return nil, err
	}
	peer := peerpb.NewPeerClient(conn)
	if err := n.adoptEpoch(ctx, peer); err != nil {
		return nil, err
	}
	answer, err := peer.Join(ctx, &peerpb.JoinRequest{
		Id: n.id, Name: n.cfg.Name, Role: string(n.cfg.Role), Addr: n.addr, Epoch: n.Epoch().tag(),
	})
	return answer, fromStatus(err)
}

// adoptEpoch takes over the epoch of the cluster that this node is about to join,
// before it is sent anything. A node with data keeps its own: see compareEpochs.
func (n *Node) adoptEpoch(ctx context.Context, peer peerpb.PeerClient) error {
	answer, err := peer.Epoch(ctx, &peerpb.EpochRequest{})
	if err != nil {
		return fromStatus(err)
	}
	own, other := n.Epoch(), epochFromProto(answer)
	switch {
	case own.tag() == other.tag():
		return nil
	case n.hasState() || !own.begins(other):
		return fmt.Errorf("epoch of this node: %v; of the cluster: %v; to join it without what this node has, empty %s: %w", own, other, n.cfg.DataDir, ErrForcedApart)
	}
	if err := n.takeOver(other); err != nil {
		return fmt.Errorf("take over the epoch of the cluster: %w", err)
	}
	return nil
}

// while waits as long as cond holds. raft tells nobody how far it has come.
func (n *Node) while(ctx context.Context, cond func() bool) error {
	tick := time.NewTicker(catchUpPoll)
	defer tick.Stop()
	for cond() {
		select {
		case <-tick.C:
		case <-n.stopping.Done():
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// forwardJoin takes a join request to the leader.
func (n *Node) forwardJoin(ctx context.Context, r *peerpb.JoinRequest) (answer *peerpb.JoinResponse, err error) {
	err = n.onLeader(ctx, leaderCall{
		name: "join",
		local: func(ctx context.Context) (err error) {
			answer, err = n.admit(ctx, r)
			return err
		},
		remote: func(ctx context.Context, leader peerpb.PeerClient) (err error) {
			r.Forwarded = true
			answer, err = leader.Join(ctx, r)
			return err
		},
	})
	return answer, err
}

// admit adds a node without a vote. This node must lead.
func (n *Node) admit(ctx context.Context, r *peerpb.JoinRequest) (*peerpb.JoinResponse, error) {
	if n.raft.State() != raft.Leader {
		return nil, n.notLeader()
	}
	if err := n.checkApplicant(r); err != nil {
		return nil, err
	}
	if tag := n.Epoch().tag(); r.GetEpoch() != tag {
		return nil, fmt.Errorf("node %s has data of epoch %q, the cluster is in %q: %w", r.GetName(), r.GetEpoch(), tag, ErrForcedApart)
	}
	index, err := n.configure(ctx, func(limit time.Duration) raft.IndexFuture {
		return n.raft.AddNonvoter(raft.ServerID(r.GetId()), raft.ServerAddress(r.GetAddr()), 0, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("add node %s: %w", r.GetName(), err)
	}
	n.logger.Info("node added, without a vote until it has caught up", logkey.Peer, r.GetName(), logkey.Addr, r.GetAddr())
	answer := &peerpb.JoinResponse{Index: index}
	for _, p := range n.registry.alive() {
		answer.GossipAddrs = append(answer.GossipAddrs, p.gossip)
	}
	return answer, nil
}

func (n *Node) checkApplicant(r *peerpb.JoinRequest) error {
	if _, err := uuid.Parse(r.GetId()); err != nil {
		return fmt.Errorf("id %q: %w: %w", r.GetId(), ErrInvalid, err)
	}
	if !nameRule.MatchString(r.GetName()) {
		return fmt.Errorf("name %q: %w", r.GetName(), ErrInvalid)
	}
	if err := checkDialled(r.GetAddr()); err != nil {
		return fmt.Errorf("addr: %w: %w", ErrInvalid, err)
	}
	for _, s := range n.servers() {
		if string(s.ID) == r.GetId() {
			continue
		}
		p, _ := n.registry.get(string(s.ID))
		if p.Name == r.GetName() || string(s.Address) == r.GetAddr() {
			return fmt.Errorf("node %s at %s has id %s in this cluster; if it was reinstalled, remove that id first: %w",
				n.label(string(s.ID)), s.Address, s.ID, ErrNameTaken)
		}
	}
	return nil
}

// promote gives a node its vote. This node must lead.
func (n *Node) promote(ctx context.Context, id, addr string) error {
	if n.raft.State() != raft.Leader {
		return n.notLeader()
	}
	if _, ok := n.server(id); !ok {
		return fmt.Errorf("promote %s: %w", id, ErrNodeNotFound)
	}
	if err := checkDialled(addr); err != nil {
		return fmt.Errorf("promote %s: addr: %w: %w", n.label(id), ErrInvalid, err)
	}
	_, err := n.configure(ctx, func(limit time.Duration) raft.IndexFuture {
		return n.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(addr), 0, limit)
	})
	if err != nil {
		return fmt.Errorf("promote %s: %w", n.label(id), err)
	}
	n.logger.Info("node has its vote", logkey.Peer, n.label(id))
	n.warnTwoVoters()
	return nil
}

// configure makes one change of the configuration and waits until it is committed.
func (n *Node) configure(ctx context.Context, change func(limit time.Duration) raft.IndexFuture) (uint64, error) {
	// The lease is never more than one change behind, also when nobody waited for the
	// last one.
	n.reconfigured()
	var future raft.IndexFuture
	err := n.calls.await(ctx, func() error {
		future = change(enqueueLimit)
		return future.Error()
	})
	if err != nil {
		return 0, n.raftError(err)
	}
	n.reconfigured() // before a next change can be made
	n.poke()
	return future.Index(), nil
}

func (n *Node) warnTwoVoters() {
	if n.voters() == 2 {
		n.logger.Warn("two voters tolerate the failure of neither: add a witness")
	}
}
