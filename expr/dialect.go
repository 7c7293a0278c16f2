package expr

import (
	"slices"
	"strings"
)

// Dialect is a set of functions and words. It is immutable.
type Dialect struct {
	Name      string
	functions map[string]*function
	words     map[string]Value
	groups    []string // of functions, in the manual's order
	cloud     bool     // arguments may be left out between commas, and texts, numbers and times stand for one another
}

// Connect is the dialect of Connect Sync rules.
func Connect() *Dialect { return connect }

// Cloud is the dialect of Cloud Sync's attribute mappings.
func Cloud() *Dialect { return cloud }

// Dialects are all dialects, the one of rule files first.
func Dialects() []*Dialect { return []*Dialect{connect, cloud} }

// DialectOf finds a dialect by its name, nil when there is none.
func DialectOf(name string) *Dialect {
	for _, d := range Dialects() {
		if d.Name == name {
			return d
		}
	}
	return nil
}

var (
	connect = newDialect("connect", false, []map[string]Value{sharedWords, connectWords}, connectTables()...)
	cloud   = newDialect("cloud", true, []map[string]Value{sharedWords, cloudWords}, cloudTables()...)
)

// sharedWords are the names that stand for a value in both dialects. True, False and NULL are taken in any case.
var sharedWords = map[string]Value{
	"vbTextCompare": Str("CaseInsensitive"), "vbBinaryCompare": Str("CaseSensitive"),
	"Unicode": Str("Unicode"), "ASCII": Str("ASCII"), "UTF8": Str("UTF8"),
}

var connectWords = map[string]Value{
	"CRLF": Str("\r\n"), "IgnoreThisFlow": {kind: IgnoreThisFlow}, "AuthoritativeNull": {kind: AuthoritativeNull},
	"CaseInsensitive": Str("CaseInsensitive"), "CaseSensitive": Str("CaseSensitive"), "DC": Str("DC"),
}

var cloudWords = styleWords()

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

// Example is an expression and what it gives.
type Example struct {
	Expression, Gives string
}

// FunctionText describes a function for people.
type FunctionText struct {
	Name, Group, Usage, Text string
	Examples                 []Example
	Varies                   bool // it may give something else each time
}

// Functions describes all functions, by group and name.
func (d *Dialect) Functions() []FunctionText {
	var out []FunctionText
	for _, n := range d.names() {
		f := d.functions[n]
		out = append(out, FunctionText{Name: n, Group: f.group, Usage: f.usage, Text: f.text, Examples: f.tries, Varies: f.varies})
	}
	slices.SortStableFunc(out, func(a, b FunctionText) int { return slices.Index(d.groups, a.Group) - slices.Index(d.groups, b.Group) })
	return out
}

// Words are the names that stand for a value, in order.
func (d *Dialect) Words() []string {
	out := []string{"True", "False", "NULL"}
	more := make([]string, 0, len(d.words))
	for n := range d.words {
		more = append(more, n)
	}
	slices.Sort(more)
	return append(out, more...)
}

// table is a part of a dialect's functions, under the name that the manual gives it.
type table struct {
	group string
	rows  []function
}

func newDialect(name string, cloud bool, words []map[string]Value, tables ...table) *Dialect {
	d := &Dialect{Name: name, words: map[string]Value{}, functions: map[string]*function{}, cloud: cloud}
	for _, w := range words {
		for n, v := range w {
			d.words[n] = v
		}
	}
	for _, t := range tables {
		if !slices.Contains(d.groups, t.group) {
			d.groups = append(d.groups, t.group)
		}
		for _, f := range t.rows {
			f.group, f.loose = t.group, cloud
			f.ready()
			d.functions[f.name] = &f
		}
	}
	return d
}

func connectTables() []table {
	return []table{{"Flow", flowFunctions}, {"Flow", connectFlow}, {"Flow", lambdaFunctions}, {"Text", textFunctions}, {"Text", connectText},
		{"Several values", manyFunctions}, {"Several values", connectMany}, {"Conversion", convertFunctions}, {"Conversion", connectConvert},
		{"Names", nameFunctions}, {"Names", connectNames}, {"Tests", testFunctions}, {"Tests", connectTests}, {"Dates", dateFunctions}, {"Dates", connectDates},
		{"Chance", chanceFunctions}, {"Chance", connectChance}, {"Certificates", certFunctions}}
}

func cloudTables() []table {
	return []table{{"Flow", flowFunctions}, {"Flow", cloudFlow}, {"Text", textFunctions}, {"Text", cloudText}, {"Several values", manyFunctions},
		{"Several values", cloudMany}, {"Conversion", convertFunctions}, {"Names", nameFunctions}, {"Tests", testFunctions},
		{"Tests", cloudTests}, {"Dates", dateFunctions}, {"Dates", cloudDates}, {"Chance", chanceFunctions}, {"Chance", cloudChance}, {"Applications", roleFunctions}}
}
