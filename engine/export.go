package engine

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// draftOut writes what one target is to be sent for a unit.
func (d *drafter) draftOut(u *unit, o *outbound, item *canopy.PlanItem) error {
	for _, e := range o.lost {
		item.Joins = append(item.Joins, canopy.EntryJoin{Entry: e.ID, Why: "deleted in the target"})
	}
	if o.rule == nil {
		d.deletes(o, o.why, item)
		return nil
	}
	item.Held = append(item.Held, o.held...)
	waiting := d.p.claims.subjects[d.p.claims.at[u.id]].fate == waits
	d.lose(u, o, waiting, item)
	if waiting || o.whole() {
		return nil
	}
	if err := d.drift(u, o, item); err != nil || o.master == ofCloud {
		return err
	}
	if o.match != nil && authorityOf(o.match.entry) == ofCloud {
		d.adopt(o, item)
		return nil
	}
	d.deletes(o, "it is now a "+string(o.class), item)
	if o.adds() {
		d.add(u, o, item)
	} else {
		d.modify(u, o, item)
	}
	return d.links(u, o, item, func(attr canopy.Attr) bool { return !o.ofCloud(attr) })
}

// from is where the values come from; zero when there are none.
func (v *desired) from() canopy.Origin {
	if v.origin == nil {
		return canopy.Origin{}
	}
	return *v.origin
}

// deletes removes the objects that are no longer wanted. What was never synchronised, or what the target's administrators
// master, is only let go.
func (d *drafter) deletes(o *outbound, why string, item *canopy.PlanItem) {
	for _, e := range o.stale {
		if e.SourceAnchor == "" {
			item.Joins = append(item.Joins, canopy.EntryJoin{Entry: e.ID, Why: why})
			continue
		}
		if authorityOf(e) == ofCloud {
			item.Joins = append(item.Joins, canopy.EntryJoin{Entry: e.ID, Why: why + "; it is not deleted, since " + authorities[ofCloud]})
			continue
		}
		item.Exports = append(item.Exports, canopy.PlannedExport{Connector: o.conn.ID, Entry: e.ID, Phase: canopy.PhaseRelease,
			Export:  canopy.Export{Op: canopy.Delete, Class: e.Class, SourceAnchor: e.SourceAnchor, Ref: canopy.Ref{Anchor: e.Anchor, DN: e.DN}},
			Regrets: []canopy.Regret{canopy.RegretDelete}, Why: why})
	}
}

// lose takes the values that belong to others out of what is desired, and says to whom they belong. An object that the
// target has and that does not get its main value keeps the attribute as it is.
func (d *drafter) lose(u *unit, o *outbound, waiting bool, item *canopy.PlanItem) {
	book := &d.p.claims
	if w := book.lost(u.id, canopy.Claim{Kind: canopy.ClaimAnchor, Value: o.anchor}); w != nil && d.p.e.claims(canopy.ClaimAnchor) {
		d.heldClaim(item, canopy.AttrSourceAnchor, o.anchor, waiting, w)
	}
	for i := range o.values {
		v := &o.values[i]
		if !d.p.e.claims(v.flow.Claim) || o.ofCloud(v.attr) {
			continue
		}
		kept, lostMain := v.values, false
		for _, x := range v.values {
			c, primary, ok := rule.ClaimOf(v.flow.Claim, x)
			if !ok {
				continue
			}
			w := book.lost(u.id, c)
			if w == nil {
				continue
			}
			if len(kept) == len(v.values) {
				kept = slices.Clone(v.values)
			}
			kept = slices.DeleteFunc(kept, func(y canopy.Value) bool { return y == x })
			lostMain = lostMain || primary || len(v.values) == 1
			d.heldClaim(item, v.attr, x.Str(), waiting, w)
		}
		if len(kept) < len(v.values) {
			v.values = kept
			v.keep = lostMain && !o.adds() && !d.takenFrom(u.id, o, v)
		}
	}
	if waiting && len(item.Held) == 0 {
		item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldClaim, Whole: true,
			Text: "it and others each want what another of them has; it waits until they are written"})
	}
}

// takenFrom tells whether another object gets a value that the target's object has in an attribute.
func (d *drafter) takenFrom(meta canopy.MetaID, o *outbound, v *desired) bool {
	return slices.ContainsFunc(o.entry.Attrs[v.attr], func(x canopy.Value) bool {
		c, _, ok := rule.ClaimOf(v.flow.Claim, x)
		return ok && d.p.claims.takenBy(meta, c)
	})
}

// heldClaim says that a value belongs to another party, once for each value and attribute.
func (d *drafter) heldClaim(item *canopy.PlanItem, attr canopy.Attr, value string, whole bool, w *party) {
	other := canopy.Party{Meta: w.meta, Entry: w.entry}
	if w.subject >= 0 {
		other.Entry = d.p.claims.subjects[w.subject].entry
	}
	item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldClaim, Whole: whole, Attr: attr, Value: value,
		Others: []canopy.Party{other}})
	d.names = append(d.names, unnamed{item: item, at: len(item.Held) - 1})
}

