package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// table prints rows in columns under a head. On a terminal its widest columns are cut so far that a row fits.
type table struct {
	out  io.Writer
	fit  int // the columns of the terminal; 0: as wide as it gets
	rows [][]string
}

// table begins one on standard output.
func (a *App) table(head ...string) *table {
	t := &table{out: a.Out, fit: a.fits()}
	t.row(head...)
	return t
}

// fits is how many columns a row may have, 0 for as many as it has: for programs, and for who asks for it.
func (a *App) fits() int {
	if a.wide {
		return 0
	}
	if a.columns > 0 {
		return a.columns
	}
	f, ok := a.Out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// widest is how wide a value of a directory may get before it is cut.
const widest = 64

// gap is between columns, narrowest what a column is never cut below.
const (
	gap       = "  "
	narrowest = 6
)

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

func (t *table) end() {
	widths := t.widths()
	for _, r := range t.rows {
		var b strings.Builder
		for i, c := range r {
			c = cut(c, widths[i])
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)) + gap)
			}
		}
		fmt.Fprintln(t.out, strings.TrimRight(b.String(), " "))
	}
}

// widths are those of the columns: what their cells need, and where that is too much the widest give way.
func (t *table) widths() []int {
	var w []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(w) {
				w = append(w, 0)
			}
			w[i] = max(w[i], utf8.RuneCountInString(c))
		}
	}
	over := -t.fit - len(gap)
	for _, n := range w {
		over += n + len(gap)
	}
	for ; t.fit > 0 && over > 0; over-- {
		i := slices.Index(w, slices.Max(w))
		if w[i] <= narrowest {
			break
		}
		w[i]--
	}
	return w
}

// cut shortens a text to so many letters, and shows that it did.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
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
