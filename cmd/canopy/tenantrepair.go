package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/run"
)

// mailboxRepair is the command that takes a second mailbox away.
func (a *App) mailboxRepair() *cobra.Command {
	var sure, preview bool
	var o run.RepairOptions
	c := &cobra.Command{Use: "repair USER", Short: "Take the second mailbox of somebody who has one in a forest and another in the cloud", Args: usageArgs(cobra.ExactArgs(1))}
	c.RunE = func(c *cobra.Command, args []string) error {
		if !sure && !preview {
			return &canopy.Error{Kind: canopy.Forbidden, Code: "not-confirmed", Object: args[0],
				Text: "what is in the mailbox in the cloud is lost, unless it was exported before", Next: "export it, then say --yes; --preview says what comes first"}
		}
		l, err := a.open(c.Context(), c.CommandPath())
		if err != nil {
			return err
		}
		defer l.Close()
		if o.Dir, err = a.findDir(""); err != nil {
			return err
		}
		if o.Config, err = a.configuration(o.Dir); err != nil {
			return err
		}
		var steps []onprem.Step
		if preview {
			step, err := l.NextRepair(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			steps = append(steps, step)
		} else {
			if !a.json {
				o.Each = func(s onprem.Step) error { a.repairStep(s); return nil }
			}
			if steps, err = l.Repair(c.Context(), args[0], o); err != nil {
				return err
			}
		}
		if a.json {
			a.print(map[string]any{"user": args[0], "steps": steps, "preview": preview})
			return nil
		}
		if preview {
			fmt.Fprint(a.Out, "Next: ")
			a.repairStep(steps[0])
			fmt.Fprintln(a.Out, "Nothing was done. With --yes it is; what is in the cloud's mailbox is lost then, unless it was exported before.")
		}
		return nil
	}
	c.Flags().BoolVar(&sure, "yes", false, "yes, what is in the cloud's mailbox is not needed, or was exported")
	c.Flags().BoolVar(&preview, "preview", false, "say which step comes next, and do nothing")
	c.Flags().BoolVar(&o.Hurry, "hurry", false, "let what is on its way to Exchange arrive at once")
	return c
}

func (a *App) repairStep(s onprem.Step) { fmt.Fprintf(a.Out, "%-9s  %s\n", s.Do, s.Says) }

// configuration is canopy.yaml, or what --config names.
func (a *App) configuration(dir string) (*run.Config, error) {
	if a.config != "" {
		return run.LoadConfig(a.config)
	}
	return run.LoadConfig(filepath.Join(dir, run.ConfigName))
}
