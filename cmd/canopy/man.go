package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *App) manCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages, one for each command",
		Long: `Writes a page for each command (canopy.1, canopy-plan.1 and so on) into DIR, which is made when it is not there. It does
not install them: put DIR/*.1 where man looks, such as /usr/local/share/man/man1.`,
		Example: `  canopy man /usr/local/share/man/man1
  canopy man . && man ./canopy-plan.1`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("make the folder of the manual: %w", err)
			}
			root.DisableAutoGenTag = true
			if err := doc.GenManTree(root, &doc.GenManHeader{Title: "CANOPY", Section: "1", Source: "Canopy " + root.Version, Manual: "Canopy"}, args[0]); err != nil {
				return fmt.Errorf("write the manual: %w", err)
			}
			return nil
		},
	}
}

// completions gives the commands that cobra makes for shells the example that each command has.
func completions(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Example = "  canopy completion bash > /etc/bash_completion.d/canopy"
		for _, shell := range c.Commands() {
			shell.Example = fmt.Sprintf("  canopy completion %s > FILE", shell.Name())
		}
	}
}
