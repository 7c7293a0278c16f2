package canopy

import (
	"errors"
	"strings"
)

// ErrorKind classifies an error for the caller; the side that knows sets it.
type ErrorKind uint8

// The kinds of error. Other is everything not classified.
const (
	Other       ErrorKind = iota
	Invalid               // what was given is wrong: a file, an option, a value
	NotFound              // the thing named does not exist
	Unreachable           // nobody answers; trying later may help
	Credentials           // wrong or expired account, wrong certificate
	Forbidden             // the account lacks a right
	Conflict              // something else is in the way: a lock, a newer version
	Unsafe                // the guard or a check of the read stopped it
	Full                  // no space left
	Newer                 // written by a newer version of the product
	Unsupported           // this connector cannot
)

var errorKinds = [...]string{"other", "invalid", "not-found", "unreachable", "credentials", "forbidden", "conflict",
	"unsafe", "full", "newer", "unsupported"}

func (k ErrorKind) String() string { return errorKinds[k] }

// Error is an error that a person can act on. Text says what is wrong with which object and attribute; Next what to do.
type Error struct {
	Kind   ErrorKind
	Code   string // stable, for programs: "LDAP49-52e"
	Object string // DN, name or anchor of the object, file or server
	Attr   Attr
	Other  string // the other party: the second object, the certificate, the process
	Text   string
	Next   string
	Err    error // the cause; may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	if e.Attr != "" {
		b.WriteString(string(e.Attr) + ": ")
	}
	b.WriteString(e.Text)
	if e.Other != "" {
		b.WriteString(" (" + e.Other + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first *Error in err's chain, Other when there is none.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Other
}

// Severity grades a finding.
type Severity uint8

// The severities.
const (
	Info Severity = iota
	Warning
	Severe
)

var severities = [...]string{"info", "warning", "error"}

func (s Severity) String() string { return severities[s] }

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the severity's name.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, name := range severities {
		if name == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return errors.New("unknown severity " + string(text))
}

// Finding is something that somebody should know.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Object   string   `json:"object,omitempty"`
	Attr     Attr     `json:"attr,omitempty"`
	Value    string   `json:"value,omitempty"`
	Other    string   `json:"other,omitempty"` // the other party
	Text     string   `json:"text"`
	Next     string   `json:"next,omitempty"` // what to do
}
