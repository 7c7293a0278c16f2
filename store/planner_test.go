package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// plan makes, keeps and seals a plan of all that is due, as simply as a plan can be made: entries that ask for the same
// mail become one meta, whose first entry gives everything. What is out of scope or gone has no object in the tenant.
func (w *world) plan() canopy.PlanID {
	w.t.Helper()
	id, err := w.tryPlan()
	w.ok(err)
	return id
}

func (w *world) tryPlan() (canopy.PlanID, error) {
	id, err := w.NewPlan(w.ctx, canopy.Plan{Run: w.run, Rules: "test"})
	if err != nil {
		return 0, err
	}
	items, err := w.items()
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(items, 3) {
		if err := w.AddItems(w.ctx, id, part); err != nil {
			return 0, err
		}
	}
	return id, w.SealPlan(w.ctx, id, canopy.Totals{Joined: len(items)}, nil, canopy.PlanOpen)
}

// items computes the items of a plan.
func (w *world) items() ([]canopy.PlanItem, error) {
	v, err := w.View(w.ctx)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	p := planner{v: v, ctx: w.ctx, made: map[string]canopy.MetaID{}, news: map[canopy.MetaID][]*canopy.Entry{}}
	if err := w.DueEntries(w.ctx, p.join); err != nil {
		return nil, err
	}
	for after := canopy.MetaID(0); ; {
		ids, err := w.DueMetas(w.ctx, after, 2)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
		for _, id := range ids {
			if p.news[id] == nil {
				p.news[id] = []*canopy.Entry{}
			}
		}
	}
	return p.all()
}

type planner struct {
	v     *View
	ctx   context.Context
	made  map[string]canopy.MetaID // by mail
	news  map[canopy.MetaID][]*canopy.Entry
	order []canopy.MetaID
	items []canopy.PlanItem
}

// join finds the meta of an entry that has none.
func (p *planner) join(e *canopy.Entry) error {
	mail := canopy.Fold(e.Attrs.Text(canopy.AttrMail))
	if e.State == canopy.OutOfScope || e.State == canopy.Gone {
		p.items = append(p.items, canopy.PlanItem{Label: string(e.Anchor), Entries: []canopy.EntryOutcome{{Entry: e.ID, Connector: e.Connector, Outcome: canopy.NotInScope}}})
		return nil
	}
	id := p.made[mail]
	if mail != "" && id == 0 {
		hits, err := p.v.Lookup(p.ctx, []canopy.Key{{Name: "meta:mail", Value: mail}})
		if err != nil {
			return err
		}
		if len(hits) > 0 {
			id = hits[0].Meta
		}
	}
	if id == 0 {
		id = canopy.MetaID(-len(p.order) - 1)
		p.order = append(p.order, id)
	}
	if mail != "" {
		p.made[mail] = id
	}
	p.news[id] = append(p.news[id], e)
	return nil
}

func (p *planner) all() ([]canopy.PlanItem, error) {
	ids := make([]canopy.MetaID, 0, len(p.news))
	for id := range p.news {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b canopy.MetaID) int { // those that exist by number, then the new ones in order
		if a > 0 != (b > 0) {
			return int(b - a)
		}
		return int(max(a, -a) - max(b, -b))
	})
	for _, id := range ids {
		item, err := p.item(id)
		if err != nil {
			return nil, err
		}
		p.items = append(p.items, item)
	}
	return p.items, nil
}

// item plans one meta.
func (p *planner) item(id canopy.MetaID) (canopy.PlanItem, error) {
	item := canopy.PlanItem{Meta: id}
	var old *canopy.Meta
	members := p.news[id]
	if id > 0 {
		metas, err := p.v.Metas(p.ctx, []canopy.MetaID{id})
		if err != nil || len(metas) == 0 {
			return item, fmt.Errorf("meta %d: %w", id, err)
		}
		old, item.Version = metas[0], metas[0].Version
		have, err := p.v.EntriesOf(p.ctx, []canopy.MetaID{id})
		if err != nil {
			return item, err
		}
		members = append(have, members...)
	}
	slices.SortStableFunc(members, func(a, b *canopy.Entry) int {
		return strings.Compare(string(a.Connector+" ")+string(a.Anchor), string(b.Connector+" ")+string(b.Anchor))
	})
	var source, target *canopy.Entry
	for _, e := range members {
		switch {
		case e.Connector == canopy.Tenant && e.State == canopy.Gone, e.Connector != canopy.Tenant && (e.State == canopy.Gone || e.State == canopy.OutOfScope):
			item.Joins = append(item.Joins, canopy.EntryJoin{Entry: e.ID, Why: e.State.String()})
		case e.Connector == canopy.Tenant:
			target = e
		default:
			if source == nil {
				source = e
			}
			if e.Meta == 0 {
				item.Joins = append(item.Joins, canopy.EntryJoin{Entry: e.ID, Via: canopy.Joined{Kind: canopy.JoinedBy, Rule: "in", On: "mail"}})
			}
		}
		if e.Connector != canopy.Tenant {
			item.Entries = append(item.Entries, canopy.EntryOutcome{Entry: e.ID, Connector: e.Connector, Outcome: canopy.PlannedOut})
		}
	}
	if source == nil {
		item.Dies = true
		if target != nil {
			item.Exports = []canopy.PlannedExport{{Connector: canopy.Tenant, Entry: target.ID, Phase: canopy.PhaseRelease,
				Export: canopy.Export{Op: canopy.Delete, Class: target.Class, SourceAnchor: target.SourceAnchor, Ref: canopy.Ref{Anchor: target.Anchor}}}}
		}
		return item, nil
	}
	return item, p.draft(&item, old, source, target)
}

