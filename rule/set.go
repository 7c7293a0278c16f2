package rule

import (
	"maps"
	"slices"
	"sync"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// tenantKind is the kind of connector that outbound rules of one connector's own are counted to.
const (
	adKind     = "ad"
	tenantKind = "tenant"
)

// Set is a loaded set of rules. It is immutable and may be used by many at once.
type Set struct {
	rules    []*Rule
	byID     map[canopy.RuleID]*Rule
	hash     string
	warnings []canopy.Finding
	joins    []joinAttr // the metaverse attributes of join criteria, in order
	lists    sync.Map   // listKey -> []*Rule
	hidden   map[string]map[canopy.Attr]bool
	chooses  bool
}

// listKey names a list of rules.
type listKey struct {
	direction Direction
	kind      string
	id        canopy.ConnectorID
	class     canopy.Class
	target    bool // class is the rules' target, else their source
}

// Hash changes when anything that decides changes.
func (s *Set) Hash() string { return s.hash }

// All are the rules by precedence, disabled ones too.
func (s *Set) All() []*Rule { return slices.Clone(s.rules) }

// Rule finds a rule, nil when there is none.
func (s *Set) Rule(id canopy.RuleID) *Rule { return s.byID[id] }

// Nearest is the rule whose id differs least from this one, "" when none is close.
func (s *Set) Nearest(id canopy.RuleID) canopy.RuleID {
	ids := make([]string, len(s.rules))
	for i, r := range s.rules {
		ids[i] = string(r.ID)
	}
	slices.Sort(ids)
	return canopy.RuleID(expr.Nearest(string(id), ids))
}

// Chooses tells whether an outbound flow chooses among values that must be unique (SelectUniqueValue).
func (s *Set) Chooses() bool { return s.chooses }

// Warnings are what is odd in the rules, and no fault.
func (s *Set) Warnings() []canopy.Finding { return slices.Clone(s.warnings) }

// In are the enabled inbound rules for a class of entries, by precedence. The caller must not change the slice.
func (s *Set) In(kind string, id canopy.ConnectorID, class canopy.Class) []*Rule {
	return s.list(listKey{direction: In, kind: kind, id: id, class: class})
}

// Out are the enabled outbound rules for a class of metas, by precedence. The caller must not change the slice.
func (s *Set) Out(kind string, id canopy.ConnectorID, metaClass canopy.Class) []*Rule {
	return s.list(listKey{direction: Out, kind: kind, id: id, class: metaClass})
}

// outTo are the enabled outbound rules that fill a class of a target's entries.
func (s *Set) outTo(kind string, id canopy.ConnectorID, class canopy.Class) []*Rule {
	return s.list(listKey{direction: Out, kind: kind, id: id, class: class, target: true})
}

func (s *Set) list(k listKey) []*Rule {
	if l, ok := s.lists.Load(k); ok {
		return l.([]*Rule) // nothing else is stored
	}
	list := []*Rule{}
	for _, r := range s.rules {
		if r.Disabled || r.Direction != k.direction || r.Connector != k.kind && r.Connector != string(k.id) {
			continue
		}
		if k.target && r.Target == k.class || !k.target && slices.Contains(r.Source, k.class) {
			list = append(list, r)
		}
	}
	s.lists.Store(k, list)
	return list
}

// of tells whether a rule is for connectors of a kind. A rule for one connector counts as for every kind that can be
// meant: inbound for all but the tenant, outbound for the tenant.
func (r *Rule) of(kind string) bool {
	if r.Connector == adKind || r.Connector == tenantKind {
		return r.Connector == kind
	}
	return (r.Direction == Out) == (kind == tenantKind)
}

// told are what plans look at of a target's objects, whatever the rules write.
var told = []canopy.Attr{canopy.AttrSourceAnchor, canopy.AttrCloudManaged, canopy.AttrExchangeManaged, canopy.AttrCloudMastered}

// Reads are the classes and attributes of a directory of this kind that the rules look at or write, links included.
func (s *Set) Reads(kind string) (classes []canopy.Class, attrs []canopy.Attr) {
	c, a := map[canopy.Class]bool{}, map[canopy.Attr]bool{}
	for _, r := range s.rules {
		if r.Disabled || !r.of(kind) {
			continue
		}
		if r.Direction == In {
			for _, x := range r.Source {
				c[x] = true
			}
			r.reads(a)
			continue
		}
		c[r.Target] = true
		r.writes(a)
	}
	if kind == tenantKind {
		for _, name := range told {
			a[name] = true
		}
		a[canopy.AttrUnmatched] = true
	}
	delete(a, attrDN)
	delete(a, attrRDN)
	delete(a, "")
	return slices.Sorted(maps.Keys(c)), slices.Sorted(maps.Keys(a))
}

// Counts are the attributes of a target of this kind that plans look at: those that the rules write, and those that tell
// who has the say. Of an object that is joined, nothing else has a part in what is planned for its meta.
func (s *Set) Counts(kind string) map[canopy.Attr]bool {
	a := s.Writes(kind)
	for _, name := range told {
		a[name] = true
	}
	return a
}

// Writes are the attributes of a directory of this kind that the rules write, links included.
func (s *Set) Writes(kind string) map[canopy.Attr]bool {
	a := map[canopy.Attr]bool{canopy.AttrSourceAnchor: true}
	for _, r := range s.rules {
		if r.Disabled || r.Direction == In || !r.of(kind) {
			continue
		}
		for i := range r.Flows {
			a[r.Flows[i].To] = true
		}
	}
	return a
}

// reads adds what an inbound rule reads of an entry.
func (r *Rule) reads(a map[canopy.Attr]bool) {
	for _, group := range r.Scope {
		for i := range group {
			a[group[i].Attr] = true
		}
	}
	for _, group := range r.Join {
		for _, on := range group {
			a[on.Source] = true
		}
	}
	for i := range r.Flows {
		f := &r.Flows[i]
		a[f.From] = true
		if f.program != nil {
			for _, name := range f.program.Attrs() {
				a[canopy.Attr(name)] = true
			}
		}
	}
}

// writes adds what an outbound rule compares with in the target.
func (r *Rule) writes(a map[canopy.Attr]bool) {
	for i := range r.Flows {
		a[r.Flows[i].To] = true
		for _, h := range r.Flows[i].Held {
			a[h] = true
		}
	}
	for _, m := range r.Match {
		a[m.Of] = true
		for _, x := range m.Also {
			a[x] = true
		}
	}
}
