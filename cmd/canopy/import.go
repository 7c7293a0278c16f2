package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule/connect"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/store"
)

func (a *App) importCommand() *cobra.Command {
	c := &cobra.Command{Use: "import", Short: "Take over what another product's server has",
		Long:    "Reads what another product's server exports. Nothing is written unless --write says so.",
		Example: "  canopy import connect ~/export\n  canopy import connect ~/export --write"}
	c.AddCommand(a.importConnectCommand())
	return c
}

// importFlags are what import connect is told.
type importFlags struct {
	forests []string
	write   bool
	replace bool
	compare bool
}

func (a *App) importConnectCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "connect DIR",
		Short: "Read a Connect Sync server's export: say what becomes of its rules and settings, and with --write make rule files of it",
		Long: `DIR is what Get-ADSyncServerConfiguration wrote, with Connectors, GlobalSettings and SynchronizationRules in it, or a
script of rules as the rule editor exports it, or a folder of those. Nothing is written without --write.

The rules of the export take the place of the built-in ones, which the rule files switch off: without the files in the
folder rules of the state directory everything is as before.`,
		Example: `  canopy import connect ~/export
  canopy import connect ~/export --forest contoso.com=emea --compare
  canopy import connect ~/export --write`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.importConnect(c.Context(), args[0], f) },
	}
	c.Flags().StringArrayVar(&f.forests, "forest", nil, "FOREST=NAME: the forest of the export is this connector of the configuration; may be repeated")
	c.Flags().BoolVar(&f.write, "write", false, "write the rule files into the folder rules of the state directory")
	c.Flags().BoolVar(&f.replace, "replace", false, "with --write: write over rule files of the same names")
	c.Flags().BoolVar(&f.compare, "compare", false, "run the rules beside the present ones over the stored objects, and list the differences")
	return c
}

// forestNames reads FOREST=NAME.
func forestNames(list []string) (map[string]canopy.ConnectorID, error) {
	out := map[string]canopy.ConnectorID{}
	for _, s := range list {
		name, id, ok := strings.Cut(s, "=")
		if !ok || name == "" || id == "" {
			return nil, usageError{fmt.Errorf("--forest %q is not of the form FOREST=NAME", s)}
		}
		out[name] = canopy.ConnectorID(id)
	}
	return out, nil
}

// imported is what import connect says as JSON.
type importedJSON struct {
	Server     string            `json:"server,omitempty"`
	Exported   string            `json:"exported,omitempty"`
	Connectors int               `json:"connectors"`
	Rules      int               `json:"rules"`
	Taken      int               `json:"taken"`
	InForce    int               `json:"inForce"`
	Flows      int               `json:"flows"`
	Notes      []connect.Note    `json:"notes"`
	Settings   []connect.Setting `json:"settings"`
	Scopes     []run.ScopeChange `json:"scopes"`
	Unknown    []connect.Unknown `json:"unknown"`
	Warnings   []canopy.Finding  `json:"warnings"`
	Written    []string          `json:"written"`
	Comparison *run.Comparison   `json:"comparison,omitempty"`
}

