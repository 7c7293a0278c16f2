package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// Trace explains one meta, or one entry that is joined to none: what was asked, who won, and why the others lost.
type Trace struct {
	Item    canopy.PlanItem `json:"item"` // what a plan made now would say
	Entries []EntryTrace    `json:"entries"`
	Attrs   []AttrTrace     `json:"attributes,omitempty"` // of the meta, by name
	Targets []TargetTrace   `json:"targets,omitempty"`
}

// EntryTrace tells which rules apply to a source entry.
type EntryTrace struct {
	Party   canopy.Party `json:"entry"`
	State   string       `json:"state"`
	InScope bool         `json:"inScope"`
	Why     string       `json:"why,omitempty"`
	Asks    []string     `json:"asks,omitempty"`  // its join criteria with their values, in order
	Joins   []JoinTrace  `json:"joins,omitempty"` // the same, with whom each finds now
	Rules   []RuleTrace  `json:"rules,omitempty"`
}

// RuleTrace tells whether one rule applies.
type RuleTrace struct {
	Rule    canopy.RuleID `json:"rule"`
	Name    string        `json:"name,omitempty"`
	InScope bool          `json:"inScope"`
	Why     string        `json:"why,omitempty"`
	// Scope are the conditions of its scoping filter: groups of which one must hold, and all conditions of it.
	Scope [][]ClauseTrace `json:"scope,omitempty"`
}

// Give is what one flow has for one attribute.
type Give struct {
	Party  canopy.Party  `json:"entry"` // whose flow it is; empty for outbound flows
	Rule   canopy.RuleID `json:"rule"`
	From   string        `json:"from"` // the attribute, constant or expression
	Values canopy.Values `json:"values,omitempty"`
	Reason string        `json:"reason,omitempty"` // why it lost, "" for a winner
}

// AttrTrace tells how one attribute of the meta came to its values.
type AttrTrace struct {
	Attr    canopy.Attr   `json:"attribute"`
	Values  canopy.Values `json:"values,omitempty"`
	Winners []Give        `json:"winners,omitempty"` // several when values are merged
	Losers  []Give        `json:"losers,omitempty"`
}

// TargetTrace tells what one target should hold for the meta.
type TargetTrace struct {
	Connector canopy.ConnectorID `json:"connector"`
	Entry     canopy.EntryID     `json:"entry,omitempty"`
	Class     canopy.Class       `json:"class,omitempty"`
	Wanted    bool               `json:"wanted"`
	Why       string             `json:"why,omitempty"` // why it is not wanted
	Anchor    string             `json:"sourceAnchor,omitempty"`
	// Authority says who masters the object, where that is not the sources.
	Authority string            `json:"authority,omitempty"`
	Rules     []RuleTrace       `json:"rules,omitempty"`
	Attrs     []TargetAttrTrace `json:"attributes,omitempty"`
	Links     []canopy.LinkFlow `json:"links,omitempty"`
	Held      []canopy.Held     `json:"held,omitempty"`
}

// TargetAttrTrace tells what one attribute of the target should hold and holds.
type TargetAttrTrace struct {
	Attr    canopy.Attr   `json:"attribute"`
	Desired canopy.Values `json:"desired,omitempty"`
	Holds   canopy.Values `json:"holds,omitempty"`
	Origin  canopy.Origin `json:"origin"`
	Winner  *Give         `json:"winner,omitempty"`
	Losers  []Give        `json:"losers,omitempty"`
	// Note says why the target does not get what is desired, or keeps what it has.
	Note string `json:"note,omitempty"`
	// Authority: what the target's own administrators say counts.
	Authority bool `json:"authority,omitempty"`
}

// Explain says of every value of a meta where it comes from and why others lost, by making its plan once more. It is an
// error of kind NotFound when there is no such meta.
func (e *Engine) Explain(ctx context.Context, view View, meta canopy.MetaID) (*Trace, error) {
	p := e.NewPlanner(view)
	if err := p.survey(ctx, meta); err != nil {
		return nil, err
	}
	p.trace = &Trace{}
	items, err := p.Plan(ctx, []canopy.MetaID{meta})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, &canopy.Error{Kind: canopy.NotFound, Object: fmt.Sprintf("meta %d", meta), Text: "there is no such meta"}
	}
	p.trace.Item = items[0]
	p.trace.round()
	return p.trace, p.traceJoins(ctx, p.trace)
}

