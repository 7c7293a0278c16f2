package canopy

import "time"

// Key is a name under which entries and metas are found when joining. Names are made by the rules: "meta:mail" are a
// meta's keys, "offer:mail" and "ask:mail" those of an entry that is not joined, "match:address" those of a target's
// entry. Values are folded.
type Key struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ClaimKind is what a claim is about. Values of different kinds never clash.
type ClaimKind string

// The kinds of claim.
const (
	ClaimAnchor  ClaimKind = "anchor"
	ClaimUPN     ClaimKind = "upn"
	ClaimAddress ClaimKind = "address" // every SMTP address, primary or secondary, without its prefix
	ClaimAlias   ClaimKind = "alias"
)

// Claim is a value that only one object over all forests and the target may have.
type Claim struct {
	Kind  ClaimKind `json:"kind"`
	Value string    `json:"value"` // folded, but for anchors, whose case counts
}

// Claimant is one party that has or wants a claim's value.
type Claimant struct {
	Claim Claim
	Meta  MetaID  // 0: a target's object that belongs to no meta
	Entry EntryID // the target's entry that holds the value now, 0: none does
	Kept  bool    // as of the last applied plan: it may have the value; a target's own object always may
	// Owner says that the claimant owns the mailbox the address belongs to. Order and Anchor rank the rest: the
	// lower connector order, then the lower anchor, is first.
	Owner  bool
	Order  int
	Anchor Anchor
}

// PlanState is where a plan stands.
type PlanState uint8

// The states of a plan.
const (
	PlanOpen     PlanState = iota // made, may be applied unless the guard stopped it
	PlanStopped                   // the guard stopped it; it waits for an approval
	PlanApproved                  // a person approved it in spite of the guard
	PlanApplying                  // being applied; a killed run continues it
	PlanApplied                   // done
	PlanRefused                   // a person rejected it, or a newer plan replaced it
)

var planStates = [...]string{"open", "stopped", "approved", "applying", "applied", "refused"}

func (s PlanState) String() string { return planStates[s] }

