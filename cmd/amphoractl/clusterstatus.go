package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/rpc/admin"
)

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
			{"maintenance", n.Maintenance},
		})
	}
	whole := record{
		{"cluster", st.Cluster},
		{"topology", optional(st.Topology)},
		{"profile", optional(st.Profile)},
		{"node", optional(names[st.NodeID])},
		{"leader", optional(names[st.LeaderID])},
		{"holder", optional(names[st.HolderID])},
		{"quorum", st.Quorum},
		{"term", st.Term},
		{"applied_index", st.AppliedIndex},
		{"revision", st.Revision},
	}
	switch c.output.format {
	case asJSON, asYAML:
		return c.output.print(c.stdout, append(whole,
			field{"no_cluster", st.NoCluster}, field{"degraded", list0(st.Degraded)},
			field{"holding", holdingRecord(st.Holding)}, field{"nodes", nodes}))
	case asID, asValue:
		return c.output.printAll(c.stdout, nodeColumns, nodes)
	}
	for _, f := range whole {
		fmt.Fprintf(c.stdout, "%-14s %s\n", f.name+":", cell(f.value))
	}
	if st.NoCluster {
		fmt.Fprintf(c.stdout, "\n%s\n", noCluster)
	}
	fmt.Fprintln(c.stdout)
	if err := c.output.printAll(c.stdout, nodeColumns, nodes); err != nil {
		return err
	}
	c.explain(st, names)
	return nil
}

// explain says in sentences what the table does not: how the VIPs came to where
// they are, and what is wrong.
func (c *cli) explain(st admin.ClusterStatus, names map[string]string) {
	if h := st.Holding; h != nil {
		how := "with a quorum"
		if h.Solo {
			how = "alone, without a quorum: changes are refused until its peer is back"
		}
		fmt.Fprintf(c.stdout, "\n%s holds since %s, in term %d, %s.\n", names[st.HolderID], h.Since.UTC().Format(time.RFC3339), h.Term, how)
		c.explainTakeover(h.Takeover)
	}
	for _, n := range st.Nodes {
		if n.Maintenance {
			fmt.Fprintf(c.stdout, "\n%s is in maintenance and does not become the holder.\n", n.Name)
		}
	}
	for i, d := range st.Degraded {
		if i == 0 {
			fmt.Fprintln(c.stdout, "\nDegraded:")
		}
		fmt.Fprintf(c.stdout, "  %s\n", d)
	}
}

// causes are what a takeover's cause means to people.
var causes = map[string]string{
	"start":       "nobody held before",
	"planned":     "planned move",
	"released":    "the holder gave up",
	"crash":       "the holder's process was gone",
	"silence":     "the holder was not heard any more",
	"election":    "raft elected another node by its own timers",
	"peer silent": "the peer was silent and the network answered",
}

func (c *cli) explainTakeover(t admin.Takeover) {
	if t.Cause == "" {
		return
	}
	cause := t.Cause
	if words, ok := causes[cause]; ok {
		cause = words
	}
	if t.From != "" {
		cause = "from " + t.From + ": " + cause
	}
	if t.Why != "" {
		cause += " (" + t.Why + ")"
	}
	fmt.Fprintf(c.stdout, "Last failover %s. It took %s:\n", cause, milliseconds(t.Total))
	for _, stage := range t.Stages {
		fmt.Fprintf(c.stdout, "  %10s  %s\n", milliseconds(stage.At), stage.Name)
	}
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
}

// holdingRecord is what JSON shows of how the VIPs are held: nil if they are not.
func holdingRecord(h *admin.Holding) any {
	if h == nil {
		return nil
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	stages := []record{}
	for _, s := range h.Takeover.Stages {
		stages = append(stages, record{{"name", s.Name}, {"at_ms", ms(s.At)}})
	}
	return record{
		{"since", h.Since.UTC().Format(time.RFC3339Nano)},
		{"term", h.Term},
		{"solo", h.Solo},
		{"lease_ms", ms(h.Lease)},
		{"takeover", record{
			{"cause", optional(h.Takeover.Cause)},
			{"from", optional(h.Takeover.From)},
			{"why", optional(h.Takeover.Why)},
			{"total_ms", ms(h.Takeover.Total)},
			{"stages", stages},
		}},
	}
}
