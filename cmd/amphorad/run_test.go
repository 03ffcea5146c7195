package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// envMain makes the test binary amphorad itself, so that run can start itself again.
const envMain = "AMPHORAD_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(envMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// daemon is amphorad as a process.
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu     sync.Mutex
	output bytes.Buffer // guarded by mu
}

func (d *daemon) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.output.Write(p)
}

func (d *daemon) log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.output.String()
}

// startRun starts amphorad run with a witness's configuration in dir.
func startRun(t *testing.T, dir string, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, done: make(chan struct{})}
	d.cmd = exec.Command(os.Args[0], append([]string{"run", "--config", filepath.Join(dir, "amphorad.toml")}, args...)...)
	d.cmd.Env = append(os.Environ(), envMain+"=1")
	d.cmd.Stdout, d.cmd.Stderr = d, d
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.cmd.Wait(); close(d.done) }()
	t.Cleanup(func() {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // whatever it is doing
		<-d.done
	})
	return d
}

func (d *daemon) logged(text string, times int) {
	d.t.Helper()
	testenv.Eventually(d.t, 20*time.Second, func() error {
		log := d.log()
		if strings.Count(log, text) >= times {
			return nil
		}
		select {
		case <-d.done:
			d.t.Fatalf("it ended with %d:\n%s", d.cmd.ProcessState.ExitCode(), log)
		default:
		}
		return fmt.Errorf("%q is not there %d times:\n%s", text, times, log)
	})
}

func (d *daemon) ended(code int) {
	d.t.Helper()
	select {
	case <-d.done:
		if got := d.cmd.ProcessState.ExitCode(); got != code {
			d.t.Errorf("it ended with %d, want %d:\n%s", got, code, d.log())
		}
	case <-time.After(20 * time.Second):
		d.t.Fatalf("it does not end:\n%s", d.log())
	}
}

// children are the processes that it has started and that run.
func (d *daemon) children() []int {
	d.t.Helper()
	pid := d.cmd.Process.Pid
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		d.t.Fatal(err)
	}
	var pids []int
	for _, path := range tasks {
		data, _ := os.ReadFile(path) // a thread that is gone has none
		for _, f := range strings.Fields(string(data)) {
			n, err := strconv.Atoi(f)
			if err != nil {
				d.t.Fatal(err)
			}
			pids = append(pids, n)
		}
	}
	return pids
}

// witness writes the configuration of a node that needs no privileges.
func witness(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	config := fmt.Sprintf("name = \"w\"\nrole = \"witness\"\ndata_dir = %q\n[cluster]\nlisten = %q\ngossip = %q\nvoters = [\"w\"]\n[admin]\nsocket = %q\n[api]\nlisten = \"\"\n",
		filepath.Join(dir, "data"), freeAddr(t), freeAddr(t), filepath.Join(dir, "admin.sock"))
	if err := os.WriteFile(filepath.Join(dir, "amphorad.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// freeAddr finds an address with a port that nobody uses now.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func answers(dir string) error {
	conn, err := net.Dial("unix", filepath.Join(dir, "admin.sock"))
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestRunRestartsItsWorker(t *testing.T) {
	dir := witness(t)
	d := startRun(t, dir)
	d.logged("node running", 1)
	workers := d.children()
	if len(workers) != 1 {
		t.Fatalf("children %v, want the worker", workers)
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", workers[0])); err != nil || string(name) != "amphorad-worker\n" {
		t.Errorf("people see the worker as %q, %v", name, err)
	}
	// Only what came to be ready is started again.
	testenv.Eventually(t, 20*time.Second, func() error { return answers(dir) })
	if err := syscall.Kill(workers[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.logged("node running", 2)
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.ended(0)
	d.logged("node stopped", 1)
}

// A terminal sends its signals to both processes, and so does systemd.
func TestRunStopsOnceThoughBothAreTold(t *testing.T) {
	d := startRun(t, witness(t))
	d.logged("node running", 1)
	for _, pid := range d.children() {
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	d.ended(0)
	d.logged("node stopped", 1)
}

func TestRunSaysOnceWhyItCannotStart(t *testing.T) {
	dir := witness(t)
	if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o600); err != nil { // a file where the worker wants a directory
		t.Fatal(err)
	}
	d := startRun(t, dir)
	d.ended(1)
	if n := strings.Count(d.log(), "data_dir"); n != 1 {
		t.Errorf("the reason is there %d times:\n%s", n, d.log())
	}
}

func TestRunAlone(t *testing.T) {
	d := startRun(t, witness(t), "--no-supervisor")
	d.logged("node running", 1)
	if pids := d.children(); len(pids) > 0 {
		t.Errorf("it has children: %v", pids)
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.ended(0)
}

// A worker whose supervisor was killed must leave the field to the next.
func TestRunEndsWithItsSupervisor(t *testing.T) {
	dir := witness(t)
	d := startRun(t, dir)
	d.logged("node running", 1)
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Wait returns when the worker too has closed its output.
	<-d.done
	if !strings.Contains(d.log(), "the supervisor is gone") {
		t.Errorf("its last words:\n%s", d.log())
	}
	if err := answers(dir); err == nil {
		t.Error("it still answers")
	}
}
