package supervise

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"time"
)

// Floor is the supervisor's hold on the gate of its worker.
type Floor interface {
	// Raise shuts the gate for every term below term, for ever. It is in force when
	// Raise returns nil.
	Raise(term uint64) error
	io.Closer
}

// Config describes a supervisor.
type Config struct {
	// Path is the program of the worker. Default: this program itself, also after
	// its file was replaced.
	Path string
	// Args are the worker's arguments, its name first, as in os.Args. Required.
	Args []string
	// Env is the environment, as of os.Environ. The worker gets it without what is
	// meant for this process alone: systemd's NOTIFY_SOCKET and watchdog.
	Env []string
	// Stdin, Stdout and Stderr become the worker's own; nothing is copied. Default:
	// those of this process.
	Stdin, Stdout, Stderr *os.File
	// Signals brings the signals that this process gets; see [Run]. Nil: none.
	Signals <-chan os.Signal

	// OpenFloor opens the floor of the gate that the worker names in
	// [Settings.Gate]. Required.
	OpenFloor func(gate string) (Floor, error)
	// Release removes the addresses of the worker from its interface and returns how
	// many there were. It is called while the worker may be stopped. Required.
	Release func(iface string) (int, error)

	// Logger receives one record for each end, stop and freeze of a worker. Nil
	// discards them.
	Logger *slog.Logger

	// Abort is how long a worker may be frozen until it gets SIGABRT, so that the
	// state of its goroutines is not lost. Default 10 s.
	Abort time.Duration
	// Kill is how long it then has to print it until it gets SIGKILL. Default 5 s.
	Kill time.Duration
}

func (c Config) withDefaults() Config {
	if c.Path == "" {
		c.Path = "/proc/self/exe"
	}
	for file, own := range map[**os.File]*os.File{&c.Stdin: os.Stdin, &c.Stdout: os.Stdout, &c.Stderr: os.Stderr} {
		if *file == nil {
			*file = own
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Abort == 0 {
		c.Abort = 10 * time.Second
	}
	if c.Kill == 0 {
		c.Kill = 5 * time.Second
	}
	return c
}

// Validate reports every field that is wrong.
func (c Config) Validate() error {
	var errs []error
	if len(c.Args) == 0 {
		errs = append(errs, errors.New("args: must hold the name of the program at least"))
	}
	if c.OpenFloor == nil {
		errs = append(errs, errors.New("open floor: required"))
	}
	if c.Release == nil {
		errs = append(errs, errors.New("release: required"))
	}
	if c.Abort < 0 || c.Kill < 0 {
		errs = append(errs, errors.New("abort, kill: must not be negative"))
	}
	return errors.Join(errs...)
}
