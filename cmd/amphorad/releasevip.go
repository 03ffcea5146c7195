package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/internal/node"
)

func releaseVIPCommand(e *env) *cobra.Command {
	var iface string
	cmd := &cobra.Command{
		Use:   "release-vip",
		Short: "Remove every virtual IP and gate that amphorad left on this host",
		Long: `Remove every virtual IP that carries Amphora's address protocol number, and then
the gates that guarded them, after amphorad has ended. Made for ExecStopPost= of the
systemd unit: an amphorad that was killed cannot do it itself. Addresses of anybody
else are never touched.`,
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
