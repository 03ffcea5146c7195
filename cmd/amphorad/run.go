package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/internal/node"
)

const defaultConfig = "/etc/amphora/amphorad.toml"

func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", defaultConfig, "configuration `file`")
}

func runCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run this node until it is told to stop",
		Long: `Run this node until it gets SIGTERM or SIGINT. A stopping holder gives the
virtual IPs to its peer before it goes.`,
		Example: `  amphorad run
  amphorad run --config ./amphorad.toml`,
		Args: noArgs,
	}
	path := configFlag(cmd)
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
		n, err := node.Open(cfg)
		if err != nil {
			return err
		}
		return n.Run(cmd.Context())
	}
	return cmd
}

func checkConfigCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check the configuration file and this host, change nothing",
		Long: `Read the configuration file, report everything that is wrong with it, and check
that this host and user can do what it asks for: interface, privileges, key file.`,
		Example: `  amphorad check-config --config ./amphorad.toml`,
		Args:    noArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		cfg, err := node.Load(*path)
		if err != nil {
			return err
		}
		if err := node.Check(cfg); err != nil {
			return fmt.Errorf("%s is well formed, but this host cannot run it: %w", *path, err)
		}
		fmt.Fprintf(e.stdout, "%s: good: %s %q of cluster %q\n", *path, cfg.Role, cfg.Name, cfg.Cluster.Name)
		return nil
	}
	return cmd
}

func releaseVIPCommand(e *env) *cobra.Command {
	var iface string
	cmd := &cobra.Command{
		Use:   "release-vip",
		Short: "Remove every virtual IP that amphorad left on this host",
		Long: `Remove every virtual IP that carries Amphora's address protocol number, after
amphorad has ended. Made for ExecStopPost= of the systemd unit: an amphorad that
was killed cannot do it itself. Addresses of anybody else are never touched.`,
		Example: `  amphorad release-vip
  amphorad release-vip --interface eth0`,
		Args: noArgs,
	}
	cmd.Flags().StringVarP(&iface, "interface", "i", "", "only on this `interface` (default: on all)")
	cmd.RunE = func(*cobra.Command, []string) error {
		removed, err := node.ReleaseVIPs(iface)
		if len(removed) > 0 {
			fmt.Fprintln(e.stdout, "removed", strings.Join(removed, ", "))
		}
		return err
	}
	return cmd
}
