package engine

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// outbound is what the rules want of one target for one meta.
type outbound struct {
	conn *Connector
	// rule is the provision rule in scope; nil: the target is to have no object for the meta, and why says why.
	rule  *rule.Rule
	why   string
	class canopy.Class

	entry *canopy.Entry   // the target's entry of that class, nil: there is none yet
	stale []*canopy.Entry // entries that are to go: of another class, or no longer wanted
	lost  []*canopy.Entry // entries that the target does not have any more

	anchor string
	values []desired
	links  []linkWish
	wishes []wish
	keys   []canopy.Key // under which the target may have the object already
	held   []canopy.Held
	match  *match
}

// desired is what the rules say about one attribute of the target.
type desired struct {
	attr   canopy.Attr
	values canopy.Values // none: the attribute is to have no value
	origin canopy.Origin
	keep   bool // what the target holds stays
	claim  canopy.ClaimKind
	held   []canopy.Attr // further attributes in which the target shows the claimed values
}

// linkWish says that a link attribute of the target follows a link attribute of the metaverse.
type linkWish struct {
	to, from canopy.Attr
	rule     canopy.RuleID
}

// wish is a value that the meta wants for itself alone.
type wish struct {
	claim canopy.Claim
	// vital: without it a new object is not made.
	vital bool
}

// adds tells whether the target's object is still to be made, or to be taken over.
func (o *outbound) adds() bool {
	return o.entry == nil || o.entry.Anchor == "" || o.entry.SourceAnchor == ""
}

// whole tells whether the object is held back whole by itself.
func (o *outbound) whole() bool {
	return slices.ContainsFunc(o.held, func(h canopy.Held) bool { return h.Whole })
}

// evaluate says all that the rules say about a unit: its image, and what its targets should hold. An entry that is only
// about to join and cannot be evaluated is sent away, so that it does not hold back those who were there before.
func (b *bench) evaluate(u *unit) {
	b.evaluateOnce(u)
	for u.fault != nil && u.sendAway(b.p, u.fault) {
		u.fault = nil
		b.evaluateOnce(u)
	}
}

// sendAway takes a joining entry that failed out of the unit, and tells whether there was one.
func (u *unit) sendAway(p *Planner, f *fault) bool {
	at := slices.IndexFunc(u.sources, func(s source) bool { return s.entry.ID == f.entry })
	if at < 0 || p.goesTo[f.entry] != u.id || len(u.sources) == 1 {
		return false
	}
	u.rejected = append(u.rejected, rejected{u.sources[at].entry, f})
	u.sources = slices.Delete(u.sources, at, at+1)
	u.joins = slices.DeleteFunc(u.joins, func(j canopy.EntryJoin) bool { return j.Entry == f.entry })
	return true
}

func (b *bench) evaluateOnce(u *unit) {
	if u.fault != nil {
		return
	}
	if u.dies = !u.alive(); !u.dies {
		b.merge(u)
	}
	b.traceUnit(u)
	if u.fault != nil {
		return
	}
	var obj *rule.Object
	if !u.dies {
		obj = b.object(u)
	}
	u.outs = make([]outbound, 0, len(b.p.e.targets))
	for _, c := range b.p.e.targets {
		o := outbound{conn: c, why: whyDead}
		b.traceTarget(c)
		if u.dies {
			o.pickEntry(u)
		} else {
			b.scope(u, &o, obj)
		}
		b.traceOut(u, &o)
		u.outs = append(u.outs, o)
	}
}

const whyDead = "no source object that makes it is in scope any more"

