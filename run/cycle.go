package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/store"
)

// Options say how a cycle goes.
type Options struct {
	NoImport bool
	Full     bool                 // read everything again
	Without  []canopy.ConnectorID // plan although these forests were never read completely
	PlanOnly bool                 // stop when the plan is stored
	All      bool                 // look at every meta again, not only at what is due
	// AcceptMissing names forests whose much smaller full read is to be believed.
	AcceptMissing []canopy.ConnectorID
	Progress      Progress
}

// Cycle is one whole walk: import, plan, guard, apply, export, confirm. With PlanOnly it ends when the plan is stored
// and nothing has been written to any directory.
func (l *Local) Cycle(ctx context.Context, o Options) (*Report, error) {
	began := l.Clock()
	run, err := l.Store.StartRun(ctx, "run", l.Owner)
	if err != nil {
		return nil, err
	}
	report := &Report{Run: run}
	err = l.cycle(ctx, o, report)
	report.Seconds = seconds(l.Clock().Sub(began))
	return report, l.finish(ctx, report, err)
}

// finish records how a run ended, also when ctx has ended.
func (l *Local) finish(ctx context.Context, report *Report, err error) error {
	text := ""
	switch {
	case err != nil:
		text = err.Error()
	case len(report.Stopped) > 0:
		text = "stopped by the guard: " + report.Stopped[0].Text
	}
	if fin := l.Store.FinishRun(context.WithoutCancel(ctx), report.Run, text); fin != nil && err == nil {
		return fin
	}
	return err
}

// step runs one part of a run and keeps it, with its counts, in the run's history.
func (l *Local) step(ctx context.Context, run canopy.RunID, name string, conn canopy.ConnectorID, do func() (map[string]int, error)) error {
	s := store.Step{Name: name, Connector: conn, Started: l.Clock()}
	counts, err := do()
	s.Finished, s.Counts = l.Clock(), counts
	if err != nil {
		s.Error = err.Error()
	}
	if add := l.Store.AddStep(context.WithoutCancel(ctx), run, s); add != nil && err == nil {
		return add
	}
	return err
}

func (l *Local) cycle(ctx context.Context, o Options, report *Report) error {
	if !o.NoImport { // what the target is now decides whether all is to be looked at again
		l.Target.About = canopy.Description{}
		if err := l.describe(ctx, &l.Target); err != nil {
			return err
		}
	}
	if err := l.resume(ctx, o, report); err != nil {
		return err
	}
	if err := l.rekey(ctx); err != nil {
		return err
	}
	if !o.NoImport {
		if err := l.importAll(ctx, o, report); err != nil {
			return err
		}
	}
	if o.All {
		if err := l.Store.MarkAllDue(ctx); err != nil {
			return err
		}
	}
	if err := l.plan(ctx, o, report); err != nil || o.PlanOnly || len(report.Stopped) > 0 {
		return err
	}
	if err := l.carryOut(ctx, o, report); err != nil {
		return err
	}
	entries, metas, err := l.Store.DueCount(ctx)
	if err != nil {
		return err
	}
	if err := l.confirm(ctx, o, report); err != nil || entries+metas == 0 {
		return err
	}
	return l.follow(ctx, o, report)
}

// resume goes on with a plan whose applying was cut off.
func (l *Local) resume(ctx context.Context, o Options, report *Report) error {
	plan, err := l.Store.LatestPlan(ctx)
	switch {
	case canopy.KindOf(err) == canopy.NotFound:
		return nil
	case err != nil:
		return err
	case plan.State != canopy.PlanApplying:
		return l.sameGround(ctx, plan)
	}
	stale, err := l.apply(ctx, plan.ID, 0, o.Progress)
	report.Stale += stale
	return err
}

// importAll reads every forest, then the target. A forest that fails stops the plan only when it was never read
// completely: what is known of it stays as it is.
func (l *Local) importAll(ctx context.Context, o Options, report *Report) error {
	var spaces []*Space
	for i := range l.Sources {
		spaces = append(spaces, &l.Sources[i])
	}
	report.Imports = l.imports(ctx, report.Run, spaces, o)
	if err := ctx.Err(); err != nil {
		return err
	}
	target, err := l.importOne(ctx, report.Run, &l.Target, o)
	report.Imports = append(report.Imports, target)
	return err
}

