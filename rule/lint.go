package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Lint is what is odd in the rules and no fault, by file: what Load warned of, and what shows only when rules are looked
// at side by side.
func (s *Set) Lint() []canopy.Finding {
	l := &loader{warnings: slices.Clone(s.warnings)}
	for _, r := range s.rules {
		if r.Disabled {
			continue
		}
		l.lintScope(r)
		l.lintJoin(r)
		s.lintRides(l, r)
		s.lintFlows(l, r)
	}
	s.lintJoins(l)
	slices.SortStableFunc(l.warnings, func(a, b canopy.Finding) int { return strings.Compare(a.Other, b.Other) })
	return l.warnings
}

// lintScope finds groups of conditions that nothing can meet, and those that are there twice.
func (l *loader) lintScope(r *Rule) {
	hopeless := 0
	for i, group := range r.Scope {
		if a, b := contradiction(group); a != nil {
			hopeless++
			l.warn(r, 0, a.Attr, fmt.Sprintf("no object can meet both %s and %s", a.text, b.text), "take one of the two out")
		}
		for _, before := range r.Scope[:i] {
			if slices.EqualFunc(before, group, same) {
				l.warn(r, 0, "", "a group of conditions is there twice: "+saidGroup(group), "take one of the two out")
			}
		}
	}
	if hopeless > 0 && hopeless == len(r.Scope) {
		l.warn(r, 0, "", "the rule is unreachable: no object can be in its scope", "mend the scope, or disable the rule")
	}
}

func same(a, b Condition) bool {
	return a.Attr == b.Attr && a.Op == b.Op && a.CaseSensitive == b.CaseSensitive && sameValues(&a, &b)
}

// sameValues tells whether two conditions name the same values, as they compare them.
func sameValues(a, b *Condition) bool {
	if a.CaseSensitive || a.op == Matches {
		return slices.Equal(a.Values, b.Values)
	}
	return slices.EqualFunc(a.Values, b.Values, strings.EqualFold)
}

func saidGroup(group []Condition) string {
	var out []string
	for i := range group {
		out = append(out, group[i].text)
	}
	return strings.Join(out, " and ")
}

// contradiction finds two conditions that exclude each other whatever an object holds: a condition and its own negation, or
// one that needs a value beside one that forbids any.
func contradiction(group []Condition) (a, b *Condition) {
	for i := range group {
		for j := range group[:i] {
			x, y := &group[j], &group[i]
			if x.Attr != y.Attr {
				continue
			}
			opposite := x.op == y.op && x.negate != y.negate && x.CaseSensitive == y.CaseSensitive && sameValues(x, y)
			if opposite || needsValue(x) && y.Op == IsNull || needsValue(y) && x.Op == IsNull {
				return x, y
			}
		}
	}
	return nil, nil
}

// needsValue tells whether a condition fails every object that has no value of its attribute.
func needsValue(c *Condition) bool {
	return !c.negate && c.Op != IsMemberOf && !slices.Contains(c.Values, "")
}

// lintJoin finds criteria that are there twice.
func (l *loader) lintJoin(r *Rule) {
	for i, group := range r.Join {
		if slices.ContainsFunc(r.Join[:i], func(before []JoinOn) bool { return slices.Equal(before, group) }) {
			l.warn(r, 0, group[0].Target, "the same join criterion is there twice", "take one of the two out")
		}
	}
	for i, m := range r.Match {
		if slices.ContainsFunc(r.Match[:i], func(before MatchKey) bool { return before.From == m.From && before.Of == m.Of }) {
			l.warn(r, 0, m.Of, "the same match is there twice", "take one of the two out")
		}
	}
}

// lintRides finds rules that only ride on a join which no rule makes.
func (s *Set) lintRides(l *loader, r *Rule) {
	if r.Joins() || r.Direction == Out && len(r.Match) > 0 {
		return
	}
	for _, class := range r.Source {
		carried := false
		for _, other := range s.rules {
			if other.Disabled || other.Direction != r.Direction || !other.Joins() || !meets(other.Connector, r.Connector) {
				continue
			}
			carried = carried || slices.Contains(other.Source, class) && (other.Target == r.Target || other.Target == "*" || r.Target == "*")
		}
		if !carried {
			l.warn(r, 0, "", "the rule is unreachable for "+string(class)+": no rule joins or makes a "+string(r.Target)+" for it", "add a rule with join criteria or link: provision, or take the class out")
		}
	}
}

// meets tells whether two rules can be for the same connector. A name may be that of a connector of any kind.
func meets(a, b string) bool {
	kind := func(s string) bool { return s == adKind || s == tenantKind }
	return a == b || kind(a) != kind(b)
}

// lintFlows finds flows that never come to turn: one of higher precedence always gives a value.
func (s *Set) lintFlows(l *loader, r *Rule) {
	for i := range r.Flows {
		f := &r.Flows[i]
		if f.Merge != Update {
			continue
		}
		for _, other := range s.rules {
			if other.Precedence > r.Precedence || other.Disabled || other.Direction != r.Direction || other.Target != r.Target ||
				other.Connector != r.Connector || len(other.Scope) > 0 || !covers(other.Source, r.Source) {
				continue
			}
			for j := range other.Flows {
				g := &other.Flows[j]
				if (other != r || j < i) && g.To == f.To && always(g) && !g.Once {
					l.warn(r, f.Line, f.To, "the flow is unreachable: the rule "+string(other.ID)+" always gives the attribute a value before it", "take one of the two out, or give this rule a lower number")
				}
			}
		}
	}
}

// covers tells whether all of some classes are among others.
func covers(all, some []canopy.Class) bool {
	for _, c := range some {
		if !slices.Contains(all, c) && !slices.Contains(all, "*") {
			return false
		}
	}
	return true
}

// always tells whether a flow gives a value, or says that there is none, for every object.
func always(f *Flow) bool { return f.Constant != nil || f.Final || f.stops }

// lintJoins finds rules with join criteria that can be in scope of the same object: one of them alone joins it.
func (s *Set) lintJoins(l *loader) {
	var joins []*Rule
	for _, r := range s.rules {
		if !r.Disabled && r.Direction == In && len(r.Join) > 0 {
			joins = append(joins, r)
		}
	}
	for i, r := range joins {
		for _, before := range joins[:i] {
			if !meets(before.Connector, r.Connector) || !slices.ContainsFunc(r.Source, func(c canopy.Class) bool { return slices.Contains(before.Source, c) }) || apart(before, r) {
				continue
			}
			l.warn(r, 0, "", fmt.Sprintf("the rule %s has join criteria for the same objects: where both are in scope, its criteria alone join", before.ID), "scope the two so that no object is in both, or put the criteria into one rule")
		}
	}
}

// apart tells whether no object can be in the scope of both rules: each pair of groups has a contradiction.
func apart(a, b *Rule) bool {
	if len(a.Scope) == 0 || len(b.Scope) == 0 {
		return false
	}
	for _, x := range a.Scope {
		for _, y := range b.Scope {
			if c, _ := contradiction(slices.Concat(x, y)); c == nil {
				return false
			}
		}
	}
	return true
}
