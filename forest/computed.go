package forest

import (
	"encoding/hex"
	"slices"
	"strconv"
	"time"
)

// computed says where the values of an attribute come from when not from a cell or a link.
type computed uint8

const (
	isStored computed = iota
	isBackLink
	isName
	isDN
	isClasses
	isGUID
	isSID
	isParent
	isInstance
	isCreated
	isChanged
	isCreatedUSN
	isChangedUSN
	isCanonical
	isTokens
	isPrimaryToken
	isSubSchema
	isDescriptor
	isZero // a counter that is not replicated: 0 unless stored
	isAllowed
	isAllowedNow
	isChildren
	isPrincipal
	isNothing // constructed in a real forest, without a value here
)

var computedAttributes = map[string]computed{
	"name": isName, "distinguishedName": isDN, "objectClass": isClasses, "structuralObjectClass": isClasses,
	"objectGUID": isGUID, "objectSid": isSID, "parentGUID": isParent, "instanceType": isInstance,
	"whenCreated": isCreated, "createTimeStamp": isCreated, "whenChanged": isChanged, "modifyTimeStamp": isChanged,
	"uSNCreated": isCreatedUSN, "uSNChanged": isChangedUSN, "canonicalName": isCanonical, "tokenGroups": isTokens,
	"primaryGroupToken": isPrimaryToken, "subSchemaSubEntry": isSubSchema, "nTSecurityDescriptor": isDescriptor,
	"badPwdCount": isZero, "badPasswordTime": isZero, "lastLogoff": isZero, "lastLogon": isZero, "logonCount": isZero,
	"msDS-User-Account-Control-Computed": isZero,
	"allowedAttributes":                  isAllowed, "allowedAttributesEffective": isAllowedNow,
	"allowedChildClasses": isChildren, "allowedChildClassesEffective": isChildren, "msDS-PrincipalName": isPrincipal,
}

// describe marks what is constructed by systemFlags and not computed here.
func (s *schema) describe() {
	for _, a := range s.attrs {
		if a.computed == isStored && a.constructed() {
			a.computed = isNothing
		}
		if a.computed == isParent || a.computed == isDescriptor {
			a.systemFlags |= 4
		}
	}
}

// descriptor is the security descriptor shown for every object: owned by Domain Admins, readable by authenticated users.
func (d *directory) descriptor() string {
	admins := withRID(d.sid, 512)
	ace := "\x00\x02\x14\x00\xff\x01\x0f\x00\x01\x01\x00\x00\x00\x00\x00\x05\x0b\x00\x00\x00"
	acl := "\x04\x00\x1c\x00\x01\x00\x00\x00" + ace
	head := []byte{1, 0, 4, 0x8c, 20, 0, 0, 0, byte(20 + len(admins)), 0, 0, 0, 0, 0, 0, 0, byte(20 + 2*len(admins)), 0, 0, 0}
	return string(head) + admins + admins + acl
}

// get gives all values of an attribute as they go over the wire, computed ones too. DNs come plain.
func (d *directory) get(o *object, a *attribute, writes bool) []string {
	if a == o.class.rdn {
		return []string{o.name}
	}
	if a.computed != isStored {
		return d.compute(o, a, writes)
	}
	if a.forward() {
		return d.targets(o.links, a)
	}
	vals := o.stored(a)
	if a.syntax == dnSyntax {
		vals = slices.Clone(vals)
		for i, v := range vals {
			vals[i] = d.plainDN(v)
		}
	}
	return vals
}

func (d *directory) targets(list []relation, a *attribute) (dns []string) {
	if r := relationOf(list, a); r != nil {
		r.each(func(t *object) bool {
			dns = append(dns, t.distinguished())
			return true
		})
	}
	return dns
}

func (d *directory) compute(o *object, a *attribute, writes bool) []string {
	switch a.computed {
	case isBackLink:
		return d.targets(o.backs, a)
	case isName:
		return []string{o.name}
	case isDN:
		return []string{o.distinguished()}
	case isClasses:
		return o.class.chain
	case isGUID:
		return []string{string(o.guid[:])}
	case isSID:
		return some(o.sid)
	case isParent:
		if o.parent == nil {
			return nil
		}
		return []string{string(o.parent.guid[:])}
	case isInstance:
		return []string{instanceType(o)}
	case isCreated:
		return []string{formatTime(time.Unix(o.born, 0))}
	case isChanged:
		return []string{formatTime(time.Unix(o.touched, 0))}
	case isCreatedUSN:
		return []string{strconv.FormatUint(o.created, 10)}
	case isChangedUSN:
		return []string{strconv.FormatUint(o.changed, 10)}
	case isZero:
		if v := o.stored(a); v != nil || o.deleted || !o.class.is("user") {
			return v
		}
		return []string{"0"}
	default:
		return d.construct(o, a, writes)
	}
}

