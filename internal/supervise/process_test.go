package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

func TestWorkerKilled(t *testing.T) {
	r := start(t, "hold", nil)
	r.signal(r.worker(1), syscall.SIGKILL)
	r.await("open /pins", "raise 8", "got will")
	r.await("raise 8", "release eth0")
	r.gotWills()
	r.worker(2)
	r.logged("reason=dying") // and not only when it had ended
	r.signals <- syscall.SIGTERM
	if err := r.end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if n := r.count("raise 8"); n != 1 {
		t.Errorf("the floor was raised %d times: also for a worker that had given its term up", n)
	}
	if out := r.output(); !strings.Contains(out, "hello from the worker\n") {
		t.Errorf("the worker's output is %q", out)
	}
}

func TestWorkerStopped(t *testing.T) {
	r := start(t, "hold", nil)
	p := r.worker(1)
	r.signal(p, syscall.SIGSTOP)
	r.await("open /pins", "raise 8", "got will")
	r.gotWills()
	r.logged("stopped by SIGSTOP")
	r.signal(p, syscall.SIGCONT)
	r.logged("worker continues")
	if data, err := os.ReadFile(filepath.Join(r.dir, "pids")); err != nil || len(strings.Fields(string(data))) != 1 {
		t.Errorf("workers %q, %v; want the one", data, err)
	}
	// Stopped again, it must still hear that it shall stop.
	r.signal(p, syscall.SIGSTOP)
	r.signals <- syscall.SIGINT
	if err := r.end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWorkerFrozen(t *testing.T) {
	for part, want := range map[string]string{"hold": "SIGABRT: abort", "stubborn": ""} {
		t.Run(part, func(t *testing.T) {
			r := start(t, part, func(c *Config) { c.Abort, c.Kill = 200*time.Millisecond, 100*time.Millisecond })
			r.signal(r.worker(1), syscall.SIGUSR1)
			r.await("open /pins", "raise 8", "got will")
			r.worker(2)
			if out := r.output(); !strings.Contains(out, want) {
				t.Errorf("the worker's last words are %q", out)
			}
		})
	}
}

func TestWorkerRefuses(t *testing.T) {
	r := start(t, "refuse", nil)
	err := r.end()
	if exit := (*ExitError)(nil); !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("it ended with %v, want exit code 3", err)
	}
	if want := "hello from the worker\nworker: the configuration is wrong\n"; r.output() != want {
		t.Errorf("output %q, want %q", r.output(), want)
	}
}

func TestWorkerDeaf(t *testing.T) {
	r := start(t, "deaf", nil)
	r.worker(1)
	r.signals <- syscall.SIGTERM
	r.signals <- syscall.SIGTERM
	err := r.end()
	if exit := (*ExitError)(nil); !errors.As(err, &exit) || exit.Code != 128+int(syscall.SIGKILL) {
		t.Errorf("it ended with %v, want 137", err)
	}
	r.await("raise 8", "got will")
}

func TestWorkerQuits(t *testing.T) {
	r := start(t, "hold", nil)
	r.worker(1)
	r.signals <- syscall.SIGQUIT
	r.worker(2)
	if out := r.output(); !strings.Contains(out, "SIGQUIT: quit") || !strings.Contains(out, "goroutine ") {
		t.Errorf("the worker's last words are %q", out)
	}
	r.await("raise 8", "got will")
}

// A worker without its supervisor would be alone with nobody to tell of its death.
func TestSupervisorKilled(t *testing.T) {
	r := &rig{t: t, dir: t.TempDir(), peer: nil}
	env := append(os.Environ(), envPart+"=hold", envDir+"="+r.dir, envPeer+"=127.0.0.1:9")
	super, err := os.StartProcess(os.Args[0], os.Args[:1], &os.ProcAttr{Env: env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		t.Fatal(err)
	}
	worker := r.worker(1)
	t.Cleanup(func() { _ = worker.Kill() })
	if err := super.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := super.Wait(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 10*time.Second, func() error {
		why, err := os.ReadFile(filepath.Join(r.dir, "gone"))
		if err != nil || !strings.Contains(string(why), ErrGone.Error()) {
			return fmt.Errorf("the worker says %q, %w", why, err)
		}
		return nil
	})
}

func TestSystemd(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := start(t, "hold", func(c *Config) {
		c.Env = append(c.Env, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=40000", fmt.Sprintf("WATCHDOG_PID=%d", os.Getpid()))
	})
	await := func(want string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for buf := make([]byte, 100); ; {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if string(buf[:n]) == want {
				return
			}
		}
	}
	await("READY=1")
	await("WATCHDOG=1")
	r.signals <- syscall.SIGTERM
	await("STOPPING=1")
	if err := r.end(); err != nil {
		t.Error(err)
	}
	env, err := os.ReadFile(filepath.Join(r.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if bytes.Contains(env, []byte(name)) {
			t.Errorf("the worker got %s", name)
		}
	}
}
