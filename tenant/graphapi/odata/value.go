// Package odata reads the query language of OData as Microsoft Graph speaks it, and judges values by it: filters, orders,
// searches and selections. It knows no directory and no property by name.
package odata

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is what a value is.
type Kind uint8

// The kinds of values.
const (
	Null   Kind = iota
	Text        // compared without regard to case
	Bool        // Num is 1 or 0
	Int         // Num
	Time        // Num: microseconds since 1970
	List        // List
	Object      // Fields
)

// Value is a property's value, or a literal.
type Value struct {
	Kind   Kind
	Text   string
	Num    int64
	List   []Value
	Fields []Field
}

// Field is a property of an Object.
type Field struct {
	Name  string
	Value Value
}

// Of makes a Text, Null for "".
func Of(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{Kind: Text, Text: s}
}

// OfBool makes a Bool.
func OfBool(b bool) Value {
	if b {
		return Value{Kind: Bool, Num: 1}
	}
	return Value{Kind: Bool}
}

// OfInt makes an Int.
func OfInt(n int64) Value { return Value{Kind: Int, Num: n} }

// OfTime makes a Time, Null for the zero time and for that of 1970.
func OfTime(t time.Time) Value {
	if t.IsZero() || t.UnixMicro() == 0 {
		return Value{}
	}
	return Value{Kind: Time, Num: t.UnixMicro()}
}

// OfList makes a List.
func OfList(v ...Value) Value { return Value{Kind: List, List: v} }

// Texts makes a List of Text.
func Texts(s []string) Value {
	v := Value{Kind: List, List: make([]Value, len(s))}
	for i, x := range s {
		v.List[i] = Value{Kind: Text, Text: x}
	}
	return v
}

// OfObject makes an Object.
func OfObject(f ...Field) Value { return Value{Kind: Object, Fields: f} }

// Field is a property of an Object by its name, whatever its case; Null when there is none.
func (v Value) Field(name string) Value {
	for _, f := range v.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return Value{}
}

// AppendJSON writes the value.
func (v Value) AppendJSON(out []byte) []byte {
	switch v.Kind {
	case Null:
		return append(out, "null"...)
	case Text:
		return AppendString(out, v.Text)
	case Bool:
		return strconv.AppendBool(out, v.Num == 1)
	case Int:
		return strconv.AppendInt(out, v.Num, 10)
	case Time:
		return append(time.UnixMicro(v.Num).UTC().AppendFormat(append(out, '"'), time.RFC3339), '"')
	case List:
		out = append(out, '[')
		for i, x := range v.List {
			if i > 0 {
				out = append(out, ',')
			}
			out = x.AppendJSON(out)
		}
		return append(out, ']')
	case Object:
		out = append(out, '{')
		for i, f := range v.Fields {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(AppendString(out, f.Name), ':')
			out = f.Value.AppendJSON(out)
		}
		return append(out, '}')
	}
	return out
}

const hexDigits = "0123456789abcdef"

// AppendString writes a JSON string.
func AppendString(out []byte, s string) []byte {
	out = append(out, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				out = append(append(out, s[from:i]...), `\ufffd`...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		out = append(out, s[from:i]...)
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\t':
			out = append(out, '\\', 't')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(out, s[from:]...), '"')
}