// ExplainEntry says why an entry is joined to no meta, or what a plan made now would join it to.
func (e *Engine) ExplainEntry(ctx context.Context, view View, entry canopy.EntryID) (*Trace, error) {
	entries, err := view.Entries(ctx, []canopy.EntryID{entry})
	if err != nil {
		return nil, fmt.Errorf("load entry: %w", err)
	}
	if len(entries) == 0 {
		return nil, &canopy.Error{Kind: canopy.NotFound, Object: fmt.Sprintf("entry %d", entry), Text: "there is no such entry"}
	}
	x := entries[0]
	if x.Meta != 0 {
		return e.Explain(ctx, view, x.Meta)
	}
	t := &Trace{}
	if c := e.source(x.Connector); c != nil {
		t.Entries = []EntryTrace{e.traceEntry(x, c)}
	}
	p := e.NewPlanner(view)
	metas, items, err := p.Join(ctx, func(yield func(*canopy.Entry) error) error { return yield(x) })
	if err != nil {
		return nil, err
	}
	if len(items) > 0 {
		t.Item = items[0]
		return t, p.traceJoins(ctx, t)
	}
	if err := p.survey(ctx, metas...); err != nil {
		return nil, err
	}
	to, ok := p.goesTo[entry]
	if !ok {
		return t, p.traceJoins(ctx, t)
	}
	p.trace = &Trace{}
	planned, err := p.Plan(ctx, []canopy.MetaID{to})
	if err != nil || len(planned) == 0 {
		return t, err
	}
	p.trace.Item = planned[0]
	p.trace.round()
	return p.trace, p.traceJoins(ctx, p.trace)
}

// traceEntry tells which rules apply to an entry.
func (e *Engine) traceEntry(x *canopy.Entry, c *Connector) EntryTrace {
	obj := e.object(x, c)
	t := EntryTrace{Party: e.party(x), State: x.State.String()}
	for _, r := range e.rules.In(c.Kind, c.ID, x.Class) {
		ok, why, err := r.InScope(obj)
		if err != nil {
			why = err.Error()
		}
		t.Rules = append(t.Rules, RuleTrace{Rule: r.ID, Name: r.Name, InScope: ok, Why: why, Scope: clauses(r, obj)})
	}
	scoped, err := e.rules.Scope(c.Kind, c.ID, obj)
	t.InScope, t.Why = scoped.In, scoped.Why
	if err != nil {
		t.Why = err.Error()
	}
	if why := e.outside(x); why != "" {
		t.InScope, t.Why = false, why
	}
	asks, err := e.rules.Asks(c.Kind, c.ID, obj)
	for _, a := range asks {
		t.Asks = append(t.Asks, a.Text)
	}
	if err != nil {
		t.Why = err.Error()
	}
	return t
}

// traceUnit tells of the sources, of what they have for attributes though their rules are out of scope, and of the
// attributes' values. It comes after merging.
func (b *bench) traceUnit(u *unit) {
	if b.trace == nil {
		return
	}
	for i := range u.sources {
		s := &u.sources[i]
		t := b.p.e.traceEntry(s.entry, s.conn)
		b.trace.Entries = append(b.trace.Entries, t)
		for _, x := range t.Rules {
			if !x.InScope {
				b.traceOutside(s, x)
			}
		}
	}
	for _, x := range u.dropped {
		if c := b.p.e.source(x.entry.Connector); c != nil {
			b.trace.Entries = append(b.trace.Entries, b.p.e.traceEntry(x.entry, c))
		}
	}
	for name, s := range u.image {
		b.trace.attr(name).Values = s.Values
	}
}

// traceOutside lists what a rule that is out of scope would have filled.
func (b *bench) traceOutside(s *source, x RuleTrace) {
	r := b.p.e.rules.Rule(x.Rule)
	for i := range r.Flows {
		f := &r.Flows[i]
		a := b.trace.attr(f.To)
		a.Losers = append(a.Losers, Give{Party: b.p.e.party(s.entry), Rule: r.ID, From: fromText(f), Reason: "rule out of scope because " + x.Why})
	}
}

func (t *Trace) attr(name canopy.Attr) *AttrTrace {
	for i := range t.Attrs {
		if t.Attrs[i].Attr == name {
			return &t.Attrs[i]
		}
	}
	t.Attrs = append(t.Attrs, AttrTrace{Attr: name})
	return &t.Attrs[len(t.Attrs)-1]
}

// traceInbound notes what an inbound flow that was asked gave.
func (b *bench) traceInbound(f *rule.Flow, pr pair, out rule.Outcome) {
	if b.trace == nil {
		return
	}
	g := Give{Party: b.p.e.party(pr.source.entry), Rule: pr.rule.ID, From: fromText(f), Values: out.Values}
	a := b.trace.attr(f.To)
	if g.Reason = reasonOf(out.Kind); g.Reason == "" {
		a.Winners = append(a.Winners, g)
		return
	}
	a.Losers = append(a.Losers, g)
}

// reasonOf says why an outcome is no value.
func reasonOf(k rule.Kind) string {
	switch k {
	case rule.Nothing:
		return "nothing to contribute"
	case rule.Ignore:
		return "the flow leaves the attribute as it is"
	case rule.Contributes, rule.AuthoritativeNull:
	}
	return ""
}

