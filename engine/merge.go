package engine

import (
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// slot is one attribute while the flows to it are asked.
type slot struct {
	state   slotState
	merge   rule.Merge
	values  canopy.Values
	origins []canopy.Origin
	flow    *rule.Flow // the flow that won, or the first that was asked
}

// slotState says what has been decided about an attribute.
type slotState uint8

const (
	untouched slotState = iota // no flow in scope fills it
	open                       // flows were asked and gave nothing
	ignored                    // nothing, and at least one flow said to leave the attribute alone
	collected                  // a union that takes more values
	won                        // decided: values, or none by AuthoritativeNull
	stood                      // decided when the object was made: what the target holds stays
)

// bench is the working place of one goroutine: what is filled anew for each unit without allocating.
type bench struct {
	p      *Planner
	brief  bool // only wishes and what they depend on are kept of a unit
	in     []slot
	out    []slot
	obj    rule.Object
	values []desired
	order  []int
	pairs  []pair
	trace  *Trace
}

// pair is a rule that is in scope of a source.
type pair struct {
	rule   *rule.Rule
	source *source
}

func (p *Planner) newBench() *bench {
	l := &p.e.layouts
	return &bench{p: p, in: make([]slot, len(l.inAttr)), out: make([]slot, len(l.outAttr)),
		obj: rule.Object{Attrs: make(canopy.Attrs, len(l.inAttr)), LinkCounts: map[canopy.Attr]int{}, Around: p.e.set.Around}}
}

// merge fills the slots from the unit's sources: for each attribute the first flow that contributes, by rule precedence,
// connector order and anchor.
func (b *bench) merge(u *unit) {
	clear(b.in)
	b.gather(u)
	for _, pr := range b.pairs {
		if u.fault != nil {
			return
		}
		b.flows(u, pr)
	}
}

// fill fills the slots from an image.
func (b *bench) fill(image map[canopy.Attr]canopy.Sourced) {
	clear(b.in)
	for name, s := range image {
		if n := b.p.e.layouts.number(name); n >= 0 && len(s.Values) > 0 {
			b.in[n] = slot{state: won, values: s.Values, origins: s.Origins}
		}
	}
}

// gather lists the pairs of rule and source in the order in which they are asked.
func (b *bench) gather(u *unit) {
	b.pairs = b.pairs[:0]
	for i := range u.sources {
		s := &u.sources[i]
		for _, r := range s.scoped.Rules {
			if r.Link != rule.JoinNoFlow && len(r.Flows) > 0 {
				b.pairs = append(b.pairs, pair{r, s})
			}
		}
	}
	if len(u.sources) > 1 {
		// The sources are in order already, and a stable sort keeps it.
		slices.SortStableFunc(b.pairs, func(a, c pair) int { return a.rule.Precedence - c.rule.Precedence })
	}
}

// flows asks the flows of one rule for one source.
func (b *bench) flows(u *unit, pr pair) {
	r, s := pr.rule, pr.source
	var origin []canopy.Origin
	short := b.brief && u.old == nil
	for i, at := range b.p.e.layouts.rules[r].slots {
		if short && !b.p.e.layouts.briefIn[at] {
			continue
		}
		f := &r.Flows[i]
		sl := &b.in[at]
		if sl.state == won || sl.state == collected && f.Merge == rule.Update {
			b.traceLoser(f, pr, sl)
			continue
		}
		if origin == nil {
			origin = []canopy.Origin{{Connector: s.conn.ID, Entry: s.entry.ID, Rule: r.ID}}
		}
		if f.Once && u.old != nil {
			if had, ok := u.old.Attrs[f.To]; ok {
				*sl = slot{state: won, values: had.Values, origins: had.Origins, flow: f}
				continue
			}
		}
		out, err := f.Eval(s.obj)
		if err != nil {
			u.fail(s.entry.ID, r.ID, f.To, err)
			return
		}
		if f.Link && out.Kind == rule.Contributes {
			out.Values = canopy.Values{canopy.Int(int64(s.entry.LinkCounts[f.From]))}
		}
		sl.take(f, out, origin)
		b.traceInbound(f, pr, out)
	}
}

// take lays a flow's outcome into the slot.
func (sl *slot) take(f *rule.Flow, out rule.Outcome, origin []canopy.Origin) {
	if sl.flow == nil {
		sl.flow = f
	}
	switch out.Kind {
	case rule.Nothing:
		sl.state = max(sl.state, open)
	case rule.Ignore:
		sl.state = max(sl.state, ignored)
	case rule.AuthoritativeNull:
		sl.state = won
		sl.flow = f
	case rule.Contributes:
		if f.Merge == rule.Update {
			sl.state, sl.values, sl.origins, sl.flow = won, out.Values, origin, f
			return
		}
		sl.union(f, out.Values, origin)
	}
}

// union adds the values that are not there yet, each with its origin.
func (sl *slot) union(f *rule.Flow, values canopy.Values, origin []canopy.Origin) {
	if sl.state != collected {
		*sl = slot{state: collected, merge: f.Merge, flow: f, values: make(canopy.Values, 0, len(values))}
	}
	for _, v := range values {
		if !sl.holds(v) {
			sl.values = append(sl.values, v)
			sl.origins = append(sl.origins, origin[0])
		}
	}
}

func (sl *slot) holds(v canopy.Value) bool {
	if sl.merge == rule.Union {
		return slices.Contains(sl.values, v)
	}
	folded := v.Fold()
	return slices.ContainsFunc(sl.values, func(w canopy.Value) bool { return w.Type() == v.Type() && w.Fold() == folded })
}

// image makes the meta's attributes from the slots. A single origin stands for all values.
func (b *bench) image() map[canopy.Attr]canopy.Sourced {
	n := 0
	for i := range b.in {
		if len(b.in[i].values) > 0 {
			n++
		}
	}
	image := make(map[canopy.Attr]canopy.Sourced, n)
	for i := range b.in {
		if sl := &b.in[i]; len(sl.values) > 0 {
			image[b.p.e.layouts.inAttr[i]] = canopy.Sourced{Values: sl.values, Origins: single(sl.origins)}
		}
	}
	return image
}

// same tells whether the slots are what an image holds, values and origins.
func (b *bench) same(image map[canopy.Attr]canopy.Sourced) bool {
	n := 0
	for i := range b.in {
		sl := &b.in[i]
		if len(sl.values) == 0 {
			continue
		}
		n++
		s, ok := image[b.p.e.layouts.inAttr[i]]
		if !ok || !s.Values.Equal(sl.values) || !slices.Equal(s.Origins, single(sl.origins)) {
			return false
		}
	}
	return n == len(image)
}

// single shortens origins that are all the same.
func single(o []canopy.Origin) []canopy.Origin {
	if len(o) < 2 {
		return o
	}
	for _, x := range o[1:] {
		if x != o[0] {
			return o
		}
	}
	return o[:1]
}

// alive tells whether a source keeps the meta alive.
func (u *unit) alive() bool {
	for i := range u.sources {
		for _, r := range u.sources[i].scoped.Rules {
			if r.Link == rule.Provision || r.Link == rule.StickyJoin {
				return true
			}
		}
	}
	return false
}

// object is what the slots hold, as outbound rules see it. It is good until the next unit.
func (b *bench) object(class canopy.Class) *rule.Object {
	clear(b.obj.Attrs)
	clear(b.obj.LinkCounts)
	b.obj.Class = class
	for i := range b.in {
		sl := &b.in[i]
		switch {
		case len(sl.values) == 0:
		case b.p.e.layouts.isLink[i]:
			b.obj.LinkCounts[b.p.e.layouts.inAttr[i]] = int(sl.values[0].Num())
		default:
			b.obj.Attrs[b.p.e.layouts.inAttr[i]] = sl.values
		}
	}
	return &b.obj
}
