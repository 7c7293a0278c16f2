package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// loadMetas reads what joining needs of the metas that were hit: their class, and which connectors have an entry there.
// A meta that only lives by entries which are leaving is none to join: who comes now is somebody else.
func (j *joiner) loadMetas(ctx context.Context, ids []canopy.MetaID) error {
	for part := range slices.Chunk(distinct(ids), lookupBatch) {
		metas, err := j.p.view.Metas(ctx, part)
		if err != nil {
			return fmt.Errorf("load metas to join: %w", err)
		}
		for _, m := range metas {
			j.metas[m.ID] = &joinMeta{class: m.Class}
		}
		entries, err := j.p.view.EntriesOf(ctx, part)
		if err != nil {
			return fmt.Errorf("load metas to join: %w", err)
		}
		for _, e := range entries {
			if m := j.metas[e.Meta]; m != nil {
				j.occupy(m, e)
			}
		}
	}
	return nil
}

func (j *joiner) occupy(m *joinMeta, e *canopy.Entry) {
	c := j.p.e.source(e.Connector)
	if c == nil || j.p.e.outside(e) != "" || j.p.leaving[e.ID] != 0 {
		return
	}
	obj := j.p.e.object(e, c)
	scoped, err := j.p.e.rules.Scope(c.Kind, c.ID, obj)
	if err == nil && !scoped.In {
		return
	}
	for _, r := range scoped.Rules {
		m.alive = m.alive || r.Link == rule.Provision || r.Link == rule.StickyJoin
	}
	m.alive = m.alive || err != nil
	if !scoped.Silent {
		m.used = append(m.used, c.ID)
	}
	follows := err == nil && isFollower(e, scoped)
	m.own = m.own || !follows
	offers, err := j.p.e.rules.Offers(c.Kind, c.ID, obj)
	if err != nil {
		return // it fails when its meta is planned, and says so there
	}
	for _, k := range offers {
		m.offers = append(m.offers, offered{hashKey(k), follows})
	}
}

// resolve decides about all candidates at once.
func (j *joiner) resolve(d *decided) *verdicts {
	g := newGraph(j, d)
	g.connect()
	if g.apart(d) {
		g = newGraph(j, d)
		g.connect()
	}
	v := &verdicts{g: g, byMeta: map[canopy.MetaID]*home{}, byHand: make([]*home, len(g.hands))}
	for i := range g.hands {
		v.judgeHand(i)
	}
	for _, comp := range g.components() {
		v.judge(comp)
	}
	v.number()
	return v
}

// graph connects candidates and metas: its nodes are the candidates, then the metas that exist, and an edge says that
// one asks what the other has.
type graph struct {
	j      *joiner
	hands  []handGroup
	inHand map[int]int // candidate -> group
	metas  []canopy.MetaID
	metaAt map[canopy.MetaID]int
	offers []offer
	parent []int
	met    []meeting // by candidate: on what it was connected
	loose  []edge
	// between are the nodes that followers belong to who could belong to several homes, by the root of these followers.
	between map[int][]int
}

// offer is a key that a candidate offers.
type offer struct {
	key  xxh3.Uint128
	cand int
}

// meeting says by whose criterion a candidate is connected.
type meeting struct {
	asker int // candidate, -1: none
	group int
}

func newGraph(j *joiner, d *decided) *graph {
	g := &graph{j: j, inHand: map[int]int{}, metaAt: map[canopy.MetaID]int{}}
	n := len(j.cands)
	for id := range j.metas {
		if m := j.metas[id]; m.alive {
			g.metas = append(g.metas, id)
		}
	}
	slices.Sort(g.metas)
	for i, id := range g.metas {
		g.metaAt[id] = n + i
	}
	g.parent = make([]int, n+len(g.metas))
	for i := range g.parent {
		g.parent[i] = i
	}
	g.met = make([]meeting, n)
	g.between = map[int][]int{}
	for i := range j.cands {
		g.met[i].asker = -1
		for _, k := range j.cands[i].offers {
			g.offers = append(g.offers, offer{k, i})
		}
	}
	slices.SortFunc(g.offers, func(a, b offer) int { return cmp.Or(compareHash(a.key, b.key), cmp.Compare(a.cand, b.cand)) })
	g.joinHands(d)
	return g
}

