package conformance

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// pair is two amphorae and a witness in a lab, with an administrator who has a project.
type pair struct {
	*chaos.Cluster
	ctx context.Context
}

const (
	adminUser     = "admin"
	adminPassword = "correct horse battery staple"
	adminProject  = "demo"
)

func newPair(t *testing.T) *pair {
	t.Helper()
	testenv.RequireRoot(t)
	bin := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", bin+"/", "github.com/amphora-lb/amphora/cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c, err := chaos.NewClusterWith(chaos.ClusterConfig{Bin: bin, API: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Logs())
		}
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	p := &pair{c, ctx}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	p.ready(t)
	p.ctl(t, "subnet", "create", "--name", "public", "--cidr", "192.0.2.0/24", "--allocation-pool", "start=192.0.2.100,end=192.0.2.199")
	p.ctl(t, "project", "create", adminProject)
	p.ctlWith(t, adminPassword+"\n", "user", "create", adminUser, "--password-stdin")
	p.ctl(t, "role", "add", "admin", "--user", adminUser, "--project", adminProject)
	return p
}

// ctl runs amphoractl on the first node.
func (p *pair) ctl(t *testing.T, args ...string) string {
	t.Helper()
	return p.ctlWith(t, "", args...)
}

func (p *pair) ctlWith(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := p.CtlWith(p.ctx, "amphora-1", stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// openrc is the environment that a node tells its operator to source.
func (p *pair) openrc(t *testing.T, node string) (env []string) {
	t.Helper()
	text, err := p.CtlWith(p.ctx, node, "", "openrc", "--user", adminUser, "--project", adminProject)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("bash", "-c", "set -a; unset ${!OS_*}; eval \"$1\"; env", "bash", text).Output()
	if err != nil {
		t.Fatalf("source %s: %v", text, err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "OS_") {
			env = append(env, strings.TrimSpace(line))
		}
	}
	if len(env) < 5 {
		t.Fatalf("openrc sets no more than %q:\n%s", env, text)
	}
	return append(env, "OS_PASSWORD="+adminPassword)
}

// movedFrom returns nil when another node than that has the VIP.
func (p *pair) movedFrom(node string, vip netip.Addr) error {
	holder, err := p.Holder(vip)
	if err == nil && holder == node {
		err = fmt.Errorf("%s still has %s", node, vip)
	}
	return err
}

// holderOf is the node that has a VIP.
func (p *pair) holderOf(t *testing.T, vip string) (holder string) {
	t.Helper()
	addr, err := netip.ParseAddr(vip)
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 10*time.Second, func() (err error) { holder, err = p.Holder(addr); return err })
	return holder
}

// ready waits until all is well.
func (p *pair) ready(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, 30*time.Second, func() error { return p.Ready(p.ctx) })
}

// fetch asks a URL from the client's host and returns the body.
func (p *pair) fetch(url string) (string, error) {
	cmd := exec.CommandContext(p.ctx, "/usr/bin/python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())", url)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := p.Client().Start(cmd); err != nil {
		return "", err
	}
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("get %s: %w: %s", url, err, tail(out.String(), 300))
	}
	return strings.TrimSpace(out.String()), nil
}

// alternates returns nil when the members take turns to answer for the VIP.
func (p *pair) alternates(vip netip.Addr) error {
	var last string
	for i := range 4 {
		name, err := p.fetch("http://" + vip.String() + "/")
		if err != nil {
			return err
		}
		if i > 0 && name == last {
			return fmt.Errorf("%s answered twice", name)
		}
		last = name
	}
	return nil
}
