package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
)

// Plan makes the plan's items for metas that were surveyed and settled. An object that cannot be evaluated has an item
// that says so; an error is the view's, or a call out of order.
func (p *Planner) Plan(ctx context.Context, metas []canopy.MetaID) ([]canopy.PlanItem, error) {
	if !p.claims.solved && len(p.claims.subjects) > 0 {
		return nil, errors.New("plan: the claims are not settled")
	}
	units, err := p.load(ctx, metas)
	if err != nil {
		return nil, err
	}
	b := p.newBench()
	b.trace = p.trace
	for _, u := range units {
		if _, ok := p.claims.at[u.id]; !ok {
			return nil, fmt.Errorf("plan: meta %d was not surveyed", u.id)
		}
		b.evaluate(u)
	}
	rows, err := p.before(ctx, units)
	if err != nil {
		return nil, err
	}
	d := drafter{bench: b, ctx: ctx, rows: rows}
	items := make([]canopy.PlanItem, len(units))
	for i, u := range units {
		if err := d.draft(u, &items[i]); err != nil {
			return nil, err
		}
	}
	if err := d.explainWaits(); err != nil {
		return nil, err
	}
	if err := d.nameParties(); err != nil {
		return nil, err
	}
	for i, u := range units {
		d.complete(u, &items[i])
		for _, x := range u.rejected {
			item := refusal(x.entry, canopy.Failed, x.fault.text())
			item.Held[0].Attr = x.fault.attr
			items = append(items, item)
		}
	}
	return items, nil
}

// before asks the view, for a whole batch, for the objects that are taken over and for what is known of the claims.
func (p *Planner) before(ctx context.Context, units []*unit) (map[canopy.Claim][]canopy.Claimant, error) {
	var ids []canopy.EntryID
	var claims []canopy.Claim
	b := p.newBench()
	b.brief = true
	for _, u := range units {
		if t, ok := p.claims.takes[p.claims.at[u.id]]; ok {
			ids = append(ids, t.entry)
		}
		if u.old == nil {
			continue // nothing is known of it
		}
		if p.settled(u) {
			continue
		}
		wishes, _ := p.wishesOf(b, u)
		for _, w := range wishes {
			claims = append(claims, w.claim)
		}
	}
	if len(ids) > 0 {
		entries, err := p.view.Entries(ctx, ids)
		if err != nil {
			return nil, fmt.Errorf("load objects of the target's own: %w", err)
		}
		p.meet(units, entries)
	}
	return p.claimants(ctx, claims)
}

// meet tells the units which objects they take over.
func (p *Planner) meet(units []*unit, entries []*canopy.Entry) {
	for _, u := range units {
		t, ok := p.claims.takes[p.claims.at[u.id]]
		if !ok {
			continue
		}
		for _, e := range entries {
			for i := range u.outs {
				if o := &u.outs[i]; e.ID == t.entry && o.conn.ID == e.Connector && o.rule != nil && o.adds() {
					o.match = &match{entry: e, how: t.how, value: t.value}
				}
			}
		}
	}
}

// drafter writes the items of one batch.
type drafter struct {
	*bench
	ctx   context.Context
	rows  map[canopy.Claim][]canopy.Claimant
	names []unnamed
	waits []unexplained
}

// draft writes what is planned for one unit; names of other parties follow for the whole batch.
func (d *drafter) draft(u *unit, item *canopy.PlanItem) error {
	*item = canopy.PlanItem{Meta: u.id, Class: u.class}
	if u.old != nil {
		item.Version = u.old.Version
	}
	u.describe(item)
	if f := u.fault; f != nil {
		item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldError, Whole: true, Entry: f.entry, Attr: f.attr, Text: f.text()})
		return nil
	}
	item.Joins = u.joins
	item.Dies = u.dies
	for i := range u.outs {
		if err := d.draftOut(u, &u.outs[i], item); err != nil {
			return err
		}
	}
	if u.dies {
		for i := range u.sources {
			item.Joins = append(item.Joins, canopy.EntryJoin{Entry: u.sources[i].entry.ID, Why: whyDead})
		}
	}
	return nil
}

