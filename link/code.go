package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/canopy-sync/canopy"
)

// The binary form of what has values. Numbers are varints, texts have their length before them, and each record has its
// length before it: what a newer version adds stands at a record's end, where an older one does not look.

var errShort = errors.New("a frame ends in the middle of what it says")

// put builds the binary form.
type put struct{ b []byte }

func (p *put) num(n int)     { p.b = binary.AppendUvarint(p.b, uint64(n)) }
func (p *put) int(n int64)   { p.b = binary.AppendVarint(p.b, n) }
func (p *put) text(s string) { p.num(len(s)); p.b = append(p.b, s...) }

func (p *put) flag(f bool) {
	if f {
		p.b = append(p.b, 1)
	} else {
		p.b = append(p.b, 0)
	}
}

// record puts what build puts, behind its length.
func (p *put) record(build func(*put)) {
	at := len(p.b)
	build(p)
	var size [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(size[:], uint64(len(p.b)-at))
	p.b = slices.Insert(p.b, at, size[:n]...)
}

func (p *put) value(v canopy.Value) {
	p.b = append(p.b, byte(v.Type()))
	switch v.Type() {
	case canopy.Integer, canopy.Boolean, canopy.Time:
		p.int(number(v))
	case canopy.String, canopy.Reference:
		p.text(v.Str())
	case canopy.Binary:
		p.text(string(v.Octets()))
	}
}

func number(v canopy.Value) int64 {
	if v.Type() == canopy.Time {
		return v.Moment().UnixMicro()
	}
	return v.Num()
}

func (p *put) attrs(a canopy.Attrs) {
	p.num(len(a))
	for _, name := range a.Names() {
		p.text(string(name))
		p.num(len(a[name]))
		for _, v := range a[name] {
			p.value(v)
		}
	}
}

func (p *put) refs(list []canopy.Ref) {
	p.num(len(list))
	for _, r := range list {
		p.text(string(r.Anchor))
		p.text(r.DN)
	}
}

func (p *put) links(l map[canopy.Attr]canopy.LinkChange) {
	p.num(len(l))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		p.text(string(name))
		p.flag(l[name].Whole)
		p.refs(l[name].Added)
		p.refs(l[name].Removed)
	}
}

func (p *put) change(c *canopy.Change) error {
	failed, err := faultText(c.Failed)
	if err != nil {
		return err
	}
	p.record(func(p *put) {
		p.num(int(c.Kind))
		p.text(string(c.Class))
		p.text(string(c.Anchor))
		p.text(c.DN)
		p.text(string(c.Parent))
		p.attrs(c.Attrs)
		p.links(c.Links)
		p.text(failed)
	})
	return nil
}

func (p *put) export(x *canopy.Export) {
	p.record(func(p *put) {
		p.int(int64(x.ID))
		p.num(int(x.Op))
		p.text(string(x.Class))
		p.text(x.SourceAnchor)
		p.refs([]canopy.Ref{x.Ref})
		p.text(x.DN)
		p.attrs(x.Set)
		p.num(len(x.Clear))
		for _, a := range x.Clear {
			p.text(string(a))
		}
		p.links(x.Links)
		p.flag(x.Compare != nil)
		p.attrs(x.Compare)
	})
}

// take reads the binary form; after its first error everything is zero.
type take struct {
	b   []byte
	err error
}

func (t *take) fail(err error) {
	if t.err == nil {
		t.err = err
	}
	t.b = nil
}

// num reads a number, and refuses one that more than all the rest would be needed for: every thing counted has a byte.
func (t *take) num() int {
	n, size := binary.Uvarint(t.b)
	if size <= 0 {
		t.fail(errShort)
		return 0
	}
	t.b = t.b[size:]
	if n > uint64(len(t.b)) {
		t.fail(errShort)
		return 0
	}
	return int(n)
}

// kind reads a small number, one of the first n.
func (t *take) kind(what string, n int) int {
	v, size := binary.Uvarint(t.b)
	if size <= 0 {
		t.fail(errShort)
		return 0
	}
	t.b = t.b[size:]
	if v >= uint64(n) {
		t.fail(fmt.Errorf("%s %d is not known", what, v))
		return 0
	}
	return int(v)
}

