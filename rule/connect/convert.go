package connect

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// Options say how an export becomes Canopy's.
type Options struct {
	// Forests names the connector of the configuration for a forest of the export, by the forest's or connector's name.
	// A forest that it does not name has its own name; where the export has one forest alone, its rules are for all.
	Forests map[string]canopy.ConnectorID
	// Takes tells whether the target takes an attribute on a class; nil: it takes all.
	Takes func(canopy.Class, canopy.Attr) bool
}

// Outcome says what became of a part of the export.
type Outcome string

// The outcomes.
const (
	Taken   Outcome = "taken"    // as it is
	Adapted Outcome = "adapted"  // with a difference that is said
	Builtin Outcome = "built in" // Canopy does it itself
	Kept    Outcome = "kept"     // as a rule file that is switched off
	Lost    Outcome = "not taken"
)

// Note says what became of a part, and what that means.
type Note struct {
	Rule    string  `json:"rule,omitempty"` // the rule's name in the export
	Place   string  `json:"place"`
	Part    string  `json:"part"` // "rule", "flow to mail", "scope", "join"
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"`
}

// Conversion is what became of an export.
type Conversion struct {
	Rules []*rule.Rule
	Notes []Note // what is not simply taken, by rule
	Flows int    // that are in force or kept
	// Files are the rule files: those of Rules, and those that switch off the built-in rules, which they take the place of.
	Files rule.Files
	Set   *rule.Set // as they load together
}

// Enabled is how many of the rules are in force.
func (c *Conversion) Enabled() int {
	n := 0
	for _, r := range c.Rules {
		if !r.Disabled {
			n++
		}
	}
	return n
}

// converter makes rules of one export.
type converter struct {
	o       Options
	e       *Export
	by      map[string]*Connector
	claims  map[canopy.Attr]rule.Flow        // of the built-in outbound rules, by target
	matches map[canopy.Class][]rule.MatchKey // of the same, by class
	merges  map[string]rule.Merge            // of attributes in force
	fed     map[canopy.Attr]bool             // metaverse attributes that a forest's rules fill
	ids     map[canopy.RuleID]bool
	used    map[int]string // precedences, with the rule that has one
	out     *Conversion
}

// Convert makes Canopy's rules of an export. The rules stand in for the built-in ones, all of which are switched off but
// those that the old product has no counterpart of. An error is a set that cannot be loaded.
func Convert(e *Export, o Options) (*Conversion, error) {
	c := &converter{o: o, e: e, by: map[string]*Connector{}, claims: map[canopy.Attr]rule.Flow{}, matches: map[canopy.Class][]rule.MatchKey{},
		merges: map[string]rule.Merge{}, fed: map[canopy.Attr]bool{}, ids: map[canopy.RuleID]bool{}, used: map[int]string{}, out: &Conversion{Files: rule.Files{}}}
	for i := range e.Connectors {
		c.by[e.Connectors[i].ID] = &e.Connectors[i]
	}
	builtin, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}})
	if err != nil {
		return nil, err
	}
	c.learn(builtin)
	for i := range e.Rules {
		c.feeds(&e.Rules[i])
	}
	for i := range e.Rules {
		c.rule(&e.Rules[i])
	}
	c.builtins(builtin)
	return c.out, c.load()
}

// learn takes from the built-in rules what outbound rules say here and do not there: which values must be unique, and how
// an object that the target has already is found.
func (c *converter) learn(builtin *rule.Set) {
	for _, r := range builtin.All() {
		c.ids[r.ID] = true
		if r.Direction == rule.In {
			continue
		}
		if len(r.Match) > 0 {
			c.matches[r.Target] = r.Match
		}
		for _, f := range r.Flows {
			if f.Claim != "" {
				c.claims[f.To] = f
			}
		}
	}
}

// side is what a rule's connector is: the kind of rule files, and whose schema it has.
func (c *converter) side(r *Rule) (kind string, conn *Connector) {
	conn = c.by[r.Connector]
	switch {
	case conn != nil && conn.Kind == Other:
		return "", conn
	case conn != nil && conn.Kind == Cloud, conn == nil && r.Connector == theCloud:
		return tenantSide, conn
	}
	return forestSide, conn
}

