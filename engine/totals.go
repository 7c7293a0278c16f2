package engine

import (
	"cmp"
	"slices"

	"github.com/canopy-sync/canopy"
)

// stock names objects of a class in a target, in all or those that come from one container.
type stock struct {
	connector canopy.ConnectorID
	class     canopy.Class
	container string // "": all
}

// Totaler adds up a plan's numbers while its items pass. It is not for concurrent use.
type Totaler struct {
	totals  canopy.Totals
	of      map[stock]int
	regrets map[regretKey]int
	links   map[stock]int // links there were, of the groups that the plan touches
	groups  groups
}

type regretKey struct {
	regret canopy.Regret
	stock  stock
}

// NewTotaler begins to count. population says how many synchronised objects there were before the plan, in all (Of, by
// Connector and Class) and, if that is known, by the Container that they come from; of it the guard takes shares. What it
// does not name has no share: only numbers count.
func NewTotaler(population []canopy.RegretCount) *Totaler {
	t := &Totaler{of: map[stock]int{}, regrets: map[regretKey]int{}, links: map[stock]int{}, groups: groups{}, totals: canopy.Totals{
		Entries: map[canopy.ConnectorID]canopy.Tally{}, Exports: map[canopy.ConnectorID]canopy.Tally{},
		Links: canopy.Tally{}, Held: canopy.Tally{}}}
	for _, c := range population {
		t.of[stock{connector: c.Connector, class: c.Class, container: c.Container}] += c.Of
	}
	return t
}

// Add counts one item.
func (t *Totaler) Add(item *canopy.PlanItem) {
	for _, o := range item.Entries {
		tally(t.totals.Entries, o.Connector)[o.Outcome.String()]++
	}
	for _, j := range item.Joins {
		switch j.Via.Kind {
		case canopy.JoinedBy, canopy.JoinedHand:
			t.totals.Joined++
		case canopy.NotJoined, canopy.Projected, canopy.Provisioned, canopy.Matched:
		}
	}
	if item.Meta < 0 {
		t.totals.Made++
	}
	for _, h := range item.Held {
		t.totals.Held[string(h.Reason)]++
	}
	for _, f := range item.Findings {
		if t.totals.Found == nil {
			t.totals.Found = canopy.Tally{}
		}
		t.totals.Found[f.Code]++
	}
	t.exports(item)
	t.linkFlows(item)
	t.groups.item(item)
}

func tally(m map[canopy.ConnectorID]canopy.Tally, id canopy.ConnectorID) canopy.Tally {
	if m[id] == nil {
		m[id] = canopy.Tally{}
	}
	return m[id]
}

// exports counts each object and operation once, though it may take two exports.
func (t *Totaler) exports(item *canopy.PlanItem) {
	for i := range item.Exports {
		x := &item.Exports[i]
		again := slices.ContainsFunc(item.Exports[:i], func(y canopy.PlannedExport) bool {
			return y.Connector == x.Connector && y.Entry == x.Entry && y.Export.Op == x.Export.Op && x.Entry != 0
		})
		if !again {
			tally(t.totals.Exports, x.Connector)[x.Export.Op.String()+" "+string(x.Export.Class)]++
		}
		for _, r := range x.Regrets {
			t.regret(r, x.Connector, x.Export.Class, item.Where, 1)
		}
	}
}

func (t *Totaler) linkFlows(item *canopy.PlanItem) {
	for i := range item.Links {
		l := &item.Links[i]
		t.totals.Links["added"] += l.Added
		t.totals.Links["removed"] += l.Removed
		t.totals.Links["waiting"] += l.Waiting
		if l.Attr != canopy.AttrMember {
			continue
		}
		before := max(l.Total-l.Added-l.Waiting, 0) + l.Removed
		t.links[stock{connector: l.Connector, class: item.Class}] += before
		if l.Removed > 0 {
			t.regret(canopy.RegretMembership, l.Connector, item.Class, item.Where, l.Removed)
			if l.Total == 0 {
				t.regret(canopy.RegretEmptied, l.Connector, item.Class, item.Where, 1)
			}
		}
	}
}

func (t *Totaler) regret(r canopy.Regret, c canopy.ConnectorID, class canopy.Class, where string, n int) {
	t.regrets[regretKey{r, stock{connector: c, class: class}}] += n
	if where != "" {
		t.regrets[regretKey{r, stock{connector: c, class: class, container: where}}] += n
	}
}

// Totals are the numbers so far; regrets in order of kind, connector, class and container.
func (t *Totaler) Totals() canopy.Totals {
	totals := t.totals
	totals.Regrets = make([]canopy.RegretCount, 0, len(t.regrets))
	for k, n := range t.regrets {
		of := t.of[k.stock]
		if k.regret == canopy.RegretMembership {
			of = t.links[k.stock]
		}
		totals.Regrets = append(totals.Regrets, canopy.RegretCount{Regret: k.regret, Connector: k.stock.connector, Class: k.stock.class,
			Container: k.stock.container, Count: n, Of: of})
	}
	slices.SortFunc(totals.Regrets, func(a, b canopy.RegretCount) int {
		return cmp.Or(cmp.Compare(a.Regret, b.Regret), cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Class, b.Class),
			cmp.Compare(a.Container, b.Container))
	})
	totals.Groups = t.groups.list()
	return totals
}
