package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// mostExamples is how many objects of a group are named.
const mostExamples = 3

// groupKey names a group.
type groupKey struct {
	what  string
	conn  canopy.ConnectorID
	class canopy.Class
	attr  canopy.Attr
}

// groups sort a plan's objects by what is done to them.
type groups map[groupKey]*canopy.PlanGroup

func (g groups) add(k groupKey, item *canopy.PlanItem, old, now string) {
	x := g[k]
	if x == nil {
		x = &canopy.PlanGroup{What: k.what, Connector: k.conn, Class: k.class, Attr: k.attr}
		g[k] = x
	}
	x.Count++
	if len(x.Examples) < mostExamples {
		x.Examples = append(x.Examples, canopy.Example{Label: item.Label, Where: item.Where, Old: old, New: now})
	}
}

// item adds what is said of one item.
func (g groups) item(item *canopy.PlanItem) {
	for i := range item.Exports {
		g.export(item, &item.Exports[i])
	}
	for _, l := range item.Links {
		if l.Added+l.Removed > 0 {
			g.add(groupKey{canopy.GroupLinks, l.Connector, item.Class, l.Attr}, item, "", fmt.Sprintf("+%d -%d of %d", l.Added, l.Removed, l.Total))
		}
	}
	if len(item.Held) > 0 {
		g.add(groupKey{canopy.GroupHeld, "", item.Class, ""}, item, "", item.Held[0].Text)
	}
}

func (g groups) export(item *canopy.PlanItem, x *canopy.PlannedExport) {
	key := func(what string, attr canopy.Attr) groupKey { return groupKey{what, x.Connector, x.Export.Class, attr} }
	switch {
	case x.Export.Op == canopy.Delete:
		g.add(key(canopy.GroupDeleted, ""), item, "", x.Why)
		return
	case x.Match != nil:
		g.add(key(canopy.GroupTaken, ""), item, "", x.Match.How+" = "+x.Match.Value)
	case x.Export.Op == canopy.Add:
		g.add(key(canopy.GroupCreated, ""), item, "", x.Export.Set.Text(canopy.AttrUPN))
		return
	case slices.Contains(x.Regrets, canopy.RegretTakeover):
		g.add(key(canopy.GroupTaken, ""), item, "", x.Why)
	}
	if slices.Contains(x.Regrets, canopy.RegretDisable) {
		g.add(key(canopy.GroupDisabled, ""), item, "", "")
	}
	renamed := false
	for _, c := range x.Changes {
		if c.Old.Equal(c.New) {
			continue
		}
		old, now := textOf(c.Old), textOf(c.New)
		if !renamed && len(c.Old) > 0 && (c.Attr == canopy.AttrDisplayName || c.Attr == canopy.AttrUPN) {
			g.add(key(canopy.GroupRenamed, ""), item, old, now)
			renamed = true
		}
		g.add(key(canopy.GroupChanged, c.Attr), item, old, now)
	}
}

// groupOrder is the order in which people should look at groups.
var groupOrder = []string{canopy.GroupDeleted, canopy.GroupDisabled, canopy.GroupTaken, canopy.GroupRenamed, canopy.GroupCreated, canopy.GroupChanged,
	canopy.GroupLinks, canopy.GroupHeld}

// list gives the groups: by what is done, then the larger ones first.
func (g groups) list() []canopy.PlanGroup {
	out := make([]canopy.PlanGroup, 0, len(g))
	for _, x := range g {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b canopy.PlanGroup) int {
		return cmp.Or(cmp.Compare(slices.Index(groupOrder, a.What), slices.Index(groupOrder, b.What)), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Attr, b.Attr))
	})
	return out
}
