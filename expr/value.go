package expr

import (
	"encoding/hex"
	"strconv"
	"time"
)

// Kind is the type of a value.
type Kind uint8

// The kinds. The last two are no values: they say what an attribute flow does.
const (
	Null   Kind = iota // an attribute without a value; contributes nothing
	Text               // UTF-8
	Number             // whole, 64 bit
	Truth
	Moment // an instant, UTC, to the microsecond
	Octets
	Reference         // the name of another object
	List              // two or more values
	AuthoritativeNull // no value, and nobody else is asked
	IgnoreThisFlow    // as if the flow did not exist
)

var kindNames = [...]string{"NULL", "text", "a number", "a truth value", "a time", "octets", "a reference", "several values",
	"AuthoritativeNull", "IgnoreThisFlow"}

func (k Kind) String() string { return kindNames[k] }

// Value is what an expression works with. The zero Value is NULL. Values are not changed once made.
type Value struct {
	kind Kind
	n    int64
	s    string
	list []Value
}

// Str makes a text.
func Str(s string) Value { return Value{kind: Text, s: s} }

// Num makes a number.
func Num(n int64) Value { return Value{kind: Number, n: n} }

// Bool makes a truth value.
func Bool(b bool) Value {
	if b {
		return Value{kind: Truth, n: 1}
	}
	return Value{kind: Truth}
}

// At makes an instant from microseconds since 1970.
func At(micro int64) Value { return Value{kind: Moment, n: micro} }

// Bin makes octets; the string's bytes are the octets.
func Bin(octets string) Value { return Value{kind: Octets, s: octets} }

// Ref makes a reference.
func Ref(name string) Value { return Value{kind: Reference, s: name} }

// Many makes the value of an attribute with these values: NULL for none, the value itself for one. It keeps the slice.
func Many(vs []Value) Value {
	switch len(vs) {
	case 0:
		return Value{}
	case 1:
		return vs[0]
	}
	return Value{kind: List, list: vs}
}

// Kind tells the value's kind.
func (v Value) Kind() Kind { return v.kind }

// Str is the content of a text, reference or octets.
func (v Value) Str() string { return v.s }

// Num is the content of a number, microseconds of an instant, 1 or 0 of a truth value.
func (v Value) Num() int64 { return v.n }

// True tells whether v is True.
func (v Value) True() bool { return v.kind == Truth && v.n == 1 }

// Values are the values of a list, v itself for a single value, none for NULL. The caller must not change them.
func (v Value) Values() []Value {
	switch v.kind {
	case List:
		return v.list
	case Null, AuthoritativeNull, IgnoreThisFlow:
		return nil
	case Text, Number, Truth, Moment, Octets, Reference:
	}
	return []Value{v}
}

// String is the value for people.
func (v Value) String() string {
	switch v.kind {
	case Text, Reference:
		return strconv.Quote(v.s)
	case Number:
		return strconv.FormatInt(v.n, 10)
	case Truth:
		if v.n == 1 {
			return "True"
		}
		return "False"
	case Moment:
		return time.UnixMicro(v.n).UTC().Format(time.RFC3339Nano)
	case Octets:
		return "0x" + hex.EncodeToString([]byte(v.s))
	case List:
		return strconv.Itoa(len(v.list)) + " values"
	case Null, AuthoritativeNull, IgnoreThisFlow:
	}
	return v.kind.String()
}

// empty tells whether v is NULL or the empty text.
func (v Value) empty() bool {
	return v.kind == Null || (v.kind == Text || v.kind == Reference || v.kind == Octets) && v.s == ""
}

// size is the memory that v's content takes, roughly.
func (v Value) size() int {
	n := len(v.s) + 1
	return n + 16*len(v.list)
}
