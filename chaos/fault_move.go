package chaos

import "context"

// Move is no fault: an operator moves the VIPs to the other amphora, and tries
// again when the answer is that it cannot be done now. A cluster that keeps to that
// answer is left alone: a busy machine may make it right. There is nothing to heal.
func (c *Cluster) Move() Fault {
	return &simple{
		name: "move the VIPs",
		do: func(ctx context.Context) error {
			for range 3 {
				if _, err := c.Ctl(ctx, "witness", "failover", "--timeout", "5s"); err == nil {
					break
				}
			}
			return nil
		},
		undo: func(context.Context) error { return nil },
	}
}
