package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/store"
)

// ImportReport is what one import saw.
type ImportReport struct {
	Connector canopy.ConnectorID `json:"connector"`
	Full      bool               `json:"full"`
	Counts    store.ImportCounts `json:"counts"`
	Missing   int                `json:"missing,omitempty"` // not shown by a full read
	Gone      int                `json:"gone,omitempty"`    // of these, known to be deleted
	Waiting   int                `json:"waiting,omitempty"` // of these, waiting for a person
	Error     string             `json:"error,omitempty"`
	// Kind, Code and Next are those of the error: what it is for programs, and what to do.
	Kind string `json:"kind,omitempty"`
	Code string `json:"code,omitempty"`
	Next string `json:"next,omitempty"`
}

// fail keeps why the import did not go through.
func (r *ImportReport) fail(err error) {
	r.Error, r.Kind = err.Error(), canopy.KindOf(err).String()
	var known *canopy.Error
	if errors.As(err, &known) {
		r.Code, r.Next = known.Code, known.Next
	}
}

// imports reads every connector named, sources side by side. A source that cannot be read is reported and does not
// stop the others.
func (l *Local) imports(ctx context.Context, run canopy.RunID, spaces []*Space, o Options) []ImportReport {
	reports := make([]ImportReport, len(spaces))
	done := make(chan int)
	for i, s := range spaces {
		go func() {
			r, err := l.importOne(ctx, run, s, o)
			if err != nil {
				r.fail(err)
				l.Log.Error("import stopped", "connector", s.ID, "run", run, "error", err)
			}
			r.Connector = s.ID
			reports[i] = r
			done <- i
		}()
	}
	for range spaces {
		<-done
	}
	return reports
}

// importOne reads one connector into its space: what changed since the stored cursor, or everything.
func (l *Local) importOne(ctx context.Context, run canopy.RunID, s *Space, o Options) (ImportReport, error) {
	report := ImportReport{Connector: s.ID}
	err := l.step(ctx, run, "import", s.ID, func() (map[string]int, error) {
		err := l.read(ctx, run, s, o, &report)
		return report.counts(), err
	})
	return report, err
}

func (r *ImportReport) counts() map[string]int {
	c := r.Counts
	return map[string]int{"read": c.Read, "added": c.Added, "changed": c.Changed, "unchanged": c.Unchanged, "left scope": c.LeftScope,
		"deleted": c.Deleted, "failed": c.Failed, "confirmed": c.Confirmed, "not kept": c.NotKept, "missing": r.Missing}
}

func (l *Local) read(ctx context.Context, run canopy.RunID, s *Space, o Options, report *ImportReport) error {
	if err := l.describe(ctx, s); err != nil {
		return err
	}
	cursor, err := l.Store.Cursor(ctx, s.ID)
	if err != nil {
		return err
	}
	req := l.request(s, nil)
	hash := scopeHash(req)
	if !o.Full && cursor.ScopeHash == hash {
		req.Cursor = cursor.Bytes
	}
	step := "read"
	if s.ID == l.Target.ID {
		step = "confirm"
	}
	o.Progress.tell(Event{Step: step, Connector: s.ID})
	// While a batch is written the next one is read and prepared.
	var writing behind
	err = s.Connector.Read(ctx, req, func(b canopy.Batch) error {
		report.Full = b.Full
		next, err := l.Store.PrepareImport(ctx, store.ImportRequest{Connector: s.ID, Run: run, Batch: b, ScopeHash: hash, Full: b.Full, Derive: l.derive(s), Written: l.written(s), Exchange: l.exchange(s)})
		if err != nil {
			return err
		}
		return writing.do(func() error {
			counts, err := next.Import(ctx)
			report.Counts.Add(counts)
			o.Progress.tell(Event{Step: step, Connector: s.ID, Done: report.Counts.Read, Total: b.Expected})
			return err
		})
	})
	err = errors.Join(err, writing.wait())
	o.Progress.tell(Event{Step: step, Connector: s.ID, Done: report.Counts.Read, Total: report.Counts.Read, End: true})
	if err != nil {
		return fmt.Errorf("import %s: %w", s.ID, err)
	}
	if !report.Full {
		return nil
	}
	return l.finishFull(ctx, run, s, o, report)
}

// describe asks the connector what it is: a source once per process, the target once per cycle.
func (l *Local) describe(ctx context.Context, s *Space) error {
	if s.About.Kind != "" {
		return nil
	}
	about, err := s.Connector.Describe(ctx)
	if err != nil {
		return err // it says itself whom it could not describe
	}
	about.Values = maps.Clone(about.Values)
	if about.Values == nil {
		about.Values = map[string]string{}
	}
	about.Values["Connector.ID"] = string(s.ID)
	l.met(s, about)
	if err := l.remember(s); err != nil {
		return err
	}
	if err := l.tellStore(ctx); err != nil {
		return err
	}
	return l.resolveScope(ctx, s)
}

