package engine

import (
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// A contact, or what only stands for somebody of another forest, is a follower: it goes where the person is that it
// stands for. Two people who are not joined by criteria of their own are not joined because a follower fits both: then
// it is the follower of which nobody knows where it belongs.

// isFollower tells whether an entry stands for somebody who is elsewhere.
func isFollower(e *canopy.Entry, scoped rule.Scoped) bool {
	return e.Class == canopy.Contact || scoped.Silent
}

// offered is a key that an entry of a meta offers.
type offered struct {
	key     xxh3.Uint128
	follows bool // the entry is a follower
}

// offersTo tells whether a candidate finds the meta under a key. Where the meta has entries of its own, what its
// followers offer leads followers only.
func (m *joinMeta) offersTo(c *candidate, k xxh3.Uint128) bool {
	return slices.ContainsFunc(m.offers, func(o offered) bool { return o.key == k && (c.follows || !o.follows || !m.own) })
}

// edge says that a candidate asks, in one of its groups of criteria, what another node has.
type edge struct{ asker, hit, group int }

// role says what a node does for those who are connected with it.
type role uint8

const (
	leading   role = iota // it is somebody
	following             // it follows
	placed                // it follows, and a person decided whom: that leads other followers, and nobody else
)

func (g *graph) role(node int) role {
	if node >= len(g.met) {
		if g.j.metas[g.metas[node-len(g.met)]].own {
			return leading
		}
		return following
	}
	at, hand := g.inHand[node]
	switch {
	case !g.j.cands[node].follows:
		return leading
	case hand && g.owned(&g.hands[at]):
		return placed
	}
	return following
}

// owned tells whether somebody who is no follower is in a group that people made.
func (g *graph) owned(h *handGroup) bool {
	m := g.j.metas[h.meta]
	return m != nil && m.own || slices.ContainsFunc(h.members, func(n int) bool { return !g.j.cands[n].follows })
}

// draw connects the ends of an edge.
func (g *graph) draw(x edge) {
	g.met[x.asker] = meeting{x.asker, x.group}
	g.unite(x.asker, x.hit)
	if x.hit < len(g.met) && g.met[x.hit].asker < 0 {
		g.met[x.hit] = meeting{x.asker, x.group}
	}
}

// attach connects followers with one another, and then with the others where these are one home; where they are more,
// the followers belong to none of them.
func (g *graph) attach() {
	var rest []edge
	for _, x := range g.loose {
		if g.role(x.asker) == following && g.role(x.hit) == following {
			g.draw(x)
		} else {
			rest = append(rest, x)
		}
	}
	if len(rest) == 0 {
		return
	}
	home := g.homes()
	ends := func(x edge) (root, other int) {
		if g.role(x.asker) == following {
			return g.find(x.asker), x.hit
		}
		return g.find(x.hit), x.asker
	}
	to := map[int]int{} // by the root of followers: a home
	for _, x := range rest {
		f, other := ends(x)
		if h, ok := to[f]; !ok {
			to[f] = home(other)
		} else if h != home(other) {
			g.between[f] = nil
		}
	}
	for _, x := range rest {
		f, other := ends(x)
		if list, torn := g.between[f]; torn && !slices.Contains(list, other) {
			g.between[f] = append(list, other)
		}
	}
	var joins []edge
	for _, x := range rest {
		if f, _ := ends(x); g.between[f] == nil {
			joins = append(joins, x)
		}
	}
	for _, x := range joins {
		g.draw(x)
	}
}

// homes tells of a node which home it is in, so far: what people joined by hand is one.
func (g *graph) homes() func(node int) int {
	if len(g.hands) == 0 {
		return g.find
	}
	h := &graph{parent: slices.Clone(g.parent)}
	for i := range g.hands {
		first := g.hands[i].members[0]
		for _, m := range g.hands[i].members {
			h.unite(first, m)
		}
		if node, ok := g.metaAt[g.hands[i].meta]; ok {
			h.unite(first, node)
		}
	}
	return h.find
}

// torn is what becomes of followers that could belong to several homes: they stay, and all these are named.
func (v *verdicts) torn(s staying, between []int) staying {
	s.why = whyTwoMetas
	for _, n := range between {
		if n < len(v.g.met) {
			s.beside = append(s.beside, n)
		} else if id := v.g.metas[n-len(v.g.met)]; !slices.Contains(s.metas, id) {
			s.metas = append(s.metas, id)
		}
	}
	return s
}
