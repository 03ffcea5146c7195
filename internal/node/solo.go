package node

import (
	"context"
	"fmt"

	"github.com/amphora-lb/amphora/cluster"
)

// ErrRestart is what Run returns when it has stopped because something is to be done
// to the data directory first: Open and Run again do it.
var ErrRestart = cluster.ErrRestart

// SetMaintenance keeps this node from becoming the holder; see [admin.Backend].
func (b backend) SetMaintenance(ctx context.Context, on bool) error {
	return b.change(ctx, func(ctx context.Context) error { return b.cluster.SetMaintenance(ctx, on) })
}

// ForceSolo makes a cluster of this node alone; see [admin.Backend].
func (b backend) ForceSolo(ctx context.Context) error {
	return b.change(ctx, func(ctx context.Context) error { return b.cluster.ForceSolo(ctx, b.cfg.Cluster.Name) })
}

// Discard joins the cluster of another node without this one's data; see
// [admin.Backend].
func (b backend) Discard(ctx context.Context, node string) error {
	return b.change(ctx, func(ctx context.Context) error { return b.cluster.Discard(ctx, node) })
}

// standoffs says in words which nodes' data disagrees with this one's.
func standoffs(all []cluster.Standoff) []string {
	var words []string
	for _, o := range all {
		rank := "it holds no VIP meanwhile"
		if o.Outranked {
			rank = "this node holds no VIP meanwhile"
		}
		words = append(words, fmt.Sprintf("%s and this node were forced apart, %s: choose whose data is kept, and run `amphoractl cluster discard` on the other", o.Name, rank))
	}
	return words
}
