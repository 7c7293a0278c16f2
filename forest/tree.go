package forest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// critical tells whether an object must stay where it is.
func (d *directory) critical(o *object) bool {
	return o.parent == nil || o.nc == d.definitions || o == o.nc.bin || o.text(d.a.isCriticalSystemObject) == "TRUE"
}

// rename gives an object another name, another parent, or both. parent nil leaves it where it is.
func (d *directory) rename(o *object, newName string, parent *object) *refusal {
	dn, ok := parseDN(newName)
	if !ok || len(dn) != 1 {
		return refuse(invalidDN, "0000208F: NameErr: problem 2006 (BAD_NAME): %q is not a relative distinguished name", newName)
	}
	if parent == nil {
		parent = o.parent
	}
	switch {
	case d.critical(o):
		return refuse(unwilling, "00002098: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s is critical to the system and cannot be renamed or moved", o.distinguished())
	case !strings.EqualFold(dn[0].typ, o.class.rdn.name):
		return refuse(namingViolation, "00002037: NameErr: problem 2005 (NAMING_VIOLATION): %s: an object of class %s is named by %s", o.distinguished(), o.class.name, o.class.rdn.name)
	case parent.nc != o.nc:
		return refuse(unwilling, "000020E4: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s cannot be moved to another naming context", o.distinguished())
	case parent.below(o):
		return refuse(unwilling, "0000208A: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s cannot be moved below itself", o.distinguished())
	case !mayHold(parent.class, o.class):
		return refuse(namingViolation, "00002099: NameErr: problem 2005 (NAMING_VIOLATION): %s: a %s cannot stand below a %s", o.distinguished(), o.class.name, parent.class.name)
	}
	if there := parent.kids[dn[0].key()]; there != nil && there != o {
		return refuse(entryExists, "00002071: UpdErr: problem 6005 (ENTRY_EXISTS): %s", there.distinguished())
	}
	if parent == o.parent && dn[0].value == o.name {
		return nil
	}
	d.move(o, dn[0], parent, d.nextUSN())
	return nil
}

// move puts an object below a parent under a name.
func (d *directory) move(o *object, name rdn, parent *object, usn uint64) {
	delete(o.parent.kids, o.key())
	o.rdn, o.name, o.named = name.text(), name.value, usn
	o.place(parent)
	d.changedAt(o, usn)
}

// remove makes tombstones of an object and, with tree, of what is below it.
func (d *directory) remove(o *object, tree bool) *refusal {
	if d.critical(o) {
		return refuse(unwilling, "00002035: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s is critical to the system and cannot be deleted", o.distinguished())
	}
	if len(o.kids) > 0 && !tree {
		return refuse(notAllowedOnNonLeaf, "00002015: UpdErr: problem 6003 (CANT_ON_NON_LEAF): %s has %d objects below it", o.distinguished(), len(o.kids))
	}
	doomed := d.subtree(o, nil)
	for _, x := range doomed {
		if d.critical(x) || x.nc.bin == nil || x.deleted {
			return refuse(unwilling, "00002035: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s cannot be deleted", x.distinguished())
		}
	}
	for _, x := range doomed {
		d.bury(x)
	}
	return nil
}

// subtree gives an object and all below it, children first, in the order of their creation.
func (d *directory) subtree(o *object, list []*object) []*object {
	for _, kid := range o.children() {
		list = d.subtree(kid, list)
	}
	return append(list, o)
}

// children are an object's children in the order of their creation.
func (o *object) children() []*object {
	return slices.SortedFunc(maps.Values(o.kids), func(a, b *object) int { return cmp.Compare(a.created, b.created) })
}

// preserved attributes survive an object's deletion, besides those that the schema marks so.
var preserved = []string{"attributeid", "attributesyntax", "grouptype", "ldapdisplayname", "legacyexchangedn",
	"ms-ds-creatorsid", "ncname", "proxiedobjectname", "samaccountname", "sidhistory", "subclassof", "systemflags",
	"useraccountcontrol", "isdeleted", "isrecycled", "lastknownparent", "msds-additionalsamaccountname"}

// preservedOnDelete is the bit of searchFlags that keeps an attribute on a tombstone.
const preservedOnDelete = 8

