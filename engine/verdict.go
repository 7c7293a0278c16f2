package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// verdicts are what joining decides: which homes take which candidates, and who stays without.
type verdicts struct {
	g      *graph
	homes  []*home
	byMeta map[canopy.MetaID]*home
	byHand []*home
	stays  []staying
}

// home is a meta that takes candidates: one that exists, or one that the plan makes.
type home struct {
	meta    canopy.MetaID
	class   canopy.Class
	maker   int // the candidate for which it is made, -1: it exists
	used    []canopy.ConnectorID
	members []member
}

type member struct {
	cand int
	kind canopy.JoinKind
}

// staying are candidates that get no meta, and why.
type staying struct {
	cands  []int
	metas  []canopy.MetaID // the metas that are candidates, too
	beside []int           // candidates that are named as well, and do not stay
	others []canopy.Party  // others who are named as well
	kind   canopy.Outcome
	why    string
}

// The reasons for which candidates stay without a meta.
const (
	whyTwoMetas   = "more than one meta fits"
	whyTwoEntries = "one meta would get two entries of one connector"
	whyTwoClasses = "objects of different classes fit"
	whyHands      = "people's decisions name different metas"
	whyNoPartner  = "it only joins, and nobody is there to join"
	// WhyLikely begins the text of those that wait by Settings.Likely.
	WhyLikely = "likely the same person as another, whom no join criterion names"
)

// homeOf is the home that an existing meta is.
func (v *verdicts) homeOf(id canopy.MetaID) *home {
	h := v.byMeta[id]
	if h == nil {
		m := v.g.j.metas[id]
		h = &home{meta: id, class: m.class, maker: -1, used: m.used}
		v.byMeta[id] = h
		v.homes = append(v.homes, h)
	}
	return h
}

// judgeHand decides about a group that people made.
func (v *verdicts) judgeHand(i int) {
	g := &v.g.hands[i]
	switch {
	case g.clash:
		v.stays = append(v.stays, staying{cands: g.members, kind: canopy.HeldBack, why: whyHands})
		return
	case g.meta != 0 && v.g.j.metas[g.meta] != nil:
		v.byHand[i] = v.homeOf(g.meta)
	default:
		maker := v.maker(g.members)
		if maker < 0 {
			v.stays = append(v.stays, staying{cands: g.members, kind: canopy.NotInScope, why: whyNoPartner})
			return
		}
		v.byHand[i] = v.project(maker)
	}
	h := v.byHand[i]
	for _, m := range g.members {
		if m != h.maker {
			h.members = append(h.members, member{m, canopy.JoinedHand})
		}
		if c := &v.g.j.cands[m]; !c.silent {
			h.used = append(h.used, c.conn.ID)
		}
	}
}

// project makes a home for a candidate.
func (v *verdicts) project(maker int) *home {
	h := &home{class: v.g.j.cands[maker].class, maker: maker, members: []member{{maker, canopy.Projected}}}
	v.homes = append(v.homes, h)
	return h
}

// maker is the candidate for which a meta is made: the one of the lowest connector order and anchor among those whose
// rule makes metas. -1: none does.
func (v *verdicts) maker(cands []int) int {
	best := -1
	for _, n := range cands {
		if v.g.j.cands[n].makes != "" && (best < 0 || v.compare(n, best) < 0) {
			best = n
		}
	}
	return best
}

func (v *verdicts) compare(x, y int) int {
	a, b := &v.g.j.cands[x], &v.g.j.cands[y]
	return cmp.Or(cmp.Compare(a.conn.Order, b.conn.Order), cmp.Compare(a.anchor, b.anchor))
}

