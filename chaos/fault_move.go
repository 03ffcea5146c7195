package chaos

import "context"

// Move is no fault: an operator moves the VIPs to the other amphora. There is
// nothing to heal.
func (c *Cluster) Move() Fault {
	return &simple{
		name: "move the VIPs",
		do: func(ctx context.Context) error {
			_, err := c.Ctl(ctx, "witness", "failover")
			return err
		},
		undo: func(context.Context) error { return nil },
	}
}
