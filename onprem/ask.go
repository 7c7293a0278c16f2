package onprem

import (
	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// Noun is what a command is about.
type Noun string

// The nouns.
const (
	Recipient     Noun = "recipient"
	Mailbox       Noun = "mailbox"        // in the forest
	RemoteMailbox Noun = "remote-mailbox" // in the cloud
)

// Verb is what a command does.
type Verb string

// The verbs.
const (
	New     Verb = "new"     // makes the account as well
	Enable  Verb = "enable"  // an account that is there
	Disable Verb = "disable" // the account stays
	Set     Verb = "set"
	Update  Verb = "update" // adds what is missing, and applies the address policy
)

// Ask is what somebody asks of an object. What is not set is left to the defaults, or as it is.
type Ask struct {
	Noun Noun
	Verb Verb
	Kind recipient.Kind // room, equipment, shared or personal; "": as it is, or personal
	// Archive is the archive in the cloud: alone where there is a mailbox already, or where it is disabled.
	Archive     bool
	Alias       string
	Primary     string // an address; ends the address policy
	Routing     string // the remote routing address
	Add, Remove []string
	MailboxGUID recipient.GUID // zero: not asked
	ArchiveGUID recipient.GUID
	ArchiveName string
	Rights      bool // the remote mailbox may be given rights: ACLableSyncedObjectEnabled
	// DisableAccount disables the account of a shared, room or equipment mailbox, which has none that signs in.
	DisableAccount bool
	Hidden, Policy *bool
	Database       string // a DN; "": that of the organisation
	Server         string // a legacy DN; "": that of the organisation
	Account        Account
}

// Account is an account to be made, for New.
type Account struct {
	DN, Name, UPN, SAM, GivenName, Surname, DisplayName, Password string
	ResetPassword, Disabled                                       bool
}

// Organisation is what an Exchange organisation decides for all of its recipients.
type Organisation struct {
	Name string // in legacy DNs; "": First Organization
	// Templates are those of its address policy, as SMTP:%m@contoso.com; none: the addresses stay, and the alias in the
	// coexistence domain is added.
	Templates    []string
	Policy       string // the policy's GUID; "": not known, and not stamped
	Coexistence  string // the domain by which the cloud is reached; "": there is none
	AddressLists []string
	Database     string
	Server       string
	// Lacks are attributes that the schema of the forest does not have; they are not stamped.
	Lacks []canopy.Attr
}

// Fresh are values that nobody has had before.
type Fresh struct {
	Mailbox, Archive recipient.GUID
	Number           string // in legacy DNs
}

// Stamp is what is to be written to one object.
type Stamp struct {
	Object  *Object
	Op      canopy.Op
	Changes []Change
	// Claims are new addresses and aliases, which nobody else in the organisation may have.
	Claims []Claim
	// Makes tells that the object gets a mailbox in the forest that it did not have.
	Makes    bool
	Findings []canopy.Finding
}

// Claim is a value that only one object of an organisation may have.
type Claim struct {
	Attr  canopy.Attr `json:"attribute"`
	Value string      `json:"value"` // an address without its prefix
}

// Change is what becomes of one attribute. Names of other objects are texts here.
type Change struct {
	Attr   canopy.Attr   `json:"attribute"`
	Before canopy.Values `json:"before,omitempty"`
	After  canopy.Values `json:"after,omitempty"`
	link   bool
}

// secret are attributes whose values nobody is shown.
const secret canopy.Attr = "unicodePwd"

// Secret tells that the values are for nobody's eyes.
func (c Change) Secret() bool { return c.Attr == secret }

// Export is the stamp as a write; what it replaces must still be there.
func (s *Stamp) Export() canopy.Export {
	e := canopy.Export{Op: s.Op, Class: s.Object.Class, Ref: canopy.Ref{Anchor: s.Object.Anchor, DN: s.Object.DN}, Set: canopy.Attrs{}}
	if s.Op == canopy.Modify {
		e.Compare = canopy.Attrs{}
	}
	for _, c := range s.Changes {
		if c.link {
			if e.Links == nil {
				e.Links = map[canopy.Attr]canopy.LinkChange{}
			}
			e.Links[c.Attr] = linkChange(c)
			continue
		}
		if e.Compare != nil {
			e.Compare[c.Attr] = c.Before
		}
		if len(c.After) > 0 {
			e.Set[c.Attr] = c.After
		} else {
			e.Clear = append(e.Clear, c.Attr)
		}
	}
	return e
}

// linkChange is the difference of a link attribute's names.
func linkChange(c Change) canopy.LinkChange {
	var l canopy.LinkChange
	for _, v := range c.After {
		if !holds(c.Before, v) {
			l.Added = append(l.Added, refTo(v))
		}
	}
	for _, v := range c.Before {
		if !holds(c.After, v) {
			l.Removed = append(l.Removed, refTo(v))
		}
	}
	return l
}

func refTo(v canopy.Value) canopy.Ref {
	if v.Type() == canopy.Reference {
		return canopy.Ref{Anchor: canopy.Anchor(v.Str())}
	}
	return canopy.Ref{DN: v.Str()}
}

func holds(list canopy.Values, v canopy.Value) bool {
	for _, x := range list {
		if x.Fold() == v.Fold() {
			return true
		}
	}
	return false
}