// judge decides about candidates that are connected: they join the one home that is there, or the new one of the first
// of them; with two homes, two entries of one connector, or two classes, nobody knows, and a person decides.
func (v *verdicts) judge(comp []int) {
	var cands []int
	var homes []*home
	s := staying{kind: canopy.HeldBack}
	for _, n := range comp {
		var h *home
		if hand, ok := v.g.inHand[n]; ok && n < len(v.g.met) {
			h = v.byHand[hand]
		} else if n < len(v.g.met) {
			cands = append(cands, n)
			continue
		} else {
			h = v.homeOf(v.g.metas[n-len(v.g.met)])
		}
		if h != nil && !slices.Contains(homes, h) {
			homes = append(homes, h)
			if h.meta != 0 {
				s.metas = append(s.metas, h.meta)
			}
		}
	}
	if len(cands) == 0 {
		return
	}
	s.cands = cands
	if between := v.g.between[v.g.find(comp[0])]; len(between) > 0 {
		v.stays = append(v.stays, v.torn(s, between))
		return
	}
	var h *home
	if len(homes) == 1 {
		h = homes[0]
	}
	switch s.why = v.doubt(cands, homes); {
	case s.why != "":
		v.stays = append(v.stays, s)
	case h == nil && v.maker(cands) < 0:
		s.kind, s.why = canopy.NotInScope, whyNoPartner
		v.stays = append(v.stays, s)
	case h == nil && v.likely(&s):
		v.stays = append(v.stays, s)
	default:
		if h == nil {
			h = v.project(v.maker(cands))
		}
		for _, n := range cands {
			if n != h.maker {
				h.members = append(h.members, member{n, canopy.JoinedBy})
			}
		}
	}
}

// likely tells whether candidates who have no meta yet wait, since one of them is likely the same person as somebody else.
// Whom a person separated is nobody else.
func (v *verdicts) likely(s *staying) bool {
	for _, n := range s.cands {
		if c := &v.g.j.cands[n]; !c.alone {
			s.others = append(s.others, v.g.j.p.e.set.Likely[c.id]...)
		}
	}
	s.why = WhyLikely
	return len(s.others) > 0
}

// doubt says why nobody can tell where connected candidates belong, "" when it is clear.
func (v *verdicts) doubt(cands []int, homes []*home) string {
	if len(homes) > 1 {
		return whyTwoMetas
	}
	var used []canopy.ConnectorID
	class := canopy.Class("*")
	for _, h := range homes {
		used = append(used, h.used...)
		class = h.class
	}
	for _, n := range cands {
		c := &v.g.j.cands[n]
		switch {
		case !sameClass(class, c.class):
			return whyTwoClasses
		case c.silent:
		case slices.Contains(used, c.conn.ID):
			return whyTwoEntries
		default:
			used = append(used, c.conn.ID)
		}
		if class == "*" {
			class = c.class
		}
	}
	return ""
}

// number gives the new metas their local names, in the order of those for whom they are made, and notes who joins what.
func (v *verdicts) number() {
	p := v.g.j.p
	slices.SortFunc(v.homes, func(a, b *home) int {
		if a.maker < 0 || b.maker < 0 {
			return cmp.Or(cmp.Compare(a.maker, b.maker), cmp.Compare(a.meta, b.meta))
		}
		return v.compare(a.maker, b.maker)
	})
	count := 0
	for _, h := range v.homes {
		count += len(h.members)
	}
	p.joined = make([]assignment, 0, count)
	for _, h := range v.homes {
		if h.maker >= 0 {
			p.local = append(p.local, local{class: h.class})
			h.meta = canopy.MetaID(-len(p.local))
		}
		slices.SortFunc(h.members, func(a, b member) int { return v.compare(a.cand, b.cand) })
		for _, m := range h.members {
			c := &v.g.j.cands[m.cand]
			a := assignment{meta: h.meta, entry: c.id, kind: m.kind, rule: c.makes}
			if met := v.g.met[m.cand]; m.kind == canopy.JoinedBy && met.asker >= 0 {
				a.asker, a.group = v.g.j.cands[met.asker].id, int32(met.group)
			}
			p.joined = append(p.joined, a)
			p.goesTo[c.id] = h.meta
		}
	}
	slices.SortStableFunc(p.joined, func(a, b assignment) int { return cmp.Compare(a.meta, b.meta) })
}

