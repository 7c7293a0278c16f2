package rule

import (
	"io/fs"

	"github.com/canopy-sync/canopy"
)

// This file declares the surface first; the bodies follow.

// Condition is one comparison of a scoping filter.
type Condition struct {
	Attr   canopy.Attr // "dn" is the object's DN
	Op     Op
	Values []string // one for most operators; several for ISIN and ISNOTIN
	// Because says for people what it means when the condition does not hold: a text, or "[attribute]", the object's
	// value of which is the text.
	Because string
}

// Op is a scoping operator, by its name in rule files: "EQUAL".
type Op string

// Flow fills one attribute. Exactly one of From, Constant and Expression is set.
type Flow struct {
	To         canopy.Attr
	From       canopy.Attr
	Constant   *canopy.Value
	Expression string
	Merge      Merge
	Once       bool             // only when the target's object is made
	Claim      canopy.ClaimKind // "": the values need not be unique
	// Held are further attributes of the target in which an object shows values that it has claimed.
	Held []canopy.Attr
	// Final: when this flow gives nothing, it gives AuthoritativeNull instead.
	Final bool
	// Link: From and To are link attributes, which travel as rows. Eval then looks at the number of links alone.
	Link bool
}

// Eval gives the flow's outcome for one object. For a Link flow it says who wins: Contributes (without values) when the
// object has links, else Nothing or AuthoritativeNull.
func (f *Flow) Eval(o *Object) (Outcome, error) { panic("body follows") }

// InScope tells whether the rule applies, and for people the condition that decided.
func (r *Rule) InScope(o *Object) (ok bool, why string, err error) { panic("body follows") }

// Options say what is loaded.
type Options struct {
	FS     []fs.FS // later ones override earlier ones by id; rule.Builtin() first
	People string  // join: configured: "mail" (default), "sid", "none", "attribute:NAME"
}

// Builtin are the built-in rules' files.
func Builtin() fs.FS { panic("body follows") }

// Load reads and checks rules. The error joins all faults, each an *Fault with file and line.
func Load(o Options) (*Set, error) { panic("body follows") }

// Set is a loaded set of rules. It is immutable and may be used by many at once.
type Set struct{}

// Hash: changes when anything that decides changes
func (s *Set) Hash() string { panic("body follows") }

// All: by precedence, disabled ones too
func (s *Set) All() []*Rule { panic("body follows") }

// Rule: nil when unknown
func (s *Set) Rule(id canopy.RuleID) *Rule { panic("body follows") }

// Warnings: what is odd in rules but no fault
func (s *Set) Warnings() []canopy.Finding { panic("body follows") }

// In: enabled, by precedence
func (s *Set) In(kind string, id canopy.ConnectorID, class canopy.Class) []*Rule {
	panic("body follows")
}

// Out: enabled, by precedence
func (s *Set) Out(kind string, id canopy.ConnectorID, metaClass canopy.Class) []*Rule {
	panic("body follows")
}

// Scoped is what the inbound rules together say about one entry.
type Scoped struct {
	// In: at least one rule that Joins() has the entry in its scope. The others only ride on it.
	In bool
	// Rules are those in scope, by precedence; nil when not In.
	Rules []*Rule
	// Provision is the first rule of link type Provision in scope, nil when there is none.
	Provision *Rule
	// Join is the rule whose criteria join the entry, nil when there is none.
	Join *Rule
	// Silent: no rule in scope has a flow. The entry joins only to be pointed at, and does not count when two entries
	// of one connector meet at one meta (a foreign security principal beside the person's own account).
	Silent bool
	Why    string // for people: what decided, when not In
}

// Scope: inbound
func (s *Set) Scope(kind string, id canopy.ConnectorID, o *Object) (Scoped, error) {
	panic("body follows")
}

// Ask is one group of join criteria as keys: all must hit the same party.
type Ask struct {
	Rule *Rule
	Keys []canopy.Key // "ask:mail"
	Text string       // "mail = anna@contoso.com"
}

// Offers: "offer:mail"; none when out of scope
func (s *Set) Offers(kind string, id canopy.ConnectorID, o *Object) ([]canopy.Key, error) {
	panic("body follows")
}

// Asks: groups in order; groups with a value missing are left out
func (s *Set) Asks(kind string, id canopy.ConnectorID, o *Object) ([]Ask, error) {
	panic("body follows")
}

// MetaKeys: "meta:mail"
func (s *Set) MetaKeys(m *canopy.Meta) []canopy.Key { panic("body follows") }

func (s *Set) EntryKeys(kind string, e *canopy.Entry, params map[string]string) ([]canopy.Key, error) {
	panic("body follows")
}
func (s *Set) EntryClaims(kind string, e *canopy.Entry) []canopy.Claim         { panic("body follows") }
func (s *Set) Reads(kind string) (classes []canopy.Class, attrs []canopy.Attr) { panic("body follows") }

// MatchKeys are the keys under which a target may hold a meta's object already, in order; o is the meta.
func (r *Rule) MatchKeys(o *Object) []canopy.Key { panic("body follows") }

// ClaimOf gives the claim that a value makes; primary says that it is the object's main one (the primary SMTP
// address; any UPN, anchor); ok is false when the value claims nothing (an X500 address).
func ClaimOf(kind canopy.ClaimKind, v canopy.Value) (c canopy.Claim, primary, ok bool) {
	panic("body follows")
}

// ClaimsOf are the claims of values, each once.
func ClaimsOf(kind canopy.ClaimKind, vs canopy.Values) []canopy.Claim { panic("body follows") }

// MetaObject is a meta as outbound rules see it.
func MetaObject(m *canopy.Meta) *Object { panic("body follows") }

// EntryObject is an entry as inbound rules see it.
func EntryObject(e *canopy.Entry, params map[string]string) *Object { panic("body follows") }