// theCloud is the id that every server gives its cloud connector.
const theCloud = "b891884f-051e-4a83-95af-2544101c9083"

// The sides of rules, as package rule names them.
const (
	forestSide = "ad"
	tenantSide = "tenant"
	metaSide   = "meta"
)

// feeds notes which metaverse attributes the forests fill.
func (c *converter) feeds(r *Rule) {
	if kind, _ := c.side(r); r.Inbound && !r.Disabled && kind == forestSide {
		for _, f := range r.Flows {
			c.fed[attrOf(metaSide, f.To)] = true
		}
	}
}

// attrOf is an attribute in the spelling of its schema.
func attrOf(side, name string) canopy.Attr {
	switch fold(name) {
	case "dn", "rdn":
		return canopy.Attr(fold(name))
	}
	if a, _, _, ok := rule.Known(side, canopy.Attr(name)); ok {
		return a
	}
	return canopy.Attr(name)
}

func (c *converter) note(r *Rule, place, part string, o Outcome, format string, args ...any) {
	n := Note{Rule: r.Name, Place: cmp.Or(place, r.Place), Part: part, Outcome: o, Text: fmt.Sprintf(format, args...)}
	if !slices.ContainsFunc(c.out.Notes, func(m Note) bool { return m.Rule == n.Rule && m.Part == n.Part && m.Text == n.Text }) {
		c.out.Notes = append(c.out.Notes, n)
	}
}

// off says why a rule is kept switched off.
func (c *converter) off(in *Rule, out *rule.Rule, place, part, format string, args ...any) {
	out.Disabled = true
	c.note(in, place, part, Kept, format, args...)
}

var links = map[string]rule.LinkType{"provision": rule.Provision, "join": rule.JoinOnly, "stickyjoin": rule.StickyJoin, "joinnoflow": rule.JoinNoFlow}

// rule converts one rule.
func (c *converter) rule(in *Rule) {
	kind, conn := c.side(in)
	if kind == "" {
		c.note(in, "", "rule", Lost, "it is for %s, a connector of the kind %s %s: Canopy reads forests and writes the tenant. What this rule brings is missing for the rules that read it",
			conn.Name, conn.Category, conn.Subtype)
		return
	}
	link, ok := links[fold(in.Link)]
	if !ok {
		c.note(in, "", "rule", Lost, "the link type %q is not known", in.Link)
		return
	}
	out := &rule.Rule{ID: c.id(in, conn), Name: in.Name, Text: said(in), Direction: rule.Out, Connector: kind, Source: []canopy.Class{canopy.Class(in.Source)},
		Target: canopy.Class(in.Target), Link: link, Precedence: in.Precedence, Disabled: in.Disabled}
	if in.Inbound {
		out.Direction = rule.In
		if kind == forestSide {
			out.Connector = c.forest(in, conn)
		}
	}
	if in.Disabled {
		c.note(in, "", "rule", Taken, "it is switched off there, and stays so")
	}
	if in.PasswordSync {
		c.note(in, "", "password sync", Lost, "password hashes are not synchronised: people of this rule's scope sign in by federation, pass-through or a password of the cloud's own")
	}
	if in.SoftDelete != "" {
		c.note(in, "", "soft delete", Builtin, "objects are kept for %s after their deletion there; here the tenant keeps what is deleted for 30 days", in.SoftDelete)
	}
	c.place(in, out, kind)
	c.scope(in, out, kind)
	c.joins(in, out, kind, conn)
	c.flows(in, out, kind, conn)
	c.precedence(in, out)
	c.out.Rules = append(c.out.Rules, out)
	c.out.Flows += len(out.Flows)
}

// said is the rule's text for people.
func said(in *Rule) string {
	var parts []string
	if in.Description != "" {
		parts = append(parts, in.Description)
	}
	from := "Taken over from Connect Sync"
	if in.ID != "" {
		from += ", rule " + in.ID
	}
	if in.Tag != "" {
		from += ", " + in.Tag
	}
	return strings.Join(append(parts, from+"."), "\n")
}