// bury makes a tombstone of an object without children: links in both directions go without a trace, most attributes
// are cleared, and it moves to Deleted Objects under a name that holds its GUID.
func (d *directory) bury(o *object) {
	usn := d.nextUSN()
	for i := range o.links {
		back := d.backOf(o.links[i].attr)
		for _, l := range o.links[i].log {
			if l.to != nil && back != nil {
				if r := relationOf(l.to.backs, back); r != nil {
					r.drop(o)
				}
			}
		}
	}
	for i := range o.backs {
		forward := d.schema.forwards[o.backs[i].attr.link/2]
		for _, l := range o.backs[i].log {
			if l.to != nil {
				relationOf(l.to.links, forward).drop(o)
			}
		}
	}
	o.links, o.backs = nil, nil
	for _, id := range cellIDs(o) {
		a := d.schema.attrs[id]
		if c := o.cell(a); c.empty() || slices.Contains(preserved, a.fold) || a.searchFlags&preservedOnDelete != 0 {
			continue
		}
		d.store(o, a, usn, nil)
	}
	if _, ok := d.secrets[o]; ok {
		delete(d.secrets, o)
		o.set(d.a.unicodePwd, usn, nil)
		o.set(d.a.supplementalCredentials, usn, nil)
	}
	delete(d.rights, o)
	d.store(o, d.a.isDeleted, usn, []string{"TRUE"})
	d.store(o, d.a.isRecycled, usn, []string{"TRUE"})
	d.store(o, d.a.lastKnownParent, usn, []string{makeRef(o.parent)})
	o.deleted = true
	d.move(o, rdn{o.class.rdn.typ(), o.name + "\nDEL:" + o.guid.String()}, o.nc.bin, usn)
}

// typ is a naming attribute as it stands in a DN.
func (a *attribute) typ() string { return strings.ToUpper(a.name) }

func cellIDs(o *object) []int {
	ids := make([]int, len(o.cells))
	for i := range o.cells {
		ids[i] = o.cells[i].id()
	}
	return ids
}

// isUndelete tells whether modifications bring a tombstone back, and gives its new DN and the other modifications.
func isUndelete(mods []mod) (dn string, rest []mod, ok bool) {
	cleared := false
	for _, m := range mods {
		switch {
		case strings.EqualFold(m.name, "isDeleted") && (m.op == deleteValues || m.op == replaceValues && len(m.vals) == 0):
			cleared = true
		case strings.EqualFold(m.name, "distinguishedName") && m.op == replaceValues && len(m.vals) == 1:
			dn = m.vals[0]
		default:
			rest = append(rest, m)
		}
	}
	return dn, rest, cleared && dn != ""
}

// undelete brings a tombstone back under a DN. What it lost stays lost, but for what the same request gives it.
func (d *directory) undelete(o *object, dn string, rest []mod, loading bool) *refusal {
	name, ok := parseDN(dn)
	if !ok || len(name) < 2 {
		return refuse(invalidDN, "0000208F: NameErr: problem 2006 (BAD_NAME): %q is not a distinguished name", dn)
	}
	parent, nearest, _ := d.walk(name[1:])
	switch {
	case !o.deleted || o == o.nc.bin:
		return refuse(unwilling, "00002077: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s is not a deleted object", o.distinguished())
	case parent == nil || parent.deleted:
		return missing(joinDN(name[1:])+" to hold "+dn, nearest)
	case parent.kids[name[0].key()] != nil:
		return refuse(entryExists, "00002071: UpdErr: problem 6005 (ENTRY_EXISTS): %s", dn)
	case !strings.EqualFold(name[0].typ, o.class.rdn.name) || !mayHold(parent.class, o.class):
		return refuse(namingViolation, "00002037: NameErr: problem 2005 (NAMING_VIOLATION): %s: not a name for an object of class %s", dn, o.class.name)
	}
	if sam := o.text(d.a.sAMAccountName); sam != "" {
		if r := d.nameTaken(dn, d.a.sAMAccountName, sam, o); r != nil {
			return r
		}
	}
	x := newModification(d, o, loading)
	for _, m := range rest {
		if r := x.apply(m); r != nil {
			return r
		}
	}
	if r := x.check(); r != nil {
		return r
	}
	usn := d.nextUSN()
	o.deleted = false
	d.reanimate(o, usn)
	d.move(o, name[0], parent, usn)
	x.commit()
	return nil
}

// reanimate gives a tombstone what every live object has.
func (d *directory) reanimate(o *object, usn uint64) {
	set := func(a *attribute, vals ...string) { d.store(o, a, usn, vals) }
	set(d.a.isDeleted)
	set(d.a.isRecycled)
	set(d.a.objectCategory, d.categoryOf(o.class.object))
	if o.class.is("user") || o.class.is("group") {
		set(d.a.adminCount, "0")
		set(d.a.operatorCount, "0")
		set(d.a.sAMAccountType, accountType(o.class, number(o.text(d.a.userAccountControl)), number(o.text(d.a.groupType))))
	}
	if o.class.is("user") {
		set(d.a.accountExpires, "0")
		set(d.a.codePage, "0")
		set(d.a.countryCode, "0")
		set(d.a.pwdLastSet, "0")
		set(d.a.primaryGroupID, map[bool]string{true: "515", false: "513"}[o.class.is("computer")])
	}
}