// scope finds whether a target is to have an object for the meta, and if so what it is to hold.
func (b *bench) scope(u *unit, o *outbound, obj *rule.Object) {
	o.why = ""
	var in []*rule.Rule
	var whys []string
	for _, r := range b.p.e.rules.Out(o.conn.Kind, o.conn.ID, u.class) {
		ok, why, err := r.InScope(obj)
		if err != nil {
			u.fail(0, r.ID, "", err)
			return
		}
		b.traceOutScope(r, ok, why)
		switch {
		case ok:
			in = append(in, r)
			if r.Link == rule.Provision && o.rule == nil {
				o.rule, o.class = r, r.Target
			}
		case r.Link == rule.Provision && !slices.Contains(whys, why):
			whys = append(whys, why)
		}
	}
	o.pickEntry(u)
	if o.rule == nil {
		if o.why = strings.Join(whys, "; "); o.why == "" {
			o.why = "no rule makes an object of it"
		}
		return
	}
	b.settleAnchor(u, o, obj)
	b.want(u, o, obj, in)
	if u.fault == nil && o.adds() {
		o.keys = o.rule.MatchKeys(obj)
	}
}

// pickEntry sorts the target's entries into the one that is kept, those that go, and those that are gone.
func (o *outbound) pickEntry(u *unit) {
	for _, e := range u.targets {
		switch {
		case e.Connector != o.conn.ID:
		case e.State == canopy.Gone:
			o.lost = append(o.lost, e)
		case o.rule != nil && e.Class == o.class && o.entry == nil:
			o.entry = e
		default:
			o.stale = append(o.stale, e)
		}
	}
}

// want asks the outbound flows in scope what the target's object is to hold.
func (b *bench) want(u *unit, o *outbound, obj *rule.Object, in []*rule.Rule) {
	clear(b.out)
	var order []int
	for _, r := range in {
		if r.Link == rule.JoinNoFlow || r.Target != o.class && r.Target != "*" {
			continue
		}
		for i, at := range b.p.e.layouts.slots[r] {
			f := &r.Flows[i]
			if f.Link {
				o.wantLink(f, r.ID, obj)
				continue
			}
			sl := &b.out[at]
			if sl.state == won || sl.state == collected && f.Merge == rule.Update || f.Once && !o.adds() {
				continue
			}
			out, err := f.Eval(obj)
			if err != nil {
				u.fail(0, r.ID, f.To, err)
				return
			}
			if sl.state == untouched {
				order = append(order, at)
			}
			sl.take(f, out, []canopy.Origin{u.originOf(f, r.ID)})
			b.traceOutbound(f, r, out)
		}
	}
	o.values = make([]desired, 0, len(order))
	for _, at := range order {
		o.add(b.p.e, &b.out[at], b.p.e.layouts.outAttr[at])
	}
}

// add lays down what one attribute is to hold, and the claims that it makes.
func (o *outbound) add(e *Engine, sl *slot, attr canopy.Attr) {
	if attr == canopy.AttrSourceAnchor {
		o.claims(e, sl.flow, sl.values)
		return // travels by itself, see Export.SourceAnchor
	}
	d := desired{attr: attr, values: sl.values, keep: sl.state == ignored}
	if len(sl.origins) > 0 {
		d.origin = sl.origins[0]
	}
	if sl.flow != nil {
		d.claim, d.held = sl.flow.Claim, sl.flow.Held
		o.claims(e, sl.flow, sl.values)
	}
	o.values = append(o.values, d)
}

// claims notes the claims that values make, each once.
func (o *outbound) claims(e *Engine, f *rule.Flow, values canopy.Values) {
	if f == nil || !e.claims(f.Claim) {
		return
	}
	for _, v := range values {
		c, primary, ok := rule.ClaimOf(f.Claim, v)
		if !ok {
			continue
		}
		vital := c.Kind == canopy.ClaimUPN || c.Kind == canopy.ClaimAnchor || c.Kind == canopy.ClaimAddress && primary
		at := slices.IndexFunc(o.wishes, func(w wish) bool { return w.claim == c })
		if at < 0 {
			o.wishes = append(o.wishes, wish{c, vital})
		} else if vital {
			o.wishes[at].vital = true
		}
	}
}

