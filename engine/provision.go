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

	entry  *canopy.Entry   // the target's entry of that class, nil: there is none yet
	master authority       // of entry
	stale  []*canopy.Entry // entries that are to go: of another class, or no longer wanted
	lost   []*canopy.Entry // entries that the target does not have any more

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
	origin *canopy.Origin
	flow   *rule.Flow // that decided
	keep   bool       // what the target holds stays
}

// linkWish says that a link attribute of the target follows a link attribute of the metaverse.
type linkWish struct {
	to, from canopy.Attr
}

// wish is a value that the meta wants for itself alone.
type wish struct {
	claim canopy.Claim
	// vital: without it a new object is not made.
	vital bool
	// spare: an address outside of the addresses, which is the main one if those have none.
	spare bool
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
	u.outs = make([]outbound, len(b.p.e.targets))
	if u.dies = !u.alive(); u.dies {
		b.traceUnit(u)
		for i, c := range b.p.e.targets {
			b.traceTarget(c)
			u.outs[i] = outbound{conn: c, why: whyDead}
			u.outs[i].pickEntry(u)
			b.traceOut(u, &u.outs[i])
		}
		return
	}
	if b.merge(u); u.fault != nil {
		b.traceUnit(u)
		return
	}
	obj := b.object(u.class)
	for i, c := range b.p.e.targets {
		u.outs[i].conn = c
		b.traceTarget(c)
		b.scope(u, &u.outs[i], obj)
		b.traceOut(u, &u.outs[i])
	}
	u.owner = b.owns()
	u.same = u.old != nil && u.old.Class == u.class && b.same(u.old.Attrs)
	if !b.brief {
		u.image = b.image()
	}
	b.traceUnit(u)
}

// owns tells whether the meta owns its mailbox.
func (b *bench) owns() bool {
	n := b.p.e.layouts.owner
	return n >= 0 && len(b.in[n].values) > 0 && b.in[n].values[0] != canopy.Bool(false)
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
		b.traceOutScope(r, obj, ok, why)
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
	o.settleAuthority()
	b.want(u, o, obj, in)
	b.keepHeld(o)
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
			o.entry, o.master = e, authorityOf(e)
		default:
			o.stale = append(o.stale, e)
		}
	}
}

// want asks the outbound flows in scope what the target's object is to hold.
func (b *bench) want(u *unit, o *outbound, obj *rule.Object, in []*rule.Rule) {
	clear(b.out)
	b.order = b.order[:0]
	adds, short := o.adds(), b.brief && u.old == nil
	b.asks(u, obj)
	for _, r := range in {
		if r.Link == rule.JoinNoFlow || r.Target != o.class && r.Target != "*" {
			continue
		}
		l := b.p.e.layouts.rules[r]
		for i, at := range l.slots {
			if short && !b.p.e.layouts.briefOut[at] {
				continue
			}
			f := &r.Flows[i]
			if f.Link {
				o.wantLink(u, f, obj)
				continue
			}
			sl := &b.out[at]
			if f.Once && !adds && sl.state == untouched {
				*sl = slot{state: stood, flow: f}
				b.order = append(b.order, at)
			}
			if sl.state == won || sl.state == stood || sl.state == collected && f.Merge == rule.Update || f.Once && !adds {
				continue
			}
			out, err := f.Eval(obj)
			if err != nil {
				u.fail(0, r.ID, f.To, err)
				return
			}
			if sl.state == untouched {
				b.order = append(b.order, at)
			}
			sl.take(f, out, b.originOf(l, i))
			b.traceOutbound(f, r, out)
		}
	}
	b.values = b.values[:0]
	for _, at := range b.order {
		b.keepValue(o, &b.out[at], b.p.e.layouts.outAttr[at])
	}
	o.mainAddress()
	if !b.brief {
		o.values = slices.Clone(b.values)
	}
}

// originOf is where the values of an outbound flow come from.
func (b *bench) originOf(l *layout, flow int) []canopy.Origin {
	if n := l.reads[flow]; n >= 0 && len(b.in[n].origins) > 0 {
		return b.in[n].origins[:1]
	}
	return l.own
}

// keepValue lays down what one attribute is to hold, and the claims that it makes. What is to have no value, and has
// none, is left out.
func (b *bench) keepValue(o *outbound, sl *slot, attr canopy.Attr) {
	stays := sl.state == ignored || sl.state == stood
	if sl.flow.Claim != "" && !o.ofCloud(attr) {
		o.claims(b.p.e, sl.flow, sl.values)
		if stays && o.entry != nil { // what it keeps, nobody else gets
			for _, a := range append([]canopy.Attr{attr}, sl.flow.Held...) {
				o.claims(b.p.e, sl.flow, o.entry.Attrs[a])
			}
		}
	}
	d := desired{attr: attr, values: sl.values, keep: stays, flow: sl.flow}
	if len(sl.origins) > 0 {
		d.origin = &sl.origins[0]
	}
	switch {
	case attr == canopy.AttrSourceAnchor: // travels by itself, see Export.SourceAnchor
	case len(d.values) == 0 && b.trace == nil && (o.adds() || len(o.entry.Attrs[attr]) == 0):
	default:
		b.values = append(b.values, d)
	}
}

// claims notes the claims that values make, each once.
func (o *outbound) claims(e *Engine, f *rule.Flow, values canopy.Values) {
	if !e.claims(f.Claim) {
		return
	}
	for _, v := range values {
		c, primary, ok := rule.ClaimOf(f.Claim, v)
		if !ok {
			continue
		}
		w := wish{claim: c}
		switch c.Kind {
		case canopy.ClaimUPN, canopy.ClaimAnchor:
			w.vital = true
		case canopy.ClaimAddress:
			w.vital = primary && f.To == canopy.AttrAddresses
			w.spare = primary && !w.vital
		case canopy.ClaimAlias:
		}
		at := slices.IndexFunc(o.wishes, func(x wish) bool { return x.claim == c })
		if at < 0 {
			o.wishes = append(o.wishes, w)
		} else {
			o.wishes[at].vital = o.wishes[at].vital || w.vital
			o.wishes[at].spare = o.wishes[at].spare || w.spare
		}
	}
}

// mainAddress makes a mail address vital where the addresses have no main one.
func (o *outbound) mainAddress() {
	if slices.ContainsFunc(o.wishes, func(w wish) bool { return w.vital && w.claim.Kind == canopy.ClaimAddress }) {
		return
	}
	for i := range o.wishes {
		o.wishes[i].vital = o.wishes[i].vital || o.wishes[i].spare
	}
}

// claims tells whether values of a kind are claimed at all.
func (e *Engine) claims(k canopy.ClaimKind) bool {
	if k == "" {
		return false
	}
	return e.set.Like != LikeProvisioning2020 || k == canopy.ClaimUPN || k == canopy.ClaimAnchor
}

// wantLink notes which link attribute a link attribute of the target follows: the first that has links, else the first
// that had some.
func (o *outbound) wantLink(u *unit, f *rule.Flow, obj *rule.Object) {
	if obj.LinkCounts[f.From] == 0 {
		if o.master != returned && (u.old == nil || len(u.old.Attrs[f.From].Values) == 0) {
			return
		}
	}
	at := slices.IndexFunc(o.links, func(l linkWish) bool { return l.to == f.To })
	switch {
	case at < 0:
		o.links = append(o.links, linkWish{to: f.To, from: f.From})
	case obj.LinkCounts[o.links[at].from] == 0 && obj.LinkCounts[f.From] > 0:
		o.links[at] = linkWish{to: f.To, from: f.From}
	}
}
