package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
	"github.com/canopy-sync/canopy/run"
)

// checkFlags say what is checked, what counts, and what is written.
type checkFlags struct {
	severity    string
	fix         string
	output      string
	initial     string
	domains     []string
	connections bool
	stored      bool
	fresh       bool
	most        int
}

func (a *App) checkCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{Use: "check [FILE]", Short: "Check that every forest answers, and what is wrong with the values that it holds",
		Long: `Connects to every domain controller of the configuration, signs in, and looks what the account may see. Then checks the
values of all objects that were read last, by themselves, against one another over all forests, and against the tenant:
lengths, characters, forms, what several have, and what the cloud would make of them. It imports nothing and writes to no
directory. docs/checks.md lists the rules.

With FILE it checks the objects of an LDIF file, as ldifde -f and ldapsearch -LLL write it, and needs no configuration.

--fix writes corrections that you may apply. Each names the value that it replaces, so that it does nothing to an object
that was changed meanwhile.

Exit codes: 0 nothing of the chosen severity was found; 1 something was, or something needed is missing.`,
		Example: "  canopy check\n  canopy check --stored --severity warning\n  canopy check --stored --fix ldif --output fix.ldif\n  canopy check forest.ldif --domain contoso.com --json",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			least, err := f.parse(len(args) > 0)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				v, err := run.CheckFile(args[0], f.initial, f.domains)
				if err != nil {
					return err
				}
				return a.valuesChecked(v, f, least, nil)
			}
			return a.check(c.Context(), f, least)
		}}
	c.Flags().StringVar(&f.severity, "severity", "error", "from which severity on findings make the exit code 1: info, warning, error; warnings are always shown")
	c.Flags().StringVar(&f.fix, "fix", "", "write corrections: ldif or csv")
	c.Flags().StringVar(&f.output, "output", "", "with --fix: the file for the corrections, one for each forest where they are for several (default standard output)")
	c.Flags().StringSliceVar(&f.domains, "domain", nil, "with FILE: a domain that the tenant has verified, to say what the cloud would make of the values")
	c.Flags().StringVar(&f.initial, "initial", "contoso.onmicrosoft.com", "with --domain: the tenant's initial domain")
	c.Flags().BoolVar(&f.connections, "connections", false, "only check that the forests answer")
	c.Flags().BoolVar(&f.stored, "stored", false, "only check the values that were read last: connects to no forest")
	c.Flags().BoolVar(&f.fresh, "fresh", false, "read the forests now instead of taking what was read last; nothing of it is stored")
	c.Flags().IntVar(&f.most, "most", 50, "how many findings are shown, 0 for all; --json and --fix have all")
	c.AddCommand(a.duplicatesCommand())
	return c
}

// parse checks the flags and gives the severity that counts.
func (f *checkFlags) parse(file bool) (least canopy.Severity, err error) {
	if err := least.UnmarshalText([]byte(f.severity)); err != nil {
		return least, usageError{fmt.Errorf("--severity: %q is none of info, warning, error", f.severity)}
	}
	count := 0
	for _, set := range []bool{f.connections, f.stored, f.fresh} {
		if set {
			count++
		}
	}
	switch {
	case count > 1:
		return least, usageError{errors.New("--connections, --stored and --fresh exclude each other")}
	case file && count > 0:
		return least, usageError{errors.New("--connections, --stored and --fresh are about forests: leave FILE out")}
	case !file && len(f.domains) > 0:
		return least, usageError{errors.New("--domain goes with FILE: of the forests' tenant the domains are known")}
	case f.fix != "" && f.fix != "ldif" && f.fix != "csv":
		return least, usageError{fmt.Errorf("--fix: %q is neither ldif nor csv", f.fix)}
	case f.output != "" && f.fix == "":
		return least, usageError{errors.New("--output goes with --fix ldif or --fix csv")}
	case f.fix != "" && f.connections:
		return least, usageError{errors.New("--fix is about values: leave --connections out")}
	}
	return least, nil
}

