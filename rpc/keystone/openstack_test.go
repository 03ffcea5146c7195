package keystone

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// TestOpenStackClient types what an operator would, with the client that Debian ships.
func TestOpenStackClient(t *testing.T) {
	testenv.RequireDebian(t, "/usr/bin/openstack", "python3-openstackclient")
	w := newWorld(t)
	run := func(want string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/usr/bin/openstack", args...)
		cmd.Env = append(os.Environ(),
			"OS_AUTH_URL="+w.url+IdentityPath+"/v3", "OS_USERNAME=root", "OS_PASSWORD=root", "OS_PROJECT_NAME=admin",
			"OS_USER_DOMAIN_NAME=Default", "OS_PROJECT_DOMAIN_NAME=Default", "OS_IDENTITY_API_VERSION=3",
		)
		out, err := cmd.CombinedOutput()
		failed := err != nil
		if refusal, ok := strings.CutPrefix(want, "! "); failed != ok || !strings.Contains(string(out), refusal) {
			t.Errorf("openstack %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, want)
		}
	}
	run(w.root, "token", "issue", "-f", "value", "-c", "user_id")
	run("load-balancer", "catalog", "list")
	run("shop", "project", "create", "shop", "--domain", "Default", "-f", "value", "-c", "name")
	run("! must be unique", "project", "create", "shop")
	run("bob", "user", "create", "bob", "--password", "secret", "--project", "shop", "-f", "value", "-c", "name")
	run("", "role", "add", "--user", "bob", "--project", "shop", "member")
	run("shop@Default", "role", "assignment", "list", "--user", "bob", "--names")
	run("member", "--os-username", "bob", "--os-password", "secret", "--os-project-name", "shop", "token", "issue", "-f", "json", "--debug")
	run("! 401", "--os-username", "bob", "--os-password", "wrong", "--os-project-name", "shop", "token", "issue")
	run("! 403", "--os-username", "bob", "--os-password", "secret", "--os-project-name", "shop", "user", "list")
	run("", "role", "remove", "--user", "bob", "--project", "shop", "member")
	run("", "user", "delete", "bob")
	run("", "project", "delete", "shop")
	run("! No project", "project", "show", "shop")
}