// touched are the metas that get or lose an entry.
func (j *joiner) touched(v *verdicts) []canopy.MetaID {
	var ids []canopy.MetaID
	for _, h := range v.homes {
		if len(h.members) > 0 {
			ids = append(ids, h.meta)
		}
	}
	for _, m := range j.p.leaving {
		ids = append(ids, m)
	}
	return distinct(ids)
}

// mostOthers is how many other candidates are named beside one that is ambiguous.
const mostOthers = 20

// tell writes the items of the candidates that stay without a meta.
func (j *joiner) tell(ctx context.Context, stays []staying) error {
	for part := range slices.Chunk(stays, lookupBatch) {
		var ids []canopy.EntryID
		var metas []canopy.MetaID
		for _, s := range part {
			for _, n := range slices.Concat(s.cands, s.beside) {
				ids = append(ids, j.cands[n].id)
			}
			metas = append(metas, s.metas...)
		}
		entries, err := j.p.view.Entries(ctx, distinct(ids))
		if err != nil {
			return fmt.Errorf("load entries that join nothing: %w", err)
		}
		byID := make(map[canopy.EntryID]*canopy.Entry, len(entries))
		for _, e := range entries {
			byID[e.ID] = e
		}
		parties, err := j.p.partyNames(ctx, nil, distinct(metas))
		if err != nil {
			return err
		}
		for _, s := range part {
			j.tellOne(s, byID, parties)
		}
	}
	return nil
}

func (j *joiner) tellOne(s staying, byID map[canopy.EntryID]*canopy.Entry, parties map[canopy.Party]canopy.Party) {
	all := make([]canopy.Party, 0, len(s.cands)+len(s.metas)+len(s.others))
	all = append(all, s.others...)
	for _, m := range s.metas {
		p := parties[canopy.Party{Meta: m}]
		p.Meta = m
		all = append(all, p)
	}
	ranked := func(x, y int) int {
		a, b := &j.cands[x], &j.cands[y]
		return cmp.Or(cmp.Compare(a.conn.Order, b.conn.Order), cmp.Compare(a.anchor, b.anchor))
	}
	slices.SortFunc(s.cands, ranked)
	slices.SortFunc(s.beside, ranked)
	for _, n := range slices.Concat(s.cands, s.beside) {
		if e := byID[j.cands[n].id]; e != nil {
			all = append(all, j.p.e.party(e))
		}
	}
	var item canopy.PlanItem
	for _, n := range s.cands {
		c := &j.cands[n]
		e := byID[c.id]
		if e == nil {
			continue
		}
		if item.Label == "" {
			item.Label, item.Where = label(e), container(e.DN)
		}
		why := s.why
		if s.kind == canopy.HeldBack {
			others := othersThan(all, c.id)
			why = s.why + ": " + joinNames(others)
			item.Held = append(item.Held, canopy.Held{Reason: canopy.HeldAmbiguous, Whole: true, Entry: c.id, Others: others, Text: why})
			j.p.ambiguous[c.id] = true
		}
		if c.from != 0 {
			j.p.alone[c.id] = outcomeOf(e, s.kind, why)
		} else if c.due {
			item.Entries = append(item.Entries, outcomeOf(e, s.kind, why))
		}
	}
	if len(item.Entries) > 0 {
		j.items = append(j.items, item)
	}
}

func othersThan(all []canopy.Party, self canopy.EntryID) []canopy.Party {
	var others []canopy.Party
	for _, p := range all {
		if p.Entry != self && len(others) < mostOthers {
			others = append(others, p)
		}
	}
	return others
}

func joinNames(parties []canopy.Party) string {
	list := make([]string, len(parties))
	for i, p := range parties {
		list[i] = p.Name + " (" + string(p.Connector) + ")"
	}
	return strings.Join(list, "; ")
}
