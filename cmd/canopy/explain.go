package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/store"
)

func (a *App) explainCommand() *cobra.Command {
	var scopes bool
	c := &cobra.Command{
		Use:   "explain OBJECT [ATTRIBUTE]",
		Short: "Say of every value where it comes from, by which rule, when it was read and sent, and which others lost",
		Long: `OBJECT is a DN, UPN, mail address, anchor or GUID. ATTRIBUTE is a name in the metaverse or in the tenant; without one
all are shown. With --scopes each rule's scoping filter is shown condition by condition, with the object's values.
It asks what is stored: it reads no directory and changes nothing.`,
		Example: `  canopy explain anna@contoso.com
  canopy explain 'CN=Anna Novak,OU=Staff,DC=contoso,DC=com' proxyAddresses`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			x, err := l.Explain(c.Context(), args[0])
			if err != nil {
				return a.suggest(c.Context(), l, err)
			}
			attr := ""
			if len(args) > 1 {
				attr = args[1]
			}
			return a.explain(x, attr, scopes)
		},
	}
	c.Flags().BoolVar(&scopes, "scopes", false, "show the conditions of every rule's scope, and whether they hold")
	return c
}

func (a *App) explain(x *run.Explanation, attr string, scopes bool) error {
	if attr != "" {
		known := attributes(x.Trace)
		keep(x.Trace, attr)
		x.Log = slices.DeleteFunc(x.Log, func(r store.LogRow) bool { return !speaksOf(r, attr) })
		if len(x.Trace.Attrs)+targetAttrs(x.Trace) == 0 {
			return &canopy.Error{Kind: canopy.NotFound, Code: "attribute-unknown", Object: x.Object.Name, Attr: canopy.Attr(attr),
				Text: "no rule fills an attribute of this name for it", Next: meantAttr(attr, known) + "canopy explain " + quoted(x.Object.Name) + " shows all"}
		}
	}
	if a.json {
		a.print(x)
		return nil
	}
	e := explainer{a, x, scopes}
	e.head()
	e.entries(attr != "")
	e.attrs()
	e.targets()
	if attr == "" {
		e.computes()
	}
	e.history()
	return nil
}

// attributes are the names that a trace has something to say of.
func attributes(t *engine.Trace) []string {
	var names []string
	for _, x := range t.Attrs {
		names = append(names, string(x.Attr))
	}
	for _, x := range t.Targets {
		for _, y := range x.Attrs {
			names = append(names, string(y.Attr))
		}
		for _, y := range x.Links {
			names = append(names, string(y.Attr))
		}
	}
	return names
}

func meantAttr(attr string, known []string) string {
	if near := nearest(attr, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "? Else "
	}
	return ""
}

// keep leaves in a trace what speaks of one attribute.
func keep(t *engine.Trace, attr string) {
	same := func(n canopy.Attr) bool { return strings.EqualFold(string(n), attr) }
	t.Attrs = slices.DeleteFunc(t.Attrs, func(x engine.AttrTrace) bool { return !same(x.Attr) })
	for i := range t.Targets {
		x := &t.Targets[i]
		x.Attrs = slices.DeleteFunc(x.Attrs, func(y engine.TargetAttrTrace) bool { return !same(y.Attr) })
		x.Links = slices.DeleteFunc(x.Links, func(y canopy.LinkFlow) bool { return !same(y.Attr) })
		x.Held = slices.DeleteFunc(x.Held, func(y canopy.Held) bool { return !same(y.Attr) && !y.Whole })
	}
}

// speaksOf tells whether a row of the log is about an attribute: it changes it, or says what became of the object's exports.
func speaksOf(r store.LogRow, attr string) bool {
	if r.Step == store.LogExport || r.Step == store.LogConfirm || r.Step == store.LogJoin {
		return true
	}
	return slices.ContainsFunc(r.Changes, func(c canopy.AttrChange) bool { return strings.EqualFold(string(c.Attr), attr) })
}

func targetAttrs(t *engine.Trace) int {
	n := 0
	for _, x := range t.Targets {
		n += len(x.Attrs) + len(x.Links)
	}
	return n
}

// explainer prints an explanation for a person.
type explainer struct {
	*App
	x      *run.Explanation
	scopes bool
}

func (e explainer) line(format string, args ...any) {
	fmt.Fprintln(e.Out, clean(fmt.Sprintf(format, args...)))
}

func (e explainer) gap() { fmt.Fprintln(e.Out) }

