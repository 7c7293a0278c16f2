package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/store"
)

// HeldObject is something held back, for people.
type HeldObject struct {
	Name  string         `json:"name"`
	Class canopy.Class   `json:"class"`
	Meta  canopy.MetaID  `json:"meta,omitempty"`
	Entry canopy.EntryID `json:"entry,omitempty"`
	canopy.Held
}

// Held lists what is held back as of the last applied plan, at most limit.
func (l *Local) Held(ctx context.Context, limit int) ([]HeldObject, error) {
	rows, err := l.Store.Held(ctx, 0, limit)
	if err != nil {
		return nil, err
	}
	list := make([]HeldObject, len(rows))
	for i, r := range rows {
		list[i] = HeldObject{Name: r.Name, Class: r.Class, Meta: r.Meta, Entry: r.Entry, Held: r.Held}
	}
	return list, nil
}

// One finds the one object that a text names: a DN, UPN, mail address, anchor or GUID. Entries of one meta are one
// object. None is an error of kind NotFound, several of kind Conflict that names them.
func (l *Local) One(ctx context.Context, text string) (store.Found, error) {
	found, err := l.Store.Find(ctx, text)
	if err != nil {
		return store.Found{}, err
	}
	if len(found) == 0 {
		return store.Found{}, &canopy.Error{Kind: canopy.NotFound, Code: "object-unknown", Object: text, Text: "no object has this DN, UPN, address, anchor or GUID",
			Next: "check the spelling, or import first: canopy plan"}
	}
	same := func(a, b store.Found) bool { return a.Entry == b.Entry || a.Meta != 0 && a.Meta == b.Meta }
	for _, f := range found[1:] {
		if !same(found[0], f) {
			var names []string
			for _, f := range found {
				name := f.DN
				if name == "" { // the tenant has no DNs
					name = string(f.Anchor)
				}
				names = append(names, fmt.Sprintf("%s in %s", name, f.Connector))
			}
			return store.Found{}, &canopy.Error{Kind: canopy.Conflict, Code: "object-several", Object: text, Other: strings.Join(names, "; "),
				Text: "several objects have it", Next: "name one by its DN or GUID"}
		}
	}
	return found[0], nil
}

// Explanation is all that is known of one object and why.
type Explanation struct {
	Object  store.Found
	Entry   *canopy.Entry   // the entry that was named
	Meta    *canopy.Meta    // nil: not joined
	Entries []*canopy.Entry // of Meta, sources first
	Trace   *engine.Trace   // nil: not joined
	Log     []store.LogRow  // the newest first
	// Computes is what the tenant would compute of the object; nothing where there is to be none.
	Computes []Computed `json:",omitempty"`
}

// Explain says of every value of an object where it comes from and which others lost. It runs the engine once more with
// a trace; it writes nothing.
func (l *Local) Explain(ctx context.Context, text string) (*Explanation, error) {
	f, err := l.One(ctx, text)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Object: f}
	if x.Entry, err = l.Store.Entry(ctx, f.Entry); err != nil {
		return nil, err
	}
	if x.Log, err = l.Store.Log(ctx, store.LogFilter{Entry: f.Entry, Limit: 100}); err != nil {
		return nil, err
	}
	settings, err := l.settings(ctx)
	if err != nil {
		return nil, err
	}
	view, err := l.Store.View(ctx)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if f.Meta == 0 {
		if settings.Likely, err = l.likely(ctx); err != nil {
			return nil, err
		}
	}
	e := engine.New(l.Rules, settings)
	if f.Meta == 0 {
		x.Trace, err = e.ExplainEntry(ctx, view, f.Entry)
	} else {
		err = l.explainMeta(ctx, e, view, x)
	}
	if err != nil {
		return x, err
	}
	for i := range x.Trace.Targets {
		x.Computes = append(x.Computes, l.computed(&x.Trace.Targets[i], x.Entries)...)
	}
	l.hideExplanation(x)
	return x, nil
}

func (l *Local) explainMeta(ctx context.Context, e *engine.Engine, view engine.View, x *Explanation) (err error) {
	id := x.Object.Meta
	if x.Meta, err = l.Store.Meta(ctx, id); err != nil {
		return err
	}
	if x.Entries, err = l.Store.EntriesOf(ctx, id); err != nil {
		return err
	}
	rows, err := l.Store.Log(ctx, store.LogFilter{Meta: id, Limit: 100})
	if err != nil {
		return err
	}
	x.Log = merged(x.Log, rows)
	x.Trace, err = e.Explain(ctx, view, id)
	return err
}