// draft plans the meta's image and what the tenant is to hold.
func (p *planner) draft(item *canopy.PlanItem, old *canopy.Meta, source, target *canopy.Entry) error {
	o := canopy.Origin{Connector: source.Connector, Entry: source.ID, Rule: "in"}
	image := &canopy.Meta{ID: item.Meta, Class: canopy.Person, Attrs: map[canopy.Attr]canopy.Sourced{}}
	if source.Class == canopy.Group {
		image.Class = canopy.Group
	}
	desired := canopy.Attrs{}
	for name, v := range source.Attrs {
		image.Attrs[name] = canopy.Sourced{Values: v, Origins: []canopy.Origin{o}}
		desired[name] = v
	}
	anchor := "sa-" + string(source.Anchor)
	image.Attrs[canopy.AttrSourceAnchor] = canopy.Sourced{Values: canopy.Texts(anchor), Origins: []canopy.Origin{o}}
	item.Label, item.Class = image.Value(canopy.AttrDisplayName), image.Class
	item.Image = image
	if mail := canopy.Fold(source.Attrs.Text(canopy.AttrMail)); mail != "" {
		item.Keys = []canopy.Key{{Name: "meta:mail", Value: mail}}
		claim := canopy.Claim{Kind: canopy.ClaimUPN, Value: mail}
		others, err := p.v.Claims(p.ctx, []canopy.Claim{claim})
		if err != nil {
			return err
		}
		taken := slices.ContainsFunc(others, func(c canopy.Claimant) bool { return c.Entry != 0 && c.Meta != item.Meta })
		item.Claims = []canopy.Claimant{{Claim: claim, Meta: item.Meta, Kept: !taken, Anchor: source.Anchor}}
	}
	x := canopy.PlannedExport{Connector: canopy.Tenant, Phase: canopy.PhaseObjects, Export: canopy.Export{Op: canopy.Modify, Class: source.Class, Set: canopy.Attrs{}}}
	adds := target == nil || target.Anchor == ""
	if target != nil {
		x.Entry, x.Export.SourceAnchor = target.ID, target.SourceAnchor
	}
	if adds {
		x.Export.Op, x.Export.SourceAnchor, x.Export.Set = canopy.Add, anchor, desired
	} else {
		for name, v := range desired {
			if !v.Equal(target.Attrs[name]) {
				x.Export.Set[name] = v
			}
		}
		for name := range target.Attrs {
			if len(desired[name]) == 0 && name != canopy.AttrSourceAnchor {
				x.Export.Clear = append(x.Export.Clear, name)
			}
		}
	}
	for name, v := range x.Export.Set {
		x.Changes = append(x.Changes, canopy.AttrChange{Attr: name, New: v, Origin: o})
	}
	if adds || len(x.Export.Set)+len(x.Export.Clear) > 0 {
		item.Exports = []canopy.PlannedExport{x}
	}
	return p.flow(item, old, source, target, adds)
}

// flow plans the members of a group.
func (p *planner) flow(item *canopy.PlanItem, old *canopy.Meta, source, target *canopy.Entry, whole bool) error {
	if source.Class != canopy.Group {
		return nil
	}
	f := canopy.LinkFlow{Connector: canopy.Tenant, Attr: canopy.AttrMember, From: source.ID, FromAttr: canopy.AttrMember, Whole: whole}
	if target != nil {
		f.Entry = target.ID
	}
	seen := false
	err := p.v.Links(p.ctx, canopy.LinkQuery{Owner: f.From, Attr: f.FromAttr, Changed: !whole, Connector: canopy.Tenant, Target: f.Entry, TargetAttr: f.Attr},
		func(r canopy.LinkRow) error {
			switch seen = true; {
			case r.Removed && r.Desired:
				f.Removed++
			case !r.Removed && !r.Desired:
				f.Added++
			}
			return nil
		})
	if seen {
		item.Links = []canopy.LinkFlow{f}
	}
	return err
}

// apply applies a plan two items at a time.
func (w *world) apply(id canopy.PlanID) (stale []canopy.MetaID) {
	w.t.Helper()
	stale, err := w.tryApply(id)
	w.ok(err)
	return stale
}

func (w *world) tryApply(id canopy.PlanID) (stale []canopy.MetaID, err error) {
	for {
		res, err := w.Apply(w.ctx, id, 2)
		stale = append(stale, res.Stale...)
		if err != nil || res.Done {
			return stale, err
		}
	}
}

// pending gives what is due to be sent.
func (w *world) pending(phase canopy.ExportPhase) []canopy.Export {
	w.t.Helper()
	return get(w.PendingExports(canopy.Tenant, phase).Next(w.ctx, *w.at, 100))(w)
}

// send exports everything that is due.
func (w *world) send(c *cloud) (written int) {
	w.t.Helper()
	n, err := w.trySend(c)
	w.ok(err)
	return n
}

func (w *world) trySend(c *cloud) (written int, err error) {
	for _, phase := range []canopy.ExportPhase{canopy.PhaseRelease, canopy.PhaseObjects, canopy.PhaseLinks} {
		for pending := w.PendingExports(canopy.Tenant, phase); ; {
			exports, err := pending.Next(w.ctx, *w.at, 3)
			if err != nil || len(exports) == 0 {
				if err != nil {
					return written, err
				}
				break
			}
			if err := w.RecordResults(w.ctx, w.run, canopy.Tenant, exports, c.write(exports)); err != nil {
				return written, err
			}
			written += len(exports)
		}
	}
	return written, nil
}

// cycle plans, applies, sends and confirms, and gives how many exports it sent.
func (w *world) cycle(c *cloud) int {
	w.t.Helper()
	w.apply(w.plan())
	n := w.send(c)
	w.read(canopy.Tenant, true, c.all()...)
	return n
}
