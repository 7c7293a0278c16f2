package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// apply does what a plan says, and sends its exports to the tenant at once.
func (w *world) apply(items []canopy.PlanItem) {
	w.t.Helper()
	w.applied = items
	number := map[canopy.MetaID]canopy.MetaID{}
	for i := range items {
		w.applyItem(&items[i], number)
	}
	adds := map[canopy.MetaID]canopy.EntryID{}
	for phase := canopy.PhaseRelease; phase <= canopy.PhaseLinks; phase++ {
		for i := range items {
			meta := cmp.Or(number[items[i].Meta], items[i].Meta)
			for k := range items[i].Exports {
				if x := &items[i].Exports[k]; x.Phase == phase {
					w.export(x, meta, adds)
				}
			}
		}
	}
	for i := range items {
		meta := cmp.Or(number[items[i].Meta], items[i].Meta)
		for _, l := range items[i].Links {
			w.applyLinks(l, cmp.Or(l.Entry, adds[meta]))
		}
	}
}

func (w *world) applyItem(item *canopy.PlanItem, number map[canopy.MetaID]canopy.MetaID) {
	id := item.Meta
	if id < 0 {
		id = canopy.MetaID(1000 + w.next())
		number[item.Meta] = id
	}
	for _, j := range item.Joins {
		e := w.entries[j.Entry]
		switch {
		case j.Via.Kind != canopy.NotJoined:
			e.Meta, e.Via = id, j.Via
		case e.Meta == id:
			e.Meta, e.Via = 0, canopy.Joined{}
		}
		if e.Meta == 0 && e.State == canopy.Gone {
			delete(w.entries, e.ID)
		}
	}
	if item.Image != nil {
		m := *item.Image
		m.ID, m.Version = id, m.Version+1
		w.metas[id] = &m
		w.claims[id] = nil
		for _, c := range item.Claims {
			c.Meta = id
			w.claims[id] = append(w.claims[id], c)
		}
	}
	if item.Dies {
		delete(w.metas, id)
		delete(w.claims, id)
	}
}

// export does what the tenant does with an export, and fails where the tenant would refuse.
func (w *world) export(x *canopy.PlannedExport, meta canopy.MetaID, adds map[canopy.MetaID]canopy.EntryID) {
	w.t.Helper()
	e := w.entries[x.Entry]
	switch x.Export.Op {
	case canopy.Add:
		if e == nil {
			e = &canopy.Entry{ID: canopy.EntryID(w.next()), Connector: x.Connector, Class: x.Export.Class, Attrs: canopy.Attrs{}}
			e.Anchor = canopy.Anchor(fmt.Sprint("oid-", e.ID))
			w.entries[e.ID] = e
		}
		if x.Export.SourceAnchor == "" {
			w.t.Errorf("an add without a source anchor: %+v", x.Export)
		}
		e.SourceAnchor, e.Meta, e.Via = x.Export.SourceAnchor, meta, canopy.Joined{Kind: canopy.Provisioned}
		adds[meta] = e.ID
	case canopy.Modify:
		if e == nil || e.SourceAnchor == "" || e.SourceAnchor != x.Export.SourceAnchor {
			w.t.Fatalf("a modification of an object that is not synchronised: %+v", x)
		}
	case canopy.Delete:
		if e == nil || e.SourceAnchor == "" {
			w.t.Fatalf("a delete of an object that is not synchronised: %+v", x)
		}
		delete(w.entries, e.ID)
		for owner, set := range w.desired {
			delete(set, e.ID)
			if owner.entry == e.ID {
				delete(w.desired, owner)
			}
		}
		return
	case canopy.Move:
		w.t.Fatal("a move in the tenant")
	}
	for name, v := range x.Export.Set {
		e.Attrs[name] = v
	}
	for _, name := range x.Export.Clear {
		delete(e.Attrs, name)
	}
	if w.refuses {
		w.unique(e)
	}
}

// unique fails when an object of the tenant has a value that another one has.
func (w *world) unique(e *canopy.Entry) {
	w.t.Helper()
	own := w.rules.EntryClaims("tenant", e)
	for _, o := range w.entries {
		if o.ID == e.ID || w.isSource(o) {
			continue
		}
		for _, c := range w.rules.EntryClaims("tenant", o) {
			if c.Kind != canopy.ClaimAlias && slices.Contains(own, c) {
				w.t.Fatalf("%s %q of %d %v is held by %d %v in\n%s", c.Kind, c.Value, e.ID, e.Attrs, o.ID, o.Attrs, describeAll(w.applied))
			}
		}
	}
}

func (w *world) applyLinks(l canopy.LinkFlow, target canopy.EntryID) {
	set := map[canopy.EntryID]bool{}
	from := linkOwner{l.From, l.FromAttr}
	w.planned[from] = map[canopy.EntryID]bool{}
	for _, id := range w.sources[from] {
		w.planned[from][id] = true
		if e := w.entries[id]; e != nil {
			if c := w.counterpart(e.Meta, l.Connector); c != 0 {
				set[c] = true
			}
		}
	}
	w.desired[linkOwner{target, l.Attr}] = set
}
