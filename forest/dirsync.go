package forest

import (
	"encoding/binary"
	"time"
)

const (
	dirSyncOID         = "1.2.840.113556.1.4.841"
	flagObjectSecurity = 0x1
	flagIncremental    = 0x80000000
)

// cookie says how far a DirSync client has read. objects is how far into the order of change it got; values is up to
// where it has every change, which is the same between reads and lower in the middle of one that comes in pages.
type cookie struct {
	server          guid
	objects, values uint64
}

const cookieSize = 108

func (c cookie) encode(now time.Time) []byte {
	b := make([]byte, 0, cookieSize)
	b = append(b, "MSDS\x03\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint64(b, uint64(filetime(now)))
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, 40)
	b = binary.LittleEndian.AppendUint64(b, c.objects)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint64(b, c.values)
	b = append(b, c.server[:]...)
	b = append(b, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, c.server[:]...)
	return binary.LittleEndian.AppendUint64(b, c.values)
}

// decodeCookie reads a cookie; none at all is the cookie of somebody who has read nothing.
func decodeCookie(b []byte) (cookie, bool) {
	if len(b) == 0 {
		return cookie{}, true
	}
	if len(b) < 68 || string(b[:4]) != "MSDS" {
		return cookie{}, false
	}
	c := cookie{objects: binary.LittleEndian.Uint64(b[28:]), values: binary.LittleEndian.Uint64(b[44:])}
	copy(c.server[:], b[52:68])
	return c, len(b) >= 68+int(binary.LittleEndian.Uint32(b[24:]))
}

// changes is one DirSync read: which changes an answer shows.
type changes struct {
	*selection
	after       uint64 // values changed later than this
	full        bool   // nothing was read before: cleared values are not told
	incremental bool
	secrets     []*attribute // told as empty when the object is new
}

// delta writes an entry with what changed of o. It writes nothing and tells so when nothing asked for changed.
func (d *directory) delta(e *encoder, id int64, o *object, s *changes) bool {
	start := len(e.b)
	msg, body := e.message(id, 0x64)
	e.dn(o, s.ext)
	list := e.open(0x30)
	empty := len(e.b)
	for i := range o.cells {
		c := &o.cells[i]
		a := d.schema.attrs[c.id()]
		if c.usn() <= s.after || !s.want[c.id()] || !a.replicated() {
			continue
		}
		switch {
		case !c.empty():
			d.changedCell(e, c, a, s)
		case !s.full:
			e.attr(a.name)
		}
	}
	for i := range o.links {
		if r := &o.links[i]; s.want[r.attr.id] && r.last() > s.after {
			d.changedLinks(e, r, s)
		}
	}
	d.changedIdentity(e, o, s)
	if len(e.b) == empty {
		e.b = e.b[:start]
		return false
	}
	e.attr(d.a.instanceType.name, instanceType(o))
	e.attr(d.a.objectGUID.name, string(o.guid[:]))
	e.close(list)
	e.endMessage(msg, body)
	return true
}

// changedCell writes a stored attribute. DNs that are not links carry their object's GUID whether asked for or not.
func (d *directory) changedCell(e *encoder, c *cell, a *attribute, s *changes) {
	if a.syntax != dnSyntax {
		e.attr(a.name, c.values()...)
		return
	}
	seq, set := e.openAttr(a.name)
	for i := range c.count() {
		o, dn := d.ref(c.value(i))
		switch {
		case o == nil:
			e.octets(dn)
		case a == d.a.lastKnownParent:
			e.octets(extendedPrefix(o, textDNs) + dn)
		case a == d.a.objectCategory:
			e.octets(extendedPrefix(o, hexDNs) + o.distinguished())
		default:
			e.octets(extendedPrefix(o, textDNs) + o.distinguished())
		}
	}
	e.closeAttr(seq, set)
}

// changedLinks writes a linked attribute: the whole list, or what was added and removed.
func (d *directory) changedLinks(e *encoder, r *relation, s *changes) {
	if !s.incremental {
		if r.live > 0 || !s.full {
			d.relation(e, r, &selection{ext: s.ext})
		}
		return
	}
	for i, option := range [...]string{";range=0-0", ";range=1-1"} {
		begin := len(e.b)
		seq, set := e.openAttr(r.attr.name + option)
		none := len(e.b)
		for _, l := range r.since(s.after) {
			if l.to != nil && l.removed() == (i == 0) && !(s.full && l.removed()) {
				e.dn(l.to, s.ext)
			}
		}
		if len(e.b) == none {
			e.b = e.b[:begin]
			continue
		}
		e.closeAttr(seq, set)
	}
}

// changedIdentity writes what is not kept in cells: the name with the parent, and what never changes after creation.
func (d *directory) changedIdentity(e *encoder, o *object, s *changes) {
	if o.named > s.after && s.want[d.a.name.id] {
		e.attr(d.a.name.name, o.name)
		if o.parent != nil {
			e.attr(d.a.parentGUID.name, string(o.parent.guid[:]))
		}
	}
	if o.created <= s.after {
		return
	}
	for _, a := range s.specials {
		switch a.computed {
		case isClasses, isSID, isCreated, isDescriptor:
			if vals := d.compute(o, a, false); len(vals) > 0 && a.fold != "structuralobjectclass" && a.fold != "createtimestamp" {
				e.attr(a.name, vals...)
			}
		default: // not told again
		}
	}
	if s.full || !o.class.is("user") {
		return
	}
	for _, a := range s.secrets {
		if s.want[a.id] && o.cell(a) == nil {
			e.attr(a.name)
		}
	}
}

// newChanges prepares a DirSync read.
func (d *directory) newChanges(asked []string, v *view, flags int64, at cookie) *changes {
	s := d.newSelection(asked, v)
	if s.all {
		s.want[d.a.nTSecurityDescriptor.id] = true
		s.specials = append(s.specials, d.a.nTSecurityDescriptor)
	}
	s.ranges = nil
	return &changes{selection: s, after: at.values, full: at.values == 0, incremental: flags&flagIncremental != 0,
		secrets: []*attribute{d.a.dBCSPwd, d.a.lmPwdHistory, d.a.logonHours, d.a.ntPwdHistory, d.a.unicodePwd}}
}
