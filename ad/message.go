package ad

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// The tags of LDAP messages that are read here.
const (
	tagSequence  = 0x30
	tagEntry     = 0x64
	tagDone      = 0x65
	tagReference = 0x73
	tagControls  = 0xa0
)

// maxMessage bounds one message: a group with millions of members still fits.
const maxMessage = 1 << 30

var errMessage = errors.New("the answer is not LDAP")

// tlv splits the first element off b.
func tlv[T octets](b T) (tag byte, value, rest T, err error) {
	if len(b) < 2 {
		return 0, value, rest, errMessage
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		size := n & 0x7f
		if size == 0 || size > 4 || len(b) < 2+size {
			return 0, value, rest, errMessage
		}
		n = 0
		for i := 2; i < 2+size; i++ {
			n = n<<8 | int(b[i])
		}
		at += size
	}
	if n > len(b)-at {
		return 0, value, rest, errMessage
	}
	return b[0], b[at : at+n], b[at+n:], nil
}

func number(b []byte) int64 {
	if len(b) == 0 || len(b) > 8 {
		return 0
	}
	n := int64(int8(b[0]))
	for _, c := range b[1:] {
		n = n<<8 | int64(c)
	}
	return n
}

// readMessage reads one whole message and its number. The slice that free gives is used when it is large enough.
func readMessage(r *bufio.Reader, free func() []byte) (msg []byte, id int64, err error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, 0, err
	}
	size, at := int(head[1]), 2
	if size >= 0x80 {
		at += size & 0x7f
		if at == 2 || at > 6 {
			return nil, 0, errMessage
		}
		if head, err = r.Peek(at); err != nil {
			return nil, 0, err
		}
		size = 0
		for _, c := range head[2:] {
			size = size<<8 | int(c)
		}
	}
	if head[0] != tagSequence {
		return nil, 0, errMessage
	}
	if size > maxMessage {
		return nil, 0, fmt.Errorf("the controller sends a message of %d bytes", size)
	}
	if msg = free(); cap(msg) < at+size {
		msg = make([]byte, at+size)
	}
	msg = msg[:at+size]
	if _, err := io.ReadFull(r, msg); err != nil {
		return nil, 0, err
	}
	tag, value, _, err := tlv(msg[at:])
	if err != nil || tag != byte(ber.TagInteger) {
		return nil, 0, errMessage
	}
	return msg, number(value), nil
}

// operation gives the operation inside a message, its tag and the controls behind it.
func operation(msg []byte) (tag byte, op, controls []byte, err error) {
	_, body, _, err := tlv(msg)
	if err != nil {
		return 0, nil, nil, err
	}
	_, _, body, err = tlv(body) // its number
	if err != nil {
		return 0, nil, nil, err
	}
	tag, op, rest, err := tlv(body)
	if err != nil || len(rest) == 0 {
		return tag, op, nil, err
	}
	if t, v, _, err := tlv(rest); err == nil && t == tagControls {
		controls = v
	}
	return tag, op, controls, nil
}

// entry is one object of a search's answer. It is valid until the next one is read; the texts that it gives are good for
// ever. They are all parts of one, so that an object costs one piece of memory and not one for each value.
type entry struct {
	dn     string
	attrs  []field
	values []string
}

// field is one attribute of an entry; the name may have options behind it ("member;range=0-1499").
type field struct {
	name     string
	from, to int
}

func (e *entry) of(f *field) []string { return e.values[f.from:f.to] }

// first is the first value of the attribute with exactly this name, "" when there is none.
func (e *entry) first(name string) string {
	for i := range e.attrs {
		if f := &e.attrs[i]; f.name == name && f.to > f.from {
			return e.values[f.from]
		}
	}
	return ""
}

// all are the values of the attribute with exactly this name.
func (e *entry) all(name string) []string {
	for i := range e.attrs {
		if f := &e.attrs[i]; f.name == name {
			return e.of(f)
		}
	}
	return nil
}

