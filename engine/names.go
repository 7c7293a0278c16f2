package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// unnamed is a held value whose other party has no name yet.
type unnamed struct {
	item *canopy.PlanItem
	at   int
}

// nameParties names, for a whole batch, those to whom disputed values belong.
func (d *drafter) nameParties() error {
	if len(d.names) == 0 {
		return nil
	}
	var ids []canopy.EntryID
	var metas []canopy.MetaID
	for _, n := range d.names {
		switch o := n.item.Held[n.at].Others[0]; {
		case o.Meta != 0 && d.outside(o.Meta):
			metas = append(metas, o.Meta)
		default:
			ids = append(ids, o.Entry)
		}
	}
	names, err := d.p.partyNames(d.ctx, distinct(ids), distinct(metas))
	if err != nil {
		return err
	}
	for _, n := range d.names {
		h := &n.item.Held[n.at]
		o := &h.Others[0]
		key := *o
		if o.Meta != 0 && d.outside(o.Meta) {
			key.Entry = 0
		} else {
			key.Meta = 0
		}
		if full, ok := names[key]; ok {
			o.Connector, o.Name = full.Connector, full.Name
			o.Entry = full.Entry
		}
		who := o.Name
		if who == "" {
			who = fmt.Sprintf("meta %d", o.Meta)
		}
		h.Text = fmt.Sprintf("%s %q belongs to %s (%s)", h.Attr, h.Value, who, o.Connector)
		if why := d.p.barred[h.Others[0].Entry]; why != "" {
			h.Text += ": " + why
		}
	}
	return nil
}

// outside tells whether a meta takes no part in the plan.
func (d *drafter) outside(m canopy.MetaID) bool {
	_, in := d.p.claims.at[m]
	return !in
}

// partyNames loads the names of entries, and of metas by their first source entry.
func (p *Planner) partyNames(ctx context.Context, ids []canopy.EntryID, metas []canopy.MetaID) (map[canopy.Party]canopy.Party, error) {
	names := map[canopy.Party]canopy.Party{}
	if len(ids) > 0 {
		entries, err := p.view.Entries(ctx, ids)
		if err != nil {
			return nil, fmt.Errorf("load other parties: %w", err)
		}
		for _, e := range entries {
			names[canopy.Party{Entry: e.ID}] = p.e.party(e)
		}
	}
	if len(metas) == 0 {
		return names, nil
	}
	entries, err := p.view.EntriesOf(ctx, metas)
	if err != nil {
		return nil, fmt.Errorf("load other parties: %w", err)
	}
	slices.SortFunc(entries, func(a, b *canopy.Entry) int {
		return cmp.Or(cmp.Compare(p.e.rank(a), p.e.rank(b)), cmp.Compare(a.Anchor, b.Anchor))
	})
	for _, e := range entries {
		key := canopy.Party{Meta: e.Meta}
		if _, ok := names[key]; !ok {
			names[key] = p.e.party(e)
		}
	}
	return names, nil
}

// rank orders entries of any connector: sources by their order, then targets.
func (e *Engine) rank(x *canopy.Entry) int {
	if c := e.source(x.Connector); c != nil {
		return c.Order
	}
	return int(^uint(0) >> 1)
}

// party names an entry for people: by its DN, and in a target by its sign-in name.
func (e *Engine) party(x *canopy.Entry) canopy.Party {
	p := canopy.Party{Connector: x.Connector, Entry: x.ID, Meta: x.Meta, Name: x.DN}
	if e.source(x.Connector) == nil {
		p.Name = cmp.Or(x.Attrs.Text(canopy.AttrUPN), x.Attrs.Text(canopy.AttrMail), x.Attrs.Text(canopy.AttrDisplayName), x.DN, string(x.Anchor))
	}
	return p
}

// distinct sorts a list and leaves out what is there twice.
func distinct[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