// MarshalText writes the state's name.
func (s PlanState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Plan is the head of a plan; its items are read in order from the store.
type Plan struct {
	ID      PlanID    `json:"id"`
	Run     RunID     `json:"run"`
	State   PlanState `json:"state"`
	Made    time.Time `json:"made"`
	Rules   string    `json:"rules"` // hash of the rules and settings it was made with
	Totals  Totals    `json:"totals"`
	Guard   []Breach  `json:"guard,omitempty"`
	Decided string    `json:"decided,omitempty"` // who approved or refused it, and why
	Applied int       `json:"applied"`           // items applied so far
}

// Outcome is what a plan says about one source entry. The first that fits counts, in this order.
type Outcome uint8

// The outcomes.
const (
	Failed     Outcome = iota // could not be evaluated or read
	NotInScope                // out of scope by container, group or rule
	HeldBack                  // held back, whole or in part
	PlannedOut                // something is planned for its meta
	Unchanged
)

var outcomes = [...]string{"failed", "out of scope", "held back", "planned", "unchanged"}

func (o Outcome) String() string { return outcomes[o] }

// EntryOutcome is the outcome of one source entry.
type EntryOutcome struct {
	Entry     EntryID     `json:"entry"`
	Connector ConnectorID `json:"connector"`
	Class     Class       `json:"class"`
	Outcome   Outcome     `json:"outcome"`
	Why       string      `json:"why,omitempty"` // for people: the rule or party that decided
}

// EntryJoin is a change of one entry's join: to the item's meta (Via.Kind set) or away from it (NotJoined).
type EntryJoin struct {
	Entry EntryID `json:"entry"`
	Via   Joined  `json:"via"`
	Why   string  `json:"why,omitempty"`
}

// Party names one side of a clash or ambiguity for people.
type Party struct {
	Connector ConnectorID `json:"connector"`
	Entry     EntryID     `json:"entry,omitempty"`
	Meta      MetaID      `json:"meta,omitempty"`
	Name      string      `json:"name"` // DN, or the target's UPN
}

// HeldReason says why something is held back.
type HeldReason string

// The reasons.
const (
	HeldAmbiguous HeldReason = "ambiguous"      // two or more join candidates
	HeldClaim     HeldReason = "clash"          // a value belongs to another party
	HeldAnchor    HeldReason = "anchor changed" // the source anchor would change
	HeldNoAnchor  HeldReason = "no anchor"      // there is no source anchor
	HeldNotKept   HeldReason = "not kept"       // the target answers "done" and does not keep the value
	HeldAuthority HeldReason = "cloud-managed"  // the target's own administrators master it
	HeldError     HeldReason = "error"          // an expression or the read failed
)

// Held says that a meta, an entry or one attribute of it is not exported, and what it waits for.
type Held struct {
	Reason HeldReason `json:"reason"`
	Whole  bool       `json:"whole"` // nothing of the object is exported; else only Attr's value is not
	Entry  EntryID    `json:"entry,omitempty"`
	Attr   Attr       `json:"attr,omitempty"`
	Value  string     `json:"value,omitempty"`
	Others []Party    `json:"others,omitempty"` // who has the value, or the other candidates
	Text   string     `json:"text"`
}

// Regret is a kind of loss that the guard counts.
type Regret string

// The regrets.
const (
	RegretDelete     Regret = "delete"
	RegretDisable    Regret = "disable"
	RegretMembership Regret = "membership" // one link removed
	RegretEmptied    Regret = "group emptied"
	RegretClear      Regret = "clear"        // one attribute cleared
	RegretAnchor     Regret = "anchor"       // a source anchor changed
	RegretUPN        Regret = "sign-in name" // a UPN changed
	RegretTakeover   Regret = "takeover"     // an object of the target's own is taken over
	RegretRules      Regret = "rules"        // an object is written by rules, joins or scopes that no plan was carried out with
)

// AttrChange is one planned change of a value, for people and for explain.
type AttrChange struct {
	Attr   Attr   `json:"attr"`
	Old    Values `json:"old,omitempty"`
	New    Values `json:"new,omitempty"`
	Origin Origin `json:"origin"`
}

// Unmatched stands before the name of a match key in a target's Description.Values: objects of its own are not taken over
// by that key now, and the value says why and what to do.
const Unmatched = "Unmatched."

// PlannedMatch says that an add will meet an object that the target holds already.
type PlannedMatch struct {
	Entry  EntryID `json:"entry"`
	How    string  `json:"how"` // the key that matched: "anchor", "address", "upn"
	Value  string  `json:"value"`
	Anchor Anchor  `json:"anchor"`              // the target's object
	Source string  `json:"sourceAnchor"`        // what it will be tied to
	Had    string  `json:"hadAnchor,omitempty"` // the source anchor it has now
}

// ExportPhase orders exports within a run.
type ExportPhase uint8

// The phases, in the order in which they are sent.
const (
	PhaseRelease ExportPhase = iota // gives values up that another object is to get; and deletes
	PhaseObjects                    // adds and modifications
	PhaseLinks                      // references, when all objects are there
)

// PlannedExport is one export of a plan, before it has a number. Links are not in it: see LinkFlow.
type PlannedExport struct {
	Connector ConnectorID   `json:"connector"`
	Entry     EntryID       `json:"entry,omitempty"` // the target's entry, 0 on an Add that makes one
	Phase     ExportPhase   `json:"phase"`
	Export    Export        `json:"export"`
	Changes   []AttrChange  `json:"changes,omitempty"` // Export.Set and Clear, with old values and origins
	Match     *PlannedMatch `json:"match,omitempty"`
	Regrets   []Regret      `json:"regrets,omitempty"`
	Why       string        `json:"why,omitempty"` // for people: why this add or delete
}

// LinkFlow says that a target's link attribute follows a source entry's. Applying it compares rows, not lists.
type LinkFlow struct {
	Connector ConnectorID `json:"connector"`       // the target
	Entry     EntryID     `json:"entry,omitempty"` // the target's entry, 0: the one that this item's Add makes
	Attr      Attr        `json:"attr"`
	From      EntryID     `json:"from"` // the source's entry, 0: nobody contributes any more, all links go
	FromAttr  Attr        `json:"fromAttr"`
	// Whole: compare all rows, since the source entry is another one than before; else only the rows that changed.
	Whole bool `json:"whole,omitempty"`
	// Take: what the target holds counts, too, whatever was planned: links of joined objects that its own administrators
	// made go. It comes with Whole.
	Take    bool       `json:"take,omitempty"`
	Added   int        `json:"added"`
	Removed int        `json:"removed"`
	Total   int        `json:"total"`             // links at the source
	Waiting int        `json:"waiting,omitempty"` // links that cannot be carried yet
	Samples []LinkWait `json:"samples,omitempty"` // some of the waiting ones, at most 20
	Origin  Origin     `json:"origin"`
}

// LinkWait is a link that cannot be carried, and why.
type LinkWait struct {
	Ref Ref    `json:"ref"`
	Why string `json:"why"` // "not in scope", "held back", "waiting for a match", "unknown object", "deleted"
}

// PlanItem is what a plan says about one meta and its entries. It is applied whole or not at all.
type PlanItem struct {
	Plan    PlanID         `json:"plan,omitempty"`
	Meta    MetaID         `json:"meta"` // negative: made by this plan; 0: entries that join nothing
	Version int64          `json:"version"`
	Class   Class          `json:"class,omitempty"`
	Label   string         `json:"label"`               // display name, for people
	Where   string         `json:"container,omitempty"` // the container's DN of the entry that gives the label
	Entries []EntryOutcome `json:"entries,omitempty"`
	Joins   []EntryJoin    `json:"joins,omitempty"`
	// Image is the meta as it will be, nil when it does not change; Dies says that it goes.
	Image   *Meta           `json:"image,omitempty"`
	Dies    bool            `json:"dies,omitempty"`
	Keys    []Key           `json:"keys,omitempty"`   // all keys of Image
	Claims  []Claimant      `json:"claims,omitempty"` // all claims of Image, kept or waiting
	Exports []PlannedExport `json:"exports,omitempty"`
	Links   []LinkFlow      `json:"links,omitempty"`
	Held    []Held          `json:"held,omitempty"`
	// Findings are values that are written and that the target will not take as they are.
	Findings []Finding `json:"findings,omitempty"`
}

// Changes tells whether applying the item would write to a target.
func (i *PlanItem) Changes() bool {
	for _, l := range i.Links {
		if l.Added+l.Removed > 0 {
			return true
		}
	}
	return len(i.Exports) > 0
}

// Tally counts one kind of thing.
type Tally map[string]int

// Totals are a plan's numbers.
type Totals struct {
	Entries map[ConnectorID]Tally `json:"entries"` // by Outcome, per source
	Joined  int                   `json:"joined"`
	Made    int                   `json:"projected"`
	Exports map[ConnectorID]Tally `json:"exports"`         // "add user", "modify group", ...: one for each object and operation
	Links   Tally                 `json:"links"`           // "added", "removed", "waiting"
	Held    Tally                 `json:"held"`            // by HeldReason
	Found   Tally                 `json:"found,omitempty"` // findings by code
	Regrets []RegretCount         `json:"regrets"`
	Groups  []PlanGroup           `json:"groups,omitempty"`
}

// What a group of a plan's objects has in common.
const (
	GroupCreated  = "created"
	GroupTaken    = "taken over"
	GroupDeleted  = "deleted"
	GroupDisabled = "disabled"
	GroupRenamed  = "renamed" // the display name or the sign-in name changes
	GroupChanged  = "changed" // the value of Attr changes
	GroupLinks    = "links"   // Attr gets or loses links
	GroupHeld     = "held back"
)

// PlanGroup are the objects of one class of which a plan says the same. An object is in each group that fits.
type PlanGroup struct {
	What      string      `json:"what"`
	Connector ConnectorID `json:"connector,omitempty"`
	Class     Class       `json:"class"`
	Attr      Attr        `json:"attribute,omitempty"`
	Count     int         `json:"count"`
	Examples  []Example   `json:"examples,omitempty"` // the first ones
}

// Example is one object of a group, for people.
type Example struct {
	Label string `json:"label"`
	Where string `json:"container,omitempty"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

// RegretCount is how much of one regret a plan has, and out of how many.
type RegretCount struct {
	Regret    Regret      `json:"regret"`
	Connector ConnectorID `json:"connector"`
	Class     Class       `json:"class"`
	Container string      `json:"container,omitempty"` // "": the whole class
	Count     int         `json:"count"`
	Of        int         `json:"of"`
}

// Breach is a limit of the guard that a plan exceeds.
type Breach struct {
	RegretCount
	Limit   int     `json:"limit"`
	Percent float64 `json:"percent"`
	Text    string  `json:"text"`
}
