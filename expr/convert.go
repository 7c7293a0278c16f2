package expr

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// convertFunctions turn values of one kind into another.
var convertFunctions = []function{
	{name: "BitAnd", takes: "nn", usage: "BitAnd(number, number)", text: "the bits that both have", tries: []Example{{`BitAnd(&HF, &HF7)`, `7`}},
		call: func(_ *machine, a []Value) (Value, error) { return Num(a[0].n & a[1].n), nil }},
	{name: "CBool", takes: "v", null: nullGivesFalse, usage: "CBool(value)", text: "as truth value: a number is True unless 0, NULL is False",
		tries: []Example{{`CBool(1 = 1)`, `True`}, {`CBool(0)`, `False`}}, call: cBool},
	{name: "CStr", takes: "v", usage: "CStr(value)", text: "a number, reference or truth value as text", tries: []Example{{`CStr(42)`, `"42"`}}, call: cStr},
	{name: "CRef", takes: "t", maps: true, usage: "CRef(text)", text: "as reference", tries: []Example{{`CRef("CN=Joe,DC=contoso,DC=com")`, `"CN=Joe,DC=contoso,DC=com"`}},
		call: func(_ *machine, a []Value) (Value, error) { return Ref(a[0].s), nil }},
	{name: "StringFromSid", takes: "x", usage: "StringFromSid(octets)", text: "a SID's text, S-1-...", tries: []Example{{`StringFromSid("S-1-5-18")`, `"S-1-5-18"`}}, call: stringFromSid},
	{name: "ConvertToBase64", takes: "x", maps: true, usage: "ConvertToBase64(value)", text: "octets, or a text's UTF-16, the lower octet first, in base64",
		tries: []Example{{`ConvertToBase64("Hello world!")`, `"SABlAGwAbABvACAAdwBvAHIAbABkACEA"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			b := []byte(a[0].s)
			if a[0].kind != Octets {
				b = utf16Bytes(a[0].s)
			}
			return Str(base64.StdEncoding.EncodeToString(b)), nil
		}},
	{name: "ConvertFromBase64", takes: "t?t", maps: true, usage: "ConvertFromBase64(text, [Unicode|ASCII|UTF8])", text: "the text that base64 holds; UTF-16 unless said otherwise",
		tries: []Example{{`ConvertFromBase64("SGVsbG8gd29ybGQh", UTF8)`, `"Hello world!"`}}, call: fromBase64},
	{name: "ConvertToUTF8Hex", takes: "t", maps: true, usage: "ConvertToUTF8Hex(text)", text: "a text's UTF-8 octets as hexadecimal digits, the form of names in Entra's connector space",
		tries: []Example{{`ConvertToUTF8Hex("Hello world!")`, `"48656C6C6F20776F726C6421"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			return Str(strings.ToUpper(hex.EncodeToString([]byte(a[0].s)))), nil
		}},
}

// connectConvert are those of Connect Sync alone.
var connectConvert = []function{
	{name: "BitOr", takes: "nn", usage: "BitOr(number, number)", text: "the bits that one of them has", tries: []Example{{`BitOr(1, 2)`, `3`}},
		call: func(_ *machine, a []Value) (Value, error) { return Num(a[0].n | a[1].n), nil }},
	{name: "IsBitSet", takes: "nn", null: nullGivesFalse, usage: "IsBitSet(number, flag)", text: "whether a bit of the flag is set", tries: []Example{{`IsBitSet(&HF, 4)`, `True`}},
		call: func(_ *machine, a []Value) (Value, error) { return Bool(a[0].n&a[1].n != 0), nil }},
	{name: "CNum", takes: "v", usage: "CNum(text)", text: "as number", tries: []Example{{`CNum("42") + 1`, `43`}}, call: cNum},
	{name: "CBin", takes: "n?n", usage: "CBin(number, [size])", text: "as octets, the lowest first; 8 of them unless a size is given", tries: []Example{{`CBin(258, 2)`, `0x0201`}}, call: cBin},
	{name: "CGuid", takes: "t", usage: "CGuid(text)", text: "the 16 octets of a GUID, with or without braces",
		tries: []Example{{`StringFromGuid(CGuid("{00010203-0405-0607-0809-0a0b0c0d0e0f}"))`, `"00010203-0405-0607-0809-0a0b0c0d0e0f"`}}, call: cGuid},
	{name: "StringFromGuid", takes: "o", usage: "StringFromGuid(octets)", text: "a GUID's dashed text",
		tries: []Example{{`StringFromGuid(CGuid("00010203-0405-0607-0809-0a0b0c0d0e0f"))`, `"00010203-0405-0607-0809-0a0b0c0d0e0f"`}}, call: stringFromGuid},
	{name: "ConvertFromUTF8Hex", takes: "t", maps: true, usage: "ConvertFromUTF8Hex(text)", text: "the text that hexadecimal digits hold",
		tries: []Example{{`ConvertFromUTF8Hex("48656C6C6F20776F726C6421")`, `"Hello world!"`}},
		call: func(_ *machine, a []Value) (Value, error) {
			b, err := hex.DecodeString(a[0].s)
			if err != nil || !utf8.Valid(b) {
				return Value{}, badArg(1, "is not a text in hexadecimal digits: %s", described(a[0]))
			}
			return Str(string(b)), nil
		}},
	{name: "Thumbprint", takes: "o", usage: "Thumbprint(octets)", text: "the SHA-1 hash of octets, as octets", tries: []Example{{`Thumbprint(CBin(0, 1))`, `0x5ba93c9db0cff93f52b521d7420e43f6eda2784f`}},
		call: func(_ *machine, a []Value) (Value, error) {
			sum := sha1.Sum([]byte(a[0].s))
			return Bin(string(sum[:])), nil
		}},
}

func cBool(_ *machine, a []Value) (Value, error) {
	if b, ok := truth(a[0], false); ok {
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
	if s, ok := joinable(a[0], true); ok && a[0].kind != Moment {
		return Str(s), nil
	}
	if a[0].kind == Moment {
		return Str(a[0].String()), nil
	}
	return Value{}, badArg(1, "cannot be a text: %s", described(a[0]))
}

func cBin(_ *machine, a []Value) (Value, error) {
	size := int64(8)
	if given(a, 1) {
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
	if b, ok := guidBytes(unbraced(trim(a[0].s))); ok {
		return Bin(string(b)), nil
	}
	return Value{}, badArg(1, "is not a GUID: %s", described(a[0]))
}

// unbraced is s without the braces around it.
func unbraced(s string) string {
	if len(s) > 1 && s[0] == '{' && s[len(s)-1] == '}' {
		return s[1 : len(s)-1]
	}
	return s
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
	if a[0].kind != Octets && sidText(b) {
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

// sidText tells whether s is a SID's text: S-1, an authority and what is below it, all numbers.
func sidText(s string) bool {
	rest, ok := strings.CutPrefix(s, "S-1-")
	if !ok || len(s) > 200 {
		return false
	}
	for part := range strings.SplitSeq(rest, "-") {
		if _, err := strconv.ParseUint(part, 10, 48); err != nil {
			return false
		}
	}
	return true
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
	if given(a, 1) {
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
