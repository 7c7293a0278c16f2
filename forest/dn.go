package forest

import (
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// rdn is one component of a distinguished name.
type rdn struct {
	typ   string // in capitals
	value string // unescaped
}

// key is how a component is found among its siblings.
func (r rdn) key() string { return r.typ + "=" + foldText(r.value) }

func (r rdn) equal(o rdn) bool { return r.typ == o.typ && strings.EqualFold(r.value, o.value) }

// text is the component as it stands in a DN.
func (r rdn) text() string { return r.typ + "=" + escapeRDN(r.value) }

// parseDN splits a DN into its components, the object's own first. Components of several values are refused, as the
// directory does.
func parseDN(s string) ([]rdn, bool) {
	if s == "" {
		return nil, true
	}
	if !utf8.ValidString(s) {
		return nil, false
	}
	if strings.ContainsAny(s, "\\\"+#;<>") {
		return parseHardDN(s)
	}
	dn := make([]rdn, 0, strings.Count(s, ",")+1)
	for part := range strings.SplitSeq(s, ",") {
		typ, value, ok := strings.Cut(part, "=")
		typ, value = strings.Trim(typ, " "), strings.Trim(value, " ") // other white space is part of a name
		if !ok || !isType(typ) || value == "" {
			return nil, false
		}
		dn = append(dn, rdn{strings.ToUpper(typ), value})
	}
	return dn, true
}

func isType(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' && s[i] != '.' {
			return false
		}
	}
	return s != ""
}

func parseHardDN(s string) ([]rdn, bool) {
	parsed, err := ldap.ParseDN(s)
	if err != nil {
		return nil, false
	}
	var dn []rdn
	for _, r := range parsed.RDNs {
		if len(r.Attributes) != 1 || !isType(r.Attributes[0].Type) || r.Attributes[0].Value == "" ||
			!utf8.ValidString(r.Attributes[0].Value) {
			return nil, false
		}
		dn = append(dn, rdn{strings.ToUpper(r.Attributes[0].Type), r.Attributes[0].Value})
	}
	return dn, true
}

const hexDigits = "0123456789ABCDEF"

// escapeRDN escapes a component's value as Active Directory does.
func escapeRDN(v string) string {
	control := func(r rune) bool { return r < ' ' }
	if !strings.ContainsAny(v, ",+\"\\<>;=") && !strings.ContainsFunc(v, control) && v != "" && v[0] != '#' && v[0] != ' ' && v[len(v)-1] != ' ' {
		return v
	}
	var b strings.Builder
	for i := range len(v) {
		c := v[i]
		switch {
		case strings.IndexByte(",+\"\\<>;=", c) >= 0, i == 0 && (c == '#' || c == ' '), i == len(v)-1 && c == ' ':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ':
			b.WriteByte('\\')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// joinDN writes components as a DN.
func joinDN(dn []rdn) string {
	parts := make([]string, len(dn))
	for i, r := range dn {
		parts[i] = r.text()
	}
	return strings.Join(parts, ",")
}

// domainDN is the DN of a DNS domain: DC=contoso,DC=lab.
func domainDN(domain string) string {
	return "DC=" + strings.Join(strings.Split(domain, "."), ",DC=")
}