// traceLoser notes what a flow would have given that was not asked, since another one had won before.
func (b *bench) traceLoser(f *rule.Flow, pr pair, _ *slot) {
	if b.trace == nil {
		return
	}
	g := Give{Party: b.p.e.party(pr.source.entry), Rule: pr.rule.ID, From: fromText(f)}
	a := b.trace.attr(f.To)
	out, err := f.Eval(pr.source.obj)
	switch {
	case err != nil:
		g.Reason = err.Error()
	case out.Kind == rule.Contributes && len(a.Winners) > 0:
		g.Values, g.Reason = out.Values, lowerThan(&a.Winners[0])
	case out.Kind == rule.Contributes:
		g.Values, g.Reason = out.Values, "the first value, given when the object was made, stays"
	default:
		g.Reason = cmp.Or(reasonOf(out.Kind), "no value, and another flow won before")
	}
	a.Losers = append(a.Losers, g)
}

func lowerThan(w *Give) string {
	if w.Party.Name == "" {
		return "lower precedence than rule " + string(w.Rule)
	}
	return fmt.Sprintf("lower precedence than rule %s of %s (%s)", w.Rule, w.Party.Name, w.Party.Connector)
}

func fromText(f *rule.Flow) string {
	switch {
	case f.Expression != "":
		return f.Expression
	case f.Constant != nil:
		return fmt.Sprintf("%q", f.Constant.String())
	}
	return string(f.From)
}

// traceTarget begins to tell of a target.
func (b *bench) traceTarget(c *Connector) {
	if b.trace != nil {
		b.trace.Targets = append(b.trace.Targets, TargetTrace{Connector: c.ID})
	}
}

// target is the target that is being told of.
func (t *Trace) target() *TargetTrace { return &t.Targets[len(t.Targets)-1] }

func (b *bench) traceOutScope(r *rule.Rule, obj *rule.Object, ok bool, why string) {
	if b.trace != nil {
		t := b.trace.target()
		t.Rules = append(t.Rules, RuleTrace{Rule: r.ID, Name: r.Name, InScope: ok, Why: why, Scope: clauses(r, obj)})
	}
}

func (t *TargetTrace) attr(name canopy.Attr) *TargetAttrTrace {
	for i := range t.Attrs {
		if t.Attrs[i].Attr == name {
			return &t.Attrs[i]
		}
	}
	t.Attrs = append(t.Attrs, TargetAttrTrace{Attr: name})
	return &t.Attrs[len(t.Attrs)-1]
}

// traceOutbound notes what an outbound flow that was asked gave.
func (b *bench) traceOutbound(f *rule.Flow, r *rule.Rule, out rule.Outcome) {
	if b.trace == nil {
		return
	}
	a := b.trace.target().attr(f.To)
	g := Give{Rule: r.ID, From: fromText(f), Values: out.Values, Reason: reasonOf(out.Kind)}
	switch {
	case g.Reason != "":
		a.Losers = append(a.Losers, g)
	case a.Winner == nil:
		a.Winner = &g
	default: // merged with the first
		a.Winner.Values = append(slices.Clone(a.Winner.Values), g.Values...)
	}
}

// traceOut tells what a target should hold, when that is known.
func (b *bench) traceOut(u *unit, o *outbound) {
	if b.trace == nil {
		return
	}
	t := b.trace.target()
	t.Class, t.Wanted, t.Why, t.Anchor = o.class, o.rule != nil, o.why, o.anchor
	if o.entry != nil {
		t.Entry, t.Authority = o.entry.ID, authorities[o.master]
	}
	for i := range o.values {
		v := &o.values[i]
		a := t.attr(v.attr)
		a.Desired, a.Origin = v.values, v.from()
		if o.entry != nil {
			a.Holds = o.entry.Attrs[v.attr]
		}
		switch {
		case o.ofCloud(v.attr):
			a.Note, a.Authority = authorities[o.master]+": what it holds stays", true
		case v.keep:
			a.Note = "what the target holds stays"
		}
	}
	if o.anchor != "" {
		if n := b.p.e.layouts.anchor; n >= 0 && len(b.in[n].origins) > 0 {
			a := t.attr(canopy.AttrSourceAnchor)
			a.Desired, a.Origin = canopy.Texts(o.anchor), b.in[n].origins[0]
		}
	}
}

// round completes a trace by what the item says, and sorts it.
func (t *Trace) round() {
	byName := func(a, b canopy.Attr) int { return cmp.Compare(a, b) }
	slices.SortFunc(t.Attrs, func(a, b AttrTrace) int { return byName(a.Attr, b.Attr) })
	for i := range t.Targets {
		x := &t.Targets[i]
		x.Held = t.Item.Held
		for _, l := range t.Item.Links {
			if l.Connector == x.Connector {
				x.Links = append(x.Links, l)
			}
		}
		for _, h := range t.Item.Held {
			if h.Attr != "" && x.Wanted {
				x.attr(h.Attr).Note = h.Text
			}
		}
		slices.SortFunc(x.Attrs, func(a, b TargetAttrTrace) int { return byName(a.Attr, b.Attr) })
	}
}
