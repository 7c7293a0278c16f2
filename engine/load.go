package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// unit is one meta with its surroundings while it is looked at.
type unit struct {
	id      canopy.MetaID
	old     *canopy.Meta // nil: the plan makes it
	class   canopy.Class
	sources []source        // that belong to it after this plan, by connector order and anchor
	dropped []dropped       // that do not any more
	targets []*canopy.Entry // of all target connectors
	joins   []canopy.EntryJoin
	fault   *fault // what stopped the evaluation
	// rejected are joining entries that could not be evaluated.
	rejected []rejected

	image map[canopy.Attr]canopy.Sourced // nil in a survey
	same  bool                           // it is the old one
	owner bool                           // it owns its mailbox
	dies  bool
	outs  []outbound // one for each target connector
}

// source is one source entry of a unit.
type source struct {
	entry  *canopy.Entry
	conn   *Connector
	obj    *rule.Object
	scoped rule.Scoped
}

// dropped is a source entry that leaves its meta.
type dropped struct {
	entry *canopy.Entry
	why   string
	// elsewhere: the plan joins it to another meta, whose item tells of it.
	elsewhere bool
	outcome   canopy.Outcome
}

// rejected is a joining entry that could not be evaluated.
type rejected struct {
	entry *canopy.Entry
	fault *fault
}

// fault is what stopped the evaluation of a unit.
type fault struct {
	entry canopy.EntryID // 0: the meta itself
	rule  canopy.RuleID
	attr  canopy.Attr
	err   error
}

func (f *fault) text() string {
	switch {
	case f.attr != "":
		return fmt.Sprintf("rule %s, attribute %s: %v", f.rule, f.attr, f.err)
	case f.rule != "":
		return fmt.Sprintf("rule %s: %v", f.rule, f.err)
	}
	return f.err.Error()
}

// load reads a batch of metas with all that belongs to them, in one call of each kind.
func (p *Planner) load(ctx context.Context, ids []canopy.MetaID) ([]*unit, error) {
	units := make([]*unit, 0, len(ids))
	at := make(map[canopy.MetaID]*unit, len(ids))
	var known []canopy.MetaID
	var joining []canopy.EntryID
	for _, id := range ids {
		for _, a := range p.joinedTo(id) {
			joining = append(joining, a.entry)
		}
		if id > 0 {
			known = append(known, id)
			continue
		}
		if n := int(-id); n >= 1 && n <= len(p.local) && at[id] == nil {
			u := &unit{id: id, class: p.local[n-1].class}
			units, at[id] = append(units, u), u
		}
	}
	metas, entries, err := p.fetch(ctx, known, joining)
	if err != nil {
		return nil, err
	}
	for _, m := range metas {
		if at[m.ID] == nil {
			u := &unit{id: m.ID, old: m, class: m.Class}
			units, at[m.ID] = append(units, u), u
		}
	}
	for _, e := range entries {
		id := e.Meta
		if to, ok := p.goesTo[e.ID]; ok {
			if u := at[id]; u != nil && id != to {
				u.dropped = append(u.dropped, dropped{entry: e, elsewhere: true})
			}
			id = to
		}
		if u := at[id]; u != nil {
			p.place(u, e)
		}
	}
	for _, u := range units {
		p.order(u)
	}
	slices.SortFunc(units, func(a, b *unit) int { return cmp.Compare(a.id, b.id) })
	return units, nil
}

// fetch asks the view for metas, their entries, and the entries that this plan joins, each once.
func (p *Planner) fetch(ctx context.Context, known []canopy.MetaID, joining []canopy.EntryID) ([]*canopy.Meta, []*canopy.Entry, error) {
	var metas []*canopy.Meta
	var entries []*canopy.Entry
	var err error
	if len(known) > 0 {
		if metas, err = p.view.Metas(ctx, known); err != nil {
			return nil, nil, fmt.Errorf("load metas: %w", err)
		}
		if entries, err = p.view.EntriesOf(ctx, known); err != nil {
			return nil, nil, fmt.Errorf("load the metas' entries: %w", err)
		}
	}
	if len(joining) > 0 {
		more, err := p.view.Entries(ctx, joining)
		if err != nil {
			return nil, nil, fmt.Errorf("load joining entries: %w", err)
		}
		seen := make(map[canopy.EntryID]bool, len(entries))
		for _, e := range entries {
			seen[e.ID] = true
		}
		for _, e := range more {
			if !seen[e.ID] {
				seen[e.ID] = true
				entries = append(entries, e)
			}
		}
	}
	return metas, entries, nil
}

