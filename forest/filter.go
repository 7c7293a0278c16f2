package forest

import (
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// verdict is what a filter says of an object. What it cannot know, such as an unknown attribute, is neither yes nor no.
type verdict int8

const (
	no verdict = iota
	yes
	unknown
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// filter is a compiled search filter. Both methods are called under the directory's lock.
type filter interface {
	match(o *object) verdict
	// candidates are objects among which all that match are, when there is an index that knows; they may be deleted,
	// out of scope or no match.
	candidates() ([]*object, bool)
}

// filterDepth is how deep filters may nest.
const filterDepth = 100

// compile reads a filter from a search request.
func (d *directory) compile(p *ber.Packet, v *view, depth int) (filter, *refusal) {
	if p == nil || p.ClassType != ber.ClassContext || depth > filterDepth {
		return nil, badFilter()
	}
	switch p.Tag {
	case 0, 1:
		var all []filter
		for _, c := range p.Children {
			f, r := d.compile(c, v, depth+1)
			if r != nil {
				return nil, r
			}
			all = append(all, f)
		}
		if p.Tag == 0 {
			return and(all), nil
		}
		return or(all), nil
	case 2:
		if len(p.Children) != 1 {
			return nil, badFilter()
		}
		f, r := d.compile(p.Children[0], v, depth+1)
		return not{f}, r
	case 4:
		return d.compileSubstrings(p, v)
	case 7:
		return d.compilePresent(octetsOf(p), v), nil
	case 9:
		return d.compileRule(p, v)
	case 3, 5, 6, 8:
		if len(p.Children) != 2 {
			return nil, badFilter()
		}
		return d.compileAssertion(int(p.Tag), octetsOf(p.Children[0]), octetsOf(p.Children[1]), v), nil
	}
	return nil, badFilter()
}

func badFilter() *refusal {
	return refuse(protocolError, "00000057: LdapErr: comment: Error decoding ldap message: the filter is malformed")
}

type and []filter

func (f and) match(o *object) verdict {
	all := yes
	for _, x := range f {
		switch x.match(o) {
		case no:
			return no
		case unknown:
			all = unknown
		case yes:
		}
	}
	return all
}

func (f and) candidates() ([]*object, bool) {
	for _, x := range f {
		if list, ok := x.candidates(); ok {
			return list, true
		}
	}
	return nil, false
}

type or []filter

func (f or) match(o *object) verdict {
	any := no
	for _, x := range f {
		switch x.match(o) {
		case yes:
			return yes
		case unknown:
			any = unknown
		case no:
		}
	}
	return any
}

func (f or) candidates() ([]*object, bool) {
	seen := map[*object]bool{}
	var all []*object
	for _, x := range f {
		list, ok := x.candidates()
		if !ok {
			return nil, false
		}
		for _, o := range list {
			if !seen[o] {
				seen[o] = true
				all = append(all, o)
			}
		}
	}
	return all, true
}

type not struct{ of filter }

func (f not) match(o *object) verdict {
	switch f.of.match(o) {
	case yes:
		return no
	case no:
		return yes
	case unknown:
	}
	return unknown
}

func (f not) candidates() ([]*object, bool) { return nil, false }

// test is a filter made of functions; a nil find has no index.
type test struct {
	is   func(o *object) bool
	find func() []*object
}

func (f test) match(o *object) verdict { return verdictOf(f.is(o)) }

func (f test) candidates() ([]*object, bool) {
	if f.find == nil {
		return nil, false
	}
	return f.find(), true
}

// undefined matches nothing and, negated, nothing either.
type undefined struct{}

func (undefined) match(*object) verdict         { return unknown }
func (undefined) candidates() ([]*object, bool) { return nil, true }

// none matches nothing.
func none() filter {
	return test{func(*object) bool { return false }, func() []*object { return nil }}
}

func (d *directory) compilePresent(name string, v *view) filter {
	a := d.schema.attr(name)
	if a == nil || v.hides(a) {
		return undefined{}
	}
	switch {
	case a.computed == isClasses, a.computed == isGUID, a.computed == isName, a.computed == isDN:
		return test{is: func(*object) bool { return true }}
	case a.forward(), a.back():
		return test{is: func(o *object) bool {
			list := o.links
			if a.back() {
				list = o.backs
			}
			r := relationOf(list, a)
			return r != nil && r.live > 0
		}}
	case a.computed == isStored:
		return test{is: func(o *object) bool {
			c := o.cell(a)
			return c != nil && !c.empty() || a == o.class.rdn
		}}
	}
	return test{is: func(o *object) bool { return len(d.get(o, a, false)) > 0 }}
}

// anrAttributes are what (anr=...) looks at the beginnings of.
var anrAttributes = []string{"displayName", "givenName", "sn", "sAMAccountName", "name", "mail", "proxyAddresses", "mailNickname",
	"legacyExchangeDN", "physicalDeliveryOfficeName"}

func (d *directory) compileAssertion(tag int, name, value string, v *view) filter {
	if strings.EqualFold(name, "anr") {
		var any or
		for _, n := range anrAttributes {
			if a := d.schema.attr(n); a != nil && !v.hides(a) {
				any = append(any, d.substrings(a, a.key(value), nil, ""))
			}
		}
		return any
	}
	a := d.schema.attr(name)
	if a == nil || v.hides(a) {
		return undefined{}
	}
	if tag == 3 || tag == 8 {
		return d.equality(a, value)
	}
	return d.ordering(a, value, tag == 5)
}

// compileSubstrings reads (attribute=initial*any*final).
func (d *directory) compileSubstrings(p *ber.Packet, v *view) (filter, *refusal) {
	if len(p.Children) != 2 || len(p.Children[1].Children) == 0 {
		return nil, badFilter()
	}
	a := d.schema.attr(octetsOf(p.Children[0]))
	if a == nil || v.hides(a) {
		return undefined{}, nil
	}
	var initial, final string
	var middle []string
	for _, c := range p.Children[1].Children {
		s := octetsOf(c)
		if a.syntax == textSyntax {
			s = strings.ToLower(s)
		}
		switch c.Tag {
		case 0:
			initial = s
		case 1:
			middle = append(middle, s)
		case 2:
			final = s
		default:
			return nil, badFilter()
		}
	}
	return d.substrings(a, initial, middle, final), nil
}

func (d *directory) substrings(a *attribute, initial string, middle []string, final string) filter {
	switch a.syntax {
	case textSyntax, exactSyntax, octetSyntax:
	default:
		return undefined{}
	}
	return test{is: func(o *object) bool {
		return d.any(o, a, func(v string) bool {
			if a.syntax == textSyntax {
				v = strings.ToLower(v)
			}
			rest, ok := strings.CutPrefix(v, initial)
			for _, m := range middle {
				if i := strings.Index(rest, m); ok && i >= 0 {
					rest = rest[i+len(m):]
				} else {
					ok = false
				}
			}
			return ok && strings.HasSuffix(rest, final)
		})
	}}
}

// any tells whether one of an attribute's values is as f wants it.
func (d *directory) any(o *object, a *attribute, f func(string) bool) bool {
	if a.computed == isStored && a != o.class.rdn && a.syntax != dnSyntax {
		c := o.cell(a)
		if c == nil {
			return false
		}
		for i := range c.count() {
			if f(c.value(i)) {
				return true
			}
		}
		return false
	}
	for _, v := range d.get(o, a, false) {
		if f(v) {
			return true
		}
	}
	return false
}
