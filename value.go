package canopy

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Type is the type that a directory's schema gives an attribute.
type Type uint8

// The types of values. String is the zero type.
const (
	String    Type = iota // text, UTF-8
	Integer               // signed, 64 bit
	Boolean               // true or false
	Time                  // an instant, UTC, to the microsecond
	Binary                // octets
	Reference             // another object, by its anchor; travels in Links, never in Attrs
)

var typeNames = [...]string{"string", "integer", "boolean", "time", "binary", "reference"}

func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type(" + strconv.Itoa(int(t)) + ")"
}

// Value is one value of an attribute. It is immutable and comparable: a == b is equality of type and content, with
// the case of text counting. The zero Value is the empty string.
type Value struct {
	t Type
	s string
	n int64
}

// Text makes a String value.
func Text(s string) Value { return Value{t: String, s: s} }

// Int makes an Integer value.
func Int(n int64) Value { return Value{t: Integer, n: n} }

// Bool makes a Boolean value.
func Bool(b bool) Value {
	if b {
		return Value{t: Boolean, n: 1}
	}
	return Value{t: Boolean}
}

// Instant makes a Time value; what is finer than a microsecond is cut off.
func Instant(t time.Time) Value { return Value{t: Time, n: t.UnixMicro()} }

// Bytes makes a Binary value from a copy of b.
func Bytes(b []byte) Value { return Value{t: Binary, s: string(b)} }

// To makes a Reference value to the object with this anchor.
func To(a Anchor) Value { return Value{t: Reference, s: string(a)} }

// Type tells the value's type.
func (v Value) Type() Type { return v.t }

// Str is the content of a String or Reference value, and the canonical text of any other (see Value.String).
func (v Value) Str() string {
	if v.t == String || v.t == Reference {
		return v.s
	}
	return v.String()
}

// Num is the content of an Integer value, 1 or 0 for a Boolean, microseconds since 1970 for a Time, else 0.
func (v Value) Num() int64 { return v.n }

// True tells whether v is the Boolean true.
func (v Value) True() bool { return v.t == Boolean && v.n == 1 }

// Moment is the content of a Time value, in UTC.
func (v Value) Moment() time.Time { return time.UnixMicro(v.n).UTC() }

// Octets is a copy of the content of a Binary value, or of the text's bytes.
func (v Value) Octets() []byte { return []byte(v.s) }

// String is the canonical text: numbers in decimal, TRUE or FALSE, times as RFC 3339 with microseconds as needed,
// octets in base64.
func (v Value) String() string {
	switch v.t {
	case Integer:
		return strconv.FormatInt(v.n, 10)
	case Boolean:
		if v.n == 1 {
			return "TRUE"
		}
		return "FALSE"
	case Time:
		return v.Moment().Format(time.RFC3339Nano)
	case Binary:
		return base64.StdEncoding.EncodeToString([]byte(v.s))
	case String, Reference:
	}
	return v.s
}

// Fold is the text under which values that a directory takes for equal are the same: lower case for text, hexadecimal
// for octets.
func (v Value) Fold() string {
	switch v.t {
	case String, Reference:
		return Fold(v.s)
	case Binary:
		return hex.EncodeToString([]byte(v.s))
	case Integer, Boolean, Time:
	}
	return Fold(v.String())
}

// Fold lower-cases text the way directories compare it.
func Fold(s string) string { return strings.ToLower(s) }

// MarshalJSON writes text, numbers and truth as such; times and octets as their canonical text.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.t {
	case Integer:
		return json.Marshal(v.n)
	case Boolean:
		return json.Marshal(v.n == 1)
	case String, Time, Binary, Reference:
	}
	return json.Marshal(v.String())
}

// ParseValue reads the canonical text of a value of type t.
func ParseValue(t Type, s string) (Value, error) {
	switch t {
	case Integer:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return Value{}, fmt.Errorf("%q is not a whole number", s)
		}
		return Int(n), nil
	case Boolean:
		switch {
		case strings.EqualFold(s, "true"):
			return Bool(true), nil
		case strings.EqualFold(s, "false"):
			return Bool(false), nil
		}
		return Value{}, fmt.Errorf("%q is neither TRUE nor FALSE", s)
	case Time:
		m, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return Value{}, fmt.Errorf("%q is not a time", s)
		}
		return Instant(m), nil
	case Binary:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return Value{}, fmt.Errorf("%q is not base64", s)
		}
		return Bytes(b), nil
	case Reference:
		return To(Anchor(s)), nil
	case String:
	}
	return Text(s), nil
}

// Attr is the name of an attribute in its schema's spelling. Spellings of one attribute are made equal where names
// enter (a directory's schema, a rule file), so that == is right everywhere else.
type Attr string

// Values are the values of one attribute. They are a set: order carries no meaning, but is kept where the directory
// keeps it, and stored values are compared as sets.
type Values []Value

// Attrs are the attributes of an object, without its links. In a Change an absent attribute is "not reported" and a
// present, empty one is "cleared"; in an Entry or Meta absent and empty both mean "no value", and absent is canonical.
type Attrs map[Attr]Values

// First is the first value of an attribute, and whether there is one.
func (a Attrs) First(name Attr) (Value, bool) {
	if v := a[name]; len(v) > 0 {
		return v[0], true
	}
	return Value{}, false
}

// Text is the first value of an attribute as text, "" when there is none.
func (a Attrs) Text(name Attr) string {
	if v := a[name]; len(v) > 0 {
		return v[0].Str()
	}
	return ""
}

// Names are the attributes' names in order.
func (a Attrs) Names() []Attr {
	names := make([]Attr, 0, len(a))
	for n := range a {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Clone is a copy that shares no memory with a.
func (a Attrs) Clone() Attrs {
	if a == nil {
		return nil
	}
	c := make(Attrs, len(a))
	for n, v := range a {
		c[n] = slices.Clone(v)
	}
	return c
}

// Equal tells whether two attributes hold the same set of values. The case of text counts, the order does not.
func (v Values) Equal(w Values) bool {
	if len(v) != len(w) {
		return false
	}
	if slices.Equal(v, w) {
		return true
	}
	seen := make(map[Value]int, len(v))
	for _, x := range v {
		seen[x]++
	}
	for _, x := range w {
		if seen[x] == 0 {
			return false
		}
		seen[x]--
	}
	return true
}

// Strings are the canonical texts of the values.
func (v Values) Strings() []string {
	s := make([]string, len(v))
	for i, x := range v {
		s[i] = x.String()
	}
	return s
}

// Texts makes String values.
func Texts(s ...string) Values {
	v := make(Values, len(s))
	for i, x := range s {
		v[i] = Text(x)
	}
	return v
}
