package main

import (
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy/tenant"
)

// forms are the flags for how properties are printed.
type forms struct {
	sel              []string
	csv, table, list bool
}

func (f *forms) flags(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.sel, "select", nil, "the columns, with * for any letters: name,*recipient*")
	c.Flags().BoolVar(&f.csv, "csv", false, "print comma-separated values")
	c.Flags().BoolVar(&f.table, "table", false, "print a table")
	c.Flags().BoolVar(&f.list, "list", false, "print a line for each column")
}

// thing is what is printed: its columns, and itself for JSON.
type thing struct {
	columns []tenant.Column
	whole   any
}

// show prints things: as a list when there is only one to be shown, else as a table of the columns named by usual.
func (a *App) show(f forms, single bool, usual string, things []thing) error {
	names := f.sel
	if len(names) == 0 && (!single || f.table) {
		names = strings.Split(usual, ",")
	}
	if a.json && len(f.sel) == 0 {
		return a.showWhole(single, things)
	}
	var rows [][]tenant.Column
	for _, t := range things {
		row := t.columns
		if len(names) > 0 {
			var err error
			if row, err = tenant.Select(t.columns, names); err != nil {
				return err
			}
		}
		rows = append(rows, row)
	}
	switch {
	case a.json:
		a.showSelected(single, rows)
		return nil
	case f.csv:
		return a.csvRows(rows)
	case f.list || single && !f.table:
		for i, row := range rows {
			if i > 0 {
				fmt.Fprintln(a.Out)
			}
			fmt.Fprint(a.Out, cleanLines(tenant.List(row)))
		}
	default:
		a.tableRows(rows)
	}
	return nil
}

func (a *App) showWhole(single bool, things []thing) error {
	if single && len(things) == 1 {
		a.print(things[0].whole)
		return nil
	}
	list := make([]any, 0, len(things))
	for _, t := range things {
		list = append(list, t.whole)
	}
	a.print(list)
	return nil
}

func (a *App) showSelected(single bool, rows [][]tenant.Column) {
	list := make([]map[string]string, 0, len(rows))
	for _, row := range rows {
		m := map[string]string{}
		for _, c := range row {
			m[c.Name] = c.Value
		}
		list = append(list, m)
	}
	if single && len(list) == 1 {
		a.print(list[0])
		return
	}
	a.print(list)
}

func (a *App) csvRows(rows [][]tenant.Column) error {
	w := csv.NewWriter(a.Out)
	for i, row := range rows {
		names, values := make([]string, len(row)), make([]string, len(row))
		for j, c := range row {
			names[j], values[j] = c.Name, c.Value
		}
		if i == 0 {
			if err := w.Write(names); err != nil {
				return fmt.Errorf("write output: %w", err)
			}
		}
		if err := w.Write(values); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	w.Flush()
	return w.Error()
}

// tableRows prints columns under their names, with a rule between.
func (a *App) tableRows(rows [][]tenant.Column) {
	if len(rows) == 0 {
		return
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			width[i] = max(width[i], len([]rune(c.Name)), len([]rune(c.Value)))
		}
	}
	line := func(text func(tenant.Column) string, row []tenant.Column) {
		var b strings.Builder
		for i, c := range row {
			fmt.Fprintf(&b, "%-*s ", width[i], text(c))
		}
		fmt.Fprintln(a.Out, clean(strings.TrimRight(b.String(), " ")))
	}
	line(func(c tenant.Column) string { return c.Name }, rows[0])
	line(func(c tenant.Column) string { return strings.Repeat("-", len(c.Name)) }, rows[0])
	for _, row := range rows {
		line(func(c tenant.Column) string { return c.Value }, row)
	}
}
