package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// kind is how the commands treat one kind of resource: T is the resource, S its
// spec.
type kind[T, S any] struct {
	name    lb.Kind
	word    string   // the command
	aliases []string // and what else it may be called
	long    string   // what such a resource is
	columns []string // of lists

	of     func(*admin.Client) admin.Collection[T, S]
	flags  func(fs *pflag.FlagSet, s *S, create bool)
	record func(admin.Resource[T]) record

	// within is the resource that show, set, delete and list need before the
	// reference, "" when references stand alone.
	within string
	// under is the argument of create, optional when in brackets, "" for none;
	// place puts it into the spec.
	under string
	place func(s *S, arg string)
	// filter is the flag of list that narrows it down to one parent, "" for none.
	filter string
	// deleted, if not nil, adds flags to delete and replaces what it does when
	// it reports true.
	deleted func(fs *pflag.FlagSet) func(ctx context.Context, c *admin.Client, ref string) (done bool, err error)

	examples map[string]string // by verb
}

// command makes the command of a kind with its verbs.
func command[T, S any](c *cli, k kind[T, S], more ...*cobra.Command) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     k.word,
		Aliases: k.aliases,
		Short:   fmt.Sprintf("Create, list, show, set and delete %ss", k.name),
		Long:    k.long,
		Example: k.examples["create"],
	})
	cmd.AddCommand(create(c, k), list(c, k), show(c, k), set(c, k), remove(c, k))
	cmd.AddCommand(more...)
	return cmd
}

func create[T, S any](c *cli, k kind[T, S]) *cobra.Command {
	var spec S
	w := waiting{c: c, wait: true}
	var names []string
	if k.under != "" {
		names = append(names, k.under)
	}
	cmd := &cobra.Command{
		Use:     strings.TrimSpace("create " + k.under),
		Short:   fmt.Sprintf("Create a %s", k.name),
		Long:    fmt.Sprintf("Create a %s, wait until it is served, and print it.", k.name),
		Example: k.examples["create"],
		Args:    arguments(names...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				k.place(&spec, args[0])
			}
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				r, err := k.of(client).Create(ctx, spec)
				if err != nil {
					return err
				}
				return finish(ctx, w, k, client, r)
			})
		},
	}
	k.flags(cmd.Flags(), &spec, true)
	w.flags(cmd.Flags())
	contradict(cmd)
	return cmd
}

func set[T, S any](c *cli, k kind[T, S]) *cobra.Command {
	var spec S
	w := waiting{c: c, wait: true}
	cmd := &cobra.Command{
		Use:     "set " + k.reference(),
		Short:   fmt.Sprintf("Change a %s", k.name),
		Long:    fmt.Sprintf("Change the properties of a %s that are given as flags; the others stay as\nthey are. Wait until the change is served, and print the result.", k.name),
		Example: k.examples["set"],
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				all, ref := k.find(client, args)
				r, err := all.Update(ctx, ref, spec)
				if err != nil {
					return err
				}
				return finish(ctx, w, k, client, r)
			})
		},
	}
	k.flags(cmd.Flags(), &spec, false)
	var fields []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		f.Usage = strings.TrimSuffix(f.Usage, " (required)")
		fields = append(fields, f.Name)
	})
	cmd.Args = cobra.MatchAll(k.oneArgument(), anyOf(fields))
	w.flags(cmd.Flags())
	contradict(cmd)
	return cmd
}

func show[T, S any](c *cli, k kind[T, S]) *cobra.Command {
	var stale bool
	cmd := &cobra.Command{
		Use:     "show " + k.reference(),
		Short:   fmt.Sprintf("Show a %s", k.name),
		Long:    fmt.Sprintf("Show all properties of a %s and its status.", k.name),
		Example: k.examples["show"],
		Args:    k.oneArgument(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				all, ref := k.find(client, args)
				if stale {
					all = all.Stale()
				}
				r, err := all.Get(ctx, ref)
				if err != nil {
					return err
				}
				return c.output.printOne(c.stdout, k.record(r))
			})
		},
	}
	staleFlag(cmd.Flags(), &stale)
	return cmd
}

func list[T, S any](c *cli, k kind[T, S]) *cobra.Command {
	var stale bool
	var name, in string
	var names []string
	if k.within != "" {
		names = append(names, k.within)
	}
	cmd := &cobra.Command{
		Use:     strings.TrimSpace("list " + k.within),
		Short:   fmt.Sprintf("List %ss", k.name),
		Long:    fmt.Sprintf("List %ss in order of creation.", k.name),
		Example: k.examples["list"],
		Args:    arguments(names...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				in = args[0]
			}
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				all := k.of(client).In(in).Named(name)
				if stale {
					all = all.Stale()
				}
				var records []record
				for r, err := range all.List(ctx) {
					if err != nil {
						return err
					}
					records = append(records, k.record(r))
				}
				return c.output.printAll(c.stdout, k.columns, records)
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "only those with this name")
	if k.filter != "" {
		refFlag(cmd.Flags(), &in, k.filter, k.filter, "only those of this "+k.filter)
	}
	staleFlag(cmd.Flags(), &stale)
	return cmd
}

func remove[T, S any](c *cli, k kind[T, S]) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete " + k.reference(),
		Short:   fmt.Sprintf("Delete a %s", k.name),
		Long:    fmt.Sprintf("Delete a %s. Nothing is printed when it is done.", k.name),
		Example: k.examples["delete"],
		Args:    k.oneArgument(),
	}
	var special func(context.Context, *admin.Client, string) (bool, error)
	if k.deleted != nil {
		special = k.deleted(cmd.Flags())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
			all, ref := k.find(client, args)
			if special != nil {
				if done, err := special(ctx, client, ref); done || err != nil {
					return err
				}
			}
			return all.Delete(ctx, ref)
		})
	}
	return cmd
}

func staleFlag(fs *pflag.FlagSet, stale *bool) {
	fs.BoolVar(stale, "stale", false, "show what this node knows, even without a quorum; it may be old")
}

// reference is how the usage names one resource.
func (k kind[T, S]) reference() string {
	ref := strings.ToUpper(strings.ReplaceAll(k.word, "-", ""))
	if k.within != "" {
		return k.within + " " + ref
	}
	return ref
}

// oneArgument checks the arguments that name one resource.
func (k kind[T, S]) oneArgument() cobra.PositionalArgs {
	return arguments(strings.Fields(k.reference())...)
}

// find returns where to look for the resource that args name, and its name.
func (k kind[T, S]) find(client *admin.Client, args []string) (admin.Collection[T, S], string) {
	if len(args) > 1 {
		return k.of(client).In(args[0]), args[1]
	}
	return k.of(client), args[0]
}
