// Command amphorad is one node of Amphora: an amphora that serves traffic and
// may hold the virtual IPs, or a witness that only votes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/internal/supervise"
)

// env is what a command may use of the world, so that tests can give it another.
type env struct {
	stdout, stderr io.Writer
	getenv         func(string) string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := command(&env{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}).ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	if worker := (*supervise.ExitError)(nil); !errors.As(err, &worker) { // that has said why by itself
		fmt.Fprintln(os.Stderr, "amphorad:", err)
	}
	os.Exit(exitCode(err))
}

// usageError is a mistake on the command line; it ends the program with 2, and a
// supervised worker with the worker's code. Every other error ends it with 1.
type usageError struct{ error }

func exitCode(err error) int {
	if errors.As(err, &usageError{}) {
		return 2
	}
	if worker := (*supervise.ExitError)(nil); errors.As(err, &worker) {
		return worker.Code
	}
	return 1
}

func command(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "amphorad",
		Short: "One node of Amphora, a highly available load balancer in a pair of boxes",
		Long: `amphorad is one node of Amphora: an amphora that balances traffic and may hold
the virtual IPs, or a witness that only votes. Two amphorae and a witness form
a cluster; amphoractl tells them what to serve.`,
		Example: `  amphorad dev                                  try it here, as any user
  sudo amphorad demo                            watch a pair fail over
  amphorad run --config /etc/amphora/amphorad.toml`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(runCommand(e), devCommand(e), checkConfigCommand(e), releaseVIPCommand(e), gateCommand(e), demoCommand(e))
	return root
}

// noArgs refuses arguments, and commands that there are not, as wrong usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
	}
	return nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// logger writes the daemon's log, one line a record, for journald or a file.
func logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
