package rule

import (
	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// Direction says which way a rule's values go.
type Direction uint8

// The directions.
const (
	In  Direction = iota // from a connector space to the metaverse
	Out                  // from the metaverse to a connector space
)

var directions = [...]string{"in", "out"}

func (d Direction) String() string { return directions[d] }

// LinkType says what a rule does when nothing is joined yet.
type LinkType uint8

// The link types.
const (
	JoinOnly   LinkType = iota // flows values when joined, by this rule or another
	Provision                  // makes the other side when nothing joins, and keeps it alive
	StickyJoin                 // makes nothing, but once joined keeps the meta alive until the source object is deleted
	JoinNoFlow                 // joined, without flows and without deletes
)

var linkTypes = [...]string{"join", "provision", "sticky-join", "join-no-flow"}

func (l LinkType) String() string { return linkTypes[l] }

// Rule is one sync rule. Rules are made by Load and are not changed after that; they may be used by many at once.
type Rule struct {
	ID        canopy.RuleID
	Name      string // for people: "In from AD - user join"
	Text      string // for people: what it is for
	Direction Direction
	// Connector is the kind of connector the rule is for ("ad", "tenant"), or one connector's id.
	Connector string
	// Source are the classes it applies to: of entries when inbound, of metas when outbound.
	Source []canopy.Class
	// Target is the class of the meta (inbound) or of the target's entry (outbound). "*" is any: such a rule only joins.
	Target canopy.Class
	Link   LinkType
	// Precedence decides between flows to one attribute: the lowest number wins. No two rules have the same.
	Precedence int
	Disabled   bool
	Scope      [][]Condition // any of the groups, all conditions of a group; empty: every object of the classes
	Join       [][]JoinOn    // in order; all criteria of a group must meet. Inbound only
	Match      []MatchKey    // in order; how an existing object of a target is found. Outbound only
	Flows      []Flow
	// Dialect is the language of the flows' expressions, "" for that of Connect Sync.
	Dialect string `json:",omitempty"`
	// FlowsOf names the rule of which it has the flows, "" when it has its own.
	FlowsOf canopy.RuleID
	// File and Line say where it was read, for messages.
	File string
	Line int

	fills      map[canopy.Attr][]int // the flows to an attribute
	configured bool                  // the join criteria are those of the configuration
	final      bool                  // all flows are Final
	written    string                // the file's text
	place      int                   // of Options.FS
}

// Written is the text of the rule's file, with its comments.
func (r *Rule) Written() string { return r.written }

// Place is the number of the place in Options.FS that defines the rule.
func (r *Rule) Place() int { return r.place }

// dialect is the language of its expressions.
func (r *Rule) dialect() *expr.Dialect {
	if d := expr.DialectOf(r.Dialect); d != nil {
		return d
	}
	return expr.Connect()
}

// Joins tells whether the rule can tie an entry to a meta by itself: it has join criteria, or makes the meta. The
// other rules ride on what it does.
func (r *Rule) Joins() bool { return r.Link == Provision || len(r.Join) > 0 }

// JoinOn is one join criterion: an entry's attribute has a value that a meta's attribute has.
type JoinOn struct {
	Source        canopy.Attr // of the entry
	Target        canopy.Attr // of the meta
	CaseSensitive bool
}

// MatchKey is one way to find the object that a target holds already.
type MatchKey struct {
	Name string        // "anchor", "address" or "upn"; the key is "match:" and the name
	From canopy.Attr   // the meta's attribute
	Of   canopy.Attr   // the target's attribute
	Also []canopy.Attr // further attributes of the target
}

// MailboxOwner is the metaverse attribute that says, when true, that a meta owns its mailbox: one of its entries is a
// mailbox, and no mail user or contact for one elsewhere.
const MailboxOwner canopy.Attr = "mailboxOwner"

// Merge says how values of several rules for one attribute come together.
type Merge uint8

// The ways to merge.
const (
	Update               Merge = iota // the first that contributes wins
	Union                             // the values of all
	UnionCaseInsensitive              // the same; values that differ by case alone are one
)

var merges = [...]string{"update", "merge", "merge-case-insensitive"}

func (m Merge) String() string { return merges[m] }

// Object is what scopes and flows see: an entry, or a meta for outbound rules.
type Object struct {
	Class      canopy.Class
	DN         string
	Attrs      canopy.Attrs
	LinkCounts map[canopy.Attr]int
	Params     map[string]string // the connector's: "Domain.FQDN"
	Groups     []string          // DNs of the groups it is a member of; nil: not known
	Anchor     canopy.Anchor     // of an entry; a meta goes by its source anchor
	Around     *Around           // nil: nothing is known
	Outside    *expr.World       // in place of what Around gives; nil: Around
	// Refused tells whether somebody else has a value that must be unique; nil: that is not known.
	Refused func(canopy.Claim) bool
}

// Kind says what a flow gives.
type Kind uint8

// The kinds of outcome.
const (
	Contributes       Kind = iota // Values, at least one
	Nothing                       // NULL: flows of lower precedence are asked; if none contributes, the attribute has no value
	AuthoritativeNull             // no value, and no other flow is asked
	Ignore                        // as if the flow did not exist: what the target holds stays
)

var kinds = [...]string{"contributes", "nothing", "authoritative null", "ignore"}

func (k Kind) String() string { return kinds[k] }

// Outcome is what a flow gives for one object. Values may be the object's own: they must not be changed.
type Outcome struct {
	Kind   Kind
	Values canopy.Values
}
