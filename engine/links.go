package engine

import (
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// mostSamples is how many links that cannot be carried are named in a LinkFlow.
const mostSamples = 20

// The reasons for which a link cannot be carried.
const (
	linkUnknown = "unknown object"
	linkDeleted = "deleted"
	linkOutside = "not in scope"
	linkHeld    = "held back"
	linkMatch   = "waiting for a match"
)

// unexplained is a sample whose meta takes no part in the plan: whether it is held back is asked for the whole batch.
type unexplained struct {
	wait *canopy.LinkWait
	meta canopy.MetaID
}

// follower says which source entry's link attribute a metaverse attribute follows.
type follower struct {
	entry  canopy.EntryID
	attr   canopy.Attr
	origin canopy.Origin
}

// follows reads from an image which source entry gives a link attribute; the zero follower when none does.
func (b *bench) follows(image map[canopy.Attr]canopy.Sourced, attr canopy.Attr) follower {
	s, ok := image[attr]
	if !ok || len(s.Origins) == 0 {
		return follower{}
	}
	o := s.Origins[0]
	if r := b.p.e.rules.Rule(o.Rule); r != nil {
		for i := range r.Flows {
			if f := &r.Flows[i]; f.Link && f.To == attr {
				return follower{entry: o.Entry, attr: f.From, origin: o}
			}
		}
	}
	return follower{}
}

// links plans the link attributes of one target's object, those that are wanted: which source entry each follows, and how
// many rows that changes. The rows themselves are compared when the plan is applied.
func (d *drafter) links(u *unit, o *outbound, item *canopy.PlanItem, wanted func(canopy.Attr) bool) error {
	for _, l := range o.links {
		if !wanted(l.to) {
			continue
		}
		now := d.follows(u.image, l.from)
		var was follower
		if u.old != nil {
			was = d.follows(u.old.Attrs, l.from)
		}
		take := o.master == returned || u.wasHeld(l.to) && !o.ofCloud(l.to)
		whole := o.adds() || now.entry != was.entry || take
		if now.entry == 0 {
			if was.entry == 0 && !take {
				continue
			}
			if u.has(was.entry) { // it has no links any more: its rows say which it had
				now, whole = was, o.adds() || take
			}
		}
		flow := canopy.LinkFlow{Connector: o.conn.ID, Attr: l.to, From: now.entry, FromAttr: now.attr, Whole: whole, Take: take, Origin: now.origin}
		if o.match != nil {
			flow.Entry = o.match.entry.ID
		} else if o.entry != nil {
			flow.Entry = o.entry.ID
		}
		if err := d.walk(u, &flow, item); err != nil {
			return err
		}
	}
	return nil
}

// walk counts what a link flow changes, and adds it to the item when it has anything to do.
func (d *drafter) walk(u *unit, flow *canopy.LinkFlow, item *canopy.PlanItem) error {
	for i := range u.sources {
		if e := u.sources[i].entry; e.ID == flow.From {
			flow.Total = e.LinkCounts[flow.FromAttr]
		}
	}
	seen := false
	asks := map[int]canopy.MetaID{} // by sample
	q := canopy.LinkQuery{Owner: flow.From, Attr: flow.FromAttr, Changed: !flow.Whole, Held: flow.Take, Connector: flow.Connector, Target: flow.Entry,
		TargetAttr: flow.Attr}
	each := func(row canopy.LinkRow) error {
		seen = true
		why, ask := "", canopy.MetaID(0)
		if !row.Removed {
			why, ask = d.p.carry(&row)
		}
		switch {
		case row.Desired && (row.Removed || row.Counterpart != 0 && d.p.leaves(&row)):
			flow.Removed++
		case row.Removed:
		case why == "" && !d.p.held(&row):
			flow.Added++
		case why != "":
			flow.Waiting++
			if len(flow.Samples) < mostSamples {
				flow.Samples = append(flow.Samples, canopy.LinkWait{Ref: row.Ref, Why: why})
				if ask != 0 {
					asks[len(flow.Samples)-1] = ask
				}
			}
		}
		return nil
	}
	if err := d.rowsOf(q, each); err != nil {
		return fmt.Errorf("walk links %s of entry %d: %w", flow.FromAttr, flow.From, err)
	}
	if !seen {
		return nil
	}
	item.Links = append(item.Links, *flow)
	for at, meta := range asks {
		d.waits = append(d.waits, unexplained{&flow.Samples[at], meta})
	}
	return nil
}

// rowsOf walks the rows that a flow is about: where not all, then those that changed and those that are expected.
func (d *drafter) rowsOf(q canopy.LinkQuery, each func(canopy.LinkRow) error) error {
	if err := d.p.view.Links(d.ctx, q, each); err != nil || !q.Changed {
		return err
	}
	q.Changed = false
	for part := range slices.Chunk(d.p.expectedOf(q.Owner), lookupBatch) {
		q.To = part
		if err := d.p.view.Links(d.ctx, q, each); err != nil {
			return err
		}
	}
	return nil
}

// carry tells why a link cannot be carried to the target, "" when it can. When only the view knows whether the meta it
// names is held back, that meta is given as well.
func (p *Planner) carry(row *canopy.LinkRow) (why string, ask canopy.MetaID) {
	meta := row.Meta
	if to, ok := p.goesTo[row.Entry]; ok && row.Entry != 0 {
		meta = to
	}
	if p.leaves(row) {
		meta = 0
	}
	if meta == 0 {
		switch {
		case row.Entry == 0:
			return linkUnknown, 0
		case row.State == canopy.Gone:
			return linkDeleted, 0
		case p.ambiguous[row.Entry], p.goesTo[row.Entry] != 0:
			return linkHeld, 0
		}
		return linkOutside, 0
	}
	n, ok := p.claims.at[meta]
	if !ok {
		if row.Counterpart != 0 {
			return "", 0
		}
		return linkOutside, meta
	}
	s := &p.claims.subjects[n]
	switch {
	case s.frozen || s.fate == waits:
		if row.Counterpart != 0 {
			return "", 0
		}
		return linkHeld, 0
	case !s.wanted:
		return linkOutside, 0
	}
	return "", 0
}

// leaves tells whether the entry that a link names leaves its meta by this plan.
func (p *Planner) leaves(row *canopy.LinkRow) bool {
	if p.left[row.Entry] {
		return true
	}
	n, ok := p.claims.at[row.Meta]
	if !ok || p.claims.subjects[n].stuck {
		return false // what takes no part, or cannot be evaluated, keeps its entries
	}
	return row.State == canopy.Gone || row.State == canopy.OutOfScope
}

// explainWaits finds out, for the samples that name metas outside the plan, which of them are held back.
func (d *drafter) explainWaits() error {
	if len(d.waits) == 0 {
		return nil
	}
	ids := make([]canopy.MetaID, 0, len(d.waits))
	for _, x := range d.waits {
		ids = append(ids, x.meta)
	}
	metas, err := d.p.view.Metas(d.ctx, distinct(ids))
	if err != nil {
		return fmt.Errorf("load metas that links wait for: %w", err)
	}
	held := map[canopy.MetaID]string{}
	for _, m := range metas {
		for _, h := range m.Held {
			if h.Whole {
				held[m.ID] = linkHeld
			}
		}
	}
	for _, x := range d.waits {
		if why := held[x.meta]; why != "" {
			x.wait.Why = why
		}
	}
	return nil
}
