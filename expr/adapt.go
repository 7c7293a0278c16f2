package expr

import (
	"fmt"
	"strconv"
)

// adapt makes a value fit an argument of a kind, or says why it does not. A loose one takes a text for a number, a time
// or a condition, and the other way round, where it is clear what is meant.
func adapt(kind byte, v Value, maps, loose bool) (Value, string) {
	switch v.kind {
	case AuthoritativeNull, IgnoreThisFlow:
		return v, v.kind.String() + " is no value and can only be the result"
	case Null:
		return v, ""
	case List:
		if kind == 'm' || kind == 'v' || maps {
			return v, ""
		}
		return v, fmt.Sprintf("takes one value, not %d; Item and Join make one of them", len(v.list))
	case Text, Number, Truth, Moment, Octets, Reference:
	}
	if loose {
		v = loosened(kind, v)
	}
	ok, want := true, ""
	switch kind {
	case 't':
		ok, want = v.kind == Text || v.kind == Reference, "a text"
		if !ok && (v.kind == Number || v.kind == Truth) {
			want = "a text (CStr makes one)"
		}
	case 'n':
		ok, want = v.kind == Number, "a number"
		if v.kind == Text && !loose {
			want = "a number (CNum makes one)"
		}
	case 'b':
		b, good := truth(v, loose)
		if !good {
			return v, "must be true or false, is " + described(v)
		}
		return Bool(b), ""
	case 'o':
		ok, want = v.kind == Octets, "octets"
	case 'd':
		ok, want = v.kind == Moment, "a time"
		if v.kind == Text && !loose {
			want = "a time (CDate makes one)"
		}
	case 'x':
		ok, want = v.kind == Text || v.kind == Octets || v.kind == Reference, "a text or octets"
	}
	if !ok {
		return v, "must be " + want + ", is " + described(v)
	}
	return v, ""
}

// loosened is a value as another kind, when it can be that; else itself.
func loosened(kind byte, v Value) Value {
	switch kind {
	case 't', 'x':
		if v.kind == Number || v.kind == Truth || v.kind == Moment {
			s, _ := joinable(v, true)
			return Str(s)
		}
	case 'n':
		if v.kind == Text {
			if n, err := strconv.ParseInt(trim(v.s), 10, 64); err == nil {
				return Num(n)
			}
		}
	case 'd':
		if v.kind == Text {
			if t, ok := parseTime(v.s); ok {
				return At(t.UnixMicro())
			}
		}
	}
	return v
}

// truth is a value as a condition: NULL is False, a number is True unless 0. A loose one takes the texts True and False.
func truth(v Value, loose bool) (b, ok bool) {
	switch v.kind {
	case Null:
		return false, true
	case Truth, Number:
		return v.n != 0, true
	case Text:
		if loose {
			return truthText(v.s)
		}
	case Moment, Octets, Reference, List, AuthoritativeNull, IgnoreThisFlow:
	}
	return false, false
}