func (e *entry) parse(op []byte) error {
	e.attrs, e.values = e.attrs[:0], e.values[:0]
	_, dn, rest, err := tlv(string(op))
	if err != nil {
		return err
	}
	e.dn = stripDN(dn)
	_, list, _, err := tlv(rest)
	for err == nil && len(list) > 0 {
		var attr, name, vals, v string
		if _, attr, list, err = tlv(list); err != nil {
			break
		}
		if _, name, attr, err = tlv(attr); err != nil {
			break
		}
		if _, vals, _, err = tlv(attr); err != nil {
			break
		}
		f := field{name: name, from: len(e.values)}
		for err == nil && len(vals) > 0 {
			if _, v, vals, err = tlv(vals); err == nil {
				e.values = append(e.values, v)
			}
		}
		f.to = len(e.values)
		e.attrs = append(e.attrs, f)
	}
	return err
}

// forget lets go of what was read, so that a large group's answer does not stay in memory as long as the connection.
func (e *entry) forget() { *e = entry{} }

// done is the end of a search.
type done struct {
	controls map[string][]byte // values by number
}

// parseDone reads the end of a search; a code other than success is an error of go-ldap's.
func parseDone(op, controls []byte) (*done, error) {
	_, code, rest, err := tlv(op)
	if err != nil {
		return nil, err
	}
	_, matched, rest, err := tlv(rest)
	if err != nil {
		return nil, err
	}
	_, text, _, err := tlv(rest)
	if err != nil {
		return nil, err
	}
	if n := number(code); n != 0 {
		return nil, &ldap.Error{ResultCode: uint16(n), MatchedDN: string(matched), Err: errors.New(string(text))}
	}
	d := &done{controls: map[string][]byte{}}
	for len(controls) > 0 {
		var control, oid, value []byte
		var tag byte
		if _, control, controls, err = tlv(controls); err != nil {
			return nil, err
		}
		if _, oid, control, err = tlv(control); err != nil {
			return nil, err
		}
		for len(control) > 0 {
			if tag, value, control, err = tlv(control); err != nil {
				return nil, err
			}
			if tag == byte(ber.TagOctetString) {
				d.controls[string(oid)] = append([]byte(nil), value...)
			}
		}
	}
	return d, nil
}

// numbersAndCookie reads the value of a paging or DirSync control: whole numbers, then a cookie.
func numbersAndCookie(value []byte, numbers int) (n []int64, cookie []byte, err error) {
	_, body, _, err := tlv(value)
	for range numbers {
		var v []byte
		if err != nil {
			return nil, nil, err
		}
		if _, v, body, err = tlv(body); err == nil {
			n = append(n, number(v))
		}
	}
	if err != nil {
		return nil, nil, err
	}
	_, cookie, _, err = tlv(body)
	return n, cookie, err
}

// query is one search.
type query struct {
	base     string
	scope    int // of go-ldap
	filter   string
	attrs    []string
	controls []ldap.Control
	limit    int
}

// encode writes a search request.
func (q *query) encode(id int64) ([]byte, error) {
	filter, err := ldap.CompileFilter(q.filter)
	if err != nil {
		return nil, err
	}
	m := ber.NewSequence("")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	r := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchRequest, nil, "")
	r.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, q.base, ""))
	r.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, q.scope, ""))
	r.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, ldap.NeverDerefAliases, ""))
	r.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, q.limit, ""))
	r.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 0, ""))
	r.AppendChild(ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, false, ""))
	r.AppendChild(filter)
	attrs := ber.NewSequence("")
	for _, a := range q.attrs {
		attrs.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, a, ""))
	}
	r.AppendChild(attrs)
	m.AppendChild(r)
	if len(q.controls) > 0 {
		controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, c := range q.controls {
			controls.AppendChild(c.Encode())
		}
		m.AppendChild(controls)
	}
	return m.Bytes(), nil
}
