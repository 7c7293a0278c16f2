package cloudsync

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
)

// The parts of a schema as they are written.
type (
	schemaJSON struct {
		ID          string          `json:"id"`
		Version     string          `json:"version"`
		Rules       []ruleJSON      `json:"synchronizationRules"`
		Directories []DirectoryJSON `json:"directories"`
	}
	ruleJSON struct {
		ID       string        `json:"id"`
		Name     string        `json:"name"`
		Editable bool          `json:"editable"`
		Priority int           `json:"priority"`
		Source   string        `json:"sourceDirectoryName"`
		Target   string        `json:"targetDirectoryName"`
		Objects  []mappingJSON `json:"objectMappings"`
	}
	mappingJSON struct {
		Name       string     `json:"name"`
		Enabled    bool       `json:"enabled"`
		FlowTypes  string     `json:"flowTypes"`
		Source     string     `json:"sourceObjectName"`
		Target     string     `json:"targetObjectName"`
		Scope      *scopeJSON `json:"scope"`
		Attributes []attrJSON `json:"attributeMappings"`
	}
	scopeJSON struct {
		Groups []groupJSON `json:"groups"`
		Input  []groupJSON `json:"inputFilterGroups"`
		Kinds  []groupJSON `json:"categoryFilterGroups"`
	}
	groupJSON struct {
		Name    string       `json:"name"`
		Clauses []clauseJSON `json:"clauses"`
	}
	clauseJSON struct {
		Attr     string `json:"sourceOperandName"`
		Operator string `json:"operatorName"`
		Operand  struct {
			Values []string `json:"values"`
		} `json:"targetOperand"`
	}
	attrJSON struct {
		Target   string  `json:"targetAttributeName"`
		Default  *string `json:"defaultValue"`
		Missing  bool    `json:"exportMissingReferences"`
		Behavior string  `json:"flowBehavior"`
		Flow     string  `json:"flowType"`
		Match    int     `json:"matchingPriority"`
		Source   *Source `json:"source"`
	}
)

// exporter makes a schema of rules.
type exporter struct {
	set    *rule.Set
	forest canopy.ConnectorID
	notes  []Note
}

// FromRules makes a schema of the rules in force for a forest, "" for the rules that are for every forest; notes say of
// each part that a schema cannot say, or says otherwise, what becomes of it. Reading the schema again with Convert makes
// rules that do the same, as far as no note tells otherwise.
func FromRules(set *rule.Set, forest canopy.ConnectorID) (text []byte, notes []Note) {
	x := &exporter{set: set, forest: forest}
	r := ruleJSON{ID: "active", Name: "AD2AADProvisioning", Editable: true, Priority: 1, Source: "Active Directory", Target: "Azure Active Directory"}
	for _, c := range []struct{ from, to canopy.Class }{{canopy.User, canopy.User}, {canopy.InetOrgPerson, canopy.User}, {canopy.Group, canopy.Group}, {canopy.Contact, canopy.Contact}} {
		if m := x.mapping(c.from, c.to); m != nil {
			r.Objects = append(r.Objects, *m)
		}
	}
	out := schemaJSON{ID: "active", Version: set.Hash(), Rules: []ruleJSON{r}, Directories: []DirectoryJSON{usedDirectory("Active Directory", r.Objects), targetDirectory("Azure Active Directory", r.Objects)}}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // it is plain data
	}
	return append(b, '\n'), x.notes
}

