package ad

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
)

// dataCode finds the code that AD hides in the text of a refused bind: "..., data 52e, v3839".
var dataCode = regexp.MustCompile(`(?i)\bdata ([0-9a-f]+)`)

// bindFaults say what AD's codes for refused binds mean.
var bindFaults = map[string]struct{ text, next string }{
	"525": {"there is no such account", "check the account's name in the configuration; a UPN (name@domain) is the safest form"},
	"52e": {"the password is wrong, or there is no such account", "check the account and its password; Canopy does not try again by itself, so the account is not locked by it"},
	"530": {"the account may not sign in at this time", "allow its sign-in hours in the directory"},
	"531": {"the account may not sign in from this computer", "allow this computer in the account's properties in the directory"},
	"532": {"the account's password has expired", "set a new password in the directory and in the configuration; for a service account let it never expire"},
	"533": {"the account is disabled", "enable it in the directory, or name another account"},
	"701": {"the account has expired", "extend it in the directory, or name another account"},
	"773": {"the account must change its password before it can be used", "clear \"must change password at next sign-in\" in the directory"},
	"57": {"the controller does not accept the bind as it was made; it may demand that it names the TLS connection",
		"let nothing between here and the controller end TLS, and let the certificate be signed with SHA-256 or better"},
	"80090346": {"the controller demands that the bind names the TLS connection, and has another certificate than the one seen here",
		"let nothing between here and the controller end TLS: name the controller itself as server"},
	"775": {"the account is locked", "unlock it in the directory, and find out who tried wrong passwords"},
}

// ldapFaults say what the codes of LDAP mean here.
var ldapFaults = map[uint16]struct {
	kind       canopy.ErrorKind
	text, next string
}{
	ldap.LDAPResultOperationsError: {canopy.Other, "the controller cannot carry this out",
		"see the controller's own words; if they ask for a bind, the account was not accepted"},
	ldap.LDAPResultTimeLimitExceeded:            {canopy.Unreachable, "the controller took too long", "try again later, or read fewer objects at once by a narrower scope"},
	ldap.LDAPResultSizeLimitExceeded:            {canopy.Other, "the controller gives no more objects than its limit", "make the search narrower"},
	ldap.LDAPResultAdminLimitExceeded:           {canopy.Other, "the controller's own limit is exceeded", "make the scope narrower, or raise the limit in the directory's query policy"},
	ldap.LDAPResultAuthMethodNotSupported:       {canopy.Credentials, "the controller does not know this way to bind", "use method simple over TLS, or kerberos"},
	ldap.LDAPResultStrongAuthRequired:           {canopy.Credentials, "the controller demands encryption or signing", "use ldaps://, or ldap:// without plain"},
	ldap.LDAPResultConfidentialityRequired:      {canopy.Credentials, "the controller demands encryption", "use ldaps://, or ldap:// without plain"},
	ldap.LDAPResultInappropriateAuthentication:  {canopy.Credentials, "the controller does not accept this bind", "name an account with a password"},
	ldap.LDAPResultReferral:                     {canopy.NotFound, "the controller does not hold this part of the forest", "name a controller of that domain, or correct the base; referrals are never followed"},
	ldap.LDAPResultUnavailableCriticalExtension: {canopy.Unsupported, "the controller refuses a control", "is it a domain controller of Active Directory or Samba?"},
	ldap.LDAPResultUndefinedAttributeType:       {canopy.Invalid, "the attribute is unknown to the directory's schema", "correct the attribute's name, or extend the schema"},
	ldap.LDAPResultNoSuchAttribute:              {canopy.Invalid, "the object does not have this attribute or value", "read the object again"},
	ldap.LDAPResultConstraintViolation:          {canopy.Invalid, "a value breaks a rule of the directory", "correct the value"},
	ldap.LDAPResultAttributeOrValueExists:       {canopy.Conflict, "the value is there already", "read the object again"},
	ldap.LDAPResultInvalidAttributeSyntax:       {canopy.Invalid, "a value has the wrong form", "correct the value"},
	ldap.LDAPResultNoSuchObject:                 {canopy.NotFound, "there is no such object on this controller, or the account may not see it", "check the DN"},
	ldap.LDAPResultInvalidDNSyntax:              {canopy.Invalid, "not a distinguished name", `write it as in CN=Anna,OU=People,DC=contoso,DC=com`},
	ldap.LDAPResultInsufficientAccessRights:     {canopy.Forbidden, "the account may not do this", "give the account the right, or name another account"},
	ldap.LDAPResultBusy:                         {canopy.Unreachable, "the controller is busy", "try again later"},
	ldap.LDAPResultUnavailable:                  {canopy.Unreachable, "the controller is not available", "try again later"},
	ldap.LDAPResultUnwillingToPerform:           {canopy.Invalid, "the controller will not do this", "see the controller's own words"},
	ldap.LDAPResultNamingViolation:              {canopy.Invalid, "an object of this class cannot have this place", "correct the container"},
	ldap.LDAPResultObjectClassViolation:         {canopy.Invalid, "an attribute does not belong to this class, or a needed one is missing", "correct the attributes"},
	ldap.LDAPResultNotAllowedOnNonLeaf:          {canopy.Conflict, "the object has others below it", "delete or move them first"},
	ldap.LDAPResultNotAllowedOnRDN:              {canopy.Invalid, "the object's name cannot be changed this way", "move the object instead"},
	ldap.LDAPResultEntryAlreadyExists:           {canopy.Conflict, "there is an object or value of this name already", "choose another name, or take the object that is there"},
	ldap.LDAPResultAffectsMultipleDSAs:          {canopy.Unsupported, "the move would leave the domain", "objects are moved within one domain only"},
	ldap.ErrorFilterCompile:                     {canopy.Invalid, "the search filter has a syntax error", "correct the filter"},
	ldap.ErrorEmptyPassword:                     {canopy.Credentials, "the password is empty", "set the account's password in the configuration"},
}

