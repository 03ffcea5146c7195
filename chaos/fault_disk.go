package chaos

import (
	"context"
	"errors"
	"fmt"
)

// onDisk is a fault of a node's disk.
func (c *Cluster) onDisk(name, what string, do, undo func(context.Context, *node) error) Fault {
	n := c.node(name)
	need := func(fn func(context.Context, *node) error) func(context.Context) error {
		return func(ctx context.Context) error {
			if n.disk == nil {
				return errors.New("the cluster was made without disks")
			}
			return fn(ctx, n)
		}
	}
	return &simple{name: fmt.Sprintf("%s of %s", what, name), do: need(do), undo: need(undo)}
}

// FillDisk fills the disk of a node to the last byte.
func (c *Cluster) FillDisk(name string) Fault {
	return c.onDisk(name, "full disk",
		func(_ context.Context, n *node) error { return n.disk.fill() },
		func(ctx context.Context, n *node) error { return errors.Join(n.disk.empty(), c.ensure(ctx, n)) })
}

// StallDisk lets everything that writes to the disk of a node, or syncs, wait.
func (c *Cluster) StallDisk(name string) Fault {
	return c.onDisk(name, "stalled disk",
		func(_ context.Context, n *node) error { return n.disk.freeze() },
		func(ctx context.Context, n *node) error { return errors.Join(n.disk.thaw(), c.ensure(ctx, n)) })
}

// FailDisk makes every access to the disk of a node an input/output error; what
// was not synced is lost. To heal it, the node is killed and started again on
// what the disk holds.
func (c *Cluster) FailDisk(name string) Fault {
	return c.onDisk(name, "failing disk",
		func(_ context.Context, n *node) error { return n.disk.fail() },
		func(ctx context.Context, n *node) error {
			if err := n.killAll(ctx); err != nil {
				return err
			}
			return errors.Join(n.disk.replace(), c.ensure(ctx, n))
		})
}
