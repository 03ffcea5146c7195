package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

func (c *cli) loadBalancerStats() *cobra.Command {
	return c.stats("LOADBALANCER", "loadbalancer", "lb1", "the listeners of a load balancer", func(ctx context.Context, client *admin.Client, ref string) ([]lb.ListenerID, error) {
		r, err := client.LoadBalancers.Get(ctx, ref)
		ids := make([]lb.ListenerID, 0, len(r.ListenerIDs))
		for _, id := range r.ListenerIDs {
			ids = append(ids, lb.ListenerID(id))
		}
		return ids, err
	})
}

func (c *cli) listenerStats() *cobra.Command {
	return c.stats("LISTENER", "listener", "l1", "a listener", func(ctx context.Context, client *admin.Client, ref string) ([]lb.ListenerID, error) {
		r, err := client.Listeners.Get(ctx, ref)
		if err != nil {
			return nil, err
		}
		return []lb.ListenerID{r.Value.ID}, nil
	})
}

// stats sums the counters of the listeners that of finds.
func (c *cli) stats(arg, word, example, what string, of func(context.Context, *admin.Client, string) ([]lb.ListenerID, error)) *cobra.Command {
	return &cobra.Command{
		Use:     "stats " + arg,
		Short:   "Show what was counted of " + what,
		Long:    "Show what all amphorae together have counted of " + what + "\nsince they started. Those that do not answer are left out.",
		Example: "  amphoractl " + word + " stats " + example,
		Args:    arguments(arg),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				ids, err := of(ctx, client, args[0])
				if err != nil {
					return err
				}
				counted, err := client.ListenerStats(ctx)
				if err != nil {
					return err
				}
				var sum lb.Stats
				for _, id := range ids {
					sum = sum.Plus(counted[id])
				}
				return c.output.printOne(c.stdout, record{
					{"active_connections", sum.ActiveConnections},
					{"total_connections", sum.TotalConnections},
					{"bytes_in", sum.BytesIn},
					{"bytes_out", sum.BytesOut},
					{"request_errors", sum.RequestErrors},
				})
			})
		},
	}
}
