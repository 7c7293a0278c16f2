package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule/cloudsync"
	"github.com/canopy-sync/canopy/run"
)

func (a *App) schemaCommand() *cobra.Command {
	c := &cobra.Command{Use: "schema", Short: "Take over a Cloud Sync schema, give it back, and compare schemas",
		Long:    "A schema is what synchronization/schema of a Cloud Sync job gives, as JSON. Nothing is written unless --write says so.",
		Example: "  canopy schema import schema.json\n  canopy schema export > schema.json"}
	c.AddCommand(a.schemaImport(), a.schemaExport(), a.schemaDiscover(), a.schemaDiff(), a.schemaFunctions(), a.schemaOperators(), a.schemaParse())
	return c
}

func (a *App) schemaImport() *cobra.Command {
	var write, replace, compare bool
	c := &cobra.Command{Use: "import FILE", Short: "Read a schema: say what becomes of it, and with --write make rule files of it",
		Long: `Reads a schema and says what becomes of its object mappings, attribute mappings and filters. Nothing is written without
--write. The rules take the place of the built-in ones, which the rule files switch off.`,
		Example: "  canopy schema import schema.json\n  canopy schema import schema.json --compare\n  canopy schema import schema.json --write",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := run.TakeSchema("", args[0])
			if err != nil {
				return err
			}
			out := map[string]any{"schema": t.Schema.ID, "rules": len(t.Conversion.Rules), "notes": t.Conversion.Notes}
			var compared *run.Comparison
			if compare {
				l, err := a.look(c.Context())
				if err != nil {
					return err
				}
				defer l.Close()
				if compared, err = l.Compare(c.Context(), run.CompareOptions{Rules: t.Conversion.Set}); err != nil {
					return err
				}
				out["comparison"] = compared
			}
			dir, err := a.findDir("")
			if err != nil {
				return err
			}
			if write {
				if dir, err = a.stateDir(""); err != nil {
					return err
				}
				written, err := t.Write(dir, replace)
				if err != nil {
					return err
				}
				out["written"] = written
			}
			if a.json {
				a.print(out)
				return nil
			}
			fmt.Fprintf(a.Out, "Schema %s: %s rules.\n", clean(t.Schema.ID), num(len(t.Conversion.Rules)))
			for _, n := range t.Conversion.Notes {
				fmt.Fprintf(a.Out, "  %-9s  %s\n             %s\n             %s\n", n.Outcome, clean(n.Part), clean(n.Text), clean(n.Place))
			}
			if compared != nil {
				a.comparison(compared, "the schema's rules")
			}
			if !write {
				fmt.Fprintln(a.Out, "\nNothing was written. --write makes the rule files, --compare shows what they would change.")
				return nil
			}
			fmt.Fprintf(a.Out, "\nRule files written to %s. See what they would change: canopy plan\n", clean(filepath.Join(dir, run.RulesName)))
			return nil
		}}
	c.Flags().BoolVar(&write, "write", false, "write the rule files into the folder rules of the state directory, and keep the schema")
	c.Flags().BoolVar(&replace, "replace", false, "with --write: write over rule files of the same names")
	c.Flags().BoolVar(&compare, "compare", false, "run the rules beside the present ones over the stored objects, and list the differences")
	return c
}

func (a *App) schemaExport() *cobra.Command {
	var active bool
	var forest string
	c := &cobra.Command{Use: "export", Short: "Print the schema that was imported, whole, as it was; or one of the rules in force",
		Long: `Prints the schema that was imported last with --write: every member, also those that mean nothing here. With --active it
prints a schema of the rules in force, whoever made them, and says on the error output what a schema cannot say. It does
not write the schema into any cloud.`,
		Example: "  canopy schema export\n  canopy schema export --active > schema.json\n  canopy schema export --active --forest contoso.lab",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if active {
				return a.activeSchema(canopy.ConnectorID(forest))
			}
			dir, err := a.findDir("")
			if err != nil {
				return err
			}
			s, err := run.ReadSchema(dir, "")
			if err != nil {
				return err
			}
			_, err = a.Out.Write(s.Text())
			return err
		}}
	c.Flags().BoolVar(&active, "active", false, "make the schema of the rules in force")
	c.Flags().StringVar(&forest, "forest", "", "with --active: with the rules that are for this forest alone, too")
	return c
}

// activeSchema prints a schema of the rules in force.
func (a *App) activeSchema(forest canopy.ConnectorID) error {
	_, set, err := a.rules()
	if err != nil {
		return err
	}
	text, notes := cloudsync.FromRules(set, forest)
	if a.json {
		a.print(map[string]any{"schema": json.RawMessage(text), "notes": notes})
		return nil
	}
	for _, n := range notes {
		fmt.Fprintf(a.Err, "  %-9s  %s\n             %s\n", n.Outcome, clean(n.Part), clean(n.Text))
	}
	_, err = a.Out.Write(text)
	return err
}

