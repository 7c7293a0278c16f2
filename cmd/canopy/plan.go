package main

import (
	"context"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

type planFlags struct {
	noImport bool
	preview  bool
	full     bool
	without  []string
	accept   []string
	plan     int64
}

func (f *planFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.noImport, "no-import", false, "plan from what was read before")
	c.Flags().BoolVar(&f.full, "full", false, "read everything again and look at every object")
	c.Flags().StringSliceVar(&f.without, "without", nil, "plan although these forests were never read completely")
	c.Flags().StringSliceVar(&f.accept, "accept-missing", nil, "believe a much smaller read of these forests")
}

func (f *planFlags) options(a *App) run.Options {
	return run.Options{NoImport: f.noImport, Full: f.full, All: f.full, Without: ids(f.without), AcceptMissing: ids(f.accept), Progress: a.bars().tell}
}

// known refuses names of forests that are none.
func (f *planFlags) known(l *run.Local) error {
	if err := knownForests(l, "without", f.without); err != nil {
		return err
	}
	return knownForests(l, "accept-missing", f.accept)
}

func ids(names []string) []canopy.ConnectorID {
	list := make([]canopy.ConnectorID, len(names))
	for i, n := range names {
		list[i] = canopy.ConnectorID(n)
	}
	return list
}

func (a *App) planCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan",
		Short: "Import, and show what would be written, without writing to any directory",
		Long: `Imports what changed, stores a numbered plan and shows it. No directory is written to; carry the plan out with
canopy run --plan N. With --no-import --preview nothing at all is stored.

The exit codes are those of canopy run.`,
		Example: `  canopy plan
  canopy plan --full --without fabrikam.com
  canopy plan --no-import --preview`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.plan(c.Context(), f) },
	}
	f.register(c)
	c.Flags().BoolVar(&f.preview, "preview", false, "store no plan (with --no-import)")
	c.AddCommand(a.planListCommand(), a.planShowCommand(), a.planDecideCommand("approve", canopy.PlanApproved), a.planDecideCommand("reject", canopy.PlanRefused))
	return c
}

// open opens the state directory for a command that writes to it.
func (a *App) open(ctx context.Context, command string) (*run.Local, error) {
	dir, err := a.stateDir("")
	if err != nil {
		return nil, err
	}
	return run.Open(ctx, run.OpenOptions{Dir: dir, Config: a.config, Command: command, Who: who()})
}

// look opens the state directory for a command that only shows what is there.
func (a *App) look(ctx context.Context) (*run.Local, error) {
	dir, err := a.findDir("")
	if err != nil {
		return nil, err
	}
	return run.Open(ctx, run.OpenOptions{Dir: dir, Config: a.config, ReadOnly: true, Who: who()})
}

// who is the person at the keyboard, for decisions and the history.
func who() string {
	u, err := user.Current()
	if err != nil {
		return "somebody"
	}
	return u.Username
}

func (a *App) plan(ctx context.Context, f planFlags) error {
	if f.preview {
		if !f.noImport {
			return usageError{fmt.Errorf("--preview stores nothing, and an import does: use it with --no-import")}
		}
		return a.preview(ctx, f)
	}
	l, err := a.open(ctx, "canopy plan")
	if err != nil {
		return err
	}
	defer l.Close()
	if err := f.known(l); err != nil {
		return err
	}
	o := f.options(a)
	o.PlanOnly = true
	r, err := l.Cycle(ctx, o)
	if err != nil {
		return a.failed(r, err)
	}
	if a.json {
		a.print(r)
	} else {
		a.imported(r)
		if r.Plan == 0 {
			a.nothing(r)
		} else if err := a.showMade(ctx, l, r); err != nil {
			return err
		}
	}
	a.verdict(r)
	return nil
}

// showMade shows a plan that was just made: by what it does where its rules are new, else item by item.
func (a *App) showMade(ctx context.Context, l *run.Local, r *run.Report) error {
	if !newRules(r) {
		return a.showPlan(ctx, l, r.Plan, showSome)
	}
	fmt.Fprintf(a.Out, "Plan %d\n", r.Plan)
	a.totals(r.Totals)
	a.stopped(r)
	return nil
}

// newRules tells whether a plan was stopped since its rules, joins or scopes are new.
func newRules(r *run.Report) bool {
	return slices.ContainsFunc(r.Stopped, func(b canopy.Breach) bool { return b.Regret == canopy.RegretRules })
}

