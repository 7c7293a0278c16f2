package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
)

func runID(n int64) canopy.RunID { return canopy.RunID(n) }

func (a *App) entryCommand() *cobra.Command {
	c := &cobra.Command{Use: "entry", Short: "Show entries, and decide which belong together",
		Long:    "An entry is an object as its directory was last seen to hold it. None of these commands writes to a directory.",
		Example: "  canopy entry show anna@contoso.com\n  canopy entry join 'CN=Sam Taylor,OU=Sales,DC=contoso,DC=com' sam@fabrikam.com"}
	c.AddCommand(&cobra.Command{Use: "show OBJECT", Short: "Show an entry as its directory was last seen to hold it",
		Long:    "OBJECT is a DN, UPN, mail address, anchor or GUID. The directory is not asked again: canopy plan reads it.",
		Example: "  canopy entry show anna@contoso.com\n  canopy entry show 'CN=Anna Novak,OU=Staff,DC=contoso,DC=com' --json", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			f, err := a.one(c.Context(), l, args[0])
			if err != nil {
				return err
			}
			e, err := l.Store.Entry(c.Context(), f.Entry)
			if err != nil {
				return err
			}
			l.HideEntry(e)
			a.entry(e)
			return nil
		}})
	c.AddCommand(a.decideCommand("join OBJECT WITH", "Join an entry with another object, by hand", 2, engine.DecideJoin),
		a.decideCommand("release OBJECT", "Take an entry from what it is joined to, or out of its waiting: it becomes an object of its own", 1, engine.DecideSeparate),
		a.decideCommand("exclude OBJECT", "Put an entry out of scope: what it alone gave the cloud goes with the next run", 1, engine.DecideExclude), a.undecideCommand())
	return c
}

func (a *App) decideCommand(use, short string, n int, kind engine.DecisionKind) *cobra.Command {
	var why string
	c := &cobra.Command{Use: use, Short: short, Long: "The decision is kept and takes effect with the next plan. It writes to no directory.",
		Example: map[engine.DecisionKind]string{engine.DecideJoin: "  canopy entry join 'CN=Sam Taylor,OU=Sales,DC=contoso,DC=com' sam@fabrikam.com --why \"asked him\"",
			engine.DecideSeparate: "  canopy entry release sam@fabrikam.com --why \"another Sam\"",
			engine.DecideExclude:  "  canopy entry exclude 'CN=Sam Taylor,OU=Sales,DC=fabrikam,DC=com' --why \"the same Sam, twice\""}[kind],
		Args: usageArgs(cobra.ExactArgs(n)), RunE: func(c *cobra.Command, args []string) error {
			l, err := a.open(c.Context(), "canopy entry "+string(kind))
			if err != nil {
				return err
			}
			defer l.Close()
			with := ""
			if len(args) > 1 {
				with = args[1]
			}
			if err := l.Decide(c.Context(), kind, args[0], with, why); err != nil {
				return a.suggest(c.Context(), l, err)
			}
			if a.json {
				a.print(map[string]any{"decided": kind, "object": args[0], "with": with})
				return nil
			}
			fmt.Fprintln(a.Out, "Kept. The next plan shows what it means: canopy plan --no-import")
			return nil
		}}
	c.Flags().StringVar(&why, "why", "", "the reason, kept with the decision")
	return c
}

func (a *App) undecideCommand() *cobra.Command {
	return &cobra.Command{Use: "include OBJECT", Short: "Forget what was decided about an entry: it is excluded, released or joined by hand no more",
		Long:    "Rules and criteria decide about the entry again, with the next plan. It writes to no directory.",
		Example: "  canopy entry include 'CN=Sam Taylor,OU=Sales,DC=fabrikam,DC=com'", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.open(c.Context(), "canopy entry include")
			if err != nil {
				return err
			}
			defer l.Close()
			if err := l.Undecide(c.Context(), args[0]); err != nil {
				return a.suggest(c.Context(), l, err)
			}
			if a.json {
				a.print(map[string]any{"forgotten": args[0]})
				return nil
			}
			fmt.Fprintln(a.Out, "Forgotten. The next plan shows what it means: canopy plan --no-import")
			return nil
		}}
}

