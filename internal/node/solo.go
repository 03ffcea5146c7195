package node

import (
	"context"
	"errors"
)

// SetMaintenance keeps this node from becoming the holder; see [admin.Backend].
func (b backend) SetMaintenance(ctx context.Context, on bool) error {
	return b.change(ctx, func(ctx context.Context) error { return b.cluster.SetMaintenance(ctx, on) })
}

// ForceSolo makes a cluster of this node alone; see [admin.Backend].
func (b backend) ForceSolo(context.Context) error { return errors.ErrUnsupported }
