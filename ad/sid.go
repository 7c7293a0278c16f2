package ad

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// maxSubAuthorities is how many sub-authorities a security identifier may have.
const maxSubAuthorities = 15

// SIDText writes the octets of a security identifier as text: "S-1-5-21-...". Errors are of kind Invalid.
func SIDText(b []byte) (string, error) {
	if len(b) < 8 || b[0] != 1 || int(b[1]) > maxSubAuthorities || len(b) != 8+4*int(b[1]) {
		return "", &canopy.Error{Kind: canopy.Invalid, Code: "sid-syntax", Object: fmt.Sprintf("%x", b), Text: "not a security identifier"}
	}
	var authority uint64
	for _, c := range b[2:8] {
		authority = authority<<8 | uint64(c)
	}
	t := make([]byte, 0, 48)
	t = append(t, "S-1-"...)
	if authority < 1<<32 {
		t = strconv.AppendUint(t, authority, 10)
	} else {
		t = fmt.Appendf(t, "0x%012x", authority)
	}
	for i := 8; i < len(b); i += 4 {
		t = append(t, '-')
		t = strconv.AppendUint(t, uint64(binary.LittleEndian.Uint32(b[i:])), 10)
	}
	return string(t), nil
}

// ParseSID reads the text of a security identifier into the octets that the directory keeps. Errors are of kind Invalid.
func ParseSID(s string) ([]byte, error) {
	bad := func(why string) ([]byte, error) {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "sid-syntax", Object: s, Text: "not a security identifier: " + why,
			Next: "write it as in S-1-5-21-1004336348-1177238915-682003330-512"}
	}
	parts := strings.Split(s, "-")
	if len(parts) < 3 || !strings.EqualFold(parts[0], "S") || parts[1] != "1" {
		return bad("it must begin with S-1-")
	}
	if len(parts)-3 > maxSubAuthorities {
		return bad("it has more than 15 sub-authorities")
	}
	base := 10
	digits := parts[2]
	if strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X") {
		base, digits = 16, digits[2:]
	}
	authority, err := strconv.ParseUint(digits, base, 48)
	if err != nil {
		return bad("the authority is no number")
	}
	b := make([]byte, 8, 8+4*(len(parts)-3))
	b[0], b[1] = 1, byte(len(parts)-3)
	for i := range 6 {
		b[7-i] = byte(authority >> (8 * i))
	}
	for _, p := range parts[3:] {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return bad("a sub-authority is no number")
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b, nil
}
