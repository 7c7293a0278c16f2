package cloudsync

import (
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// Operator is one of the operators of filters.
type Operator struct {
	Name   string // as schemas write it
	Arity  string // Unary, Binary
	Types  []string
	op     rule.Op
	values []string // that an operator without any stands for
	folds  bool     // there with regard to case, here without
}

// Operators are the operators of filters, in the order in which they are documented.
func Operators() []Operator {
	text, both, all := []string{"String"}, []string{"Integer", "String"}, []string{"Integer", "String", "Binary", "Boolean"}
	return []Operator{
		{Name: "EQUALS", Arity: "Binary", Types: both, op: rule.Equal, folds: true},
		{Name: "NOT EQUALS", Arity: "Binary", Types: both, op: rule.NotEqual, folds: true},
		{Name: "IS TRUE", Arity: "Unary", Types: []string{"Boolean"}, op: rule.Equal, values: []string{"True"}},
		{Name: "IS FALSE", Arity: "Unary", Types: []string{"Boolean"}, op: rule.Equal, values: []string{"False"}},
		{Name: "IS NULL", Arity: "Unary", Types: all, op: rule.IsNull},
		{Name: "IS NOT NULL", Arity: "Unary", Types: all, op: rule.IsNotNull},
		{Name: "REGEX MATCH", Arity: "Binary", Types: both},
		{Name: "NOT REGEX MATCH", Arity: "Binary", Types: both},
		{Name: "INCLUDES", Arity: "Binary", Types: text, op: rule.Contains, folds: true},
		{Name: "ENDS_WITH", Arity: "Binary", Types: text, op: rule.EndsWith, folds: true},
		{Name: "GREATER_THAN", Arity: "Binary", Types: []string{"Integer"}, op: rule.GreaterThan},
		{Name: "GREATER_THAN_OR_EQUALS", Arity: "Binary", Types: []string{"Integer"}, op: rule.GreaterThanOrEqual},
		{Name: "PRESENT", Arity: "Unary", Types: all, op: rule.IsNotNull},
	}
}

// maxGroups bounds what combining filters can make.
const maxGroups = 200

// scope converts the filters: of each any group, and all filters, which is every combination of their groups.
func (c *converter) scope(o *ObjectMapping, in *rule.Rule) {
	groups := [][]rule.Condition{nil}
	for _, f := range o.Scope {
		var next [][]rule.Condition
		for _, before := range groups {
			for _, g := range f.Groups {
				conditions, ok := c.clauses(o, in, g)
				if !ok {
					return
				}
				next = append(next, append(append([]rule.Condition(nil), before...), conditions...))
			}
		}
		if groups = next; len(groups) > maxGroups {
			in.Disabled = true
			c.note(o.Place, "filters", "kept", "the filters combine to more than %d groups of conditions; the rule is switched off", maxGroups)
			return
		}
		if f.Name == "inputFilterGroups" {
			c.note(o.Place, "filters", "adapted", "an object that no longer meets inputFilterGroups keeps its object there; here it leaves the scope, and the guard counts it")
		}
	}
	if len(groups) == 1 && groups[0] == nil {
		return
	}
	in.Scope = groups
}

// clauses converts one group; false switches the rule off, since with a part of its filter it would have other objects.
func (c *converter) clauses(o *ObjectMapping, in *rule.Rule, group []Clause) ([]rule.Condition, bool) {
	var out []rule.Condition
	for _, k := range group {
		op, ok := operator(k.Operator)
		cond := rule.Condition{Attr: name(forestSide, k.Attr), Op: op.op, Values: op.values}
		if op.Arity == "Binary" {
			cond.Values = k.Values
		}
		if !ok || op.op == "" || k.Attr == "" || op.Arity == "Binary" && (len(k.Values) != 1 || k.Values[0] == "") {
			in.Disabled, in.Scope = true, nil
			c.note(k.Place, "filters", "kept", "the condition %s %s %s cannot be kept: the rule would have other objects, so it is switched off", k.Attr, k.Operator, strings.Join(k.Values, ", "))
			return nil, false
		}
		if op.folds {
			c.note(k.Place, "filters", "adapted", "%s %s %s is compared without its case here", k.Attr, k.Operator, strings.Join(k.Values, ", "))
		}
		if op.op != rule.IsNull && op.op != rule.IsNotNull && op.op == rule.NotEqual {
			// An absent attribute fails every clause there, and meets NOTEQUAL here.
			out = append(out, rule.Condition{Attr: cond.Attr, Op: rule.IsNotNull})
		}
		out = append(out, cond)
	}
	return out, true
}

func operator(name string) (Operator, bool) {
	for _, o := range Operators() {
		if canopy.Fold(o.Name) == canopy.Fold(name) {
			return o, true
		}
	}
	return Operator{}, false
}

// Rule is the operator of sync rules that stands for it, "" when there is none.
func (o Operator) Rule() string { return string(o.op) }
