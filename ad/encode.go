package ad

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// encode writes values the way the directory takes them.
func (f *facts) encode(n canopy.Attr, values canopy.Values) ([]string, error) {
	all := make([]string, 0, len(values))
	a := f.attr(string(n))
	if a == nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "ad-unknown-attribute", Attr: n, Text: "the attribute is unknown to the directory's schema",
			Next: "correct the attribute's name, or extend the schema"}
	}
	for _, v := range values {
		s, err := a.encode(v)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (a *attribute) encode(v canopy.Value) (string, error) {
	switch {
	case strings.EqualFold(string(a.name), "unicodePwd") && v.Type() == canopy.String:
		return password(v.Str()), nil
	case a.shape == shapeSID && v.Type() == canopy.String:
		b, err := ParseSID(v.Str())
		return string(b), err
	case a.shape == shapeNumber && v.Type() == canopy.Time:
		n, err := ToFileTime(v.Moment())
		return strconv.FormatInt(n, 10), err
	}
	switch v.Type() {
	case canopy.Binary:
		return string(v.Octets()), nil
	case canopy.Time:
		return FormatTime(v.Moment()), nil
	case canopy.Reference:
		if _, err := ParseGUID(v.Str()); err != nil {
			return "", fmt.Errorf("write a link of %s: %w", a.name, err)
		}
		return byGUID(canopy.Anchor(v.Str())), nil
	case canopy.String, canopy.Integer, canopy.Boolean:
	}
	return v.String(), nil
}

// password makes the value of unicodePwd: in quotes, UTF-16, little-endian.
func password(p string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(`"` + p + `"`)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// verdict makes the answer to an export of an error. Unclassified errors are for later: they may pass.
func verdict(err error) (kind canopy.ResultKind, code, text string) {
	text = err.Error()
	var e *canopy.Error
	if errors.As(err, &e) {
		return verdictOf(e.Kind), e.Code, text
	}
	var l *ldap.Error
	if !errors.As(err, &l) {
		return canopy.Later, "ad-unreachable", text
	}
	code, text = fmt.Sprintf("LDAP%d", l.ResultCode), l.Err.Error()
	if t := ldap.LDAPResultCodeMap[l.ResultCode]; t != "" {
		text = t + ": " + text
	}
	switch l.ResultCode {
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultAdminLimitExceeded, ldap.ErrorNetwork,
		ldap.LDAPResultOperationsError, ldap.LDAPResultOther:
		return canopy.Later, code, text
	case ldap.LDAPResultInsufficientAccessRights:
		return canopy.Denied, code, text
	case ldap.LDAPResultNoSuchObject:
		return canopy.NotThere, code, text
	}
	return canopy.Refused, code, text
}

func verdictOf(k canopy.ErrorKind) canopy.ResultKind {
	switch k {
	case canopy.Unreachable, canopy.Credentials, canopy.Other:
		return canopy.Later
	case canopy.Forbidden:
		return canopy.Denied
	case canopy.NotFound:
		return canopy.NotThere
	case canopy.Invalid, canopy.Conflict, canopy.Unsafe, canopy.Full, canopy.Newer, canopy.Unsupported:
	}
	return canopy.Refused
}
