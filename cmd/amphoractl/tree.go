package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

func (c *cli) statusTree() *cobra.Command {
	return &cobra.Command{
		Use:     "status LOADBALANCER",
		Short:   "Show the status of a load balancer and of everything below it",
		Long:    "Show a load balancer with its listeners, pools, health monitors, members, L7 policies\nand rules, and how each of them is doing.",
		Example: "  amphoractl loadbalancer status lb1",
		Args:    arguments("LOADBALANCER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				t, err := client.Tree(ctx, args[0])
				if err != nil {
					return err
				}
				root := branch(t)
				switch c.output.format {
				case asJSON, asYAML:
					return c.output.print(c.stdout, record{{"loadbalancer", root.record()}})
				case asID:
					return printID(c.stdout, root.fields)
				}
				var text strings.Builder
				root.print(&text, "", "")
				_, err = io.WriteString(c.stdout, text.String())
				return err
			})
		},
	}
}

// twig is one resource in the tree.
type twig struct {
	text   string // what stands before its status
	status lb.Status
	fields record
	below  []level
}

// level is the resources of one kind below a twig, under the name that JSON has
// for them. One is a single resource, or none.
type level struct {
	name  string
	one   bool
	twigs []twig
}

func leaf(kind lb.Kind, id string, m lb.Meta, detail string, st lb.Status, more ...field) twig {
	name := m.Name
	if name == "" {
		name = id
	}
	t := twig{text: strings.TrimSpace(fmt.Sprintf("%s %s %s", kind, printable(name), detail)), status: st}
	t.fields = append(record{{"id", id}, {"name", m.Name}}, more...)
	t.fields = append(t.fields, field{"provisioning_status", string(st.Provisioning)}, field{"operating_status", string(st.Operating)})
	if st.Reason != "" {
		t.fields = append(t.fields, field{"reason", st.Reason})
	}
	return t
}

// branch grows the tree: pools hang below the listeners whose default they are,
// the others below the load balancer.
func branch(t admin.Tree) twig {
	pools := make(map[lb.PoolID]twig)
	for _, p := range t.Pools {
		pools[p.Value.ID] = poolTwig(t, p)
	}
	used := make(map[lb.PoolID]bool)
	var listeners, unused []twig
	for _, l := range t.Listeners {
		v := l.Value
		twig := leaf(lb.KindListener, string(v.ID), v.Meta, fmt.Sprintf("%s %d", v.Protocol, v.ProtocolPort), l.Status)
		below := level{name: "pools"}
		if p, ok := pools[v.DefaultPoolID]; ok {
			used[v.DefaultPoolID] = true
			below.twigs = append(below.twigs, p)
		}
		twig.below = []level{below}
		if policies := policyTwigs(t, v.ID); len(policies) > 0 {
			twig.below = append(twig.below, level{name: "l7policies", twigs: policies})
		}
		listeners = append(listeners, twig)
	}
	for _, p := range t.Pools {
		if !used[p.Value.ID] {
			unused = append(unused, pools[p.Value.ID])
		}
	}
	b := t.LoadBalancer.Value
	root := leaf(lb.KindLoadBalancer, string(b.ID), b.Meta, b.VIPAddress.String(), t.LoadBalancer.Status)
	root.below = []level{{name: "listeners", twigs: listeners}, {name: "pools", twigs: unused}}
	return root
}

// policyTwigs are the L7 policies of a listener in the order in which they are asked.
func policyTwigs(t admin.Tree, listener lb.ListenerID) (twigs []twig) {
	var policies []admin.Resource[lb.L7Policy]
	for _, p := range t.L7Policies {
		if p.Value.ListenerID == listener {
			policies = append(policies, p)
		}
	}
	slices.SortFunc(policies, func(a, b admin.Resource[lb.L7Policy]) int { return a.Value.Position - b.Value.Position })
	for _, p := range policies {
		v := p.Value
		twig := leaf(lb.KindL7Policy, string(v.ID), v.Meta, string(v.Action), p.Status, field{"action", string(v.Action)})
		rules := level{name: "rules"}
		for _, r := range t.L7Rules {
			if r.Value.PolicyID == v.ID {
				rules.twigs = append(rules.twigs, leaf(lb.KindL7Rule, string(r.Value.ID), r.Value.Meta, fmt.Sprintf("%s %s", r.Value.Type, r.Value.Compare), r.Status,
					field{"type", string(r.Value.Type)}))
			}
		}
		twig.below = []level{rules}
		twigs = append(twigs, twig)
	}
	return twigs
}

func poolTwig(t admin.Tree, p admin.Resource[lb.Pool]) twig {
	v := p.Value
	twig := leaf(lb.KindPool, string(v.ID), v.Meta, string(v.Algorithm), p.Status)
	monitors, members := level{name: "health_monitor", one: true}, level{name: "members"}
	for _, h := range t.HealthMonitors {
		if h.Value.PoolID == v.ID {
			monitors.twigs = append(monitors.twigs, leaf(lb.KindHealthMonitor, string(h.Value.ID), h.Value.Meta, string(h.Value.Type), h.Status,
				field{"type", string(h.Value.Type)}))
		}
	}
	for _, m := range t.Members {
		if m.Value.PoolID == v.ID {
			at := netip.AddrPortFrom(m.Value.Address, m.Value.ProtocolPort)
			members.twigs = append(members.twigs, leaf(lb.KindMember, string(m.Value.ID), m.Value.Meta, at.String(), m.Status,
				field{"address", m.Value.Address.String()}, field{"protocol_port", m.Value.ProtocolPort}))
		}
	}
	twig.below = []level{monitors, members}
	return twig
}

// record is the twig with everything below it, for JSON.
func (t twig) record() record {
	r := append(record{}, t.fields...)
	for _, g := range t.below {
		records := []record{}
		for _, each := range g.twigs {
			records = append(records, each.record())
		}
		switch {
		case !g.one:
			r = append(r, field{g.name, records})
		case len(records) > 0:
			r = append(r, field{g.name, records[0]})
		}
	}
	return r
}

func (t twig) print(w *strings.Builder, first, rest string) {
	line := fmt.Sprintf("%s%s: %s %s", first, t.text, t.status.Provisioning, t.status.Operating)
	if t.status.Reason != "" {
		line += " (" + printable(t.status.Reason) + ")"
	}
	fmt.Fprintln(w, line)
	var all []twig
	for _, g := range t.below {
		all = append(all, g.twigs...)
	}
	for i, each := range all {
		if i < len(all)-1 {
			each.print(w, rest+"├─ ", rest+"│  ")
		} else {
			each.print(w, rest+"└─ ", rest+"   ")
		}
	}
}
