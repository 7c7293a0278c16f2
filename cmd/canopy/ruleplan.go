package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

func (a *App) rulePlan() *cobra.Command {
	var join string
	var all bool
	c := &cobra.Command{Use: "plan [FOLDER]", Short: "Show what other rules would do to everybody, before they are in force",
		Long: `Plans everything that was read with the rules of FOLDER laid over those in force: a rule of the same id is replaced,
others come beside them. Without FOLDER the state directory's rules are taken as they are now. It shows how many
objects would be created, deleted, disabled, renamed and changed, attribute by attribute, with examples, and what the
guard would stop.

It works on a copy of the store: it stores nothing, reads no directory and changes no rule. Another scope needs an
import, and is seen in the plan that follows it. Rules that are put into rules/ are not carried out by the next run
either: it stops with this plan, which has to be approved, and approving it approves that plan only.`,
		Example: `  canopy rule plan new-rules/
  canopy rule plan --join attribute:employeeID
  canopy rule plan new-rules/ --all --json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			folder := ""
			if len(args) > 0 {
				folder = args[0]
			}
			return a.rehearse(c.Context(), folder, join, all)
		}}
	c.Flags().StringVar(&join, "join", "", "join people so, instead of as the configuration says")
	c.Flags().BoolVar(&all, "all", false, "show every item, too")
	return c
}

func (a *App) rehearse(ctx context.Context, folder, join string, all bool) error {
	dir, err := a.findDir("")
	if err != nil {
		return err
	}
	var each func([]canopy.PlanItem)
	p := a.itemPrinter(-1)
	if all {
		each = p.items
	}
	r, err := run.Rehearse(ctx, run.OpenOptions{Dir: dir, Config: a.config, Who: who()}, folder, join, each)
	if err != nil {
		return err
	}
	if a.json {
		a.print(r)
		return nil
	}
	p.end()
	a.groups(r.Totals.Groups)
	a.totals(r.Totals)
	for _, b := range r.Guard {
		fmt.Fprintf(a.Out, "The guard would stop it: %s\n", b.Text)
	}
	fmt.Fprintln(a.Out, "A rehearsal: nothing was stored.")
	return nil
}
