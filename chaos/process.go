package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a program that runs on a host and writes to a log file.
type process struct {
	cmd     *exec.Cmd
	log     string
	done    chan struct{} // closed when it has ended
	waitErr error         // set before done is closed
}

// start runs a program on the host. Output is appended to DIR/<name>.log.
func (l *Lab) start(h *Host, name string, argv ...string) (*process, error) {
	path := filepath.Join(l.Dir, name+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", name, err)
	}
	defer log.Close() // the child has its own
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), log: path, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := h.Start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.waitErr = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// running reports whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the process as a power cut of its program would, SIGKILL, and
// verifies that this, and nothing before it, ended it.
func (p *process) kill() error {
	if !p.running() {
		return fmt.Errorf("kill %s: it had already ended by itself: %s", p.cmd.Path, p.cmd.ProcessState)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", p.cmd.Path, err)
	}
	return p.killed(context.Background())
}

// killed waits until the process has ended, and verifies that SIGKILL did it.
func (p *process) killed(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return fmt.Errorf("kill %s: it does not end: %w", p.cmd.Path, context.Cause(ctx))
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("kill %s: it ended otherwise: %s", p.cmd.Path, p.cmd.ProcessState)
	}
	return nil
}

// stop asks the process to end and waits; after limit it is killed and an error
// is returned.
func (p *process) stop(limit time.Duration) error {
	if !p.running() {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.cmd.Path, err)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		if p.waitErr != nil {
			return fmt.Errorf("stop %s: %w; its log is %s", p.cmd.Path, p.waitErr, p.log)
		}
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("stop %s: still running %v after SIGTERM", p.cmd.Path, limit), p.kill())
	}
}
