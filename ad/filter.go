package ad

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
)

// escapeFilter writes a text as it stands for a value in a search filter.
func escapeFilter(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '(', ')', '*', '\\', 0:
			fmt.Fprintf(&b, `\%02x`, c)
		default:
			if c >= utf8.RuneSelf && !utf8.ValidString(s) {
				fmt.Fprintf(&b, `\%02x`, c)
			} else {
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

// anyOf finds objects by their objectGUIDs.
func anyOf(guids []GUID) string {
	var b strings.Builder
	b.Grow(5 + len(guids)*64)
	b.WriteString("(|")
	for _, g := range guids {
		b.WriteString("(objectGUID=" + g.filter() + ")")
	}
	b.WriteString(")")
	return b.String()
}

// named finds objects by a name that people know. Attributes that the schema does not have are left out.
func (f *facts) named(name string) string {
	v := escapeFilter(name)
	var b strings.Builder
	b.WriteString("(|")
	for _, a := range []canopy.Attr{canopy.AttrUPN, canopy.AttrMail, "sAMAccountName", "mailNickname"} {
		if f.attr(string(a)) != nil {
			b.WriteString("(" + string(a) + "=" + v + ")")
		}
	}
	if strings.Contains(name, "@") && f.attr(string(canopy.AttrAddresses)) != nil {
		b.WriteString("(" + string(canopy.AttrAddresses) + "=smtp:" + v + ")")
	}
	b.WriteString(")")
	return b.String()
}
