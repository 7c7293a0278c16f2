package engine

import (
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// layouts number the attributes that rules fill, so that merging needs no map for each object.
type layouts struct {
	in, out map[canopy.Attr]int
	inAttr  []canopy.Attr
	outAttr []canopy.Attr
	isLink  []bool // by number: a metaverse attribute that holds links
	rules   map[*rule.Rule]*layout
	// briefIn and briefOut, by number: what a survey of a new meta looks at. That is what scopes, claims and matches
	// depend on, and what expressions fill, since they may fail.
	briefIn, briefOut []bool
	anchor            int // the numbers of identity words, -1: nothing fills it
	named             int
	owner             int
}

// layout is one rule's part of it, by flow.
type layout struct {
	slots []int
	reads []int           // outbound: the metaverse attribute whose origin counts, -1: none
	own   []canopy.Origin // outbound: the origin of constants
}

func layoutOf(rules *rule.Set, owner canopy.Attr) layouts {
	l := layouts{in: map[canopy.Attr]int{}, out: map[canopy.Attr]int{}, rules: map[*rule.Rule]*layout{}}
	all := rules.All()
	for _, r := range all {
		l.add(r)
	}
	for _, r := range all {
		if r.Direction == rule.Out {
			l.addReads(r)
		}
	}
	l.anchor, l.named, l.owner = l.number(canopy.AttrSourceAnchor), l.number(canopy.AttrSourceAnchorBin), l.number(owner)
	l.shorten(all)
	return l
}

// shorten finds what a survey has to look at.
func (l *layouts) shorten(rules []*rule.Rule) {
	l.briefIn, l.briefOut = make([]bool, len(l.inAttr)), make([]bool, len(l.outAttr))
	need := func(a canopy.Attr) {
		if n := l.number(a); n >= 0 {
			l.briefIn[n] = true
		}
	}
	for _, n := range []int{l.anchor, l.named, l.owner} {
		if n >= 0 {
			l.briefIn[n] = true
		}
	}
	for _, r := range rules {
		for i := range r.Flows {
			f := &r.Flows[i]
			switch at := l.rules[r].slots[i]; {
			case r.Direction == rule.In:
				l.briefIn[at] = l.briefIn[at] || f.Expression != ""
			default:
				l.briefOut[at] = l.briefOut[at] || f.Expression != "" || f.Claim != ""
			}
		}
	}
	for _, r := range rules {
		if r.Direction == rule.In {
			continue
		}
		for _, group := range r.Scope {
			for i := range group {
				need(group[i].Attr)
			}
		}
		for _, m := range r.Match {
			need(m.From)
		}
		for i := range r.Flows {
			f := &r.Flows[i]
			if !l.briefOut[l.rules[r].slots[i]] {
				continue
			}
			need(f.From)
			for _, a := range l.inAttr {
				if f.Expression != "" && strings.Contains(f.Expression, string(a)) {
					need(a)
				}
			}
		}
	}
}

func (l *layouts) number(a canopy.Attr) int {
	if n, ok := l.in[a]; ok {
		return n
	}
	return -1
}

// add numbers what a rule fills.
func (l *layouts) add(r *rule.Rule) {
	index, names := l.in, &l.inAttr
	if r.Direction == rule.Out {
		index, names = l.out, &l.outAttr
	}
	x := &layout{slots: make([]int, len(r.Flows))}
	for i := range r.Flows {
		f := &r.Flows[i]
		n, ok := index[f.To]
		if !ok {
			n = len(*names)
			index[f.To] = n
			*names = append(*names, f.To)
			if r.Direction == rule.In {
				l.isLink = append(l.isLink, f.Link)
			}
		}
		x.slots[i] = n
	}
	l.rules[r] = x
}

// addReads notes where the values of an outbound rule's flows come from: the attribute that a flow reads, or the one of
// the same name.
func (l *layouts) addReads(r *rule.Rule) {
	x := l.rules[r]
	x.own = []canopy.Origin{{Rule: r.ID}}
	for i := range r.Flows {
		n := l.number(r.Flows[i].From)
		if n < 0 && r.Flows[i].Constant == nil {
			n = l.number(r.Flows[i].To)
		}
		x.reads = append(x.reads, n)
	}
}
