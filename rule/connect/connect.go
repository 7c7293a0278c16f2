// Package connect reads what a Connect Sync server exports, the folder of connectors, metaverse and rules and the script
// form of rules, and makes Canopy's sync rules of it, with an account of everything that is done otherwise. It reads
// what it is given and writes nothing.
package connect

// Export is what a server exported.
type Export struct {
	Connectors []Connector
	Metaverse  Metaverse
	Rules      []Rule // by precedence, then name
	// Unknown are the parts of the files that mean nothing to the reader, by place and name.
	Unknown []Unknown
}

// Unknown is an element or parameter that the reader does not know.
type Unknown struct {
	Place string // file and line of the first
	Path  string // "synchronizationRule/colour"
	Text  string // what it says, shortened
	Count int
}

// Kind is what a connector is for.
type Kind string

// The kinds of connector.
const (
	Forest Kind = "forest"
	Cloud  Kind = "cloud"
	Other  Kind = "other" // a generic connector: SQL, LDAP, files
)

// Connector is one connected directory.
type Connector struct {
	Place            string
	ID               string // a GUID, lower case, without braces
	Name             string
	Kind             Kind
	Category         string // as it is written: AD, Extensible2
	Subtype          string
	Forest           string // the forest's DNS name
	Account          string // that reads it
	PasswordHashSync bool
	Attributes       []string // that are read
	Partitions       []Partition
	Parameters       []Parameter // of the connector as a whole, without those of partitions
	Profiles         []string    // the run profiles' names
	// Types are the attributes of its schema by folded name.
	Types map[string]Type
}

// Type is an attribute's type.
type Type struct {
	Name   string
	Syntax Syntax
	Single bool
}

// Syntax says what an attribute's values are.
type Syntax uint8

// The syntaxes.
const (
	String Syntax = iota
	Integer
	Boolean
	Binary
	Reference
)

// Partition is a part of a directory, a domain in a forest.
type Partition struct {
	Name       string // its DN
	Selected   bool
	Classes    []string
	Include    []string // containers
	Exclude    []string
	Parameters []Parameter
}

// Parameter is a named text.
type Parameter struct {
	Name, Value string
	Intrinsic   bool // the server gives it, nobody chose it
}

// Metaverse is the metaverse's schema and the global settings.
type Metaverse struct {
	Place      string
	Server     string
	Exported   string // when, as it is written
	Types      map[string]Type
	Parameters []Parameter
}

// Parameter is a global setting's value, "" when it is not there.
func (m *Metaverse) Parameter(name string) string { return parameter(m.Parameters, name) }

// GroupFilter is the DN of the group that a connector is limited to, "" when it is not.
func (c *Connector) GroupFilter() string {
	return parameter(c.Parameters, "Connector.GroupFilteringGroupDn")
}

func parameter(list []Parameter, name string) string {
	for _, p := range list {
		if fold(p.Name) == fold(name) {
			return p.Value
		}
	}
	return ""
}

// Rule is one synchronisation rule.
type Rule struct {
	Place        string // file and line
	ID           string // a GUID, lower case, without braces
	Name         string
	Description  string
	Tag          string // the immutable tag, "" for a rule of the administrator's own
	Inbound      bool
	Disabled     bool
	Connector    string // the connector's ID
	Source       string
	Target       string
	Link         string // Provision, Join, StickyJoin, JoinNoFlow
	Precedence   int
	PasswordSync bool
	SoftDelete   string // how long deleted objects are kept, "" for not at all
	Flows        []Flow
	Join         [][]Join  // any of the groups, in order; all of a group
	Scope        [][]Scope // any of the groups, all of a group
}

// FlowKind says what a mapping takes its value from.
type FlowKind string

// The kinds of flow.
const (
	Direct     FlowKind = "Direct"
	Constant   FlowKind = "Constant"
	Expression FlowKind = "Expression"
)

// Flow is one attribute mapping.
type Flow struct {
	Place string
	Kind  FlowKind
	To    string
	From  []string // the attributes it reads
	Text  string   // the constant, or the expression
	Merge string   // Update, Replace, Merge, MergeCaseInsensitive
	Once  bool
}

// Join is one join criterion.
type Join struct {
	Place         string
	Source        string // of the connector space
	Target        string // of the metaverse
	CaseSensitive bool
}

// Scope is one condition of a scoping filter.
type Scope struct {
	Place    string
	Attr     string
	Operator string
	Value    string
}