// met keeps what a connector said of itself; others that are met beside it look at it too.
func (l *Local) met(s *Space, about canopy.Description) {
	l.telling.Lock()
	defer l.telling.Unlock()
	s.About = about
}

// written are the attributes of the target that plans compare; of a source every attribute counts.
func (l *Local) written(s *Space) map[canopy.Attr]bool {
	if s.ID != l.Target.ID {
		return nil
	}
	return l.Rules.Counts(s.About.Kind)
}

// exchange are the link attributes of the target that are Exchange's.
func (l *Local) exchange(s *Space) []canopy.Attr {
	if s.ID != l.Target.ID {
		return nil
	}
	var out []canopy.Attr
	for name := range rule.ExchangeAttrs() {
		if s.About.Schema.Attributes[name].Type == canopy.Reference {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// derive gives the keys and claims of an entry of s by the rules.
func (l *Local) derive(s *Space) func(*canopy.Entry) ([]canopy.Key, []canopy.Claim) {
	target := s.ID == l.Target.ID
	kind := kindOf(s, "ad")
	if target {
		kind = kindOf(s, "tenant")
	}
	values := l.values(s)
	return func(e *canopy.Entry) ([]canopy.Key, []canopy.Claim) {
		keys, err := l.Rules.EntryKeys(kind, e, values)
		if err != nil { // the plan says it of this entry; it joins nothing meanwhile
			l.Log.Warn("keys of an entry", "connector", s.ID, "entry", e.ID, "error", err)
		}
		if !target {
			return keys, nil
		}
		return keys, l.Rules.EntryClaims(kind, e)
	}
}

// finishFull looks at what a full read did not show. Nothing becomes a deletion by not being shown: each missing entry
// is searched by its anchor, and one that is not found is gone only if its container was seen in the same read.
func (l *Local) finishFull(ctx context.Context, run canopy.RunID, s *Space, o Options, report *ImportReport) error {
	res, err := l.Store.FinishFull(ctx, s.ID, run)
	if err != nil {
		return err
	}
	report.Missing = res.Missing
	if res.Missing == 0 {
		return nil
	}
	if slices.Contains(o.AcceptMissing, s.ID) {
		return l.resolveMissing(ctx, run, s, report)
	}
	if b := engine.JudgeRead(l.Read, engine.ReadCounts{Connector: s.ID, Before: res.Before, Missing: res.Missing, ByContainer: res.MissingByContainer, Containers: res.BeforeByContainer}); len(b) > 0 {
		report.Waiting = res.Missing
		return &canopy.Error{Kind: canopy.Unsafe, Code: "read-too-small", Object: string(s.ID), Text: b[0].Text,
			Next: "check the account's rights and the scope; if the objects are really gone: canopy run --accept-missing " + string(s.ID)}
	}
	return l.resolveMissing(ctx, run, s, report)
}

func (l *Local) resolveMissing(ctx context.Context, run canopy.RunID, s *Space, report *ImportReport) error {
	var gone, wait []canopy.EntryID
	var found []canopy.Change
	err := l.Store.Missing(ctx, s.ID, func(e *canopy.Entry, containerSeen bool) error {
		req := l.request(s, nil)
		hits, err := s.Connector.Search(ctx, canopy.SearchRequest{Anchor: e.Anchor, Scope: req.Scope, Classes: req.Classes, Attrs: req.Attrs})
		switch {
		case err != nil && !errors.Is(err, context.Canceled):
			wait = append(wait, e.ID)
		case err != nil:
			return err
		case len(hits) > 0:
			found = append(found, hits...)
		case containerSeen:
			gone = append(gone, e.ID)
		default:
			wait = append(wait, e.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(found) > 0 {
		cur, err := l.Store.Cursor(ctx, s.ID)
		if err != nil {
			return err
		}
		if _, err := l.Store.Import(ctx, store.ImportRequest{Connector: s.ID, Run: run, ScopeHash: cur.ScopeHash,
			Batch: canopy.Batch{Changes: found, Cursor: cur.Bytes, Done: true}, Derive: l.derive(s), Written: l.written(s), Exchange: l.exchange(s)}); err != nil {
			return err
		}
	}
	report.Gone, report.Waiting = len(gone), len(wait)
	return l.Store.ResolveMissing(ctx, s.ID, gone, wait)
}
