package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/chaos"
)

// The instruments are this program too, started on hosts of the lab: a process
// in a namespace opens its sockets there without a thread for each, and its
// timing does not depend on what the bench does. They run until their standard
// input ends, so none outlives the bench.
const (
	clientInstrument = "client" // see runClient
	watchInstrument  = "watch"  // see runWatch
	burnInstrument   = "burn"   // uses a CPU
	checkInstrument  = "check"  // is VRRP's check script: see runCheck
)

// serveInstrument is main for an instrument.
func serveInstrument(name string, args ...string) error {
	if want := map[string]int{clientInstrument: 2, watchInstrument: 2, burnInstrument: 0, checkInstrument: 1}[name]; len(args) != want {
		return fmt.Errorf("be a %s: %d arguments, want %d", name, len(args), want)
	}
	if name == checkInstrument {
		return runCheck(args[0])
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends, by an error or not, with the bench
		cancel()
	}()
	if name == burnInstrument {
		burn(ctx)
		return nil
	}
	if err := raisePriority(); err != nil {
		return err
	}
	switch name {
	case clientInstrument:
		every, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		return runClient(ctx, args[0], every, os.Stdout)
	case watchInstrument:
		self, err := netip.ParseAddr(args[0])
		if err != nil {
			return err
		}
		vip, err := netip.ParseAddr(args[1])
		if err != nil {
			return err
		}
		return runWatch(ctx, link, self, vip, os.Stdout)
	default:
		return fmt.Errorf("-instrument: no %q", name)
	}
}

// raisePriority puts the instrument before everything that is measured: one that waits
// for the CPU takes that for an outage. Only threads to come inherit it (sched(7)), so
// the program starts itself again.
func raisePriority() error {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return fmt.Errorf("read priority: %w", err)
	}
	if attr.Policy == unix.SCHED_FIFO {
		return nil
	}
	runtime.LockOSThread() // execve keeps the attributes of the thread that calls it
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0); err != nil {
		return fmt.Errorf("raise priority: %w", err)
	}
	return fmt.Errorf("start again: %w", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// burn uses one CPU until ctx ends.
func burn(ctx context.Context) {
	for x := uint64(1); ; {
		for range 1 << 20 {
			x = x*6364136223846793005 + 1442695040888963407
		}
		if ctx.Err() != nil || x == 0 {
			return
		}
	}
}

// instrument is a running one, and the lines that it has printed, each as a T.
type instrument[T any] struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // closed when its output has ended

	mu    sync.Mutex
	lines []T   // guarded by mu
	err   error // guarded by mu: a line that could not be read
}

// startInstrument starts one on a host.
func startInstrument[T any](h *chaos.Host, parse func(string) (T, error), name string, args ...string) (*instrument[T], error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the bench itself: %w", err)
	}
	i := &instrument[T]{done: make(chan struct{})}
	i.cmd = exec.Command(self, append([]string{"-instrument", name}, args...)...)
	i.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench
	i.cmd.Stderr = os.Stderr
	stdin, err := i.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	i.stdin = stdin
	stdout, err := i.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := h.Start(i.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go i.read(stdout, parse)
	return i, nil
}

func (i *instrument[T]) read(stdout io.Reader, parse func(string) (T, error)) {
	defer close(i.done)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		v, err := parse(lines.Text())
		i.mu.Lock()
		i.lines = append(i.lines, v)
		i.err = errors.Join(i.err, err)
		i.mu.Unlock()
	}
}

// soFar returns what it has printed yet.
func (i *instrument[T]) soFar() []T {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.lines)
}

// stop ends it and returns all that it has printed.
func (i *instrument[T]) stop() ([]T, error) {
	_ = i.stdin.Close() // it may have ended already: Wait tells
	<-i.done
	err := i.cmd.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := errors.Join(err, i.err); err != nil {
		return nil, fmt.Errorf("instrument %v: %w", i.cmd.Args[2:], err)
	}
	return i.lines, nil
}
