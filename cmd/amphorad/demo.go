package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/chaos"
)

func demoCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Watch a pair and a witness lose their holder in mid-download (root)",
		Long: `Build a lab of network namespaces on this machine with a client, two web
servers, two amphorae and a witness; create a load balancer with amphoractl; kill
the holder in the middle of a download; measure the outage from the client's
side; clean up. It touches nothing outside its namespaces. Needs root, and
amphoractl beside amphorad.`,
		Example: `  sudo amphorad demo`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find amphorad: %w", err)
			}
			bin := filepath.Dir(self)
			if _, err := os.Stat(filepath.Join(bin, "amphoractl")); err != nil {
				return fmt.Errorf("the demo needs amphoractl beside amphorad: %w; run: make build", err)
			}
			return chaos.Demo(cmd.Context(), e.stdout, bin)
		},
	}
}
