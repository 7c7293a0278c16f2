package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// exportBatch is how many exports go out at a time, exportAhead how many are asked for.
const (
	exportBatch = 500
	exportAhead = 2 * exportBatch
)

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
		for pending := l.Store.PendingExports(l.Target.ID, phase); ; {
			exports, err := pending.Next(ctx, l.Clock(), exportAhead)
			if err != nil {
				return report, fmt.Errorf("export: %w", err)
			}
			if len(exports) == 0 {
				break
			}
			err = l.sendAll(ctx, run, exports, &report, func(n int) {
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

// sendAll writes exports batch by batch, and records the results of one while the next is written. When nothing at all can
// be written a batch is tried again later.
func (l *Local) sendAll(ctx context.Context, run canopy.RunID, exports []canopy.Export, report *ExportReport, sent func(int)) (err error) {
	var recording behind
	defer func() { err = errors.Join(err, recording.wait()) }()
	for part := range slices.Chunk(exports, exportBatch) {
		results, err := l.Target.Connector.Write(ctx, part)
		if err == nil && len(results) != len(part) {
			return fmt.Errorf("export to %s: %d results for %d exports", l.Target.ID, len(results), len(part))
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
			return err
		}
		for i, r := range results {
			report.add(&part[i], r)
		}
		sent(size(part))
	}
	return nil
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