func (a *App) schemaDiscover() *cobra.Command {
	return &cobra.Command{Use: "discover FOREST", Short: "Print what a forest's own schema has, as a directory of a schema",
		Long:    "Asks a domain controller of the forest for its schema, and prints the classes and attributes that the product knows as a\ndirectoryDefinition. It does not read any object.",
		Example: "  canopy schema discover contoso.lab", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.open(c.Context(), "canopy schema discover")
			if err != nil {
				return err
			}
			defer l.Close()
			about, err := l.Describe(c.Context(), canopy.ConnectorID(args[0]))
			if err != nil {
				return err
			}
			a.print(cloudsync.Discover(about.Name, about.Schema))
			return nil
		}}
}

func (a *App) schemaDiff() *cobra.Command {
	return &cobra.Command{Use: "diff OLD [NEW]", Short: "List what differs between two schemas, or from one to the imported one",
		Long:    "Lists members that differ, are missing or are new. The order of members does not count; items of lists go by their names.",
		Example: "  canopy schema diff before.json after.json", Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := a.findDir("")
			if err != nil {
				return err
			}
			before, err := run.ReadSchema(dir, args[0])
			if err != nil {
				return err
			}
			path := ""
			if len(args) > 1 {
				path = args[1]
			}
			after, err := run.ReadSchema(dir, path)
			if err != nil {
				return err
			}
			changes := cloudsync.Diff(before, after)
			if a.json {
				a.print(map[string]any{"changes": changes})
				return nil
			}
			for _, c := range changes {
				fmt.Fprintf(a.Out, "%s\n", clean(c.Path))
				if c.Before != "" {
					fmt.Fprintf(a.Out, "  - %s\n", clean(c.Before))
				}
				if c.After != "" {
					fmt.Fprintf(a.Out, "  + %s\n", clean(c.After))
				}
			}
			fmt.Fprintf(a.Out, "%s differences\n", num(len(changes)))
			return nil
		}}
}

func (a *App) schemaFunctions() *cobra.Command {
	return &cobra.Command{Use: "functions", Short: "List the functions of a schema's expressions",
		Long: "Lists the functions that expressions of a schema may call. They are not those of Connect Sync's rules:\ncanopy expr functions has both.", Example: "  canopy schema functions --json",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			list := expr.Cloud().Functions()
			if a.json {
				out := make([]map[string]string, len(list))
				for i, f := range list {
					out[i] = map[string]string{"name": f.Name, "usage": f.Usage, "text": f.Text}
				}
				a.print(map[string]any{"value": out})
				return nil
			}
			t := a.table("FUNCTION", "WHAT IT GIVES")
			for _, f := range list {
				t.row(f.Usage, f.Text)
			}
			t.end()
			return nil
		}}
}

func (a *App) schemaOperators() *cobra.Command {
	return &cobra.Command{Use: "filter-operators", Short: "List the operators of a schema's filters",
		Long: "Lists the operators that clauses of a schema's filters may have. An operator that rules do not have switches its\nrule off; nothing is guessed.", Example: "  canopy schema filter-operators",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			list := cloudsync.Operators()
			if a.json {
				out := make([]map[string]any, len(list))
				for i, o := range list {
					out[i] = map[string]any{"name": o.Name, "arity": o.Arity, "supportedAttributeTypes": o.Types, "rule": o.Rule()}
				}
				a.print(map[string]any{"value": out})
				return nil
			}
			t := a.table("OPERATOR", "ARITY", "TYPES", "IN RULES")
			for _, o := range list {
				t.row(o.Name, o.Arity, fmt.Sprint(o.Types), o.Rule())
			}
			t.end()
			return nil
		}}
}

func (a *App) schemaParse() *cobra.Command {
	return &cobra.Command{Use: "parse EXPRESSION", Short: "Take an expression apart as schemas keep it",
		Long: "Parses an expression and prints it as an attributeMappingSource. It is not evaluated:\ncanopy expr eval --dialect cloud does that.", Example: "  canopy schema parse 'Trim([mail])'",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := cloudsync.ParseSource(args[0])
			out := map[string]any{"parsingSucceeded": err == nil}
			var fault *expr.Error
			switch {
			case errors.As(err, &fault):
				a.code = exitFailed
				out["error"] = map[string]any{"message": fault.Error(), "column": fault.Column()}
			case err != nil:
				return err
			default:
				out["parsedExpression"] = s
			}
			a.print(out)
			return nil
		}}
}
