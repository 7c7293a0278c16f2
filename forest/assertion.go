package forest

import (
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// equality compiles (attribute=value) by the attribute's syntax.
func (d *directory) equality(a *attribute, value string) filter {
	switch {
	case a.computed == isClasses:
		c := d.schema.class(value)
		if c == nil {
			return none()
		}
		return test{is: func(o *object) bool { return o.class.is(c.name) }}
	case a.computed == isGUID:
		g, ok := parseGUID(value)
		if !ok {
			return none()
		}
		return test{func(o *object) bool { return o.guid == g }, func() []*object { return existing(d.byGUID[g]) }}
	case a.computed == isSID:
		sid, err := parseSID(value)
		if err != nil {
			return none()
		}
		return test{func(o *object) bool { return o.sid == sid }, func() []*object { return existing(d.bySID[sid]) }}
	case a.computed == isDN:
		t, _, _ := d.find(value)
		return test{func(o *object) bool { return o == t }, func() []*object { return existing(t) }}
	case a.forward(), a.back():
		return d.linkEquality(a, value)
	case a.syntax == dnSyntax:
		return d.referenceEquality(a, value)
	}
	want, err := a.normal(value, true)
	if err != nil {
		return none()
	}
	want = a.key(want)
	f := test{is: func(o *object) bool {
		return d.any(o, a, func(v string) bool { return a.equal(v, want) })
	}}
	if a.slot >= 0 {
		f.find = func() []*object { return d.values[a.slot].get(want) }
	}
	return f
}

// equal compares a stored value with the key of another.
func (a *attribute) equal(v, key string) bool {
	if a.syntax != textSyntax && a.syntax != oidSyntax {
		return v == key
	}
	return strings.EqualFold(v, key) || strings.Contains(v, " ") && foldText(v) == key
}

func existing(o *object) []*object {
	if o == nil {
		return nil
	}
	return []*object{o}
}

// linkEquality compiles (member=DN), (memberOf=DN) and their like. The other side of the link is the index.
func (d *directory) linkEquality(a *attribute, value string) filter {
	t, _, _ := d.find(value)
	if t == nil {
		return none()
	}
	f := test{is: func(o *object) bool {
		list := o.links
		if a.back() {
			list = o.backs
		}
		r := relationOf(list, a)
		return r != nil && r.has(t)
	}}
	if other, list := d.otherSide(a, t); other != nil {
		f.find = func() []*object { return values(relationOf(list, other)) }
	}
	return f
}

// otherSide is the attribute at the other end of a link, and the relations of an object that hold it.
func (d *directory) otherSide(a *attribute, o *object) (*attribute, []relation) {
	if a.forward() {
		return d.backOf(a), o.backs
	}
	return d.schema.forwards[a.link/2], o.links
}

func values(r *relation) (list []*object) {
	if r != nil {
		r.each(func(o *object) bool {
			list = append(list, o)
			return true
		})
	}
	return list
}

// referenceEquality compiles (objectCategory=person) and comparisons of other DNs that are not links.
func (d *directory) referenceEquality(a *attribute, value string) filter {
	var t *object
	if c := d.schema.class(value); c != nil && a == d.a.objectCategory {
		t, _ = d.ref(d.categoryOf(c.object))
	} else {
		t, _, _ = d.find(value)
	}
	key := foldText(value)
	return test{is: func(o *object) bool {
		for _, v := range o.stored(a) {
			if at, dn := d.ref(v); at != nil && at == t || at == nil && foldText(dn) == key {
				return true
			}
		}
		return false
	}}
}

// ordering compiles (attribute>=value) and (attribute<=value).
func (d *directory) ordering(a *attribute, value string, least bool) filter {
	want, err := a.normal(value, true)
	if err != nil || a.syntax == dnSyntax || a.computed == isClasses {
		return undefined{}
	}
	holds := func(c int) bool { return c >= 0 && least || c <= 0 && !least }
	if a.syntax == numberSyntax || a.syntax == largeSyntax {
		n := number(want)
		if a.computed == isChangedUSN {
			f := test{is: func(o *object) bool { return holds(compareInts(int64(o.changed), n)) }}
			if least {
				f.find = func() []*object { return d.since(n) }
			}
			return f
		}
		return test{is: func(o *object) bool {
			return d.any(o, a, func(v string) bool { return holds(compareInts(number(v), n)) })
		}}
	}
	want = a.key(want)
	return test{is: func(o *object) bool {
		return d.any(o, a, func(v string) bool { return holds(strings.Compare(a.key(v), want)) })
	}}
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// since gives what has changed in all naming contexts from an update sequence number on.
func (d *directory) since(usn int64) (list []*object) {
	after := uint64(max(usn-1, 0))
	for _, nc := range [...]*naming{d.main, d.config, d.definitions} {
		list = append(list, nc.since(after)...)
	}
	return list
}

// The matching rules of extensible filters.
const (
	bitAnd  = "1.2.840.113556.1.4.803"
	bitOr   = "1.2.840.113556.1.4.804"
	inChain = "1.2.840.113556.1.4.1941"
)

// compileRule reads (attribute:rule:=value).
func (d *directory) compileRule(p *ber.Packet, v *view) (filter, *refusal) {
	var rule, name, value string
	for _, c := range p.Children {
		switch c.Tag {
		case 1:
			rule = octetsOf(c)
		case 2:
			name = octetsOf(c)
		case 3:
			value = octetsOf(c)
		}
	}
	a := d.schema.attr(name)
	if a == nil || v.hides(a) {
		return undefined{}, nil
	}
	switch rule {
	case "":
		return d.equality(a, value), nil
	case bitAnd, bitOr:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || a.syntax != numberSyntax && a.syntax != largeSyntax {
			return undefined{}, nil
		}
		return test{is: func(o *object) bool {
			return d.any(o, a, func(v string) bool {
				has := number(v) & n
				return rule == bitAnd && has == n || rule == bitOr && has != 0
			})
		}}, nil
	case inChain:
		if a.link >= 0 {
			return d.chain(a, value), nil
		}
	}
	return undefined{}, nil
}

// chain compiles (member:1.2.840.113556.1.4.1941:=DN) and its like: it follows the link through any number of objects.
func (d *directory) chain(a *attribute, value string) filter {
	t, _, _ := d.find(value)
	if t == nil {
		return none()
	}
	reached := map[*object]bool{}
	queue := []*object{t}
	var found []*object
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		other, list := d.otherSide(a, o)
		if other == nil {
			break
		}
		for _, next := range values(relationOf(list, other)) {
			if !reached[next] {
				reached[next] = true
				found = append(found, next)
				queue = append(queue, next)
			}
		}
	}
	return test{func(o *object) bool { return reached[o] }, func() []*object { return found }}
}