// construct computes what comes only when asked for by name.
func (d *directory) construct(o *object, a *attribute, writes bool) []string {
	switch a.computed {
	case isCanonical:
		return []string{d.canonical(o)}
	case isTokens:
		return d.tokens(o)
	case isPrimaryToken:
		if o.class.is("group") && o.sid != "" {
			return []string{strconv.FormatUint(uint64(lastRID(o.sid)), 10)}
		}
	case isSubSchema:
		return []string{"CN=Aggregate," + d.definitions.head.dn}
	case isDescriptor:
		return []string{d.descriptor()}
	case isAllowed, isAllowedNow:
		return d.allowed(o, a.computed == isAllowedNow, writes)
	case isChildren:
		return d.children(o, a.fold == "allowedchildclasses" || writes)
	case isPrincipal:
		if sam := o.text(d.a.sAMAccountName); sam != "" {
			return []string{d.netbios + "\\" + sam}
		}
	default: // stored, or none at all
	}
	return nil
}

func (d *directory) allowed(o *object, now, writes bool) (names []string) {
	if now && !writes {
		return nil
	}
	for id, ok := range o.class.may {
		a := d.schema.attrs[id]
		if ok && !(now && (a.system || a.back() || a.constructed())) {
			names = append(names, a.name)
		}
	}
	return names
}

func (d *directory) children(o *object, ok bool) (names []string) {
	for _, c := range d.schema.classes {
		if ok && c.category < 2 && c.poss[o.class.name] {
			names = append(names, c.name)
		}
	}
	return names
}

// tokens are the SIDs of the groups that o is in, through others too.
func (d *directory) tokens(o *object) (sids []string) {
	seen := map[*object]bool{o: true}
	queue := []*object{o}
	if primary := d.bySID[withRID(d.sid, uint32(number(o.text(d.a.primaryGroupID))))]; primary != nil {
		seen[primary] = true
		queue = append(queue, primary)
	}
	for i := 0; i < len(queue); i++ {
		if r := relationOf(queue[i].backs, d.a.memberOf); r != nil {
			r.each(func(g *object) bool {
				if !seen[g] {
					seen[g] = true
					queue = append(queue, g)
				}
				return true
			})
		}
	}
	for _, g := range queue[1:] {
		sids = append(sids, some(g.sid)...)
	}
	return sids
}

// canonical is the name in the form contoso.lab/Sales/Anna.
func (d *directory) canonical(o *object) string {
	if o.parent == nil {
		switch o.nc {
		case d.main:
			return d.domain + "/"
		case d.config:
			return d.domain + "/Configuration"
		}
		return d.domain + "/Configuration/Schema"
	}
	if o.parent == d.main.head {
		return d.canonical(o.parent) + o.name
	}
	return d.canonical(o.parent) + "/" + o.name
}

func instanceType(o *object) string {
	switch {
	case o.parent != nil:
		return "4"
	case o.class.is("domainDNS"):
		return "5"
	}
	return "13"
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// number is the whole number in a stored value, 0 when there is none.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func hexBytes(s string) (string, error) {
	b, err := hex.DecodeString(s)
	return string(b), err
}

// A value of an attribute of DN syntax that is not linked names its object by GUID, so that it follows renames:
// refMark, the GUID, the DN as it was given. Without the mark it is a DN that names nothing here.
const refMark = "\x01"

func makeRef(o *object) string { return refMark + string(o.guid[:]) + o.distinguished() }

// ref is the object that a stored DN names, and the DN as it was given.
func (d *directory) ref(v string) (*object, string) {
	if len(v) < 17 || v[:1] != refMark {
		return nil, v
	}
	return d.byGUID[guid([]byte(v[1:17]))], v[17:]
}

func (d *directory) plainDN(v string) string {
	o, dn := d.ref(v)
	if o != nil {
		return o.distinguished()
	}
	return dn
}
