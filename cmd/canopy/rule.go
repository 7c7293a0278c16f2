package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/run"
)

func (a *App) ruleCommand() *cobra.Command {
	c := &cobra.Command{Use: "rule", Short: "Show the sync rules that are in force"}
	c.AddCommand(&cobra.Command{Use: "list", Short: "List the sync rules by precedence", Args: usageArgs(cobra.NoArgs), RunE: func(*cobra.Command, []string) error {
		dir, err := a.findDir("")
		if err != nil {
			return err
		}
		set, err := run.LoadRules(dir, "")
		if err != nil {
			return err
		}
		if a.json {
			for _, r := range set.All() {
				a.print(map[string]any{"id": r.ID, "name": r.Name, "direction": r.Direction.String(), "connector": r.Connector, "source": r.Source, "target": r.Target,
					"link": r.Link.String(), "precedence": r.Precedence, "disabled": r.Disabled, "flows": len(r.Flows), "file": r.File})
			}
			return nil
		}
		t := newTable(a.Out, "PRECEDENCE", "ID", "DIRECTION", "CONNECTOR", "FROM", "TO", "LINK", "FLOWS", "")
		for _, r := range set.All() {
			off := ""
			if r.Disabled {
				off = "disabled"
			}
			t.row(num(r.Precedence), string(r.ID), r.Direction.String(), r.Connector, fmt.Sprint(r.Source), string(r.Target), r.Link.String(), num(len(r.Flows)), off)
		}
		t.end()
		return nil
	}})
	return c
}

func (a *App) checkCommand() *cobra.Command {
	var config string
	c := &cobra.Command{Use: "check", Short: "Check that every forest answers, and that the account may do what is needed", Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := a.open(c.Context(), config, "canopy check")
			if err != nil {
				return err
			}
			defer l.Close()
			found, err := l.Check(c.Context())
			if err != nil {
				return err
			}
			for _, list := range found {
				if slices.ContainsFunc(list, func(f canopy.Finding) bool { return f.Severity == canopy.Severe }) {
					a.code = exitFailed
				}
			}
			if a.json {
				a.print(found)
				return nil
			}
			t := newTable(a.Out, "CONNECTOR", "SEVERITY", "FINDING", "WHAT TO DO")
			for _, s := range append(l.Sources, l.Target) {
				if len(found[s.ID]) == 0 {
					t.row(string(s.ID), "ok", "everything needed is there", "")
				}
				for _, f := range found[s.ID] {
					t.row(string(s.ID), f.Severity.String(), f.Text, f.Next)
				}
			}
			t.end()
			return nil
		}}
	c.Flags().StringVar(&config, "config", "", "configuration file (default canopy.yaml in the state directory)")
	return c
}
