package expr

import (
	"fmt"
	"strings"
)

// nullRule says what a function gives for NULL as its first argument, or where it needs a number, condition, time or octets.
type nullRule uint8

const (
	nullGivesNull nullRule = iota
	nullGivesEmpty
	nullGivesZero
	nullGivesFalse
	nullSeen // the function itself sees the NULL
)

var nullValues = [...]Value{nullGivesNull: {}, nullGivesEmpty: Str(""), nullGivesZero: Num(0), nullGivesFalse: Bool(false), nullSeen: {}}

// function is a row of a dialect's table. takes has a letter for each argument: t text, n number, b condition, o octets,
// d time, x text or octets, m any number of values, v anything, q an attribute's name in quotes, $ a variable's name.
// After "?" they may be left out; with "*" at the end the last one, or with "**" the last two, may come again.
type function struct {
	name   string
	takes  string
	usage  string
	text   string
	tries  []Example
	maps   bool // called for each value when the first argument has several
	null   nullRule
	use    UseKind
	varies bool // gives something else each time
	asks   bool // asks for what lies outside the object; what varies always does
	top    bool // stands alone, not within another function
	secret bool // its value is kept out of logs
	call   func(m *machine, a []Value) (Value, error)
	lazy   func(c *compiler, n *node, args []eval) eval
	check  func(n *node) (arg int, wrong string) // looks at a call when it is parsed
	warn   func(n *node) string                  // what is odd about a call

	group    string
	loose    bool
	kinds    string
	required int
	repeats  int
}

// ready works out what takes says.
func (f *function) ready() {
	kinds := strings.TrimRight(f.takes, "*")
	f.repeats = len(f.takes) - len(kinds)
	f.required = len(kinds)
	if must, may, ok := strings.Cut(kinds, "?"); ok {
		f.required, kinds = len(must), must+may
	}
	f.kinds = kinds
}

// kind is the letter of argument i.
func (f *function) kind(i int) byte {
	if i < len(f.kinds) {
		return f.kinds[i]
	}
	if f.repeats == 0 {
		return 'v'
	}
	return f.kinds[len(f.kinds)-f.repeats+(i-len(f.kinds))%f.repeats]
}

// may tells whether argument i may be left out between commas.
func (f *function) may(i int) bool { return i >= f.required && i < len(f.kinds) }

// count says what is wrong with a number of arguments, "" when nothing is.
func (f *function) count(n int) string {
	fixed := f.required == len(f.kinds) && f.repeats == 0
	switch {
	case fixed && n != f.required:
		return "takes " + arguments(f.required) + ", has " + fmt.Sprint(n)
	case n < f.required:
		return "takes at least " + arguments(f.required) + ", has " + fmt.Sprint(n)
	case n > len(f.kinds) && f.repeats == 0:
		return "takes at most " + arguments(len(f.kinds)) + ", has " + fmt.Sprint(n)
	case f.repeats == 2 && (n-len(f.kinds))%2 != 0:
		return fmt.Sprintf("takes its arguments in pairs, has %d", n)
	}
	return ""
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// leftOut is an optional argument that stands empty between two commas.
var leftOut = Value{n: 1}

// given tells whether argument i is there.
func given(a []Value, i int) bool { return i < len(a) && !a[i].leftOut() }

func (v Value) leftOut() bool { return v.kind == Null && v.n != 0 }