// ready is an error while a forest has never been read completely, since a plan without it would take people apart.
func (l *Local) ready(ctx context.Context, o Options, report *Report) error {
	if err := l.groupsKnown(); err != nil {
		return err
	}
	for i := range l.Sources {
		s := &l.Sources[i]
		c, err := l.Store.Cursor(ctx, s.ID)
		if err != nil {
			return err
		}
		if c.Complete || slices.Contains(o.Without, s.ID) {
			continue
		}
		why, next := "it was never read completely", "mend the cause and run again"
		for _, r := range report.Imports {
			if r.Connector == s.ID && r.Error != "" {
				why += ": " + r.Error
			}
			if r.Connector == s.ID && r.Next != "" {
				next = r.Next + "; then run again"
			}
		}
		return &canopy.Error{Kind: canopy.Unsafe, Code: "forest-incomplete", Object: string(s.ID), Text: why,
			Next: next + ", or plan without it: --without " + string(s.ID)}
	}
	return nil
}

// plan stores a numbered plan of all that is due, judged by the guard. With nothing due there is no plan.
func (l *Local) plan(ctx context.Context, o Options, report *Report) error {
	if err := l.reconsider(ctx); err != nil {
		return err
	}
	entries, metas, err := l.Store.DueCount(ctx)
	if err != nil || entries+metas == 0 {
		return err
	}
	if err := l.ready(ctx, o, report); err != nil {
		return err
	}
	return l.step(ctx, report.Run, "plan", "", func() (map[string]int, error) {
		err := l.store(ctx, o, report)
		return Flat(report.Totals), err
	})
}

// store makes the plan and keeps it.
func (l *Local) store(ctx context.Context, o Options, report *Report) error {
	id, err := l.Store.NewPlan(ctx, canopy.Plan{Run: report.Run, Made: l.Clock(), Rules: l.ground()})
	if err != nil {
		return err
	}
	view, err := l.Store.View(ctx)
	if err != nil {
		return err
	}
	defer view.Close()
	report.Totals, err = l.walk(ctx, view, func(items []canopy.PlanItem) error { return l.Store.AddItems(ctx, id, items) }, o.Progress)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	report.Plan = id
	report.Exports.Held = held(report.Totals)
	if report.Stopped, err = l.judge(ctx, &report.Totals); err != nil {
		return err
	}
	state := canopy.PlanOpen
	if len(report.Stopped) > 0 {
		state = canopy.PlanStopped
	}
	return l.Store.SealPlan(ctx, id, report.Totals, report.Stopped, state)
}

func held(t canopy.Totals) int {
	n := 0
	for _, c := range t.Held {
		n += c
	}
	return n
}

// Preview computes the plan and stores nothing.
func (l *Local) Preview(ctx context.Context, o Options, each func([]canopy.PlanItem) error) (canopy.Totals, error) {
	if err := l.ready(ctx, o, &Report{}); err != nil {
		return canopy.Totals{}, err
	}
	view, err := l.Store.View(ctx)
	if err != nil {
		return canopy.Totals{}, err
	}
	defer view.Close()
	return l.walk(ctx, view, func(items []canopy.PlanItem) error {
		l.hideItems(items)
		return each(items)
	}, o.Progress)
}

// carryOut applies the report's plan and exports.
func (l *Local) carryOut(ctx context.Context, o Options, report *Report) error {
	if report.Plan != 0 {
		err := l.step(ctx, report.Run, "apply", "", func() (map[string]int, error) {
			stale, err := l.apply(ctx, report.Plan, 0, o.Progress)
			report.Stale += stale
			return map[string]int{"stale": stale}, err
		})
		if err != nil {
			return err
		}
	}
	return l.step(ctx, report.Run, "export", l.Target.ID, func() (map[string]int, error) {
		sent, err := l.export(ctx, report.Run, Sum(report.Totals), o.Progress)
		report.Exports.sum(sent)
		return sent.counts(), err
	})
}

