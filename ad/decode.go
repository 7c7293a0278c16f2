package ad

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
)

// object is one object of an answer, decoded.
type object struct {
	change canopy.Change
	guid   GUID
	dn     string

	parent     GUID // zero: not told
	named      bool // its name came: it is new, renamed, moved, deleted or restored
	created    bool // it is told whole, since it is new to the one who asks
	classes    bool // its classes came
	known      bool // and are among those wanted
	deleted    bool
	undeleted  bool
	members    bool // something of its members came
	usnCreated int64
	ranged     []span // link attributes of which only a part came

	values canopy.Values // those of all attributes
}

// span is a part of a link attribute's values: what came ends before next.
type span struct {
	attr *attribute
	next int
}

// decode reads an entry. In an answer to DirSync a link attribute comes as ranges that mean "added" and "removed".
func (w *wants) decode(e *entry, dirSync bool) *object {
	o := &object{dn: e.dn}
	o.change.Attrs = make(canopy.Attrs, len(e.attrs))
	o.values = make(canopy.Values, 0, len(e.values))
	whenCreated := false
	for i := range e.attrs {
		f := &e.attrs[i]
		values := e.of(f)
		switch f.name {
		case "objectGUID":
			if len(values) > 0 {
				o.guid, _ = GUIDOf(values[0])
			}
		case "parentGUID":
			if len(values) > 0 {
				o.parent, _ = GUIDOf(values[0])
			}
		case "name":
			o.named = len(values) > 0
		case "whenCreated":
			whenCreated = len(values) > 0
		case "isDeleted":
			o.deleted = len(values) > 0 && values[0] == "TRUE"
			o.undeleted = len(values) == 0
		case "objectClass":
			if len(values) > 0 {
				o.classes = true
				o.change.Class, o.known = w.classOf(values)
			}
		case "uSNCreated":
			if len(values) > 0 {
				o.usnCreated, _ = strconv.ParseInt(values[0], 10, 64)
			}
		}
		w.field(o, f.name, values, dirSync)
	}
	o.created = o.classes && whenCreated
	o.change.Anchor = o.guid.Anchor()
	return o
}

// field decodes one attribute of an entry into o.
func (w *wants) field(o *object, name string, values []string, dirSync bool) {
	name, option, _ := strings.Cut(name, ";")
	if name == string(attrMember) {
		o.members = true
	}
	a := w.attr(name)
	switch {
	case a == nil:
	case a.shape == shapeLink:
		w.links(o, a, option, values, dirSync)
	case option != "": // a language or another encoding of a value: not one that is wanted
	default:
		from := len(o.values)
		for _, v := range values {
			x, err := w.value(a, v)
			if err != nil {
				o.fail(a.name, err)
				return
			}
			o.values = append(o.values, x)
		}
		o.change.Attrs[a.name] = o.values[from:len(o.values):len(o.values)]
	}
}

// links decodes a link attribute: all of its values, a range of them, or what was added and removed.
func (w *wants) links(o *object, a *attribute, option string, values []string, dirSync bool) {
	if o.change.Links == nil {
		o.change.Links = map[canopy.Attr]canopy.LinkChange{}
	}
	refs := make([]canopy.Ref, 0, len(values))
	for _, v := range values {
		r, err := refOf(v)
		if err != nil {
			o.fail(a.name, err)
			return
		}
		refs = append(refs, r)
	}
	l := o.change.Links[a.name]
	from, to, ranged := rangeOf(option)
	switch {
	case dirSync && ranged && from == 1 && to == 1:
		l.Added = append(l.Added, refs...)
	case dirSync && ranged && from == 0 && to == 0:
		l.Removed = append(l.Removed, refs...)
	case ranged && from == 0:
		l.Whole, l.Added = true, refs
		if to >= 0 {
			o.ranged = append(o.ranged, span{attr: a, next: to + 1})
		}
	default:
		if len(refs) == 0 && l.Whole {
			return // AD also gives the plain name, empty, beside a range
		}
		l.Whole, l.Added = true, refs
	}
	o.change.Links[a.name] = l
}

// rangeOf reads an option "range=0-1499"; to is -1 for the last ("0-*").
func rangeOf(option string) (from, to int, ok bool) {
	if len(option) < 6 || !strings.EqualFold(option[:6], "range=") {
		return 0, 0, false
	}
	low, high, ok := strings.Cut(option[6:], "-")
	from, err := strconv.Atoi(low)
	if !ok || err != nil || from < 0 {
		return 0, 0, false
	}
	if high == "*" {
		return from, -1, true
	}
	to, err = strconv.Atoi(high)
	return from, to, err == nil && to >= 0
}

