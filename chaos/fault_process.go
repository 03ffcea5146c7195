package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Half is a part of a running node. A node that runs as one process is hit as a
// whole, whichever half is meant.
type Half string

// The halves of a node.
const (
	Worker     Half = "worker"     // the child, which does the work
	Supervisor Half = "supervisor" // the process that was started
	Whole      Half = "whole"      // both, as nearly at one instant as can be
)

// KillNode ends a half of a node with SIGKILL. To heal it, the node is started
// again, as systemd would, if it does not run.
func (c *Cluster) KillNode(name string, half Half) Fault {
	n := c.node(name)
	return &simple{
		name: fmt.Sprintf("kill -9 %s of %s", half, n),
		do: func(ctx context.Context) error {
			if half == Whole {
				return n.killAll(ctx)
			}
			return n.signal(half, syscall.SIGKILL)
		},
		undo: func(ctx context.Context) error { return c.ensure(ctx, n) },
	}
}

// StopNode stops a half of a node with SIGSTOP. To heal it, it gets SIGCONT.
func (c *Cluster) StopNode(name string, half Half) Fault {
	n := c.node(name)
	return &simple{
		name: fmt.Sprintf("SIGSTOP %s of %s", half, n),
		do:   func(context.Context) error { return n.signal(half, syscall.SIGSTOP) },
		undo: func(ctx context.Context) error {
			return errors.Join(n.signal(Whole, syscall.SIGCONT), c.ensure(ctx, n))
		},
	}
}

// Restart ends the nodes named, all when none is, with SIGKILL at the same time.
// To heal it, they are started again.
func (c *Cluster) Restart(nodes ...string) Fault {
	hit := c.selected(nodes)
	names := make([]string, len(hit))
	for i, n := range hit {
		names[i] = n.name
	}
	return &simple{
		name: "kill -9 " + strings.Join(names, ", "),
		do: func(ctx context.Context) error {
			var errs []error
			for _, n := range hit {
				errs = append(errs, n.killAll(ctx))
			}
			return errors.Join(errs...)
		},
		undo: func(ctx context.Context) error {
			var errs []error
			for _, n := range hit {
				errs = append(errs, c.ensure(ctx, n))
			}
			return errors.Join(errs...)
		},
	}
}

// ensure starts a node that does not run, as systemd does with KillMode=
// control-group: a worker whose supervisor was killed is told to end, and gets
// some time for it.
func (c *Cluster) ensure(ctx context.Context, n *node) error {
	if n.serving() {
		return nil
	}
	if g := n.host.group; g != nil {
		pids, err := g.pids()
		if err != nil {
			return err
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGTERM) // or it has ended
		}
		wait, cancel := context.WithTimeout(ctx, stopLimit)
		defer cancel()
		if g.empty(wait) != nil {
			if err := errors.Join(g.kill(), g.empty(ctx)); err != nil {
				return err
			}
		}
	}
	return c.Start(n.name)
}

// stopLimit is how long a node may take to end in order.
const stopLimit = 10 * time.Second

// killAll ends everything on the node's host with SIGKILL at one stroke, as a
// power cut would, and waits until it has ended.
func (n *node) killAll(ctx context.Context) error {
	if !n.serving() {
		return nil
	}
	if n.host.group == nil {
		return n.daemon.kill()
	}
	if err := n.host.group.kill(); err != nil {
		return err
	}
	return errors.Join(n.daemon.killed(ctx), n.host.group.empty(ctx))
}

// signal sends a signal to a half of the node. Of both, the supervisor gets it
// first: it must not see what happens to its worker.
func (n *node) signal(half Half, sig syscall.Signal) error {
	if !n.serving() {
		return nil
	}
	pid := n.daemon.cmd.Process.Pid
	workers, err := children(pid)
	if err != nil {
		return err
	}
	var pids []int
	if half != Worker || len(workers) == 0 {
		pids = append(pids, pid)
	}
	if half != Supervisor {
		pids = append(pids, workers...)
	}
	var errs []error
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, fmt.Errorf("send %v to process %d of %s: %w", sig, pid, n, err))
		}
	}
	return errors.Join(errs...)
}

// children lists the children of a process.
func children(parent int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name, in brackets, may hold anything; state and parent follow.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) || fields[0] == "Z" {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if err != nil {
			return nil, fmt.Errorf("read process id from %s: %w", path, err)
		}
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids, nil
}
