package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/run"
)

func (a *App) ruleCommand() *cobra.Command {
	c := &cobra.Command{Use: "rule", Short: "Show, try, check and switch the sync rules that are in force",
		Long:    "Sync rules are the built-in ones and those in the state directory's rules/, which replace built-in ones by their id.\nThey do not change but in these files; enable and disable do that, and keep all else in them as it is.",
		Example: "  canopy rule list\n  canopy rule test in-ad-user-common grace.bennett@contoso.com"}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "List the sync rules by precedence",
			Long:    "Lists the built-in rules and those of the state directory, as the configuration has people joined. It reads no directory.\nOn a terminal --wide adds direction, connector and classes.",
			Example: "  canopy rule list\n  canopy rule list --json", Args: usageArgs(cobra.NoArgs), RunE: func(*cobra.Command, []string) error { return a.listRules() }},
		&cobra.Command{Use: "show RULE", Short: "Show a rule as its file has it, with its comments",
			Long:    "Prints the rule's file. Where the file is stands on standard error, so that the output can be kept as a rule of one's own.\nIt reads no directory.",
			Example: "  canopy rule show in-ad-user-join\n  canopy rule show in-ad-user-common --json", Args: usageArgs(cobra.ExactArgs(1)), RunE: func(_ *cobra.Command, args []string) error { return a.showRule(args[0]) }},
		a.rulePlan(), a.ruleTest(), a.ruleLint(), a.ruleDiff(), a.ruleSwitch("enable", "Turn a rule on", false), a.ruleSwitch("disable", "Turn a rule off", true))
	return c
}

// rules are those in force in the state directory.
func (a *App) rules() (dir string, set *rule.Set, err error) {
	if dir, err = a.findDir(""); err != nil {
		return "", nil, err
	}
	people, err := a.joins(dir)
	if err != nil {
		return "", nil, err
	}
	set, err = run.LoadRules(dir, people)
	return dir, set, err
}

func (a *App) listRules() error {
	_, set, err := a.rules()
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
	head, narrow := []string{"PRECEDENCE", "ID", "LINK", "FLOWS", ""}, a.fits() > 0
	if !narrow {
		head = append(head, "DIRECTION", "CONNECTOR", "FROM", "TO")
	}
	t := a.table(head...)
	for _, r := range set.All() {
		off := ""
		if r.Disabled {
			off = "disabled"
		}
		row := []string{num(r.Precedence), string(r.ID), r.Link.String(), num(len(r.Flows)), off}
		if !narrow {
			row = append(row, r.Direction.String(), r.Connector, fmt.Sprint(r.Source), string(r.Target))
		}
		t.row(row...)
	}
	t.end()
	return nil
}

func (a *App) showRule(id string) error {
	_, set, err := a.rules()
	if err != nil {
		return err
	}
	r, err := run.FindRule(set, canopy.RuleID(id))
	if err != nil {
		return err
	}
	if a.json {
		a.print(map[string]any{"rule": r, "builtin": r.Place() == 0, "text": r.Written()})
		return nil
	}
	where := "built in, as " + r.File
	if r.Place() > 0 {
		where = "from " + run.RulesName + "/" + r.File
	}
	if r.Disabled {
		where += "; disabled"
	}
	fmt.Fprintf(a.Err, "%s: %s\n", r.ID, where)
	fmt.Fprint(a.Out, cleanLines(r.Written()))
	return nil
}

// joins is how the configuration has people joined; without a configuration as by default.
func (a *App) joins(dir string) (string, error) {
	path := a.config
	if path == "" {
		path = filepath.Join(dir, run.ConfigName)
	}
	cfg, err := run.LoadConfig(path)
	if canopy.KindOf(err) == canopy.NotFound && a.config == "" {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return cfg.Join, nil
}
