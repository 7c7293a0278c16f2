package forest

import (
	"strconv"
	"strings"
)

// selection is what an answer shows of each object.
type selection struct {
	want     []bool // by attribute id
	all      bool   // every attribute that is not constructed was asked for
	specials []*attribute
	ranges   map[int]*span
	names    bool // names only
	ext      extended
	most     int // values of one attribute in one answer; 0: all
	writes   bool
}

// newSelection reads a list of attributes asked for. Unknown ones are passed over.
func (d *directory) newSelection(asked []string, v *view) *selection {
	s := &selection{want: make([]bool, len(d.schema.attrs)), ranges: map[int]*span{}, writes: v.writes}
	s.all = len(asked) == 0
	for _, name := range asked {
		if name == "*" {
			s.all = true
			continue
		}
		a := d.schema.attr(name)
		if a == nil {
			continue
		}
		s.want[a.id] = true
		if r := readSpan(name); r != nil {
			s.ranges[a.id] = r
		}
	}
	for _, a := range d.schema.attrs {
		if s.all && !a.constructed() && a.computed != isNothing {
			s.want[a.id] = true
		}
		if v.hides(a) {
			s.want[a.id] = false
		}
		if s.want[a.id] && a.computed > isBackLink {
			s.specials = append(s.specials, a)
		}
	}
	return s
}

// readSpan reads the option ;range=0-1499 or ;range=1500-* of an attribute asked for.
func readSpan(name string) *span {
	_, option, ok := strings.Cut(strings.ToLower(name), ";range=")
	from, to, found := strings.Cut(option, "-")
	lo, err := strconv.Atoi(from)
	if !ok || !found || err != nil || lo < 0 {
		return nil
	}
	hi, err := strconv.Atoi(to)
	if to == "*" {
		return &span{lo, -1}
	}
	if err != nil || hi < lo {
		return nil
	}
	return &span{lo, hi}
}

// entry writes a search result entry with what the selection shows of o.
func (d *directory) entry(e *encoder, id int64, o *object, s *selection) {
	msg, body := e.message(id, 0x64)
	e.dn(o, s.ext)
	list := e.open(0x30)
	for i := range o.cells {
		c := &o.cells[i]
		if s.want[c.id()] && !c.empty() && d.schema.attrs[c.id()].computed != isNothing {
			d.cell(e, c, d.schema.attrs[c.id()], s, "")
		}
	}
	for _, side := range [...][]relation{o.links, o.backs} {
		for i := range side {
			if r := &side[i]; s.want[r.attr.id] && r.live > 0 {
				d.relation(e, r, s)
			}
		}
	}
	if s.want[o.class.rdn.id] {
		e.some(s, o.class.rdn.name, o.name)
	}
	for _, a := range s.specials {
		if a.computed == isZero && o.cell(a) != nil {
			continue
		}
		if vals := d.compute(o, a, s.writes); len(vals) > 0 {
			if a.computed == isDN && s.ext != plainDNs {
				vals = []string{extendedPrefix(o, s.ext) + vals[0]}
			}
			e.some(s, a.name, vals...)
		}
	}
	e.close(list)
	e.endMessage(msg, body)
}

func (e *encoder) some(s *selection, name string, vals ...string) {
	if s.names {
		vals = nil
	}
	e.attr(name, vals...)
}

// cell writes a stored attribute.
func (d *directory) cell(e *encoder, c *cell, a *attribute, s *selection, option string) {
	lo, hi := 0, c.count()
	if hi > 1 || s.ranges[a.id] != nil {
		lo, hi, option = s.ranges[a.id].cut(hi, s.most)
	}
	seq, set := e.openAttr(a.name + option)
	if !s.names {
		for i := lo; i < hi; i++ {
			if a.syntax == dnSyntax {
				d.reference(e, c.value(i), s.ext)
			} else {
				e.octets(c.value(i))
			}
		}
	}
	e.closeAttr(seq, set)
}

// reference writes a stored DN.
func (d *directory) reference(e *encoder, v string, ext extended) {
	if o, dn := d.ref(v); o != nil {
		e.dn(o, ext)
	} else {
		e.octets(dn)
	}
}

// relation writes the present values of a linked attribute or back link.
func (d *directory) relation(e *encoder, r *relation, s *selection) {
	lo, hi, option := s.ranges[r.attr.id].cut(r.live, s.most)
	seq, set := e.openAttr(r.attr.name + option)
	if !s.names && hi > lo {
		at := 0
		r.each(func(o *object) bool {
			if at >= lo {
				e.dn(o, s.ext)
			}
			at++
			return at < hi
		})
	}
	e.closeAttr(seq, set)
}
