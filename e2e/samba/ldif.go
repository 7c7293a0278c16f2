package samba

import (
	"bytes"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
)

// Object is an object to be added. Values are the octets that go over LDAP.
type Object struct {
	DN    string
	Attrs map[string][]string
	// GUID and SID are what the object is to be known by, as octets of objectGUID and text of objectSid; "" lets the
	// directory choose. Only Load can give them.
	GUID, SID string
}

// Link is one value of a linked attribute of an object.
type Link struct {
	DN, Attr, Target string
}

func names(attrs map[string][]string) []string { return slices.Sorted(maps.Keys(attrs)) }

// LDIF writes objects as additions.
func LDIF(objects []Object) []byte {
	var b bytes.Buffer
	for _, o := range objects {
		line(&b, "dn", o.DN)
		for _, n := range names(o.Attrs) {
			for _, v := range o.Attrs[n] {
				line(&b, n, v)
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// LinkLDIF writes links as modifications, one for each object and attribute, in the order of their first mention.
func LinkLDIF(links []Link) []byte {
	type owner struct{ dn, attr string }
	var order []owner
	targets := map[owner][]string{}
	for _, l := range links {
		o := owner{l.DN, l.Attr}
		if targets[o] == nil {
			order = append(order, o)
		}
		targets[o] = append(targets[o], l.Target)
	}
	var b bytes.Buffer
	for _, o := range order {
		line(&b, "dn", o.dn)
		b.WriteString("changetype: modify\nadd: " + o.attr + "\n")
		for _, t := range targets[o] {
			line(&b, o.attr, t)
		}
		b.WriteString("-\n\n")
	}
	return b.Bytes()
}

// line writes one value, in base64 where RFC 2849 wants it.
func line(b *bytes.Buffer, name, value string) {
	b.WriteString(name)
	plain := value == "" || !strings.ContainsAny(value[:1], " :<") && value[len(value)-1] != ' '
	for i := 0; i < len(value) && plain; i++ {
		plain = value[i] >= 0x20 && value[i] < 0x7f
	}
	if plain {
		b.WriteString(": " + value + "\n")
		return
	}
	b.WriteString(":: " + base64.StdEncoding.EncodeToString([]byte(value)) + "\n")
}
