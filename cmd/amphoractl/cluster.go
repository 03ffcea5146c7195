package main

import (
	"context"
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
	)
	return cmd
}

// clusterExamples are the arguments in examples.
var clusterExamples = map[string]string{
	"join":   " 192.0.2.11:7480",
	"remove": " amphora-2",
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

func (c *cli) clusterStatus() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show the nodes, who leads and who holds the virtual IPs",
		Long:    "Show the cluster as the node that is asked knows it. This works without a quorum.",
		Example: "  amphoractl cluster status\n  amphoractl cluster status -o json",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				st, err := client.Status(ctx)
				if err != nil {
					return err
				}
				return c.printCluster(st)
			})
		},
	}
}

// nodeColumns are what the table of nodes shows.
var nodeColumns = []string{"name", "role", "state", "raft", "holder", "applied_index", "addr", "vips", "problem"}

// noCluster is said of a node that is part of no cluster yet.
const noCluster = `This node is part of no cluster yet. It waits for the voters that its configuration
lists, or for: amphoractl cluster join, amphoractl cluster bootstrap.`

func (c *cli) printCluster(st admin.ClusterStatus) error {
	names := make(map[string]string)
	nodes := []record{}
	for _, n := range st.Nodes {
		names[n.ID] = n.Name
		var raft any = "nonvoter"
		switch {
		case st.NoCluster:
			raft = nil
		case n.ID == st.LeaderID:
			raft = "leader"
		case n.Voter:
			raft = "voter"
		}
		var applied any
		if n.AppliedIndex != 0 {
			applied = n.AppliedIndex
		}
		nodes = append(nodes, record{
			{"id", n.ID},
			{"name", n.Name},
			{"role", optional(n.Role)},
			{"state", string(n.State)},
			{"raft", raft},
			{"holder", n.ID == st.HolderID},
			{"applied_index", applied},
			{"addr", n.Addr},
			{"vips", list0(n.VIPs)},
			{"problem", optional(n.Problem)},
		})
	}
	whole := record{
		{"cluster", st.Cluster},
		{"node", optional(names[st.NodeID])},
		{"leader", optional(names[st.LeaderID])},
		{"holder", optional(names[st.HolderID])},
		{"quorum", st.Quorum},
		{"term", st.Term},
		{"applied_index", st.AppliedIndex},
		{"revision", st.Revision},
	}
	switch c.output {
	case asJSON:
		return printJSON(c.stdout, append(whole, field{"no_cluster", st.NoCluster}, field{"nodes", nodes}))
	case asID:
		return c.output.printAll(c.stdout, nil, nodes)
	}
	for _, f := range whole {
		fmt.Fprintf(c.stdout, "%-14s %s\n", f.name+":", cell(f.value))
	}
	if st.NoCluster {
		fmt.Fprintf(c.stdout, "\n%s\n", noCluster)
	}
	fmt.Fprintln(c.stdout)
	return c.output.printAll(c.stdout, nodeColumns, nodes)
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
