package supervise

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ExitError says how the worker ended. The worker has said why by itself.
type ExitError struct {
	Code int // for the supervisor's own exit: the worker's, or 128 and the number of the signal that ended it
}

func (e *ExitError) Error() string { return fmt.Sprintf("worker ended with exit code %d", e.Code) }

// exitError is nil for a worker that ended well.
func exitError(ws unix.WaitStatus) error {
	switch {
	case ws.Signaled():
		return &ExitError{Code: 128 + int(ws.Signal())}
	case ws.ExitStatus() != 0:
		return &ExitError{Code: ws.ExitStatus()}
	}
	return nil
}

// describe says it as people do.
func describe(ws unix.WaitStatus) string {
	switch {
	case ws.Exited():
		return fmt.Sprintf("ended with exit code %d", ws.ExitStatus())
	case ws.Signaled() && ws.CoreDump():
		return fmt.Sprintf("ended by %s, core dumped", unix.SignalName(ws.Signal()))
	case ws.Signaled():
		return "ended by " + unix.SignalName(ws.Signal())
	case ws.Stopped():
		return "stopped by " + unix.SignalName(ws.StopSignal())
	default:
		return "continued"
	}
}
