package cloudsync

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
)

// Note says what became of a part that is not simply taken.
type Note struct {
	Place   string `json:"place"`
	Part    string `json:"part"`
	Outcome string `json:"outcome"` // adapted, built in, kept, not taken
	Text    string `json:"text"`
}

// Conversion is what became of a schema.
type Conversion struct {
	Rules []*rule.Rule
	Notes []Note
	// Files are the rule files, and those that switch off the built-in rules, whose place they take.
	Files rule.Files
	Set   *rule.Set
}

// The sides of rules, as package rule names them.
const (
	forestSide = "ad"
	tenantSide = "tenant"
	metaSide   = "meta"
)

// The names that the service gives the two directories.
const (
	forestName = "active directory"
	cloudName  = "azure active directory"
)

type converter struct {
	out     *Conversion
	takes   func(canopy.Class, canopy.Attr) bool
	metas   map[canopy.Attr]canopy.Attr // the metaverse attribute that the built-in rules fill a tenant attribute from
	claims  map[canopy.Attr]rule.Flow
	matches map[canopy.Class][]rule.MatchKey
	outs    map[canopy.Class]*rule.Rule
	next    int
}

// Convert makes rules of a schema. A mapping goes through the metaverse: an inbound rule fills it, and one outbound rule
// for each class of the tenant writes it. takes tells whether the target takes an attribute on a class; nil: all.
func Convert(s *Schema, takes func(canopy.Class, canopy.Attr) bool) (*Conversion, error) {
	builtin, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}})
	if err != nil {
		return nil, err
	}
	c := &converter{out: &Conversion{Files: rule.Files{}}, takes: takes, metas: map[canopy.Attr]canopy.Attr{}, claims: map[canopy.Attr]rule.Flow{},
		matches: map[canopy.Class][]rule.MatchKey{}, outs: map[canopy.Class]*rule.Rule{}, next: 100}
	c.learn(builtin)
	rules := slices.Clone(s.Rules)
	slices.SortStableFunc(rules, func(a, b Rule) int { return a.Priority - b.Priority })
	for i := range rules {
		c.rule(&rules[i])
	}
	for _, class := range []canopy.Class{canopy.User, canopy.Group, canopy.Contact} {
		if r := c.outs[class]; r != nil {
			r.Precedence = c.next
			c.next++
			c.out.Rules = append(c.out.Rules, r)
		}
	}
	for _, r := range builtin.All() {
		c.out.Files[string(r.ID)+".yaml"] = rule.Switch(r.ID, true)
	}
	for _, r := range c.out.Rules {
		c.out.Files[string(r.ID)+".yaml"] = r.Format()
	}
	c.out.Set, err = rule.Load(rule.Options{FS: []fs.FS{rule.Builtin(), c.out.Files}})
	return c.out, err
}

// learn takes from the built-in rules the names of the metaverse, which values must be unique, and how objects match.
func (c *converter) learn(builtin *rule.Set) {
	for _, r := range builtin.All() {
		if r.Direction == rule.In {
			continue
		}
		if len(r.Match) > 0 {
			c.matches[r.Target] = r.Match
		}
		for _, f := range r.Flows {
			if f.From != "" {
				c.metas[f.To] = f.From
			}
			if f.Claim != "" {
				c.claims[f.To] = f
			}
		}
	}
}

func (c *converter) note(place, part, outcome, format string, args ...any) {
	c.out.Notes = append(c.out.Notes, Note{Place: place, Part: part, Outcome: outcome, Text: fmt.Sprintf(format, args...)})
}

func (c *converter) rule(r *Rule) {
	if canopy.Fold(r.Source) != forestName || canopy.Fold(r.Target) != cloudName {
		c.note(r.Place, "rule "+r.Name, "not taken", "it goes from %q to %q: rules go from forests to the tenant here", r.Source, r.Target)
		return
	}
	if len(r.Containers) > 0 {
		c.note(r.Place, "containers", "adapted", "write scope.include of the forest into the configuration: %s", strings.Join(r.Containers, "; "))
	}
	if len(r.Groups) > 0 {
		c.note(r.Place, "groups", "adapted", "write scope.groups of the forest into the configuration, which takes nested members too: %s", strings.Join(r.Groups, "; "))
	}
	for i := range r.Objects {
		c.object(&r.Objects[i])
	}
}

