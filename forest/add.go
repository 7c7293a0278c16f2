package forest

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// pair is an attribute with values as they came.
type pair struct {
	name string
	vals []string
}

// addition is an object that is being added.
type addition struct {
	d       *directory
	loading bool
	name    string // its DN as it came
	o       *object
	given   map[*attribute][]string
	links   []target
}

// target is one value of a linked attribute.
type target struct {
	attr *attribute
	to   *object
}

// add makes an object. loading is for those who fill the directory directly: they may set what otherwise only the server
// sets, and the schema's limits of length do not hold.
func (d *directory) add(dn string, pairs []pair, loading bool) (*object, *refusal) {
	components, ok := parseDN(dn)
	if !ok || len(components) == 0 {
		return nil, refuse(invalidDN, "0000208F: NameErr: problem 2006 (BAD_NAME): %q is not a distinguished name", dn)
	}
	parent, nearest, _ := d.walk(components[1:])
	if parent == nil {
		return nil, missing(joinDN(components[1:])+" to hold "+dn, nearest)
	}
	if parent.kids[components[0].key()] != nil {
		return nil, refuse(entryExists, "00002071: UpdErr: problem 6005 (ENTRY_EXISTS): %s", dn)
	}
	x := &addition{d: d, loading: loading, name: dn, given: map[*attribute][]string{}, o: &object{nc: parent.nc,
		rdn: components[0].text(), name: components[0].value}}
	if r := x.class(pairs, parent, components[0]); r != nil {
		return nil, r
	}
	for _, p := range pairs {
		if r := x.take(p); r != nil {
			return nil, r
		}
	}
	if r := x.defaults(); r != nil {
		return nil, r
	}
	if r := x.unique(); r != nil {
		return nil, r
	}
	x.commit(parent)
	return x.o, nil
}

// class finds the object's class and checks that it may stand below its parent.
func (x *addition) class(pairs []pair, parent *object, name rdn) *refusal {
	var names []string
	for _, p := range pairs {
		if strings.EqualFold(p.name, "objectClass") {
			names = append(names, p.vals...)
		}
	}
	c, r := x.d.structural(names, x.name)
	if r != nil {
		return r
	}
	x.o.class = c
	if !strings.EqualFold(name.typ, c.rdn.name) {
		return refuse(namingViolation, "00002037: NameErr: problem 2005 (NAMING_VIOLATION): %s: an object of class %s is named by %s, not %s",
			x.name, c.name, c.rdn.name, name.typ)
	}
	if !mayHold(parent.class, c) {
		return refuse(namingViolation, "00002099: NameErr: problem 2005 (NAMING_VIOLATION): %s: a %s cannot stand below a %s",
			x.name, c.name, parent.class.name)
	}
	return nil
}

// mayHold tells whether objects of class c may stand below one of class parent.
func mayHold(parent, c *class) bool {
	return slices.ContainsFunc(parent.chain, func(name string) bool { return c.poss[name] }) ||
		parent.name == "container" || parent.name == "lostAndFound" || parent.name == "configuration"
}

// structural is the most derived of the classes named.
func (d *directory) structural(names []string, dn string) (*class, *refusal) {
	var best *class
	for _, n := range names {
		c := d.schema.class(n)
		if c == nil {
			return nil, refuse(noSuchAttribute, "0000200A: UpdErr: %s: the schema has no class %s", dn, n)
		}
		if c.category < 2 && (best == nil || len(c.chain) > len(best.chain)) {
			best = c
		}
	}
	if best == nil {
		return nil, refuse(objectClassViolation, "00002014: UpdErr: problem 6002 (OBJ_CLASS_VIOLATION): %s: no structural object class is given", dn)
	}
	return best, nil
}

// take takes in one attribute of the new object.
func (x *addition) take(p pair) *refusal {
	d, a := x.d, x.d.schema.attr(p.name)
	switch {
	case a == nil:
		return unknownAttribute(x.name, p.name)
	case a == d.a.objectClass:
		return nil
	case a == x.o.class.rdn || a == d.a.name:
		if len(p.vals) == 1 && foldText(p.vals[0]) == foldText(x.o.name) {
			return nil
		}
		return refuse(namingViolation, "00002081: NameErr: problem 2005 (NAMING_VIOLATION): %s: %s differs from the name", x.name, a.name)
	case a == d.a.unicodePwd:
		if len(p.vals) != 1 {
			return badPassword(x.name)
		}
		if _, ok := readPassword(p.vals[0]); !ok && !x.loading {
			return badPassword(x.name)
		}
		x.given[a] = p.vals
		return nil
	case a.back():
		return refuse(unwilling, "00002035: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s: %s is a back link and cannot be set", x.name, a.name)
	case !x.loading && serverOwned(a):
		return refuse(unwilling, "000020B1: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s: %s is set by the server", x.name, a.name)
	case !x.o.class.may[a.id] && a.computed == isStored:
		return refuse(objectClassViolation, "00002014: UpdErr: problem 6002 (OBJ_CLASS_VIOLATION): %s: class %s has no attribute %s",
			x.name, x.o.class.name, a.name)
	case a.single && len(p.vals) > 1:
		return refuse(constraintViolation, "000020B5: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s can have one value only", x.name, a.name)
	case len(p.vals) == 0:
		return refuse(constraintViolation, "0000202F: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s has no value", x.name, a.name)
	}
	if a.forward() {
		return x.takeLinks(a, p.vals)
	}
	vals, r := d.checkValues(x.name, a, p.vals, x.loading)
	if r == nil {
		x.given[a] = vals
	}
	return r
}

