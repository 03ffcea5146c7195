package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/rpc/admin"
)

func (c *cli) openrc() *cobra.Command {
	var user, project string
	var clouds bool
	cmd := &cobra.Command{
		Use:   "openrc",
		Short: "Print what OpenStack clients need to speak to this node",
		Long: `Print what bash sources so that OpenStack clients speak to the REST APIs of the node
that is asked. It asks for the password at a terminal unless OS_PASSWORD is set, so a
script sets that. Where nobody logs in, print what clients need for that. A certificate
that the host's authorities have not signed needs OS_CACERT too.`,
		Example: "  source <(amphoractl openrc --user alice --project demo)\n  amphoractl openrc --user alice --project demo --clouds-yaml > clouds.yaml",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				e, err := client.Endpoints(ctx)
				if err != nil {
					return err
				}
				if e.LoadBalancer == "" && e.Identity == "" {
					return errors.New("this node serves no REST API: set listen under [api] in its configuration")
				}
				if user != "" && project == "" {
					if project, err = defaultProject(ctx, client, user); err != nil {
						return err
					}
				}
				if clouds {
					return cloudsYAML(c.stdout, e, user, project)
				}
				return exports(c.stdout, e, user, project)
			})
		},
	}
	refFlag(cmd.Flags(), &user, "user", "user", "who logs in; by default the client is asked for nothing, or asks")
	refFlag(cmd.Flags(), &project, "project", "project", "where; by default the user's own project")
	cmd.Flags().BoolVar(&clouds, "clouds-yaml", false, "print a clouds.yaml instead")
	return cmd
}

// defaultProject is the name of a user's project, "" if there is none.
func defaultProject(ctx context.Context, client *admin.Client, user string) (string, error) {
	u, err := client.Users.Get(ctx, user)
	if err != nil || u.Value.DefaultProjectID == "" {
		return "", err
	}
	p, err := client.Projects.Get(ctx, u.Value.DefaultProjectID)
	if err != nil {
		return "", err
	}
	return p.Value.Name, nil
}

// variable is one line of what a shell sources.
type variable struct{ name, value string }

// exports prints shell commands. Where there is no identity service, the client needs no
// token, and one endpoint answers for all services.
func exports(w io.Writer, e admin.Endpoints, user, project string) error {
	all := []variable{{"OS_AUTH_TYPE", "none"}, {"OS_ENDPOINT", e.LoadBalancer}}
	if e.Identity != "" {
		all = []variable{
			{"OS_AUTH_TYPE", "password"},
			{"OS_AUTH_URL", e.Identity},
			{"OS_IDENTITY_API_VERSION", "3"},
			{"OS_USERNAME", user},
			{"OS_USER_DOMAIN_NAME", "Default"},
			{"OS_PROJECT_NAME", project},
			{"OS_PROJECT_DOMAIN_NAME", "Default"},
			{"OS_INTERFACE", "public"},
		}
	}
	all = append(all, variable{"OS_REGION_NAME", e.Region})
	for _, v := range all {
		if v.value == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "export %s=%s\n", v.name, shellQuote(v.value)); err != nil {
			return err
		}
	}
	if e.Identity == "" {
		return nil
	}
	_, err := io.WriteString(w, askPassword)
	return err
}

// askPassword asks a person, and leaves a script alone. What clients need where nobody
// logs in would lead them astray here.
const askPassword = `unset OS_ENDPOINT OS_TOKEN
if [ -z "${OS_PASSWORD:-}" ] && [ -t 0 ]; then
	printf 'Password of %s: ' "${OS_USERNAME:-the user}" >&2
	IFS= read -rs OS_PASSWORD
	printf '\n' >&2
fi
if [ -n "${OS_PASSWORD:-}" ]; then export OS_PASSWORD; fi
`

// shellQuote is s as one word of a shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func cloudsYAML(w io.Writer, e admin.Endpoints, user, project string) error {
	cloud := record{}
	if e.Identity != "" {
		auth := record{{"auth_url", e.Identity}}
		if user != "" {
			auth = append(auth, field{"username", user})
		}
		if project != "" {
			auth = append(auth, field{"project_name", project})
		}
		auth = append(auth, field{"user_domain_name", "Default"}, field{"project_domain_name", "Default"})
		cloud = append(cloud, field{"auth_type", "v3password"}, field{"auth", auth}, field{"identity_api_version", 3})
	} else {
		cloud = append(cloud, field{"auth_type", "none"}, field{"auth", record{{"endpoint", e.LoadBalancer}}})
	}
	if e.Region != "" {
		cloud = append(cloud, field{"region_name", e.Region})
	}
	return printYAML(w, record{{"clouds", record{{"amphora", cloud}}}})
}
