package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
)

// groups prints what a plan does, sorted by what is done, with a few objects of each.
func (a *App) groups(list []canopy.PlanGroup) {
	for _, g := range list {
		what := g.What
		if g.Attr != "" {
			what += " " + string(g.Attr)
		}
		if g.Connector != "" {
			what += " in " + string(g.Connector)
		}
		fmt.Fprintf(a.Out, "%d %s %s\n", g.Count, cmp.Or(g.Class, "entry"), what)
		for _, e := range g.Examples {
			text := "    " + e.Label
			if e.Where != "" {
				text += " (" + e.Where + ")"
			}
			switch {
			case e.Old != "":
				text += ": " + cut(e.Old, widest) + " -> " + cut(e.New, widest)
			case e.New != "":
				text += ": " + cut(e.New, widest)
			}
			fmt.Fprintln(a.Out, clean(text))
		}
		if more := g.Count - len(g.Examples); more > 0 {
			fmt.Fprintf(a.Out, "    and %d more\n", more)
		}
	}
	written := slices.ContainsFunc(list, func(g canopy.PlanGroup) bool { return g.What != canopy.GroupHeld })
	if !written {
		fmt.Fprintln(a.Out, "It writes nothing.")
	}
}
