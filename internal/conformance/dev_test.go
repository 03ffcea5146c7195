package conformance

import (
	"bytes"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// build makes a program of this module.
func build(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", path, "github.com/amphora-lb/amphora/cmd/"+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// startDev runs one node as a developer would, where everybody is an administrator.
func startDev(t testing.TB) *target {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatalf("find a port: %v", err)
	}
	dir := t.TempDir()
	cmd := exec.Command(build(t, "amphorad"), "dev", "--data-dir", dir, "--socket", filepath.Join(dir, "admin.sock"), "--api", "127.0.0.1:"+strconv.Itoa(port))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start(t, cmd, &out)
	target := newTarget("http://127.0.0.1:" + strconv.Itoa(port))
	testenv.Eventually(t, time.Minute, target.answers)
	for _, c := range []call{
		{method: http.MethodPost, path: ".0/networks", body: object{"network": object{"name": "public"}}, save: "network"},
		{method: http.MethodPost, path: ".0/subnets", body: object{"subnet": object{"name": "public", "network_id": "{network}", "cidr": "192.0.2.0/24", "ip_version": 4}}, save: "subnet4"},
	} {
		if r, err := target.send(c); err != nil || r.Status != http.StatusCreated {
			t.Fatalf("make a subnet: %d %s %v", r.Status, r.text, err)
		}
	}
	return target
}