func (o *object) fail(attr canopy.Attr, err *canopy.Error) {
	if o.change.Failed == nil {
		err.Object, err.Attr = o.dn, attr
		o.change.Failed = err
	}
}

func unreadable(code, text, next string) *canopy.Error {
	return &canopy.Error{Kind: canopy.Invalid, Code: code, Text: text, Next: next}
}

// value decodes one value.
func (w *wants) value(a *attribute, b string) (canopy.Value, *canopy.Error) {
	if len(b) > w.maxValue {
		return canopy.Value{}, unreadable("ad-value-size", fmt.Sprintf("a value has %d bytes, more than the %d that are allowed", len(b), w.maxValue),
			"make the value smaller in the directory")
	}
	switch a.shape {
	case shapeOctets:
		return canopy.Bytes([]byte(b)), nil
	case shapeNumber:
		n, err := strconv.ParseInt(b, 10, 64)
		if err != nil {
			return canopy.Value{}, unreadable("ad-value-number", fmt.Sprintf("%q is no whole number of 64 bits", b), "correct the value in the directory")
		}
		return canopy.Int(n), nil
	case shapeTruth:
		return canopy.Bool(b == "TRUE"), nil
	case shapeTime:
		t, err := ParseTime(b)
		if err != nil {
			return canopy.Value{}, unreadable("ad-value-time", fmt.Sprintf("%q is no time", b), "correct the value in the directory")
		}
		return canopy.Instant(t), nil
	case shapeSID:
		s, err := SIDText([]byte(b))
		if err != nil {
			return canopy.Value{}, unreadable("ad-value-sid", fmt.Sprintf("%x is no security identifier", b), "correct the value in the directory")
		}
		return canopy.Text(s), nil
	case shapeText, shapeDN, shapeLink, shapeBack, shapeNowhere:
	}
	if !utf8.ValidString(b) {
		return canopy.Value{}, unreadable("ad-value-utf8", "a value is not UTF-8", "write the value anew in the directory")
	}
	if a.shape == shapeDN {
		return canopy.Text(stripDN(b)), nil
	}
	return canopy.Text(b), nil
}

// refOf decodes a link's value: "<GUID=...>;<SID=...>;CN=..." or a DN alone.
func refOf(s string) (canopy.Ref, *canopy.Error) {
	if !utf8.ValidString(s) {
		return canopy.Ref{}, unreadable("ad-value-utf8", "a DN is not UTF-8", "rename the object that it names")
	}
	if !strings.HasPrefix(s, "<GUID=") {
		return canopy.Ref{DN: stripDN(s)}, nil
	}
	end := strings.IndexByte(s, '>')
	if end < 0 {
		return canopy.Ref{}, unreadable("ad-value-dn", fmt.Sprintf("%q is no DN", s), "correct the value in the directory")
	}
	text := s[len("<GUID="):end]
	r := canopy.Ref{DN: stripDN(s)}
	if isAnchor(text) {
		r.Anchor = canopy.Anchor(text)
		return r, nil
	}
	g, err := looseGUID(text)
	if err != nil {
		return canopy.Ref{}, unreadable("ad-value-dn", fmt.Sprintf("%q is no DN", s), "correct the value in the directory")
	}
	r.Anchor = g.Anchor()
	return r, nil
}

// isAnchor tells whether a text is a GUID just as anchors are written. The zero GUID, which names nothing, is none.
func isAnchor(s string) bool {
	if len(s) != 36 || s == "00000000-0000-0000-0000-000000000000" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// looseGUID reads a GUID with dashes, or as the hexadecimal of its bytes.
func looseGUID(s string) (GUID, error) {
	if len(s) != 32 {
		return ParseGUID(s)
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return GUID{}, notGUID(s)
	}
	g, _ := GUIDOf(b)
	return g, nil
}

// stripDN takes the identifiers off that AD puts before a DN: "<GUID=...>;<SID=...>;CN=...". In front of them there may
// be the octets of a DN with octets ("B:8:00020000:<GUID=...>;CN=...").
func stripDN(s string) string {
	at := strings.IndexByte(s, '<')
	if at < 0 || at > 0 && s[0] != 'B' && s[0] != 'S' {
		return s
	}
	head, rest := s[:at], s[at:]
	for strings.HasPrefix(rest, "<GUID=") || strings.HasPrefix(rest, "<SID=") || strings.HasPrefix(rest, "<RMD_") {
		_, after, ok := strings.Cut(rest, ">")
		if !ok {
			return s
		}
		rest = strings.TrimPrefix(after, ";")
	}
	return head + rest
}