// check checks connections and values of the configured forests.
func (a *App) check(ctx context.Context, f checkFlags, least canopy.Severity) error {
	if f.stored {
		l, err := a.look(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		v, err := l.CheckValues(ctx, false)
		if err != nil {
			return err
		}
		return a.valuesChecked(v, f, least, nil)
	}
	l, err := a.open(ctx, "canopy check")
	if err != nil {
		return err
	}
	defer l.Close()
	found, err := l.Check(ctx)
	if err != nil {
		return err
	}
	missing := false
	for _, list := range found {
		missing = missing || slices.ContainsFunc(list, func(f canopy.Finding) bool { return f.Severity == canopy.Severe })
	}
	if missing {
		a.code = exitFailed
	}
	if !a.json && f.fix == "" || f.output != "" {
		for _, s := range append(l.Sources, l.Target) {
			a.checked(string(s.ID), found[s.ID])
		}
	}
	if f.connections || f.fresh && missing {
		if a.json {
			a.print(map[string]any{"connections": found})
		}
		return nil
	}
	v, err := l.CheckValues(ctx, f.fresh)
	if err != nil {
		return err
	}
	return a.valuesChecked(v, f, least, found)
}

// valuesChecked writes corrections where they are asked for, and prints what was found.
func (a *App) valuesChecked(v *run.ValueCheck, f checkFlags, least canopy.Severity, connections map[canopy.ConnectorID][]canopy.Finding) error {
	if slices.ContainsFunc(v.Findings, func(x check.Found) bool { return x.Severity >= least }) {
		a.code = exitFailed
	}
	var written []string
	if f.fix != "" {
		var err error
		if written, err = a.writeFixes(v.Fixes, f); err != nil || f.output == "" {
			return err
		}
	}
	if a.json {
		out := map[string]any{"values": v}
		if connections != nil {
			out["connections"] = connections
		}
		if written != nil {
			out["written"] = written
		}
		a.print(out)
		return nil
	}
	a.valueFindings(v, min(least, canopy.Warning), f.most)
	for _, name := range written {
		fmt.Fprintf(a.Out, "Corrections written to %s. Read them before you apply them.\n", clean(name))
	}
	return nil
}

// valueFindings prints findings and counts.
func (a *App) valueFindings(v *run.ValueCheck, shown canopy.Severity, most int) {
	var unread []string
	for _, f := range v.Forests {
		if !f.Read {
			unread = append(unread, string(f.Connector))
		}
	}
	t := a.table("SEVERITY", "RULE", "OBJECT", "WHAT IS WRONG", "CORRECTION")
	rows, more, quiet := 0, 0, 0
	for i := range v.Findings {
		f := &v.Findings[i]
		switch {
		case f.Severity < shown:
			quiet++
			continue
		case most > 0 && rows == most:
			more++
			continue
		}
		rows++
		t.row(f.Severity.String(), f.Code, f.Object, f.Text, correction(f.Fix))
	}
	if rows > 0 {
		fmt.Fprintln(a.Out)
		t.end()
	}
	if more > 0 {
		fmt.Fprintf(a.Out, "... and %s more: --most 0 shows all\n", num(more))
	}
	a.valueCounts(v, quiet, shown)
	if len(unread) > 0 {
		fmt.Fprintf(a.Out, "Not read yet, so that nothing is known of their values: %s. canopy plan reads them, and so does canopy check --fresh.\n", strings.Join(unread, ", "))
	}
}

func (a *App) valueCounts(v *run.ValueCheck, quiet int, shown canopy.Severity) {
	skipped := 0
	for _, n := range v.Skipped {
		skipped += n
	}
	fmt.Fprintf(a.Out, "\nValues: %s objects", num(v.Objects))
	if skipped > 0 {
		fmt.Fprintf(a.Out, ", of which %s were not looked at:", num(skipped))
		for _, why := range slices.Sorted(maps.Keys(v.Skipped)) {
			fmt.Fprintf(a.Out, "\n  %s: %s", why, num(v.Skipped[why]))
		}
	}
	fmt.Fprintln(a.Out)
	counts := map[string]int{}
	for i := range v.Findings {
		counts[v.Findings[i].Severity.String()+" "+v.Findings[i].Code]++
	}
	if len(counts) == 0 {
		fmt.Fprintln(a.Out, "Nothing was found.")
		return
	}
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(x, y string) int { return cmp.Or(counts[y]-counts[x], strings.Compare(x, y)) }) {
		fmt.Fprintf(a.Out, "  %s: %s\n", k, num(counts[k]))
	}
	if quiet > 0 {
		fmt.Fprintf(a.Out, "%s findings are for information: --severity info shows them.\n", num(quiet))
	}
	if n := len(v.Fixes); n > 0 {
		fmt.Fprintf(a.Out, "%s corrections are offered: --fix ldif or --fix csv writes them.\n", num(n))
	}
}

// correction is a correction on one line.
func correction(f *check.Fix) string {
	switch {
	case f == nil:
		return ""
	case f.New == "":
		return "remove it"
	case f.Old == "":
		return "set " + f.New
	}
	return f.New
}

// writeFixes writes corrections to standard output, or to the file or files named, and gives their names.
func (a *App) writeFixes(fixes []*check.Fix, f checkFlags) ([]string, error) {
	write := check.WriteLDIF
	if f.fix == "csv" {
		write = check.WriteCSV
	}
	forests := check.Forests(fixes)
	if f.output == "" {
		if f.fix == "ldif" && len(forests) > 1 {
			return nil, usageError{fmt.Errorf("the corrections are for %d forests: --output FILE writes one file for each", len(forests))}
		}
		return nil, write(a.Out, fixes)
	}
	if f.fix == "csv" || len(forests) < 2 {
		return []string{f.output}, toFile(f.output, func(w io.Writer) error { return write(w, fixes) })
	}
	var names []string
	ext := filepath.Ext(f.output)
	for _, id := range forests {
		name := strings.TrimSuffix(f.output, ext) + "." + string(id) + ext
		own := slices.DeleteFunc(slices.Clone(fixes), func(x *check.Fix) bool { return x.Connector != id })
		if err := toFile(name, func(w io.Writer) error { return write(w, own) }); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// toFile writes a file that only its owner reads: it has values of people in it.
func toFile(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the corrections: %w", err)
	}
	return errors.Join(write(f), f.Close())
}

// checked says what was found of one connector.
func (a *App) checked(name string, found []canopy.Finding) {
	fmt.Fprintln(a.Out, name)
	if len(found) == 0 {
		fmt.Fprintln(a.Out, "  ok: everything needed is there")
	}
	for _, f := range found {
		text := f.Text
		if f.Attr != "" {
			text = string(f.Attr) + ": " + text
		}
		if f.Object != "" && f.Object != name {
			text = f.Object + ": " + text
		}
		if f.Severity != canopy.Info && f.Value != "" {
			text += ": " + f.Value
		}
		word := f.Severity.String()
		if f.Severity == canopy.Info {
			word = "ok"
		}
		fmt.Fprintf(a.Out, "  %s: %s\n", word, cleanLines(text))
		if f.Next != "" {
			fmt.Fprintf(a.Out, "    what to do: %s\n", cleanLines(f.Next))
		}
	}
}
