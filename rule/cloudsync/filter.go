package cloudsync

import (
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
)

// Operator is one of the operators of filters.
type Operator struct {
	Name   string // as schemas write it
	Also   []string
	Arity  string // Unary, Binary
	Types  []string
	op     rule.Op  // "": there is none
	values []string // that an operator without any stands for
	exact  bool     // texts are compared as they are written
	said   string   // what is to be known of how it is taken
}

// Operators are the operators of filters, in the order in which they are documented.
func Operators() []Operator {
	text, number, both, all := []string{"String"}, []string{"Integer"}, []string{"Integer", "String"}, []string{"Integer", "String", "Binary", "Boolean"}
	return []Operator{
		{Name: "EQUALS", Arity: "Binary", Types: both, op: rule.Equal, exact: true},
		{Name: "NOT EQUALS", Arity: "Binary", Types: both, op: rule.NotEqual, exact: true},
		{Name: "IS TRUE", Arity: "Unary", Types: []string{"Boolean"}, op: rule.Equal, values: []string{"True"}},
		{Name: "IS FALSE", Arity: "Unary", Types: []string{"Boolean"}, op: rule.NotEqual, values: []string{"True"}},
		{Name: "IS NULL", Arity: "Unary", Types: all, op: rule.IsNull},
		{Name: "IS NOT NULL", Arity: "Unary", Types: all, op: rule.IsNotNull},
		{Name: "REGEX MATCH", Arity: "Binary", Types: both, op: rule.Matches, exact: true},
		{Name: "NOT REGEX MATCH", Arity: "Binary", Types: both, op: rule.NotMatches, exact: true},
		{Name: "INCLUDES", Arity: "Binary", Types: text, op: rule.Contains, exact: true},
		{Name: "ENDS_WITH", Also: []string{"ENDS WITH"}, Arity: "Binary", Types: text, op: rule.EndsWith, exact: true},
		{Name: "GREATER_THAN", Also: []string{"GREATER THAN"}, Arity: "Binary", Types: number, op: rule.GreaterThan},
		{Name: "GREATER_THAN_OR_EQUALS", Also: []string{"GREATER THAN OR EQUALS"}, Arity: "Binary", Types: number, op: rule.GreaterThanOrEqual},
		{Name: "&", Arity: "Binary", Types: text, op: rule.PartOf, exact: true, said: "is read as it is documented: the attribute's value is a part of the text"},
		{Name: "!&", Also: []string{"!&L"}, Arity: "Binary", Types: text, op: rule.NotPartOf, exact: true, said: "is read as it is documented: the attribute's value is no part of the text"},
		{Name: "PRESENT", Arity: "Unary", Types: all, op: rule.IsNotNull},
		{Name: "IS_MEMBER_OF", Also: []string{"IsMemberOf"}, Arity: "Binary", Types: []string{"Reference"}, op: rule.IsMemberOf, said: "is listed there and does not work; here it asks whether the object is a direct member of the group with this DN"},
		{Name: "VALID CERT MATCH", Arity: "Binary", Types: []string{"Binary"}},
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
		cond := rule.Condition{Attr: name(forestSide, k.Attr), Op: op.op, Values: op.values, CaseSensitive: op.exact}
		if op.Arity == "Binary" {
			cond.Values = k.Values
		}
		said := strings.TrimRight(k.Attr+" "+k.Operator+" "+strings.Join(k.Values, ", "), " ")
		wrong := ""
		switch {
		case !ok || op.op == "" || k.Attr == "" || op.Arity == "Binary" && (len(k.Values) != 1 || k.Values[0] == ""):
			wrong = "there is no such condition here"
		case op.op == rule.Matches || op.op == rule.NotMatches:
			if _, err := expr.NewPattern(k.Values[0]); err != nil {
				wrong = fmt.Sprintf("the text %v", err)
			}
		}
		if wrong != "" {
			in.Disabled, in.Scope = true, nil
			c.note(k.Place, "filters", "kept", "the condition %s cannot be kept (%s): the rule would have other objects, so it is switched off", said, wrong)
			return nil, false
		}
		if op.said != "" {
			c.note(k.Place, "filters", "adapted", "%s %s", said, op.said)
		}
		_, kind, _, _ := rule.Known(forestSide, cond.Attr)
		switch {
		case kind == canopy.Boolean:
			cond.CaseSensitive = false // True and true are the same
			if op.op == rule.NotEqual {
				c.note(k.Place, "filters", "adapted", "%s: an object without %s counts as one that has False there", said, cond.Attr)
			}
		case op.op == rule.NotEqual || op.op == rule.NotMatches || op.op == rule.NotPartOf:
			// An absent attribute fails every clause there, and meets the negatives here.
			out = append(out, rule.Condition{Attr: cond.Attr, Op: rule.IsNotNull})
		}
		out = append(out, cond)
	}
	return out, true
}

func operator(name string) (Operator, bool) {
	for _, o := range Operators() {
		for _, n := range append([]string{o.Name}, o.Also...) {
			if canopy.Fold(n) == canopy.Fold(name) {
				return o, true
			}
		}
	}
	return Operator{}, false
}

// Rule is the operator of sync rules that stands for it, "" when there is none.
func (o Operator) Rule() string { return string(o.op) }
