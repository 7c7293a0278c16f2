package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
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
		c = clean(c)
		if r := []rune(c); len(r) > widest && i < len(cells)-1 {
			c = string(r[:widest-1]) + "…"
		}
		cells[i] = c
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// clean keeps control characters of directory values away from the terminal, and shows them as a DN does: the name that a
// replication conflict leaves has a newline in it and reads "Anna\0ACNF:...".
func clean(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !unicode.IsControl(r) {
			b.WriteRune(r)
			continue
		}
		for _, octet := range []byte(string(r)) {
			fmt.Fprintf(&b, `\%02X`, octet)
		}
	}
	return b.String()
}

// cleanLines cleans a text of several lines. The mark of a replication conflict is no end of a line.
func cleanLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\nCNF:", `\0ACNF:`), "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

func (t table) end() { t.w.Flush() }
