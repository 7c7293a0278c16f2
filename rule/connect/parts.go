package connect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
)

// sides are those between which a rule's values go.
func sides(in *Rule, kind string) (from, to string) {
	if in.Inbound {
		return kind, metaSide
	}
	return metaSide, kind
}

// operators are those of scopes; the first of each is how it is written here.
var operators = []rule.Op{rule.Equal, rule.NotEqual, rule.LessThan, rule.LessThanOrEqual, rule.GreaterThan, rule.GreaterThanOrEqual, rule.Contains,
	rule.NotContains, rule.StartsWith, rule.NotStartsWith, rule.EndsWith, rule.NotEndsWith, rule.IsNull, rule.IsNotNull, rule.IsIn, rule.IsNotIn,
	rule.IsBitSet, rule.IsBitNotSet, rule.IsMemberOf, rule.IsNotMemberOf}

// objectDN is the pseudo attribute of an object's own name.
const objectDN canopy.Attr = "dn"

const tenantAnchor canopy.Attr = "cloudAnchor"

// scope converts the scoping filter. A filter that cannot be taken whole takes the rule out of force: with a part of it
// the rule would have other objects.
func (c *converter) scope(in *Rule, out *rule.Rule, kind string) {
	from, _ := sides(in, kind)
	for _, g := range in.Scope {
		var group []rule.Condition
		for _, s := range g {
			cond, why := condition(s, from)
			if why != "" {
				c.off(in, out, s.Place, "scope", "the condition %s %s %s cannot be kept: %s. The rule would have other objects, so it is not in force", s.Attr, s.Operator, s.Value, why)
				out.Scope = nil
				return
			}
			if c.unknowable(in, out, &s, &cond) {
				continue
			}
			group = append(group, cond)
		}
		if len(group) == 0 {
			c.note(in, in.Place, "scope", Adapted, "a group of the scoping filter has no condition left: every object of the class is in scope")
			out.Scope = nil
			return
		}
		out.Scope = append(out.Scope, group)
	}
}

// unknowable handles conditions on what the tenant tells, which is not in the metaverse here; true leaves one out.
func (c *converter) unknowable(in *Rule, out *rule.Rule, s *Scope, cond *rule.Condition) bool {
	if in.Inbound || out.Disabled || c.fed[cond.Attr] {
		return false
	}
	switch {
	case cond.Attr == tenantAnchor && cond.Op == rule.IsNotNull:
		c.note(in, s.Place, "scope", Adapted, "whether the tenant has the object already (cloudAnchor) is not asked: the rest of the group decides for new and known objects alike. What limited new objects alone, as a number of members, does not limit them; the target's own limit does")
		return true
	case cond.Op == rule.Equal || cond.Op == rule.IsNotNull:
		c.note(in, s.Place, "scope", Adapted, "no inbound rule in force fills %s: the condition %s %s %s never holds", cond.Attr, s.Attr, s.Operator, s.Value)
	}
	return false
}

// condition converts one condition; why says that it cannot be.
func condition(s Scope, from string) (rule.Condition, string) {
	op := rule.Op(strings.ToUpper(s.Operator))
	if op == "ISNOTBITSET" {
		op = rule.IsBitNotSet
	}
	out := rule.Condition{Attr: attrOf(from, s.Attr), Op: op}
	switch {
	case !slices.Contains(operators, op):
		return out, "there is no such operator"
	case len(rule.UnknownParams(s.Value)) > 0:
		return out, "connectors give no parameter " + strings.Join(rule.UnknownParams(s.Value), ", ") + " here"
	case op == rule.IsNull || op == rule.IsNotNull:
		return out, ""
	case op == rule.IsIn || op == rule.IsNotIn:
		for _, v := range strings.Split(s.Value, ";") {
			if v = strings.TrimSpace(v); v != "" {
				out.Values = append(out.Values, v)
			}
		}
		if out.Values == nil {
			return out, "it has no value"
		}
	case s.Value == "" && op != rule.Equal && op != rule.NotEqual:
		return out, "it has no value"
	default:
		out.Values = []string{s.Value}
	}
	return out, ""
}

// joins converts the join criteria: of inbound rules as they are, of outbound rules to the tenant to the ways in which
// Canopy finds what the tenant has.
func (c *converter) joins(in *Rule, out *rule.Rule, kind string, conn *Connector) {
	if !in.Inbound {
		c.matching(in, out, kind)
		return
	}
	for _, g := range in.Join {
		var group []rule.JoinOn
		for _, j := range g {
			source, target := attrOf(kind, j.Source), attrOf(metaSide, j.Target)
			if c.isLink(conn, kind, source) || c.isLink(nil, metaSide, target) {
				c.note(in, j.Place, "join", Lost, "%s = %s: attributes that name other objects join nothing here. The group of criteria is left out", j.Source, j.Target)
				group = nil
				break
			}
			group = append(group, rule.JoinOn{Source: source, Target: target, CaseSensitive: j.CaseSensitive})
		}
		if len(group) > 0 {
			out.Join = append(out.Join, group)
		}
	}
}

