package rule

import (
	"regexp"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// goodID is the form of a rule's id.
var goodID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// goodAttr is the form of an attribute's name.
var goodAttr = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_;-]{0,255}$`)

// metaClasses are the classes of metas; "*" is any.
var metaClasses = []canopy.Class{canopy.Person, canopy.Group}

// params are the parameters that connectors give.
var params = []string{"Domain.FQDN", "Domain.LDAP", "Domain.Netbios", "Forest.FQDN", "Forest.LDAP", "Forest.Netbios", "Connector.ID", "Tenant.Initial", "Tenant.Domains"}

// check looks at the rules together and one by one.
func (l *loader) check(s *Set) {
	by := map[int]*Rule{}
	for _, r := range s.rules {
		if other := by[r.Precedence]; other != nil && !r.Disabled {
			l.fault(r, 0, "the precedence %d is also that of the rule %s, in %s", r.Precedence, other.ID, other.File)
		}
		if !r.Disabled {
			by[r.Precedence] = r
		}
		l.rule(r)
	}
	l.merges(s)
	l.sources(s)
	l.steady(s)
}

// rule checks one rule.
func (l *loader) rule(r *Rule) {
	if !goodID.MatchString(string(r.ID)) {
		l.fault(r, 0, "the id %q is not made of small letters, digits and . _ -", r.ID)
	}
	if len(r.Source) == 0 || slices.Contains(r.Source, "") || r.Target == "" || r.Connector == "" {
		l.fault(r, 0, "connector, source and target are not empty")
	}
	from, to := sidesOf(r)
	metas := r.Source
	if r.Direction == In {
		metas = []canopy.Class{r.Target}
	}
	for _, c := range metas {
		// A rule that is switched off may be kept for a class that no meta has.
		if !r.Disabled && !slices.Contains(metaClasses, c) && (c != "*" || r.Direction == Out) {
			l.fault(r, 0, "%q is no class of the metaverse; there are person and group", c)
		}
	}
	switch {
	case r.Target == "*" && (len(r.Flows) > 0 || r.Link == Provision):
		l.fault(r, 0, `a rule for metas of any class ("*") only joins: it has no flows and makes nothing`)
	case r.Link == JoinNoFlow && len(r.Flows) > 0:
		l.fault(r, 0, "a rule of link type join-no-flow has no flows")
	case r.Direction == Out && (len(r.Join) > 0 || r.configured):
		l.fault(r, 0, "an outbound rule has match, not join")
	case r.Direction == In && len(r.Match) > 0:
		l.fault(r, 0, "an inbound rule has join, not match")
	}
	for _, group := range r.Scope {
		for i := range group {
			group[i].Attr = l.name(r, from, group[i].Attr, 0)
			if wrong := group[i].compile(); wrong != "" {
				l.fault(r, 0, "%s", wrong)
			}
			l.condition(r, &group[i], from)
		}
	}
	for _, group := range r.Join {
		for i := range group {
			group[i].Source, group[i].Target = l.name(r, from, group[i].Source, 0), l.name(r, to, group[i].Target, 0)
		}
	}
	for i := range r.Match {
		m := &r.Match[i]
		m.From, m.Of = l.name(r, from, m.From, 0), l.name(r, to, m.Of, 0)
		for j := range m.Also {
			m.Also[j] = l.name(r, to, m.Also[j], 0)
		}
	}
	for i := range r.Flows {
		l.flow(r, &r.Flows[i], from, to)
	}
}

// condition looks at what a condition compares.
func (l *loader) condition(r *Rule, c *Condition, side string) {
	for _, v := range c.Values {
		for _, name := range UnknownParams(v) {
			l.warn(r, 0, c.Attr, "the parameter %"+name+"% of the condition "+c.text+" is not among those that connectors give: without it no object of the rule can be evaluated", "the known ones are "+strings.Join(params, ", "))
		}
	}
	if c.op == IsMemberOf && r.Direction == Out {
		l.fault(r, 0, "%s asks for the groups of an object of a forest: it stands in inbound rules", c.Op)
	}
	if x, ok := l.names.of(side, c.Attr); ok && x.kind == canopy.Reference && c.op != IsNotNull && c.op != IsMemberOf {
		l.fault(r, 0, "the attribute %s names other objects: a condition can ask whether it has any (ISNULL, ISNOTNULL), not %s", c.Attr, c.Op)
	}
}

// sidesOf are the sides between which a rule's values go.
func sidesOf(r *Rule) (from, to string) {
	side := adKind
	if r.of(tenantKind) {
		side = tenantKind
	}
	if r.Direction == In {
		return side, meta
	}
	return meta, side
}

// name gives an attribute its schema's spelling, and warns of one that is not known.
func (l *loader) name(r *Rule, side string, a canopy.Attr, line int) canopy.Attr {
	if a == "" || a == attrDN || a == attrRDN {
		return a
	}
	if x, ok := l.names.of(side, a); ok {
		return x.name
	}
	if !goodAttr.MatchString(string(a)) {
		l.fault(r, line, "%q is not an attribute's name", a)
		return a
	}
	if strings.HasPrefix(string(a), "extension_") && side == tenantKind {
		return a
	}
	next := "nothing, when the schema was extended by it"
	if near := l.names.like(side, a); near != "" {
		next = "is " + string(near) + " meant?"
	}
	l.warn(r, line, a, "the attribute "+string(a)+" is not among those that are known of "+side, next)
	return a
}

func (l *loader) flow(r *Rule, f *Flow, from, to string) {
	f.To = l.name(r, to, f.To, f.Line)
	f.From = l.name(r, from, f.From, f.Line)
	for i := range f.Held {
		f.Held[i] = l.name(r, to, f.Held[i], f.Line)
	}
	if f.To == attrDN && r.Direction == In || f.To == attrRDN {
		l.fault(r, f.Line, "nothing can flow to %s", f.To)
	}
	if f.Claim != "" {
		known := []canopy.ClaimKind{canopy.ClaimAnchor, canopy.ClaimUPN, canopy.ClaimAddress, canopy.ClaimAlias}
		if r.Direction == In || !slices.Contains(known, f.Claim) {
			l.fault(r, f.Line, "a claim is one of anchor, upn, address, alias, and stands in an outbound flow")
		}
	}
	source, knownFrom := l.names.of(from, f.From)
	target, knownTo := l.names.of(to, f.To)
	isLink := target.kind == canopy.Reference
	switch {
	case f.Link && f.From == "" && f.Expression != nullWord:
		l.fault(r, f.Line, "links flow from an attribute, not from a constant or expression")
	case knownTo && isLink != f.Link:
		l.fault(r, f.Line, "the attribute %s names other objects, or link is set for one that does not: the two go together", f.To)
	case f.From != "" && knownFrom && (source.kind == canopy.Reference) != f.Link:
		l.fault(r, f.Line, "the attribute %s names other objects, or link is set for one that does not: the two go together", f.From)
	}
	if f.Expression != "" {
		l.expression(r, f, from)
	}
}

// expression parses a flow's expression and looks at what it reads.
func (l *loader) expression(r *Rule, f *Flow, side string) {
	p, err := expr.Parse(f.Expression, r.dialect())
	if err != nil {
		l.fault(r, f.Line, "the expression for %s: %s", f.To, err)
		return
	}
	f.program = p
	for _, w := range p.Warnings() {
		l.warn(r, f.Line, f.To, "the expression for "+string(f.To)+": "+w.Error(), "write it so that it can be read in one way alone")
	}
	if varies := p.Varies(); varies != "" && !f.Once {
		l.warn(r, f.Line, f.To, "the expression for "+string(f.To)+" gives something else each time, by "+varies, "set once, so that it applies when the object is made alone")
	}
	if slices.Contains(p.Calls(), "SelectUniqueValue") {
		l.unique(r, f)
	}
	for _, name := range p.Params() {
		if !slices.Contains(params, name) {
			l.warn(r, f.Line, f.To, "the parameter %"+name+"% is not among those that connectors give", "the known ones are "+strings.Join(params, ", "))
		}
	}
	for _, u := range p.Uses() {
		a := canopy.Attr(u.Attr)
		right := l.name(r, side, a, f.Line)
		if right != a {
			l.fault(r, f.Line, "the expression for %s: the attribute is written [%s], not [%s]", f.To, right, a)
		}
		if x, ok := l.names.of(side, a); ok && x.kind == canopy.Reference && u.How != expr.UseCount {
			l.fault(r, f.Line, "the expression for %s: %s names other objects, and only ValueCount(%q) can be asked of it", f.To, a, a)
		}
	}
}

// unique checks a flow that chooses what nobody else has.
func (l *loader) unique(r *Rule, f *Flow) {
	switch {
	case r.Direction == In || f.Claim == "" || f.Claim == canopy.ClaimAnchor:
		l.fault(r, f.Line, "the expression for %s: SelectUniqueValue chooses among values that must be unique: it stands in an outbound flow with claim: upn, address or alias", f.To)
	case !f.Once:
		l.warn(r, f.Line, f.To, "SelectUniqueValue in the expression for "+string(f.To)+" chooses anew each time: an object gets another value when one that it would rather have is free", "set once, so that it applies when the object is made alone")
	}
	l.chooses = l.chooses || !r.Disabled
}

// steady checks that nothing is joined by what changes by itself.
func (l *loader) steady(s *Set) {
	joined := map[canopy.Attr]bool{}
	for _, r := range s.rules {
		for _, g := range r.Join {
			for _, on := range g {
				joined[on.Target] = true
			}
		}
	}
	for _, r := range s.rules {
		for i := range r.Flows {
			f := &r.Flows[i]
			if r.Direction == In && joined[f.To] && f.program != nil && f.program.Varies() != "" {
				l.fault(r, f.Line, "objects are joined by %s, so its value cannot come from a clock or from chance", f.To)
			}
		}
	}
}

// merges checks that all rules that fill an attribute of a class merge it in the same way.
func (l *loader) merges(s *Set) {
	type place struct {
		direction Direction
		connector string // outbound: each connector has its own values
		class     canopy.Class
		attr      canopy.Attr
	}
	first := map[place]*Flow{}
	for _, r := range s.rules {
		for i := range r.Flows {
			f := &r.Flows[i]
			if r.Disabled || f.Expression == nullWord {
				continue
			}
			p := place{direction: r.Direction, class: r.Target, attr: f.To}
			if r.Direction == Out {
				p.connector = r.Connector
			}
			if before := first[p]; before == nil {
				first[p] = f
			} else if before.Merge != f.Merge {
				l.fault(r, f.Line, "%s is merged by %q here and by %q in the rule %s: all rules must do the same", f.To, merges[f.Merge], merges[before.Merge], before.rule.ID)
			}
		}
	}
}

// howOften says how a condition on an attribute without a value ends.
func howOften(c *Condition) string {
	if c.negate {
		return "always"
	}
	return "never"
}

// sources warns of outbound rules that read what no inbound rule brings.
func (l *loader) sources(s *Set) {
	brought := map[canopy.Attr]bool{}
	for _, r := range s.rules {
		for i := range r.Flows {
			if r.Direction == In && !r.Disabled {
				brought[r.Flows[i].To] = true
			}
		}
	}
	for _, r := range s.rules {
		if r.Direction == In || r.Disabled {
			continue
		}
		for _, group := range r.Scope {
			for i := range group {
				if c := &group[i]; !brought[c.Attr] && c.Attr != attrDN && c.Attr != attrRDN {
					l.warn(r, 0, c.Attr, "no inbound rule brings "+string(c.Attr)+" to the metaverse, which the condition "+c.text+" asks for: it "+howOften(c)+" holds", "add a flow for it, or take the condition out")
				}
			}
		}
		for i := range r.Flows {
			f := &r.Flows[i]
			reads := []canopy.Attr{f.From}
			if f.program != nil {
				for _, a := range f.program.Attrs() {
					reads = append(reads, canopy.Attr(a))
				}
			}
			for _, a := range reads {
				if a != "" && !brought[a] {
					l.warn(r, f.Line, a, "no inbound rule brings "+string(a)+" to the metaverse", "add a flow for it, or take this one out")
				}
			}
		}
	}
}
