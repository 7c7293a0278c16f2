package forest

import (
	"slices"
	"strings"
)

// unique refuses names that another object of the domain has.
func (x *addition) unique() *refusal {
	d := x.d
	if v := x.given[d.a.sAMAccountName]; len(v) > 0 {
		if r := d.nameTaken(x.name, d.a.sAMAccountName, v[0], nil); r != nil {
			return r
		}
	}
	if v := x.given[d.a.userPrincipalName]; len(v) > 0 && !x.loading {
		if r := d.nameTaken(x.name, d.a.userPrincipalName, v[0], nil); r != nil {
			return r
		}
	}
	if x.o.sid != "" && d.bySID[x.o.sid] != nil {
		return refuse(constraintViolation, "00002082: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: objectSid %s belongs to %s",
			x.name, sidText(x.o.sid), d.bySID[x.o.sid].distinguished())
	}
	if v := x.given[d.a.objectGUID]; len(v) > 0 {
		g, ok := parseGUID(v[0])
		if !ok || d.byGUID[g] != nil {
			return refuse(constraintViolation, "00002082: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: objectGUID is no GUID or is taken", x.name)
		}
		x.o.guid = g
		delete(x.given, d.a.objectGUID)
	}
	return nil
}

// nameTaken refuses a sAMAccountName or userPrincipalName that another object has.
func (d *directory) nameTaken(dn string, a *attribute, v string, self *object) *refusal {
	for _, o := range d.values[a.slot].get(a.key(v)) {
		if o == self || o.deleted {
			continue
		}
		code, number := entryExists, "00000524"
		if a == d.a.userPrincipalName {
			code, number = constraintViolation, "000021C8"
		}
		return refuse(code, "%s: UpdErr: %s: %s %q belongs to %s", number, dn, a.name, v, o.distinguished())
	}
	return nil
}

// commit puts the object into the directory.
func (x *addition) commit(parent *object) {
	d, o := x.d, x.o
	usn := d.nextUSN()
	if o.guid == (guid{}) {
		o.guid = d.newGUID()
	}
	o.born = d.clock().Unix()
	if v := x.given[d.a.whenCreated]; len(v) > 0 {
		if t, err := parseTime(v[0]); err == nil {
			o.born = t.Unix()
		}
	}
	o.created, o.named = usn, usn
	if pw, ok := x.given[d.a.unicodePwd]; ok {
		d.setSecret(o, pw[0])
		x.given[d.a.pwdLastSet] = []string{d.nowTicks()}
		for _, a := range d.secretAttributes() {
			x.given[a] = nil
		}
	}
	o.cells = make([]cell, 0, len(x.given))
	for a, vals := range x.given {
		if a.computed == isStored || a.computed == isZero {
			o.cells = append(o.cells, makeCell(a, usn, vals))
			d.index(o, a, vals, true)
		}
	}
	slices.SortFunc(o.cells, func(a, b cell) int { return a.id() - b.id() })
	d.byGUID[o.guid] = o
	if o.sid != "" {
		d.bySID[o.sid] = o
	}
	o.place(parent)
	d.changedAt(o, usn)
	for _, l := range x.links {
		d.link(o, l.attr, l.to, usn, false)
	}
}

// link adds or removes a value of a linked attribute, and its back link.
func (d *directory) link(from *object, a *attribute, to *object, usn uint64, removed bool) {
	relationFor(&from.links, a).put(to, usn, removed)
	back := d.backOf(a)
	if back == nil {
		return
	}
	if removed {
		if r := relationOf(to.backs, back); r != nil {
			r.drop(from)
		}
	} else if r := relationFor(&to.backs, back); !r.has(from) {
		r.put(from, 0, false)
	}
}

// backOf is the back link of a linked attribute, nil when it has none.
func (d *directory) backOf(a *attribute) *attribute {
	if a.link/2 < len(d.schema.backs) {
		return d.schema.backs[a.link/2]
	}
	return nil
}

// linkTarget resolves a value of a linked attribute. A member's SID that is not of this domain becomes a foreign
// security principal.
func (d *directory) linkTarget(dn string, a *attribute, v string) (*object, *refusal) {
	o, nearest, ok := d.find(v)
	switch {
	case ok && o != nil && !o.deleted:
		return o, nil
	case !ok:
		return nil, refuse(invalidDN, "0000208F: NameErr: problem 2006 (BAD_NAME): %s: %s: %q is not a distinguished name", dn, a.name, v)
	case a == d.a.member && strings.HasPrefix(strings.ToUpper(v), "<SID="):
		return d.foreign(dn, v)
	case a == d.a.member:
		r := missing(v, nearest)
		r.text = "00000525: NameErr: " + dn + ": " + a.name + ": " + r.text
		return nil, r
	}
	return nil, refuse(constraintViolation, "000020B5: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s: no object %s", dn, a.name, v)
}

// foreign makes the foreign security principal for a SID given as <SID=...>.
func (d *directory) foreign(dn, v string) (*object, *refusal) {
	text, _, _ := strings.Cut(v[len("<SID="):], ">")
	if raw, err := hexBytes(text); err == nil {
		text = sidText(raw)
	}
	sid, err := parseSID(text)
	if err != nil || strings.HasPrefix(sid, string([]byte{1, 5})) && sid[2:len(sid)-4] == d.sid[2:] {
		return nil, missing(v, nil)
	}
	return d.add("CN="+sidText(sid)+",CN=ForeignSecurityPrincipals,"+d.main.head.dn,
		[]pair{{"objectClass", []string{"foreignSecurityPrincipal"}}}, true)
}

// keepDN brings a DN that is not a link into the form in which it is kept.
func (d *directory) keepDN(v string, loading bool) (string, error) {
	o, _, ok := d.find(v)
	switch {
	case o != nil:
		return makeRef(o), nil
	case !ok && !loading:
		return "", refuse(invalidDN, "0000208F: NameErr: problem 2006 (BAD_NAME): %q is not a distinguished name", v)
	case !loading:
		return "", refuse(constraintViolation, "000020B5: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): no object %s", v)
	}
	return v, nil
}

// categoryOf is the kept form of a class's default object category.
func (d *directory) categoryOf(cn string) string {
	if d.categories[cn] == "" {
		if o := d.definitions.head.kids[rdn{"CN", cn}.key()]; o != nil {
			d.categories[cn] = makeRef(o)
		} else {
			return "CN=" + cn + "," + d.definitions.head.dn
		}
	}
	return d.categories[cn]
}
