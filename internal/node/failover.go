package node

import (
	"context"
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// holderPoll is how often a planned move is looked at until it is done.
const holderPoll = 5 * time.Millisecond

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
	if err := b.awaitHolder(ctx, target); err != nil {
		return admin.Moved{}, err
	}
	return admin.Moved{From: from.Name, To: target.Name}, nil
}

// awaitHolder waits until the gate of a node is open.
func (b backend) awaitHolder(ctx context.Context, target cluster.Info) error {
	tick := time.NewTicker(holderPoll)
	defer tick.Stop()
	for {
		lease, err := b.cluster.Lease(ctx, target.ID)
		if err == nil && lease.HolderID == target.ID && lease.Open {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return b.unavailable(fmt.Errorf("wait for %s to hold the VIPs: %w", target.Name, ctx.Err()))
		}
	}
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
		case named && info.Maintenance:
			return info, &lb.Error{Kind: lb.ErrConflict, Field: "to", Msg: fmt.Sprintf("%s is in maintenance; run on it: amphoractl cluster maintenance off", to)}
		case named && info.State != cluster.StateAlive:
			return info, fmt.Errorf("%w: node %s is %s", lb.ErrUnavailable, to, info.State)
		case named, to == "" && info.ID != from.ID && info.Role == cluster.Amphora && info.State == cluster.StateAlive && !info.Maintenance:
			return info, nil
		}
	}
	if to != "" {
		return cluster.Info{}, &lb.Error{Kind: lb.ErrNotFound, Field: "to", Msg: fmt.Sprintf("there is no node %q", to)}
	}
	return cluster.Info{}, fmt.Errorf("%w: no other amphora can take the VIPs: none is alive and not in maintenance", lb.ErrUnavailable)
}
