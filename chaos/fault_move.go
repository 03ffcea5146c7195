package chaos

import "context"

// Move is no fault: an operator moves the VIPs to the other amphora, and tries
// again when the answer is that it cannot be done now. There is nothing to heal.
func (c *Cluster) Move() Fault {
	return &simple{
		name: "move the VIPs",
		do: func(ctx context.Context) error {
			var err error
			for range 3 {
				if _, err = c.Ctl(ctx, "witness", "failover", "--timeout", "6s"); err == nil {
					break
				}
			}
			return err
		},
		undo: func(context.Context) error { return nil },
	}
}
