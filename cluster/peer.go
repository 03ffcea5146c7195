package cluster

import (
	"context"

	"github.com/amphora-lb/amphora/cluster/peerpb"
)

// peerServer answers the calls of other nodes.
type peerServer struct {
	peerpb.UnimplementedPeerServer
	n *Node
}

// Propose commits a command.
func (s *peerServer) Propose(ctx context.Context, r *peerpb.ProposeRequest) (*peerpb.ProposeResponse, error) {
	response, index, err := s.n.apply(ctx, r.GetCommand())
	if err != nil {
		return nil, toStatus(err)
	}
	return &peerpb.ProposeResponse{Response: response, Index: index}, nil
}

// ReadIndex serves a linearizable read.
func (s *peerServer) ReadIndex(ctx context.Context, _ *peerpb.ReadIndexRequest) (*peerpb.ReadIndexResponse, error) {
	index, err := s.n.readIndex(ctx)
	if err != nil {
		return nil, toStatus(err)
	}
	return &peerpb.ReadIndexResponse{Index: index}, nil
}

// Epoch tells this node's epoch.
func (s *peerServer) Epoch(context.Context, *peerpb.EpochRequest) (*peerpb.EpochResponse, error) {
	return s.n.Epoch().toProto(), nil
}

// Join admits a node, or takes its request to the leader.
func (s *peerServer) Join(ctx context.Context, r *peerpb.JoinRequest) (*peerpb.JoinResponse, error) {
	if r.GetForwarded() {
		answer, err := s.n.admit(ctx, r)
		return answer, toStatus(err)
	}
	answer, err := s.n.forwardJoin(ctx, r)
	return answer, toStatus(err)
}

// Promote gives a node its vote.
func (s *peerServer) Promote(ctx context.Context, r *peerpb.PromoteRequest) (*peerpb.PromoteResponse, error) {
	if err := s.n.promote(ctx, r.GetId(), r.GetAddr()); err != nil {
		return nil, toStatus(err)
	}
	return &peerpb.PromoteResponse{}, nil
}

// Remove takes a node out of the configuration.
func (s *peerServer) Remove(ctx context.Context, r *peerpb.RemoveRequest) (*peerpb.RemoveResponse, error) {
	if err := s.n.remove(ctx, r.GetNode()); err != nil {
		return nil, toStatus(err)
	}
	return &peerpb.RemoveResponse{}, nil
}

// Transfer hands leadership over.
func (s *peerServer) Transfer(ctx context.Context, r *peerpb.TransferRequest) (*peerpb.TransferResponse, error) {
	if err := s.n.transfer(ctx, r.GetNode()); err != nil {
		return nil, toStatus(err)
	}
	return &peerpb.TransferResponse{}, nil
}
