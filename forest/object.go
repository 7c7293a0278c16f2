package forest

import (
	"slices"
	"sort"
)

// cell holds the values of one attribute of an object. One without values says that there were some: DirSync reports it.
type cell struct {
	meta uint64 // usn<<17, bit 16 set: no value, below it the attribute's id
	one  string
	more []string // all values when there are several
}

func makeCell(a *attribute, usn uint64, vals []string) cell {
	c := cell{meta: usn<<17 | uint64(a.id)}
	switch len(vals) {
	case 0:
		c.meta |= 1 << 16
	case 1:
		c.one = vals[0]
	default:
		c.more = vals
	}
	return c
}

func (c *cell) id() int     { return int(c.meta & 0xffff) }
func (c *cell) usn() uint64 { return c.meta >> 17 }
func (c *cell) empty() bool { return c.meta&(1<<16) != 0 }
func (c *cell) count() int {
	if c.empty() {
		return 0
	}
	return max(1, len(c.more))
}

func (c *cell) value(i int) string {
	if c.more == nil {
		return c.one
	}
	return c.more[i]
}

func (c *cell) values() []string {
	if c.empty() {
		return nil
	}
	if c.more == nil {
		return []string{c.one}
	}
	return c.more
}

// object is one object of the directory. It is read and changed under the directory's lock only.
type object struct {
	guid           guid
	class          *class
	parent         *object // nil: the head of a naming context
	nc             *naming
	rdn, name      string // "CN=Anna Add", escaped, and "Anna Add"
	dn             string // set for what has or had children, and for heads
	sid            string // octets; "" when it has none
	cells          []cell // by attribute id
	links          []relation
	backs          []relation
	kids           map[string]*object
	before, after  *object // in the naming context's order of change
	created        uint64  // update sequence numbers
	changed, named uint64
	born, touched  int64 // seconds since 1970
	deleted        bool
}

// naming is a naming context: a tree with an order of change of its own.
type naming struct {
	head, bin   *object // bin: its Deleted Objects, nil when it has none
	path        []rdn   // the head's DN
	first, last *object
	count       int
}

// touch makes o the object changed last.
func (n *naming) touch(o *object) {
	if n.last == o {
		return
	}
	if o.before != nil || o.after != nil || n.first == o {
		n.unlink(o)
	}
	o.before = n.last
	if n.last != nil {
		n.last.after = o
	} else {
		n.first = o
	}
	n.last = o
	n.count++
}

func (n *naming) unlink(o *object) {
	if o.before != nil {
		o.before.after = o.after
	} else {
		n.first = o.after
	}
	if o.after != nil {
		o.after.before = o.before
	} else {
		n.last = o.before
	}
	o.before, o.after = nil, nil
	n.count--
}

// since gives the objects changed after an update sequence number, in the order of change.
func (n *naming) since(usn uint64) []*object {
	at, count := n.last, 0
	for at != nil && at.changed > usn {
		at, count = at.before, count+1
	}
	all := make([]*object, 0, count)
	if at == nil {
		at = n.first
	} else {
		at = at.after
	}
	for ; at != nil; at = at.after {
		all = append(all, at)
	}
	return all
}

func (o *object) cell(a *attribute) *cell {
	i := sort.Search(len(o.cells), func(i int) bool { return o.cells[i].id() >= a.id })
	if i < len(o.cells) && o.cells[i].id() == a.id {
		return &o.cells[i]
	}
	return nil
}

// stored are the values that a cell holds.
func (o *object) stored(a *attribute) []string {
	if c := o.cell(a); c != nil {
		return c.values()
	}
	return nil
}

// text is the first stored value, "" when there is none.
func (o *object) text(a *attribute) string {
	if c := o.cell(a); c != nil && !c.empty() {
		return c.value(0)
	}
	return ""
}

// set stores values as of an update sequence number.
func (o *object) set(a *attribute, usn uint64, vals []string) {
	n := makeCell(a, usn, vals)
	i := sort.Search(len(o.cells), func(i int) bool { return o.cells[i].id() >= a.id })
	if i < len(o.cells) && o.cells[i].id() == a.id {
		o.cells[i] = n
		return
	}
	o.cells = slices.Insert(o.cells, i, n)
}

func relationOf(list []relation, a *attribute) *relation {
	for i := range list {
		if list[i].attr == a {
			return &list[i]
		}
	}
	return nil
}

// relationFor is the relation for an attribute, made when it is missing.
func relationFor(list *[]relation, a *attribute) *relation {
	if r := relationOf(*list, a); r != nil {
		return r
	}
	*list = append(*list, relation{attr: a})
	return &(*list)[len(*list)-1]
}

// distinguished is the object's DN.
func (o *object) distinguished() string {
	if o.dn != "" || o.parent == nil {
		return o.dn
	}
	return o.rdn + "," + o.parent.dn
}

// appendDN adds the object's DN to b.
func (o *object) appendDN(b []byte) []byte {
	if o.dn != "" || o.parent == nil {
		return append(b, o.dn...)
	}
	b = append(b, o.rdn...)
	b = append(b, ',')
	return append(b, o.parent.dn...)
}

func (o *object) lenDN() int {
	if o.dn != "" || o.parent == nil {
		return len(o.dn)
	}
	return len(o.rdn) + 1 + len(o.parent.dn)
}

// below tells whether o is top or stands anywhere below it.
func (o *object) below(top *object) bool {
	if o.nc != top.nc {
		return false
	}
	for at := o; at != nil; at = at.parent {
		if at == top {
			return true
		}
	}
	return false
}

// key is how an object is found among its siblings.
func (o *object) key() string {
	typ := o.rdn
	for i := range len(typ) {
		if typ[i] == '=' {
			typ = typ[:i]
			break
		}
	}
	return rdn{typ, o.name}.key()
}

// place hangs o below a parent under its present name.
func (o *object) place(parent *object) {
	o.parent = parent
	if parent.dn == "" {
		parent.dn = parent.distinguished()
	}
	if parent.kids == nil {
		parent.kids = map[string]*object{}
	}
	parent.kids[o.key()] = o
	o.renewDN()
}

// renewDN renews the DNs kept by o and by the containers below it.
func (o *object) renewDN() {
	if o.dn == "" {
		return
	}
	o.dn = o.rdn + "," + o.parent.dn
	for _, kid := range o.kids {
		kid.renewDN()
	}
}
