package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

func (w *world) Metas(_ context.Context, ids []canopy.MetaID) ([]*canopy.Meta, error) {
	w.calls["metas"]++
	var out []*canopy.Meta
	for _, id := range ids {
		if m := w.metas[id]; m != nil {
			c := *m
			c.Attrs = maps.Clone(m.Attrs)
			out = append(out, &c)
		}
	}
	return out, nil
}

func (w *world) EntriesOf(_ context.Context, ids []canopy.MetaID) ([]*canopy.Entry, error) {
	w.calls["entries of"]++
	var out []*canopy.Entry
	for _, e := range w.entries {
		if e.Meta != 0 && slices.Contains(ids, e.Meta) {
			out = append(out, copied(e))
		}
	}
	return out, nil
}

func copied(e *canopy.Entry) *canopy.Entry {
	c := *e
	c.Attrs = e.Attrs.Clone()
	return &c
}

func (w *world) Entries(_ context.Context, ids []canopy.EntryID) ([]*canopy.Entry, error) {
	w.calls["entries"]++
	var out []*canopy.Entry
	for _, id := range ids {
		if e := w.entries[id]; e != nil {
			out = append(out, copied(e))
		}
	}
	return out, nil
}

func (w *world) kind(e *canopy.Entry) string {
	if w.isSource(e) {
		return "ad"
	}
	return "tenant"
}

func (w *world) Lookup(_ context.Context, keys []canopy.Key) ([]canopy.Hit, error) {
	w.calls["lookup"]++
	wanted := make(map[canopy.Key]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	var hits []canopy.Hit
	for _, m := range w.metas {
		for _, k := range w.rules.MetaKeys(m) {
			if wanted[k] {
				hits = append(hits, canopy.Hit{Key: k, Meta: m.ID})
			}
		}
	}
	for _, e := range w.entries {
		if e.Meta != 0 && !w.isSource(e) {
			continue
		}
		own, err := w.rules.EntryKeys(w.kind(e), e, nil)
		if err != nil {
			continue
		}
		for _, k := range own {
			if wanted[k] {
				hits = append(hits, canopy.Hit{Key: k, Entry: e.ID, Meta: e.Meta, Connector: e.Connector})
			}
		}
	}
	return hits, nil
}

func (w *world) Claims(_ context.Context, claims []canopy.Claim) ([]canopy.Claimant, error) {
	w.calls["claims"]++
	wanted := map[canopy.Claim]bool{}
	for _, c := range claims {
		wanted[c] = true
	}
	var out []canopy.Claimant
	for _, list := range w.claims {
		for _, c := range list {
			if wanted[c.Claim] {
				out = append(out, c)
			}
		}
	}
	for _, e := range w.entries {
		if w.isSource(e) || e.State == canopy.Gone {
			continue
		}
		for _, c := range w.rules.EntryClaims("tenant", e) {
			if wanted[c] {
				out = append(out, canopy.Claimant{Claim: c, Meta: e.Meta, Entry: e.ID, Kept: true, Anchor: e.Anchor})
			}
		}
	}
	return out, nil
}

func (w *world) counterpart(meta canopy.MetaID, c canopy.ConnectorID) canopy.EntryID {
	for _, e := range w.entries {
		if meta != 0 && e.Meta == meta && e.Connector == c && e.State != canopy.Gone {
			return e.ID
		}
	}
	return 0
}

// leaving tells whether an entry leaves its meta with the next plan; the links to it are changed.
func (w *world) leaving(e *canopy.Entry) bool {
	if e.State == canopy.Gone || e.State == canopy.OutOfScope {
		return true
	}
	scoped, err := w.rules.Scope("ad", e.Connector, rule.EntryObject(e, nil))
	return err == nil && !scoped.In
}

// changed tells whether a link of a source is to be looked at: no plan has carried it as far as it can be now.
func (w *world) changed(o linkOwner, e *canopy.Entry, row *canopy.LinkRow) bool {
	return !w.planned[o][row.Entry] || (row.Counterpart != 0) != row.Desired || row.Desired && w.leaving(e)
}

func (w *world) Links(_ context.Context, q canopy.LinkQuery, each func(canopy.LinkRow) error) error {
	w.calls["links"]++
	if q.To != nil && q.Owner == 0 {
		return w.leading(q.To, each)
	}
	desired := w.desired[linkOwner{q.Target, q.TargetAttr}]
	wanted := map[canopy.EntryID]bool{}
	for _, id := range w.sources[linkOwner{q.Owner, q.Attr}] {
		e := w.entries[id]
		row := canopy.LinkRow{Ref: canopy.Ref{DN: fmt.Sprint("unknown ", id)}}
		if e != nil {
			row = canopy.LinkRow{Ref: canopy.Ref{Anchor: e.Anchor, DN: e.DN}, Entry: e.ID, State: e.State, Meta: e.Meta,
				Counterpart: w.counterpart(e.Meta, q.Connector)}
		}
		row.Desired = row.Counterpart != 0 && desired[row.Counterpart]
		wanted[row.Counterpart] = true
		changed := w.changed(linkOwner{q.Owner, q.Attr}, e, &row)
		if q.Changed && !changed || q.To != nil && (changed || !slices.Contains(q.To, id)) {
			continue
		}
		if err := each(row); err != nil {
			return err
		}
	}
	if q.To != nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(desired)) {
		if !wanted[id] {
			if err := each(canopy.LinkRow{Entry: id, Removed: true, Desired: true, Counterpart: id}); err != nil {
				return err
			}
		}
	}
	return nil
}

// leading gives the planned links that lead to some entries.
func (w *world) leading(to []canopy.EntryID, each func(canopy.LinkRow) error) error {
	for o, ends := range w.planned {
		owner := w.entries[o.entry]
		if owner == nil || owner.Meta == 0 {
			continue
		}
		for id := range ends {
			if !slices.Contains(to, id) || !slices.Contains(w.sources[o], id) {
				continue
			}
			if err := each(canopy.LinkRow{Owner: o.entry, OwnerMeta: owner.Meta, Entry: id}); err != nil {
				return err
			}
		}
	}
	return nil
}