// id is a name for the rule's file: that of the rule, with the forest's where there are several.
func (c *converter) id(in *Rule, conn *Connector) canopy.RuleID {
	name := in.Name
	if conn != nil && conn.Kind == Forest && c.forests() > 1 {
		name += " " + conn.Name
	}
	var b strings.Builder
	for _, r := range fold(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	base := strings.Trim(b.String(), "-.")
	base = strings.Trim(base[:min(len(base), 90)], "-.")
	if base == "" {
		base = "rule"
	}
	id := canopy.RuleID(base)
	for n := 2; c.ids[id]; n++ {
		id = canopy.RuleID(fmt.Sprintf("%s-%d", base, n))
	}
	c.ids[id] = true
	return id
}

func (c *converter) forests() int {
	n := 0
	for i := range c.e.Connectors {
		if c.e.Connectors[i].Kind == Forest {
			n++
		}
	}
	return n
}

// forest is the connector that an inbound rule is for.
func (c *converter) forest(in *Rule, conn *Connector) string {
	if conn == nil {
		if c.forests() > 0 || len(c.e.Connectors) == 0 {
			c.note(in, "", "connector", Adapted, "the connector %s is not in the export: the rule is for every forest", in.Connector)
		}
		return forestSide
	}
	if id := c.Named(conn); id != "" {
		return string(id)
	}
	if c.forests() == 1 {
		return forestSide
	}
	return cmp.Or(conn.Forest, conn.Name)
}

// Named is the connector of the configuration that the options name for a forest, "" when they name none.
func (c *converter) Named(conn *Connector) canopy.ConnectorID { return c.o.forest(conn) }

func (o *Options) forest(conn *Connector) canopy.ConnectorID {
	for name, id := range o.Forests {
		if fold(name) == fold(conn.Name) || fold(name) == fold(conn.Forest) {
			return id
		}
	}
	return ""
}

var (
	forestClasses = []canopy.Class{canopy.User, canopy.InetOrgPerson, canopy.Group, canopy.Contact, canopy.ForeignSecurityPrincipal}
	metaClasses   = []canopy.Class{canopy.Person, canopy.Group}
	tenantClasses = []canopy.Class{canopy.User, canopy.Group, canopy.Contact}
)

// place switches a rule off that has no place here: its direction or its classes.
func (c *converter) place(in *Rule, out *rule.Rule, kind string) {
	spelled := func(k canopy.Class, known []canopy.Class) canopy.Class {
		for _, x := range known {
			if fold(string(x)) == fold(string(k)) {
				return x
			}
		}
		return k
	}
	outer, inner := &out.Target, &out.Source[0]
	known := tenantClasses
	if kind == forestSide {
		known = forestClasses
	}
	if in.Inbound {
		outer, inner = inner, outer
	}
	*outer, *inner = spelled(*outer, known), spelled(*inner, metaClasses)
	switch {
	case in.Inbound && kind == tenantSide:
		c.off(in, out, "", "rule", "values of the tenant do not flow to the metaverse: %s stay empty there. Canopy itself finds an object of the tenant by its source anchor, compares the anchors, and leaves alone what the tenant holds and no rule fills", fills(in))
	case !in.Inbound && kind == forestSide:
		c.off(in, out, "", "rule", "forests are not written by rule: %s", written(in))
	case !slices.Contains(metaClasses, *inner) && *inner != "*":
		c.off(in, out, "", "rule", "the metaverse has people and groups, no %s: such objects are not synchronised", *inner)
	case !slices.Contains(known, *outer):
		c.off(in, out, "", "rule", "objects of class %s are neither read nor written: they are not synchronised", *outer)
	}
}

// fills names what a rule fills, a few of many.
func fills(in *Rule) string {
	const most = 6
	var names []string
	for _, f := range in.Flows {
		names = append(names, f.To)
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// written says what a rule for a forest would write.
func written(in *Rule) string {
	if len(in.Flows) == 0 {
		return "it only joins, which the inbound rules do here"
	}
	return fills(in) + " stay in the forest as they are"
}

// precedence gives the rule a number of its own.
func (c *converter) precedence(in *Rule, out *rule.Rule) {
	if out.Disabled {
		return
	}
	for c.used[out.Precedence] != "" {
		out.Precedence++
	}
	if out.Precedence != in.Precedence {
		c.note(in, "", "precedence", Adapted, "%s has the precedence %d as well: this rule comes after it, with %d", c.used[in.Precedence], in.Precedence, out.Precedence)
	}
	c.used[out.Precedence] = in.Name
}
