package check

import (
	"strings"
	"unicode"

	"github.com/canopy-sync/canopy"
)

// step is one rule for one value. Each takes what the one before it made of the value.
type step struct {
	rule  string
	apply func(o *Object, s string) (string, verdict)
}

// steps are the rules for the values of each attribute, in their order.
var steps = map[canopy.Attr][]step{
	canopy.AttrDisplayName: {{NameSpace, trimmed}, {NameLength, cutAt(256)}},
	attrGivenName:          {{GivenLength, cutAt(64)}},
	canopy.AttrMail: {{MailLength, tooLong(256)}, {MailCharacter, without(mailWrong)},
		{MailFormat, formed(mailForm)}},
	attrAlias: {{AliasPeriod, noPeriods}, {AliasCharacter, without(aliasWrong)}, {AliasLength, cutAt(64)}},
	canopy.AttrAddresses: {{AddressPrefix, prefixed}, {AddressLength, tooLong(256)}, {AddressColon, oneColon}, {AddressChar, addressChars},
		{AddressFormat, addressFormed}},
	attrAccount: {{AccountLength, accountLength}, {AccountChar, without(accountWrong)}},
	attrTarget: {{TargetLength, tooLong(256)}, {TargetColon, oneColon}, {TargetFormat, targetPrefixed}, {TargetChar, without(targetWrong)},
		{TargetFormat, addressFormed}},
	canopy.AttrUPN: {{UPNLength, upnLength}, {UPNCharacter, without(upnWrong)}, {UPNFormat, upnFormed}},
}

// stepped are the attributes of steps in the order in which they are looked at.
var stepped = []canopy.Attr{canopy.AttrDisplayName, attrGivenName, canopy.AttrMail, attrAlias, canopy.AttrAddresses, attrAccount, attrTarget, canopy.AttrUPN}

func tooLong(most int) func(*Object, string) (string, verdict) {
	return func(_ *Object, s string) (string, verdict) {
		if longer(s, most) {
			return s, broken
		}
		return s, fine
	}
}

func cutAt(most int) func(*Object, string) (string, verdict) {
	return func(_ *Object, s string) (string, verdict) {
		if longer(s, most) {
			return cut(s, most), mended
		}
		return s, fine
	}
}

func without(wrong func(rune) bool) func(*Object, string) (string, verdict) {
	return func(_ *Object, s string) (string, verdict) { return chars(s, wrong) }
}

func formed(ok func(string) bool) func(*Object, string) (string, verdict) {
	return func(_ *Object, s string) (string, verdict) {
		if !ok(s) {
			return s, broken
		}
		return s, fine
	}
}

func trimmed(_ *Object, s string) (string, verdict) {
	if left := strings.TrimSpace(s); left != s && left != "" {
		return left, mended
	}
	return s, fine
}

func noPeriods(_ *Object, s string) (string, verdict) {
	left := strings.Trim(s, ".")
	switch {
	case left == s:
		return s, fine
	case left == "":
		return s, broken
	}
	return left, mended
}

func accountLength(o *Object, s string) (string, verdict) {
	most := 256
	if o.isUser() {
		most = 20
	}
	return tooLong(most)(o, s)
}

// prefixed: an address without its prefix is a secondary one.
func prefixed(_ *Object, s string) (string, verdict) {
	switch prefix, _, ok := strings.Cut(s, ":"); {
	case ok && prefix != "" && !strings.Contains(prefix, "@"):
		return s, fine
	case mailForm(strings.TrimLeft(s, ": ")):
		return "smtp:" + strings.TrimLeft(s, ": "), mended
	}
	return s, broken
}

// targetPrefixed: a target address without its prefix is an SMTP one.
func targetPrefixed(_ *Object, s string) (string, verdict) {
	switch prefix, _, ok := strings.Cut(s, ":"); {
	case ok && prefix != "" && !strings.Contains(prefix, "@"):
		return s, fine
	case mailForm(strings.TrimLeft(s, ": ")):
		return "SMTP:" + strings.TrimLeft(s, ": "), mended
	}
	return s, broken
}

// oneColon: of an address, nothing but the prefix ends with a colon. Other kinds than SMTP may have more of them.
func oneColon(_ *Object, s string) (string, verdict) {
	prefix, rest, ok := strings.Cut(s, ":")
	if !ok || !strings.EqualFold(prefix, "smtp") || !strings.Contains(rest, ":") {
		return s, fine
	}
	if again, _, _ := strings.Cut(rest, ":"); strings.EqualFold(strings.TrimSpace(again), "smtp") || strings.TrimSpace(again) == "" {
		return prefix + ":" + strings.ReplaceAll(rest[len(again)+1:], ":", ""), mended
	}
	return prefix + ":" + strings.ReplaceAll(rest, ":", ""), mended
}

// addressChars looks at what follows the prefix, by the kind of address.
func addressChars(_ *Object, s string) (string, verdict) {
	prefix, rest, ok := strings.Cut(s, ":")
	if !ok {
		return s, fine // another rule's
	}
	wrong := plainWrong
	switch {
	case strings.EqualFold(prefix, "smtp"):
		wrong = addressWrong
	case strings.EqualFold(prefix, "x400"), strings.EqualFold(prefix, "x500"):
		wrong = otherWrong
	}
	left, v := chars(rest, wrong)
	head, w := chars(prefix, func(r rune) bool { return blank(r) || r > unicode.MaxASCII })
	return head + ":" + left, max(v, w)
}

func addressFormed(_ *Object, s string) (string, verdict) {
	prefix, rest, _ := strings.Cut(s, ":")
	if rest == "" || strings.EqualFold(prefix, "smtp") && !mailForm(rest) {
		return s, broken
	}
	return s, fine
}

func upnLength(_ *Object, s string) (string, verdict) {
	local, domain, _ := strings.Cut(s, "@")
	if longer(s, 113) || longer(local, 64) || longer(domain, 48) {
		return s, broken
	}
	return s, fine
}

func upnFormed(_ *Object, s string) (string, verdict) {
	local, domain, ok := strings.Cut(s, "@")
	left := strings.TrimRight(local, ".")
	switch {
	case !ok || left == "" || !domainForm(domain):
		return s, broken
	case left != local:
		return left + "@" + domain, mended
	}
	return s, fine
}

// domainIn is the domain that a value of an attribute has, "" for one that has none or is not looked at.
func domainIn(a canopy.Attr, s string) string {
	switch {
	case a == canopy.AttrUPN, a == canopy.AttrMail, (a == canopy.AttrAddresses || a == attrTarget) && begins(s, []string{"smtp:"}):
		return domainOf(s)
	}
	return ""
}
