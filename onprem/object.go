package onprem

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// The attributes that Exchange keeps on an object, by their LDAP names.
const (
	attrAlias       canopy.Attr = "mailNickname"
	attrTarget      canopy.Attr = "targetAddress"
	attrDetails     canopy.Attr = "msExchRecipientTypeDetails"
	attrDisplay     canopy.Attr = "msExchRecipientDisplayType"
	attrRemote      canopy.Attr = "msExchRemoteRecipientType"
	attrGUID        canopy.Attr = "msExchMailboxGuid"
	attrArchive     canopy.Attr = "msExchArchiveGUID"
	attrArchiveName canopy.Attr = "msExchArchiveName"
	attrLegacyDN    canopy.Attr = "legacyExchangeDN"
	attrVersion     canopy.Attr = "msExchVersion"
	attrIncluded    canopy.Attr = "msExchPoliciesIncluded"
	attrExcluded    canopy.Attr = "msExchPoliciesExcluded"
	attrLists       canopy.Attr = "showInAddressBook"
	attrHidden      canopy.Attr = "msExchHideFromAddressLists"
	attrDatabase    canopy.Attr = "homeMDB"
	attrServer      canopy.Attr = "msExchHomeServerName"
	attrControl     canopy.Attr = "userAccountControl"
	attrSAM         canopy.Attr = "sAMAccountName"
	attrGroupType   canopy.Attr = "groupType"
	attrName        canopy.Attr = "cn"
)

// Asked are the attributes of an object that decisions depend on and that lists show.
var Asked = []canopy.Attr{attrAlias, attrTarget, attrDetails, attrDisplay, attrRemote, attrGUID, attrArchive, attrArchiveName, attrLegacyDN,
	attrVersion, attrIncluded, attrExcluded, attrLists, attrHidden, attrDatabase, attrServer, attrControl, attrSAM, attrGroupType, attrName,
	canopy.AttrUPN, canopy.AttrAddresses, canopy.AttrMail, canopy.AttrDisplayName, "givenName", "sn", "initials", "whenChanged",
	"msExchArchiveStatus", "mS-DS-ConsistencyGuid"}

// Object is an object of a forest as it is.
type Object struct {
	Forest canopy.ConnectorID
	Class  canopy.Class
	Anchor canopy.Anchor
	DN     string
	Attrs  canopy.Attrs
	Links  map[canopy.Attr][]canopy.Ref
}

// Of makes an Object of what a forest's connector found.
func Of(forest canopy.ConnectorID, c *canopy.Change) *Object {
	o := &Object{Forest: forest, Class: c.Class, Anchor: c.Anchor, DN: c.DN, Attrs: c.Attrs, Links: map[canopy.Attr][]canopy.Ref{}}
	for name, l := range c.Links {
		o.Links[name] = l.Added
	}
	return o
}

func (o *Object) number(name canopy.Attr) int64 {
	v, _ := o.Attrs.First(name)
	return v.Num()
}

// Details is what the object is to Exchange; none where Exchange has not typed it.
func (o *Object) Details() recipient.Details { return recipient.Details(o.number(attrDetails)) }

// Display is how the object is shown; false where nothing says so.
func (o *Object) Display() (recipient.Display, bool) {
	v, ok := o.Attrs.First(attrDisplay)
	return recipient.Display(int32(v.Num())), ok
}

// Remote is what the forest asks the cloud to hold.
func (o *Object) Remote() recipient.Remote { return recipient.Remote(int32(o.number(attrRemote))) }

func (o *Object) guid(name canopy.Attr) recipient.GUID {
	v, _ := o.Attrs.First(name)
	g, _ := recipient.GUIDOf(v.Octets()) // what is no GUID is none
	return g
}

// MailboxGUID is the GUID of the object's mailbox, wherever the mailbox is.
func (o *Object) MailboxGUID() recipient.GUID { return o.guid(attrGUID) }

// ArchiveGUID is the GUID of the object's archive.
func (o *Object) ArchiveGUID() recipient.GUID { return o.guid(attrArchive) }

// Addresses are the object's addresses with their prefixes.
func (o *Object) Addresses() []string { return o.Attrs[canopy.AttrAddresses].Strings() }

// Primary is the address after SMTP:, "" for none.
func (o *Object) Primary() string { return primaryOf(o.Addresses()) }

// Enabled tells whether the account of the object may sign in.
func (o *Object) Enabled() bool { return o.number(attrControl)&disabled == 0 }