// claims tells whether values of a kind are claimed at all.
func (e *Engine) claims(k canopy.ClaimKind) bool {
	if k == "" {
		return false
	}
	return e.set.Like != LikeProvisioning2020 || k == canopy.ClaimUPN || k == canopy.ClaimAnchor
}

// originOf is where a value of the target comes from: the origin of the metaverse attribute that the flow reads, or of
// the one of the same name; a constant comes from the outbound rule.
func (u *unit) originOf(f *rule.Flow, r canopy.RuleID) canopy.Origin {
	for _, name := range [...]canopy.Attr{f.From, f.To} {
		if s, ok := u.image[name]; ok && len(s.Origins) > 0 {
			return s.Origins[0]
		}
	}
	return canopy.Origin{Rule: r}
}

// wantLink notes which link attribute a link attribute of the target follows: the first that has links, else the first.
func (o *outbound) wantLink(f *rule.Flow, r canopy.RuleID, obj *rule.Object) {
	at := slices.IndexFunc(o.links, func(l linkWish) bool { return l.to == f.To })
	switch {
	case at < 0:
		o.links = append(o.links, linkWish{to: f.To, from: f.From, rule: r})
	case obj.LinkCounts[o.links[at].from] == 0 && obj.LinkCounts[f.From] > 0:
		o.links[at] = linkWish{to: f.To, from: f.From, rule: r}
	}
}

// settleAnchor decides the source anchor. It never changes on an object that the target has: the anchor that is there
// stays, unless the forest itself names another one, and then the object is held. A new object gets the anchor that its
// source had earlier.
func (b *bench) settleAnchor(u *unit, o *outbound, obj *rule.Object) {
	s := u.image[canopy.AttrSourceAnchor]
	if len(s.Values) == 0 {
		o.held = append(o.held, canopy.Held{Reason: canopy.HeldNoAnchor, Whole: true, Attr: canopy.AttrSourceAnchor,
			Text: "no source object gives a source anchor"})
		return
	}
	o.anchor = s.Values[0].Str()
	before, origin, who := b.anchorBefore(u, o, s)
	if before == "" || before == o.anchor {
		return
	}
	if _, named := u.image[canopy.AttrSourceAnchorBin]; named && origin == nil {
		o.held = append(o.held, canopy.Held{Reason: canopy.HeldAnchor, Whole: true, Attr: canopy.AttrSourceAnchor, Value: o.anchor,
			Text: "the source anchor is " + before + " (" + who + ") and never changes; the forest names " + o.anchor +
				": give it the old one back, or separate the object to make another one"})
		o.anchor = before
		return
	}
	o.anchor = before
	if origin == nil {
		origin = s.Origins
	}
	u.image[canopy.AttrSourceAnchor] = canopy.Sourced{Values: canopy.Texts(before), Origins: origin}
	obj.Attrs[canopy.AttrSourceAnchor] = canopy.Texts(before)
}

// anchorBefore is the source anchor that the object has or had, who says so, and the origin when one of the sources
// still gives it.
func (b *bench) anchorBefore(u *unit, o *outbound, s canopy.Sourced) (before string, origin []canopy.Origin, who string) {
	if o.entry != nil && o.entry.SourceAnchor != "" {
		return o.entry.SourceAnchor, b.giverOf(u, o.entry.SourceAnchor), "the target's"
	}
	for i := range u.sources {
		e := u.sources[i].entry
		if len(s.Origins) > 0 && e.ID == s.Origins[0].Entry && e.Known != "" {
			return e.Known, b.giverOf(u, e.Known), "given to " + e.DN + " before"
		}
	}
	return "", nil, ""
}

// giverOf finds the source whose flow gives an anchor, though it may not have won.
func (b *bench) giverOf(u *unit, anchor string) []canopy.Origin {
	if s := u.image[canopy.AttrSourceAnchor]; len(s.Values) > 0 && s.Values[0].Str() == anchor {
		return s.Origins
	}
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
