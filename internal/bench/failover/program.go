package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/chaos"
)

// program is one that runs on a host of the lab.
type program struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// startProgram starts one. What it prints is appended to log.
func startProgram(h *chaos.Host, log string, argv ...string) (*program, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", argv[0], err)
	}
	defer out.Close() // the program has its own
	p := &program{cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench
	if err := h.Start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

func (p *program) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends a signal to the program alone, not to its children.
func (p *program) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to %s: %w", s, p.cmd.Path, err)
	}
	return nil
}

// ended waits until the program has ended.
func (p *program) ended(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", p.cmd.Path, ctx.Err())
	}
}

// end asks the program to end, waits, and kills it when that takes too long.
func (p *program) end() error {
	if !p.running() {
		return nil
	}
	// A stopped program would not hear it.
	err := errors.Join(p.signal(syscall.SIGTERM), p.signal(syscall.SIGCONT))
	select {
	case <-p.done:
		return err
	case <-time.After(5 * time.Second):
	}
	err = errors.Join(err, p.signal(syscall.SIGKILL))
	<-p.done
	return err
}