// add plans an object that the target does not have, or one of its own that it takes over.
func (d *drafter) add(u *unit, o *outbound, item *canopy.PlanItem) {
	x := canopy.PlannedExport{Connector: o.conn.ID, Phase: canopy.PhaseObjects, Why: "by rule " + string(o.rule.ID),
		Export: canopy.Export{Op: canopy.Add, Class: o.class, SourceAnchor: o.anchor, Set: make(canopy.Attrs, len(o.values))}}
	x.Changes = make([]canopy.AttrChange, 0, len(o.values))
	had := o.entry
	if o.match != nil {
		had = o.match.entry
		x.Match = &canopy.PlannedMatch{Entry: had.ID, How: o.match.how, Value: o.match.value, Anchor: had.Anchor, Source: o.anchor,
			Had: had.SourceAnchor}
		x.Regrets = append(x.Regrets, canopy.RegretTakeover)
		x.Why = "the target has it already, found by " + o.match.how
	}
	if had != nil {
		x.Entry = had.ID
		x.Export.Ref = canopy.Ref{Anchor: had.Anchor}
	}
	for i := range o.values {
		v := &o.values[i]
		if len(v.values) == 0 || v.keep {
			continue
		}
		x.Export.Set[v.attr] = v.values
		c := canopy.AttrChange{Attr: v.attr, New: v.values, Origin: v.from()}
		if had != nil {
			c.Old = had.Attrs[v.attr]
		}
		x.Changes = append(x.Changes, c)
	}
	item.Exports = append(item.Exports, x)
}

// modify plans what an object that the target has is to be given and to lose. Values that another object gets in this
// plan are given up first, by an export of their own.
func (d *drafter) modify(u *unit, o *outbound, item *canopy.PlanItem) {
	main := o.export(canopy.PhaseObjects)
	release := o.export(canopy.PhaseRelease)
	release.Why = "another object gets what this one gives up"
	for i := range o.values {
		v := &o.values[i]
		had := o.entry.Attrs[v.attr]
		if v.keep || o.ofCloud(v.attr) || had.Equal(v.values) || d.notKept(u, o, v, item) {
			continue
		}
		if first, ok := d.giveUp(u.id, o, v); ok {
			change(&release, v, had, first)
			if first.Equal(v.values) {
				regret(&release, v.attr, had, v.values)
				continue
			}
			had = first
		}
		change(&main, v, had, v.values)
		regret(&main, v.attr, o.entry.Attrs[v.attr], v.values)
	}
	d.takeBack(u, o, &release, &main)
	if len(release.Changes) > 0 {
		item.Exports = append(item.Exports, release)
	}
	if len(main.Export.Set)+len(main.Export.Clear) > 0 {
		item.Exports = append(item.Exports, main)
	}
}

func (o *outbound) export(phase canopy.ExportPhase) canopy.PlannedExport {
	return canopy.PlannedExport{Connector: o.conn.ID, Entry: o.entry.ID, Phase: phase, Export: canopy.Export{Op: canopy.Modify, Class: o.class,
		SourceAnchor: o.entry.SourceAnchor, Ref: canopy.Ref{Anchor: o.entry.Anchor}}}
}

// change notes the change of one attribute in an export.
func change(x *canopy.PlannedExport, v *desired, old, now canopy.Values) {
	x.Changes = append(x.Changes, canopy.AttrChange{Attr: v.attr, Old: old, New: now, Origin: v.from()})
	if len(now) == 0 {
		x.Export.Clear = append(x.Export.Clear, v.attr)
		return
	}
	if x.Export.Set == nil {
		x.Export.Set = canopy.Attrs{}
	}
	x.Export.Set[v.attr] = now
}

// regret notes what an administrator would regret about the change of one attribute.
func regret(x *canopy.PlannedExport, attr canopy.Attr, old, now canopy.Values) {
	switch {
	case len(now) == 0:
		x.Regrets = append(x.Regrets, canopy.RegretClear)
	case attr == canopy.AttrAccountEnabled && now[0] == canopy.Bool(false) && !old.Equal(now):
		x.Regrets = append(x.Regrets, canopy.RegretDisable)
	case attr == canopy.AttrUPN && len(old) > 0:
		x.Regrets = append(x.Regrets, canopy.RegretUPN)
	}
}

// giveUp is what an attribute is to hold first, when it now holds a value that another object gets in this plan: what
// of the desired values nobody else still holds. It tells whether that is needed.
func (d *drafter) giveUp(meta canopy.MetaID, o *outbound, v *desired) (canopy.Values, bool) {
	if !d.p.e.claims(v.flow.Claim) {
		return nil, false
	}
	book := &d.p.claims
	if !d.takenFrom(meta, o, v) {
		return nil, false
	}
	first := make(canopy.Values, 0, len(v.values))
	for _, x := range v.values {
		if c, _, ok := rule.ClaimOf(v.flow.Claim, x); !ok || !book.heldByOther(meta, c) {
			first = append(first, x)
		}
	}
	return first, true
}

// notKept holds a value back that the target took too often without keeping it. Another value than the one that was
// held before has its chance.
func (d *drafter) notKept(u *unit, o *outbound, v *desired, item *canopy.PlanItem) bool {
	if o.entry.NotKept[v.attr] < d.p.e.set.NotKeptLimit {
		return false
	}
	value := textOf(v.values)
	for _, h := range u.old.Held {
		if h.Reason == canopy.HeldNotKept && h.Attr == v.attr && h.Value != value {
			return false
		}
	}
	item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldNotKept, Attr: v.attr, Value: value,
		Text: string(v.attr) + ": the target answers \"done\" and does not keep " + value + "; it holds " + textOf(o.entry.Attrs[v.attr]) +
			". Change the value at its source, or find out what changes it in the target"})
	return true
}

// textOf shows values to people, shortened.
func textOf(v canopy.Values) string {
	const most = 200
	if len(v) == 0 {
		return "no value"
	}
	t := strings.Join(v.Strings(), ", ")
	if len(t) > most {
		return strings.ToValidUTF8(t[:most], "") + "..."
	}
	return t
}
