package onprem

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
)

// policyMark stands with a recipient that address policies apply to, or among those it is excluded from.
const policyMark = "{26491cfc-9e50-4857-861b-0cb8df22b5d7}"

// maxAlias is how long an alias may be.
const maxAlias = 64

// marks are what an alias may have besides letters and digits; a dot may stand within.
const marks = "!#$%&'*+-/=?^_`{|}~"

// checkAlias says what is wrong with an alias.
func checkAlias(alias string) error {
	bad := strings.IndexFunc(alias, func(r rune) bool { return r != '.' && !aliasRune(r) })
	var text string
	switch {
	case alias == "":
		text = "there is no alias, and nothing to make one of"
	case utf8.RuneCountInString(alias) > maxAlias:
		text = fmt.Sprintf("the alias is longer than %d letters", maxAlias)
	case bad >= 0:
		text = fmt.Sprintf("an alias must not have %q", []rune(alias[bad:])[0])
	case strings.HasPrefix(alias, ".") || strings.HasSuffix(alias, ".") || strings.Contains(alias, ".."):
		text = "a dot may only stand between other letters of an alias"
	default:
		return nil
	}
	return &canopy.Error{Kind: canopy.Invalid, Code: "alias", Object: alias, Attr: attrAlias, Text: text, Next: "choose another one with --alias"}
}

func aliasRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(marks, r)
}

// aliasOf makes an alias: of an account what stands before the @ of its sign-in name, of others their name without
// blanks and with ? for what an alias must not have.
func aliasOf(o *Object) string {
	if o.person() {
		if before, _, _ := strings.Cut(o.Attrs.Text(canopy.AttrUPN), "@"); before != "" {
			return before
		}
		return o.Attrs.Text(attrSAM)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return -1
		case r == '.' || aliasRune(r):
			return r
		}
		return '?'
	}, o.Attrs.Text(attrName))
}

// expand makes an address of a template: %m is the alias, %g the given name, %s the surname, %i the initials, %d the
// display name, and %1g the first letter of the given name.
func expand(template string, o *Object, alias string) (string, error) {
	var b strings.Builder
	for rest := template; rest != ""; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			break
		}
		count := 0
		for after != "" && after[0] >= '0' && after[0] <= '9' {
			count, after = count*10+int(after[0]-'0'), after[1:]
		}
		if after == "" {
			return "", badTemplate(template)
		}
		source, known := map[byte]canopy.Attr{'m': "", 'g': "givenName", 's': "sn", 'i': "initials", 'd': canopy.AttrDisplayName}[after[0]]
		if !known {
			return "", badTemplate(template)
		}
		value := alias
		if source != "" {
			value = localPart(o.Attrs.Text(source))
		}
		if value == "" {
			return "", &canopy.Error{Kind: canopy.Invalid, Code: "address-template", Object: o.DN, Attr: source,
				Text: fmt.Sprintf("the address policy %s needs it, and it is empty", template), Next: "fill it in, or name the address with --primary"}
		}
		if count > 0 {
			value = string([]rune(value)[:min(count, utf8.RuneCountInString(value))])
		}
		b.WriteString(value)
		rest = after[1:]
	}
	return b.String(), nil
}

func badTemplate(t string) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: "address-template", Object: t, Text: "it is no template of an address policy",
		Next: "write SMTP:%m@contoso.com, with %m %g %s %i %d, and a number for the first letters only: %1g%s"}
}

// localPart keeps of a name what may stand before an @.
func localPart(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '.' || aliasRune(r) {
			return r
		}
		return -1
	}, name), ".")
}

// CheckTemplate says what is wrong with a template of an address policy.
func CheckTemplate(t string) error {
	prefix, address, found := strings.Cut(t, ":")
	_, domain, at := strings.Cut(address, "@")
	if !found || !strings.EqualFold(prefix, "smtp") || !at || domain == "" || strings.Contains(domain, "%") {
		return badTemplate(t)
	}
	sample := &Object{Attrs: canopy.Attrs{"givenName": canopy.Texts("a"), "sn": canopy.Texts("a"), "initials": canopy.Texts("a"), canopy.AttrDisplayName: canopy.Texts("a")}}
	_, err := expand(address, sample, "a")
	return err
}

// addresses is a list of addresses with at most one primary one.
type addresses []string

func primaryOf(list []string) string {
	for _, a := range list {
		if rest, ok := strings.CutPrefix(a, "SMTP:"); ok {
			return rest
		}
	}
	return ""
}

// add puts an address into the list; with primary the one that was primary becomes a secondary one.
func (l *addresses) add(address string, primary bool) {
	if primary {
		for i, a := range *l {
			if rest, ok := strings.CutPrefix(a, "SMTP:"); ok {
				(*l)[i] = "smtp:" + rest
			}
		}
	}
	at := slices.IndexFunc(*l, func(a string) bool { return strings.EqualFold(a, "smtp:"+address) })
	switch {
	case at < 0 && primary:
		*l = append(*l, "SMTP:"+address)
	case at < 0:
		*l = append(*l, "smtp:"+address)
	case primary:
		(*l)[at] = "SMTP:" + address
	}
}

// take puts an address with or without a prefix into the list; SMTP: before it makes it the primary one.
func (l *addresses) take(text string) error {
	prefix, address, found := strings.Cut(text, ":")
	if !found {
		prefix, address = "smtp", text
	}
	if !strings.EqualFold(prefix, "smtp") {
		if !slices.ContainsFunc(*l, func(a string) bool { return strings.EqualFold(a, text) }) {
			*l = append(*l, text)
		}
		return nil
	}
	if err := checkAddress(address); err != nil {
		return err
	}
	l.add(address, prefix == "SMTP")
	return nil
}

// drop takes an address out. The primary one stays.
func (l *addresses) drop(text string) error {
	if !strings.Contains(text, ":") {
		text = "smtp:" + text
	}
	at := slices.IndexFunc(*l, func(a string) bool { return strings.EqualFold(a, text) })
	switch {
	case at < 0:
		return &canopy.Error{Kind: canopy.NotFound, Code: "address", Object: text, Attr: canopy.AttrAddresses, Text: "it is not among the addresses"}
	case strings.HasPrefix((*l)[at], "SMTP:"):
		return &canopy.Error{Kind: canopy.Invalid, Code: "address", Object: text, Attr: canopy.AttrAddresses, Text: "it is the primary address",
			Next: "make another one primary first, with --primary"}
	}
	*l = slices.Delete(*l, at, at+1)
	return nil
}

// checkAddress says what is wrong with an SMTP address.
func checkAddress(a string) error {
	local, domain, found := strings.Cut(a, "@")
	if found && local != "" && domain != "" && !strings.ContainsAny(a, " \t:;,<>\"") && !strings.Contains(domain, "@") && len(a) <= 1123-5 {
		return nil
	}
	return &canopy.Error{Kind: canopy.Invalid, Code: "address", Object: a, Attr: canopy.AttrAddresses, Text: "it is no address", Next: "write it as in anna@contoso.com"}
}

func domainOf(a string) string { return a[strings.LastIndexByte(a, '@')+1:] }