func (a *App) entry(e *canopy.Entry) {
	if a.json {
		a.print(e)
		return
	}
	fmt.Fprintf(a.Out, "%s\n", clean(e.DN))
	t := a.table("entry", num(int(e.ID)))
	t.row("connector", string(e.Connector))
	t.row("class", string(e.Class))
	t.row("state", e.State.String())
	t.row("anchor", string(e.Anchor))
	if e.SourceAnchor != "" {
		t.row("source anchor", e.SourceAnchor)
	}
	if e.Meta != 0 {
		t.row("meta", fmt.Sprintf("%d, %s %s", e.Meta, e.Via.Kind, e.Via.On))
	} else {
		t.row("meta", "joined to none")
	}
	t.row("imported", stamp(e.Imported))
	t.row()
	for _, n := range e.Attrs.Names() {
		t.row(string(n), values(e.Attrs[n]))
	}
	for _, n := range slices.Sorted(maps.Keys(e.LinkCounts)) {
		t.row(string(n), fmt.Sprintf("%d links", e.LinkCounts[n]))
	}
	t.end()
}

func (a *App) metaCommand() *cobra.Command {
	c := &cobra.Command{Use: "meta", Short: "Show metas: what is known of one person, group or contact over all forests",
		Long:    "A meta is what the entries of one person, group or contact came to, joined over all forests. Nothing is changed.",
		Example: "  canopy meta show anna@contoso.com"}
	c.AddCommand(&cobra.Command{Use: "show OBJECT", Short: "Show a meta with the origin of each value",
		Long:    "OBJECT is a DN, UPN, mail address, anchor or GUID of any of its entries.\nIt does not say which values lost: canopy explain does.",
		Example: "  canopy meta show anna@contoso.com\n  canopy meta show anna@contoso.com --json", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			f, err := a.one(c.Context(), l, args[0])
			if err != nil {
				return err
			}
			if f.Meta == 0 {
				return &canopy.Error{Kind: canopy.NotFound, Code: "not-joined", Object: args[0], Text: "it is joined to no meta", Next: "canopy explain " + quoted(args[0]) + " says why"}
			}
			m, err := l.Store.Meta(c.Context(), f.Meta)
			if err != nil {
				return err
			}
			entries, err := l.Store.EntriesOf(c.Context(), f.Meta)
			if err != nil {
				return err
			}
			l.HideMeta(m)
			for _, e := range entries {
				l.HideEntry(e)
			}
			a.meta(m, entries)
			return nil
		}})
	return c
}

func (a *App) meta(m *canopy.Meta, entries []*canopy.Entry) {
	if a.json {
		a.print(map[string]any{"meta": m, "entries": entries})
		return
	}
	fmt.Fprintf(a.Out, "%s %s, meta %d, version %d\n\n", m.Class, clean(m.Value(canopy.AttrDisplayName)), m.ID, m.Version)
	t := a.table("ENTRY", "CONNECTOR", "HOW", "DN OR ANCHOR")
	for _, e := range entries {
		name := e.DN
		if name == "" {
			name = string(e.Anchor)
		}
		t.row(num(int(e.ID)), string(e.Connector), e.Via.Kind.String()+" "+e.Via.On, name)
	}
	t.end()
	fmt.Fprintln(a.Out)
	t = a.table("ATTRIBUTE", "VALUE", "FROM", "BY RULE")
	for _, n := range slices.Sorted(maps.Keys(m.Attrs)) {
		s := m.Attrs[n]
		from, by := "", ""
		if len(s.Origins) > 0 {
			from, by = string(s.Origins[0].Connector), string(s.Origins[0].Rule)
		}
		t.row(string(n), values(s.Values), from, by)
	}
	t.end()
	for _, h := range m.Held {
		fmt.Fprintf(a.Out, "HELD BACK %s\n", clean(h.Text))
	}
}
