package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/rpc/admin"
)

// The exit codes.
const (
	exitOK    = 0
	exitError = 1 // the node refused, or could not be asked
	exitUsage = 2 // the command line makes no sense
)

// cli is one run of the program.
type cli struct {
	env
	socket  string
	timeout time.Duration
	output  output
	running bool // the command line made sense and the command has begun
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, e env, args []string) int {
	c := &cli{env: e}
	root := c.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case !c.running:
		c.complain(err)
		fmt.Fprintf(c.stderr, "see: %s --help\n", cmd.CommandPath())
		return exitUsage
	}
	c.complain(err)
	return exitError
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "amphoractl",
		Short: "Create, show and change load balancers and the nodes that serve them",
		Long: `amphoractl speaks to the amphorad on this host over its admin socket. A change
made on any node of the cluster counts on all of them.

Resources are named by id or by name. Words and flags are those of the OpenStack
load balancer client. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.`,
		Example: `  amphoractl subnet create --cidr 192.0.2.0/24 public
  amphoractl loadbalancer create --name lb1 --vip-subnet-id public
  amphoractl listener create --name l1 --protocol HTTP --protocol-port 80 lb1
  amphoractl pool create --name p1 --lb-algorithm ROUND_ROBIN --listener l1 --protocol HTTP
  amphoractl member create --address 10.0.0.11 --protocol-port 80 p1
  amphoractl loadbalancer status lb1`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if c.timeout <= 0 {
				return fmt.Errorf("--timeout %v: use more than 0, such as 30s", c.timeout)
			}
			// Here, as cobra would look only after the command has begun.
			if err := cmd.ValidateFlagGroups(); err != nil {
				return err
			}
			c.running = true
			return nil
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	group(root)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	flags := root.PersistentFlags()
	socket := c.getenv("AMPHORA_SOCKET")
	if socket == "" {
		socket = admin.DefaultTarget
	}
	flags.StringVar(&c.socket, "socket", socket, "admin socket of amphorad (environment: AMPHORA_SOCKET)")
	flags.DurationVar(&c.timeout, "timeout", time.Minute, "how long to wait for the node and for changes to be served")
	flags.VarP(&c.output.format, "output", "o", "how to print resources: table, json, yaml, value or id")
	flags.StringArrayVarP(&c.output.columns, "column", "c", nil, "print only this column (may be repeated)")

	root.AddCommand(
		command(c, networkKind),
		command(c, subnetKind),
		command(c, portKind),
		command(c, securityGroupKind),
		command(c, qosPolicyKind),
		command(c, loadBalancerKind, c.statusTree(), c.loadBalancerStats(), c.loadBalancerFailover()),
		command(c, listenerKind, c.listenerStats()),
		command(c, poolKind),
		command(c, memberKind, c.memberSetAll()),
		command(c, healthMonitorKind),
		command(c, l7PolicyKind),
		command(c, l7RuleKind),
		command(c, quotaKind, c.quotaReset()),
		command(c, flavorProfileKind),
		command(c, flavorKind),
		command(c, zoneProfileKind),
		command(c, zoneKind),
		command(c, projectKind),
		command(c, userKind, c.userCreate(), c.setPassword()),
		command(c, roleKind, c.roleAdd(), c.roleRemove(), c.roleAssignments()),
		command(c, secretKind, c.secretStore()),
		command(c, containerKind),
		c.providers(),
		c.amphorae(),
		c.openrc(),
		c.apply(),
		c.export(),
		c.watchChanges(),
		c.cluster(),
		c.failover(),
		c.events(),
		c.completion(),
	)
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.Example = "  amphoractl help pool create"
		help.Args = func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil {
				return err
			}
			return subcommand(found, rest)
		}
	}
	c.offer(root)
	return root
}

// group makes cmd only a name for its subcommands: alone it prints its help, and
// a word that is none of them is an error, whatever flags come with it.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = subcommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd.HasSubCommands() {
			return cmp.Or(subcommand(cmd, cmd.Flags().Args()), err)
		}
		return err
	})
	return cmd
}

// subcommand refuses a word that is no subcommand of cmd and offers those that
// look like it.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		text += ", did you mean " + strings.Join(like, " or ") + "?"
	}
	return errors.New(text)
}

// arguments checks the number of arguments against their names: those in
// brackets may be missing.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		needed := 0
		for _, name := range names {
			if name[0] != '[' {
				needed++
			}
		}
		switch {
		case len(args) > len(names):
			return fmt.Errorf("too many arguments: %q", args[len(names):])
		case len(args) < needed:
			return fmt.Errorf("missing argument: %s", names[len(args)])
		}
		return nil
	}
}

// ask connects to the node for the length of do, for at most the timeout.
func (c *cli) ask(ctx context.Context, do func(context.Context, *admin.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.watch(ctx, do)
}

// watch is ask without a timeout.
func (c *cli) watch(ctx context.Context, do func(context.Context, *admin.Client) error) (err error) {
	client, err := c.dial(ctx, c.socket)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return do(ctx, client)
}