// merged are two lists of log rows as one, the newest first, each row once.
func merged(a, b []store.LogRow) []store.LogRow {
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, func(x, y store.LogRow) int { return int(y.ID - x.ID) })
	return slices.CompactFunc(all, func(x, y store.LogRow) bool { return x.ID == y.ID })
}

// Decide keeps a person's decision about an entry's join: joined with another object, or released from all.
func (l *Local) Decide(ctx context.Context, kind engine.DecisionKind, object, with, why string) error {
	f, err := l.One(ctx, object)
	if err != nil {
		return err
	}
	d := store.Decision{Kind: string(kind), Entry: f.Entry, Who: l.Owner, Why: why}
	if with != "" {
		other, err := l.One(ctx, with)
		if err != nil {
			return err
		}
		if other.Entry == f.Entry {
			return &canopy.Error{Kind: canopy.Invalid, Code: "join-itself", Object: object, Text: "both names mean the same entry", Next: "name the object to join it with"}
		}
		if d.Meta = other.Meta; d.Meta == 0 {
			d.Other = other.Entry
		}
	} else {
		d.Meta = f.Meta // from what it is joined to now; joined to nothing it goes on alone
	}
	if kind == engine.DecideExclude && f.Connector == l.Target.ID {
		return &canopy.Error{Kind: canopy.Invalid, Code: "exclude-cloud", Object: object, Text: "it is an object of the tenant", Next: "name an object of a forest, by its DN or GUID"}
	}
	_, err = l.Store.PutDecision(ctx, d)
	return err
}

// Undecide forgets what a person decided about an entry.
func (l *Local) Undecide(ctx context.Context, object string) error {
	f, err := l.One(ctx, object)
	if err != nil {
		return err
	}
	decisions, err := l.Store.Decisions(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(decisions, func(d store.Decision) bool { return d.Entry == f.Entry }) {
		return &canopy.Error{Kind: canopy.NotFound, Code: "no-decision", Object: object, Text: "nobody decided anything about it", Next: "name the entry that was decided about by its DN"}
	}
	return l.Store.DropDecision(ctx, f.Entry)
}

// excluded are the entries that people put out of scope.
func (l *Local) excluded(ctx context.Context) (map[canopy.EntryID]bool, error) {
	decisions, err := l.Store.Decisions(ctx)
	if err != nil {
		return nil, err
	}
	out := map[canopy.EntryID]bool{}
	for _, d := range decisions {
		if engine.DecisionKind(d.Kind) == engine.DecideExclude {
			out[d.Entry] = true
		}
	}
	return out, nil
}

// Check proves for every connector that it can do what the configuration asks of it. It remembers nothing.
func (l *Local) Check(ctx context.Context) (map[canopy.ConnectorID][]canopy.Finding, error) {
	out := map[canopy.ConnectorID][]canopy.Finding{}
	for _, s := range append(slices.Clone(l.Sources), l.Target) {
		f, err := s.Connector.Check(ctx)
		if err != nil {
			return out, err // it says itself whom it could not check
		}
		if !slices.ContainsFunc(f, func(x canopy.Finding) bool { return x.Severity == canopy.Severe }) {
			f = append(f, l.checkScope(ctx, &s)...)
		}
		out[s.ID] = f
	}
	return out, nil
}

// Describe says what a forest, or the target, is and what its schema has.
func (l *Local) Describe(ctx context.Context, id canopy.ConnectorID) (canopy.Description, error) {
	var names []string
	for _, s := range append(slices.Clone(l.Sources), l.Target) {
		if s.ID == id {
			return s.Connector.Describe(ctx)
		}
		names = append(names, string(s.ID))
	}
	return canopy.Description{}, &canopy.Error{Kind: canopy.NotFound, Code: "forest-unknown", Object: string(id), Text: "the configuration has no forest of this name",
		Next: "name one of " + strings.Join(names, ", ")}
}

// checkScope finds the names of a scope that mean nothing, or something else than before.
func (l *Local) checkScope(ctx context.Context, s *Space) []canopy.Finding {
	var all []canopy.Finding
	known := l.Memory.named(s.ID)
	for _, dn := range slices.Concat(s.Names.Include, s.Names.Exclude, s.Names.Groups) {
		_, err := l.resolve(ctx, s, dn, known[canopy.Fold(dn)])
		if err == nil {
			continue
		}
		f := canopy.Finding{Code: "scope", Severity: canopy.Severe, Object: dn, Attr: "scope", Text: err.Error()}
		var e *canopy.Error
		if errors.As(err, &e) {
			f.Code, f.Other, f.Text, f.Next = e.Code, e.Other, e.Text, e.Next
		}
		all = append(all, f)
	}
	return all
}