// matching says what becomes of an outbound rule's criteria.
func (c *converter) matching(in *Rule, out *rule.Rule, kind string) {
	if out.Link == rule.Provision && kind == tenantSide {
		out.Match = c.matches[out.Target]
	}
	if out.Disabled && !in.Disabled || len(in.Join) == 0 {
		return // what becomes of the rule is said already
	}
	anchor, said := kind == tenantSide, []string{}
	for _, g := range in.Join {
		var all []string
		for _, j := range g {
			all = append(all, j.Source+" = "+j.Target)
			anchor = anchor && fold(j.Source) == fold(string(canopy.AttrSourceAnchor)) && fold(j.Target) == fold(string(canopy.AttrSourceAnchor))
		}
		said = append(said, strings.Join(all, " and "))
	}
	o, text := Lost, "objects of the tenant are found by source anchor, address and sign-in name alone"
	switch {
	case anchor && len(out.Match) > 0:
		o, text = Builtin, "an object of the tenant is found by its source anchor, then by address and sign-in name, as the cloud itself does it"
	case anchor:
		o, text = Builtin, "an object of the tenant is found by the rule that provisions it; this one rides on that"
	case kind == forestSide:
		o, text = Builtin, "an object of a forest is joined once, by the inbound rules"
	}
	c.note(in, in.Join[0][0].Place, "join", o, "%s: %s", strings.Join(said, "; "), text)
}

var mergeTypes = map[string]rule.Merge{"": rule.Update, "update": rule.Update, "replace": rule.Update, "merge": rule.Union, "mergecaseinsensitive": rule.UnionCaseInsensitive}

// alreadySaid is why a flow is left out when a note says so already.
const alreadySaid = "-"

// flows converts the attribute mappings.
func (c *converter) flows(in *Rule, out *rule.Rule, kind string, conn *Connector) {
	from, to := sides(in, kind)
	if out.Link == rule.JoinNoFlow && len(in.Flows) > 0 {
		c.note(in, "", "flows", Builtin, "a rule of link type JoinNoFlow has no flows in force there either: its %d mappings are left out", len(in.Flows))
		return
	}
	for i := range in.Flows {
		m := &in.Flows[i]
		f := rule.Flow{To: attrOf(to, m.To), Once: m.Once}
		if why := c.source(in, m, &f, from, to, conn); why != "" {
			if why != alreadySaid {
				c.note(in, m.Place, "flow to "+m.To, Lost, "%s", why)
			}
			continue
		}
		var ok bool
		if f.Merge, ok = mergeTypes[fold(m.Merge)]; !ok {
			c.note(in, m.Place, "flow to "+m.To, Adapted, "the merge type %q is not known: the first flow that has a value wins", m.Merge)
		}
		if !out.Disabled && !c.inForce(in, m, out, &f, kind) {
			continue
		}
		out.Flows = append(out.Flows, f)
	}
}

// inForce finishes a flow of a rule in force; false leaves it out.
func (c *converter) inForce(in *Rule, m *Flow, out *rule.Rule, f *rule.Flow, kind string) bool {
	if out.Direction == rule.Out && kind == tenantSide {
		if f.To == objectDN {
			c.note(in, m.Place, "flow to "+m.To, Builtin, "the name by which the old server knows the object is not written: the tenant names its objects itself, and they are found by source anchor")
			return false
		}
		if c.o.Takes != nil && !c.o.Takes(out.Target, f.To) {
			c.note(in, m.Place, "flow to "+m.To, Lost, "the target has no attribute %s on a %s: an object with it would be refused, so it is not written", f.To, out.Target)
			return false
		}
		if known, ok := c.claims[f.To]; ok {
			f.Claim, f.Held = known.Claim, known.Held
		}
	}
	key := fmt.Sprint(out.Direction, out.Connector, out.Target, f.To)
	if out.Direction == rule.In {
		key = fmt.Sprint(out.Direction, out.Target, f.To)
	}
	if f.Expression == "AuthoritativeNull" {
		return true
	}
	if first, ok := c.merges[key]; ok && first != f.Merge {
		c.note(in, m.Place, "flow to "+m.To, Adapted, "another rule merges the values of %s by %s: all must do the same, so this one does too", f.To, first)
		f.Merge = first
		return true
	}
	c.merges[key] = f.Merge
	return true
}

