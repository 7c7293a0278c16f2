package run

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// report prints what a cycle did.
func (w *world) report(ctx context.Context, r *Report, planOnly bool) {
	for i := range r.Imports {
		w.imported(&r.Imports[i])
	}
	switch {
	case r.Plan != 0:
		w.plan(ctx, r.Plan)
	default:
		w.printf("  nothing to plan\n")
	}
	if r.Followed != 0 {
		w.printf(" what follows from it\n")
		w.plan(ctx, r.Followed)
	}
	if !planOnly && len(r.Stopped) == 0 {
		w.sent(ctx, r)
		w.due(ctx)
	}
}

// due prints what a cycle leaves to be planned by the next.
func (w *world) due(ctx context.Context) {
	entries, metas, err := w.store.DueCount(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if entries+metas > 0 {
		w.printf("  still to plan: entries %d, metas %d\n", entries, metas)
	}
}

// imported prints what is worth a look in an import.
func (w *world) imported(r *ImportReport) {
	var notes []string
	add := func(name string, n int) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf("%s %d", name, n))
		}
	}
	c := r.Counts
	if r.Connector == canopy.Tenant {
		c.Added, c.Changed = 0, 0
	}
	add("left scope", c.LeftScope)
	add("deleted", c.Deleted)
	add("failed", c.Failed)
	add("not kept", c.NotKept)
	add("not shown", r.Missing)
	add("of these gone", r.Gone)
	add("waiting", r.Waiting)
	if r.Error != "" {
		notes = append(notes, "error: "+r.Error)
	}
	if len(notes) > 0 {
		w.printf("  import %s: %s\n", r.Connector, strings.Join(notes, ", "))
	}
}

// sent prints what became of the exports.
func (w *world) sent(ctx context.Context, r *Report) {
	e := r.Exports
	parts := []string{fmt.Sprintf("written %d", e.Written)}
	for _, p := range []struct {
		name string
		n    int
	}{{"links", e.Links}, {"later", e.Later}, {"refused", e.Refused}, {"unconfirmed", e.Unconfirmed}, {"not kept", e.NotKept}, {"stale", r.Stale}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.name, p.n))
		}
	}
	w.printf("  exports: %s\n", strings.Join(parts, ", "))
	if r.Confirm != nil {
		w.imported(r.Confirm)
	}
	w.refusals(ctx)
}

func (w *world) refusals(ctx context.Context) {
	rows, err := w.store.Refusals(ctx, canopy.Tenant, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("  %s %s %s: %s: %s\n", r.Kind, r.Export.Op, r.Name, r.Code, r.Text))
	}
	slices.Sort(lines)
	w.printf("%s", strings.Join(lines, ""))
}

// plan prints a stored plan.
func (w *world) plan(ctx context.Context, id canopy.PlanID) {
	head, err := w.store.Plan(ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	var items []canopy.PlanItem
	for {
		part, err := w.local.Items(ctx, id, len(items), 100)
		if err != nil {
			w.t.Fatal(err)
		}
		if items = append(items, part...); len(part) == 0 {
			break
		}
	}
	w.items(ctx, items, head.Totals)
	for _, b := range head.Guard {
		w.printf("  stopped by the guard: %s\n", b.Text)
	}
}

// items prints a plan: its numbers, and of each item what it changes and what it holds back.
func (w *world) items(ctx context.Context, items []canopy.PlanItem, t canopy.Totals) {
	w.printf("  joined %d, projected %d%s%s%s\n", t.Joined, t.Made, tally("; exports", t.Exports[canopy.Tenant]), tally("; links", t.Links), tally("; held", t.Held))
	var texts []string
	counts := map[canopy.ConnectorID]canopy.Tally{}
	for i := range items {
		texts = append(texts, w.item(ctx, &items[i], counts))
	}
	for _, f := range w.forests {
		if n := counts[f.name]; len(n) > 0 {
			w.printf("  %s:%s\n", f.name, tally("", n))
		}
	}
	slices.Sort(texts)
	w.printf("%s", strings.Join(texts, ""))
}

// tally prints counts that are not zero, in order.
func tally(name string, t canopy.Tally) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(t)) {
		if t[k] != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k, t[k]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return name + " " + strings.Join(parts, ", ")
}

