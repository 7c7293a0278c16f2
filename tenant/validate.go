package tenant

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
)

// Limits of values; lengths in characters.
const (
	maxUPN          = 113
	maxUPNPrefix    = 64
	maxUPNSuffix    = 48
	maxAnchor       = 59
	maxText         = 1024
	maxExtension    = 250
	maxAddress      = 256
	maxAddresses    = 332
	maxCertificates = 15
	maxOctets       = 100 << 10
)

// rule is one check of an attribute's values, beside its type. The first that does not hold refuses the object.
type rule struct {
	attr  canopy.Attr
	code  string
	says  string
	holds func(v canopy.Value, strict bool) bool
}

// rules are checked in this order.
var rules = []rule{
	{canopy.AttrUPN, CodeIdentity, "a sign-in name is name@domain: at most 64 characters before the @, 48 after it, only A-Z a-z 0-9 ' . - _ ! # ^ ~, and no full stop before the @",
		func(v canopy.Value, _ bool) bool { return validUPN(v.Str()) }},
	{canopy.AttrDisplayName, CodeData, "a display name has at most 256 characters and is not blank",
		func(v canopy.Value, _ bool) bool { return length(v) <= 256 && strings.TrimSpace(v.Str()) != "" }},
	{attrGivenName, CodeData, "a given name has at most 64 characters", atMost(64)},
	{canopy.AttrMail, CodeData, "a mail address has at most 256 characters", atMost(maxAddress)},
	{canopy.AttrAlias, CodeData, "an alias has at most 64 characters and does not begin with a full stop",
		func(v canopy.Value, _ bool) bool { return length(v) <= 64 && !strings.HasPrefix(v.Str(), ".") }},
	{canopy.AttrAddresses, CodeData, "an address has at most 256 characters", atMost(maxAddress)},
	{canopy.AttrAddresses, CodeData, `an address is prefix:address, without spaces and < > ( ) ; , [ ] "`,
		func(v canopy.Value, strict bool) bool { return !strict || wellFormed(v.Str()) }},
	{attrTargetAddress, CodeData, `a target address is prefix:address, at most 256 characters, without spaces and \ < > ( ) ; , [ ] "`,
		func(v canopy.Value, _ bool) bool {
			return length(v) <= maxAddress && wellFormed(v.Str()) && !strings.Contains(v.Str(), `\`)
		}},
	{canopy.AttrSourceAnchor, CodeData, "a source anchor has fewer than 60 characters, of which each but letters and digits counts three, and is plain text or base64",
		func(v canopy.Value, _ bool) bool { return validAnchor(v.Str()) }},
}

func atMost(n int) func(canopy.Value, bool) bool {
	return func(v canopy.Value, _ bool) bool { return length(v) <= n }
}

func length(v canopy.Value) int { return utf8.RuneCountInString(v.Str()) }

// checkValues tells why the service refuses these values of an attribute of a class, nil when it takes them.
func checkValues(c canopy.Class, name canopy.Attr, values canopy.Values, strict bool) *refusal {
	a, known := attributeOf(c, name)
	switch {
	case !known:
		return refuse(CodeUnknownAttr, name, "there is no attribute %s on a %s", name, c)
	case a.readOnly:
		return refuse(CodeReadOnly, name, "the attribute %s is computed by the service and cannot be set", name)
	case a.Type == canopy.Reference:
		return refuse(CodeData, name, "the attribute %s names other objects and is written as links", name)
	case !a.Multi && len(values) > 1:
		return refuse(CodeData, name, "the attribute %s takes one value, not %d", name, len(values))
	case name == canopy.AttrAddresses && len(values) > maxAddresses:
		return refuse(CodeLarge, name, "the object has %d addresses, the service takes %d", len(values), maxAddresses)
	case (name == attrCertificate || name == attrSMIME) && len(values) > maxCertificates:
		return refuse(CodeLarge, name, "the object has %d certificates, the service takes %d", len(values), maxCertificates)
	}
	for _, v := range values {
		if r := checkValue(name, a, v, strict); r != nil {
			return r
		}
	}
	return nil
}

func checkValue(name canopy.Attr, a attribute, v canopy.Value, strict bool) *refusal {
	isText := v.Type() == canopy.String
	switch {
	case v.Type() != a.Type && (!a.loose || v.Type() == canopy.Reference):
		return refuse(CodeData, name, "the value %q of %s is of type %s, not %s", short(v), name, v.Type(), a.Type)
	case isText && v.Str() == "":
		return refuse(CodeData, name, "the value of %s is empty; clear the attribute instead", name)
	case isText && !utf8.ValidString(v.Str()):
		return refuse(CodeData, name, "the value of %s is not UTF-8", name)
	case isText && length(v) > maxText, a.loose && strings.HasPrefix(string(name), "extension_") && length(v) > maxExtension:
		return refuse(CodeTooLong, name, "the value %q of %s has %d characters", short(v), name, length(v))
	case v.Type() == canopy.Binary && len(v.Octets()) > maxOctets:
		return refuse(CodeLarge, name, "the value of %s has %d octets, the service takes %d", name, len(v.Octets()), maxOctets)
	}
	for _, r := range rules {
		if r.attr == name && !r.holds(v, strict) {
			return refuse(r.code, name, "the value %q of %s: %s", short(v), name, r.says)
		}
	}
	return nil
}

// short is a value for a message.
func short(v canopy.Value) string {
	s := v.String()
	if utf8.RuneCountInString(s) > 80 {
		return string([]rune(s)[:80]) + "…"
	}
	return s
}

func validUPN(s string) bool {
	prefix, suffix, ok := strings.Cut(s, "@")
	if !ok || prefix == "" || suffix == "" || strings.Contains(suffix, "@") || strings.HasSuffix(prefix, ".") ||
		len(s) > maxUPN || len(prefix) > maxUPNPrefix || len(suffix) > maxUPNSuffix {
		return false
	}
	for _, r := range prefix {
		if !alphanumeric(r) && !strings.ContainsRune("'.-_!#^~", r) {
			return false
		}
	}
	for label := range strings.SplitSeq(suffix, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return !alphanumeric(r) && r != '-' }) {
			return false
		}
	}
	return true
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// validAnchor takes base64 of octets, and text without the characters that a chosen attribute may not have.
func validAnchor(s string) bool {
	weight := 0
	for _, r := range s {
		if alphanumeric(r) {
			weight++
		} else {
			weight += 3
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return false
		}
	}
	if _, err := base64.StdEncoding.DecodeString(s); err == nil {
		return weight > 0 && weight <= maxAnchor
	}
	return weight <= maxAnchor && !strings.ContainsAny(s, "\\!#$%&*+/=?^`{}|~<>()';:,[]\"@_")
}

// wellFormed tells whether an address is one.
func wellFormed(s string) bool { return check.Address(s) == "" }
