package engine

import (
	"cmp"
	"context"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// findMatches asks under which keys the targets have objects of their own that the units' adds would meet.
func (p *Planner) findMatches(ctx context.Context, units []*unit) error {
	var keys []canopy.Key
	for _, u := range units {
		for i := range u.outs {
			keys = append(keys, u.outs[i].keys...)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	hits, err := p.view.Lookup(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up objects of the target's own: %w", err)
	}
	found := map[canopy.Key][]canopy.EntryID{}
	var ids []canopy.EntryID
	for _, h := range hits {
		if c := p.e.conns[h.Connector]; h.Entry != 0 && h.Meta == 0 && c != nil && c.Target {
			found[h.Key] = append(found[h.Key], h.Entry)
			ids = append(ids, h.Entry)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	entries, err := p.view.Entries(ctx, ids)
	if err != nil {
		return fmt.Errorf("load objects of the target's own: %w", err)
	}
	byID := make(map[canopy.EntryID]*canopy.Entry, len(entries))
	for _, e := range entries {
		byID[e.ID] = e
	}
	for _, u := range units {
		for i := range u.outs {
			p.chooseMatch(u, &u.outs[i], found, byID)
		}
	}
	return nil
}

// chooseMatch takes the first key that finds exactly one object which may be taken over. Two objects under one key are
// nobody's: their values are then claimed by objects of the target's own, and that holds the add back.
func (p *Planner) chooseMatch(u *unit, o *outbound, found map[canopy.Key][]canopy.EntryID, byID map[canopy.EntryID]*canopy.Entry) {
	barred := false
	for _, k := range o.keys {
		var fit *canopy.Entry
		n := 0
		for _, id := range found[k] {
			e := byID[id]
			if e == nil || e.Connector != o.conn.ID || e.Class != o.class || e.State == canopy.Gone || e.Anchor == "" ||
				e.SourceAnchor != "" && e.SourceAnchor != o.anchor {
				continue
			}
			if fit == nil || fit.ID != e.ID {
				fit = e
				n++
			}
		}
		if n != 1 {
			continue
		}
		if why := cmp.Or(fit.Attrs.Text(canopy.AttrUnmatched), o.conn.Params[canopy.Unmatched+matchName(k)]); why != "" {
			p.barred[fit.ID] = why // its values are then claimed by it, and that holds the add back
			barred = true
		} else if !barred {
			o.match = &match{entry: fit, how: matchName(k), value: k.Value}
			return
		}
	}
}

func matchName(k canopy.Key) string {
	const prefix = "match:"
	if len(k.Name) > len(prefix) && k.Name[:len(prefix)] == prefix {
		return k.Name[len(prefix):]
	}
	return k.Name
}
