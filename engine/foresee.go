package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// A link is planned with what it names: when an object is made for somebody, the links that have waited for it belong to
// the same plan, also those of owners that nothing else makes due.

// expected is a link that was planned before, and whose other end gets an object in a target by this plan.
type expected struct {
	owner   canopy.EntryID
	meta    canopy.MetaID // the owner's
	target  canopy.EntryID
	subject int32 // the other end's
	// joins: the other end is joined to a meta that has its object; else the object is made, if nothing holds it back.
	joins bool
	drawn bool // its owner takes part
}

// comes is a source entry that gets an object in a target.
type comes struct {
	subject int32
	joins   bool
}

// expect finds the links that lead to source entries which get an object in a target by what is planned for the units.
func (p *Planner) expect(ctx context.Context, units []*unit) error {
	coming := map[canopy.EntryID]comes{}
	for _, u := range units {
		for i := range u.outs {
			p.coming(u, &u.outs[i], coming)
		}
	}
	ids := make([]canopy.EntryID, 0, len(coming))
	for id := range coming {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, lookupBatch) {
		err := p.view.Links(ctx, canopy.LinkQuery{To: part, Connector: p.e.targets[0].ID}, func(row canopy.LinkRow) error {
			c := coming[row.Entry]
			p.expected = append(p.expected, expected{owner: row.Owner, meta: row.OwnerMeta, target: row.Entry, subject: c.subject, joins: c.joins})
			return nil
		})
		if err != nil {
			return fmt.Errorf("look up links that wait: %w", err)
		}
	}
	return nil
}

// coming notes which sources of a unit get an object in one target: all, when it is made, and else those that join.
func (p *Planner) coming(u *unit, o *outbound, coming map[canopy.EntryID]comes) {
	n := p.claims.at[u.id]
	for i := range u.sources {
		id := u.sources[i].entry.ID
		switch {
		case u.fault != nil:
		case o.rule != nil && o.entry == nil:
			coming[id] = comes{subject: n}
			if len(o.stale) > 0 {
				p.renewed[id] = n
			}
		case (o.entry != nil || len(o.stale) > 0) && p.goesTo[id] == u.id:
			coming[id] = comes{subject: n, joins: true}
		}
	}
}

// arrives tells whether the subject's object is made.
func (p *Planner) arrives(subject int32) bool {
	s := &p.claims.subjects[subject]
	return !s.frozen && s.fate != waits
}

func (p *Planner) happens(x *expected) bool { return x.joins || p.arrives(x.subject) }

// owners are the metas that take no part yet and own a link that is expected.
func (p *Planner) owners(more []canopy.MetaID) []canopy.MetaID {
	for i := range p.expected {
		x := &p.expected[i]
		if _, known := p.claims.at[x.meta]; !known && !x.drawn && p.happens(x) {
			x.drawn = true
			more = append(more, x.meta)
		}
	}
	slices.SortFunc(p.expected, func(a, b expected) int { return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.target, b.target)) })
	slices.Sort(more)
	return slices.Compact(more)
}

// expectedOf are the ends of an entry's links that are expected.
func (p *Planner) expectedOf(owner canopy.EntryID) []canopy.EntryID {
	at, _ := slices.BinarySearchFunc(p.expected, owner, func(x expected, id canopy.EntryID) int { return cmp.Compare(x.owner, id) })
	var ends []canopy.EntryID
	for ; at < len(p.expected) && p.expected[at].owner == owner; at++ {
		if x := &p.expected[at]; p.happens(x) && (len(ends) == 0 || ends[len(ends)-1] != x.target) {
			ends = append(ends, x.target)
		}
	}
	return ends
}

// held tells whether the target holds a link, as far as the plan leaves it what it holds: not when the link's end gets
// another object in the place of the one that is held.
func (p *Planner) held(row *canopy.LinkRow) bool {
	n, again := p.renewed[row.Entry]
	return row.Desired && !(again && p.arrives(n))
}
