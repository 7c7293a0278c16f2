package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy/run"
)

func (a *App) runCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "run",
		Short: "Import, plan and write; or carry out a plan that was made before",
		Long: `Runs one whole cycle: imports what changed, plans, lets the guard judge the plan, writes it to the tenant and imports
what the tenant made of it. With --plan N it carries out that plan instead, without importing first.

A forest that cannot be read does not stop the others: what was read of it before stands. The run does not write to any
forest, and writes nothing at all when the guard stops the plan.

Exit codes: 0 done; 1 an error, or no forest could be read; 2 wrong usage; 3 the guard stopped the plan; 4 the run went
through, but some forests could not be read or some objects were refused; 130 interrupted.`,
		Example: `  canopy run
  canopy run --plan 3
  canopy run --without fabrikam.com`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.run(c.Context(), f) },
	}
	f.register(c)
	c.Flags().Int64Var(&f.plan, "plan", 0, "carry out this plan")
	return c
}

func (a *App) run(ctx context.Context, f planFlags) error {
	l, err := a.open(ctx, "canopy run")
	if err != nil {
		return err
	}
	defer l.Close()
	if err := f.known(l); err != nil {
		return err
	}
	var r *run.Report
	if f.plan != 0 {
		id, err := planID(fmt.Sprint(f.plan))
		if err != nil {
			return err
		}
		if r, err = l.Execute(ctx, id, f.options(a)); err != nil {
			return a.failed(r, err)
		}
	} else if r, err = l.Cycle(ctx, f.options(a)); err != nil {
		return a.failed(r, err)
	}
	if a.json {
		a.print(r)
	} else {
		a.report(r)
	}
	a.verdict(r)
	return nil
}

// failed shows what a run did before it failed, and gives the error on.
func (a *App) failed(r *run.Report, err error) error {
	if r != nil && !a.json {
		a.imported(r)
	}
	return err
}

// verdict sets the exit code from a report.
func (a *App) verdict(r *run.Report) {
	switch {
	case len(r.Stopped) > 0:
		a.code = exitStopped
	case r.Blind():
		a.code = exitFailed
	case len(r.Failures()) > 0 || r.Exports.Refused > 0:
		a.code = exitPartly
	}
}

// imported prints what each import saw, and why one saw nothing.
func (a *App) imported(r *run.Report) {
	if len(r.Imports) == 0 {
		return
	}
	t := a.table("READ FROM", "WAY", "OBJECTS", "NEW", "CHANGED", "UNCHANGED", "OUT", "DELETED", "FAILED")
	for _, i := range r.Imports {
		way, c := "changes", i.Counts
		switch {
		case i.Error != "":
			way = "stopped"
		case i.Full:
			way = "all"
		}
		t.row(string(i.Connector), way, num(c.Read), num(c.Added), num(c.Changed), num(c.Unchanged), num(c.LeftScope), num(c.Deleted), num(c.Failed))
	}
	t.end()
	for _, i := range r.Failures() {
		fmt.Fprintf(a.Out, "\nNot read: %s\n", cleanLines(i.Error))
		if i.Next != "" {
			fmt.Fprintf(a.Out, "  what to do: %s\n", cleanLines(i.Next))
		}
	}
	fmt.Fprintln(a.Out)
}

// nothing says that there was nothing to plan, and how much that means.
func (a *App) nothing(r *run.Report) {
	failed := r.Failures()
	if len(failed) == 0 {
		fmt.Fprintln(a.Out, "Nothing to do: the tenant holds what it should.")
		return
	}
	var names []string
	for _, i := range failed {
		names = append(names, string(i.Connector))
	}
	said := "Nothing is planned from the others"
	if r.Blind() {
		said = "No forest was read, so nothing is planned"
	}
	fmt.Fprintf(a.Out, "%s. What changed in %s is not known; what was read of it before stands.\n", said, strings.Join(names, ", "))
}

// report prints a cycle for a person.
func (a *App) report(r *run.Report) {
	a.imported(r)
	if r.Plan == 0 {
		a.nothing(r)
		return
	}
	fmt.Fprintf(a.Out, "Plan %d\n", r.Plan)
	a.totals(r.Totals)
	if len(r.Stopped) > 0 {
		a.stopped(r)
		return
	}
	e := r.Exports
	fmt.Fprintf(a.Out, "\nWritten: %d objects, %d links. Refused %d, later %d, unconfirmed %d, not kept %d. %.2f s\n", e.Written, e.Links, e.Refused, e.Later,
		e.Unconfirmed, e.NotKept, r.Seconds)
	if e.Refused > 0 {
		fmt.Fprintln(a.Out, "Why: canopy log --refused")
	}
}

// stopped says why the guard stopped a plan and what to do.
func (a *App) stopped(r *run.Report) {
	fmt.Fprintf(a.Out, "\nThe guard stopped plan %d. Nothing was written.\n", r.Plan)
	for _, b := range r.Stopped {
		fmt.Fprintf(a.Out, "  %s\n", b.Text)
	}
	if newRules(r) {
		a.groups(r.Totals.Groups)
	}
	fmt.Fprintf(a.Out, "Look at it:    canopy plan show %d --all\nIf it is right: canopy plan approve %d --why \"...\" && canopy run --plan %d\nIf not:         canopy plan reject %d\n",
		r.Plan, r.Plan, r.Plan, r.Plan)
}
