package forest

import (
	"fmt"

	"github.com/canopy-sync/canopy"
)

// refusal is an LDAP result other than success, with a text in the manner of a Windows server: its own error number
// first, then what is wrong.
type refusal struct {
	code     int
	text     string
	matched  string // the nearest object that exists
	referral string
}

func (r *refusal) Error() string { return fmt.Sprintf("LDAP result %d: %s", r.code, r.text) }

// The result codes that the server gives.
const (
	operationsError        = 1
	protocolError          = 2
	sizeLimitExceeded      = 4
	compareFalse           = 5
	compareTrue            = 6
	authMethodNotSupported = 7
	strongerAuthRequired   = 8
	referral               = 10
	adminLimitExceeded     = 11
	unavailableCritical    = 12
	noSuchAttribute        = 16
	constraintViolation    = 19
	attributeOrValueExists = 20
	invalidSyntax          = 21
	noSuchObject           = 32
	invalidDN              = 34
	invalidCredentials     = 49
	insufficientRights     = 50
	busy                   = 51
	unwilling              = 53
	namingViolation        = 64
	objectClassViolation   = 65
	notAllowedOnNonLeaf    = 66
	notAllowedOnRDN        = 67
	entryExists            = 68
	modsProhibited         = 69
	otherError             = 80
)

func refuse(code int, format string, args ...any) *refusal {
	return &refusal{code: code, text: fmt.Sprintf(format, args...)}
}

// missing is the refusal for an object that does not exist.
func missing(name string, nearest *object) *refusal {
	r := refuse(noSuchObject, "0000208D: NameErr: problem 2001 (NO_OBJECT): no object %s", name)
	if nearest != nil {
		r.matched = nearest.distinguished()
	}
	return r
}

// asError turns a refusal into an error of the product's own kind, for those who load directly.
func asError(what, dn string, r *refusal) error {
	if r == nil {
		return nil
	}
	kind := canopy.Invalid
	switch r.code {
	case noSuchObject:
		kind = canopy.NotFound
	case entryExists, attributeOrValueExists:
		kind = canopy.Conflict
	case insufficientRights:
		kind = canopy.Forbidden
	case unwilling:
		kind = canopy.Unsupported
	}
	return &canopy.Error{Kind: kind, Code: fmt.Sprintf("LDAP%d", r.code), Object: dn, Text: what + ": " + r.text}
}
