// Package cloudsync reads and writes Cloud Sync's synchronisation schemas without loss, and makes Canopy's sync rules of
// them, with an account of everything that is done otherwise. It reads what it is given and talks to nobody.
package cloudsync

// Schema is a synchronizationSchema. What it does not name stays in the text it was read from.
type Schema struct {
	ID, Version string
	Rules       []Rule
	Directories []string

	file string
	doc  *value
}

// Rule is a synchronizationRule.
type Rule struct {
	Place          string
	ID, Name       string
	Priority       int
	Source, Target string // the directories' names
	Containers     []string
	Groups         []string
	Objects        []ObjectMapping
}

// ObjectMapping maps the objects of one class.
type ObjectMapping struct {
	Place          string
	Name           string
	Enabled        bool
	FlowTypes      string
	Source, Target string
	// Scope are the filters; all of them must hold. Of each any group must, and of a group all clauses.
	Scope      []Filter
	Attributes []AttributeMapping
}

// Filter is one of the filters of an object mapping.
type Filter struct {
	Name   string // groups, inputFilterGroups, categoryFilterGroups
	Groups [][]Clause
}

// Clause is one condition.
type Clause struct {
	Place    string
	Attr     string
	Operator string
	Values   []string
}

// AttributeMapping fills one attribute of the target.
type AttributeMapping struct {
	Place   string
	Target  string
	Kind    string // Attribute, Constant, Function; "" for none
	Text    string // the attribute's name, the constant's value, or the function's expression
	Default *string
	Flow    string // Always, ObjectAddOnly, MultiValueAddOnly
	Match   int    // matching priority, 0: not for matching
}
