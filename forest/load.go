package forest

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Add makes an object, as LDAP would but without its cost and without some of its limits: attributes that only the server
// sets (objectGUID, objectSid, whenCreated, isCriticalSystemObject ...) may be given, values may be longer than the
// schema allows and texts not UTF-8, a userPrincipalName may be taken. Objects must come after their containers and after what their links
// name. GUIDs and SIDs may be octets or text. The error is a *canopy.Error: NotFound for a container or link target,
// Conflict for a name that is taken, Invalid for what the schema refuses.
func (s *Server) Add(dn string, attrs map[string][]string) error {
	pairs := make([]pair, 0, len(attrs))
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if len(attrs[name]) > 0 {
			pairs = append(pairs, pair{name, slices.Clone(attrs[name])})
		}
	}
	s.dir.mu.Lock()
	defer s.dir.mu.Unlock()
	_, r := s.dir.add(dn, pairs, true)
	return asError("add", dn, r)
}

// Mod is one modification of an object's attribute.
type Mod struct {
	Op     string // "add", "delete" or "replace"
	Attr   string
	Values []string
}

// Modify changes an object as one LDAP modification would, with the freedoms of Add.
func (s *Server) Modify(dn string, mods ...Mod) error {
	ops := map[string]modOp{"add": addValues, "delete": deleteValues, "replace": replaceValues}
	list := make([]mod, 0, len(mods))
	for _, m := range mods {
		op, ok := ops[m.Op]
		if !ok {
			return &canopy.Error{Kind: canopy.Invalid, Object: dn, Attr: canopy.Attr(m.Attr), Text: "no such modification: " + strconv.Quote(m.Op), Next: "use add, delete or replace"}
		}
		list = append(list, mod{op, m.Attr, slices.Clone(m.Values)})
	}
	return s.with("modify", dn, func(o *object) *refusal { return s.dir.modify(o, list, true) })
}

// with carries out a change of one live object.
func (s *Server) with(what, dn string, change func(*object) *refusal) error {
	s.dir.mu.Lock()
	defer s.dir.mu.Unlock()
	o, nearest, _ := s.dir.find(dn)
	if o == nil || o.deleted {
		return asError(what, dn, missing(dn, nearest))
	}
	return asError(what, dn, change(o))
}

// Rename gives an object another relative name ("CN=Anna Novak") and, unless parent is "", another container.
func (s *Server) Rename(dn, name, parent string) error {
	return s.with("rename", dn, func(o *object) *refusal {
		var to *object
		if parent != "" {
			var nearest *object
			if to, nearest, _ = s.dir.find(parent); to == nil || to.deleted {
				return missing(parent, nearest)
			}
		}
		return s.dir.rename(o, name, to)
	})
}

// Delete makes a tombstone of an object, with what is below it.
func (s *Server) Delete(dn string) error {
	return s.with("delete", dn, func(o *object) *refusal { return s.dir.remove(o, true) })
}

// Undelete brings a deleted object back under a DN. It may be named by its present DN or as <GUID=...>.
func (s *Server) Undelete(deleted, dn string) error {
	s.dir.mu.Lock()
	defer s.dir.mu.Unlock()
	o, nearest, _ := s.dir.find(deleted)
	if o == nil {
		return asError("undelete", deleted, missing(deleted, nearest))
	}
	return asError("undelete", deleted, s.dir.undelete(o, dn, nil, true))
}

// Object gives the values of an object's attributes as a client would read them; those named, or all that are not
// constructed. ok is false when there is none.
func (s *Server) Object(dn string, attrs ...string) (values map[string][]string, ok bool) {
	d := s.dir
	d.mu.RLock()
	defer d.mu.RUnlock()
	o, _, _ := d.find(dn)
	if o == nil {
		return nil, false
	}
	sel := d.newSelection(attrs, &view{deleted: true})
	values = map[string][]string{}
	for _, a := range d.schema.attrs {
		if vals := d.get(o, a, true); sel.want[a.id] && len(vals) > 0 {
			values[a.name] = slices.Clone(vals)
		}
	}
	return values, true
}

// SetPassword gives an object a password, so that it can bind.
func (s *Server) SetPassword(dn, password string) error {
	return s.with("set password", dn, func(o *object) *refusal {
		return s.dir.modify(o, []mod{{replaceValues, "unicodePwd", []string{password}}}, true)
	})
}

// AddAccount lets an account bind, with its password and rights. A user is made for it in CN=Users where no object has
// its name; one that is there is enabled.
func (s *Server) AddAccount(a Account) error {
	s.dir.mu.Lock()
	o := s.dir.account(s.dir.netbios + "\\" + a.Name)
	s.dir.mu.Unlock()
	dn := "CN=" + escapeRDN(a.Name) + ",CN=Users," + s.Base()
	if o == nil {
		if err := s.Add(dn, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {a.Name},
			"userPrincipalName": {strings.ToLower(a.Name) + "@" + s.opt.Domain}, "userAccountControl": {"66048"}}); err != nil {
			return err
		}
	} else {
		s.dir.mu.RLock()
		dn = o.distinguished()
		s.dir.mu.RUnlock()
		if !o.class.is("user") {
			return &canopy.Error{Kind: canopy.Conflict, Object: a.Name, Other: dn, Text: "the name belongs to a " + o.class.name, Next: "choose another name for the account"}
		}
	}
	if err := s.SetPassword(dn, a.Password); err != nil {
		return err
	}
	return s.with("add account", dn, func(o *object) *refusal {
		s.dir.rights[o] = a.Rights
		control := number(o.text(s.dir.a.userAccountControl))&^controlDisabled | controlDontExpire
		return s.dir.modify(o, []mod{{replaceValues, "userAccountControl", []string{strconv.FormatInt(control, 10)}}}, true)
	})
}

// HighestUSN is the update sequence number of the last change.
func (s *Server) HighestUSN() uint64 {
	s.dir.mu.RLock()
	defer s.dir.mu.RUnlock()
	return s.dir.usn
}

// Count is the number of objects in the domain, deleted ones included.
func (s *Server) Count() int {
	s.dir.mu.RLock()
	defer s.dir.mu.RUnlock()
	return s.dir.main.count
}