// metaOf are the metas of a class of the tenant, and what sourceObjectType says of them.
func metaOf(target string) (class, meta canopy.Class, kind string) {
	switch canopy.Fold(target) {
	case "user":
		return canopy.User, canopy.Person, "User"
	case "contact":
		return canopy.Contact, canopy.Person, "Contact"
	case "group":
		return canopy.Group, canopy.Group, ""
	}
	return "", "", ""
}

func (c *converter) object(o *ObjectMapping) {
	part := "objects " + o.Source + " to " + o.Target
	class, meta, kind := metaOf(o.Target)
	if class == "" {
		c.note(o.Place, part, "not taken", "the tenant takes users, groups and contacts, no %s: such objects are not synchronised", o.Target)
		return
	}
	in := &rule.Rule{ID: canopy.RuleID("schema-in-" + slug(o.Source)), Name: "In from AD - " + o.Source, Text: "Taken over from a Cloud Sync schema: " + o.Name + ".", Direction: rule.In, Connector: forestSide,
		Source: []canopy.Class{spelled(o.Source)}, Target: meta, Link: rule.Provision, Precedence: c.next, Disabled: !o.Enabled, Dialect: "cloud"}
	c.next++
	for n := 2; slices.ContainsFunc(c.out.Rules, func(r *rule.Rule) bool { return r.ID == in.ID }); n++ {
		in.ID = canopy.RuleID(fmt.Sprintf("schema-in-%s-%d", slug(o.Source), n))
	}
	if !strings.Contains(o.FlowTypes, "Delete") && o.FlowTypes != "" {
		c.note(o.Place, part, "adapted", "its flow types are %s: there nothing is deleted; here what leaves the scope is, as far as the guard lets it", o.FlowTypes)
	}
	out := c.outs[class]
	if out == nil {
		out = &rule.Rule{ID: canopy.RuleID("schema-out-" + string(class)), Name: "Out to the tenant - " + string(class), Text: "Taken over from a Cloud Sync schema.", Direction: rule.Out, Connector: tenantSide,
			Source: []canopy.Class{meta}, Target: class, Link: rule.Provision, Match: c.matches[class]}
		scope := []rule.Condition{{Attr: canopy.AttrSourceAnchor, Op: rule.IsNotNull}}
		if kind != "" {
			scope = append(scope, rule.Condition{Attr: canopy.AttrSourceObjectType, Op: rule.Equal, Values: []string{kind}})
		}
		out.Scope = [][]rule.Condition{scope}
		c.outs[class] = out
	}
	c.scope(o, in)
	for i := range o.Attributes {
		c.mapping(&o.Attributes[i], in, out)
	}
	c.identity(in, out, kind)
	c.out.Rules = append(c.out.Rules, in)
}

// identity adds what the service does itself and no mapping says: the source anchor, and what kind of person it is.
func (c *converter) identity(in, out *rule.Rule, kind string) {
	if !slices.ContainsFunc(in.Flows, func(f rule.Flow) bool { return f.To == canopy.AttrSourceAnchor }) {
		in.Flows = append(in.Flows, rule.Flow{To: canopy.AttrSourceAnchor, Expression: "Coalesce(ConvertToBase64([mS-DS-ConsistencyGuid]), ConvertToBase64([objectGUID]))"})
	}
	c.write(out, rule.Flow{To: canopy.AttrSourceAnchor, From: canopy.AttrSourceAnchor})
	if kind != "" {
		v := canopy.Text(kind)
		in.Flows = append(in.Flows, rule.Flow{To: canopy.AttrSourceObjectType, Constant: &v})
	}
}

// write adds an outbound flow unless the rule has it.
func (c *converter) write(out *rule.Rule, f rule.Flow) {
	if known, ok := c.claims[f.To]; ok && f.Constant == nil {
		f.Claim, f.Held = known.Claim, known.Held
	}
	if !slices.ContainsFunc(out.Flows, func(x rule.Flow) bool {
		return x.To == f.To && x.From == f.From && (x.Constant == nil) == (f.Constant == nil)
	}) {
		out.Flows = append(out.Flows, f)
	}
}

func spelled(class string) canopy.Class {
	for _, k := range []canopy.Class{canopy.User, canopy.InetOrgPerson, canopy.Group, canopy.Contact, canopy.ForeignSecurityPrincipal} {
		if canopy.Fold(string(k)) == canopy.Fold(class) {
			return k
		}
	}
	return canopy.Class(class)
}

