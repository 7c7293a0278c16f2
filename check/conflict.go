package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// party is a person's or object's share in a conflict.
type party struct {
	claims  []claim // the first object's first
	mailbox bool
	primary bool
	tenant  bool
}

// conflict finds out who shares a value, and says it of each.
func (c *Checker) conflict(last int32) {
	var all []claim
	for at := last; at >= 0; at = c.claims[at].next {
		all = append(all, c.claims[at])
	}
	slices.SortFunc(all, func(a, b claim) int {
		return cmp.Or(c.compare(a.object, b.object), slices.Index(claimed, a.attr)-slices.Index(claimed, b.attr), cmp.Compare(a.value, b.value))
	})
	parties := c.parties(all)
	if len(parties) < 2 || !c.matters(parties) {
		return
	}
	for i := range parties {
		told := parties[i].claims
		if !removable(told) {
			told = tellable(parties, i)
		}
		for _, cl := range told {
			c.tell(parties, i, cl)
		}
	}
}

// tellable are the claims of a party that findings are made of, one for each object: in the attribute in which somebody else
// has the value too, else in the first.
func tellable(parties []party, i int) []claim {
	var out []claim
	shared := func(a canopy.Attr) bool {
		for k := range parties {
			if k != i && slices.ContainsFunc(parties[k].claims, func(x claim) bool { return x.attr == a }) {
				return true
			}
		}
		return false
	}
	for _, cl := range parties[i].claims {
		at := slices.IndexFunc(out, func(x claim) bool { return x.object == cl.object })
		switch {
		case at < 0:
			out = append(out, cl)
		case !shared(out[at].attr) && shared(cl.attr):
			out[at] = cl
		}
	}
	return out
}

// compare ranks objects: forests in their order, then anchors, then names.
func (c *Checker) compare(a, b int32) int {
	x, y := &c.objects[a], &c.objects[b]
	return cmp.Or(cmp.Compare(x.order, y.order), cmp.Compare(x.anchor, y.anchor), cmp.Compare(x.connector, y.connector), cmp.Compare(x.dn, y.dn))
}

// parties groups claims by person, the one that keeps the value first: the cloud's object, who has the mailbox, who has it
// as primary address or name, who comes first.
func (c *Checker) parties(all []claim) []party {
	var out []party
	for _, cl := range all {
		i := slices.IndexFunc(out, func(p party) bool { return c.one(p.claims[0].object, cl.object) })
		if i < 0 {
			i = len(out)
			out = append(out, party{})
		}
		p := &out[i]
		m := &c.objects[cl.object]
		p.claims = append(p.claims, cl)
		p.mailbox, p.primary, p.tenant = p.mailbox || m.mailbox, p.primary || cl.primary, p.tenant || m.tenant
	}
	slices.SortStableFunc(out, func(a, b party) int {
		return cmp.Or(first(a.tenant, b.tenant), first(a.mailbox, b.mailbox), first(a.primary, b.primary))
	})
	return out
}

// first ranks who has something before who has it not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// matters tells whether a shared value is a fault. Account names are only where somebody has no sign-in name, and cloud
// objects alone among themselves are the cloud's affair.
func (c *Checker) matters(parties []party) bool {
	forest := false
	unnamed := false
	for _, p := range parties {
		for _, cl := range p.claims {
			m := &c.objects[cl.object]
			forest = forest || !m.tenant
			unnamed = unnamed || !m.named
		}
	}
	return forest && (parties[0].claims[0].attr != attrAccount || unnamed)
}

// tell makes the finding of one claim of a party.
func (c *Checker) tell(parties []party, i int, cl claim) {
	m := &c.objects[cl.object]
	others := slices.Concat(parties[:i:i], parties[i+1:])
	rule := ruleFor(others, cl, m.tenant, c)
	o := &Object{Connector: m.connector, Class: m.class, Anchor: m.anchor, DN: m.dn}
	f := found(o, rule, cl.attr, cl.value)
	f.at = cl.object
	f.Severity = c.severity(rule, others, cl, f.Severity)
	f.Other = c.named(others)
	f.Text = fmt.Sprintf("%s %q: %s", cl.attr, shortened(cl.value), c.clash(others, cl))
	if i > 0 && !m.tenant && removable(parties[i].claims) && !parties[0].tenant {
		f.Fix = c.removal(f, m.dn)
	}
	c.found = append(c.found, f)
}

