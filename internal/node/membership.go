package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// membershipKinds says what the errors of package cluster are to a client.
var membershipKinds = [...]struct{ err, kind error }{
	{cluster.ErrNodeNotFound, lb.ErrNotFound},
	{cluster.ErrNameTaken, lb.ErrConflict},
	{cluster.ErrBootstrapped, lb.ErrConflict},
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

// Failover moves the VIPs; see [admin.Backend].
func (b backend) Failover(ctx context.Context, to string) (admin.Moved, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	from, ok := b.cluster.Leader()
	if !ok {
		return admin.Moved{}, b.unavailable(fmt.Errorf("fail over: %w", cluster.ErrNoLeader))
	}
	target, err := successor(b.cluster.Nodes(), from, to)
	if err != nil {
		return admin.Moved{}, err
	}
	if err := b.cluster.Transfer(ctx, target.ID); err != nil {
		return admin.Moved{}, b.unavailable(classified(err))
	}
	changes := b.cluster.Changes(ctx)
	for {
		if now, ok := b.cluster.Leader(); ok && now.ID == target.ID {
			break
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return admin.Moved{}, b.unavailable(fmt.Errorf("wait for %s to lead: %w", target.Name, ctx.Err()))
		}
	}
	// A leader answers this once it has passed the barrier of its term: it holds.
	if _, err := b.cluster.ReadIndex(ctx); err != nil {
		return admin.Moved{}, b.unavailable(fmt.Errorf("wait for %s to hold the VIPs: %w", target.Name, err))
	}
	return admin.Moved{From: from.Name, To: target.Name}, nil
}

// successor picks the amphora that the VIPs go to: the one named by name or id,
// or another than the holder that is alive.
func successor(nodes []cluster.Info, from cluster.Info, to string) (cluster.Info, error) {
	for _, info := range nodes {
		named := to != "" && (info.Name == to || info.ID == to)
		switch {
		case named && info.Role == cluster.Witness:
			return info, &lb.Error{Kind: lb.ErrInvalid, Field: "to", Msg: fmt.Sprintf("%s is a witness, it never holds a VIP", to)}
		case named && info.ID == from.ID:
			return info, &lb.Error{Kind: lb.ErrConflict, Field: "to", Msg: fmt.Sprintf("%s holds the VIPs already", to)}
		case named && info.State != cluster.StateAlive:
			return info, fmt.Errorf("%w: node %s is %s", lb.ErrUnavailable, to, info.State)
		case named, to == "" && info.ID != from.ID && info.Role == cluster.Amphora && info.State == cluster.StateAlive:
			return info, nil
		}
	}
	if to != "" {
		return cluster.Info{}, &lb.Error{Kind: lb.ErrNotFound, Field: "to", Msg: fmt.Sprintf("there is no node %q", to)}
	}
	return cluster.Info{}, fmt.Errorf("%w: no other amphora is alive to take the VIPs", lb.ErrUnavailable)
}
