package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var projectKind = kind[lb.Project, lb.ProjectSpec]{
	name:    lb.KindProject,
	word:    "project",
	aliases: []string{"projects"},
	long:    "A project owns resources. Users have roles in it.",
	columns: []string{"id", "name", "enabled"},
	of:      func(c *admin.Client) admin.Collection[lb.Project, lb.ProjectSpec] { return c.Projects },
	under:   "[NAME]",
	place:   func(s *lb.ProjectSpec, name string) { s.Name = lb.Some(name) },
	flags: func(fs *pflag.FlagSet, s *lb.ProjectSpec, create bool) {
		opt(fs, &s.Name, "name", "name", "name (required)", text[string])
		opt(fs, &s.Description, "description", "text", "description", text[string])
		enabledFlags(fs, &s.Enabled)
		optList(fs, &s.Tags, "tag", "tag", "tag; replaces the tags that there are", text[string])
		if !create {
			none(fs, &s.Tags, "no-tag", "remove all tags")
		}
	},
	record: func(r admin.Resource[lb.Project]) record {
		p := r.Value
		return record{
			{"id", p.ID},
			{"name", p.Name},
			{"description", p.Description},
			{"enabled", p.Enabled},
			{"tags", list0(p.Tags)},
			{"revision", p.Revision},
		}
	},
	examples: map[string]string{
		"create": "  amphoractl project create demo",
		"list":   "  amphoractl project list",
		"show":   "  amphoractl project show demo",
		"set":    "  amphoractl project set --disable demo",
		"delete": "  amphoractl project delete demo",
	},
}

func enabledFlags(fs *pflag.FlagSet, enabled *lb.Opt[bool]) {
	fixed(fs, enabled, "enable", "may be used (default)", lb.Some(true))
	fixed(fs, enabled, "disable", "may not be used", lb.Some(false))
}

var userKind = kind[lb.User, lb.UserSpec]{
	name:    lb.KindUser,
	word:    "user",
	aliases: []string{"users"},
	long:    "A user may log in to the REST APIs. What the user may do there is said by roles in projects.",
	columns: []string{"id", "name", "enabled", "default_project_id"},
	of:      func(c *admin.Client) admin.Collection[lb.User, lb.UserSpec] { return c.Users },
	flags:   userFlags,
	without: []string{"create"},
	record: func(r admin.Resource[lb.User]) record {
		u := r.Value
		return record{
			{"id", u.ID},
			{"name", u.Name},
			{"description", u.Description},
			{"email", optional(u.Email)},
			{"enabled", u.Enabled},
			{"default_project_id", optional(u.DefaultProjectID)},
			{"password_set_at", instant(u.PasswordAt)},
			{"revision", u.Revision},
		}
	},
	examples: map[string]string{
		"create": "  amphoractl user create --project demo --password-stdin alice",
		"list":   "  amphoractl user list",
		"show":   "  amphoractl user show alice",
		"set":    "  amphoractl user set --email alice@example.org alice",
		"delete": "  amphoractl user delete alice",
	},
}

func userFlags(fs *pflag.FlagSet, s *lb.UserSpec, create bool) {
	if !create {
		opt(fs, &s.Name, "name", "name", "name", text[string])
	}
	opt(fs, &s.Description, "description", "text", "description", text[string])
	opt(fs, &s.Email, "email", "address", "address for mail", text[string])
	opt(fs, &s.DefaultProjectID, "project", "project", "project that counts when none is named", text[string])
	enabledFlags(fs, &s.Enabled)
	if !create {
		none(fs, &s.DefaultProjectID, "no-project", "no project counts when none is named")
	}
}

// userCreate differs from other kinds: there is a password to ask for.
func (c *cli) userCreate() *cobra.Command {
	var spec lb.UserSpec
	var stdin bool
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Create a user",
		Long:    "Create a user with a password, which is asked for, and print the user. The node\nhashes the password; nobody stores it.",
		Example: "  amphoractl user create --project demo alice\n  pwgen 20 1 | amphoractl user create --password-stdin alice",
		Args:    arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := c.password(stdin)
			if err != nil {
				return err
			}
			spec.Name = lb.Some(args[0])
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				r, err := client.CreateUser(ctx, spec, password)
				if err != nil {
					return err
				}
				return c.output.printOne(c.stdout, userKind.record(r))
			})
		},
	}
	userFlags(cmd.Flags(), &spec, true)
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input, up to the end of its first line")
	contradict(cmd)
	return cmd
}

func (c *cli) setPassword() *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use:     "set-password USER",
		Short:   "Give a user another password",
		Long:    "Give a user another password, which is asked for. Tokens from before are void then.",
		Example: "  amphoractl user set-password alice",
		Args:    arguments("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := c.password(stdin)
			if err != nil {
				return err
			}
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				return client.SetPassword(ctx, args[0], password)
			})
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input, up to the end of its first line")
	return cmd
}

