package conformance

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

//go:embed oracle
var oracleFiles embed.FS

// startOracle runs Octavia's API: Debian's python3-octavia on SQLite, with its own worker
// in the same process and drivers that do nothing. It ends with the test.
func startOracle(t testenv.TB, dir string) *target {
	t.Helper()
	testenv.RequireDebian(t, "/usr/lib/python3/dist-packages/octavia/api/app.py", "python3-octavia")
	port, err := freePort()
	if err != nil {
		t.Fatalf("find a port: %v", err)
	}
	if err := prepareOracle(dir, port); err != nil {
		t.Fatalf("prepare Octavia: %v", err)
	}
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", filepath.Join(dir, "oracle.py"), "--config-file", filepath.Join(dir, "octavia.conf"))
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	start(t, cmd, &out)
	target := newTarget("http://127.0.0.1:" + strconv.Itoa(port))
	testenv.Eventually(t, time.Minute, target.answers)
	target.settling = target.base + "/settled"
	target.knows("subnet4", "11111111-1111-4111-8111-111111111111") // its network driver takes any id
	return target
}

// prepareOracle writes what Octavia needs into dir.
func prepareOracle(dir string, port int) error {
	template, err := oracleFiles.ReadFile("oracle/octavia.conf.in")
	if err != nil {
		return err
	}
	program, err := oracleFiles.ReadFile("oracle/oracle.py")
	if err != nil {
		return err
	}
	conf := strings.NewReplacer("@DIR@", dir, "@PORT@", strconv.Itoa(port)).Replace(string(template))
	certs := filepath.Join(dir, "certs")
	err = errors.Join(os.MkdirAll(certs, 0o700),
		os.WriteFile(filepath.Join(dir, "octavia.conf"), []byte(conf), 0o600),
		os.WriteFile(filepath.Join(dir, "oracle.py"), program, 0o600))
	if err != nil {
		return err
	}
	for _, cmd := range []*exec.Cmd{
		exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", filepath.Join(certs, "ca.key"),
			"-out", filepath.Join(certs, "ca.pem"), "-days", "2", "-subj", "/CN=oracle"),
		exec.Command("/usr/bin/python3", "-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode=wal')",
			filepath.Join(dir, "octavia.sqlite")),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
		}
	}
	return nil
}

// start runs a program until the test ends, and prints what it said if the test failed.
func start(t testenv.TB, cmd *exec.Cmd, out *bytes.Buffer) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %v: %v", cmd.Args, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended; Wait tells
		_ = cmd.Wait()         // killed
		if f, ok := t.(interface{ Failed() bool }); ok && f.Failed() {
			t.Errorf("%s said:\n%s", cmd.Args[0], tail(out.String(), 4000))
		}
	})
}

// answers returns nil once the API answers.
func (t *target) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.base+"/", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("GET / answers %s", resp.Status), err)
	}
	return nil
}

// freePort finds a TCP port that nobody has on loopback.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
