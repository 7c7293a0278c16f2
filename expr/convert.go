package expr

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// convertFunctions turn values of one kind into another, and take numbers and distinguished names apart.
var convertFunctions = []function{
	{name: "BitAnd", takes: "nn", usage: "BitAnd(number, number)", text: "the bits that both have",
		call: func(_ *machine, a []Value) (Value, error) { return Num(a[0].n & a[1].n), nil }},
	{name: "BitOr", takes: "nn", usage: "BitOr(number, number)", text: "the bits that one of them has",
		call: func(_ *machine, a []Value) (Value, error) { return Num(a[0].n | a[1].n), nil }},
	{name: "IsBitSet", takes: "nn", null: nullGivesFalse, usage: "IsBitSet(number, flag)", text: "whether a bit of the flag is set",
		call: func(_ *machine, a []Value) (Value, error) { return Bool(a[0].n&a[1].n != 0), nil }},
	{name: "CBool", takes: "v", null: nullGivesFalse, usage: "CBool(value)", text: "as truth value: a number is True unless 0, NULL is False", call: cBool},
	{name: "CNum", takes: "v", usage: "CNum(text)", text: "as number", call: cNum},
	{name: "CStr", takes: "v", usage: "CStr(value)", text: "as text", call: cStr},
	{name: "CRef", takes: "t", maps: true, usage: "CRef(text)", text: "as reference",
		call: func(_ *machine, a []Value) (Value, error) { return Ref(a[0].s), nil }},
	{name: "CBin", takes: "n?n", usage: "CBin(number, size)", text: "as octets, the lowest first", call: cBin},
	{name: "CGuid", takes: "t", usage: "CGuid(text)", text: "the 16 octets of a GUID", call: cGuid},
	{name: "StringFromGuid", takes: "o", usage: "StringFromGuid(octets)", text: "a GUID's dashed text", call: stringFromGuid},
	{name: "StringFromSid", takes: "x", usage: "StringFromSid(octets)", text: "a SID's text, S-1-...", call: stringFromSid},
	{name: "ConvertToBase64", takes: "x", maps: true, usage: "ConvertToBase64(value)", text: "octets, or a text's UTF-16, in base64",
		call: func(_ *machine, a []Value) (Value, error) {
			b := []byte(a[0].s)
			if a[0].kind == Text {
				b = utf16Bytes(a[0].s)
			}
			return Str(base64.StdEncoding.EncodeToString(b)), nil
		}},
	{name: "ConvertFromBase64", takes: "t?t", maps: true, usage: "ConvertFromBase64(text, [Unicode|ASCII|UTF8])", text: "the text that base64 holds; UTF-16 unless said otherwise", call: fromBase64},
	{name: "ConvertToUTF8Hex", takes: "t", maps: true, usage: "ConvertToUTF8Hex(text)", text: "a text's UTF-8 octets as hexadecimal digits",
		call: func(_ *machine, a []Value) (Value, error) {
			return Str(strings.ToUpper(hex.EncodeToString([]byte(a[0].s)))), nil
		}},
	{name: "ConvertFromUTF8Hex", takes: "t", maps: true, usage: "ConvertFromUTF8Hex(text)", text: "the text that hexadecimal digits hold",
		call: func(_ *machine, a []Value) (Value, error) {
			b, err := hex.DecodeString(a[0].s)
			if err != nil || !utf8.Valid(b) {
				return Value{}, badArg(1, "is not a text in hexadecimal digits: %s", described(a[0]))
			}
			return Str(string(b)), nil
		}},
	{name: "DNComponent", takes: "t?n", maps: true, usage: "DNComponent(dn, number)", text: "the value of the component of this number from the left; NULL when there is none",
		call: func(_ *machine, a []Value) (Value, error) { return component(a, false), nil }},
	{name: "DNComponentRev", takes: "t?nt", maps: true, usage: `DNComponentRev(dn, number, ["DC"])`, text: `the same from the right; with "DC" the domain's components do not count`,
		call: func(_ *machine, a []Value) (Value, error) { return component(a, true), nil }},
	{name: "EscapeDNComponent", takes: "t", maps: true, usage: "EscapeDNComponent(text)", text: "a text as it can stand in a distinguished name",
		call: onText(escapeDN)},
}

func cBool(_ *machine, a []Value) (Value, error) {
	if b, ok := truth(a[0]); ok {
		return Bool(b), nil
	}
	if a[0].kind == Text {
		if b, ok := truthText(a[0].s); ok {
			return Bool(b), nil
		}
	}
	return Value{}, badArg(1, "is neither true nor false: %s", described(a[0]))
}

func cNum(_ *machine, a []Value) (Value, error) {
	switch a[0].kind {
	case Number:
		return a[0], nil
	case Truth:
		return Num(a[0].n), nil
	case Text, Reference:
		if n, err := strconv.ParseInt(trim(a[0].s), 10, 64); err == nil {
			return Num(n), nil
		}
	case Null, Moment, Octets, List, AuthoritativeNull, IgnoreThisFlow:
	}
	return Value{}, badArg(1, "is not a whole number of 64 bits: %s", described(a[0]))
}

