package main

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// run runs a command line without a process.
func run(ctx context.Context, args ...string) (stdout string, err error) {
	var out bytes.Buffer
	cmd := command(&env{stdout: &out, stderr: &out, getenv: func(string) string { return "" }})
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(ctx)
	return out.String(), err
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	var check func(*cobra.Command)
	check = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" || c.HasParent() && c.Parent().Name() == "completion" {
			return // cobra's own
		}
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s: short, long and example must be there", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(command(&env{}))
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"run", "--nonsense"},
		{"run", "extra"},
		{"nonsense"},
		{"dev", "--bind", "here"},
	} {
		_, err := run(t.Context(), args...)
		if err == nil || exitCode(err) != 2 {
			t.Errorf("amphorad %s: got %v with exit code %d, want a usage error with 2", strings.Join(args, " "), err, exitCode(err))
		}
	}
	if code := exitCode(errors.New("broken")); code != 1 {
		t.Errorf("an ordinary error ends with %d, want 1", code)
	}
}

func TestCheckConfig(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		t.Helper()
		path := filepath.Join(dir, "amphorad.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const witness = "name = \"w\"\nrole = \"witness\"\n[cluster]\nlisten = \"127.0.0.1:7480\"\ngossip = \"127.0.0.1:7481\"\n"
	path := write(witness)
	out, err := run(t.Context(), "check-config", "--config", path)
	if err != nil || !strings.Contains(out, `good: witness "w"`) {
		t.Errorf("got %q, %v", out, err)
	}
	write(witness + "porst = 1\n")
	if _, err := run(t.Context(), "check-config", "-c", path); err == nil || !strings.Contains(err.Error(), path+": line 6: cluster.porst: unknown key") {
		t.Errorf("got %v, want the file, the line and the key", err)
	}
	if _, err := run(t.Context(), "check-config", "-c", filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v, want the missing file named", err)
	}
}

// TestCheckConfigLooksAtTheHost names the gate that there would be, and what else is
// to be known.
func TestCheckConfigLooksAtTheHost(t *testing.T) {
	testenv.RequireRoot(t)
	n, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := errors.Join(netns.Veth(n, "eth0", n, "eth1"), n.Up("eth0", "eth1")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, key := filepath.Join(dir, "amphorad.toml"), filepath.Join(dir, "cluster.key")
	text := "name = \"a\"\n[cluster]\nlisten = \"127.0.0.1:7480\"\ngossip = \"127.0.0.1:7481\"\nkey_file = \"" + key + "\"\n[vip]\ninterface = \"eth0\"\n"
	for _, tc := range []struct{ more, warning string }{
		{"", ""},
		{"unsafe_no_gate = true\n", path + ": warning: vip.unsafe_no_gate is set"},
	} {
		if err := errors.Join(os.WriteFile(key, []byte("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n"), 0o600), os.WriteFile(path, []byte(text+tc.more), 0o600)); err != nil {
			t.Fatal(err)
		}
		var out string
		err := n.Do(func() (err error) {
			out, err = run(t.Context(), "check-config", "--config", path)
			return err
		})
		if err != nil || !strings.Contains(out, `good: amphora "a"`) || !strings.Contains(out, tc.warning) || tc.warning == "" && strings.Contains(out, "warning") {
			t.Errorf("with %q: got %q, %v", tc.more, out, err)
		}
	}
	// The host itself would answer also when its cable is out.
	if err := errors.Join(n.AddAddr("eth0", netip.MustParsePrefix("192.0.2.50/24")), os.WriteFile(path, []byte(text+"gateways = [\"192.0.2.50\"]\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	err = n.Do(func() error { _, err := run(t.Context(), "check-config", "--config", path); return err })
	if err == nil || !strings.Contains(err.Error(), "192.0.2.50 is an address of this host") {
		t.Errorf("with an own address as gateway: got %v", err)
	}
}

// TestDevStopsInOrder starts development mode and ends it as Ctrl-C does.
func TestDevStopsInOrder(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	socket := filepath.Join(t.TempDir(), "admin.sock")
	out := &notifier{text: "AMPHORA_SOCKET", seen: make(chan struct{})}
	cmd := command(&env{stdout: out, stderr: out, getenv: os.Getenv})
	cmd.SetArgs([]string{"dev", "--socket", socket, "--api", "127.0.0.1:0"})
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	select {
	case <-out.seen:
	case err := <-done:
		t.Fatalf("it ended: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// notifier closes seen once text has been written to it.
type notifier struct {
	text string
	seen chan struct{}
	done bool
}

func (n *notifier) Write(p []byte) (int, error) {
	if !n.done && strings.Contains(string(p), n.text) {
		n.done = true
		close(n.seen)
	}
	return len(p), nil
}
