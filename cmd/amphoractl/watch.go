package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// watchable are the kinds that watch can narrow down to, by their commands.
var watchable = map[string]lb.Kind{
	"network": lb.KindNetwork, "subnet": lb.KindSubnet, "port": lb.KindPort, "securitygroup": lb.KindSecurityGroup, "qos-policy": lb.KindQoSPolicy,
	"loadbalancer": lb.KindLoadBalancer, "listener": lb.KindListener, "pool": lb.KindPool, "member": lb.KindMember,
	"healthmonitor": lb.KindHealthMonitor, "l7policy": lb.KindL7Policy, "l7rule": lb.KindL7Rule,
	"quota": lb.KindQuota, "flavor": lb.KindFlavor, "flavorprofile": lb.KindFlavorProfile,
	"availabilityzone": lb.KindAvailabilityZone, "availabilityzoneprofile": lb.KindAvailabilityZoneProfile,
	"project": lb.KindProject, "user": lb.KindUser, "role": lb.KindRole, "secret": lb.KindSecret, "container": lb.KindSecretContainer,
}

func (c *cli) watchChanges() *cobra.Command {
	var after uint64
	var kinds []string
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print changes of the configuration and of statuses as they happen",
		Long: `Print what is created, updated and deleted in the cluster, and what does better or
worse, until interrupted. With -o json each line is a change. Unlike events, this is
about the whole cluster.`,
		Example: "  amphoractl watch\n  amphoractl watch --kind member --kind pool -o json",
		Args: func(cmd *cobra.Command, args []string) error {
			for _, k := range kinds {
				if _, ok := watchable[k]; !ok {
					return fmt.Errorf("--kind %s is unknown, use the name of a command such as member", k)
				}
			}
			return errors.Join(c.noIDs(cmd, args), arguments()(cmd, args))
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			var only []lb.Kind
			for _, k := range kinds {
				only = append(only, watchable[k])
			}
			return c.watch(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				for seen, err := range client.WatchObjects(ctx, after, only...) {
					switch {
					case errors.Is(err, context.Canceled) && ctx.Err() != nil:
						return nil // interrupted: the way to end a watch
					case err != nil:
						return err
					}
					if err := c.printSeen(seen); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().Uint64Var(&after, "after", 0, "begin with what was changed after this revision")
	cmd.Flags().StringArrayVar(&kinds, "kind", nil, "only this kind, such as member (may be repeated)")
	return cmd
}

func (c *cli) printSeen(s admin.Seen) error {
	if s.Gap {
		fmt.Fprintf(c.stderr, "amphoractl: what was deleted since revision %d is not known\n", s.Told)
	}
	if !s.HasValue {
		return nil
	}
	r := record{
		{"verb", string(s.Verb)},
		{"kind", string(s.Kind)},
		{"id", s.ID},
		{"name", optional(s.Name)},
		{"revision", s.Revision},
		{"provisioning_status", optional(s.Status.Provisioning)},
		{"operating_status", optional(s.Status.Operating)},
		{"reason", optional(s.Status.Reason)},
	}
	if c.output.format == asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.stdout, "%s\n", line)
		return err
	}
	words := []string{fmt.Sprint(s.Revision), string(s.Verb), string(s.Kind), printable(shortest(r))}
	words = append(words, string(s.Status.Provisioning), string(s.Status.Operating))
	line := strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
	if s.Status.Reason != "" {
		line += " (" + printable(s.Status.Reason) + ")"
	}
	_, err := fmt.Fprintln(c.stdout, line)
	return err
}