// complete adds the image and the outcomes, when it is known who the other parties are.
func (d *drafter) complete(u *unit, item *canopy.PlanItem) {
	switch {
	case u.old == nil && (u.fault != nil || u.dies): // it is not made, and its entries are not joined
		item.Meta, item.Joins, item.Dies = 0, nil, false
	case u.frozen() && u.old != nil:
		d.keepImage(u, item)
	case !u.dies:
		d.draftImage(u, item)
	}
	item.Findings = findings(u, item)
	if u.fault != nil {
		u.faultOutcomes(item)
	} else {
		u.outcomes(item)
	}
	for _, x := range u.dropped {
		if !x.elsewhere {
			item.Entries = append(item.Entries, outcomeOf(x.entry, x.outcome, x.why))
		}
	}
}

// findings are about the addresses that an item writes, and about what the entries hold from which it is made. They name
// the entry that gives each value.
func findings(u *unit, item *canopy.PlanItem) []canopy.Finding {
	var found []canopy.Finding
	writes := false
	for i := range item.Exports {
		x := &item.Exports[i]
		writes = writes || x.Export.Op == canopy.Add || x.Export.Op == canopy.Modify
		for _, f := range check.Addresses(item.Label, canopy.AttrAddresses, x.Export.Set[canopy.AttrAddresses], "") {
			f.Other = u.giver(f.Value)
			f.Next = "correct it in " + f.Other
			found = append(found, f)
		}
	}
	if !writes {
		return found
	}
	for i := range u.sources {
		found = append(found, wrongIn(u.sources[i].entry, item.Label, found)...)
	}
	return found
}

// wrongIn are the findings about an entry's values, but for those that are told already.
func wrongIn(e *canopy.Entry, label string, told []canopy.Finding) []canopy.Finding {
	if e.Class == canopy.ForeignSecurityPrincipal {
		return nil // it has no values of its own
	}
	var found []canopy.Finding
	for _, f := range check.Values(&check.Object{Connector: e.Connector, Class: e.Class, Anchor: e.Anchor, DN: e.DN, Attrs: e.Attrs}, check.Options{}) {
		known := slices.ContainsFunc(told, func(t canopy.Finding) bool { return t.Attr == f.Attr && t.Value == strings.TrimSpace(f.Value) })
		if known || f.Severity == canopy.Info {
			continue
		}
		f.Object, f.Other = label, e.DN+" ("+string(e.Connector)+")"
		f.Next += ", in " + f.Other
		found = append(found, f.Finding)
	}
	return found
}

// giver names the entry that has an address, as the forest has it.
func (u *unit) giver(address string) string {
	for i := range u.sources {
		e := u.sources[i].entry
		for _, v := range e.Attrs[canopy.AttrAddresses] {
			if strings.EqualFold(strings.TrimSpace(v.Str()), address) {
				return e.DN + " (" + string(e.Connector) + ")"
			}
		}
	}
	return "the forest that gives it"
}

// describe gives the item its label and place.
func (u *unit) describe(item *canopy.PlanItem) {
	image := u.image
	if image == nil && u.old != nil {
		image = u.old.Attrs
	}
	named := canopy.EntryID(0)
	if s, ok := image[canopy.AttrDisplayName]; ok && len(s.Values) > 0 {
		item.Label = s.Values[0].Str()
		if len(s.Origins) > 0 {
			named = s.Origins[0].Entry
		}
	}
	tell := func(e *canopy.Entry) {
		if item.Where == "" || e.ID == named {
			item.Where = container(e.DN)
		}
		if item.Label == "" {
			item.Label = e.DN
		}
	}
	for i := range u.sources {
		tell(u.sources[i].entry)
	}
	for _, x := range u.dropped {
		tell(x.entry)
	}
}

// faultOutcomes says which source failed and that the others wait for it.
func (u *unit) faultOutcomes(item *canopy.PlanItem) {
	for i := range u.sources {
		e := u.sources[i].entry
		kind := canopy.HeldBack
		if u.fault.entry == 0 || u.fault.entry == e.ID {
			kind = canopy.Failed
		}
		item.Entries = append(item.Entries, outcomeOf(e, kind, item.Held[0].Text))
	}
}