// password reads a password from a pipe, or asks for it twice at a terminal.
func (c *cli) password(piped bool) (string, error) {
	if piped {
		line, err := bufio.NewReader(c.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("the password on standard input is empty")
		}
		return line, nil
	}
	f, ok := c.stdin.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errors.New("there is no terminal to ask for the password at: give it with --password-stdin")
	}
	var answers [2]string
	for i, prompt := range []string{"Password: ", "Again: "} {
		fmt.Fprint(c.stderr, prompt)
		answer, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.stderr)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		answers[i] = string(answer)
	}
	switch {
	case answers[0] == "":
		return "", errors.New("the password is empty")
	case answers[0] != answers[1]:
		return "", errors.New("the two passwords differ")
	}
	return answers[0], nil
}

var roleKind = kind[lb.Role, lb.RoleSpec]{
	name:    lb.KindRole,
	word:    "role",
	aliases: []string{"roles"},
	long:    "A role is a word that the REST APIs' policies know. A user has roles in projects:\nreader looks, member changes, admin does everything.",
	columns: []string{"id", "name"},
	of:      func(c *admin.Client) admin.Collection[lb.Role, lb.RoleSpec] { return c.Roles },
	under:   "[NAME]",
	place:   func(s *lb.RoleSpec, name string) { s.Name = lb.Some(name) },
	without: []string{"set"},
	flags: func(fs *pflag.FlagSet, s *lb.RoleSpec, _ bool) {
		opt(fs, &s.Name, "name", "name", "name (required)", text[string])
	},
	record: func(r admin.Resource[lb.Role]) record {
		return record{{"id", r.Value.ID}, {"name", r.Value.Name}, {"revision", r.Value.Revision}}
	},
	examples: map[string]string{
		"create": "  amphoractl role create auditor",
		"list":   "  amphoractl role list",
		"show":   "  amphoractl role show member",
		"delete": "  amphoractl role delete auditor",
	},
}

func (c *cli) roleAdd() *cobra.Command {
	return c.roleDo("add", "Give a user a role in a project", "Give a user a role in a project, or in the whole system without --project.",
		func(ctx context.Context, client *admin.Client, a lb.Assignment) error {
			_, _, err := client.Change(ctx, lb.Assign{Assignment: a})
			return err
		})
}

func (c *cli) roleRemove() *cobra.Command {
	return c.roleDo("remove", "Take a role from a user", "Take a role in a project, or in the whole system without --project, from a user.",
		func(ctx context.Context, client *admin.Client, a lb.Assignment) error {
			_, _, err := client.Change(ctx, lb.Unassign{Assignment: a})
			return err
		})
}

func (c *cli) roleDo(verb, short, long string, do func(context.Context, *admin.Client, lb.Assignment) error) *cobra.Command {
	var a lb.Assignment
	cmd := &cobra.Command{
		Use:     verb + " ROLE",
		Short:   short,
		Long:    long,
		Example: "  amphoractl role " + verb + " --user alice --project demo member",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := arguments("ROLE")(cmd, args); err != nil {
				return err
			}
			if a.UserID == "" {
				return errors.New("missing flag: --user")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.RoleID = args[0]
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error { return do(ctx, client, a) })
		},
	}
	refFlag(cmd.Flags(), &a.UserID, "user", "user", "whose (required)")
	refFlag(cmd.Flags(), &a.ProjectID, "project", "project", "where")
	return cmd
}

// roleAssignments lists who has which role where, by name.
func (c *cli) roleAssignments() *cobra.Command {
	var user, project string
	cmd := &cobra.Command{
		Use:     "assignments",
		Short:   "List who has which role where",
		Long:    "List which roles users have in projects, or in the whole system where no project is named.",
		Example: "  amphoractl role assignments --user alice",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				names, err := identityNames(ctx, client)
				if err != nil {
					return err
				}
				var all []record
				for r, err := range client.Assignments.In(user).Of(project).List(ctx) {
					if err != nil {
						return err
					}
					a := r.Value
					all = append(all, record{
						{"user", names(a.UserID)},
						{"project", optional(names(a.ProjectID))},
						{"role", names(a.RoleID)},
						{"user_id", a.UserID},
						{"project_id", optional(a.ProjectID)},
						{"role_id", a.RoleID},
					})
				}
				return c.output.printAll(c.stdout, []string{"user", "project", "role"}, all)
			})
		},
	}
	refFlag(cmd.Flags(), &user, "user", "user", "only those of this user")
	refFlag(cmd.Flags(), &project, "project", "project", "only those in this project")
	return cmd
}

// identityNames returns what tells the name of a user, project or role by its id.
func identityNames(ctx context.Context, client *admin.Client) (func(id string) string, error) {
	names := map[string]string{}
	for r, err := range client.Users.List(ctx) {
		if err != nil {
			return nil, err
		}
		names[r.Value.ID] = r.Value.Name
	}
	for r, err := range client.Projects.List(ctx) {
		if err != nil {
			return nil, err
		}
		names[r.Value.ID] = r.Value.Name
	}
	for r, err := range client.Roles.List(ctx) {
		if err != nil {
			return nil, err
		}
		names[r.Value.ID] = r.Value.Name
	}
	return func(id string) string {
		if name, ok := names[id]; ok {
			return name
		}
		return id
	}, nil
}
