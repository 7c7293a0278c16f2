package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/run"
)

func (a *App) ruleTest() *cobra.Command {
	return &cobra.Command{Use: "test RULE OBJECT", Short: "Show what one rule does with one object: each condition of its scope, and what each flow gives",
		Long: `An inbound rule is tried on the object's entry, an outbound one on its meta. Other rules are not looked at: canopy explain
shows which of them wins. OBJECT is a DN, UPN, mail address, anchor or GUID.`,
		Example: `  canopy rule test in-ad-user-common anna.berg@contoso.lab
  canopy rule test out-tenant-user-identity anna.berg@contoso.lab --json`,
		Args: usageArgs(cobra.ExactArgs(2)), RunE: func(c *cobra.Command, args []string) error {
			l, err := a.look(c.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			t, err := l.TryRule(c.Context(), canopy.RuleID(args[0]), args[1])
			if err != nil {
				return err
			}
			a.trial(t)
			return nil
		}}
}

func (a *App) trial(x *run.RuleTrial) {
	if a.json {
		a.trialJSON(x)
		return
	}
	fmt.Fprintf(a.Out, "%s, rule %s\n", clean(x.Object), x.Rule.ID)
	switch {
	case x.Applies != "":
		fmt.Fprintf(a.Out, "It does not apply: %s.\n", x.Applies)
	case x.Rule.Disabled:
		fmt.Fprintln(a.Out, "It is disabled. If it were not:")
	}
	for i, group := range x.Scope {
		head := "SCOPE"
		if i > 0 {
			head = "OR"
		}
		fmt.Fprintln(a.Out)
		t := a.table(head, "HOLDS", "THE OBJECT HAS")
		for _, c := range group {
			holds := "yes"
			if !c.Holds {
				holds = "no"
			}
			if c.Err != nil {
				holds = c.Err.Error()
			}
			t.row(c.Condition, holds, values(c.Values))
		}
		t.end()
	}
	switch {
	case !x.InScope:
		fmt.Fprintln(a.Out, "\nThe object is not in scope.")
	case len(x.Scope) == 0:
		fmt.Fprintln(a.Out, "\nThe rule has no scope: every object of its classes is in it.")
	}
	if len(x.Flows) == 0 {
		return
	}
	fmt.Fprintln(a.Out)
	t := a.table("ATTRIBUTE", "GIVES", "VALUE", "BY")
	for _, f := range x.Flows {
		value, gives, by := values(f.Outcome.Values), f.Outcome.Kind.String(), f.Flow.Said()
		if f.Err != nil {
			gives, value, by = "an error", "", f.Err.Error()
			a.code = exitFailed
		} else if f.Outcome.Kind != rule.Contributes || f.Flow.Link {
			value = ""
		}
		t.row(string(f.Flow.To), gives, value, by)
	}
	t.end()
}

func (a *App) trialJSON(x *run.RuleTrial) {
	scope := [][]map[string]any{}
	for _, group := range x.Scope {
		list := []map[string]any{}
		for _, c := range group {
			row := map[string]any{"condition": c.Condition, "holds": c.Holds, "values": c.Values}
			if c.Err != nil {
				row["error"] = c.Err.Error()
			}
			list = append(list, row)
		}
		scope = append(scope, list)
	}
	flows := []map[string]any{}
	for _, f := range x.Flows {
		row := map[string]any{"attribute": f.Flow.To, "gives": f.Outcome.Kind.String(), "values": f.Outcome.Values, "by": f.Flow.Said()}
		if f.Err != nil {
			row["gives"], row["error"] = "error", f.Err.Error()
			a.code = exitFailed
		}
		flows = append(flows, row)
	}
	a.print(map[string]any{"object": x.Object, "rule": x.Rule.ID, "disabled": x.Rule.Disabled, "applies": x.Applies == "", "inScope": x.InScope, "scope": scope, "flows": flows})
}

func (a *App) ruleLint() *cobra.Command {
	strict := false
	c := &cobra.Command{Use: "lint", Short: "Look for what is odd in the rules: unreachable ones, joins and flows that are there twice, attributes nobody feeds",
		Long:    "Exit codes: 0 nothing, or warnings; 1 the rules cannot be used, or with --strict there are warnings.",
		Example: "  canopy rule lint\n  canopy rule lint --strict --json",
		Args:    usageArgs(cobra.NoArgs), RunE: func(*cobra.Command, []string) error {
			_, set, err := a.rules()
			if err != nil {
				return err
			}
			list := set.Lint()
			if strict && len(list) > 0 {
				a.code = exitFailed
			}
			if a.json {
				for _, f := range list {
					a.print(f)
				}
				return nil
			}
			if len(list) == 0 {
				fmt.Fprintf(a.Out, "%d rules, and nothing odd in them.\n", len(set.All()))
				return nil
			}
			for _, f := range list {
				fmt.Fprintf(a.Out, "%s: rule %s: %s", f.Object, f.Other, f.Text)
				if f.Next != "" {
					fmt.Fprintf(a.Out, "\n    what to do: %s", f.Next)
				}
				fmt.Fprintln(a.Out)
			}
			return nil
		}}
	c.Flags().BoolVar(&strict, "strict", false, "fail when there are warnings")
	return c
}

func (a *App) ruleDiff() *cobra.Command {
	return &cobra.Command{Use: "diff [DIR]", Short: "Show how the rules in force differ from the built-in ones, or from another state directory's",
		Long: `Compares rule by rule and part by part: what is added, removed, changed, enabled or disabled. Names, texts and files are
not compared: they decide nothing.`,
		Example: "  canopy rule diff\n  canopy rule diff /srv/canopy-of-yesterday",
		Args:    usageArgs(cobra.MaximumNArgs(1)), RunE: func(_ *cobra.Command, args []string) error {
			dir, set, err := a.rules()
			if err != nil {
				return err
			}
			people, err := a.joins(dir)
			if err != nil {
				return err
			}
			other := ""
			if len(args) > 0 {
				other = args[0]
			}
			before, err := run.RulesToCompare(other, people)
			if err != nil {
				return err
			}
			return a.differences(rule.Diff(before, set))
		}}
}

func (a *App) differences(list []rule.Difference) error {
	if a.json {
		for _, d := range list {
			a.print(d)
		}
		return nil
	}
	if len(list) == 0 {
		fmt.Fprintln(a.Out, "No difference.")
	}
	for _, d := range list {
		fmt.Fprintf(a.Out, "%s: %s (%s)\n", d.What, d.Rule, clean(d.Name))
		for _, p := range d.Parts {
			fmt.Fprintf(a.Out, "    %s\n", p.What)
			if p.Before != "" {
				fmt.Fprintf(a.Out, "      - %s\n", clean(p.Before))
			}
			if p.After != "" {
				fmt.Fprintf(a.Out, "      + %s\n", clean(p.After))
			}
		}
	}
	return nil
}

func (a *App) ruleSwitch(verb, short string, disabled bool) *cobra.Command {
	return &cobra.Command{Use: verb + " RULE", Short: short + ", in its file, of which all else stays as it is written",
		Long:    "A built-in rule gets a file of its own in " + run.RulesName + "/ that does nothing but switch it. The next plan shows what it means.",
		Example: "  canopy rule " + verb + " in-ad-user-telephony", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := a.stateDir("")
			if err != nil {
				return err
			}
			people, err := a.joins(dir)
			if err != nil {
				return err
			}
			file, changed, err := run.SwitchRule(dir, people, canopy.RuleID(args[0]), disabled)
			if err != nil {
				return err
			}
			switch {
			case a.json:
				a.print(map[string]any{"rule": args[0], "disabled": disabled, "file": file, "changed": changed})
			case !changed:
				fmt.Fprintln(a.Out, "Nothing to do: it is so already.")
			default:
				fmt.Fprintf(a.Out, "Written to %s. The next plan shows what it means: canopy plan --no-import\n", file)
			}
			return nil
		}}
}