func (t *take) int() int64 {
	n, size := binary.Varint(t.b)
	if size <= 0 {
		t.fail(errShort)
		return 0
	}
	t.b = t.b[size:]
	return n
}

func (t *take) flag() bool { return t.kind("flag", 2) == 1 }

func (t *take) text() string {
	n := t.num()
	s := string(t.b[:n])
	t.b = t.b[n:]
	return s
}

// record reads what is behind a length; what read leaves over belongs to a newer version.
func (t *take) record(read func(*take)) {
	n := t.num()
	in := take{b: t.b[:n]}
	t.b = t.b[n:]
	read(&in)
	if in.err != nil {
		t.fail(in.err)
	}
}

func (t *take) value() canopy.Value {
	switch k := canopy.Type(t.kind("type", int(canopy.Reference)+1)); k {
	case canopy.Integer:
		return canopy.Int(t.int())
	case canopy.Boolean:
		return canopy.Bool(t.int() == 1)
	case canopy.Time:
		return canopy.Instant(time.UnixMicro(t.int()))
	case canopy.Binary:
		return canopy.Bytes([]byte(t.text()))
	case canopy.Reference:
		return canopy.To(canopy.Anchor(t.text()))
	case canopy.String:
	}
	return canopy.Text(t.text())
}

func (t *take) attrs() canopy.Attrs {
	n := t.num()
	if n == 0 {
		return nil
	}
	a := make(canopy.Attrs, min(n, 64))
	for i := 0; i < n && t.err == nil; i++ {
		name := canopy.Attr(t.text())
		count := t.num()
		values := make(canopy.Values, 0, min(count, 16))
		for j := 0; j < count && t.err == nil; j++ {
			values = append(values, t.value())
		}
		a[name] = values
	}
	return a
}

func (t *take) refs() []canopy.Ref {
	n := t.num()
	var list []canopy.Ref
	for i := 0; i < n && t.err == nil; i++ {
		list = append(list, canopy.Ref{Anchor: canopy.Anchor(t.text()), DN: t.text()})
	}
	return list
}

func (t *take) links() map[canopy.Attr]canopy.LinkChange {
	n := t.num()
	if n == 0 {
		return nil
	}
	l := make(map[canopy.Attr]canopy.LinkChange, min(n, 16))
	for i := 0; i < n && t.err == nil; i++ {
		name := canopy.Attr(t.text())
		l[name] = canopy.LinkChange{Whole: t.flag(), Added: t.refs(), Removed: t.refs()}
	}
	return l
}

func (t *take) change() (c canopy.Change) {
	t.record(func(t *take) {
		c.Kind = canopy.ChangeKind(t.kind("kind of change", int(canopy.LeftScope)+1))
		c.Class = canopy.Class(t.text())
		c.Anchor = canopy.Anchor(t.text())
		c.DN = t.text()
		c.Parent = canopy.Anchor(t.text())
		c.Attrs = t.attrs()
		c.Links = t.links()
		failed, err := parseFault(t.text())
		if err != nil {
			t.fail(err)
		}
		c.Failed = failed
	})
	return c
}

func (t *take) export() (x canopy.Export) {
	t.record(func(t *take) {
		x.ID = canopy.ExportID(t.int())
		x.Op = canopy.Op(t.kind("operation", int(canopy.Delete)+1))
		x.Class = canopy.Class(t.text())
		x.SourceAnchor = t.text()
		if refs := t.refs(); len(refs) == 1 {
			x.Ref = refs[0]
		} else {
			t.fail(errShort)
		}
		x.DN = t.text()
		x.Set = t.attrs()
		n := t.num()
		for i := 0; i < n && t.err == nil; i++ {
			x.Clear = append(x.Clear, canopy.Attr(t.text()))
		}
		x.Links = t.links()
		compares := t.flag()
		x.Compare = t.attrs()
		if compares && x.Compare == nil {
			x.Compare = canopy.Attrs{}
		}
	})
	return x
}
