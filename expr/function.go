package expr

import (
	"fmt"
	"slices"
	"strings"
)

// Dialect is a set of functions and words. It is immutable.
type Dialect struct {
	Name      string
	functions map[string]*function
	words     map[string]Value
}

// Connect is the dialect of Connect Sync rules.
func Connect() *Dialect { return connect }

var connect = newDialect("connect", words, flowFunctions, textFunctions, manyFunctions, convertFunctions, testFunctions, dateFunctions)

// words are the names that stand for a value. True, False and NULL are taken in any case.
var words = map[string]Value{
	"CRLF": Str("\r\n"), "IgnoreThisFlow": {kind: IgnoreThisFlow}, "AuthoritativeNull": {kind: AuthoritativeNull},
	"CaseInsensitive": Str("CaseInsensitive"), "CaseSensitive": Str("CaseSensitive"),
	"vbTextCompare": Str("CaseInsensitive"), "vbBinaryCompare": Str("CaseSensitive"),
	"Unicode": Str("Unicode"), "ASCII": Str("ASCII"), "UTF8": Str("UTF8"),
}

func (d *Dialect) word(name string) (Value, bool) {
	switch strings.ToLower(name) {
	case "true":
		return Bool(true), true
	case "false":
		return Bool(false), true
	case "null":
		return Value{}, true
	}
	v, ok := d.words[name]
	return v, ok
}

// names are the functions' names, in order.
func (d *Dialect) names() []string {
	out := make([]string, 0, len(d.functions))
	for n := range d.functions {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// FunctionText describes a function for people.
type FunctionText struct {
	Name, Usage, Text string
}

// Functions describes all functions, in order of their names.
func (d *Dialect) Functions() []FunctionText {
	var out []FunctionText
	for _, n := range d.names() {
		f := d.functions[n]
		out = append(out, FunctionText{Name: n, Usage: f.usage, Text: f.text})
	}
	return out
}

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
// d time, x text or octets, m any number of values, v anything, q an attribute's name in quotes. After "?" they may be
// left out; with "*" at the end the last one, or with "**" the last two, may come again.
type function struct {
	name  string
	takes string
	usage string
	text  string
	maps  bool // called for each value when the first argument has several
	null  nullRule
	use   UseKind
	call  func(m *machine, a []Value) (Value, error)
	lazy  func(src string, n *node, args []eval) eval

	kinds    string
	required int
	repeats  int
}

func newDialect(name string, words map[string]Value, tables ...[]function) *Dialect {
	d := &Dialect{Name: name, words: words, functions: map[string]*function{}}
	for _, table := range tables {
		for _, f := range table {
			kinds := strings.TrimRight(f.takes, "*")
			f.repeats = len(f.takes) - len(kinds)
			f.required = len(kinds)
			if must, may, ok := strings.Cut(kinds, "?"); ok {
				f.required, kinds = len(must), must+may
			}
			f.kinds = kinds
			d.functions[f.name] = &f
		}
	}
	return d
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

// count says what is wrong with a number of arguments, "" when nothing is.
func (f *function) count(n int) string {
	switch {
	case n < f.required && f.required == len(f.kinds) && f.repeats == 0, n > len(f.kinds) && f.repeats == 0 && f.required == len(f.kinds):
		return fmt.Sprintf("takes %d arguments, has %d", f.required, n)
	case n < f.required:
		return fmt.Sprintf("takes at least %d arguments, has %d", f.required, n)
	case n > len(f.kinds) && f.repeats == 0:
		return fmt.Sprintf("takes at most %d arguments, has %d", len(f.kinds), n)
	case f.repeats == 2 && n%2 != 0:
		return fmt.Sprintf("takes its arguments in pairs, has %d", n)
	}
	return ""
}

// flowFunctions decide what is evaluated at all.
var flowFunctions = []function{
	{name: "IIF", takes: "bvv", usage: "IIF(condition, then, else)", text: "one of two values; the other is not evaluated", lazy: lazyIIF},
	{name: "Switch", takes: "bv**", usage: "Switch(condition, value, ...)", text: "the value beside the first condition that is true; NULL when none is", lazy: lazySwitch},
	{name: "Error", takes: "t", usage: "Error(text)", text: "fails the object with this text", null: nullSeen,
		call: func(_ *machine, a []Value) (Value, error) {
			return Value{}, &Error{Text: a[0].s, Function: "Error", Raised: true}
		}},
	{name: "ImportedValue", takes: "q", use: UseImported, usage: `ImportedValue("attribute")`, text: "the value that the last import confirmed",
		call: func(m *machine, a []Value) (Value, error) { return m.env.Imported(a[0].s), nil }},
	{name: "ValueCount", takes: "q", use: UseCount, usage: `ValueCount("attribute")`, text: "the number of an attribute's values",
		call: func(m *machine, a []Value) (Value, error) { return Num(m.env.Count(a[0].s)), nil }},
}

// condition evaluates argument i as a condition.
func condition(m *machine, src string, n *node, arg eval, i int) (bool, *Error) {
	v, err := arg(m)
	if err != nil {
		return false, err
	}
	b, ok := truth(v)
	if !ok {
		return false, at(src, n, badArg(i+1, "must be true or false, is %s", described(v)))
	}
	return b, nil
}

func lazyIIF(src string, n *node, args []eval) eval {
	return func(m *machine) (Value, *Error) {
		b, err := condition(m, src, n, args[0], 0)
		if err != nil {
			return Value{}, err
		}
		if b {
			return args[1](m)
		}
		return args[2](m)
	}
}

func lazySwitch(src string, n *node, args []eval) eval {
	return func(m *machine) (Value, *Error) {
		for i := 0; i+1 < len(args); i += 2 {
			b, err := condition(m, src, n, args[i], i)
			if err != nil {
				return Value{}, err
			}
			if b {
				return args[i+1](m)
			}
		}
		return Value{}, nil
	}
}
