package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

	// argument is how the usage names one resource; "": the word in capitals.
	argument string
	// without are the verbs that the kind has not, or has a command of its own for.
	without []string
	// byProject lets list narrow down to a project. Kinds with calls of their own in the
	// admin API cannot.
	byProject bool

	examples map[string]string // by verb
}

// a is the kind with its article.
func (k kind[T, S]) a() string {
	if strings.ContainsAny(string(k.name[:1]), "aeiouL") && !strings.HasPrefix(string(k.name), "user") && !strings.HasPrefix(string(k.name), "load") && !strings.HasPrefix(string(k.name), "listener") {
		return "an " + string(k.name)
	}
	return "a " + string(k.name)
}

// plural is the name of several.
func (k kind[T, S]) plural() string {
	if stem, ok := strings.CutSuffix(string(k.name), "y"); ok {
		return stem + "ies"
	}
	return string(k.name) + "s"
}

// command makes the command of a kind with its verbs.
func command[T, S any](c *cli, k kind[T, S], more ...*cobra.Command) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     k.word,
		Aliases: k.aliases,
		Short:   k.does(),
		Long:    k.long,
		Example: k.examples["create"],
	})
	for _, v := range []struct {
		name string
		make func(*cli, kind[T, S]) *cobra.Command
	}{{"create", create[T, S]}, {"list", list[T, S]}, {"show", show[T, S]}, {"set", set[T, S]}, {"delete", remove[T, S]}} {
		if !slices.Contains(k.without, v.name) {
			cmd.AddCommand(v.make(c, k))
		}
	}
	cmd.AddCommand(more...)
	return cmd
}

// does says what the commands do.
func (k kind[T, S]) does() string {
	verbs := slices.DeleteFunc([]string{"create", "list", "show", "set", "delete"}, func(v string) bool { return slices.Contains(k.without, v) })
	last := len(verbs) - 1
	text := strings.Join(verbs[:last], ", ") + " and " + verbs[last] + " " + k.plural()
	return strings.ToUpper(text[:1]) + text[1:]
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
		Short:   "Create " + k.a(),
		Long:    fmt.Sprintf("Create %s, wait until it is served, and print it.", k.a()),
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
		Short:   "Change " + k.a(),
		Long:    fmt.Sprintf("Change the properties of %s that are given as flags; the others stay as\nthey are. Wait until the change is served, and print the result.", k.a()),
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
		Short:   "Show " + k.a(),
		Long:    fmt.Sprintf("Show all properties of %s and its status.", k.a()),
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
	var name, in, project string
	var names []string
	if k.within != "" {
		names = append(names, k.within)
	}
	cmd := &cobra.Command{
		Use:     strings.TrimSpace("list " + k.within),
		Short:   "List " + k.plural(),
		Long:    fmt.Sprintf("List %s in order of creation.", k.plural()),
		Example: k.examples["list"],
		Args:    arguments(names...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				in = args[0]
			}
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				all := k.of(client).In(in).Named(name).Of(project)
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
	if k.byProject {
		refFlag(cmd.Flags(), &project, "project", "project", "only those of this project")
	}
	if k.filter != "" {
		refFlag(cmd.Flags(), &in, k.filter, k.filter, "only those of this "+k.filter)
	}
	staleFlag(cmd.Flags(), &stale)
	return cmd
}

func remove[T, S any](c *cli, k kind[T, S]) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete " + k.reference(),
		Short:   "Delete " + k.a(),
		Long:    fmt.Sprintf("Delete %s. Nothing is printed when it is done.", k.a()),
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
	ref := cmp.Or(k.argument, strings.ToUpper(strings.ReplaceAll(k.word, "-", "")))
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