// fault makes an error for people of what a controller answered, or did not. object is what was dealt with; "" is the
// server itself. Errors that are made already, and those of a context, stay as they are.
func fault(err error, server, object string) error {
	var known *canopy.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &canopy.Error{Object: server, Err: err}
	if object != "" {
		e.Object, e.Other = object, server
	}
	var l *ldap.Error
	if !errors.As(err, &l) || l.ResultCode == ldap.ErrorNetwork {
		e.Kind, e.Code = canopy.Unreachable, "ad-unreachable"
		e.Text = "the domain controller does not answer any more"
		e.Next = "try again later; check that the controller runs, and the network between"
		return e
	}
	e.Code = fmt.Sprintf("LDAP%d", l.ResultCode)
	if f, ok := ldapFaults[l.ResultCode]; ok {
		e.Kind, e.Text, e.Next = f.kind, f.text, f.next
		return e
	}
	e.Text = "the controller answers with an error"
	e.Next = "see the controller's own words"
	return e
}

// bindFault makes an error for people of a refused bind.
func bindFault(err error, server, account string) error {
	var l *ldap.Error
	if !errors.As(err, &l) || l.ResultCode != ldap.LDAPResultInvalidCredentials {
		return fault(err, server, account)
	}
	e := &canopy.Error{Kind: canopy.Credentials, Code: "LDAP49", Object: account, Other: server, Err: err,
		Text: "the controller does not accept the account", Next: "check the account and its password"}
	if m := dataCode.FindStringSubmatch(l.Err.Error()); m != nil {
		code := strings.ToLower(m[1])
		e.Code += "-" + code
		if f, ok := bindFaults[code]; ok {
			e.Text, e.Next = f.text, f.next
		}
	}
	return e
}

// dialFault makes an error for people of a connection that did not come about.
func dialFault(err error, server string) error {
	e := &canopy.Error{Kind: canopy.Credentials, Code: "ad-tls", Object: server, Err: err}
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		cert      x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		pin       *pinError
	)
	switch {
	case errors.As(err, &pin):
		e.Text = "the controller shows another certificate than the pinned one"
		e.Other = "its SHA-256 is " + pin.got
		e.Next = "if the certificate was renewed, set the new pin; if not, somebody may stand between"
	case errors.As(err, &authority):
		e.Text = "the controller's certificate is signed by nobody that is trusted here"
		e.Next = "set ca to the certificate of the authority that signed it, or pin to the certificate's SHA-256"
	case errors.As(err, &host):
		e.Text = "the controller's certificate is for another name"
		e.Next = "name the server as in its certificate, or set the server name; an old certificate without alternative names must be renewed"
	case errors.As(err, &cert), errors.As(err, &verify):
		e.Text = "the controller's certificate is not valid"
		e.Next = "renew the controller's certificate; check this machine's clock"
	case errors.As(err, &record):
		e.Kind, e.Code = canopy.Unreachable, "ad-unreachable"
		e.Text = "what answers does not speak TLS"
		e.Next = "check the port: 636 for ldaps://, 389 for ldap://"
	default:
		e.Kind, e.Code = canopy.Unreachable, "ad-unreachable"
		e.Text = "the domain controller cannot be reached"
		e.Next = "check the name, the port and the firewalls, and that the controller runs"
	}
	return e
}

// hasCode tells whether a controller answered with one of these codes.
func hasCode(err error, codes ...uint16) bool { return ldap.IsErrorAnyOf(err, codes...) }