func (x *exporter) note(part, outcome, format string, args ...any) {
	n := Note{Place: "the rules in force", Part: part, Outcome: outcome, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(x.notes, n) {
		x.notes = append(x.notes, n)
	}
}

// mapping is how the objects of a class of the forest become those of a class of the tenant; nil: they do not.
func (x *exporter) mapping(from, to canopy.Class) *mappingJSON {
	meta, kind := canopy.Person, "Contact"
	switch to {
	case canopy.Group:
		meta, kind = canopy.Group, ""
	case canopy.User:
		kind = "User"
	}
	in := x.set.In(forestSide, x.forest, from)
	in = slices.DeleteFunc(slices.Clone(in), func(r *rule.Rule) bool { return r.Target != meta })
	if !slices.ContainsFunc(in, func(r *rule.Rule) bool { return r.Link == rule.Provision }) {
		return nil
	}
	m := &mappingJSON{Name: "Provision Active Directory " + string(from) + "s", Enabled: true, FlowTypes: "Add,Update,Delete", Source: string(from), Target: titled(to), Attributes: []attrJSON{}}
	x.scope(m, in)
	byTarget := map[canopy.Attr]int{}
	for _, out := range x.set.Out(tenantSide, canopy.Tenant, meta) {
		if out.Target != to || out.Link == rule.JoinNoFlow {
			continue
		}
		for i := range out.Flows {
			x.attribute(m, in, out, &out.Flows[i], byTarget)
		}
	}
	if kind != "" && len(in) == 0 {
		return nil
	}
	return m
}

func titled(c canopy.Class) string { return strings.ToUpper(string(c[:1])) + string(c[1:]) }

// attribute adds what an outbound flow writes, unless one of higher precedence does.
func (x *exporter) attribute(m *mappingJSON, in []*rule.Rule, out *rule.Rule, f *rule.Flow, byTarget map[canopy.Attr]int) {
	part := "flow to " + string(f.To) + " of " + m.Source
	if f.To == canopy.AttrSourceAnchor {
		return // the service computes it by itself
	}
	if at, known := byTarget[f.To]; known {
		a := &m.Attributes[at]
		if f.Constant != nil && f.Once && a.Default == nil {
			s := f.Constant.Str()
			a.Default = &s
			return
		}
		x.note(part, "not taken", "%s writes it too, by the rule %s: a schema has one mapping for an attribute, and the first one counts", out.Name, out.ID)
		return
	}
	a := attrJSON{Target: titled(canopy.Class(f.To)), Behavior: "FlowWhenChanged", Flow: "Always", Match: matching(out, f.To)}
	if f.Once {
		a.Flow = "ObjectAddOnly"
	}
	if a.Source = x.source(part, in, out, f); a.Source == nil {
		return
	}
	byTarget[f.To] = len(m.Attributes)
	m.Attributes = append(m.Attributes, a)
}

// matching is the priority of an attribute among those by which an object of the tenant is found, 0 for none.
func matching(out *rule.Rule, to canopy.Attr) int {
	for i, k := range out.Match {
		if k.Of == to {
			return i + 1
		}
	}
	return 0
}

// source is where a flow's value comes from, from the forest on; nil when a schema cannot say that.
func (x *exporter) source(part string, in []*rule.Rule, out *rule.Rule, f *rule.Flow) *Source {
	switch {
	case f.Constant != nil:
		return constantSource(*f.Constant)
	case f.Expression != "":
		if name, ok := passes(f); ok {
			return x.inbound(part, in, canopy.Attr(name))
		}
		x.note(part, "not taken", "the rule %s computes it of the metaverse by %s, which a schema does not have", out.ID, f.Expression)
		return nil
	}
	return x.inbound(part, in, f.From)
}

// passes gives the attribute that an outbound expression hands on whenever it has a value: IIF(IsNull([a]), IgnoreThisFlow,
// [a]) and CStr([a]).
func passes(f *rule.Flow) (string, bool) {
	s := strings.ReplaceAll(f.Expression, " ", "")
	open, end := strings.Index(s, "["), strings.Index(s, "]")
	if open < 0 || end < open {
		return "", false
	}
	name := s[open+1 : end]
	a := "[" + name + "]"
	return name, s == "CStr("+a+")" || s == "IIF(IsNull("+a+"),IgnoreThisFlow,"+a+")" || s == "IIF(IsNullOrEmpty("+a+"),IgnoreThisFlow,"+a+")"
}

// inbound is the source of a metaverse attribute: what the first rule that fills it takes.
func (x *exporter) inbound(part string, in []*rule.Rule, meta canopy.Attr) *Source {
	var first *rule.Flow
	var by *rule.Rule
	for _, r := range in {
		for i := range r.Flows {
			f := &r.Flows[i]
			switch {
			case f.To != meta || f.Expression == "AuthoritativeNull":
			case first == nil:
				first, by = f, r
			case f.From != first.From || f.Expression != first.Expression || (f.Constant == nil) != (first.Constant == nil):
				x.note(part, "not taken", "the rule %s fills it otherwise where the rule %s gives nothing: a schema has one mapping for an attribute", r.ID, by.ID)
			}
		}
	}
	if first == nil {
		x.note(part, "not taken", "no inbound rule brings %s from objects of this class", meta)
		return nil
	}
	return x.written(part, by, first)
}

// written is a flow as a schema writes it.
func (x *exporter) written(part string, r *rule.Rule, f *rule.Flow) *Source {
	switch {
	case f.Constant != nil:
		return constantSource(*f.Constant)
	case f.From == "dn":
		return attrSource("distinguishedName")
	case f.From != "" && f.Trim:
		s := sourceOf("Trim([" + string(f.From) + "])")
		return &s
	case f.From != "":
		return attrSource(string(f.From))
	}
	if f.To == canopy.AttrAccountEnabled && strings.ReplaceAll(f.Expression, " ", "") == "BitAnd([userAccountControl],2)=0" {
		s := sourceOf("Not([accountDisabled])")
		return &s
	}
	text := x.simpler(part, r, f.Expression)
	p, err := expr.Parse(text, expr.Cloud())
	switch {
	case err != nil:
		x.note(part, "not taken", "the rule %s computes it by %s, which is not understood in a schema: %v", r.ID, f.Expression, err)
		return nil
	case len(p.Params()) > 0:
		x.note(part, "not taken", "the rule %s takes it from the connector (%%%s%%), which a schema does not name", r.ID, p.Params()[0])
		return nil
	case r.Dialect != "cloud":
		x.note(part, "adapted", "the expression of the rule %s is one of Connect Sync's: what is the same there is written as it is. Try it: canopy expr eval --dialect cloud '%s'", r.ID, f.Expression)
	}
	for _, w := range p.Warnings() {
		x.note(part, "adapted", "the expression of the rule %s: %s", r.ID, w)
	}
	s := sourceOf(strings.TrimSpace(text))
	return &s
}

// What Connect Sync's expressions say and a schema can say in a simpler way.
var (
	firstOf  = regexp.MustCompile(`ItemOrNull\((\[[^\]]+\]), *1\)`)
	fallback = regexp.MustCompile(`^IIF\(IsPresent\((\[[^\]]+\])\), *(Trim\((\[[^\]]+\])\)),`)
)

// simpler is an expression without what a schema has no words for, where that changes little; a note tells of it.
func (x *exporter) simpler(part string, r *rule.Rule, text string) string {
	if r.Dialect == "cloud" {
		return text
	}
	if p, err := expr.Parse(text, expr.Cloud()); err == nil && len(p.Params()) == 0 {
		return text
	}
	if m := fallback.FindStringSubmatch(text); m != nil && m[1] == m[3] {
		x.note(part, "adapted", "the rule %s has something in its place where %s is missing; a schema takes %s alone", r.ID, m[1], m[2])
		return m[2]
	}
	if firstOf.MatchString(text) {
		x.note(part, "adapted", "the rule %s takes the first of several values; a schema takes the attribute as it is", r.ID)
		return firstOf.ReplaceAllString(text, "$1")
	}
	return text
}

func attrSource(name string) *Source {
	return &Source{Type: "Attribute", Name: name, Expression: "[" + name + "]", Parameters: []Parameter{}}
}

func constantSource(v canopy.Value) *Source {
	return &Source{Type: "Constant", Name: v.Str(), Expression: `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.Str()) + `"`, Parameters: []Parameter{}}
}

// scope writes the scope of the rules that take objects of a class in, and tells of those that leave objects out in other
// ways.
func (x *exporter) scope(m *mappingJSON, in []*rule.Rule) {
	part := "scope of " + m.Source
	m.Scope = &scopeJSON{Groups: []groupJSON{}, Input: []groupJSON{}, Kinds: []groupJSON{}}
	for _, r := range in {
		for i := range r.Flows {
			if f := &r.Flows[i]; f.To == "cloudFiltered" && f.Expression != "AuthoritativeNull" {
				x.note(part, "not taken", "the rule %s leaves objects out, after they were read: %s", r.ID, r.Name)
			}
		}
		if r.Link != rule.Provision {
			continue
		}
		for n, group := range r.Scope {
			g := groupJSON{Name: fmt.Sprintf("%s %d", r.ID, n+1), Clauses: []clauseJSON{}}
			for i := range group {
				x.clause(part, &g, group, i)
			}
			if len(g.Clauses) > 0 {
				m.Scope.Input = append(m.Scope.Input, g)
			}
		}
	}
}

// clause adds a condition to a group.
func (x *exporter) clause(part string, g *groupJSON, group []rule.Condition, i int) {
	c := &group[i]
	if c.Op == rule.IsNotNull && i+1 < len(group) && group[i+1].Attr == c.Attr && impliesPresent(group[i+1].Op) {
		return // the clause that follows fails what has no value
	}
	_, kind, _, _ := rule.Known(forestSide, c.Attr)
	name := ""
	for _, o := range Operators() {
		if o.op == c.Op && name == "" && (len(o.values) == 0 || kind == canopy.Boolean && slices.EqualFunc(o.values, c.Values, strings.EqualFold)) && (o.Arity == "Unary") == (len(o.values) > 0 || len(c.Values) == 0) {
			name = o.Name
			if kind != canopy.Boolean && len(c.Values) > 0 && o.exact && !c.CaseSensitive && c.Op != rule.Matches && c.Op != rule.NotMatches {
				x.note(part, "adapted", "%s %s %s compares with regard to case there", c.Attr, c.Op, strings.Join(c.Values, ", "))
			}
		}
	}
	if kind == canopy.Boolean && c.Op == rule.NotEqual {
		name = "NOT EQUALS"
	}
	negative := c.Op == rule.NotEqual || c.Op == rule.NotMatches || c.Op == rule.NotPartOf
	switch {
	case name == "" || len(c.Values) > 1 || c.Attr == "dn" || c.Attr == "rdn":
		x.note(part, "not taken", "a schema has no filter for %s %s %s: it would take in objects that are out of scope here", c.Attr, c.Op, strings.Join(c.Values, ", "))
		return
	case negative && kind != canopy.Boolean && (i == 0 || group[i-1].Attr != c.Attr || group[i-1].Op != rule.IsNotNull):
		x.note(part, "not taken", "%s %s %s holds for objects without a value, and in a schema no clause does", c.Attr, c.Op, strings.Join(c.Values, ", "))
		return
	}
	k := clauseJSON{Attr: string(c.Attr), Operator: name}
	k.Operand.Values = c.Values
	if o, _ := operator(name); o.Arity == "Unary" || k.Operand.Values == nil {
		k.Operand.Values = []string{}
	}
	g.Clauses = append(g.Clauses, k)
}

func impliesPresent(op rule.Op) bool {
	return op == rule.NotEqual || op == rule.NotMatches || op == rule.NotPartOf
}
