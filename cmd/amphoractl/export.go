package main

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

func (c *cli) export() *cobra.Command {
	return &cobra.Command{
		Use:   "export [LOADBALANCER]",
		Short: "Print what there is as a file that apply reads",
		Long: `Print networks, subnets, flavors, quotas and load balancers with all that is below
them, or one load balancer, as YAML that amphoractl apply reads. Secrets, users and
projects are not exported.`,
		Example: "  amphoractl export > backup.yaml\n  amphoractl export lb1",
		Args:    arguments("[LOADBALANCER]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				only := ""
				if len(args) > 0 {
					b, err := client.LoadBalancers.Get(ctx, args[0])
					if err != nil {
						return err
					}
					only = string(b.Value.ID)
				}
				p, err := load(ctx, client)
				if err != nil {
					return err
				}
				return p.export(c.stdout, only)
			})
		},
	}
}

// export prints a document for each object, or for the load balancer with that id alone.
func (p *plan) export(w io.Writer, only string) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	for _, m := range manifests {
		for _, h := range byKey(p.have[m.kind]) {
			if only != "" && h.id != only {
				continue
			}
			doc, err := node(append(record{{"kind", m.word}}, p.exported(m, h)...))
			if err != nil {
				return err
			}
			if err := e.Encode(doc); err != nil {
				return err
			}
		}
	}
	return e.Close()
}

// exported is an object with what is below it.
func (p *plan) exported(m *manifest, h have) record {
	var r record
	if h.name == "" && m.attrs[0].name == "name" && m.kind != lb.KindMember && m.kind != lb.KindHealthMonitor {
		r = append(r, field{"name", h.id}) // others may refer to it
	}
	for _, a := range m.attrs {
		if v := a.export(h.obj, p); v != nil {
			r = append(r, field{a.name, v})
		}
	}
	for _, c := range m.children {
		var below []record
		for _, each := range byKey(p.have[c.kind]) {
			if each.parent == h.id {
				below = append(below, p.exported(c, each))
			}
		}
		if c.kind == lb.KindL7Policy {
			slices.SortFunc(below, func(a, b record) int { return a.get("position").(int) - b.get("position").(int) })
		}
		switch {
		case len(below) == 0:
		case c.one:
			r = append(r, field{c.below, below[0]})
		default:
			r = append(r, field{c.below, below})
		}
	}
	return r
}

// byKey is all in an order that does not depend on when they were made.
func byKey(all []have) []have {
	return slices.SortedStableFunc(slices.Values(all), func(a, b have) int { return cmp.Compare(a.key, b.key) })
}
