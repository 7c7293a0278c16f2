package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

// itemPrinter prints items of a plan as they come: at most so many for people, all for programs.
type itemPrinter struct {
	a     *App
	left  int // negative: all
	more  int
	shown int
}

func (a *App) itemPrinter(most int) *itemPrinter { return &itemPrinter{a: a, left: most} }

func (p *itemPrinter) items(items []canopy.PlanItem) {
	for i := range items {
		p.item(&items[i])
	}
}

func (p *itemPrinter) item(i *canopy.PlanItem) {
	if p.a.json {
		p.a.print(i)
		return
	}
	if !i.Changes() && len(i.Held) == 0 && len(i.Joins) == 0 {
		return
	}
	if p.left == 0 {
		p.more++
		return
	}
	p.left--
	p.shown++
	p.person(i)
}

func (p *itemPrinter) end() {
	if p.more > 0 {
		fmt.Fprintf(p.a.Out, "... and %d more: canopy plan show N --all\n", p.more)
	}
	if p.shown > 0 {
		fmt.Fprintln(p.a.Out)
	}
}

// person prints one item for a person.
func (p *itemPrinter) person(i *canopy.PlanItem) {
	out := p.a.Out
	fmt.Fprintf(out, "%s %s\n", i.Class, clean(i.Label))
	for _, j := range i.Joins {
		if j.Via.Kind != canopy.Projected {
			fmt.Fprintf(out, "    %s (entry %d) %s\n", j.Via.Kind, j.Entry, clean(j.Via.On+j.Why))
		}
	}
	for _, e := range i.Exports {
		p.export(&e)
	}
	for _, l := range i.Links {
		if l.Added+l.Removed+l.Waiting > 0 {
			fmt.Fprintf(out, "    %s +%d -%d of %d", l.Attr, l.Added, l.Removed, l.Total)
			if l.Waiting > 0 {
				fmt.Fprintf(out, ", %d waiting%s", l.Waiting, waits(l.Samples))
			}
			fmt.Fprintln(out)
		}
	}
	for _, h := range i.Held {
		fmt.Fprintf(out, "    HELD BACK %s\n", clean(h.Text))
	}
	for _, f := range i.Findings {
		fmt.Fprintf(out, "    FINDING %s\n      %s\n", clean(f.Text), clean(f.Next))
	}
}

func waits(samples []canopy.LinkWait) string {
	why := map[string]int{}
	for _, s := range samples {
		why[s.Why]++
	}
	if len(why) == 0 {
		return ""
	}
	return " (" + strings.Join(slices.Sorted(maps.Keys(why)), ", ") + ")"
}

func (p *itemPrinter) export(e *canopy.PlannedExport) {
	out := p.a.Out
	line := fmt.Sprintf("    %s %s %s", e.Export.Op, e.Export.Class, e.Connector)
	if e.Why != "" {
		line += ": " + e.Why
	}
	fmt.Fprintln(out, clean(line))
	if m := e.Match; m != nil {
		fmt.Fprintf(out, "      takes over the object %s by %s %s; it gets the source anchor %s", m.Anchor, m.How, clean(m.Value), m.Source)
		if m.Had != "" {
			fmt.Fprintf(out, " in place of %s", m.Had)
		}
		fmt.Fprintln(out)
	}
	for _, c := range e.Changes {
		if e.Export.Op == canopy.Add && e.Match == nil {
			continue
		}
		if e.Match != nil && len(c.Old) == 0 {
			continue
		}
		fmt.Fprintf(out, "      %s: %s -> %s\n", c.Attr, values(c.Old), values(c.New))
	}
}

func values(v canopy.Values) string {
	if len(v) == 0 {
		return "(none)"
	}
	texts := v.Strings()
	slices.Sort(texts)
	for i, s := range texts {
		texts[i] = cut(s, widest)
	}
	return clean(strings.Join(texts, ", "))
}

// showGroups prints a stored plan by what it does.
func (a *App) showGroups(ctx context.Context, l *run.Local, id canopy.PlanID) error {
	plan, err := l.Store.Plan(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		a.print(plan.Totals.Groups)
		return nil
	}
	fmt.Fprintf(a.Out, "Plan %d, %s\n", plan.ID, plan.State)
	a.groups(plan.Totals.Groups)
	return nil
}

// showPlan prints a stored plan.
func (a *App) showPlan(ctx context.Context, l *run.Local, id canopy.PlanID, most int) error {
	plan, err := l.Store.Plan(ctx, id)
	if err != nil {
		return err
	}
	p := a.itemPrinter(most)
	for after := 0; ; {
		items, err := l.Items(ctx, id, after, 500)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			break
		}
		p.items(items)
		after += len(items)
	}
	p.end()
	if a.json {
		a.print(plan)
		return nil
	}
	fmt.Fprintf(a.Out, "Plan %d, %s\n", plan.ID, plan.State)
	a.totals(plan.Totals)
	return nil
}

// totals prints a plan's numbers.
func (a *App) totals(t canopy.Totals) {
	tab := a.table("FOREST", "PLANNED", "UNCHANGED", "OUT OF SCOPE", "HELD BACK", "FAILED")
	for _, c := range slices.Sorted(maps.Keys(t.Entries)) {
		e := t.Entries[c]
		tab.row(string(c), num(e["planned"]), num(e["unchanged"]), num(e["out of scope"]), num(e["held back"]), num(e["failed"]))
	}
	tab.end()
	fmt.Fprintf(a.Out, "%d joined, %d projected\n", t.Joined, t.Made)
	for _, c := range slices.Sorted(maps.Keys(t.Exports)) {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(t.Exports[c])) {
			parts = append(parts, fmt.Sprintf("%s %d", k, t.Exports[c][k]))
		}
		fmt.Fprintf(a.Out, "%s: %s\n", c, strings.Join(parts, ", "))
	}
	if n := t.Links["added"] + t.Links["removed"] + t.Links["waiting"]; n > 0 {
		fmt.Fprintf(a.Out, "links: %d added, %d removed, %d waiting\n", t.Links["added"], t.Links["removed"], t.Links["waiting"])
	}
	for _, k := range slices.Sorted(maps.Keys(t.Held)) {
		fmt.Fprintf(a.Out, "held back, %s: %d\n", k, t.Held[k])
	}
	for _, k := range slices.Sorted(maps.Keys(t.Found)) {
		fmt.Fprintf(a.Out, "findings, %s: %d\n", k, t.Found[k])
	}
	for _, r := range t.Regrets {
		if r.Container == "" && r.Count > 0 {
			fmt.Fprintf(a.Out, "to look at: %s %d of %d (%s %s)\n", r.Regret, r.Count, r.Of, r.Connector, r.Class)
		}
	}
}
