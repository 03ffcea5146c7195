package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// The test binary is also the worker, and in one test the supervisor, of the tests
// with real processes. These variables tell it its part.
const (
	envPart = "SUPERVISE_TEST_PART" // worker parts below, or "supervisor"
	envDir  = "SUPERVISE_TEST_DIR"
	envPeer = "SUPERVISE_TEST_PEER"
)

func TestMain(m *testing.M) {
	if part := os.Getenv(envPart); part != "" {
		os.Exit(play(part, os.Getenv(envDir)))
	}
	os.Exit(m.Run())
}

const testTerm = 7

// play is a process of its own.
func play(part, dir string) int {
	if fd := os.Getenv(EnvFD); fd != "" {
		return work(part, dir, fd)
	}
	// The test of a supervisor that is killed.
	err := Run(context.Background(), Config{
		Args: os.Args, Env: os.Environ(),
		OpenFloor: func(string) (Floor, error) { return nil, errors.ErrUnsupported },
		Release:   func(string) (int, error) { return 0, nil },
	})
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// work is a worker that holds a term.
func work(part, dir, fd string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	freeze := make(chan os.Signal, 1)
	signal.Notify(freeze, syscall.SIGUSR1)
	fmt.Println("hello from the worker")
	if part == "refuse" {
		fmt.Fprintln(os.Stderr, "worker: the configuration is wrong")
		return 3
	}
	p, err := Attach(fd)
	if err == nil {
		err = p.Describe(Settings{Limit: 80 * time.Millisecond, Interface: "eth0", Gate: "/pins"})
	}
	if err == nil {
		peer := netip.MustParseAddrPort(os.Getenv(envPeer))
		err = p.Publish(Will{Term: testTerm, Packets: []Packet{{To: peer, Data: []byte("will")}}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch part {
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
	case "stubborn":
		signal.Ignore(syscall.SIGABRT)
	case "packets":
		// Like the announcer's: the kernel takes its time to close it.
		if _, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0x0300); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	env := strings.Join(os.Environ(), "\n")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "env"), []byte(env), 0o600), note(dir, "pids", os.Getpid())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p.Beat()
	p.Ready()
	gone := make(chan error, 1)
	go func() { gone <- p.Run(context.Background()) }()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-tick.C:
			p.Beat()
		case <-freeze:
			select {} // and with it the beats
		case <-stop:
			_ = p.Publish(Will{})
			return 0
		case err := <-gone:
			_ = note(dir, "gone", err)
			return 0
		}
	}
}

// note appends a line to a file.
func note(dir, name string, what any) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, what)
	return errors.Join(err, f.Close())
}

// rig is a supervisor in this process with a worker as its child.
type rig struct {
	t       testing.TB
	dir     string
	peer    *net.UDPConn // gets the wills
	signals chan os.Signal
	ended   chan error

	mu    sync.Mutex
	calls []call          // guarded by mu
	log   strings.Builder // guarded by mu
}

type call struct {
	name string
	at   time.Time
}

func (r *rig) did(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call{name, time.Now()})
}

// Write takes the supervisor's log.
func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

// logged waits until the log holds a text.
func (r *rig) logged(text string) {
	r.t.Helper()
	testenv.Eventually(r.t, 10*time.Second, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !strings.Contains(r.log.String(), text) {
			return fmt.Errorf("no %q in the log:\n%s", text, &r.log)
		}
		return nil
	})
}

func (r *rig) Raise(term uint64) error { r.did(fmt.Sprint("raise ", term)); return nil }
func (r *rig) Close() error            { return nil }

// start starts a supervisor; adjust may change its configuration.
func start(t testing.TB, part string, adjust func(*Config)) *rig {
	t.Helper()
	peer, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: t.TempDir(), peer: peer, signals: make(chan os.Signal, 8), ended: make(chan error, 1)}
	output, err := os.Create(filepath.Join(r.dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Args: os.Args[:1], Env: r.env(part), Stdout: output, Stderr: output, Signals: r.signals,
		OpenFloor: func(gate string) (Floor, error) { r.did("open " + gate); return r, nil },
		Release:   func(iface string) (int, error) { r.did("release " + iface); return 1, nil },
		Logger:    slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if adjust != nil {
		adjust(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { r.ended <- Run(ctx, cfg); close(r.ended) })
	loops.Go(func() {
		buf := make([]byte, 100)
		for {
			n, err := peer.Read(buf)
			if err != nil {
				return
			}
			r.did("got " + string(buf[:n]))
		}
	})
	t.Cleanup(func() {
		cancel()
		r.signals <- syscall.SIGTERM // one of the two is the second
		_ = peer.Close()
		loops.Wait()
		_ = output.Close()
	})
	return r
}

func (r *rig) env(part string) []string {
	return append(os.Environ(), envPart+"="+part, envDir+"="+r.dir, envPeer+"="+r.peer.LocalAddr().String(), "GOTRACEBACK=all")
}

// worker waits for the n-th worker, from 1 on, and returns its process.
func (r *rig) worker(n int) *os.Process {
	r.t.Helper()
	var proc *os.Process
	testenv.Eventually(r.t, 10*time.Second, func() error {
		data, err := os.ReadFile(filepath.Join(r.dir, "pids"))
		pids := strings.Fields(string(data))
		if err != nil || len(pids) < n {
			return fmt.Errorf("%d workers have started: %w", len(pids), err)
		}
		pid, err := strconv.Atoi(pids[n-1])
		if err != nil {
			return err
		}
		proc, err = os.FindProcess(pid)
		return err
	})
	return proc
}

// await waits until each call was made so often, in the order of their first ones.
func (r *rig) await(want ...string) {
	r.t.Helper()
	testenv.Eventually(r.t, 10*time.Second, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		last := -1
		for _, w := range want {
			at := slices.IndexFunc(r.calls, func(c call) bool { return c.name == w })
			if at <= last {
				return fmt.Errorf("no %q in its place of %v", w, r.calls)
			}
			last = at
		}
		return nil
	})
}

func (r *rig) count(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, c := range r.calls {
		if c.name == name {
			n++
		}
	}
	return n
}

// gotWills waits for all copies of the will.
func (r *rig) gotWills() {
	r.t.Helper()
	testenv.Eventually(r.t, 10*time.Second, func() error {
		if n := r.count("got will"); n != copies {
			return fmt.Errorf("%d copies of the will have come, want %d", n, copies)
		}
		return nil
	})
}

func (r *rig) output() string {
	data, err := os.ReadFile(filepath.Join(r.dir, "output"))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

// end waits for the end of the supervisor.
func (r *rig) end() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(10 * time.Second):
		r.t.Fatal("the supervisor does not end")
		return nil
	}
}

func (r *rig) signal(p *os.Process, sig syscall.Signal) {
	r.t.Helper()
	if err := p.Signal(sig); err != nil {
		r.t.Fatalf("send %v: %v", sig, err)
	}
}
