package ad

import (
	"encoding/hex"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// GUID is an objectGUID in the directory's order of bytes: the first three groups of its text form are little-endian.
type GUID [16]byte

// guidOrder is, for each byte of the text form, its place in a GUID.
var guidOrder = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

// octets are bytes, in a text or not.
type octets interface{ ~string | ~[]byte }

// GUIDOf takes the bytes of an objectGUID. ok is false when there are not 16.
func GUIDOf[T octets](b T) (g GUID, ok bool) {
	if len(b) != len(g) {
		return g, false
	}
	copy(g[:], b)
	return g, true
}

// ParseGUID reads the dashed text form, in braces or not, in any case of letters.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	t := s
	if len(t) == 38 && t[0] == '{' && t[37] == '}' {
		t = t[1:37]
	}
	if len(t) != 36 || t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-' {
		return g, notGUID(s)
	}
	at := 0
	for i, place := range guidOrder {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			at++ // the dash
		}
		hi, ok1 := hexDigit(t[at])
		lo, ok2 := hexDigit(t[at+1])
		if !ok1 || !ok2 {
			return GUID{}, notGUID(s)
		}
		g[place] = hi<<4 | lo
		at += 2
	}
	return g, nil
}

func notGUID(s string) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: "guid-syntax", Object: s, Text: "not an objectGUID",
		Next: "write it as in 3f79048f-42cd-4c77-8426-835cd9f8a3ad"}
}

// String is the dashed text form in lower case.
func (g GUID) String() string {
	var t [36]byte
	at := 0
	for i, place := range guidOrder {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			t[at] = '-'
			at++
		}
		hex.Encode(t[at:at+2], g[place:place+1])
		at += 2
	}
	return string(t[:])
}

// Anchor is the anchor of the object with this objectGUID; that of the zero GUID is "".
func (g GUID) Anchor() canopy.Anchor {
	if g == (GUID{}) {
		return ""
	}
	return canopy.Anchor(g.String())
}

// filter is the GUID as it stands in a search filter.
func (g GUID) filter() string {
	const digits = "0123456789abcdef"
	var t [48]byte
	for i, c := range g {
		t[3*i], t[3*i+1], t[3*i+2] = '\\', digits[c>>4], digits[c&15]
	}
	return string(t[:])
}

// byGUID is the DN form by which AD finds an object by its anchor, wherever it is.
func byGUID(a canopy.Anchor) string { return "<GUID=" + string(a) + ">" }

// anchorGUID reads an anchor that a caller gave.
func anchorGUID(a canopy.Anchor) (GUID, error) {
	g, err := ParseGUID(string(a))
	if err != nil {
		return g, fmt.Errorf("read an anchor: %w", err)
	}
	return g, nil
}
