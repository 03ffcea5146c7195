package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *cli) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell",
		Long:  "Print the script that completes amphoractl's commands, flags and resource names in\nbash, zsh, fish or powershell.",
		Example: `  source <(amphoractl completion bash)
  amphoractl completion zsh > "${fpath[1]}/_amphoractl"`,
		Args:      arguments("SHELL"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
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
			return fmt.Errorf("shell %q is unknown, use bash, zsh, fish or powershell", args[0])
		},
	}
}
