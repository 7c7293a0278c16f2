package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/store"
)

func (a *App) logCommand() *cobra.Command {
	var f struct {
		run     int64
		limit   int
		step    string
		refused bool
		runs    bool
	}
	c := &cobra.Command{
		Use:   "log [OBJECT]",
		Short: "Show the provisioning log: what was done to each object, and how it ended",
		Long: `Shows the newest rows first. OBJECT is a DN, UPN, mail address, anchor or GUID. What the first reading of a forest
brought has no rows of its own: canopy log --runs counts it.`,
		Example: `  canopy log anna@contoso.com
  canopy log --run 7 --step export
  canopy log --refused`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if steps := logSteps(); f.step != "" && !slices.Contains(steps, f.step) {
				return usageError{fmt.Errorf("--step %s: there is no such step; %s", f.step, meant(f.step, steps))}
			}
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			if c.Flags().Changed("run") {
				if err := knownRun(c.Context(), l, f.run); err != nil {
					return err
				}
			}
			switch {
			case f.runs:
				runs, err := l.Store.Runs(c.Context(), f.limit)
				if err != nil {
					return err
				}
				a.runs(runs)
				return nil
			case f.refused:
				list, err := l.Store.Refusals(c.Context(), l.Target.ID, f.limit)
				if err != nil {
					return err
				}
				a.refusals(list)
				return nil
			}
			filter := store.LogFilter{Run: runID(f.run), Step: store.LogStep(f.step), Limit: f.limit}
			if len(args) == 1 {
				o, err := a.one(c.Context(), l, args[0])
				if err != nil {
					return err
				}
				if filter.Meta = o.Meta; o.Meta == 0 {
					filter.Entry = o.Entry
				}
			}
			rows, err := l.Store.Log(c.Context(), filter)
			if err != nil {
				return err
			}
			a.logRows(rows)
			return nil
		},
	}
	c.Flags().Int64Var(&f.run, "run", 0, "only this run")
	c.Flags().IntVar(&f.limit, "limit", 50, "how many rows")
	c.Flags().StringVar(&f.step, "step", "", "only this step: "+strings.Join(logSteps(), ", "))
	c.Flags().BoolVar(&f.refused, "refused", false, "what the tenant refused, with its words")
	c.Flags().BoolVar(&f.runs, "runs", false, "the runs with their steps and counts")
	return c
}

// logSteps are the steps that a row of the log can be of.
func logSteps() []string {
	return []string{string(store.LogImport), string(store.LogJoin), string(store.LogPlan), string(store.LogExport), string(store.LogConfirm)}
}

// knownRun is an error of usage for a number that no run has.
func knownRun(ctx context.Context, l *run.Local, n int64) error {
	last, err := l.Store.Runs(ctx, 1)
	switch {
	case err != nil:
		return err
	case len(last) == 0:
		return usageError{fmt.Errorf("--run %d: there was no run yet", n)}
	case n < 1 || n > int64(last[0].ID):
		return usageError{fmt.Errorf("--run %d: there is no such run; the last one is %d, and canopy log --runs lists them", n, last[0].ID)}
	}
	return nil
}

func (a *App) logRows(rows []store.LogRow) {
	if a.json {
		for _, r := range rows {
			a.print(r)
		}
		return
	}
	t := a.table("WHEN", "RUN", "STEP", "WHERE", "OPERATION", "OBJECT AND RESULT")
	for _, r := range rows {
		text := r.Text
		if r.Code != "" {
			text = r.Code + ": " + text
		}
		for _, ch := range r.Changes {
			text += fmt.Sprintf("; %s: %s -> %s", ch.Attr, values(ch.Old), values(ch.New))
		}
		t.row(stamp(r.At), num(int(r.Run)), string(r.Step), string(r.Connector), r.Op, text)
	}
	t.end()
	if len(rows) == 0 {
		fmt.Fprintln(a.Out, "No rows.")
	}
}

func (a *App) refusals(list []store.Refusal) {
	if a.json {
		for _, r := range list {
			a.print(r)
		}
		return
	}
	t := a.table("WHEN", "OBJECT", "OPERATION", "ANSWER", "CODE", "TEXT")
	for _, r := range list {
		t.row(stamp(r.At), r.Name, r.Export.Op.String()+" "+string(r.Export.Class), r.Kind.String(), r.Code, r.Text)
	}
	t.end()
	if len(list) == 0 {
		fmt.Fprintln(a.Out, "Nothing is refused.")
	}
}

func (a *App) runs(runs []store.Run) {
	if a.json {
		for _, r := range runs {
			a.print(r)
		}
		return
	}
	t := a.table("RUN", "BEGAN", "TOOK", "WHAT", "COUNTS")
	for _, r := range runs {
		took := "running, or killed"
		if !r.Finished.IsZero() {
			took = r.Finished.Sub(r.Started).Round(time.Millisecond).String()
		}
		t.row(num(int(r.ID)), stamp(r.Started), took, r.Verb, r.Error)
		for _, s := range r.Steps {
			t.row("", "", s.Finished.Sub(s.Started).Round(time.Millisecond).String(), strings.TrimSpace("  "+s.Name+" "+string(s.Connector)), counts(s.Counts)+s.Error)
		}
	}
	t.end()
}

// counts are the counts that are not zero, in order of name.
func counts(m map[string]int) string {
	var parts []string
	for k, n := range m {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k, n))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }
