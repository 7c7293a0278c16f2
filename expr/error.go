package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a fault in an expression, or of its evaluation.
type Error struct {
	Source   string
	Pos      int    // the byte of Source where it is
	Function string // "" when it is in none
	Arg      int    // the function's argument, from 1; 0: none in particular
	Text     string
	Hint     string // what may have been meant; "" when there is nothing to say
	Raised   bool   // the expression itself called Error(): Text is its text
}

// Error is one line: where, in which function and argument, what.
func (e *Error) Error() string {
	if e.Raised {
		return e.Text
	}
	var b strings.Builder
	fmt.Fprintf(&b, "at character %d: ", e.Column())
	if e.Function != "" {
		b.WriteString(e.Function)
		if e.Arg > 0 {
			fmt.Fprintf(&b, ", argument %d", e.Arg)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Text)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Column is the character of Source where the fault is, from 1.
func (e *Error) Column() int { return utf8.RuneCountInString(e.Source[:min(e.Pos, len(e.Source))]) + 1 }

// Caret is the expression with a caret under the fault, on two lines; a long expression is cut around it.
func (e *Error) Caret() string {
	const before, after = 60, 40
	runes := []rune(e.Source)
	at := min(e.Column()-1, len(runes))
	from, to := max(0, at-before), min(len(runes), at+after)
	for i := from; i < to; i++ {
		if runes[i] < ' ' {
			runes[i] = ' '
		}
	}
	return string(runes[from:to]) + "\n" + strings.Repeat(" ", at-from) + "^"
}

// Nearest is the name of names that differs least from name, the first of several, "" when none is close.
func Nearest(name string, names []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n), least); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the number of letters to add, drop or change to get from a to b, or limit when it is not less.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return min(row[len(b)], limit)
}
