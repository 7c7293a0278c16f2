package canopy

import "time"

// ConnectorID is a connector's name: a forest's name from the configuration, or Tenant.
type ConnectorID string

// Tenant is the connector of the embedded tenant.
const Tenant ConnectorID = "tenant"

// Anchor is what a directory itself calls an object for ever: an AD objectGUID in its dashed lower-case form, a
// tenant's object id. Anchors are compared exactly. "" is an object that its directory has not made yet.
type Anchor string

// Class is an object class: what an entry is in its directory, or what a meta is.
type Class string

// The classes that the built-in rules know.
const (
	User                     Class = "user"
	InetOrgPerson            Class = "inetOrgPerson"
	Group                    Class = "group"
	Contact                  Class = "contact"
	ForeignSecurityPrincipal Class = "foreignSecurityPrincipal"
	Container                Class = "container" // every kind of container: OU, container, domain, builtinDomain
	Person                   Class = "person"    // a meta: user or contact, see AttrSourceObjectType
)

// The identity words: the attributes that code outside a connector may name, since identity and safety depend on them.
const (
	AttrSourceAnchor     Attr = "sourceAnchor"
	AttrSourceAnchorBin  Attr = "sourceAnchorBinary" // set only when the forest itself names the anchor (mS-DS-ConsistencyGuid)
	AttrUPN              Attr = "userPrincipalName"
	AttrAddresses        Attr = "proxyAddresses"
	AttrMail             Attr = "mail"
	AttrAlias            Attr = "alias"
	AttrDisplayName      Attr = "displayName"
	AttrAccountEnabled   Attr = "accountEnabled"
	AttrSourceObjectType Attr = "sourceObjectType" // "User", "Contact"; on a meta of class Person
	AttrMember           Attr = "member"
	AttrManager          Attr = "manager"
	// AttrUnmatched is read-only: an object of a target's own that is never taken over says why, and what to do.
	AttrUnmatched Attr = "cloudUnmatched"
	// AttrCloudManaged, AttrExchangeManaged and AttrCloudMastered are read-only and tell of a target's object who has the say:
	// true says that its own administrators master all of an object that came from a forest, or its Exchange attributes, or
	// that no source writes it at present. Not there is false.
	AttrCloudManaged    Attr = "blockOnPremisesSync"
	AttrExchangeManaged Attr = "isExchangeCloudManaged"
	AttrCloudMastered   Attr = "cloudMastered"
)

// The numbers that the store gives. Zero is "none yet".
type (
	// EntryID numbers an entry; it stays when the object's anchor becomes known, is renamed or moved.
	EntryID int64
	// MetaID numbers a meta. In a plan a negative number is a local name of a meta that applying the plan will make.
	MetaID int64
	// PlanID numbers a plan; people read it.
	PlanID int64
	// ExportID numbers a pending export.
	ExportID int64
	// RunID numbers a run; people read it.
	RunID int64
)

// Ref names another object of the same directory. At least one of the two is set; where both are, the anchor counts.
type Ref struct {
	Anchor Anchor `json:"anchor,omitempty"`
	DN     string `json:"dn,omitempty"`
}

// EntryState says where an entry stands in its directory.
type EntryState uint8

// The states of an entry.
const (
	Present    EntryState = iota // the directory holds it and it is within the containers and groups in scope
	OutOfScope                   // the directory holds it, outside the containers and groups in scope: only its anchor is known
	Missing                      // a complete full read did not show it; it waits for a search by anchor, and still contributes
	Gone                         // deleted in the directory; kept until what depends on it is planned
	Planned                      // an add that is not confirmed: the anchor may be unknown
)

var entryStates = [...]string{"present", "out of scope", "missing", "gone", "planned"}

func (s EntryState) String() string { return entryStates[s] }

// Entry is an object's copy in a connector space. Entries handed out are the receiver's own.
type Entry struct {
	ID        EntryID
	Connector ConnectorID
	Class     Class
	Anchor    Anchor
	// SourceAnchor is the value of AttrSourceAnchor in a target's space, "" in a source's.
	SourceAnchor string
	DN           string
	Parent       Anchor
	State        EntryState
	// Attrs is what the directory was last seen to hold, with what was sent to it and answered "done" since.
	Attrs Attrs
	// LinkCounts are the numbers of links by attribute; the links themselves are rows of their own (engine.View.Links).
	LinkCounts map[Attr]int
	// Groups are the DNs of the groups that hold it directly, among those of which rules ask for members; nil: no rule asks.
	Groups []string
	// Known is the source anchor that the product gave this object's anchor earlier, "" when it never did.
	Known string
	// NotKept counts, by attribute, how often in a row a target answered "done" and then did not hold the value sent.
	NotKept map[Attr]int
	// Meta is the meta that the entry is joined to, 0 when to none.
	Meta MetaID
	// Via says how it came to be joined; zero when it is not.
	Via Joined
	// Imported is when the directory's side was last read.
	Imported time.Time
}

// JoinKind says how an entry came to its meta.
type JoinKind uint8

// The kinds of join.
const (
	NotJoined   JoinKind = iota
	Projected            // the meta was made for it
	JoinedBy             // a join criterion met
	JoinedHand           // a person decided
	Provisioned          // the entry was made for the meta, in a target
	Matched              // the target held it already and it was taken over
)

var joinKinds = [...]string{"not joined", "projected", "joined", "joined by hand", "provisioned", "matched"}

func (k JoinKind) String() string { return joinKinds[k] }

// Joined says how, by which rule and on which value an entry was joined.
type Joined struct {
	Kind JoinKind `json:"kind"`
	Rule RuleID   `json:"rule,omitempty"`
	On   string   `json:"on,omitempty"` // for people: "mail = anna@contoso.com"
}

// RuleID is a sync rule's stable id.
type RuleID string

// Origin says where a meta's value comes from.
type Origin struct {
	Connector ConnectorID `json:"connector"`
	Entry     EntryID     `json:"entry"`
	Rule      RuleID      `json:"rule"`
}

// Sourced are the values of one attribute of a meta, with an origin for each value; a single origin stands for all.
type Sourced struct {
	Values  Values   `json:"values"`
	Origins []Origin `json:"origins"`
}

// Meta is a metaverse object: the merge of its entries.
type Meta struct {
	ID      MetaID
	Class   Class
	Version int64 // grows with each change; a plan names the version it was made from
	Attrs   map[Attr]Sourced
	// Held says why parts of it are held back, as of the last applied plan.
	Held []Held
}

// Value is a meta's first value of an attribute as text, "" when there is none.
func (m *Meta) Value(name Attr) string {
	if s := m.Attrs[name]; len(s.Values) > 0 {
		return s.Values[0].Str()
	}
	return ""
}
