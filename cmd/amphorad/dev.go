package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/internal/node"
)

func devCommand(e *env) *cobra.Command {
	var (
		bind, dataDir, socket, api string
		verbose                    bool
	)
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run one node here, as any user, without virtual IPs",
		Long: `Run one node on this machine without privileges and without virtual IPs: every
listener binds to the address given by --bind instead of the VIP of its load
balancer. The configuration is kept in a temporary directory and gone afterwards,
unless --data-dir names one to keep.`,
		Example: `  amphorad dev
  amphorad dev --bind 127.0.0.1 --data-dir ~/.local/state/amphora

then, in another terminal, what it prints:
  export AMPHORA_SOCKET=...
  amphoractl subnet create --name public --cidr 203.0.113.0/24`,
		Args: noArgs,
	}
	cmd.Flags().StringVar(&bind, "bind", "127.0.0.1", "`address` that listeners bind to")
	cmd.Flags().StringVar(&dataDir, "data-dir", "", "`directory` to keep the configuration in (default: a temporary one)")
	cmd.Flags().StringVar(&socket, "socket", "", "`path` of the admin socket (default: in the user's runtime directory)")
	cmd.Flags().StringVar(&api, "api", node.DefaultAPIListen, "`address:port` of the REST APIs, on loopback; \"\" for none")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log everything")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		addr, err := netip.ParseAddr(bind)
		if err != nil {
			return usageError{fmt.Errorf("--bind: %q is not an IP address", bind)}
		}
		if dataDir == "" {
			temp, err := os.MkdirTemp("", "amphora-dev-")
			if err != nil {
				return fmt.Errorf("make data directory: %w", err)
			}
			defer func() { _ = os.RemoveAll(temp) }()
			dataDir = temp
		}
		if socket == "" {
			socket = devSocket(e.getenv)
		}
		for _, path := range []*string{&dataDir, &socket} {
			if *path, err = filepath.Abs(*path); err != nil {
				return fmt.Errorf("find absolute path: %w", err)
			}
		}
		level := slog.LevelWarn
		if verbose {
			level = slog.LevelDebug
		}
		cfg := node.DevConfig(addr, dataDir, socket)
		cfg.API.Listen = api
		cfg.Logger = logger(e.stderr, level)
		n, err := node.Open(cfg)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "amphorad dev: listeners bind to %s; stop with Ctrl-C. In another terminal:\n\n  export AMPHORA_SOCKET=unix://%s\n  amphoractl cluster status\n\n", addr, socket)
		return n.Run(cmd.Context())
	}
	return cmd
}

// devSocket is where an ordinary user can make a socket: XDG_RUNTIME_DIR where
// there is one, else the temporary directory.
func devSocket(getenv func(string) string) string {
	dir := getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("amphora-%d", os.Getuid()))
	}
	return filepath.Join(dir, "amphora-dev.sock")
}