func (e explainer) head() {
	f := e.x.Object
	name := f.Name
	if e.x.Meta != nil && e.x.Meta.Value(canopy.AttrDisplayName) != "" {
		name = e.x.Meta.Value(canopy.AttrDisplayName)
	}
	if e.x.Meta != nil {
		e.line("%s %s, meta %d", e.x.Meta.Class, name, e.x.Meta.ID)
	} else {
		e.line("%s %s in %s, joined to none", f.Class, name, f.Connector)
	}
}

// entries says which entries there are, how they came to be joined, when they were read, and which rules apply.
func (e explainer) entries(brief bool) {
	for _, t := range e.x.Trace.Entries {
		e.gap()
		e.line("from %s: %s", t.Party.Connector, t.Party.Name)
		if n := e.stored(t.Party.Entry); n != nil {
			e.line("    %s %s; read %s; %s", n.Via.Kind, n.Via.On, stamp(n.Imported), t.State)
		}
		if t.Why != "" {
			e.line("    %s", t.Why)
		}
		if !brief {
			e.joins(&t)
		}
		if brief {
			continue
		}
		var apply []string
		for _, r := range t.Rules {
			if r.InScope {
				apply = append(apply, string(r.Rule))
			}
		}
		e.line("    rules that apply: %s", strings.Join(apply, ", "))
		e.truths(t.Rules)
	}
}

func (e explainer) stored(id canopy.EntryID) *canopy.Entry {
	for _, n := range append(e.x.Entries, e.x.Entry) {
		if n != nil && n.ID == id {
			return n
		}
	}
	return nil
}

// attrs says of each value of the meta who gave it, and who lost and why.
func (e explainer) attrs() {
	if len(e.x.Trace.Attrs) == 0 {
		return
	}
	e.gap()
	e.line("metaverse")
	for _, t := range e.x.Trace.Attrs {
		if len(t.Values) == 0 && !slices.ContainsFunc(t.Losers, hasValues) && len(e.x.Trace.Attrs) > 1 {
			continue
		}
		e.line("  %s = %s", t.Attr, values(t.Values))
		for _, w := range t.Winners {
			e.line("      from %s, %s, by rule %s (%s)", w.Party.Connector, w.Party.Name, w.Rule, w.From)
		}
		for _, l := range t.Losers {
			if hasValues(l) {
				e.line("      lost: %s from %s by rule %s: %s", values(l.Values), l.Party.Connector, l.Rule, l.Reason)
			}
		}
	}
}

func hasValues(g engine.Give) bool { return len(g.Values) > 0 }

// targets says what each target should hold, holds, and why they differ.
func (e explainer) targets() {
	for _, t := range e.x.Trace.Targets {
		state := "wanted"
		if !t.Wanted {
			state = "not wanted: " + t.Why
		}
		e.gap()
		e.line("to %s: %s %s", t.Connector, t.Class, state)
		if t.Authority != "" {
			e.line("  %s", t.Authority)
		}
		e.truths(t.Rules)
		for _, x := range t.Attrs {
			if len(x.Desired)+len(x.Holds) == 0 && x.Note == "" && len(t.Attrs) > 1 {
				continue
			}
			mark := ""
			if !x.Desired.Equal(x.Holds) {
				mark = fmt.Sprintf(" (holds %s)", values(x.Holds))
			}
			e.line("  %s = %s%s", x.Attr, values(x.Desired), mark)
			if x.Winner != nil {
				e.line("      from %s by rule %s", x.Winner.From, x.Winner.Rule)
			}
			if x.Note != "" {
				e.line("      %s", x.Note)
			}
		}
		for _, l := range t.Links {
			e.line("  %s: %d links at the source, %d to add, %d to remove, %d waiting", l.Attr, l.Total, l.Added, l.Removed, l.Waiting)
			for _, s := range l.Samples {
				e.line("      waiting: %s %s: %s", s.Ref.DN, s.Ref.Anchor, s.Why)
			}
		}
		for _, h := range t.Held {
			e.line("  HELD BACK %s", h.Text)
		}
	}
	for _, h := range e.x.Trace.Item.Held {
		if e.x.Meta == nil {
			e.line("  HELD BACK %s", h.Text)
		}
	}
}

// history are the newest rows of the log: when it was read, planned, sent and confirmed.
func (e explainer) history() {
	if len(e.x.Log) == 0 {
		return
	}
	e.gap()
	e.line("log, the newest first")
	for i, r := range e.x.Log {
		if i == 12 {
			e.line("  ... %d more: canopy log %s", len(e.x.Log)-i, quoted(e.x.Object.Name))
			return
		}
		text := r.Text
		if r.Code != "" {
			text = r.Code + ": " + text
		}
		e.line("  %s  run %d  %s %s %s  %s", stamp(r.At), r.Run, r.Step, r.Connector, r.Op, text)
	}
}
