package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table prints rows in columns under a head; cells that are too long are cut.
type table struct {
	w *tabwriter.Writer
}

func newTable(out io.Writer, head ...string) table {
	t := table{tabwriter.NewWriter(out, 0, 2, 2, ' ', 0)}
	t.row(head...)
	return t
}

// widest is how wide a cell may get before it is cut.
const widest = 64

func (t table) row(cells ...string) {
	for i, c := range cells {
		c = strings.Map(printable, c)
		if r := []rune(c); len(r) > widest && i < len(cells)-1 {
			c = string(r[:widest-1]) + "…"
		}
		cells[i] = c
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// printable keeps control characters of directory values away from the terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return '·'
	}
	return r
}

func (t table) end() { t.w.Flush() }
