package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
)

// claimBook keeps what the survey found: who takes part in the plan, and which values more than one party wants. A
// value that one subject alone wants leaves nothing but its hash.
type claimBook struct {
	subjects []subject
	at       map[canopy.MetaID]int32
	seen     map[xxh3.Uint128]int32 // claim -> subject, its lowest bit says vital
	contests map[canopy.Claim]*contest
	suitors  map[canopy.EntryID][]suitor // who would take over an object of the target's own
	taken    map[canopy.EntryID]int32    // decided: by which subject
	takes    map[int32]takeover          // the same by subject
	keeps    map[holding]bool            // what objects keep since they do not get what was to replace it
	pinned   map[canopy.Claim]int32      // who gets a claim in any case
	solved   bool
}

func newClaimBook() claimBook {
	return claimBook{
		at:       map[canopy.MetaID]int32{},
		seen:     map[xxh3.Uint128]int32{},
		contests: map[canopy.Claim]*contest{},
		suitors:  map[canopy.EntryID][]suitor{},
	}
}

// subject is one meta that takes part in the plan.
type subject struct {
	meta   canopy.MetaID
	order  int // with anchor the rank, see unit.rank
	anchor canopy.Anchor
	entry  canopy.EntryID // the entry that gives the rank, and the name
	fate   fate
	owner  bool
	fresh  bool // the target's object is still to be made
	stuck  bool // its evaluation failed
	frozen bool // its evaluation failed or its anchor is held: it keeps what it has
	wanted bool // a target is to have it
	intact bool // it is as it was, and the view knows all its claims as they are: see Planner.settled
}

// fate says what the settlement decided about a subject.
type fate uint8

const (
	undecided fate = iota
	stays          // gets what it cannot do without
	waits          // is held whole
)

// match is an object of the target's own that an add will meet.
type match struct {
	entry *canopy.Entry
	how   string
	value string
}

// suitor is a subject that would take over an object of the target's own, by its key at a place in the rule's order.
type suitor struct {
	subject int32
	place   int
	how     string
	value   string
}

// takeover is a decided match.
type takeover struct {
	suitor
	entry canopy.EntryID
}

