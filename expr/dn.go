package expr

import (
	"fmt"
	"strings"
)

// nameFunctions take distinguished names apart.
var nameFunctions = []function{
	{name: "DNComponent", takes: "tn", maps: true, usage: "DNComponent(dn, number)", text: "the value of the component of this number from the left, as it is written there; NULL when there is none",
		tries: []Example{{`DNComponent(CRef("cn=Joe,ou=Atlanta,dc=contoso"), 1)`, `"Joe"`}},
		call:  func(_ *machine, a []Value) (Value, error) { return component(a, false) }},
}

// connectNames are those of Connect Sync alone.
var connectNames = []function{
	{name: "DNComponentRev", takes: "tn?t", maps: true, usage: `DNComponentRev(dn, number, ["DC"])`, text: `the same from the right; with "DC" the domain's components do not count`,
		tries: []Example{{`DNComponentRev(CRef("cn=Joe,ou=Atlanta,ou=GA,ou=US,dc=contoso,dc=com"), 1, "DC")`, `"US"`}},
		call:  func(_ *machine, a []Value) (Value, error) { return component(a, true) }},
	{name: "EscapeDNComponent", takes: "t", maps: true, usage: "EscapeDNComponent(text)", text: "a text as it can stand in a distinguished name",
		tries: []Example{{`EscapeDNComponent("Lee, Ann")`, `"Lee\\, Ann"`}}, call: onText(escapeDN)},
}

// component is the value of one component of a distinguished name, as it is written there.
func component(a []Value, fromRight bool) (Value, error) {
	n := a[1].n
	parts := splitDN(a[0].s)
	if fromRight {
		if given(a, 2) {
			if a[2].s != "DC" {
				return Value{}, badArg(3, "must be DC, is %s", described(a[2]))
			}
			for len(parts) > 0 && len(parts[len(parts)-1]) > 2 && strings.EqualFold(parts[len(parts)-1][:3], "dc=") {
				parts = parts[:len(parts)-1]
			}
		}
		n = int64(len(parts)) - n + 1
	}
	if n < 1 || n > int64(len(parts)) {
		return Value{}, nil
	}
	_, value, _ := strings.Cut(parts[n-1], "=")
	return Str(trim(value)), nil
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
