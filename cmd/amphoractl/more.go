package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

func (c *cli) quotaReset() *cobra.Command {
	return &cobra.Command{
		Use:     "reset PROJECT",
		Short:   "Set the limits of a project back to the defaults",
		Long:    "Set every limit of a project back to the default. Nothing is printed when it is done.",
		Example: "  amphoractl quota reset demo",
		Args:    arguments("PROJECT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				return client.Quotas.Delete(ctx, args[0])
			})
		},
	}
}

func (c *cli) providers() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "provider",
		Short:   "List who provides load balancers",
		Long:    "A provider is who provides load balancers. Here that is Amphora, under the names that\nclients of Octavia know.",
		Example: "  amphoractl provider list",
	})
	cmd.AddCommand(&cobra.Command{
		Use:     "list",
		Short:   "List the providers",
		Long:    "List the providers that a load balancer may name.",
		Example: "  amphoractl provider list",
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			return c.output.printAll(c.stdout, []string{"name", "description"}, []record{
				{{"name", "amphora"}, {"description", "The Octavia Amphora driver."}},
				{{"name", "octavia"}, {"description", "Deprecated alias of the Octavia Amphora driver."}},
			})
		},
	})
	return cmd
}

func (c *cli) amphorae() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "amphora",
		Aliases: []string{"amphorae"},
		Short:   "List the amphorae",
		Long:    "An amphora is a node that serves load balancers.",
		Example: "  amphoractl amphora list",
	})
	cmd.AddCommand(&cobra.Command{
		Use:     "list",
		Short:   "List the amphorae",
		Long:    "List the amphorae of the cluster. Every one serves every load balancer; the holder has\nthe virtual IPs. This works without a quorum.",
		Example: "  amphoractl amphora list",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				st, err := client.Status(ctx)
				if err != nil {
					return err
				}
				all := []record{}
				for _, n := range st.Nodes {
					if n.Role != admin.Amphora {
						continue
					}
					role := "BACKUP"
					if n.ID == st.HolderID {
						role = "MASTER"
					}
					all = append(all, record{
						{"id", n.ID}, {"name", n.Name}, {"role", role}, {"state", string(n.State)}, {"addr", n.Addr}, {"vips", list0(n.VIPs)},
					})
				}
				return c.output.printAll(c.stdout, []string{"id", "name", "role", "state", "addr"}, all)
			})
		},
	})
	return cmd
}

// loadBalancerFailover is what the OpenStack client calls it. The VIPs move together.
func (c *cli) loadBalancerFailover() *cobra.Command {
	return &cobra.Command{
		Use:     "failover LOADBALANCER",
		Short:   "Move the virtual IPs to the other amphora",
		Long:    "Move the virtual IPs of a load balancer, and with them those of all others, to the\nother amphora. It ends when that one holds them.",
		Example: "  amphoractl loadbalancer failover lb1",
		Args:    arguments("LOADBALANCER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				if _, err := client.LoadBalancers.Get(ctx, args[0]); err != nil {
					return err
				}
				moved, err := client.Failover(ctx, "")
				if err != nil {
					return err
				}
				return c.output.printOne(c.stdout, record{{"to", moved.To}, {"from", optional(moved.From)}})
			})
		},
	}
}

func (c *cli) memberSetAll() *cobra.Command {
	var all []lb.MemberSpec
	var additive bool
	cmd := &cobra.Command{
		Use:   "set-all POOL",
		Short: "Make these the members of a pool",
		Long: `Make the members that are given those of the pool, in one step: who is there by the
same address and port is changed, who is not is created, and who is not given is
deleted unless --additive-only says that they stay. Without any --member, all are deleted.`,
		Example: "  amphoractl member set-all --member address=10.0.0.11,protocol-port=80 --member address=10.0.0.12,protocol-port=80,weight=2 p1",
		Args:    arguments("POOL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				if err := client.SetMembers(ctx, args[0], all, additive); err != nil {
					return err
				}
				var records []record
				for r, err := range client.Members.In(args[0]).List(ctx) {
					if err != nil {
						return err
					}
					records = append(records, memberKind.record(r))
				}
				return c.output.printAll(c.stdout, memberKind.columns, records)
			})
		},
	}
	cmd.Flags().Var(value{kind: "address=...,protocol-port=...", set: func(s string) error {
		m, err := memberOf(s)
		all = append(all, m)
		return err
	}}, "member", "member: address, protocol-port and, if wanted, name, weight, backup=true, subnet-id, monitor-address, monitor-port (may be repeated)")
	cmd.Flags().BoolVar(&additive, "additive-only", false, "let members that are not given stay")
	return cmd
}

// memberOf parses key=value,key=value.
func memberOf(s string) (m lb.MemberSpec, err error) {
	for pair := range strings.SplitSeq(s, ",") {
		key, v, ok := strings.Cut(pair, "=")
		if !ok {
			return m, errors.New("use address=address,protocol-port=number and more such pairs")
		}
		if err := memberField(&m, strings.ReplaceAll(key, "_", "-"), v); err != nil {
			return m, fmt.Errorf("%s: %w", key, err)
		}
	}
	return m, nil
}

func memberField(m *lb.MemberSpec, key, v string) error {
	switch key {
	case "name":
		m.Name = lb.Some(v)
	case "subnet-id":
		m.SubnetID = lb.Some(lb.SubnetID(v))
	case "backup":
		if v != "true" && v != "false" {
			return errors.New("use true or false")
		}
		m.Backup = lb.Some(v == "true")
	case "address":
		return setTo(&m.Address, v, address)
	case "monitor-address":
		return setTo(&m.MonitorAddress, v, address)
	case "protocol-port":
		return setTo(&m.ProtocolPort, v, integer)
	case "monitor-port":
		return setTo(&m.MonitorPort, v, integer)
	case "weight":
		return setTo(&m.Weight, v, integer)
	default:
		return errors.New("is unknown, use address, protocol-port, name, weight, backup, subnet-id, monitor-address or monitor-port")
	}
	return nil
}

func setTo[T any](o *lb.Opt[T], s string, parse func(string) (T, error)) error {
	v, err := parse(s)
	if err == nil {
		*o = lb.Some(v)
	}
	return err
}
