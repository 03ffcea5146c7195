package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/lb"
)

// membershipKinds says what the errors of package cluster are to a client.
var membershipKinds = [...]struct{ err, kind error }{
	{cluster.ErrNodeNotFound, lb.ErrNotFound},
	{cluster.ErrNameTaken, lb.ErrConflict},
	{cluster.ErrBootstrapped, lb.ErrConflict},
	{cluster.ErrHasQuorum, lb.ErrConflict},
	{cluster.ErrForcedApart, lb.ErrConflict},
	{cluster.ErrNoSuccessor, lb.ErrUnavailable},
	{cluster.ErrLastVoter, lb.ErrInUse},
	{cluster.ErrWouldLoseQuorum, lb.ErrInUse},
	{cluster.ErrWrongCluster, lb.ErrInvalid},
	{cluster.ErrInvalid, lb.ErrInvalid},
}

// classified is the error of package cluster with the kind that clients know.
func classified(err error) error {
	for _, k := range membershipKinds {
		if errors.Is(err, k.err) {
			return fmt.Errorf("%w: %w", k.kind, err)
		}
	}
	return err
}

// change makes a change of membership in bounded time.
func (b backend) change(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return b.unavailable(classified(do(ctx)))
}

// Bootstrap makes a cluster of this node alone.
func (b backend) Bootstrap(ctx context.Context) error { return b.change(ctx, b.cluster.Bootstrap) }

// Join makes this node part of the cluster of the node at addr. It has the
// client's time: a new node must first catch up.
func (b backend) Join(ctx context.Context, addr string) error {
	return b.unavailable(classified(b.cluster.Join(ctx, addr)))
}

// Leave takes this node out of its cluster.
func (b backend) Leave(ctx context.Context) error { return b.change(ctx, b.cluster.Leave) }

// Remove takes another node out of the cluster.
func (b backend) Remove(ctx context.Context, node string) error {
	return b.change(ctx, func(ctx context.Context) error { return b.cluster.Remove(ctx, node) })
}
