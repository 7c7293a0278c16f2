package engine

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// Want is what the rules say one target should hold for one meta, before anybody else's claims are looked at.
type Want struct {
	Meta   canopy.MetaID
	Target canopy.ConnectorID
	Class  canopy.Class // of the target's object; "" when Why says that there should be none
	Why    string
	Anchor string
	Attrs  canopy.Attrs
	Keeps  []canopy.Attr               // attributes that the rules leave as they are
	Links  map[canopy.Attr]canopy.Attr // the metaverse attribute that a link attribute follows
	// Fault is what stopped the evaluation, "" nothing.
	Fault string
}

// Wants says of metas that exist what these rules want each target to hold, for their entries as they are joined now. It
// is for comparing sets of rules: nothing is joined, claimed or settled. The order is that of metas and targets.
func (e *Engine) Wants(ctx context.Context, view View, ids []canopy.MetaID) ([]Want, error) {
	p := e.NewPlanner(view)
	units, err := p.load(ctx, ids)
	if err != nil {
		return nil, err
	}
	b := p.newBench()
	out := make([]Want, 0, len(units)*len(e.targets))
	for _, u := range units {
		b.evaluate(u)
		for i := range u.outs {
			out = append(out, u.want(&u.outs[i]))
		}
		if len(u.outs) == 0 { // it could not even be loaded
			for _, t := range e.targets {
				out = append(out, u.want(&outbound{conn: t}))
			}
		}
	}
	return out, nil
}

func (u *unit) want(o *outbound) Want {
	w := Want{Meta: u.id, Target: o.conn.ID, Why: o.why, Anchor: o.anchor, Attrs: canopy.Attrs{}}
	if u.fault != nil {
		w.Fault = u.fault.text()
		return w
	}
	if o.rule == nil {
		return w
	}
	w.Class = o.class
	for _, d := range o.values {
		switch {
		case d.keep:
			w.Keeps = append(w.Keeps, d.attr)
		case len(d.values) > 0:
			w.Attrs[d.attr] = d.values
		}
	}
	for _, l := range o.links {
		if w.Links == nil {
			w.Links = map[canopy.Attr]canopy.Attr{}
		}
		w.Links[l.to] = l.from
	}
	return w
}
