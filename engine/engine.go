package engine

import (
	"cmp"
	"slices"
	"strings"

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
)

// Engine decides by one set of rules and settings. It is immutable and may be used by many at once.
type Engine struct {
	rules   *rule.Set
	set     Settings
	conns   map[canopy.ConnectorID]*Connector
	targets []*Connector
	layouts layouts
}

// New makes an engine. The rules and settings must not change afterwards.
func New(rules *rule.Set, set Settings) *Engine {
	if set.NotKeptLimit <= 0 {
		set.NotKeptLimit = 3
	}
	set.Connectors = slices.Clone(set.Connectors)
	slices.SortStableFunc(set.Connectors, func(a, b Connector) int { return cmp.Compare(a.Order, b.Order) })
	e := &Engine{rules: rules, set: set, conns: map[canopy.ConnectorID]*Connector{}, layouts: layoutOf(rules, set.Owner)}
	for i := range set.Connectors {
		c := &set.Connectors[i]
		e.conns[c.ID] = c
		if c.Target {
			e.targets = append(e.targets, c)
		}
	}
	return e
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
	joined  map[canopy.MetaID][]assignment         // entries that the plan joins, by meta
	goesTo  map[canopy.EntryID]canopy.MetaID       // the same by entry
	leaving map[canopy.EntryID]canopy.MetaID       // entries that a person separated, with the meta they leave
	alone   map[canopy.EntryID]canopy.EntryOutcome // of these, those that go nowhere, with why

	ambiguous map[canopy.EntryID]bool // entries that Join held back

	left   map[canopy.EntryID]bool // entries that the survey found to leave their metas
	claims claimBook
	trace  *Trace
}

// local is a meta that the plan makes.
type local struct{ class canopy.Class }

// assignment says that an entry is joined to a meta by this plan.
type assignment struct {
	entry canopy.EntryID
	kind  canopy.JoinKind
	rule  canopy.RuleID
	// asker is the entry whose criterion met, which may be the other side's, and group the criterion's place.
	asker canopy.EntryID
	group int
}

// NewPlanner begins a plan over one snapshot.
func (e *Engine) NewPlanner(view View) *Planner {
	return &Planner{
		e: e, view: view,
		joined:    map[canopy.MetaID][]assignment{},
		goesTo:    map[canopy.EntryID]canopy.MetaID{},
		leaving:   map[canopy.EntryID]canopy.MetaID{},
		alone:     map[canopy.EntryID]canopy.EntryOutcome{},
		ambiguous: map[canopy.EntryID]bool{},
		left:      map[canopy.EntryID]bool{},
		claims:    newClaimBook(),
	}
}

// layouts number the attributes that rules fill, so that merging needs no map for each object.
type layouts struct {
	in, out map[canopy.Attr]int
	inAttr  []canopy.Attr
	outAttr []canopy.Attr
	isLink  []bool // by number: a metaverse attribute that holds links
	rules   map[*rule.Rule]*layout
	// briefIn and briefOut, by number: what a survey of a new meta looks at. That is what scopes, claims and matches
	// depend on, and what expressions fill, since they may fail.
	briefIn, briefOut []bool
	anchor            int // the numbers of identity words, -1: nothing fills it
	named             int
	owner             int
}

// layout is one rule's part of it, by flow.
type layout struct {
	slots []int
	reads []int           // outbound: the metaverse attribute whose origin counts, -1: none
	own   []canopy.Origin // outbound: the origin of constants
}

func layoutOf(rules *rule.Set, owner canopy.Attr) layouts {
	l := layouts{in: map[canopy.Attr]int{}, out: map[canopy.Attr]int{}, rules: map[*rule.Rule]*layout{}}
	all := rules.All()
	for _, r := range all {
		l.add(r)
	}
	for _, r := range all {
		if r.Direction == rule.Out {
			l.addReads(r)
		}
	}
	l.anchor, l.named, l.owner = l.number(canopy.AttrSourceAnchor), l.number(canopy.AttrSourceAnchorBin), l.number(owner)
	l.shorten(all)
	return l
}

// shorten finds what a survey has to look at.
func (l *layouts) shorten(rules []*rule.Rule) {
	l.briefIn, l.briefOut = make([]bool, len(l.inAttr)), make([]bool, len(l.outAttr))
	need := func(a canopy.Attr) {
		if n := l.number(a); n >= 0 {
			l.briefIn[n] = true
		}
	}
	for _, n := range []int{l.anchor, l.named, l.owner} {
		if n >= 0 {
			l.briefIn[n] = true
		}
	}
	for _, r := range rules {
		for i := range r.Flows {
			f := &r.Flows[i]
			switch at := l.rules[r].slots[i]; {
			case r.Direction == rule.In:
				l.briefIn[at] = l.briefIn[at] || f.Expression != ""
			default:
				l.briefOut[at] = l.briefOut[at] || f.Expression != "" || f.Claim != ""
			}
		}
	}
	for _, r := range rules {
		if r.Direction == rule.In {
			continue
		}
		for _, group := range r.Scope {
			for i := range group {
				need(group[i].Attr)
			}
		}
		for _, m := range r.Match {
			need(m.From)
		}
		for i := range r.Flows {
			f := &r.Flows[i]
			if !l.briefOut[l.rules[r].slots[i]] {
				continue
			}
			need(f.From)
			for _, a := range l.inAttr {
				if f.Expression != "" && strings.Contains(f.Expression, string(a)) {
					need(a)
				}
			}
		}
	}
}

func (l *layouts) number(a canopy.Attr) int {
	if n, ok := l.in[a]; ok {
		return n
	}
	return -1
}

// add numbers what a rule fills.
func (l *layouts) add(r *rule.Rule) {
	index, names := l.in, &l.inAttr
	if r.Direction == rule.Out {
		index, names = l.out, &l.outAttr
	}
	x := &layout{slots: make([]int, len(r.Flows))}
	for i := range r.Flows {
		f := &r.Flows[i]
		n, ok := index[f.To]
		if !ok {
			n = len(*names)
			index[f.To] = n
			*names = append(*names, f.To)
			if r.Direction == rule.In {
				l.isLink = append(l.isLink, f.Link)
			}
		}
		x.slots[i] = n
	}
	l.rules[r] = x
}

// addReads notes where the values of an outbound rule's flows come from: the attribute that a flow reads, or the one of
// the same name.
func (l *layouts) addReads(r *rule.Rule) {
	x := l.rules[r]
	x.own = []canopy.Origin{{Rule: r.ID}}
	for i := range r.Flows {
		n := l.number(r.Flows[i].From)
		if n < 0 && r.Flows[i].Constant == nil {
			n = l.number(r.Flows[i].To)
		}
		x.reads = append(x.reads, n)
	}
}