// place puts an entry where it belongs in a unit: among the sources, the dropped, or the targets.
func (p *Planner) place(u *unit, e *canopy.Entry) {
	c := p.e.conns[e.Connector]
	switch {
	case c == nil:
		// A connector that the settings do not name: its entries neither contribute nor lose anything.
	case c.Target:
		u.targets = append(u.targets, e)
	default:
		p.placeSource(u, e, c)
	}
}

func (p *Planner) placeSource(u *unit, e *canopy.Entry, c *Connector) {
	drop := func(why string) {
		u.dropped = append(u.dropped, dropped{entry: e, why: why, outcome: canopy.NotInScope})
	}
	if why := p.e.outside(e); why != "" {
		drop(why)
		return
	}
	if _, away := p.leaving[e.ID]; away && p.goesTo[e.ID] == 0 {
		out := p.alone[e.ID]
		u.dropped = append(u.dropped, dropped{entry: e, why: "separated by hand; " + out.Why, outcome: out.Outcome})
		return
	}
	s := source{entry: e, conn: c, obj: p.e.object(e, c)}
	var err error
	if s.scoped, err = p.e.rules.Scope(c.Kind, c.ID, s.obj); err != nil {
		u.fail(e.ID, "", "", err)
		u.sources = append(u.sources, s) // nobody knows whether it is in scope, so it stays
		return
	}
	if !s.scoped.In {
		drop(s.scoped.Why)
		return
	}
	u.sources = append(u.sources, s)
}

// The reasons for which an entry is out of scope without a rule.
const (
	whyGone     = "deleted in its directory"
	whyOutside  = "outside the containers and groups in scope"
	whyExcluded = "excluded by a person"
)

// order sorts a unit's parts, so that nothing depends on the order of loading, and says how new entries were joined.
func (p *Planner) order(u *unit) {
	slices.SortFunc(u.sources, func(a, b source) int {
		return cmp.Or(cmp.Compare(a.conn.Order, b.conn.Order), cmp.Compare(a.entry.Anchor, b.entry.Anchor))
	})
	slices.SortFunc(u.targets, func(a, b *canopy.Entry) int {
		return cmp.Or(cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Anchor, b.Anchor), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(u.dropped, func(a, b dropped) int {
		return cmp.Or(cmp.Compare(a.entry.Connector, b.entry.Connector), cmp.Compare(a.entry.Anchor, b.entry.Anchor))
	})
	for _, d := range u.dropped {
		if !d.elsewhere {
			u.joins = append(u.joins, canopy.EntryJoin{Entry: d.entry.ID, Why: d.why})
		}
	}
	for _, a := range p.joinedTo(u.id) {
		if u.has(a.entry) {
			u.joins = append(u.joins, canopy.EntryJoin{Entry: a.entry, Via: p.via(u, a)})
		}
	}
}

func (u *unit) has(id canopy.EntryID) bool {
	return slices.ContainsFunc(u.sources, func(s source) bool { return s.entry.ID == id })
}

// via says by which rule and on which value an entry is joined.
func (p *Planner) via(u *unit, a assignment) canopy.Joined {
	v := canopy.Joined{Kind: a.kind, Rule: a.rule}
	if a.kind != canopy.JoinedBy {
		return v
	}
	for i := range u.sources {
		s := &u.sources[i]
		if s.entry.ID != a.asker {
			continue
		}
		asks, err := p.e.rules.Asks(s.conn.Kind, s.conn.ID, s.obj)
		if err == nil && int(a.group) < len(asks) {
			v.On = asks[a.group].Text
			if asks[a.group].Rule != nil {
				v.Rule = asks[a.group].Rule.ID
			}
		}
	}
	return v
}

// fail notes the first thing that stopped the evaluation.
func (u *unit) fail(e canopy.EntryID, r canopy.RuleID, a canopy.Attr, err error) {
	if u.fault == nil {
		u.fault = &fault{entry: e, rule: r, attr: a, err: err}
	}
}

// rank is the unit's place among those who want one value: its first source that contributes.
func (u *unit) rank() (order int, anchor canopy.Anchor, entry canopy.EntryID) {
	for i := range u.sources {
		if s := &u.sources[i]; !s.scoped.Silent || i == len(u.sources)-1 {
			return s.conn.Order, s.entry.Anchor, s.entry.ID
		}
	}
	return int(^uint(0) >> 1), "", 0
}

// container is the DN above a DN: what follows the first comma that is not escaped.
func container(dn string) string {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return strings.TrimLeft(dn[i+1:], " ")
		}
	}
	return ""
}
