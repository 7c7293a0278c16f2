package engine

import (
	"context"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// A flow may choose among values (SelectUniqueValue): the first that nobody else has. Who has a value is settled between
// all who want it, so the first survey takes everybody's first choice; who loses it has it refused, and all are
// surveyed and settled again, until nobody loses what was chosen. So it does not depend on who comes first, but on rank.

// choice is a value that a meta's flow has chosen.
type choice struct {
	meta  canopy.MetaID
	claim canopy.Claim
}

// refused tells a flow of a meta whether somebody else has a value, and notes that it was chosen where nobody does.
func (p *Planner) refused(meta canopy.MetaID) func(canopy.Claim) bool {
	return func(c canopy.Claim) bool {
		p.choosing.Lock()
		defer p.choosing.Unlock()
		k := choice{meta, c}
		if !p.refuses[k] && p.e.claims(c.Kind) {
			p.chosen[k] = true
		}
		return p.refuses[k]
	}
}

// Again tells whether objects lost a value that their rules have others for. Then nothing is surveyed any more: all
// subjects are to be surveyed and settled anew.
func (p *Planner) Again() bool {
	more := false
	for _, c := range p.claims.contests {
		for i := range c.parties {
			x := &c.parties[i]
			if i == c.winner || x.subject < 0 || !x.wishes {
				continue
			}
			k := choice{p.claims.subjects[x.subject].meta, c.claim}
			if p.chosen[k] && !p.refuses[k] {
				p.refuses[k], more = true, true
			}
		}
	}
	if more {
		p.forget()
	}
	return more
}

// forget lets nothing be surveyed.
func (p *Planner) forget() {
	p.left, p.barred, p.renewed = map[canopy.EntryID]bool{}, map[canopy.EntryID]string{}, map[canopy.EntryID]int32{}
	p.expected, p.claims, p.chosen = nil, newClaimBook(), map[choice]bool{}
}

// asks lets a meta's flows choose.
func (b *bench) asks(u *unit, obj *rule.Object) {
	if obj.Refused = nil; b.p.e.rules.Chooses() {
		obj.Refused = b.p.refused(u.id)
	}
}

// survey surveys and settles metas alone, with those that come into it.
func (p *Planner) survey(ctx context.Context, metas ...canopy.MetaID) error {
	for again := true; again; again = p.Again() {
		for next := metas; len(next) > 0; {
			if err := p.Survey(ctx, next); err != nil {
				return err
			}
			var err error
			if next, err = p.Settle(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