// PolicyEnabled tells whether address policies apply to the object.
func (o *Object) PolicyEnabled() bool {
	return !slices.ContainsFunc(o.Attrs[attrExcluded].Strings(), func(s string) bool { return strings.Contains(canopy.Fold(s), policyMark) })
}

// remote are the kinds whose mailbox the forest knows to be in the cloud.
const remote = recipient.RemoteUserMailbox | recipient.RemoteRoomMailbox | recipient.RemoteEquipmentMailbox | recipient.RemoteSharedMailbox

// IsRemote tells whether the object is a remote mailbox.
func (o *Object) IsRemote() bool { return o.Details()&remote != 0 }

// kind is the kind of the object's mailbox.
func (o *Object) kind() recipient.Kind {
	switch d := o.Details(); {
	case d&(recipient.SharedMailbox|recipient.RemoteSharedMailbox) != 0:
		return recipient.Shared
	case d&(recipient.RoomMailbox|recipient.RemoteRoomMailbox) != 0:
		return recipient.Room
	case d&(recipient.EquipmentMailbox|recipient.RemoteEquipmentMailbox) != 0:
		return recipient.Equipment
	}
	return recipient.Personal
}

// person tells whether the object is an account.
func (o *Object) person() bool { return o.Class == canopy.User || o.Class == canopy.InetOrgPerson }

// Type is the coarse type that lists show.
func (o *Object) Type() string {
	d := o.Details()
	if d != recipient.NoDetails {
		return d.Type()
	}
	switch o.Class {
	case canopy.Contact:
		return recipient.Contact.String()
	case canopy.Group:
		return "Group"
	}
	return recipient.User.String()
}

// Column is one property under the name that administrators of Exchange know.
type Column struct{ Name, Value string }

// Columns are the object's properties, in the order in which they are listed.
func (o *Object) Columns() []Column {
	target, routing := strings.TrimPrefix(o.Attrs.Text(attrTarget), "SMTP:"), ""
	if o.IsRemote() {
		target, routing = "", target
	}
	display := ""
	if d, ok := o.Display(); ok {
		display = d.String()
	}
	return []Column{
		{"Name", o.Attrs.Text(attrName)}, {"DisplayName", o.Attrs.Text(canopy.AttrDisplayName)}, {"Alias", o.Attrs.Text(attrAlias)},
		{"UserPrincipalName", o.Attrs.Text(canopy.AttrUPN)}, {"SamAccountName", o.Attrs.Text(attrSAM)},
		{"PrimarySmtpAddress", o.Primary()}, {"EmailAddresses", braces(o.Addresses())}, {"WindowsEmailAddress", o.Attrs.Text(canopy.AttrMail)},
		{"ExternalEmailAddress", target}, {"RemoteRoutingAddress", routing},
		{"RecipientType", o.Type()}, {"RecipientTypeDetails", o.Details().String()}, {"RecipientDisplayType", display},
		{"RemoteRecipientType", o.Remote().String()}, {"ExchangeGuid", o.MailboxGUID().String()}, {"ArchiveGuid", o.ArchiveGUID().String()},
		{"ArchiveName", braces(o.Attrs[attrArchiveName].Strings())}, {"Database", o.linked(attrDatabase)}, {"ServerLegacyDN", o.Attrs.Text(attrServer)},
		{"EmailAddressPolicyEnabled", truth(o.PolicyEnabled())}, {"HiddenFromAddressListsEnabled", truth(strings.EqualFold(o.Attrs.Text(attrHidden), "true"))},
		{"AddressListMembership", braces(o.names(attrLists))}, {"LegacyExchangeDN", o.Attrs.Text(attrLegacyDN)},
		{"WhenChanged", o.Attrs.Text("whenChanged")}, {"DistinguishedName", o.DN}, {"Forest", string(o.Forest)},
	}
}

func (o *Object) names(attr canopy.Attr) []string {
	var out []string
	for _, r := range o.Links[attr] {
		out = append(out, refName(r))
	}
	return out
}

func (o *Object) linked(attr canopy.Attr) string { return strings.Join(o.names(attr), "; ") }

func refName(r canopy.Ref) string {
	if r.DN != "" {
		return r.DN
	}
	return string(r.Anchor)
}

func braces(values []string) string { return "{" + strings.Join(values, ", ") + "}" }

func truth(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
