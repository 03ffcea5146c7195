// Command amphoractl is the operator's tool: it makes and shows load balancers
// and the nodes that serve them, through the administration API of one node. It
// must never know more than that API tells.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/amphora-lb/amphora/rpc/admin"
)

// env is everything that the commands see of the world.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // whether somebody looks at stderr
	getenv         func(string) string
	dial           func(ctx context.Context, target string) (*admin.Client, error)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, stdEnv(), os.Args[1:])
	stop()
	os.Exit(code)
}

func stdEnv() env {
	return env{
		stdin:    os.Stdin,
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: isTerminal(os.Stderr),
		getenv:   os.Getenv,
		dial:     admin.Dial,
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
