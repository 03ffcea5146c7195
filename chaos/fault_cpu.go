package chaos

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// busyLimit ends a busy process whatever happens to the one that started it.
const busyLimit = 15 * time.Minute

// busy is a number of processes that do nothing as fast as they can.
type busy struct {
	lab  *Lab
	n    int
	cmds []*exec.Cmd
}

// BusyCPU runs n processes at normal priority that never wait: with one for each
// core, everything else gets half the machine.
func BusyCPU(l *Lab, n int) Fault { return &busy{lab: l, n: n} }

// String implements Fault.
func (b *busy) String() string { return fmt.Sprintf("%d busy processes", b.n) }

func (b *busy) apply(context.Context) error {
	for range b.n {
		limit := strconv.Itoa(int(busyLimit / time.Second))
		cmd := exec.Command("timeout", "--signal=KILL", limit, "sh", "-c", "while :; do :; done")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if b.lab.busy != nil {
			b.lab.busy.enter(cmd)
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start a busy process: %w", err)
		}
		b.cmds = append(b.cmds, cmd)
	}
	return nil
}

func (b *busy) heal(ctx context.Context) error {
	var errs []error
	for _, cmd := range b.cmds {
		errs = append(errs, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)) // timeout(1) and the shell
		_ = cmd.Wait()                                                       // killed, as it should be
	}
	b.cmds = nil
	if b.lab.busy != nil {
		errs = append(errs, b.lab.busy.empty(ctx))
	}
	return errors.Join(errs...)
}