// Survey looks at metas for the first time and notes the values that they want for themselves alone. It is called with
// all metas of the plan, in batches, before Settle.
func (p *Planner) Survey(ctx context.Context, metas []canopy.MetaID) error {
	fresh := make([]canopy.MetaID, 0, len(metas))
	for _, id := range metas {
		if _, known := p.claims.at[id]; !known {
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	units, err := p.load(ctx, fresh)
	if err != nil {
		return err
	}
	b := p.newBench()
	b.brief = true
	for _, u := range units {
		b.evaluate(u)
	}
	if err := p.findMatches(ctx, units); err != nil {
		return err
	}
	p.claims.solved = false
	return p.register(ctx, b, units)
}

// register makes subjects of the units and notes their claims, with those whom the view knows to have or want them.
func (p *Planner) register(ctx context.Context, b *bench, units []*unit) error {
	var all []canopy.Claim
	asked := map[canopy.Claim]bool{}
	wishes := make([][]wish, len(units))
	for i, u := range units {
		var released []canopy.Claim
		wishes[i], released = p.wishesOf(b, u)
		for _, w := range wishes[i] {
			if !asked[w.claim] {
				asked[w.claim] = true
				all = append(all, w.claim)
			}
		}
		for _, c := range released {
			if !asked[c] {
				asked[c] = true
				all = append(all, c)
			}
		}
	}
	rows, err := p.claimants(ctx, all)
	if err != nil {
		return err
	}
	for i, u := range units {
		for _, x := range u.dropped {
			if !x.elsewhere && u.fault == nil {
				p.left[x.entry.ID] = true
			}
		}
		for _, x := range u.rejected {
			p.left[x.entry.ID] = true
		}
		n := p.subject(u)
		for _, w := range wishes[i] {
			p.claims.wish(n, w, rows[w.claim])
		}
		p.claims.subjects[n].intact = u.same && !u.dies && !u.frozen() && p.knows(n, wishes[i], rows)
	}
	for c, r := range rows {
		p.claims.others(c, r)
	}
	return p.expect(ctx, units)
}

// claimants asks the view who has or wants claims.
func (p *Planner) claimants(ctx context.Context, claims []canopy.Claim) (map[canopy.Claim][]canopy.Claimant, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	list, err := p.view.Claims(ctx, claims)
	if err != nil {
		return nil, fmt.Errorf("load claims: %w", err)
	}
	rows := make(map[canopy.Claim][]canopy.Claimant, len(list))
	for _, c := range list {
		if p.e.claims(c.Claim.Kind) {
			rows[c.Claim] = append(rows[c.Claim], c)
		}
	}
	return rows, nil
}

// wishesOf are the claims that a unit wants after this plan, and those that it had and does not want any more.
func (p *Planner) wishesOf(b *bench, u *unit) (wishes []wish, released []canopy.Claim) {
	for i := range u.outs {
		wishes = append(wishes, u.outs[i].wishes...)
	}
	var had []wish
	for _, e := range u.targets {
		for _, c := range p.e.rules.EntryClaims(p.e.conns[e.Connector].Kind, e) {
			had = append(had, wish{claim: c})
		}
	}
	if u.old != nil && (u.frozen() || u.dies || !u.same) {
		had = append(had, b.oldWishes(u)...)
	}
	if u.frozen() {
		return had, nil
	}
	wanted := make(map[canopy.Claim]bool, len(wishes))
	for _, w := range wishes {
		wanted[w.claim] = true
	}
	for _, w := range had {
		if !wanted[w.claim] && p.e.claims(w.claim.Kind) {
			released = append(released, w.claim)
		}
	}
	return wishes, released
}

// frozen tells whether the unit keeps what it has, since it cannot be evaluated or must not be touched.
func (u *unit) frozen() bool {
	if u.fault != nil {
		return true
	}
	for i := range u.outs {
		if u.outs[i].whole() {
			return true
		}
	}
	return false
}

// oldWishes are the claims that the meta's last image makes, as far as it can be evaluated.
func (b *bench) oldWishes(u *unit) []wish {
	tracing := b.trace
	b.trace = nil
	defer func() { b.trace = tracing }()
	was := &unit{id: u.id, old: u.old, class: u.old.Class, targets: u.targets}
	b.pairs = b.pairs[:0]
	b.fill(u.old.Attrs)
	var had []wish
	obj := b.object(was.class)
	for _, c := range b.p.e.targets {
		o := outbound{conn: c}
		if b.scope(was, &o, obj); o.rule != nil {
			had = append(had, o.wishes...)
		}
	}
	return had
}

// subject adds a unit to those who take part.
func (p *Planner) subject(u *unit) int32 {
	s := subject{meta: u.id, frozen: u.frozen(), stuck: u.fault != nil}
	s.order, s.anchor, s.entry = u.rank()
	s.owner = u.owner
	n := int32(len(p.claims.subjects))
	for i := range u.outs {
		o := &u.outs[i]
		if o.rule == nil {
			continue
		}
		s.wanted = true
		s.fresh = s.fresh || o.adds()
		if o.match != nil {
			p.claims.suitors[o.match.entry.ID] = append(p.claims.suitors[o.match.entry.ID],
				suitor{subject: n, place: o.place(), how: o.match.how, value: o.match.value})
		}
	}
	p.claims.subjects = append(p.claims.subjects, s)
	p.claims.at[u.id] = n
	return n
}

// knows tells whether the view knows a subject's claims as they are, all of them kept.
func (p *Planner) knows(n int32, wishes []wish, rows map[canopy.Claim][]canopy.Claimant) bool {
	s := &p.claims.subjects[n]
	for _, w := range wishes {
		mine := canopy.Claimant{Claim: w.claim, Meta: s.meta, Kept: true, Owner: s.owner && w.claim.Kind == canopy.ClaimAddress, Order: s.order, Anchor: s.anchor}
		if !slices.Contains(rows[w.claim], mine) {
			return false
		}
	}
	return true
}

// settled tells whether nothing about a unit's claims changes by this plan, so that the view need not be asked again: they
// are as they were, and nobody contests one.
func (p *Planner) settled(u *unit) bool {
	s := &p.claims.subjects[p.claims.at[u.id]]
	if !s.intact || !u.same || u.frozen() || u.dies {
		return false
	}
	for i := range u.outs {
		for _, w := range u.outs[i].wishes {
			if p.claims.contests[w.claim] != nil {
				return false
			}
		}
	}
	return true
}

// place is where the key that matched stands in the rule's order.
func (o *outbound) place() int {
	for i, k := range o.keys {
		if matchName(k) == o.match.how && k.Value == o.match.value {
			return i
		}
	}
	return len(o.keys)
}

// wish notes that a subject wants a claim. rows are those whom the view knows.
func (b *claimBook) wish(n int32, w wish, rows []canopy.Claimant) {
	h := hashClaim(w.claim)
	before, ok := b.seen[h]
	code := n << 1
	if w.vital {
		code |= 1
	}
	if !ok {
		b.seen[h] = code
	}
	c := b.contests[w.claim]
	if c == nil {
		if !ok && !others(rows, b.subjects[n].meta) {
			return
		}
		c = &contest{claim: w.claim}
		b.contests[w.claim] = c
		if ok {
			c.wisher(before>>1, before&1 == 1)
		}
	}
	c.wisher(n, w.vital)
	c.known(rows)
}

// others notes claimants of a claim that no subject of the batch may want, but that one had.
func (b *claimBook) others(claim canopy.Claim, rows []canopy.Claimant) {
	c := b.contests[claim]
	if c == nil {
		meta := rows[0].Meta
		if !others(rows, meta) {
			return
		}
		c = &contest{claim: claim}
		b.contests[claim] = c
		if before, ok := b.seen[hashClaim(claim)]; ok {
			c.wisher(before>>1, before&1 == 1)
		}
	}
	c.known(rows)
}

// others tells whether there is a claimant other than the meta.
func others(rows []canopy.Claimant, meta canopy.MetaID) bool {
	for _, r := range rows {
		if r.Meta != meta || r.Meta == 0 {
			return true
		}
	}
	return false
}

func hashClaim(c canopy.Claim) xxh3.Uint128 {
	return xxh3.HashString128(string(c.Kind) + "\x00" + c.Value)
}