// source says what a flow takes its value from; why says that it cannot be taken.
func (c *converter) source(in *Rule, m *Flow, f *rule.Flow, from, to string, conn *Connector) (why string) {
	toLink := c.isLink(c.schemaOf(conn, to), to, f.To)
	switch m.Kind {
	case Constant:
		if toLink {
			return "it names other objects, and a constant names none"
		}
		v := c.constant(m.Text, c.typeOf(c.schemaOf(conn, to), to, f.To))
		f.Constant = &v
		return ""
	case Direct:
		f.From = attrOf(from, m.From[0])
	case Expression:
		f.Expression = m.Text
		if a, ok := alone(m.Text); ok {
			f.Expression, f.From = "", attrOf(from, a)
		}
	}
	if f.From != "" {
		f.Link = toLink
		if fromLink := c.isLink(c.schemaOf(conn, from), from, f.From); fromLink != toLink {
			return fmt.Sprintf("of %s and %s one names other objects and the other does not: a reference cannot be made of a value, nor the other way round", f.From, f.To)
		}
		return ""
	}
	return c.expression(in, m, f, from, toLink, c.schemaOf(conn, from))
}

// schemaOf is the connector when the side is its own.
func (c *converter) schemaOf(conn *Connector, side string) *Connector {
	if side == metaSide {
		return nil
	}
	return conn
}

// alone tells whether an expression is nothing but an attribute.
func alone(text string) (string, bool) {
	t := strings.TrimSpace(text)
	if len(t) > 2 && t[0] == '[' && strings.IndexByte(t, ']') == len(t)-1 {
		return t[1 : len(t)-1], true
	}
	return "", false
}

// expression checks an expression, and brings its attributes into their schema's spelling.
func (c *converter) expression(in *Rule, m *Flow, f *rule.Flow, from string, toLink bool, conn *Connector) string {
	p, err := expr.Parse(f.Expression, expr.Connect())
	if err != nil {
		return fmt.Sprintf("the expression %s is not understood: %v", short(f.Expression), err)
	}
	if toLink && f.Expression != "AuthoritativeNull" {
		if slices.Contains(p.Calls(), "Error") && strings.Contains(f.Expression, "IgnoreThisFlow") {
			f.Expression, f.Link = "", false
			c.note(in, m.Place, "flow to "+m.To, Builtin, "the expression gives no references, it only refuses objects: %s. They are not refused here; the target refuses what exceeds its own limit, in its own words", short(m.Text))
			return alreadySaid
		}
		return fmt.Sprintf("references flow from an attribute alone, and this is an expression: %s", short(f.Expression))
	}
	f.Link = toLink
	for _, u := range p.Uses() {
		right := attrOf(from, u.Attr)
		if u.How != expr.UseCount && c.isLink(conn, from, right) {
			return fmt.Sprintf("the expression reads %s, which names other objects: expressions only count them", u.Attr)
		}
		if string(right) != u.Attr {
			f.Expression = strings.NewReplacer("["+u.Attr+"]", "["+string(right)+"]", `"`+u.Attr+`"`, `"`+string(right)+`"`).Replace(f.Expression)
			c.note(in, m.Place, "flow to "+m.To, Adapted, "the expression writes %s; the attribute is spelled %s", u.Attr, right)
		}
	}
	return ""
}

// isLink tells whether an attribute names other objects: by the list of names, else by the export's own schema.
func (c *converter) isLink(conn *Connector, side string, a canopy.Attr) bool {
	return c.typeOf(conn, side, a) == canopy.Reference
}

var syntaxTypes = map[Syntax]canopy.Type{String: canopy.String, Integer: canopy.Integer, Boolean: canopy.Boolean, Binary: canopy.Binary, Reference: canopy.Reference}

func (c *converter) typeOf(conn *Connector, side string, a canopy.Attr) canopy.Type {
	if _, kind, _, ok := rule.Known(side, a); ok {
		return kind
	}
	types := c.e.Metaverse.Types
	if side != metaSide {
		types = nil
		if conn != nil {
			types = conn.Types
		}
	}
	if t, ok := types[fold(string(a))]; ok {
		return syntaxTypes[t.Syntax]
	}
	return canopy.String
}

// constant is a constant in its target's type.
func (c *converter) constant(s string, t canopy.Type) canopy.Value {
	switch t {
	case canopy.Boolean:
		if fold(s) == "true" || fold(s) == "false" {
			return canopy.Bool(fold(s) == "true")
		}
	case canopy.Integer:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return canopy.Int(n)
		}
	case canopy.String, canopy.Time, canopy.Binary, canopy.Reference:
	}
	return canopy.Text(s)
}