func (x *addition) takeLinks(a *attribute, vals []string) *refusal {
	seen := make(map[*object]bool, len(vals))
	for _, v := range vals {
		o, r := x.d.linkTarget(x.name, a, v)
		if r != nil {
			return r
		}
		if seen[o] {
			return refuse(entryExists, "00002083: UpdErr: problem 6005 (ENTRY_EXISTS): %s: %s names %s more than once", x.name, a.name, v)
		}
		seen[o] = true
		x.links = append(x.links, target{a, o})
	}
	return nil
}

func unknownAttribute(dn, name string) *refusal {
	return refuse(noSuchAttribute, "00000057: LdapErr: comment: Error in attribute conversion operation: %s: the schema has no attribute %s", dn, name)
}

// serverOwned tells whether only the server sets an attribute.
func serverOwned(a *attribute) bool {
	return a.computed != isStored || a.system && a.fold != "grouptype" && a.fold != "isdeleted" ||
		slices.Contains(ownedAttributes, a.fold)
}

var ownedAttributes = []string{"samaccounttype", "objectcategory", "iscriticalsystemobject", "lastknownparent",
	"primarygrouptoken", "replpropertymetadata", "dscorepropagationdata"}

// checkValues brings values into the form in which they are kept, and refuses what the schema does not allow.
func (d *directory) checkValues(dn string, a *attribute, vals []string, loading bool) ([]string, *refusal) {
	var r *refusal
	kept := make([]string, 0, len(vals))
	var seen map[string]bool
	if len(vals) > 8 {
		seen = make(map[string]bool, len(vals))
	}
	for _, v := range vals {
		n, err := a.normal(v, loading)
		if err == nil && a.syntax == dnSyntax {
			n, err = d.keepDN(v, loading)
		}
		switch {
		case errors.Is(err, errLimit):
			return nil, refuse(constraintViolation, "000020B0: AtrErr: problem 1005 (CONSTRAINT_ATT_TYPE): %s: %s: %v", dn, a.name, err)
		case errors.As(err, &r):
			r.text = r.text + ": " + dn + ": " + a.name
			return nil, r
		case err != nil:
			return nil, refuse(invalidSyntax, "0000200B: AtrErr: problem 1004 (INVALID_SYNTAX): %s: %s: %v", dn, a.name, err)
		}
		key := a.key(n)
		if seen[key] || seen == nil && slices.ContainsFunc(kept, func(k string) bool { return a.key(k) == key }) {
			return nil, refuse(attributeOrValueExists, "00002083: AtrErr: problem 1006 (ATT_OR_VALUE_EXISTS): %s: %s is given the value %q more than once", dn, a.name, v)
		}
		if seen != nil {
			seen[key] = true
		}
		kept = append(kept, n)
	}
	return kept, nil
}

// defaults gives the object what the server sets by itself.
func (x *addition) defaults() *refusal {
	d, c := x.d, x.o.class
	set := func(a *attribute, v string) {
		if _, ok := x.given[a]; !ok {
			x.given[a] = []string{v}
		}
	}
	category := d.schema.byClass[strings.ToLower(c.name)].object
	set(d.a.objectCategory, d.categoryOf(category))
	switch {
	case c.is("user"):
		x.userDefaults(set)
	case c.is("group"):
		set(d.a.groupType, "-2147483646")
		set(d.a.sAMAccountType, accountType(c, 0, number(x.given[d.a.groupType][0])))
	}
	if !c.is("securityPrincipal") && !slices.Contains(principals, c.name) {
		return nil
	}
	switch sid := x.given[d.a.objectSid]; {
	case len(sid) == 1:
		x.o.sid = sid[0]
		delete(x.given, d.a.objectSid)
	case c.name == "foreignSecurityPrincipal":
		s, err := parseSID(x.o.name)
		if err != nil || !x.loading {
			return refuse(objectClassViolation, "0000207C: UpdErr: problem 6002 (OBJ_CLASS_VIOLATION): %s: a foreign security principal comes into being as a member only", x.name)
		}
		x.o.sid = s
		return nil
	default:
		d.rid++
		x.o.sid = withRID(d.sid, d.rid)
	}
	if c.is("user") || c.is("group") {
		set(d.a.sAMAccountName, "$"+strings.ToUpper(strconv.FormatUint(mix(d.seed^uint64(lastRID(x.o.sid)))>>12, 16)))
	}
	return nil
}

// principals are the classes whose objects have a SID.
var principals = []string{"user", "inetOrgPerson", "computer", "group", "foreignSecurityPrincipal", "msDS-ManagedServiceAccount",
	"msDS-GroupManagedServiceAccount"}

func (x *addition) userDefaults(set func(*attribute, string)) {
	d, control, group := x.d, "546", "513"
	if x.o.class.is("computer") {
		control, group = "4130", "515"
		set(d.a.isCriticalSystemObject, "FALSE")
	}
	set(d.a.userAccountControl, control)
	set(d.a.primaryGroupID, group)
	set(d.a.codePage, "0")
	set(d.a.countryCode, "0")
	set(d.a.accountExpires, never)
	set(d.a.pwdLastSet, "0")
	set(d.a.sAMAccountType, accountType(x.o.class, number(x.given[d.a.userAccountControl][0]), 0))
}

// accountType is sAMAccountType for a class with its userAccountControl or groupType.
func accountType(c *class, control, groupType int64) string {
	switch {
	case c.is("group") && groupType&4 != 0 && groupType < 0:
		return "536870912"
	case c.is("group") && groupType&4 != 0:
		return "536870913"
	case c.is("group") && groupType < 0:
		return "268435456"
	case c.is("group"):
		return "268435457"
	case control&0x3000 != 0, c.is("computer"):
		return "805306369"
	case control&0x800 != 0:
		return "805306370"
	}
	return "805306368"
}
