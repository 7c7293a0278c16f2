package check

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/canopy-sync/canopy"
)

// CodeAddress is the code of a finding about an address that is none.
const CodeAddress = "address-malformed"

// Address says what is wrong with an address of a recipient, "" when nothing is. It has a prefix and, after it, none of
// the characters that no address may have. An SMTP address has one @ with something on both sides, and only ASCII.
func Address(s string) string {
	prefix, rest, ok := strings.Cut(s, ":")
	switch {
	case !ok || prefix == "":
		return "it has no prefix, such as smtp:"
	case rest == "":
		return "there is nothing after its prefix"
	case !strings.EqualFold(prefix, "smtp"):
		if strings.ContainsFunc(rest, unicode.IsControl) {
			return "it has a control character in it"
		}
		return ""
	case strings.ContainsFunc(rest, unicode.IsSpace):
		return "it has a space in it"
	}
	local, domain, ok := strings.Cut(rest, "@")
	switch {
	case !ok || local == "" || domain == "":
		return "it is not of the form name@domain"
	case strings.Contains(domain, "@"):
		return "it has more than one @"
	}
	for _, r := range rest {
		if strings.ContainsRune(`<>();,[]":`, r) || r < ' ' || r > '~' {
			return fmt.Sprintf("it has the character %q in it", r)
		}
	}
	return ""
}

// Addresses are the findings about an object's addresses. Who is the object, as people know it.
func Addresses(who string, attr canopy.Attr, values canopy.Values, next string) []canopy.Finding {
	var found []canopy.Finding
	for _, v := range values {
		if wrong := Address(v.Str()); wrong != "" {
			found = append(found, canopy.Finding{Code: CodeAddress, Severity: canopy.Warning, Object: who, Attr: attr, Value: v.Str(),
				Text: fmt.Sprintf("%s %q: %s; the target drops it", attr, v.Str(), wrong), Next: next})
		}
	}
	return found
}