func slug(s string) string {
	var b strings.Builder
	for _, r := range canopy.Fold(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return "object"
	}
	return b.String()
}

// name is an attribute in its schema's spelling.
func name(side, a string) canopy.Attr {
	if n, _, _, ok := rule.Known(side, canopy.Attr(a)); ok {
		return n
	}
	return canopy.Attr(a)
}

func isLink(side string, a canopy.Attr) bool {
	_, kind, _, ok := rule.Known(side, a)
	return ok && kind == canopy.Reference
}

// mapping converts one attribute mapping into a flow in and a flow out.
func (c *converter) mapping(a *AttributeMapping, in, out *rule.Rule) {
	part := "mapping to " + a.Target
	to := name(tenantSide, a.Target)
	if canopy.Fold(a.Target) == canopy.Fold(string(canopy.AttrSourceAnchorBin)) {
		c.note(a.Place, part, "built in", "the source anchor is computed from mS-DS-ConsistencyGuid, else objectGUID, as the service does it")
		return
	}
	if c.takes != nil && !c.takes(out.Target, to) {
		c.note(a.Place, part, "not taken", "the target has no attribute %s on a %s: an object with it would be refused, so it is not written", to, out.Target)
		return
	}
	meta, ok := c.metas[to]
	if !ok {
		meta = to
	}
	f := rule.Flow{To: meta}
	if why := c.source(a, &f, isLink(tenantSide, to)); why != "" {
		c.note(a.Place, part, "not taken", "%s", why)
		return
	}
	once := canopy.Fold(a.Flow) == "objectaddonly"
	if a.Flow != "" && !once && canopy.Fold(a.Flow) != "always" {
		c.note(a.Place, part, "adapted", "its flow type is %s: values that go in the forest go in the tenant too", a.Flow)
	}
	if f.From != "" || f.Expression != "" || f.Constant != nil {
		in.Flows = append(in.Flows, f)
		c.write(out, rule.Flow{To: to, From: meta, Once: once, Link: f.Link})
	}
	if a.Default != nil && *a.Default != "" && !f.Link {
		v := constant(*a.Default, tenantSide, to)
		c.write(out, rule.Flow{To: to, Constant: &v, Once: true})
	}
	if a.Match > 0 && !slices.ContainsFunc(out.Match, func(m rule.MatchKey) bool { return m.Of == to || slices.Contains(m.Also, to) }) {
		c.note(a.Place, part, "not taken", "objects of the tenant are not matched by %s, but by source anchor, address and sign-in name", to)
	}
}

// source says what a flow takes its value from; why says that it cannot be taken.
func (c *converter) source(a *AttributeMapping, f *rule.Flow, link bool) (why string) {
	switch a.Kind {
	case "Attribute":
		f.From, f.Link = name(forestSide, a.Text), link
		if isLink(forestSide, f.From) != link {
			return fmt.Sprintf("of %s and %s one names other objects and the other does not", a.Text, a.Target)
		}
	case "Constant":
		if link {
			return "it names other objects, and a constant names none"
		}
		if a.Text != "" {
			v := constant(a.Text, metaSide, f.To)
			f.Constant = &v
		}
	case "Function":
		f.Expression = a.Text
		p, err := expr.Parse(a.Text, expr.Cloud())
		if err != nil {
			return fmt.Sprintf("the expression is not understood: %v", err)
		}
		if link {
			return "references flow from an attribute alone, and this is an expression"
		}
		for _, u := range p.Uses() {
			right := name(forestSide, u.Attr)
			if isLink(forestSide, right) && u.How != expr.UseCount {
				return fmt.Sprintf("the expression reads %s, which names other objects: expressions only count them", u.Attr)
			}
			f.Expression = strings.ReplaceAll(f.Expression, "["+u.Attr+"]", "["+string(right)+"]")
		}
	}
	return ""
}

// constant is a constant in its target's type.
func constant(s, side string, to canopy.Attr) canopy.Value {
	_, kind, _, _ := rule.Known(side, to)
	if v, err := canopy.ParseValue(kind, s); err == nil && (kind == canopy.Boolean || kind == canopy.Integer) {
		return v
	}
	return canopy.Text(s)
}
