package store

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
)

// The forms of bodies. Each begins with its version; numbers are varints, texts have their length before them, and
// names are numbers of words.
//
//	attributes   version, count, { name, count, { value } }, by the names' numbers
//	value        type, content
//	image        version, count, { name, count, { value }, count, { connector, entry, rule } }
//	changes      version, count, { name, count, { old }, count, { new }, connector, entry, rule }
const bodyVersion = 1

var errBody = errors.New("a stored body is damaged")

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendValue(b []byte, v canopy.Value) []byte {
	b = append(b, byte(v.Type()))
	switch v.Type() {
	case canopy.Integer, canopy.Boolean, canopy.Time:
		return binary.AppendVarint(b, v.Num())
	case canopy.Binary:
		return appendText(b, string(v.Octets()))
	case canopy.String, canopy.Reference:
	}
	return appendText(b, v.Str())
}

func appendValues(b []byte, vs canopy.Values) []byte {
	b = binary.AppendUvarint(b, uint64(len(vs)))
	for _, v := range vs {
		b = appendValue(b, v)
	}
	return b
}

// numbered is an attribute under its word's number.
type numbered struct {
	no   int64
	name canopy.Attr
}

// order gives the names of attributes by number, without those that have no value.
func order[V any](w *words, m map[canopy.Attr]V, empty func(V) bool) ([]numbered, error) {
	names := make([]numbered, 0, len(m))
	for a, v := range m {
		if empty(v) {
			continue
		}
		no, err := w.number(string(a))
		if err != nil {
			return nil, err
		}
		names = append(names, numbered{no, a})
	}
	slices.SortFunc(names, func(a, b numbered) int { return int(a.no - b.no) })
	return names, nil
}

func noValues(v canopy.Values) bool { return len(v) == 0 }

// encodeAttrs gives the body of attributes and its hash, which is the same for the same sets of values in any order. No
// attributes have no body.
func (w *words) encodeAttrs(a canopy.Attrs) (body, hash []byte, err error) {
	names, err := order(w, a, noValues)
	if err != nil || len(names) == 0 {
		return nil, nil, err
	}
	body = append(make([]byte, 0, 64+24*len(names)), bodyVersion)
	body = binary.AppendUvarint(body, uint64(len(names)))
	canon := body
	sorted := true
	for _, n := range names {
		body = binary.AppendUvarint(body, uint64(n.no))
		body = appendValues(body, a[n.name])
		sorted = sorted && (len(a[n.name]) == 1 || slices.IsSortedFunc(a[n.name], compareValues))
	}
	if sorted {
		canon = body
	} else {
		canon = slices.Clip(canon)
		for _, n := range names {
			canon = binary.AppendUvarint(canon, uint64(n.no))
			canon = appendValues(canon, slices.SortedFunc(slices.Values(a[n.name]), compareValues))
		}
	}
	h := xxh3.Hash128(canon).Bytes()
	return body, h[:], nil
}

func compareValues(a, b canopy.Value) int {
	switch {
	case a.Type() != b.Type():
		return int(a.Type()) - int(b.Type())
	case a.Num() < b.Num():
		return -1
	case a.Num() > b.Num():
		return 1
	case a.Str() < b.Str():
		return -1
	case a.Str() > b.Str():
		return 1
	}
	return 0
}

// reader reads a body; after the first fault everything it gives is empty.
type reader struct {
	b   []byte
	w   *words
	err error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errBody
	}
	r.b = nil
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count is a number of things of which each takes at least one octet.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.count()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) word() string {
	n := r.uvarint()
	if r.err != nil {
		return ""
	}
	if n > math.MaxInt32 {
		r.fail()
		return ""
	}
	s, err := r.w.word(int64(n))
	if err != nil && r.err == nil {
		r.err, r.b = err, nil
	}
	return s
}

func (r *reader) value() canopy.Value {
	if len(r.b) == 0 {
		r.fail()
		return canopy.Value{}
	}
	t := canopy.Type(r.b[0])
	r.b = r.b[1:]
	switch t {
	case canopy.String:
		return canopy.Text(r.text())
	case canopy.Integer:
		return canopy.Int(r.varint())
	case canopy.Boolean:
		return canopy.Bool(r.varint() == 1)
	case canopy.Time:
		return canopy.Instant(time.UnixMicro(r.varint()))
	case canopy.Binary:
		return canopy.Bytes([]byte(r.text()))
	case canopy.Reference:
		return canopy.To(canopy.Anchor(r.text()))
	}
	r.fail()
	return canopy.Value{}
}

