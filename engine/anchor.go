package engine

import (
	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// settleAnchor decides the source anchor. It never changes on an object that the target has: the anchor that is there
// stays, unless the forest itself names another one, and then the object is held. A new object gets the anchor that its
// source had earlier.
func (b *bench) settleAnchor(u *unit, o *outbound, obj *rule.Object) {
	n := b.p.e.layouts.anchor
	if n < 0 || len(b.in[n].values) == 0 {
		o.held = append(o.held, canopy.Held{Reason: canopy.HeldNoAnchor, Whole: true, Attr: canopy.AttrSourceAnchor,
			Text: "no source object gives a source anchor"})
		return
	}
	sl := &b.in[n]
	o.anchor = sl.values[0].Str()
	before, who := u.anchorBefore(o, sl)
	if before == "" || before == o.anchor {
		return
	}
	origin := b.giverOf(before)
	if m := b.p.e.layouts.named; origin == nil && m >= 0 && len(b.in[m].values) > 0 {
		o.held = append(o.held, canopy.Held{Reason: canopy.HeldAnchor, Whole: true, Attr: canopy.AttrSourceAnchor, Value: o.anchor,
			Text: "the source anchor is " + before + " (" + who + ") and never changes; the forest names " + o.anchor +
				": give it the old one back, or separate the object to make another one"})
		o.anchor = before
		return
	}
	o.anchor = before
	sl.values = canopy.Texts(before)
	if origin != nil {
		sl.origins = origin
	}
	obj.Attrs[canopy.AttrSourceAnchor] = sl.values
}

// anchorBefore is the source anchor that the object has or had, and who says so.
func (u *unit) anchorBefore(o *outbound, sl *slot) (before, who string) {
	if o.entry != nil && o.entry.SourceAnchor != "" {
		return o.entry.SourceAnchor, "the target's"
	}
	for i := range u.sources {
		e := u.sources[i].entry
		if len(sl.origins) > 0 && e.ID == sl.origins[0].Entry && e.Known != "" {
			return e.Known, "given to " + e.DN + " before"
		}
	}
	return "", ""
}

// giverOf finds the source whose flow gives an anchor, though it has not won; nil when there is none.
func (b *bench) giverOf(anchor string) []canopy.Origin {
	for _, pr := range b.pairs {
		for i := range pr.rule.Flows {
			f := &pr.rule.Flows[i]
			if f.To != canopy.AttrSourceAnchor {
				continue
			}
			out, err := f.Eval(pr.source.obj)
			if err == nil && out.Kind == rule.Contributes && out.Values[0].Str() == anchor {
				return []canopy.Origin{{Connector: pr.source.conn.ID, Entry: pr.source.entry.ID, Rule: pr.rule.ID}}
			}
		}
	}
	return nil
}
