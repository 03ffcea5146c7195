package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/internal/node"
	"github.com/amphora-lb/amphora/internal/supervise"
)

const defaultConfig = "/etc/amphora/amphorad.toml"

func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", defaultConfig, "configuration `file`")
}

func runCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run this node until it is told to stop",
		Long: `Run this node until it gets SIGTERM, SIGINT or SIGHUP. A stopping holder gives the
virtual IPs to its peer before it goes; a second signal ends it at once.

There are two processes: a small supervisor, which is the one to signal, and its
child, which does the work. When the child dies, is stopped or hangs, the supervisor
shuts the gate, tells the peers, and starts another. SIGQUIT makes the child print
its goroutines and end.`,
		Example: `  amphorad run
  amphorad run --config ./amphorad.toml`,
		Args: noArgs,
	}
	path := configFlag(cmd)
	alone := cmd.Flags().Bool("no-supervisor", false, "one process only, for debugging: when it dies, the peers wait for its lease to end")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := node.Load(*path)
		if err != nil {
			return err
		}
		level, err := cfg.Level()
		if err != nil {
			return err
		}
		cfg.Logger = logger(e.stderr, level)
		if fd := e.getenv(supervise.EnvFD); fd != "" || *alone {
			return work(cmd.Context(), cfg, fd)
		}
		return superviseSelf(cmd.Context(), cfg.Logger)
	}
	return cmd
}

// work runs the node in this process.
func work(ctx context.Context, cfg node.Config, fd string) error {
	var err error
	if cfg.Supervisor, err = supervise.Attach(fd); err != nil {
		return err
	}
	if cfg.Supervisor != nil {
		// A terminal, systemd and the supervisor may all tell the worker to stop. That
		// is one wish; whoever is in a hurry tells the supervisor.
		deaf := make(chan os.Signal, 1)
		signal.Notify(deaf, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		defer signal.Stop(deaf)
		// For people with ps: it would be called after /proc/self/exe.
		_ = os.WriteFile("/proc/self/comm", []byte("amphorad-worker"), 0)
	}
	for {
		n, err := node.Open(cfg)
		if err != nil {
			return err
		}
		err = n.Run(ctx)
		// A supervised worker ends, and its supervisor starts another one.
		if cfg.Supervisor != nil || !errors.Is(err, node.ErrRestart) {
			return err
		}
	}
}

// superviseSelf runs this very command line as a child.
func superviseSelf(ctx context.Context, log *slog.Logger) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	// The signals come by the channel; ctx would bring the first of them again.
	return node.Supervise(context.WithoutCancel(ctx), supervise.Config{
		Args: os.Args, Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Signals: signals, Logger: log,
	})
}

func checkConfigCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check the configuration file and this host, change nothing",
		Long: `Read the configuration file, report everything that is wrong with it, and check
that this host and user can do what it asks for: interface, privileges, key file, a
gate in the kernel, the account at Barbican. What works but should be known is printed as a warning.`,
		Example: `  amphorad check-config --config ./amphorad.toml`,
		Args:    noArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := node.Load(*path)
		if err != nil {
			return err
		}
		advice, err := node.Examine(cmd.Context(), cfg)
		if err != nil {
			return fmt.Errorf("%s is well formed, but this host cannot run it: %w", *path, err)
		}
		for _, a := range advice {
			fmt.Fprintf(e.stdout, "%s: warning: %s\n", *path, a)
		}
		fmt.Fprintf(e.stdout, "%s: good: %s %q of cluster %q\n", *path, cfg.Role, cfg.Name, cfg.Cluster.Name)
		return nil
	}
	return cmd
}
