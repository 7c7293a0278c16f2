package forest

import (
	ber "github.com/go-asn1-ber/asn1-ber"
)

func undecodable(what string) *refusal {
	return refuse(protocolError, "00000057: LdapErr: comment: Error decoding ldap message: not %s request", what)
}

// write carries out add, modify, rename and delete.
func (c *conn) write(m *message) {
	d := c.server.dir
	d.mu.Lock()
	var r *refusal
	v := d.viewOf(c.who, &c.server.opt.Behave)
	switch {
	case c.who == nil:
		r = refuse(operationsError, "000004DC: LdapErr: comment: In order to perform this operation a successful bind must be completed on the connection.")
	case !v.writes:
		r = refuse(insufficientRights, "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0")
	case m.op.Tag == 6:
		r = d.modifyRequest(m, v)
	case m.op.Tag == 8:
		r = d.addRequest(m.op)
	case m.op.Tag == 10:
		r = d.deleteRequest(m, v)
	case m.op.Tag == 12:
		r = d.renameRequest(m.op, v)
	}
	d.mu.Unlock()
	c.answer(m, r)
}

// named finds the object that a request is about.
func (d *directory) named(name string, v *view, deleted bool) (*object, *refusal) {
	o, nearest, ok := d.find(name)
	switch {
	case !ok || name == "":
		return nil, refuse(invalidDN, "0000208F: NameErr: problem 2006 (BAD_NAME): %q is not a distinguished name", name)
	case o == nil || o.deleted && !deleted || !v.shows(o):
		return nil, missing(name, nearest)
	}
	return o, nil
}

func (d *directory) addRequest(op *ber.Packet) *refusal {
	if len(op.Children) != 2 {
		return undecodable("an add")
	}
	var pairs []pair
	for _, a := range op.Children[1].Children {
		if len(a.Children) != 2 {
			return undecodable("an add")
		}
		pairs = append(pairs, pair{octetsOf(a.Children[0]), stringsOf(a.Children[1])})
	}
	_, r := d.add(octetsOf(op.Children[0]), pairs, false)
	return r
}

func (d *directory) modifyRequest(m *message, v *view) *refusal {
	if len(m.op.Children) != 2 {
		return undecodable("a modify")
	}
	var mods []mod
	for _, p := range m.op.Children[1].Children {
		if len(p.Children) != 2 || len(p.Children[1].Children) != 2 {
			return undecodable("a modify")
		}
		op, ok := integerOf(p.Children[0])
		if !ok || op < 0 || op > 2 {
			return undecodable("a modify")
		}
		a := p.Children[1]
		mods = append(mods, mod{modOp(op), octetsOf(a.Children[0]), stringsOf(a.Children[1])})
	}
	deleted := m.find(showDeletedOID) != nil
	o, r := d.named(octetsOf(m.op.Children[0]), v, deleted)
	if r != nil {
		return r
	}
	if dn, rest, ok := isUndelete(mods); ok && deleted {
		return d.undelete(o, dn, rest, false)
	}
	if o.deleted {
		return refuse(unwilling, "00002077: SvcErr: problem 5003 (WILL_NOT_PERFORM): %s is deleted; it can only be brought back", o.distinguished())
	}
	if o.nc == d.definitions {
		return refuse(unwilling, "000020B2: SvcErr: problem 5003 (WILL_NOT_PERFORM): the schema cannot be changed")
	}
	return d.modifyWith(o, mods, m.find(permissiveOID) != nil)
}

func (d *directory) deleteRequest(m *message, v *view) *refusal {
	o, r := d.named(octetsOf(m.op), v, false)
	if r != nil {
		return r
	}
	return d.remove(o, m.find(treeDeleteOID) != nil)
}

func (d *directory) renameRequest(op *ber.Packet, v *view) *refusal {
	if len(op.Children) < 3 || len(op.Children) > 4 {
		return undecodable("a modify DN")
	}
	o, r := d.named(octetsOf(op.Children[0]), v, false)
	if r != nil {
		return r
	}
	if octetsOf(op.Children[2]) == "\x00" {
		return refuse(unwilling, "00002035: SvcErr: problem 5003 (WILL_NOT_PERFORM): the old relative distinguished name must be deleted")
	}
	var parent *object
	if len(op.Children) == 4 {
		name := octetsOf(op.Children[3])
		if parent, r = d.named(name, v, false); r != nil {
			return refuse(otherError, "00002089: UpdErr: problem 5012 (DIR_ERROR): %s cannot be moved below %s, which does not exist", o.distinguished(), name)
		}
	}
	return d.rename(o, octetsOf(op.Children[1]), parent)
}

// compare answers a compare request.
func (c *conn) compare(m *message) {
	d := c.server.dir
	if len(m.op.Children) != 2 || len(m.op.Children[1].Children) != 2 || c.who == nil {
		c.answer(m, refuse(operationsError, "00000057: LdapErr: comment: not a compare request, or not bound"))
		return
	}
	d.mu.RLock()
	v := d.viewOf(c.who, &c.server.opt.Behave)
	o, r := d.named(octetsOf(m.op.Children[0]), v, false)
	if r == nil {
		name := octetsOf(m.op.Children[1].Children[0])
		switch {
		case d.schema.attr(name) == nil:
			r = unknownAttribute(o.distinguished(), name)
		case d.compileAssertion(3, name, octetsOf(m.op.Children[1].Children[1]), v).match(o) == yes:
			r = &refusal{code: compareTrue}
		default:
			r = &refusal{code: compareFalse}
		}
	}
	d.mu.RUnlock()
	c.answer(m, r)
}
