package run

import (
	"context"
	"errors"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
)

// batch is how many metas are looked at and applied at a time.
const batch = 500

// planBatch is how many metas are planned and stored at a time. Two batches are in memory at once, with all images.
const planBatch = 100

// sink takes the items of a plan as they are made.
type sink func([]canopy.PlanItem) error

// walk computes a whole plan from what is due in view and gives it to keep, batch by batch, keeping one while the next is
// computed. It writes nothing itself.
func (l *Local) walk(ctx context.Context, view engine.View, keep sink, p Progress) (_ canopy.Totals, err error) {
	totaler := engine.NewTotaler(nil)
	var keeping behind
	defer func() { err = errors.Join(err, keeping.wait()) }()
	give := func(items []canopy.PlanItem) error {
		for i := range items {
			totaler.Add(&items[i])
		}
		return keeping.do(func() error { return keep(items) })
	}
	settings, err := l.settings(ctx)
	if err != nil {
		return canopy.Totals{}, err
	}
	if settings.Likely, err = l.doubts(ctx); err != nil {
		return canopy.Totals{}, err
	}
	planner := engine.New(l.Rules, settings).NewPlanner(view)
	subjects, err := l.subjects(ctx, planner, give)
	if err != nil {
		return canopy.Totals{}, err
	}
	if subjects, err = survey(ctx, planner, subjects); err != nil {
		return canopy.Totals{}, err
	}
	p.tell(Event{Step: "plan", Total: len(subjects)})
	for done := 0; done < len(subjects); {
		n := min(planBatch, len(subjects)-done)
		items, err := planner.Plan(ctx, subjects[done:done+n])
		if err != nil {
			return canopy.Totals{}, err
		}
		if err := give(items); err != nil {
			return canopy.Totals{}, err
		}
		done += n
		p.tell(Event{Step: "plan", Done: done, Total: len(subjects)})
	}
	if err := keeping.wait(); err != nil {
		return canopy.Totals{}, err
	}
	p.tell(Event{Step: "plan", Done: len(subjects), Total: len(subjects), End: true})
	totals := totaler.Totals()
	l.hideGroups(totals.Groups)
	return totals, l.weigh(ctx, &totals)
}

// subjects are the metas to plan: those that are due, and those that the joining of due entries makes or touches.
func (l *Local) subjects(ctx context.Context, planner *engine.Planner, give sink) ([]canopy.MetaID, error) {
	subjects, items, err := planner.Join(ctx, func(yield func(*canopy.Entry) error) error { return l.Store.DueEntries(ctx, yield) })
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(items, batch) {
		if err := give(part); err != nil {
			return nil, err
		}
	}
	for after := canopy.MetaID(0); ; {
		due, err := l.Store.DueMetas(ctx, after, 10*batch)
		if err != nil {
			return nil, err
		}
		if len(due) == 0 {
			break
		}
		subjects = append(subjects, due...)
		after = due[len(due)-1]
	}
	return inOrder(subjects), nil
}

// inOrder sorts metas that exist by number, then those that the plan makes in the order of their making, each once.
func inOrder(ids []canopy.MetaID) []canopy.MetaID {
	slices.SortFunc(ids, func(a, b canopy.MetaID) int {
		switch {
		case a > 0 && b > 0:
			return int(a - b)
		case a > 0:
			return -1
		case b > 0:
			return 1
		}
		return int(b - a)
	})
	return slices.Compact(ids)
}

// survey lets the planner see what all subjects want before any is planned, and adds the metas that come into it
// because a value they waited for is given up.
func survey(ctx context.Context, planner *engine.Planner, subjects []canopy.MetaID) ([]canopy.MetaID, error) {
	for {
		var err error
		if subjects, err = surveyOnce(ctx, planner, subjects); err != nil {
			return nil, err
		}
		if !planner.Again() {
			return inOrder(subjects), nil
		}
	}
}

func surveyOnce(ctx context.Context, planner *engine.Planner, subjects []canopy.MetaID) ([]canopy.MetaID, error) {
	for next := subjects; len(next) > 0; {
		for part := range slices.Chunk(next, batch) {
			if err := planner.Survey(ctx, part); err != nil {
				return nil, err
			}
		}
		more, err := planner.Settle(ctx)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, more...)
		next = more
	}
	return subjects, nil
}
