package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/canopy-sync/canopy"
)

// Settle decides who gets what more than one party wants. It returns metas that take no part yet, but whose part
// changes by this, or whose links can be carried by it: survey them and settle again, until there are none.
func (p *Planner) Settle(ctx context.Context) ([]canopy.MetaID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.owners(p.claims.settle(p.e.set.LosersWait)), nil
}

func (b *claimBook) settle(losersWait bool) []canopy.MetaID {
	b.giveAway()
	contests := make([]*contest, 0, len(b.contests))
	for _, c := range b.contests {
		b.unite(c)
		contests = append(contests, c)
	}
	b.keeps, b.pinned = map[holding]bool{}, map[canopy.Claim]int32{}
	for {
		b.decideFates(contests, losersWait)
		for _, c := range contests {
			b.decideWinner(c)
		}
		if !b.fallBack(contests) && !b.pin(contests) {
			break
		}
	}
	var more []canopy.MetaID
	for _, c := range contests {
		more = b.drawnIn(c, more)
	}
	b.solved = true
	return more
}

func (b *claimBook) decideWinner(c *contest) {
	c.winner = -1
	for i := range c.parties {
		if b.active(c, &c.parties[i]) && (c.winner < 0 || b.before(c, &c.parties[i], &c.parties[c.winner])) {
			c.winner = i
		}
	}
}

// holding is what a subject has of one kind in the target.
type holding struct {
	subject int32
	kind    canopy.ClaimKind
}

// fallBack lets the objects that lose their main value of a kind keep what they have of that kind, and tells whether any
// does now that did not before.
func (b *claimBook) fallBack(contests []*contest) bool {
	more := false
	for _, c := range contests {
		for i := range c.parties {
			if i == c.winner || !b.wantsMain(c, &c.parties[i]) {
				continue
			}
			if h := (holding{c.parties[i].subject, c.claim.Kind}); !b.keeps[h] {
				b.keeps[h] = true
				more = true
			}
		}
	}
	return more
}

// wantsMain tells whether a party is an object that the target has, and wants its main value of the kind.
func (b *claimBook) wantsMain(c *contest, p *party) bool {
	return p.subject >= 0 && p.wishes && (p.vital || c.claim.Kind == canopy.ClaimAlias) &&
		!b.subjects[p.subject].fresh && !b.subjects[p.subject].frozen
}

// pin looks for objects that kept what they have, and thereby drove away who was to get what they want: they get it, and
// give up what they have. It tells whether there were any.
func (b *claimBook) pin(contests []*contest) bool {
	loses := map[holding]bool{}
	for _, c := range contests {
		for i := range c.parties {
			if i != c.winner && b.wantsMain(c, &c.parties[i]) {
				loses[holding{c.parties[i].subject, c.claim.Kind}] = true
			}
		}
	}
	any := false
	for _, c := range contests {
		if c.winner < 0 || !b.wantsMain(c, &c.parties[c.winner]) {
			continue
		}
		h := holding{c.parties[c.winner].subject, c.claim.Kind}
		if _, done := b.pinned[c.claim]; b.keeps[h] && !loses[h] && !done {
			b.pinned[c.claim] = h.subject
			any = true
		}
	}
	if any {
		for h := range b.keeps {
			if !loses[h] {
				delete(b.keeps, h)
			}
		}
	}
	return any
}

// giveAway decides which subject takes over an object of the target's own: the one whose key stands first in the rule,
// then the lowest connector order and anchor.
func (b *claimBook) giveAway() {
	b.taken = make(map[canopy.EntryID]int32, len(b.suitors))
	b.takes = make(map[int32]takeover, len(b.suitors))
	for e, list := range b.suitors {
		best := slices.MinFunc(list, func(x, y suitor) int {
			s, t := &b.subjects[x.subject], &b.subjects[y.subject]
			return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(s.order, t.order), cmp.Compare(s.anchor, t.anchor))
		})
		b.taken[e] = best.subject
		b.takes[best.subject] = takeover{suitor: best, entry: e}
	}
}

// unite makes one party of a subject and of what the view knows of its meta, and of a subject and the object of the
// target's own that it takes over and that has the claim already.
func (b *claimBook) unite(c *contest) {
	merged := make([]party, 0, len(c.noted))
	index := make(map[int32]int, len(c.noted))
	for _, p := range c.noted {
		if n, ok := b.at[p.meta]; p.subject < 0 && p.meta != 0 && ok {
			p.subject = n
		}
		if n, ok := b.taken[p.entry]; p.subject < 0 && p.meta == 0 && ok && c.wants(n) {
			p.subject = n
		}
		if p.subject < 0 {
			merged = append(merged, p)
			continue
		}
		s := &b.subjects[p.subject]
		p.meta, p.order, p.anchor = s.meta, s.order, s.anchor
		p.owner = s.owner && c.claim.Kind == canopy.ClaimAddress
		at, ok := index[p.subject]
		if !ok {
			index[p.subject] = len(merged)
			merged = append(merged, p)
			continue
		}
		q := &merged[at]
		q.wishes, q.vital, q.kept = q.wishes || p.wishes, q.vital || p.vital, q.kept || p.kept
		q.entry = max(q.entry, p.entry)
	}
	c.parties = merged
}

