package engine

import (
	"cmp"
	"slices"
	"sync"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// Connector is what the engine knows of one connector.
type Connector struct {
	ID   canopy.ConnectorID
	Kind string // "ad", "tenant": which rules are meant for it
	// Order ranks the sources: where precedence does not decide, the lower order does. Each source has its own.
	Order  int
	Params map[string]string // named texts for expressions, see canopy.Description
	Target bool              // metas are provisioned to it
}

// LikeProvisioning2020 is the value of Settings.Like under which forests know nothing of one another: no entry is
// joined to another forest's, and addresses are not claimed. Sign-in names and source anchors still are.
const LikeProvisioning2020 = "cloud-provisioning-2020"

// Settings are what an administrator chose beside the rules.
type Settings struct {
	Connectors []Connector
	// LosersWait: an object that loses any value waits whole; else only objects that are new to the target do, and only
	// when they lose their sign-in name, source anchor or primary address.
	LosersWait bool
	// NotKeptLimit is how often in a row a value may be sent and not be kept before it is held back; 0 is 3.
	NotKeptLimit int
	// Like is "" or LikeProvisioning2020.
	Like string
	// Owner is the metaverse attribute whose presence says that a meta owns its mailbox, and so wins a disputed address;
	// a Boolean FALSE there counts as absent. "": nobody is taken for an owner.
	Owner     canopy.Attr
	Decisions []Decision
	// Likely names, for entries for which no meta is made before a person decides, who is likely the same person.
	Likely map[canopy.EntryID][]canopy.Party
	// Around is what expressions may ask for that no object holds; nil: nothing.
	Around *rule.Around
}

// Decision is what a person decided about one entry's join.
type Decision struct {
	Kind  DecisionKind
	Entry canopy.EntryID
	// Other or Meta name the other side. A separation without either is one from everything.
	Other canopy.EntryID
	Meta  canopy.MetaID
}

// DecisionKind says what was decided.
type DecisionKind string

// The kinds of decision.
const (
	DecideJoin     DecisionKind = "join"
	DecideSeparate DecisionKind = "separate"
	DecideExclude  DecisionKind = "exclude" // out of scope, whatever the rules say
)

// Engine decides by one set of rules and settings. It is immutable and may be used by many at once.
type Engine struct {
	rules   *rule.Set
	set     Settings
	conns   map[canopy.ConnectorID]*Connector
	targets []*Connector
	layouts layouts
	// excluded are the entries that a person put out of scope.
	excluded map[canopy.EntryID]bool
}

// New makes an engine. The rules and settings must not change afterwards.
func New(rules *rule.Set, set Settings) *Engine {
	if set.NotKeptLimit <= 0 {
		set.NotKeptLimit = 3
	}
	set.Connectors = slices.Clone(set.Connectors)
	slices.SortStableFunc(set.Connectors, func(a, b Connector) int { return cmp.Compare(a.Order, b.Order) })
	e := &Engine{rules: rules, set: set, conns: map[canopy.ConnectorID]*Connector{}, excluded: map[canopy.EntryID]bool{}, layouts: layoutOf(rules, set.Owner)}
	for _, d := range set.Decisions {
		if d.Kind == DecideExclude {
			e.excluded[d.Entry] = true
		}
	}
	for i := range set.Connectors {
		c := &set.Connectors[i]
		e.conns[c.ID] = c
		if c.Target {
			e.targets = append(e.targets, c)
		}
	}
	return e
}

// object is an entry as inbound rules see it.
func (e *Engine) object(x *canopy.Entry, c *Connector) *rule.Object {
	o := rule.EntryObject(x, c.Params)
	o.Around = e.set.Around
	return o
}

// outside says why an entry is out of scope whatever the rules say, "" when it is not.
func (e *Engine) outside(x *canopy.Entry) string {
	switch {
	case x.State == canopy.Gone:
		return whyGone
	case x.State == canopy.OutOfScope:
		return whyOutside
	case e.excluded[x.ID]:
		return whyExcluded
	}
	return ""
}

// source is the connector when it is a source that the engine knows, else nil.
func (e *Engine) source(id canopy.ConnectorID) *Connector {
	if c := e.conns[id]; c != nil && !c.Target {
		return c
	}
	return nil
}

// Planner makes one plan, from one snapshot. Join, Survey and Settle are called in this order and from one goroutine;
// after that Plan may be called from several at once, if the view allows it.
type Planner struct {
	e    *Engine
	view View

	// What Join found.
	local   []local                                // the metas that the plan makes; -1 is the first
	joined  []assignment                           // entries that the plan joins, in the order of their metas
	goesTo  map[canopy.EntryID]canopy.MetaID       // the same by entry
	leaving map[canopy.EntryID]canopy.MetaID       // entries that a person separated, with the meta they leave
	alone   map[canopy.EntryID]canopy.EntryOutcome // of these, those that go nowhere, with why

	ambiguous map[canopy.EntryID]bool // entries that Join held back

	left   map[canopy.EntryID]bool   // entries that the survey found to leave their metas
	barred map[canopy.EntryID]string // objects of a target's own that are not taken over, with why
	claims claimBook
	trace  *Trace

	expected []expected               // see expect
	renewed  map[canopy.EntryID]int32 // source entries whose object in a target is replaced by another, with the subject

	choosing sync.Mutex // guards chosen: see choose.go
	chosen   map[choice]bool
	refuses  map[choice]bool
}

// local is a meta that the plan makes.
type local struct{ class canopy.Class }

// assignment says that an entry is joined to a meta by this plan.
type assignment struct {
	meta  canopy.MetaID
	entry canopy.EntryID
	rule  canopy.RuleID
	// asker is the entry whose criterion met, which may be the other side's, and group the criterion's place.
	asker canopy.EntryID
	group int32
	kind  canopy.JoinKind
}

// joinedTo are the entries that the plan joins to a meta. There may be a whole directory of them, so they are no map.
func (p *Planner) joinedTo(id canopy.MetaID) []assignment {
	byMeta := func(a assignment, id canopy.MetaID) int { return cmp.Compare(a.meta, id) }
	from, _ := slices.BinarySearchFunc(p.joined, id, byMeta)
	to, _ := slices.BinarySearchFunc(p.joined[from:], id+1, byMeta)
	return p.joined[from : from+to]
}

// JoinedTo is the meta that Join joins an entry to, 0 for none; a negative one is made by the plan.
func (p *Planner) JoinedTo(id canopy.EntryID) canopy.MetaID { return p.goesTo[id] }

// NewPlanner begins a plan over one snapshot.
func (e *Engine) NewPlanner(view View) *Planner {
	p := &Planner{
		e: e, view: view,
		goesTo:    map[canopy.EntryID]canopy.MetaID{},
		leaving:   map[canopy.EntryID]canopy.MetaID{},
		alone:     map[canopy.EntryID]canopy.EntryOutcome{},
		ambiguous: map[canopy.EntryID]bool{},
		refuses:   map[choice]bool{},
	}
	p.forget()
	return p
}
