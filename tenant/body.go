package tenant

import (
	"encoding/binary"
	"errors"
	"maps"
	"time"

	"github.com/canopy-sync/canopy"
)

// body is one copy of an object's attributes. Cleared holds, for attributes that were written and have no value, the
// number of the change, so that the feed can tell it.
type body struct {
	attrs   canopy.Attrs
	cleared map[canopy.Attr]int64
}

func newBody() body { return body{attrs: canopy.Attrs{}, cleared: map[canopy.Attr]int64{}} }

// set gives an attribute its values by change seq; none clears it.
func (b body) set(name canopy.Attr, v canopy.Values, seq int64) {
	if len(v) == 0 {
		delete(b.attrs, name)
		b.cleared[name] = seq
		return
	}
	b.attrs[name] = v
	delete(b.cleared, name)
}

// replace makes the body hold exactly attrs.
func (b body) replace(attrs canopy.Attrs, seq int64) {
	for name := range b.attrs {
		if len(attrs[name]) == 0 {
			b.set(name, nil, seq)
		}
	}
	for name, v := range attrs {
		b.set(name, v, seq)
	}
}

// over are the values of b, and where it has none those of under.
func (b body) over(under canopy.Attrs) canopy.Attrs {
	if len(under) == 0 {
		return b.attrs
	}
	m := maps.Clone(under)
	maps.Copy(m, b.attrs)
	return m
}

// form is the version of the encoding: form, number of attributes, each with its name, number of values and values
// (type, then a number or octets); number of cleared attributes, each with name and change.
const form = 1

var errBody = errors.New("the stored attributes are damaged")

func (b body) encode() []byte {
	out := make([]byte, 1, 512)
	out[0] = form
	out = binary.AppendUvarint(out, uint64(len(b.attrs)))
	for name, values := range b.attrs {
		out = appendString(out, string(name))
		out = binary.AppendUvarint(out, uint64(len(values)))
		for _, v := range values {
			out = append(out, byte(v.Type()))
			switch v.Type() {
			case canopy.Integer, canopy.Boolean, canopy.Time:
				out = binary.AppendVarint(out, v.Num())
			case canopy.Binary:
				out = appendString(out, string(v.Octets()))
			case canopy.String, canopy.Reference:
				out = appendString(out, v.Str())
			}
		}
	}
	out = binary.AppendUvarint(out, uint64(len(b.cleared)))
	for name, seq := range b.cleared {
		out = appendString(out, string(name))
		out = binary.AppendUvarint(out, uint64(seq))
	}
	return out
}

func appendString(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// decodeBody reads what encode wrote; nothing at all is an empty body.
func decodeBody(in []byte) (body, error) {
	b := newBody()
	if len(in) == 0 {
		return b, nil
	}
	if in[0] != form {
		return b, &canopy.Error{Kind: canopy.Newer, Text: "the attributes were written by a newer version",
			Next: "use the version that wrote them"}
	}
	r := &reader{in: in[1:]}
	for n := r.number(); n > 0 && r.ok(); n-- {
		name := canopy.Attr(r.text())
		count := r.number()
		if count > uint64(len(r.in)) {
			return b, errBody
		}
		values := make(canopy.Values, 0, count)
		for ; count > 0 && r.ok(); count-- {
			values = append(values, r.value())
		}
		b.attrs[name] = values
	}
	for n := r.number(); n > 0 && r.ok(); n-- {
		name := canopy.Attr(r.text())
		b.cleared[name] = int64(r.number())
	}
	if r.bad || len(r.in) > 0 {
		return b, errBody
	}
	return b, nil
}

// reader takes an encoded body apart.
type reader struct {
	in  []byte
	bad bool
}

func (r *reader) ok() bool { return !r.bad }

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.in)
	if size <= 0 {
		r.bad, r.in = true, nil
		return 0
	}
	r.in = r.in[size:]
	return n
}

func (r *reader) text() string {
	n := r.number()
	if n > uint64(len(r.in)) {
		r.bad, r.in = true, nil
		return ""
	}
	s := string(r.in[:n])
	r.in = r.in[n:]
	return s
}

func (r *reader) value() canopy.Value {
	if len(r.in) == 0 {
		r.bad = true
		return canopy.Value{}
	}
	t := canopy.Type(r.in[0])
	r.in = r.in[1:]
	switch t {
	case canopy.Integer, canopy.Boolean, canopy.Time:
		n, size := binary.Varint(r.in)
		if size <= 0 {
			r.bad, r.in = true, nil
			return canopy.Value{}
		}
		r.in = r.in[size:]
		switch t {
		case canopy.Integer:
			return canopy.Int(n)
		case canopy.Boolean:
			return canopy.Bool(n == 1)
		default:
			return canopy.Instant(time.UnixMicro(n))
		}
	case canopy.Binary:
		return canopy.Bytes([]byte(r.text()))
	case canopy.String:
		return canopy.Text(r.text())
	case canopy.Reference:
		return canopy.To(canopy.Anchor(r.text()))
	}
	r.bad = true
	return canopy.Value{}
}