func (c *contest) wants(n int32) bool {
	return slices.ContainsFunc(c.noted, func(p party) bool { return p.subject == n && p.wishes })
}

// stake is a contest that a subject cannot afford to lose.
type stake struct {
	subject int32
	contest *contest
}

// decideFates finds out which subjects wait whole. Who loses what it cannot do without to somebody who stays, waits, and
// gives up all its other wishes; who goes first in all that it needs, stays. Where that leads nowhere, since each has
// what the other needs, the last of them by rank waits.
func (b *claimBook) decideFates(contests []*contest, losersWait bool) {
	for i := range b.subjects {
		b.subjects[i].fate = undecided
	}
	var stakes []stake
	for _, c := range contests {
		for i := range c.parties {
			p := &c.parties[i]
			if p.subject < 0 || !p.wishes || b.subjects[p.subject].frozen {
				continue
			}
			if losersWait || p.vital && b.subjects[p.subject].fresh {
				stakes = append(stakes, stake{p.subject, c})
			}
		}
	}
	slices.SortFunc(stakes, func(x, y stake) int { return b.compareSubjects(x.subject, y.subject) })
	at := map[int32]bool{}
	for _, s := range stakes {
		at[s.subject] = true
	}
	for i := range b.subjects {
		if !at[int32(i)] {
			b.subjects[i].fate = stays // can lose single values only
		}
	}
	for b.decideRound(stakes) {
	}
	for b.reprieve(stakes) {
	}
}

// reprieve lets those go on after all for whom nobody is left to lose to, and tells whether there were any.
func (b *claimBook) reprieve(stakes []stake) bool {
	any := false
	for i := 0; i < len(stakes); {
		n, alone := stakes[i].subject, true
		for ; i < len(stakes) && stakes[i].subject == n; i++ {
			for k := range stakes[i].contest.parties {
				p := &stakes[i].contest.parties[k]
				alone = alone && (p.subject == n || !b.active(stakes[i].contest, p))
			}
		}
		if alone && b.subjects[n].fate == waits {
			b.subjects[n].fate = stays
			any = true
		}
	}
	return any
}

func (b *claimBook) compareSubjects(x, y int32) int {
	s, t := &b.subjects[x], &b.subjects[y]
	return cmp.Or(cmp.Compare(s.order, t.order), cmp.Compare(s.anchor, t.anchor), cmp.Compare(s.meta, t.meta))
}

// decideRound goes once over all subjects that have something at stake, and tells whether anything was decided.
func (b *claimBook) decideRound(stakes []stake) bool {
	decided := false
	last := int32(-1)
	for i := 0; i < len(stakes); {
		n := stakes[i].subject
		j := i
		for j < len(stakes) && stakes[j].subject == n {
			j++
		}
		if b.subjects[n].fate == undecided {
			if b.subjects[n].fate = b.fateOf(stakes[i:j]); b.subjects[n].fate != undecided {
				decided = true
			} else {
				last = n
			}
		}
		i = j
	}
	if !decided && last >= 0 {
		b.subjects[last].fate = waits
		return true
	}
	return decided
}

// fateOf decides about one subject by all that it has at stake.
func (b *claimBook) fateOf(stakes []stake) fate {
	first := stays
	for _, s := range stakes {
		c := s.contest
		at := slices.IndexFunc(c.parties, func(p party) bool { return p.subject == s.subject })
		for i := range c.parties {
			q := &c.parties[i]
			if i == at || !b.before(c, q, &c.parties[at]) {
				continue
			}
			switch {
			case b.active(c, q) && b.firm(q):
				return waits
			case b.active(c, q), !b.firm(q) && q.entry != 0: // it has the value, and keeps it if it has to wait
				first = undecided
			}
		}
	}
	return first
}

// drawnIn adds the metas outside the plan whose part the contest changes: who had the value and loses it, and who waits
// for it and would go before the winner.
func (b *claimBook) drawnIn(c *contest, more []canopy.MetaID) []canopy.MetaID {
	for i := range c.parties {
		p := &c.parties[i]
		switch {
		case p.subject >= 0 || p.meta == 0 || i == c.winner:
		case p.kept:
			more = append(more, p.meta)
		case p.entry == 0 && (c.winner < 0 || b.before(c, p, &c.parties[c.winner])):
			more = append(more, p.meta)
		}
	}
	return more
}
