package forest

import (
	"slices"
	"strings"
)

// modOp is what a modification does with its values.
type modOp int

const (
	addValues     modOp = 0
	deleteValues  modOp = 1
	replaceValues modOp = 2
)

// mod is one modification as it came.
type mod struct {
	op   modOp
	name string
	vals []string
}

// linkKey is one value of one linked attribute.
type linkKey struct {
	attr *attribute
	to   *object
}

// modification is a request to modify an object, worked out before anything is changed. Either all of it happens or
// none. Linked attributes are worked out as differences, whatever the number of values they have.
type modification struct {
	d       *directory
	o       *object
	loading bool
	// permissive passes over values to add that are there and values to delete that are not.
	permissive bool
	now        map[*attribute][]string // values after the request, of what it names
	links      map[linkKey]bool        // value after the request: present or not
	order      []linkKey
	secret     string
}

// modify changes an object for those who fill the directory directly, modifyWith for clients.
func (d *directory) modify(o *object, mods []mod, loading bool) *refusal {
	return d.change(newModification(d, o, loading), mods)
}

func (d *directory) modifyWith(o *object, mods []mod, permissive bool) *refusal {
	x := newModification(d, o, false)
	x.permissive = permissive
	return d.change(x, mods)
}

func newModification(d *directory, o *object, loading bool) *modification {
	return &modification{d: d, o: o, loading: loading, now: map[*attribute][]string{}, links: map[linkKey]bool{}}
}

func (d *directory) change(x *modification, mods []mod) *refusal {
	for _, m := range mods {
		if r := x.apply(m); r != nil {
			return r
		}
	}
	if r := x.check(); r != nil {
		return r
	}
	x.commit()
	return nil
}

func (x *modification) dn() string { return x.o.distinguished() }

// apply works one modification into what the object will be.
func (x *modification) apply(m mod) *refusal {
	d, a := x.d, x.d.schema.attr(m.name)
	switch {
	case a == nil:
		return unknownAttribute(x.dn(), m.name)
	case a == d.a.unicodePwd:
		return x.password(m)
	case a == x.o.class.rdn || a == d.a.name:
		return refuse(notAllowedOnRDN, "00002016: NameErr: problem 6004 (CANT_ON_RDN): %s: %s is changed by renaming", x.dn(), a.name)
	case a == d.a.objectClass:
		if same(m.vals, x.o.class.chain) && m.op == replaceValues {
			return nil
		}
		return refuse(objectClassViolation, "00002069: UpdErr: problem 6002 (OBJ_CLASS_VIOLATION): %s: the object class cannot be changed", x.dn())
	case a.back():
		return refuse(unwilling, "00002035: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s: %s is a back link and cannot be set", x.dn(), a.name)
	case a.computed != isStored && a.computed != isZero, !x.loading && serverOwned(a):
		return refuse(constraintViolation, "0000209A: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s is set by the server", x.dn(), a.name)
	case !x.o.class.may[a.id]:
		return refuse(objectClassViolation, "00002014: UpdErr: problem 6002 (OBJ_CLASS_VIOLATION): %s: class %s has no attribute %s",
			x.dn(), x.o.class.name, a.name)
	case a.forward():
		return x.applyLinks(a, m)
	}
	vals, r := d.checkValues(x.dn(), a, m.vals, x.loading)
	if r != nil {
		return r
	}
	return x.applyValues(a, m.op, vals)
}

