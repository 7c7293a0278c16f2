package recipient

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/canopy-sync/canopy"
)

// GUID is a GUID in the order of Active Directory's octets: the first three fields have their lowest octet first.
type GUID [16]byte

// fields is the order in which the octets stand in the dashed form.
var fields = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

// GUIDOf takes sixteen octets in AD's order.
func GUIDOf(octets []byte) (g GUID, ok bool) {
	if len(octets) != len(g) {
		return g, false
	}
	return GUID(octets), true
}

// ParseGUID reads any of the forms that directories show: dashed with or without braces, base64 as in LDIF and in a
// source anchor, octets in hexadecimal, and octets escaped as in an LDAP filter. An LDIF line's name may stand before.
func ParseGUID(s string) (GUID, error) {
	text := strings.TrimSpace(s)
	if _, after, ok := strings.Cut(text, "::"); ok {
		text = strings.TrimSpace(after)
	}
	var g GUID
	if plain := strings.Trim(text, "{}"); len(plain) == 36 {
		if b, err := hex.DecodeString(strings.ReplaceAll(plain, "-", "")); err == nil && len(b) == 16 &&
			plain[8] == '-' && plain[13] == '-' && plain[18] == '-' && plain[23] == '-' {
			for i, at := range fields {
				g[at] = b[i]
			}
			return g, nil
		}
	}
	if b, err := base64.StdEncoding.DecodeString(text); err == nil && len(b) == 16 {
		return GUID(b), nil
	}
	octets := strings.NewReplacer(`\`, "", " ", "", "-", "", ":", "").Replace(text)
	if b, err := hex.DecodeString(octets); err == nil && len(b) == 16 {
		return GUID(b), nil
	}
	return g, &canopy.Error{Kind: canopy.Invalid, Code: "guid", Object: s, Text: "it is no GUID",
		Next: "give it dashed, as base64, or as 16 octets in hexadecimal"}
}

// String is the dashed form in lower case.
func (g GUID) String() string {
	var b [16]byte
	for i, at := range fields {
		b[i] = g[at]
	}
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// Base64 is the form of LDIF and of source anchors.
func (g GUID) Base64() string { return base64.StdEncoding.EncodeToString(g[:]) }

// Octets are the octets in hexadecimal.
func (g GUID) Octets() string { return hex.EncodeToString(g[:]) }

// Filter is the form in an LDAP filter.
func (g GUID) Filter() string {
	var b strings.Builder
	for _, o := range g {
		b.WriteString(`\` + hex.EncodeToString([]byte{o}))
	}
	return b.String()
}

// IsZero tells whether there is no GUID.
func (g GUID) IsZero() bool { return g == GUID{} }

// MarshalText gives the dashed form, and nothing for no GUID.
func (g GUID) MarshalText() ([]byte, error) {
	if g.IsZero() {
		return nil, nil
	}
	return []byte(g.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (g *GUID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*g = GUID{}
		return nil
	}
	var err error
	*g, err = ParseGUID(string(text))
	return err
}
