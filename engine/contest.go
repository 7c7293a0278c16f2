package engine

import (
	"cmp"
	"slices"

	"github.com/canopy-sync/canopy"
)

// contest is a claim that more than one party has or wants.
type contest struct {
	claim   canopy.Claim
	noted   []party // as they were found
	parties []party // the same, each once, see unite
	winner  int     // in parties, -1: nobody
}

// party is one who has or wants a claim.
type party struct {
	subject int32          // -1: takes no part in this plan
	meta    canopy.MetaID  // 0: an object of the target's own
	entry   canopy.EntryID // of the target, where it holds the value
	wishes  bool           // a subject that wants it
	vital   bool
	kept    bool // as the view knows
	owner   bool
	order   int
	anchor  canopy.Anchor
}

// wisher notes a subject that wants the claim.
func (c *contest) wisher(n int32, vital bool) {
	for i := range c.noted {
		if p := &c.noted[i]; p.subject == n {
			p.wishes, p.vital = true, p.vital || vital
			return
		}
	}
	c.noted = append(c.noted, party{subject: n, wishes: true, vital: vital})
}

// known adds what the view knows of claimants. Who takes part in the plan is found out when all are known.
func (c *contest) known(rows []canopy.Claimant) {
	for _, r := range rows {
		at := slices.IndexFunc(c.noted, func(p party) bool {
			return p.subject < 0 && p.meta == r.Meta && (r.Meta != 0 || p.entry == r.Entry)
		})
		if at < 0 {
			at = len(c.noted)
			c.noted = append(c.noted, party{subject: -1, meta: r.Meta, order: r.Order, anchor: r.Anchor})
		}
		p := &c.noted[at]
		p.kept = p.kept || r.Kept
		p.owner = p.owner || r.Owner
		if r.Entry != 0 {
			p.entry = r.Entry
		} else {
			p.order, p.anchor = r.Order, r.Anchor
		}
	}
}

// active tells whether a party takes part in the contest, as far as the fates are decided.
func (b *claimBook) active(c *contest, p *party) bool {
	if p.subject < 0 {
		return p.meta == 0 || p.kept || p.entry != 0
	}
	s := &b.subjects[p.subject]
	switch {
	case s.frozen:
		return p.kept || p.entry != 0
	case s.fate == waits:
		return p.entry != 0 // what the target holds it goes on holding
	case p.entry != 0 && b.keeps[holding{p.subject, c.claim.Kind}]:
		return true
	}
	return p.wishes
}

// firm tells whether a party will not step back.
func (b *claimBook) firm(p *party) bool {
	return p.subject < 0 || b.subjects[p.subject].frozen || b.subjects[p.subject].fate != undecided
}

// before tells whether p goes before q in a contest: the present holder in the target, then the owner of the mailbox,
// then the lower connector order, then the lower anchor.
func (b *claimBook) before(c *contest, p, q *party) bool {
	if n, ok := b.pinned[c.claim]; ok && p.subject != q.subject && (p.subject == n || q.subject == n) {
		return p.subject == n
	}
	return cmp.Or(
		-cmpBool(b.holds(p), b.holds(q)), -cmpBool(p.owner, q.owner),
		cmpBool(p.meta == 0, q.meta == 0), cmp.Compare(p.order, q.order), cmp.Compare(p.anchor, q.anchor),
		cmp.Compare(p.meta, q.meta), cmp.Compare(p.entry, q.entry)) < 0
}

// holds tells whether a party has the value in the target; what cannot be touched counts as having it.
func (b *claimBook) holds(p *party) bool {
	return p.entry != 0 || p.subject >= 0 && b.subjects[p.subject].frozen
}

func cmpBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	}
	return -1
}

// lost tells to whom a subject loses a claim, nil when it keeps it.
func (b *claimBook) lost(meta canopy.MetaID, claim canopy.Claim) *party {
	c := b.contests[claim]
	if c == nil || c.winner < 0 || c.parties[c.winner].meta == meta && meta != 0 {
		return nil
	}
	return &c.parties[c.winner]
}

// free tells whether nobody else gets or has a claim.
func (b *claimBook) free(meta canopy.MetaID, claim canopy.Claim) bool {
	return b.lost(meta, claim) == nil
}

// takenBy tells whether another subject of this plan gets a claim.
func (b *claimBook) takenBy(meta canopy.MetaID, claim canopy.Claim) bool {
	p := b.lost(meta, claim)
	return p != nil && p.subject >= 0 && p.wishes && b.subjects[p.subject].fate == stays
}

// heldByOther tells whether the target now holds a claim for somebody else.
func (b *claimBook) heldByOther(meta canopy.MetaID, claim canopy.Claim) bool {
	c := b.contests[claim]
	return c != nil && slices.ContainsFunc(c.parties, func(p party) bool { return p.meta != meta && p.entry != 0 })
}