func (x *modification) applyValues(a *attribute, op modOp, vals []string) *refusal {
	before, touched := x.now[a]
	if !touched {
		before = x.o.stored(a)
	}
	at := func(v string) int {
		key := a.key(v)
		return slices.IndexFunc(before, func(b string) bool { return a.key(b) == key })
	}
	switch op {
	case replaceValues:
		x.now[a] = vals
	case addValues:
		if len(vals) == 0 {
			return refuse(constraintViolation, "0000202F: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s has no value", x.dn(), a.name)
		}
		for _, v := range vals {
			if at(v) >= 0 && !x.permissive {
				return refuse(attributeOrValueExists, "00002083: AtrErr: problem 1006 (ATT_OR_VALUE_EXISTS): %s: %s has the value %q already", x.dn(), a.name, v)
			}
		}
		x.now[a] = slices.Concat(before, slices.DeleteFunc(vals, func(v string) bool { return at(v) >= 0 }))
	case deleteValues:
		if len(before) == 0 && !x.permissive {
			return refuse(noSuchAttribute, "00002085: AtrErr: problem 1001 (NO_ATTRIBUTE_OR_VAL): %s: %s has no value", x.dn(), a.name)
		}
		left := slices.Clone(before)
		for _, v := range vals {
			if at(v) < 0 && !x.permissive {
				return refuse(noSuchAttribute, "00002085: AtrErr: problem 1001 (NO_ATTRIBUTE_OR_VAL): %s: %s has no value %q", x.dn(), a.name, v)
			}
			left = slices.DeleteFunc(left, func(l string) bool { return a.key(l) == a.key(v) })
		}
		if len(vals) == 0 {
			left = nil
		}
		x.now[a] = left
	}
	return nil
}

// applyLinks works modifications of a linked attribute in.
func (x *modification) applyLinks(a *attribute, m mod) *refusal {
	targets := make([]*object, 0, len(m.vals))
	for _, v := range m.vals {
		o, r := x.d.linkTarget(x.dn(), a, v)
		if r != nil && m.op == deleteValues && r.code == noSuchObject {
			r = refuse(unwilling, "00000561: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s: %s has no value %s", x.dn(), a.name, v)
		}
		if r != nil {
			return r
		}
		targets = append(targets, o)
	}
	if m.op == replaceValues || m.op == deleteValues && len(m.vals) == 0 {
		had := x.clearLinks(a)
		if had == 0 && m.op == deleteValues && !x.permissive {
			return refuse(noSuchAttribute, "00002085: AtrErr: problem 1001 (NO_ATTRIBUTE_OR_VAL): %s: %s has no value", x.dn(), a.name)
		}
	}
	for i, o := range targets {
		k := linkKey{a, o}
		switch has := x.has(k); {
		case x.permissive && has == (m.op != deleteValues):
			continue
		case m.op != deleteValues && has:
			return refuse(entryExists, "00000562: UpdErr: problem 6005 (ENTRY_EXISTS): %s: %s has the value %s already", x.dn(), a.name, m.vals[i])
		case m.op == deleteValues && !has:
			return refuse(unwilling, "00000561: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s: %s has no value %s", x.dn(), a.name, m.vals[i])
		}
		x.setLink(k, m.op != deleteValues)
	}
	return nil
}

func (x *modification) has(k linkKey) bool {
	if present, ok := x.links[k]; ok {
		return present
	}
	r := relationOf(x.o.links, k.attr)
	return r != nil && r.has(k.to)
}

func (x *modification) setLink(k linkKey, present bool) {
	if _, ok := x.links[k]; !ok {
		x.order = append(x.order, k)
	}
	x.links[k] = present
}

// clearLinks takes all values of a linked attribute away and tells how many there were.
func (x *modification) clearLinks(a *attribute) (n int) {
	if r := relationOf(x.o.links, a); r != nil {
		r.each(func(o *object) bool {
			if k := (linkKey{a, o}); x.has(k) {
				x.setLink(k, false)
				n++
			}
			return true
		})
	}
	for k, present := range x.links {
		if k.attr == a && present {
			x.links[k] = false
			n++
		}
	}
	return n
}

func (x *modification) password(m mod) *refusal {
	if m.op == deleteValues { // the old one of a change by its owner; the new one follows
		plain, ok := "", false
		if len(m.vals) == 1 {
			plain, ok = readPassword(m.vals[0])
		}
		if r := x.d.logon(x.o, plain); !ok || r != nil && strings.Contains(r.text, "data 52e") {
			return refuse(constraintViolation, "00000056: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: unicodePwd: the old password is wrong", x.dn())
		}
		return nil
	}
	if len(m.vals) != 1 {
		return badPassword(x.dn())
	}
	if _, ok := readPassword(m.vals[0]); !ok && !x.loading {
		return badPassword(x.dn())
	}
	x.secret = m.vals[0]
	return nil
}

