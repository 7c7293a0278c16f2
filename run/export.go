package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/store"
)

// exportBatch is how many exports go out at a time.
const exportBatch = 1000

// apply carries out a stored plan in the store, batch by batch; each batch is one transaction with the plan's progress.
func (l *Local) apply(ctx context.Context, plan canopy.PlanID, items int, p Progress) (stale int, err error) {
	done := 0
	p.tell(Event{Step: "apply", Total: items})
	for {
		res, err := l.Store.Apply(ctx, plan, batch)
		if err != nil {
			return stale, err
		}
		done += res.Applied
		stale += len(res.Stale)
		p.tell(Event{Step: "apply", Done: done, Total: items, End: res.Done})
		if res.Done {
			return stale, nil
		}
	}
}

// export sends what is due to the target, phase by phase: what gives values up, objects, links.
func (l *Local) export(ctx context.Context, run canopy.RunID, total int, p Progress) (ExportReport, error) {
	var report ExportReport
	done := 0
	p.tell(Event{Step: "export", Connector: l.Target.ID, Total: total})
	for _, phase := range []canopy.ExportPhase{canopy.PhaseRelease, canopy.PhaseObjects, canopy.PhaseLinks} {
		pending := l.Store.PendingExports(l.Target.ID, phase)
		for some := true; some; {
			var err error
			some, err = l.sendAll(ctx, run, pending, &report, func(n int) {
				done += n
				p.tell(Event{Step: "export", Connector: l.Target.ID, Done: done, Total: max(total, done)})
			})
			if err != nil {
				return report, err
			}
		}
	}
	p.tell(Event{Step: "export", Connector: l.Target.ID, Done: done, Total: done, End: true})
	return report, nil
}

// sendAll writes exports batch by batch to the end of a walk, and records the results of one while the next is read and
// written. When nothing at all can be written a batch is tried again later. It tells whether there were any.
func (l *Local) sendAll(ctx context.Context, run canopy.RunID, pending *store.Pending, report *ExportReport, sent func(int)) (some bool, err error) {
	var recording behind
	defer func() { err = errors.Join(err, recording.wait()) }()
	for {
		part, err := pending.Next(ctx, l.Clock(), exportBatch)
		if err != nil {
			return some, fmt.Errorf("export: %w", err)
		}
		if len(part) == 0 {
			return some, nil
		}
		some = true
		results, err := l.Target.Connector.Write(ctx, part)
		if err == nil && len(results) != len(part) {
			return some, fmt.Errorf("export to %s: %d results for %d exports", l.Target.ID, len(results), len(part))
		}
		answers := results
		if err != nil {
			err = fmt.Errorf("export to %s: %w", l.Target.ID, err)
			answers = postponed(part, err)
		}
		rec := recording.do(func() error {
			if err := l.Store.RecordResults(ctx, run, l.Target.ID, part, answers); err != nil {
				return fmt.Errorf("record results: %w", err)
			}
			return nil
		})
		if err = errors.Join(err, rec); err != nil {
			return some, err
		}
		for i, r := range results {
			report.add(&part[i], r)
		}
		sent(size(part))
	}
}

// size counts exports as Sum does: objects, and links one by one.
func size(exports []canopy.Export) int {
	n := 0
	for i := range exports {
		n += linksOf(&exports[i])
		if writesObject(&exports[i]) {
			n++
		}
	}
	return n
}

func linksOf(e *canopy.Export) int {
	n := 0
	for _, c := range e.Links {
		n += len(c.Added) + len(c.Removed)
	}
	return n
}

func writesObject(e *canopy.Export) bool {
	return e.Op != canopy.Modify || len(e.Set)+len(e.Clear) > 0
}

func postponed(exports []canopy.Export, err error) []canopy.Result {
	results := make([]canopy.Result, len(exports))
	for i, e := range exports {
		results[i] = canopy.Result{Export: e.ID, Kind: canopy.Later, Code: canopy.KindOf(err).String(), Text: err.Error()}
	}
	return results
}

func (r *ExportReport) add(e *canopy.Export, res canopy.Result) {
	switch res.Kind {
	case canopy.Done:
		r.Links += linksOf(e) - len(res.Failed)
		r.Refused += len(res.Failed)
		if writesObject(e) {
			r.Written++
		}
	case canopy.Later:
		r.Later++
	case canopy.Refused, canopy.Denied, canopy.NotThere:
		r.Refused++
	}
}