// item is one item as text; "" when there is nothing to tell. Counts get the outcomes of the entries that the scenario
// made.
func (w *world) item(ctx context.Context, i *canopy.PlanItem, counts map[canopy.ConnectorID]canopy.Tally) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, "    "+format+"\n", args...) }
	for _, o := range i.Entries {
		name, ours := w.entry(ctx, o.Entry)
		if !ours {
			continue
		}
		if counts[o.Connector] == nil {
			counts[o.Connector] = canopy.Tally{}
		}
		counts[o.Connector][o.Outcome.String()]++
		if o.Outcome == canopy.NotInScope || o.Outcome == canopy.Failed {
			say("%s: %s: %s", o.Outcome, name, o.Why)
		}
	}
	for _, j := range i.Joins {
		name, _ := w.entry(ctx, j.Entry)
		say("%s: %s%s", j.Via.Kind, name, because(j))
	}
	for x := range i.Exports {
		say("%s", export(&i.Exports[x]))
	}
	for x := range i.Links {
		if l := &i.Links[x]; l.Added+l.Removed+l.Waiting > 0 {
			say("%s", flow(l))
		}
	}
	for _, f := range i.Findings {
		fmt.Fprintf(&b, "    finding: %s; %s\n", f.Text, f.Next)
	}
	for _, h := range i.Held {
		say("%s", w.held(&h))
	}
	if i.Dies {
		say("the meta goes")
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("  %s %s\n%s", cmp.Or(string(i.Class), "unjoined"), strings.ReplaceAll(i.Label, "\n", `\n`), b.String())
}

func because(j canopy.EntryJoin) string {
	text := ""
	if j.Via.On != "" {
		text += ", " + j.Via.On
	}
	if j.Why != "" {
		text += ", " + j.Why
	}
	return text
}

// dull are attributes that one scenario shows and the others leave out.
var dull = []canopy.Attr{"dnsDomainName", "netBiosName", "onPremisesSamAccountName", "onPremisesDistinguishedName", "commonName",
	"onPremiseSecurityIdentifier", "lastPasswordChangeTimestamp", "onPremisesObjectIdentifier", "dn"}

// export is one export as text, with what it changes.
func export(p *canopy.PlannedExport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", p.Export.Op, p.Export.Class, p.Export.SourceAnchor)
	if p.Why != "" {
		fmt.Fprintf(&b, ": %s", p.Why)
	}
	if m := p.Match; m != nil {
		fmt.Fprintf(&b, "\n      matches by %s %s: %s gets anchor %s, had %q", m.How, m.Value, m.Anchor, m.Source, m.Had)
	}
	if len(p.Regrets) > 0 {
		fmt.Fprintf(&b, "\n      regrets: %v", p.Regrets)
	}
	changes := slices.SortedFunc(slices.Values(p.Changes), func(x, y canopy.AttrChange) int { return cmp.Compare(x.Attr, y.Attr) })
	for _, c := range changes {
		if slices.Contains(dull, c.Attr) {
			continue
		}
		old := ""
		if p.Export.Op != canopy.Add || p.Match != nil {
			old = list(c.Old) + " -> "
		}
		fmt.Fprintf(&b, "\n      %s: %s%s", c.Attr, old, list(c.New))
		if c.Origin.Connector != "" {
			fmt.Fprintf(&b, " (%s)", c.Origin.Connector)
		}
	}
	return b.String()
}

// list is values as text, in order.
func list(v canopy.Values) string {
	if len(v) == 0 {
		return "none"
	}
	s := v.Strings()
	for i := range s {
		s[i] = strings.ReplaceAll(s[i], "\n", `\n`)
	}
	slices.Sort(s)
	return strings.Join(s, " | ")
}

func flow(l *canopy.LinkFlow) string {
	text := fmt.Sprintf("%s: +%d -%d of %d", l.Attr, l.Added, l.Removed, l.Total)
	var waits []string
	for _, s := range l.Samples {
		waits = append(waits, fmt.Sprintf("\n      waiting: %s: %s", cmp.Or(s.Ref.DN, string(s.Ref.Anchor)), s.Why))
	}
	slices.Sort(waits)
	if l.Waiting > 0 {
		text += fmt.Sprintf(", waiting %d%s", l.Waiting, strings.Join(waits, ""))
	}
	return text
}

// held is one thing held back as text, with all parties.
func (w *world) held(h *canopy.Held) string {
	what := "held"
	if h.Whole {
		what = "held whole"
	}
	text := fmt.Sprintf("%s: %s", what, h.Reason)
	if h.Attr != "" {
		text += fmt.Sprintf(": %s %s", h.Attr, h.Value)
	}
	text += ": " + h.Text
	var others []string
	for _, p := range h.Others {
		others = append(others, fmt.Sprintf("\n      other: %s %s", p.Connector, p.Name))
	}
	slices.Sort(others)
	return text + strings.Join(others, "")
}

// entry names an entry, and tells whether the scenario made its object.
func (w *world) entry(ctx context.Context, id canopy.EntryID) (string, bool) {
	e, err := w.store.Entry(ctx, id)
	if canopy.KindOf(err) == canopy.NotFound {
		return "an entry that is gone", true
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if f := w.forest(string(e.Connector)); f != nil {
		name, ours := f.made[e.Anchor]
		return cmp.Or(e.DN, name+" in "+string(f.name)), ours
	}
	return cmp.Or(e.Attrs.Text(canopy.AttrDisplayName), string(e.Anchor)) + " in " + string(e.Connector), true
}
