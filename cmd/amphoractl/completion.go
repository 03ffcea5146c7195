package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

func (c *cli) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell",
		Long:  "Print the script that completes amphoractl's commands, flags and resource names in\nbash, zsh, fish or powershell.",
		Example: `  source <(amphoractl completion bash)
  amphoractl completion zsh > "${fpath[1]}/_amphoractl"`,
		Args:      cobra.MatchAll(arguments("SHELL"), knownShell),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.stdout, true)
			case "zsh":
				return root.GenZshCompletion(c.stdout)
			case "fish":
				return root.GenFishCompletion(c.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.stdout)
			}
			return knownShell(cmd, args)
		},
	}
}

var shells = []string{"bash", "zsh", "fish", "powershell"}

func knownShell(_ *cobra.Command, args []string) error {
	if !slices.Contains(shells, args[0]) {
		return fmt.Errorf("shell %q is unknown, use bash, zsh, fish or powershell", args[0])
	}
	return nil
}