// joinHands makes groups of what people decided; groups with a member or a meta in common are one.
func (g *graph) joinHands(d *decided) {
	for _, h := range d.groups {
		at := -1
		for i := range g.hands {
			common := h.meta != 0 && g.hands[i].meta == h.meta
			for _, m := range h.members {
				common = common || slices.Contains(g.hands[i].members, m)
			}
			if common {
				at = i
			}
		}
		if at < 0 {
			at = len(g.hands)
			g.hands = append(g.hands, handGroup{meta: h.meta})
		}
		t := &g.hands[at]
		t.clash = t.clash || t.meta != 0 && h.meta != 0 && t.meta != h.meta
		t.meta = cmp.Or(t.meta, h.meta)
		for _, m := range h.members {
			if !slices.Contains(t.members, m) {
				t.members = append(t.members, m)
			}
			g.inHand[m] = at
		}
	}
}

func (g *graph) find(x int) int {
	for g.parent[x] != x {
		g.parent[x] = g.parent[g.parent[x]]
		x = g.parent[x]
	}
	return x
}

func (g *graph) unite(a, b int) {
	a, b = g.find(a), g.find(b)
	if a != b {
		g.parent[max(a, b)] = min(a, b)
	}
}

// connect draws the edges: for each candidate those of its first group of criteria that meets anybody.
func (g *graph) connect() {
	for i := range g.j.cands {
		c := &g.j.cands[i]
		if _, hand := g.inHand[i]; hand || c.alone {
			continue
		}
		for n, group := range c.asks {
			hits := g.hits(i, group)
			if len(hits) == 0 {
				continue
			}
			for _, h := range hits {
				if x := (edge{i, h, n}); c.follows || g.role(h) != leading {
					g.loose = append(g.loose, x)
				} else {
					g.draw(x)
				}
			}
			break
		}
	}
	g.attach()
}

// hits are the nodes that meet all criteria of a group.
func (g *graph) hits(self int, group [][]xxh3.Uint128) []int {
	var hits []int
	for n, values := range group {
		var these []int
		for _, k := range values {
			these = g.having(these, self, k)
		}
		if n == 0 {
			hits = these
		} else {
			hits = slices.DeleteFunc(hits, func(h int) bool { return !slices.Contains(these, h) })
		}
	}
	return hits
}

// having adds the nodes that have a key and may be joined with self.
func (g *graph) having(to []int, self int, k xxh3.Uint128) []int {
	at, _ := slices.BinarySearchFunc(g.offers, k, func(o offer, k xxh3.Uint128) int { return compareHash(o.key, k) })
	for ; at < len(g.offers) && g.offers[at].key == k; at++ {
		o := g.offers[at].cand
		if o != self && !g.j.cands[o].alone && sameClass(g.j.cands[self].class, g.j.cands[o].class) && (g.j.cands[self].follows || g.role(o) != placed) {
			to = append(to, o)
		}
	}
	for _, m := range g.j.metaHits[k] {
		node, ok := g.metaAt[m]
		if !ok {
			continue
		}
		// What the view knows a meta by may be out of date: an address that moved on must not lead to who had it before.
		if x := g.j.metas[m]; sameClass(g.j.cands[self].class, x.class) && x.offersTo(&g.j.cands[self], k) {
			to = append(to, node)
		}
	}
	return to
}

func compareHash(a, b xxh3.Uint128) int {
	return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
}

func sameClass(a, b canopy.Class) bool { return a == b || a == "*" || b == "*" }

// apart makes those stand alone whom a person separated from somebody they are connected with, and tells whether any.
func (g *graph) apart(d *decided) bool {
	any := false
	for _, x := range d.apart {
		at, ok := g.j.at[x.Entry]
		if !ok || g.j.cands[at].alone {
			continue
		}
		other, found := g.metaAt[x.Meta]
		if o, ok := g.j.at[x.Other]; x.Other != 0 && ok {
			other, found = o, true
		} else if x.Other != 0 {
			for _, m := range d.metas {
				if node, ok := g.metaAt[m]; ok && g.find(node) == g.find(at) {
					other, found = node, true
				}
			}
		}
		if found && g.find(other) == g.find(at) {
			g.j.cands[at].alone = true
			any = true
		}
	}
	return any
}

// components lists the nodes that are connected.
func (g *graph) components() [][]int {
	var comps [][]int
	at := make(map[int]int, len(g.parent))
	for n := range g.parent {
		root := g.find(n)
		i, ok := at[root]
		if !ok {
			i = len(comps)
			at[root] = i
			comps = append(comps, nil)
		}
		comps[i] = append(comps[i], n)
	}
	return comps
}