// follow plans and carries out, once, what the plan before could not foresee: items whose meta had moved, and what its
// applying or the target's answers made due.
func (l *Local) follow(ctx context.Context, o Options, report *Report) error {
	next := Report{Run: report.Run}
	if err := l.plan(ctx, o, &next); err != nil || next.Plan == 0 {
		return err
	}
	report.Followed, report.Stopped = next.Plan, next.Stopped
	if len(next.Stopped) > 0 {
		return nil
	}
	if err := l.carryOut(ctx, o, &next); err != nil {
		return err
	}
	report.Stale = next.Stale
	sent := next.Exports.Written + next.Exports.Links + next.Exports.Refused
	next.Exports.Held = 0 // the same things as before
	report.Exports.sum(next.Exports)
	if sent == 0 {
		return nil
	}
	return l.confirm(ctx, o, report)
}

// confirm imports what the target made of what was sent.
func (l *Local) confirm(ctx context.Context, o Options, report *Report) error {
	sent := report.Exports
	if sent.Written+sent.Links+sent.Refused == 0 {
		return l.left(ctx, report)
	}
	if l.Tenant != nil { // what it does in the background, such as giving the licences of groups
		if _, err := l.Tenant.Tick(ctx); err != nil {
			return err
		}
	}
	confirm, err := l.importOne(ctx, report.Run, &l.Target, Options{Progress: o.Progress})
	report.Confirm = &confirm
	if err != nil {
		return err
	}
	return l.left(ctx, report)
}

// left counts what is still open after the cycle.
func (l *Local) left(ctx context.Context, report *Report) error {
	c, err := l.Store.ExportCounts(ctx, l.Target.ID)
	if err != nil {
		return err
	}
	report.Exports.Unconfirmed, report.Exports.NotKept = c.Unconfirmed, c.NotKept
	return nil
}

// Execute carries out a stored plan: one that is open, or that a person approved.
func (l *Local) Execute(ctx context.Context, id canopy.PlanID, o Options) (*Report, error) {
	began := l.Clock()
	plan, err := l.Store.Plan(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := executable(plan); err != nil {
		return nil, err
	}
	if !sameRules(plan.Rules, l.ground()) {
		return nil, &canopy.Error{Kind: canopy.Conflict, Code: "plan-ground", Object: fmt.Sprintf("plan %d", id),
			Text: "the rules, joins or scopes are others now than those that it was made with", Next: "make a new one: canopy plan"}
	}
	run, err := l.Store.StartRun(ctx, fmt.Sprintf("run plan %d", id), l.Owner)
	if err != nil {
		return nil, err
	}
	report := &Report{Run: run, Plan: id, Totals: plan.Totals}
	report.Exports.Held = held(plan.Totals)
	if err = l.describe(ctx, &l.Target); err == nil {
		err = l.carryOut(ctx, o, report)
	}
	if err == nil {
		err = l.confirm(ctx, o, report)
	}
	report.Seconds = seconds(l.Clock().Sub(began))
	return report, l.finish(ctx, report, err)
}

func executable(p canopy.Plan) error {
	e := &canopy.Error{Kind: canopy.Conflict, Code: "plan-state", Object: fmt.Sprintf("plan %d", p.ID)}
	switch p.State {
	case canopy.PlanOpen, canopy.PlanApproved, canopy.PlanApplying:
		return nil
	case canopy.PlanStopped:
		e.Kind, e.Text, e.Next = canopy.Unsafe, "the guard stopped it", fmt.Sprintf("look at it (canopy plan show %d), then: canopy plan approve %d", p.ID, p.ID)
	case canopy.PlanApplied:
		e.Text, e.Next = "it was carried out already", "make a new one: canopy plan"
	case canopy.PlanRefused:
		e.Text, e.Next = "it is no longer valid: "+p.Decided, "make a new one: canopy plan"
	}
	return e
}