// check looks at the object as it will be.
func (x *modification) check() *refusal {
	d := x.d
	for a, vals := range x.now {
		if a.single && len(vals) > 1 {
			return refuse(attributeOrValueExists, "00002081: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s can have one value only", x.dn(), a.name)
		}
		if len(vals) == 0 && slices.Contains(x.o.class.must, a) {
			return refuse(objectClassViolation, "00002014: UpdErr: problem 6002 (OBJ_CLASS_VIOLATION): %s: %s must have a value", x.dn(), a.name)
		}
	}
	count := map[*attribute]int{}
	for k, present := range x.links {
		if k.attr.single && present {
			count[k.attr]++
		}
	}
	for a, n := range count {
		if r := relationOf(x.o.links, a); r != nil {
			r.each(func(o *object) bool {
				if _, ok := x.links[linkKey{a, o}]; !ok {
					n++
				}
				return true
			})
		}
		if n > 1 {
			return refuse(attributeOrValueExists, "00002081: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s can have one value only", x.dn(), a.name)
		}
	}
	for _, a := range [...]*attribute{d.a.sAMAccountName, d.a.userPrincipalName} {
		if v := x.now[a]; len(v) > 0 {
			if r := d.nameTaken(x.dn(), a, v[0], x.o); r != nil {
				return r
			}
		}
	}
	return nil
}

// commit writes what has changed, under one new update sequence number. When nothing has, there is none.
func (x *modification) commit() {
	d, o := x.d, x.o
	if v := x.now[d.a.pwdLastSet]; len(v) == 1 && v[0] == "-1" {
		x.now[d.a.pwdLastSet] = []string{d.nowTicks()}
	}
	x.derive()
	usn := uint64(0)
	begin := func() {
		if usn == 0 {
			usn = d.nextUSN()
		}
	}
	for _, a := range inOrder(x.now) {
		if !sameValues(x.now[a], o.stored(a)) {
			begin()
			d.store(o, a, usn, slices.Clone(x.now[a]))
		}
	}
	for _, k := range x.order {
		r := relationOf(o.links, k.attr)
		if x.links[k] || r != nil && r.has(k.to) {
			begin()
			d.link(o, k.attr, k.to, usn, !x.links[k])
		}
	}
	if x.secret != "" {
		begin()
		d.setSecret(o, x.secret)
		for _, a := range d.secretAttributes() {
			o.set(a, usn, nil)
		}
		o.set(d.a.pwdLastSet, usn, []string{d.nowTicks()})
	}
	if usn != 0 {
		d.changedAt(o, usn)
	}
}

// derive renews sAMAccountType from what it follows.
func (x *modification) derive() {
	d := x.d
	control, groupType := x.now[d.a.userAccountControl], x.now[d.a.groupType]
	switch {
	case len(control) == 1 && x.o.class.is("user"):
		x.now[d.a.sAMAccountType] = []string{accountType(x.o.class, number(control[0]), 0)}
	case len(groupType) == 1 && x.o.class.is("group"):
		x.now[d.a.sAMAccountType] = []string{accountType(x.o.class, 0, number(groupType[0]))}
	}
}

func inOrder(m map[*attribute][]string) []*attribute {
	list := make([]*attribute, 0, len(m))
	for a := range m {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *attribute) int { return a.id - b.id })
	return list
}

// sameValues tells whether two lists hold the same values in whatever order.
func sameValues(a, b []string) bool {
	if len(a) != len(b) || slices.Equal(a, b) {
		return len(a) == len(b)
	}
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// same tells whether two lists of names hold the same names.
func same(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x string) bool {
		return !slices.ContainsFunc(b, func(y string) bool { return strings.EqualFold(x, y) })
	})
}

// cutFold cuts at the first sep and folds both parts.
func cutFold(s, sep string) (before, after string, ok bool) {
	before, after, ok = strings.Cut(s, sep)
	return foldText(before), foldText(after), ok
}
