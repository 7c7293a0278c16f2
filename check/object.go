package check

import (
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Object is an object of a directory as it is checked.
type Object struct {
	Connector canopy.ConnectorID // the forest; "" where there is only one
	Order     int                // of the forest, for who comes first
	Class     canopy.Class
	Anchor    canopy.Anchor
	DN        string
	// Meta says who the object is: objects with the same one are one person. 0: it is joined to nothing.
	Meta canopy.MetaID
	// Tenant: it is an object of the cloud, and is not checked itself.
	Tenant bool
	// Attrs are those of Attrs that it has, numbers and truths in their type or as text.
	Attrs canopy.Attrs
}

// name is the object for people.
func (o *Object) name() string {
	switch {
	case o.DN != "":
		return o.DN
	case o.Attrs.Text(canopy.AttrUPN) != "":
		return o.Attrs.Text(canopy.AttrUPN)
	case o.Attrs.Text(canopy.AttrDisplayName) != "":
		return o.Attrs.Text(canopy.AttrDisplayName)
	}
	return string(o.Anchor)
}

// number is a number that an attribute has, also as text, and whether there is one.
func (o *Object) number(a canopy.Attr) (int64, bool) {
	v, ok := o.Attrs.First(a)
	if !ok || v.Type() != canopy.String {
		return v.Num(), ok
	}
	n, err := strconv.ParseInt(v.Str(), 10, 64)
	return n, err == nil
}

func (o *Object) truth(a canopy.Attr) bool {
	v, ok := o.Attrs.First(a)
	return ok && (v.True() || v.Type() == canopy.String && strings.EqualFold(v.Str(), "true"))
}

func (o *Object) isUser() bool { return o.Class == canopy.User || o.Class == canopy.InetOrgPerson }

// mailbox tells whether the object has a mailbox in its forest.
func (o *Object) mailbox() bool {
	return len(o.Attrs[attrMailboxGUID]) > 0 || len(o.Attrs[attrHomeMDB]) > 0
}

// The kinds of objects that no check looks at, since they are not synchronised. Texts are folded.
var (
	skippedNames = []string{"admini", "cas_{", "discoverysearchmailbox", "federatedemail", "guest", "httpconnector", "krbtgt", "iusr_", "iwam", "msol", "support_",
		"systemmailbox", "wwioadmini", "healthmailbox", "exchange online-applicationaccount"}
	skippedAccounts = []string{"cas_", "support_", "msol_"}
	skippedAliases  = []string{"cas_", "systemmailbox"}
)

// systemDetails are the bits of msExchRecipientTypeDetails that people do not have: public folders, system, arbitration and
// discovery mailboxes, mailbox plans.
const systemDetails = 0x21c07000

// skips are the reasons why an object is not looked at; the first that holds is told.
var skips = []struct {
	why   string
	holds func(o *Object) bool
}{
	{"a critical system object", func(o *Object) bool { return o.truth(attrCritical) }},
	{"left by a replication conflict", func(o *Object) bool {
		return strings.Contains(o.DN, `\0ACNF:`) || strings.Contains(o.Attrs.Text(attrCN), "\nCNF:")
	}},
	{"an account of a computer or trust", func(o *Object) bool { return strings.HasSuffix(o.Attrs.Text(attrCN), "$") }},
	{"a system account by its name", func(o *Object) bool { return begins(o.Attrs.Text(attrCN), skippedNames) }},
	{"a system account by its account name", func(o *Object) bool { return o.isUser() && begins(o.Attrs.Text(attrAccount), skippedAccounts) }},
	{"a system mailbox by its alias", func(o *Object) bool { return begins(o.Attrs.Text(attrAlias), skippedAliases) }},
	{"a hidden system contact", func(o *Object) bool {
		return o.truth(attrHidden) && begins(o.Attrs.Text(canopy.AttrDisplayName), []string{"msol"})
	}},
	{"a recipient of Exchange that is no person", func(o *Object) bool {
		n, _ := o.number(attrDetails)
		return n > 0 && n&systemDetails != 0
	}},
	{"a security group without mail", func(o *Object) bool {
		return o.Class == canopy.Group && o.security() && len(o.Attrs[canopy.AttrMail]) == 0
	}},
	{"a distribution group without addresses", func(o *Object) bool {
		return o.Class == canopy.Group && !o.security() && len(o.Attrs[canopy.AttrAddresses]) == 0
	}},
}

// security tells whether a group is one for permissions: the highest bit of its type.
func (o *Object) security() bool {
	n, ok := o.number(attrGroupType)
	return !ok || n&(1<<31) != 0
}

// skip says why an object is not looked at, "" when it is.
func (o *Object) skip() string {
	for _, s := range skips {
		if s.holds(o) {
			return s.why
		}
	}
	return ""
}

// begins tells whether a text begins with one of some folded texts.
func begins(s string, with []string) bool {
	for _, w := range with {
		if len(s) >= len(w) && strings.EqualFold(s[:len(w)], w) {
			return true
		}
	}
	return false
}