func (r *reader) values() canopy.Values {
	n := r.count()
	if n == 0 {
		return nil
	}
	vs := make(canopy.Values, 0, min(n, 1024))
	for range n {
		if r.err != nil {
			return nil
		}
		vs = append(vs, r.value())
	}
	return vs
}

// skipSourced passes by values and their origins.
func (r *reader) skipSourced() {
	for range r.count() {
		if len(r.b) == 0 {
			r.fail()
			return
		}
		t := canopy.Type(r.b[0])
		switch r.b = r.b[1:]; t {
		case canopy.Integer, canopy.Boolean, canopy.Time:
			r.varint()
		case canopy.String, canopy.Binary, canopy.Reference:
			r.bytes()
		}
	}
	for range r.count() {
		r.uvarint()
		r.uvarint()
		r.varint()
	}
}

func (r *reader) version() {
	if len(r.b) == 0 || r.b[0] != bodyVersion {
		r.fail()
		return
	}
	r.b = r.b[1:]
}

// end tells whether everything was read and understood.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.err = errBody
	}
	return r.err
}

// decodeAttrs reads the body of attributes.
func (w *words) decodeAttrs(body []byte) (canopy.Attrs, error) {
	if len(body) == 0 {
		return canopy.Attrs{}, nil
	}
	r := reader{b: body, w: w}
	r.version()
	n := r.count()
	a := make(canopy.Attrs, n)
	for range n {
		if r.err != nil {
			break
		}
		name := canopy.Attr(r.word())
		a[name] = r.values()
	}
	return a, r.end()
}

func (w *words) appendOrigin(b []byte, o canopy.Origin) ([]byte, error) {
	for _, text := range []string{string(o.Connector), string(o.Rule)} {
		no := int64(0)
		if text != "" {
			var err error
			if no, err = w.number(text); err != nil {
				return nil, err
			}
		}
		b = binary.AppendUvarint(b, uint64(no))
	}
	return binary.AppendVarint(b, int64(o.Entry)), nil
}

func (r *reader) origin() canopy.Origin {
	var texts [2]string
	for i := range texts {
		if len(r.b) > 0 && r.b[0] == 0 {
			r.b = r.b[1:]
			continue
		}
		texts[i] = r.word()
	}
	return canopy.Origin{Connector: canopy.ConnectorID(texts[0]), Rule: canopy.RuleID(texts[1]), Entry: canopy.EntryID(r.varint())}
}

// encodeImage gives the body of a meta's attributes with their origins. An attribute may have origins and no values.
func (w *words) encodeImage(a map[canopy.Attr]canopy.Sourced) ([]byte, error) {
	names, err := order(w, a, func(s canopy.Sourced) bool { return len(s.Values)+len(s.Origins) == 0 })
	if err != nil || len(names) == 0 {
		return nil, err
	}
	b := append(make([]byte, 0, 64+32*len(names)), bodyVersion)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, n := range names {
		s := a[n.name]
		b = binary.AppendUvarint(b, uint64(n.no))
		b = appendValues(b, s.Values)
		b = binary.AppendUvarint(b, uint64(len(s.Origins)))
		for _, o := range s.Origins {
			if b, err = w.appendOrigin(b, o); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// decodeImage reads the body of a meta's attributes; with names, only those.
func (w *words) decodeImage(body []byte, names ...canopy.Attr) (map[canopy.Attr]canopy.Sourced, error) {
	if len(body) == 0 {
		return map[canopy.Attr]canopy.Sourced{}, nil
	}
	r := reader{b: body, w: w}
	r.version()
	n := r.count()
	size := n
	if len(names) > 0 {
		size = len(names)
	}
	a := make(map[canopy.Attr]canopy.Sourced, size)
	for range n {
		if r.err != nil {
			break
		}
		name := canopy.Attr(r.word())
		if len(names) > 0 && !slices.Contains(names, name) {
			r.skipSourced()
			continue
		}
		s := canopy.Sourced{Values: r.values()}
		for range r.count() {
			s.Origins = append(s.Origins, r.origin())
		}
		a[name] = s
	}
	return a, r.end()
}
