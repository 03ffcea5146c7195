package spread

import (
	"context"
	"math/rand/v2"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/internal/spread/spreadpb"
)

// Memory is an engine that learns and can be told. Its methods are safe for concurrent use and do not block.
type Memory interface {
	// StickyChanges returns what was learned since the last call, about limit bytes at most, nil for nothing.
	StickyChanges(limit int) []byte
	// MergeSticky takes over what another engine has learned.
	MergeSticky(batch []byte) error
	// RetellSticky makes StickyChanges return everything anew.
	RetellSticky()
}

// Register lets other nodes tell m what they have learned. It belongs on the port of the nodes.
func Register(r grpc.ServiceRegistrar, m Memory) {
	spreadpb.RegisterSpreadServer(r, &service{memory: m, boot: rand.Uint64()})
}

type service struct {
	spreadpb.UnimplementedSpreadServer
	memory Memory
	boot   uint64
}

// Tell takes over a batch.
func (s *service) Tell(_ context.Context, r *spreadpb.TellRequest) (*spreadpb.TellResponse, error) {
	if len(r.Batch) > 0 {
		if err := s.memory.MergeSticky(r.Batch); err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
	}
	return &spreadpb.TellResponse{Boot: s.boot}, nil
}