func (a *App) importConnect(ctx context.Context, path string, f importFlags) error {
	forests, err := forestNames(f.forests)
	if err != nil {
		return err
	}
	t, err := run.ReadConnect(path, forests)
	if err != nil {
		return err
	}
	dir, err := a.findDir("")
	if err != nil {
		return err
	}
	scopes, err := a.scopes(ctx, dir, t)
	if err != nil {
		return err
	}
	out := importedJSON{Server: t.Export.Metaverse.Server, Exported: t.Export.Metaverse.Exported, Connectors: len(t.Export.Connectors), Rules: len(t.Export.Rules),
		Taken: len(t.Conversion.Rules), InForce: t.Conversion.Enabled(), Flows: t.Conversion.Flows, Notes: t.Conversion.Notes, Settings: t.Settings, Scopes: scopes,
		Unknown: t.Export.Unknown, Warnings: inForce(t)}
	if f.compare {
		l, err := a.look(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		if out.Comparison, err = l.Compare(ctx, run.CompareOptions{Rules: t.Conversion.Set}); err != nil {
			return err
		}
	}
	if f.write {
		if dir, err = a.stateDir(""); err != nil {
			return err
		}
		if out.Written, err = t.Write(dir, f.replace); err != nil {
			return err
		}
	}
	if a.json {
		a.print(out)
		return nil
	}
	a.takeover(&out, dir, f.write)
	return nil
}

// inForce are the warnings about rules that are in force.
func inForce(t *run.Takeover) []canopy.Finding {
	off := map[string]bool{}
	for _, r := range t.Conversion.Rules {
		off[string(r.ID)] = r.Disabled
	}
	var out []canopy.Finding
	for _, w := range t.Conversion.Set.Warnings() {
		if !off[w.Other] {
			out = append(out, w)
		}
	}
	return out
}

// scopes compares the export's scopes with the configuration's, where there is one, over the store, where there is one.
func (a *App) scopes(ctx context.Context, dir string, t *run.Takeover) ([]run.ScopeChange, error) {
	config := a.config
	if config == "" {
		config = filepath.Join(dir, run.ConfigName)
	}
	cfg, err := run.LoadConfig(config)
	if canopy.KindOf(err) == canopy.NotFound {
		cfg, err = &run.Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := run.OpenStore(ctx, dir, cfg, store.Options{ReadOnly: true})
	switch {
	case err == nil:
		defer st.Close()
	case canopy.KindOf(err) != canopy.NotFound:
		return nil, err
	}
	return run.Scopes(ctx, t.Scopes, cfg, st)
}

// takeover prints what became of an export.
func (a *App) takeover(o *importedJSON, dir string, wrote bool) {
	fmt.Fprintf(a.Out, "%s rules of %s connectors, exported %s: %s taken over, %s of them in force, with %s flows.\n", num(o.Rules), num(o.Connectors), said(o.Exported),
		num(o.Taken), num(o.InForce), num(o.Flows))
	a.notes(o.Notes)
	for _, u := range o.Unknown {
		fmt.Fprintf(a.Out, "not known, and nothing is done with it: %s (%s, %s times) %s\n", clean(u.Path), clean(u.Place), num(u.Count), clean(u.Text))
	}
	a.settings(o.Settings)
	for i := range o.Scopes {
		a.scopeChange(&o.Scopes[i])
	}
	if len(o.Warnings) > 0 {
		fmt.Fprintf(a.Out, "\n%s warnings about rules in force; --json has them all, the first are:\n", num(len(o.Warnings)))
		for _, w := range o.Warnings[:min(5, len(o.Warnings))] {
			fmt.Fprintf(a.Out, "  %s: %s\n", clean(w.Object), clean(w.Text))
		}
	}
	if o.Comparison != nil {
		a.comparison(o.Comparison, "the export's rules")
	}
	switch {
	case wrote:
		fmt.Fprintf(a.Out, "\n%s rule files written to %s. See what they would change: canopy plan\n", num(len(o.Written)), clean(filepath.Join(dir, run.RulesName)))
	default:
		fmt.Fprintln(a.Out, "\nNothing was written. --write makes the rule files, --compare shows what they would change.")
	}
}

// notes prints what is not simply taken; what is the same for several rules is said once.
func (a *App) notes(notes []connect.Note) {
	type same struct {
		outcome    connect.Outcome
		part, text string
	}
	var order []same
	rules := map[same][]string{}
	places := map[same]string{}
	for _, n := range notes {
		k := same{n.Outcome, n.Part, n.Text}
		if rules[k] == nil {
			order = append(order, k)
			places[k] = n.Place
		}
		rules[k] = append(rules[k], n.Rule)
	}
	if len(order) > 0 {
		fmt.Fprintln(a.Out, "\nWhat is not simply taken:")
	}
	for _, k := range order {
		what := ""
		if k.part != "rule" {
			what = ": " + k.part
		}
		fmt.Fprintf(a.Out, "  %-9s  %s%s\n             %s\n             %s\n", k.outcome, clean(strings.Join(rules[k], "; ")), clean(what), clean(k.text), clean(places[k]))
	}
}

// settings prints the settings; those that are off on both sides come together.
func (a *App) settings(list []connect.Setting) {
	if len(list) > 0 {
		fmt.Fprintln(a.Out, "\nSettings:")
	}
	var off []string
	for _, s := range list {
		if s.Text == connect.OffHereToo {
			off = append(off, s.Name)
			continue
		}
		fmt.Fprintf(a.Out, "  %-9s  %s: %s = %s\n             %s\n", s.Outcome, clean(s.Of), clean(s.Name), clean(s.Value), clean(s.Text))
	}
	if len(off) > 0 {
		fmt.Fprintf(a.Out, "  %s: %s\n", connect.OffHereToo, clean(strings.Join(off, ", ")))
	}
}

func said(s string) string {
	if s == "" {
		return "at an unknown time"
	}
	return clean(s)
}

// scopeChange prints a forest's scope as the configuration has it, and what it adds and loses.
func (a *App) scopeChange(s *run.ScopeChange) {
	fmt.Fprintf(a.Out, "\nScope of %s, as the configuration writes it:\n  - name: %s\n", clean(s.Forest), clean(string(s.Name)))
	list := func(indent, name string, dns []string) {
		if len(dns) == 0 {
			return
		}
		quoted := make([]string, len(dns))
		for i, dn := range dns {
			quoted[i] = fmt.Sprintf("%q", dn)
		}
		fmt.Fprintf(a.Out, "%s%s: [%s]\n", indent, name, strings.Join(quoted, ", "))
	}
	list("    ", "base", s.ForestScope.Base)
	if len(s.Include)+len(s.Exclude)+len(s.Groups) > 0 {
		fmt.Fprintln(a.Out, "    scope:")
		list("      ", "include", s.Include)
		list("      ", "exclude", s.Exclude)
		list("      ", "groups", s.Groups)
	}
	switch {
	case !s.Configured:
		fmt.Fprintf(a.Out, "  The configuration has no forest %s; --forest %s=NAME says which one it is.\n", clean(string(s.Name)), clean(s.Forest))
		return
	case s.Same:
		fmt.Fprintln(a.Out, "  It is the scope of the configuration.")
		return
	case !s.Read:
		fmt.Fprintln(a.Out, "  It differs from the configuration's. The forest was not read yet: after canopy plan this says which objects go and come in.")
		return
	}
	fmt.Fprintf(a.Out, "  It differs from the configuration's: %s objects that are read now go, %s that are known come in.\n", num(s.Loses.Count), num(s.Adds.Count))
	for _, dn := range s.Loses.Examples {
		fmt.Fprintf(a.Out, "    goes:     %s\n", clean(dn))
	}
	for _, dn := range s.Adds.Examples {
		fmt.Fprintf(a.Out, "    comes in: %s\n", clean(dn))
	}
	if s.Unknown > 0 {
		fmt.Fprintf(a.Out, "    %s objects outside of the present scope are known by their GUID alone: which of them come in shows canopy plan with the new scope\n", num(s.Unknown))
	}
	if len(s.Groups) > 0 {
		fmt.Fprintln(a.Out, "    members of the groups are not counted here")
	}
}
