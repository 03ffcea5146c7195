package conformance

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/amphora-lb/amphora/internal/testenv"
)

//go:embed osc/driver.py
var oscDriver string

// osc is the openstack command, ready to be typed.
type osc struct {
	stdin io.Writer
	lines *bufio.Scanner
}

// startOSC starts Debian's openstack client with that environment, on a host of
// which run starts programs; nil: here.
func startOSC(t testenv.TB, run func(*exec.Cmd) error, env ...string) *osc {
	t.Helper()
	testenv.RequireDebian(t, "/usr/lib/python3/dist-packages/openstackclient/shell.py", "python3-openstackclient")
	testenv.RequireDebian(t, "/usr/lib/python3/dist-packages/octaviaclient/__init__.py", "python3-octaviaclient")
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", "-c", oscDriver)
	cmd.Env = append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("start the openstack client: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start the openstack client: %v", err)
	}
	if run == nil {
		run = (*exec.Cmd).Start
	}
	if err := run(cmd); err != nil {
		t.Fatalf("start the openstack client: %v", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // its end
		if err := cmd.Wait(); err != nil {
			t.Errorf("the openstack client: %v\n%s", err, tail(said.String(), 2000))
		}
	})
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 8<<20)
	return &osc{stdin, lines}
}

// typed is what came of a command.
type typed struct {
	Status int    `json:"status"`
	Output string `json:"output"`
}

// run types `openstack args...`.
func (o *osc) run(args ...string) (typed, error) {
	line, err := json.Marshal(args)
	if err != nil {
		return typed{}, err
	}
	if _, err := fmt.Fprintln(o.stdin, string(line)); err != nil {
		return typed{}, fmt.Errorf("type openstack %v: %w", args, err)
	}
	if !o.lines.Scan() {
		return typed{}, fmt.Errorf("openstack %v: no answer: %w", args, o.lines.Err())
	}
	var a typed
	if err := json.Unmarshal(o.lines.Bytes(), &a); err != nil {
		return typed{}, fmt.Errorf("openstack %v: read answer %q: %w", args, o.lines.Text(), err)
	}
	return a, nil
}