// outcomes says what becomes of each source entry.
func (u *unit) outcomes(item *canopy.PlanItem) {
	kind, why := canopy.Unchanged, ""
	switch {
	case !slices.ContainsFunc(u.outs, func(o outbound) bool { return o.rule != nil }):
		kind = canopy.NotInScope
		if len(u.outs) > 0 {
			why = u.outs[0].why
		}
	case len(item.Held) > 0:
		kind, why = canopy.HeldBack, item.Held[0].Text
	case item.Changes() || len(item.Joins) > 0:
		kind = canopy.PlannedOut
	}
	for i := range u.sources {
		item.Entries = append(item.Entries, outcomeOf(u.sources[i].entry, kind, why))
	}
}

func outcomeOf(e *canopy.Entry, kind canopy.Outcome, why string) canopy.EntryOutcome {
	return canopy.EntryOutcome{Entry: e.ID, Connector: e.Connector, Class: e.Class, Outcome: kind, Why: why}
}

// draftImage writes the meta as it will be, with its keys and claims, when any of them changes.
func (d *drafter) draftImage(u *unit, item *canopy.PlanItem) {
	claims := d.claimants(u)
	if u.same && sameHeld(u.old.Held, item.Held) && (d.p.settled(u) || d.sameClaims(u, claims)) {
		return
	}
	item.Image = &canopy.Meta{ID: u.id, Class: u.class, Version: item.Version, Attrs: u.image, Held: item.Held}
	item.Keys = d.p.e.rules.MetaKeys(item.Image)
	item.Claims = claims
}

// keepImage leaves a meta as it is, but for why it is held.
func (d *drafter) keepImage(u *unit, item *canopy.PlanItem) {
	if sameHeld(u.old.Held, item.Held) {
		return
	}
	item.Image = &canopy.Meta{ID: u.id, Class: u.old.Class, Version: item.Version, Attrs: u.old.Attrs, Held: item.Held}
	item.Keys = d.p.e.rules.MetaKeys(item.Image)
	wishes, _ := d.p.wishesOf(d.bench, u)
	done := map[canopy.Claim]bool{}
	for _, w := range wishes {
		if done[w.claim] {
			continue
		}
		done[w.claim] = true
		for _, r := range d.rows[w.claim] {
			if r.Meta == u.id && r.Entry == 0 {
				item.Claims = append(item.Claims, r)
				break
			}
		}
	}
}

// claimants are the unit's claims as the plan leaves them.
func (d *drafter) claimants(u *unit) []canopy.Claimant {
	book := &d.p.claims
	s := &book.subjects[book.at[u.id]]
	var out []canopy.Claimant
	for i := range u.outs {
		o := &u.outs[i]
		for _, w := range o.wishes {
			out = append(out, canopy.Claimant{Claim: w.claim, Meta: u.id,
				Kept:  s.fate != waits && !o.whole() && book.free(u.id, w.claim),
				Owner: s.owner && w.claim.Kind == canopy.ClaimAddress, Order: s.order, Anchor: s.anchor})
		}
	}
	return out
}

// sameClaims tells whether the view knows the unit's claims as they are.
func (d *drafter) sameClaims(u *unit, claims []canopy.Claimant) bool {
	for _, c := range claims {
		known := slices.ContainsFunc(d.rows[c.Claim], func(r canopy.Claimant) bool {
			return r.Meta == u.id && r.Entry == 0 && r.Kept == c.Kept && r.Owner == c.Owner && r.Order == c.Order && r.Anchor == c.Anchor
		})
		if !known {
			return false
		}
	}
	return true
}

func sameHeld(a, b []canopy.Held) bool {
	return slices.EqualFunc(a, b, func(x, y canopy.Held) bool {
		return x.Reason == y.Reason && x.Whole == y.Whole && x.Entry == y.Entry && x.Attr == y.Attr && x.Value == y.Value && x.Text == y.Text
	})
}