func cStr(_ *machine, a []Value) (Value, error) {
	if s, ok := joinable(a[0]); ok {
		return Str(s), nil
	}
	if a[0].kind == Moment {
		return Str(a[0].String()), nil
	}
	return Value{}, badArg(1, "cannot be a text: %s", described(a[0]))
}

func cBin(_ *machine, a []Value) (Value, error) {
	size := int64(8)
	if len(a) > 1 {
		size = a[1].n
	}
	if size < 1 || size > 1024 {
		return Value{}, badArg(2, "is %d; octets number from 1 to 1024", size)
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(a[0].n)) // the bits are what is wanted
	for int64(len(b)) < size {
		b = append(b, 0)
	}
	return Bin(string(b[:size])), nil
}

// cGuid reads a GUID with or without braces into the order of octets that AD uses: the first three groups reversed.
func cGuid(_ *machine, a []Value) (Value, error) {
	s := trim(a[0].s)
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	if b, ok := guidBytes(s); ok {
		return Bin(string(b)), nil
	}
	return Value{}, badArg(1, "is not a GUID: %s", described(a[0]))
}

func guidBytes(s string) ([]byte, bool) {
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 16 {
		return nil, false
	}
	b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]
	return b, true
}

func stringFromGuid(_ *machine, a []Value) (Value, error) {
	b := a[0].s
	if len(b) != 16 {
		return Value{}, badArg(1, "a GUID has 16 octets, not %d", len(b))
	}
	return Str(fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32([]byte(b[:4])),
		binary.LittleEndian.Uint16([]byte(b[4:6])), binary.LittleEndian.Uint16([]byte(b[6:8])), b[8:10], b[10:])), nil
}

// stringFromSid also takes a SID's text, as which some directories deliver it.
func stringFromSid(_ *machine, a []Value) (Value, error) {
	b := a[0].s
	if a[0].kind == Text && strings.HasPrefix(b, "S-1-") {
		return a[0], nil
	}
	if a[0].kind != Octets || len(b) < 8 || b[0] != 1 || len(b) != 8+4*int(b[1]) {
		return Value{}, badArg(1, "is not a SID: %s", described(a[0]))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "S-1-%d", binary.BigEndian.Uint64([]byte("\x00\x00"+b[2:8])))
	for i := 8; i < len(b); i += 4 {
		fmt.Fprintf(&out, "-%d", binary.LittleEndian.Uint32([]byte(b[i:i+4])))
	}
	return Str(out.String()), nil
}

func utf16Bytes(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func fromBase64(_ *machine, a []Value) (Value, error) {
	b, err := base64.StdEncoding.DecodeString(a[0].s)
	if err != nil {
		return Value{}, badArg(1, "is not base64: %s", described(a[0]))
	}
	encoding := "Unicode"
	if len(a) > 1 {
		encoding = a[1].s
	}
	switch encoding {
	case "Unicode":
		if len(b)%2 != 0 {
			return Value{}, badArg(1, "does not hold UTF-16; name its encoding as the second argument")
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		return Str(string(utf16.Decode(units))), nil
	case "UTF8", "ASCII":
		if !utf8.Valid(b) {
			return Value{}, badArg(1, "does not hold %s", encoding)
		}
		return Str(string(b)), nil
	}
	return Value{}, badArg(2, "must be Unicode, ASCII or UTF8, is %s", described(a[1]))
}

// component is the value of one component of a distinguished name, as it is written there.
func component(a []Value, fromRight bool) Value {
	n := int64(1)
	if len(a) > 1 {
		n = a[1].n
	}
	parts := splitDN(a[0].s)
	if fromRight {
		if len(a) > 2 && a[2].s == "DC" {
			for len(parts) > 0 && len(parts[len(parts)-1]) > 2 && strings.EqualFold(parts[len(parts)-1][:3], "dc=") {
				parts = parts[:len(parts)-1]
			}
		}
		n = int64(len(parts)) - n + 1
	}
	if n < 1 || n > int64(len(parts)) {
		return Value{}
	}
	_, value, _ := strings.Cut(parts[n-1], "=")
	return Str(trim(value))
}

// splitDN splits at the commas that are not escaped.
func splitDN(dn string) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',', ';':
			if !quoted {
				parts = append(parts, strings.TrimLeft(dn[start:i], " "))
				start = i + 1
			}
		}
	}
	if start < len(dn) {
		parts = append(parts, strings.TrimLeft(dn[start:], " "))
	}
	return parts
}

func escapeDN(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case strings.IndexByte(`,+"\<>;=`, c) >= 0, c == '#' && i == 0, c == ' ' && (i == 0 || i == len(s)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ':
			fmt.Fprintf(&b, `\%02X`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
