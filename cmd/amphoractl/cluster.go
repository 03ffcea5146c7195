package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/rpc/admin"
)

func (c *cli) cluster() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "cluster",
		Short: "Show and change which nodes belong to the cluster",
		Long: `The nodes of a cluster agree on the configuration and on which amphora holds the
virtual IPs. Nodes that list each other in their configuration files form the
cluster by themselves; these commands are for what comes later.`,
		Example: "  amphoractl cluster status",
	})
	cmd.AddCommand(
		c.clusterStatus(),
		c.clusterDo("bootstrap", nil, "Make a new cluster of this node alone",
			"Make a new cluster of the node that is asked, alone. Never do this on a second\nnode to replace a join: that makes a second cluster.",
			func(ctx context.Context, client *admin.Client, _ string) error { return client.Bootstrap(ctx) }),
		c.clusterDo("join", []string{"ADDRESS"}, "Make this node part of a cluster",
			"Make the node that is asked part of the cluster of the node at ADDRESS, which is\nthe host and port where that one listens for other nodes.",
			func(ctx context.Context, client *admin.Client, addr string) error { return client.Join(ctx, addr) }),
		c.clusterDo("leave", nil, "Take this node out of its cluster",
			"Take the node that is asked out of its cluster. If it holds the virtual IPs, they\nmove first.",
			func(ctx context.Context, client *admin.Client, _ string) error { return client.Leave(ctx) }),
		c.clusterDo("remove", []string{"NODE"}, "Take another node out of the cluster",
			"Take the node with that name or id, which may be dead, out of the cluster.",
			func(ctx context.Context, client *admin.Client, node string) error { return client.Remove(ctx, node) }),
		c.maintenance(),
		c.forceSolo(),
		c.clusterDo("discard", []string{"NODE"}, "Set this node's data aside and join another, after both were forced",
			"Set the data of the node that is asked aside, in a directory named quarantine-..., and\njoin the cluster of NODE. For two nodes that were both forced: nothing puts their data\ntogether, so an operator chooses whose is kept. Nothing is deleted.",
			func(ctx context.Context, client *admin.Client, node string) error { return client.Discard(ctx, node) }),
	)
	return cmd
}

// clusterExamples are the arguments in examples.
var clusterExamples = map[string]string{
	"join":    " 192.0.2.11:7480",
	"remove":  " amphora-2",
	"discard": " amphora-2",
}

func (c *cli) clusterDo(verb string, args []string, short, long string, do func(context.Context, *admin.Client, string) error) *cobra.Command {
	return &cobra.Command{
		Use:     strings.Join(append([]string{verb}, args...), " "),
		Short:   short,
		Long:    long,
		Example: "  amphoractl cluster " + verb + clusterExamples[verb],
		Args:    arguments(args...),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				return do(ctx, client, strings.Join(args, ""))
			})
		},
	}
}

func (c *cli) failover() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:     "failover",
		Short:   "Move the virtual IPs to the other amphora",
		Long:    "Move the virtual IPs from the amphora that holds them to another one, as before\nplanned work on the first. It ends when the other one holds them.",
		Example: "  amphoractl failover\n  amphoractl failover --to amphora-2",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				moved, err := client.Failover(ctx, to)
				if err != nil {
					return err
				}
				return c.output.printOne(c.stdout, record{{"to", moved.To}, {"from", optional(moved.From)}})
			})
		},
	}
	refFlag(cmd.Flags(), &to, "to", "amphora", "name or id of the amphora to move to; by default the cluster chooses")
	return cmd
}

func (c *cli) maintenance() *cobra.Command {
	return &cobra.Command{
		Use:   "maintenance on|off",
		Short: "Keep this node from becoming the holder, or allow it again",
		Long: `Keep the node that is asked from becoming the holder, or allow it again. If it
holds the virtual IPs, they move first, and the command ends when another amphora
holds them. The node goes on voting, and remembers this over a restart.`,
		Example:   "  amphoractl cluster maintenance on\n  amphoractl cluster maintenance off",
		ValidArgs: []string{"on", "off"},
		Args: func(cmd *cobra.Command, args []string) error {
			if err := arguments("on|off")(cmd, args); err != nil {
				return err
			}
			if args[0] != "on" && args[0] != "off" {
				return fmt.Errorf("maintenance %q: use on or off", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				return client.SetMaintenance(ctx, args[0] == "on")
			})
		},
	}
}

func (c *cli) forceSolo() *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use:   "force-solo",
		Short: "Make the survivor of a pair accept changes again, without its peer",
		Long: `Make the node that is asked, which survived the other node of a pair without a
witness, a cluster of its own: it accepts changes again.

Make sure first that the other node is down and stays down until it can reach this
one. What only that node has is lost to the cluster: when it comes back it keeps its
data aside, in a directory named quarantine-..., and joins this node anew. If both
nodes are forced, they refuse each other until the data of one is discarded.`,
		Example: "  amphoractl cluster force-solo --peer-is-down",
		Args: func(cmd *cobra.Command, args []string) error {
			if !sure {
				return errors.New("force-solo needs --peer-is-down: see amphoractl cluster force-solo --help for what may be lost")
			}
			return arguments()(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				return client.ForceSolo(ctx)
			})
		},
	}
	cmd.Flags().BoolVar(&sure, "peer-is-down", false, "the other node is down, and what only it has may be lost")
	return cmd
}
