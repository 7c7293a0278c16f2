package check

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// verdict is what one rule says of one value.
type verdict uint8

const (
	fine   verdict = iota
	mended         // wrong, and there is a value that is right
	broken         // wrong, and a person has to say what is right
)

// chars looks for characters that wrong names. A value is mended by leaving them out, unless they are letters or digits.
func chars(s string, wrong func(rune) bool) (string, verdict) {
	if !strings.ContainsFunc(s, wrong) {
		return s, fine
	}
	letters := false
	left := strings.Map(func(r rune) rune {
		if !wrong(r) {
			return r
		}
		letters = letters || unicode.IsLetter(r) || unicode.IsDigit(r) || r == utf8.RuneError
		return -1
	}, s)
	if letters || left == "" {
		return s, broken
	}
	return left, mended
}

// blank tells whether a character is a space, or one that nobody sees.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r >= 0x200b && r <= 0x200f || r == 0xfeff || r == 0xad
}

func addressWrong(r rune) bool {
	return blank(r) || r > unicode.MaxASCII || strings.ContainsRune(`<>();,[]"`, r)
}
func mailWrong(r rune) bool   { return addressWrong(r) || r == ':' }
func targetWrong(r rune) bool { return addressWrong(r) || r == '\\' }
func otherWrong(r rune) bool  { return unicode.IsControl(r) || strings.ContainsRune(`[]"'`, r) }
func plainWrong(r rune) bool  { return addressWrong(r) && r != ';' }
func accountWrong(r rune) bool {
	return unicode.IsControl(r) || strings.ContainsRune(`[]\"|,/:<>+=;?*`, r)
}
func aliasWrong(r rune) bool {
	return blank(r) || r > unicode.MaxASCII || strings.ContainsRune(`\%&*+/=?{}|<>();:,[]"@`, r)
}

// upnWrong says of a sign-in name what it cannot have; the @ is looked at apart.
func upnWrong(r rune) bool {
	return r != '@' && !alphanumeric(r) && !strings.ContainsRune("'.-_!#^~", r)
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// mailForm tells whether a text is name@domain as RFC 2822 has it, without quotes and comments.
func mailForm(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && localForm(local) && domainForm(domain)
}

func localForm(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) }) {
			return false
		}
	}
	return true
}

// domainForm tells whether a text is a domain of two labels or more. The last is of letters, or an internationalised one.
func domainForm(s string) bool {
	labels, last := 0, ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return !alphanumeric(r) && r != '-' && r != '_' }) {
			return false
		}
		labels++
		last = label
	}
	if labels < 2 || len(last) < 2 || len(s) > 255 {
		return false
	}
	return begins(last, []string{"xn--"}) || !strings.ContainsFunc(last, func(r rune) bool { return r < 'A' })
}

// privateDomains are the last labels of names that are used inside of organisations, or reserved.
var privateDomains = []string{"corp", "domain", "example", "home", "hq", "internal", "intern", "intra", "intranet", "invalid", "lab", "lan", "loc", "local",
	"localdomain", "localhost", "localnet", "private", "priv", "root", "test", "workgroup"}

// private tells whether a domain is none of the Internet's, as far as its last label shows.
func private(domain string) bool {
	return slices.ContainsFunc(privateDomains, func(p string) bool { return strings.EqualFold(domain[strings.LastIndexByte(domain, '.')+1:], p) })
}

// domainOf is what stands behind the last @, "" where there is none.
func domainOf(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return s[i+1:]
	}
	return ""
}

// longer tells whether a text has more than so many characters.
func longer(s string, most int) bool { return len(s) > most && utf8.RuneCountInString(s) > most }

// cut is the first characters of a text, without a space at the end.
func cut(s string, most int) string {
	return strings.TrimRightFunc(string([]rune(s)[:most]), unicode.IsSpace)
}