// showSome is how many items of a plan are shown unless all are asked for.
const showSome = 40

func (a *App) preview(ctx context.Context, f planFlags) error {
	l, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := f.known(l); err != nil {
		return err
	}
	p := a.itemPrinter(showSome)
	totals, err := l.Preview(ctx, f.options(a), func(items []canopy.PlanItem) error { p.items(items); return nil })
	if err != nil {
		return err
	}
	p.end()
	if a.json {
		a.print(map[string]any{"totals": totals})
		return nil
	}
	a.totals(totals)
	fmt.Fprintln(a.Out, "A preview: nothing was stored.")
	return nil
}

func (a *App) planListCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the last plans",
		Long:    "Lists the last 50 plans, the newest first. It does not list what they would do: canopy plan show does.",
		Example: "  canopy plan list\n  canopy plan list --json", Args: usageArgs(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error {
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			plans, err := l.Store.Plans(c.Context(), 50)
			if err != nil {
				return err
			}
			if a.json {
				a.print(plans)
				return nil
			}
			t := a.table("PLAN", "MADE", "STATE", "WRITES", "HELD BACK", "DECIDED")
			for _, p := range plans {
				t.row(num(int(p.ID)), p.Made.Local().Format("2006-01-02 15:04:05"), p.State.String(), num(run.Sum(p.Totals)), num(sum(p.Totals.Held)), p.Decided)
			}
			t.end()
			return nil
		}}
}

func sum(t canopy.Tally) int {
	n := 0
	for _, c := range t {
		n += c
	}
	return n
}

func (a *App) planShowCommand() *cobra.Command {
	var all, groups bool
	c := &cobra.Command{Use: "show PLAN", Short: "Show a plan: what is written, joined, held back, and why",
		Long:    "Shows a plan as it was made; what its runs came to is in canopy log. It carries nothing out.",
		Example: "  canopy plan show 3\n  canopy plan show 3 --all\n  canopy plan show 3 --groups", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := planID(args[0])
			if err != nil {
				return err
			}
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			if groups {
				return a.showGroups(c.Context(), l, id)
			}
			most := showSome
			if all || a.json {
				most = -1
			}
			return a.showPlan(c.Context(), l, id, most)
		}}
	c.Flags().BoolVar(&all, "all", false, "show every item")
	c.Flags().BoolVar(&groups, "groups", false, "show how many objects are created, deleted, disabled, renamed and changed, with examples, instead of the items")
	c.MarkFlagsMutuallyExclusive("all", "groups")
	return c
}

func planID(s string) (canopy.PlanID, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(s, "#"), 10, 64)
	if err != nil || n <= 0 {
		return 0, usageError{fmt.Errorf("%q is not a plan's number; canopy plan list shows them", s)}
	}
	return canopy.PlanID(n), nil
}

func (a *App) planDecideCommand(verb string, state canopy.PlanState) *cobra.Command {
	var why string
	c := &cobra.Command{Use: verb + " PLAN", Example: fmt.Sprintf("  canopy plan %s 3 --why \"talked to the owner of Sales\"", verb), Args: usageArgs(cobra.ExactArgs(1)), RunE: func(c *cobra.Command, args []string) error {
		id, err := planID(args[0])
		if err != nil {
			return err
		}
		dir, err := a.findDir("")
		if err != nil {
			return err
		}
		if err := run.Decide(c.Context(), run.OpenOptions{Dir: dir, Config: a.config, Who: who()}, id, state, why); err != nil {
			return err
		}
		if a.json {
			a.print(map[string]any{"plan": id, "state": state})
			return nil
		}
		fmt.Fprintf(a.Out, "Plan %d is %s.\n", id, state)
		if state == canopy.PlanApproved {
			fmt.Fprintf(a.Out, "Carry it out: canopy run --plan %d. Where canopy serve runs, it does so by itself.\n", id)
		}
		return nil
	}}
	c.Short = map[string]string{"approve": "Approve a plan that the guard stopped, that plan only", "reject": "Reject a plan: it will never be carried out"}[verb]
	c.Long = map[string]string{"approve": "Approves one plan. It does not carry it out, and the next plan is judged by the guard again.",
		"reject": "Rejects one plan. It does not mend what made it: until somebody does, the next plan has it again."}[verb]
	c.Flags().StringVar(&why, "why", "", "the reason, kept with the plan")
	return c
}
