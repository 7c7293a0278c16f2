package ad

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
)

// DN is a distinguished name, the object's own name first. The empty DN is the root of everything.
type DN []RDN

// RDN is one component of a DN: the type in the spelling it came in, and the value without escapes.
type RDN struct {
	Type, Value string
}

// What AD puts behind a line feed into the name of an object, followed by its objectGUID.
const (
	deletedMark  = "\nDEL:" // deleted
	conflictMark = "\nCNF:" // made on two controllers under one name
)

// ParseDN reads the text form of RFC 4514 and of AD: with hexadecimal pairs for any octet ("CN=A\0ADEL:..."), blanks
// around separators, and values in quotes. Components of several pairs ("CN=a+OU=b") do not exist in AD and are
// refused, as is a value in hexadecimal ("CN=#04..."). Errors are of kind Invalid and show the place.
func ParseDN(s string) (DN, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	p := dnParser{text: s}
	var d DN
	for {
		r, err := p.component()
		if err != nil {
			return nil, &canopy.Error{Kind: canopy.Invalid, Code: "dn-syntax", Object: s, Text: "not a distinguished name: " + err.Error(),
				Next: `write it as in CN=Anna,OU=People,DC=contoso,DC=com, with a backslash before , + " \ < > ; in names`}
		}
		d = append(d, r)
		if p.at >= len(s) {
			return d, nil
		}
		p.at++ // the separator
	}
}

type dnParser struct {
	text string
	at   int
}

func (p *dnParser) component() (RDN, error) {
	p.blanks()
	start := p.at
	for p.at < len(p.text) && isTypeByte(p.text[p.at]) {
		p.at++
	}
	r := RDN{Type: p.text[start:p.at]}
	p.blanks()
	if r.Type == "" || p.at >= len(p.text) || p.text[p.at] != '=' {
		return r, fmt.Errorf("a name as in CN= is expected at character %d", p.at+1)
	}
	p.at++
	p.blanks()
	var err error
	if p.at < len(p.text) && p.text[p.at] == '"' {
		r.Value, err = p.quoted()
	} else {
		r.Value, err = p.value()
	}
	switch {
	case err != nil:
		return r, err
	case r.Value == "":
		return r, fmt.Errorf("%s= has no value", r.Type)
	case !utf8.ValidString(r.Value):
		return r, fmt.Errorf("the value of %s= is not UTF-8", r.Type)
	}
	return r, nil
}

func isTypeByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.'
}

func (p *dnParser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' || p.text[p.at] == '\r' || p.text[p.at] == '\t') {
		p.at++
	}
}

// value reads up to the next separator. Blanks at its end that are not escaped do not belong to it.
func (p *dnParser) value() (string, error) {
	if p.at < len(p.text) && p.text[p.at] == '#' {
		return "", fmt.Errorf("a value in hexadecimal at character %d is not supported", p.at+1)
	}
	var b strings.Builder
	keep := 0
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ',', ';':
			return b.String()[:keep], nil
		case '+', '"', '<', '>':
			return "", fmt.Errorf("%q at character %d needs a backslash", c, p.at+1)
		case '\\':
			c, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteByte(c)
			keep = b.Len()
		default:
			b.WriteByte(c)
			p.at++
			if c != ' ' {
				keep = b.Len()
			}
		}
	}
	return b.String()[:keep], nil
}

func (p *dnParser) quoted() (string, error) {
	var b strings.Builder
	start := p.at
	for p.at++; p.at < len(p.text); {
		switch c := p.text[p.at]; c {
		case '"':
			p.at++
			p.blanks()
			if p.at < len(p.text) && p.text[p.at] != ',' && p.text[p.at] != ';' {
				return "", fmt.Errorf("a comma is expected at character %d", p.at+1)
			}
			return b.String(), nil
		case '\\':
			c, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return "", fmt.Errorf("the quote at character %d has no end", start+1)
}

func (p *dnParser) escape() (byte, error) {
	if p.at+1 >= len(p.text) {
		return 0, fmt.Errorf("a backslash ends the text")
	}
	c := p.text[p.at+1]
	if hi, ok := hexDigit(c); ok && p.at+2 < len(p.text) {
		if lo, ok := hexDigit(p.text[p.at+2]); ok {
			p.at += 3
			return hi<<4 | lo, nil
		}
	}
	if strings.IndexByte(` "#+,;<=>\/`, c) < 0 {
		return 0, fmt.Errorf("the backslash at character %d stands before nothing that needs one", p.at+1)
	}
	p.at += 2
	return c, nil
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// EscapeValue writes a component's value the way it stands in a DN.
func EscapeValue(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%02X`, c)
		case strings.IndexByte(`,+"\<>;=`, c) >= 0, c == '#' && i == 0, c == ' ' && (i == 0 || i == len(s)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// String is the component as it stands in a DN.
func (r RDN) String() string { return r.Type + "=" + EscapeValue(r.Value) }

// String is the text form. ParseDN gives the same DN back.
func (d DN) String() string {
	var b strings.Builder
	for i, r := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(r.String())
	}
	return b.String()
}

// Key is a text that two DNs share exactly when they are the same DN: AD does not tell the cases of letters apart.
func (d DN) Key() string { return canopy.Fold(d.String()) }

// Equal tells whether both are the same DN.
func (d DN) Equal(o DN) bool { return len(d) == len(o) && d.Key() == o.Key() }

// Parent is the DN of the container, empty for a DN of one component and for the empty one.
func (d DN) Parent() DN {
	if len(d) < 2 {
		return nil
	}
	return d[1:]
}

// Name is the value of the first component, "" for the empty DN.
func (d DN) Name() string {
	if len(d) == 0 {
		return ""
	}
	return d[0].Value
}

// Component is the value of the n-th component of a type, counted from 0 at the front: the domain's first label is
// Component("DC", 0). It is "" where there is none.
func (d DN) Component(kind string, n int) string {
	for _, r := range d {
		if strings.EqualFold(r.Type, kind) {
			if n == 0 {
				return r.Value
			}
			n--
		}
	}
	return ""
}

// Under tells whether d is o or lies below it. Everything is under the empty DN.
func (d DN) Under(o DN) bool { return len(d) >= len(o) && d[len(d)-len(o):].Equal(o) }

// Child is the DN of an object with this name below d.
func (d DN) Child(kind, name string) DN { return append(DN{{Type: kind, Value: name}}, d...) }

// DNS is the DNS name that the DC components at the end make: "contoso.com".
func (d DN) DNS() string {
	var labels []string
	for _, r := range d {
		if strings.EqualFold(r.Type, "DC") {
			labels = append(labels, r.Value)
		} else {
			labels = labels[:0]
		}
	}
	return strings.Join(labels, ".")
}

// Deleted tells whether d names a deleted object, which name it had and its objectGUID.
func (d DN) Deleted() (name string, guid canopy.Anchor, ok bool) { return d.marked(deletedMark) }

// Conflict tells whether d names the loser of two objects that were made under one name on two controllers, which name
// that was and the objectGUID.
func (d DN) Conflict() (name string, guid canopy.Anchor, ok bool) { return d.marked(conflictMark) }

func (d DN) marked(mark string) (string, canopy.Anchor, bool) {
	name, text, ok := strings.Cut(d.Name(), mark)
	if !ok {
		return "", "", false
	}
	g, err := ParseGUID(text)
	return name, g.Anchor(), err == nil
}

// parentText is the container's part of a DN's text, without parsing the rest; "" when there is none.
func parentText(s string) string {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',', ';':
			if !quoted {
				return strings.TrimLeft(s[i+1:], " ")
			}
		}
	}
	return ""
}
