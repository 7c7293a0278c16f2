package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/run"
)

func (a *App) compareCommand() *cobra.Command {
	var export, rules string
	var alone bool
	var forests []string
	var examples int
	c := &cobra.Command{
		Use:   "compare",
		Short: "Compare, attribute by attribute, what the rules want with what the tenant holds, or with what other rules want",
		Long: `Without a flag the present rules are compared with what the tenant was last seen to hold: run it beside another
product that fills the same tenant. With --connect or --rules they are compared with another set of rules, over the same
objects. Nothing is written, and no directory is asked: import first, with canopy plan.`,
		Example: `  canopy compare
  canopy compare --connect ~/export
  canopy compare --rules ~/rules --examples 20`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if export != "" && rules != "" {
				return usageError{errors.New("--connect and --rules exclude each other")}
			}
			names, err := forestNames(forests)
			if err != nil {
				return err
			}
			o := run.CompareOptions{Examples: examples}
			with := "what the tenant holds"
			if o.Rules, err = otherRules(export, rules, alone, names); err != nil {
				return err
			}
			if o.Rules != nil {
				with = "the other rules"
			}
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			r, err := l.Compare(c.Context(), o)
			if err != nil {
				return err
			}
			if a.json {
				a.print(r)
				return nil
			}
			a.comparison(r, with)
			return nil
		},
	}
	c.Flags().StringVar(&export, "connect", "", "a Connect Sync server's export: compare with its rules")
	c.Flags().StringVar(&rules, "rules", "", "a folder of rule files: compare with the built-in rules and these")
	c.Flags().BoolVar(&alone, "alone", false, "with --rules: without the built-in rules")
	c.Flags().StringArrayVar(&forests, "forest", nil, "with --connect: FOREST=NAME, as canopy import connect takes it")
	c.Flags().IntVar(&examples, "examples", 5, "how many objects are named for each difference")
	return c
}

// otherRules are the rules to compare with, nil for what the tenant holds.
func otherRules(export, rules string, alone bool, forests map[string]canopy.ConnectorID) (*rule.Set, error) {
	switch {
	case export != "":
		t, err := run.ReadConnect(export, forests)
		if err != nil {
			return nil, err
		}
		return t.Conversion.Set, nil
	case rules != "":
		return run.LoadOther(rules, !alone, "")
	}
	return nil, nil
}

// comparison prints a comparison.
func (a *App) comparison(c *run.Comparison, with string) {
	fmt.Fprintf(a.Out, "\nThe present rules beside %s, over %s objects: %s are the same.\n", with, num(c.Metas), num(c.Same))
	for _, d := range []struct {
		text string
		d    run.Differing
	}{{"only " + with + " have an object for", c.Made}, {"only the present rules have an object for", c.Unmade}, {"one side cannot compute", c.Faults}} {
		if d.d.Count == 0 {
			continue
		}
		fmt.Fprintf(a.Out, "%s: %s\n", d.text, num(d.d.Count))
		for _, e := range d.d.Examples {
			fmt.Fprintf(a.Out, "    %s: %s\n", clean(e.Object), clean(e.Text))
		}
	}
	if len(c.Attributes) > 0 {
		t := a.table("ATTRIBUTE", "CLASS", "DIFFERS", "OBJECT", "PRESENT RULES", strings.ToUpper(with))
		for _, x := range c.Attributes {
			for i, e := range x.Examples {
				attr, class, n := string(x.Attr), string(x.Class), num(x.Count)
				if i > 0 {
					attr, class, n = "", "", ""
				}
				if e.Text != "" {
					t.row(attr, class, n, e.Object, e.Text, "")
					continue
				}
				t.row(attr, class, n, e.Object, comparedValues(e.Present), comparedValues(e.Other))
			}
		}
		t.end()
	}
	if c.EntryCount > 0 {
		fmt.Fprintf(a.Out, "%s objects that are joined to nothing are in scope on one side alone:\n", num(c.EntryCount))
		for _, e := range c.Entries {
			side := "only the present rules take it in"
			if e.TakenIn {
				side = "only the other rules take it in"
			}
			fmt.Fprintf(a.Out, "    %s: %s: %s\n", clean(e.DN), side, clean(e.Why))
		}
	}
}

// comparedValues are values on one line, cut where they grow long.
func comparedValues(vs canopy.Values) string {
	if len(vs) == 0 {
		return "(nothing)"
	}
	var list []string
	for _, v := range vs {
		list = append(list, v.String())
	}
	s := []rune(strings.Join(list, ", "))
	if len(s) > 80 {
		return string(s[:80]) + "..."
	}
	return string(s)
}