// removal is the correction that takes a value away. It takes the place of one that would have mended the value.
func (c *Checker) removal(f *Found, dn string) *Fix {
	key := fixKey{f.at, f.Attr, f.Value}
	x := c.fixes[key]
	if x == nil {
		x = &Fix{Connector: f.Connector, DN: dn, Class: f.Class, Attr: f.Attr, Old: f.Value, at: f.at}
		c.fixes[key] = x
	}
	x.New = ""
	if !slices.Contains(x.Rules, f.Code) {
		x.Rules = append(x.Rules, f.Code)
	}
	return x
}

// removable tells whether all that a party has of a value are secondary addresses.
func removable(claims []claim) bool {
	return !slices.ContainsFunc(claims, func(cl claim) bool { return cl.primary })
}

// ruleFor is the rule that a shared value breaks.
func ruleFor(others []party, cl claim, tenant bool, c *Checker) string {
	onlyCloud := !slices.ContainsFunc(others, func(p party) bool {
		return slices.ContainsFunc(p.claims, func(x claim) bool { return !c.objects[x.object].tenant })
	})
	if tenant || onlyCloud {
		return TenantDuplicate
	}
	alike := slices.ContainsFunc(others, func(p party) bool {
		return slices.ContainsFunc(p.claims, func(x claim) bool { return x.attr == cl.attr && !c.objects[x.object].tenant })
	})
	if !alike {
		return DuplicateAcross
	}
	return duplicates[cl.attr]
}

// duplicates are the rules for what several have in the same attribute.
var duplicates = map[canopy.Attr]string{canopy.AttrMail: MailDuplicate, canopy.AttrUPN: UPNDuplicate, canopy.AttrAddresses: AddressDup, attrAlias: AliasDuplicate,
	attrTarget: TargetDup, attrAccount: AccountDup}

// severity is the rule's, less where the two may well be one person or need not meet in the cloud.
func (c *Checker) severity(rule string, others []party, cl claim, usual canopy.Severity) canopy.Severity {
	m := &c.objects[cl.object]
	near, signIn, alike := false, true, true
	for _, p := range others {
		for _, x := range p.claims {
			o := &c.objects[x.object]
			near = near || o.connector == m.connector
			signIn = signIn && (x.attr == canopy.AttrUPN) != (cl.attr == canopy.AttrUPN)
			alike = alike && (o.class == canopy.Contact) == (m.class == canopy.Contact)
		}
	}
	switch {
	case rule == TenantDuplicate:
		for _, p := range others {
			for _, x := range p.claims {
				if alikeClass(c.objects[x.object].class, m.class) && matches(x, cl) {
					return canopy.Info
				}
			}
		}
		return usual
	case rule == UPNDuplicate, usual != canopy.Severe:
		return usual
	case !near && !alike:
		return canopy.Info // a contact that stands for a person of another forest
	case !near, rule == DuplicateAcross && signIn:
		return canopy.Warning
	}
	return usual
}

// matches tells whether an object of the forest and one of the cloud are matched by what they have: the primary address, or
// the sign-in name.
func matches(a, b claim) bool {
	if a.attr == canopy.AttrUPN || b.attr == canopy.AttrUPN {
		return a.attr == b.attr
	}
	address := func(x claim) bool { return x.primary && (x.attr == canopy.AttrMail || x.attr == canopy.AttrAddresses) }
	return address(a) && address(b)
}

func alikeClass(a, b canopy.Class) bool {
	person := func(c canopy.Class) bool { return c == canopy.User || c == canopy.InetOrgPerson }
	return a == b || person(a) && person(b)
}

// mostNamed is how many other parties a finding names.
const mostNamed = 5

// named are the other parties for people.
func (c *Checker) named(others []party) string {
	var names []string
	for i, p := range others {
		if i == mostNamed {
			names = append(names, fmt.Sprintf("%d more", len(others)-i))
			break
		}
		names = append(names, c.nameOf(p.claims[0].object))
	}
	return strings.Join(names, "; ")
}

func (c *Checker) nameOf(at int32) string {
	m := &c.objects[at]
	if m.connector == "" {
		return m.dn
	}
	return m.dn + " (" + string(m.connector) + ")"
}

// clash says who else has the value, and as what.
func (c *Checker) clash(others []party, cl claim) string {
	x := others[0].claims[0]
	as := "has it too"
	if x.attr != cl.attr {
		as = "has it as " + string(x.attr)
	} else if x.attr == canopy.AttrAddresses && x.primary {
		as = "has it as its primary address"
	}
	more := ""
	if n := len(others) - 1; n > 0 {
		more = fmt.Sprintf(", and so have %d more", n)
	}
	return c.nameOf(x.object) + " " + as + more
}
