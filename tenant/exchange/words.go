// Package exchange decides what recipient and which mailbox Exchange Online has for a person: a table of decisions over
// values, and the findings about two mailboxes. It keeps nothing and has no clock.
package exchange

import "github.com/canopy-sync/canopy/recipient"

// The words of recipients that decisions are made of.
type (
	GUID    = recipient.GUID
	Details = recipient.Details
	Display = recipient.Display
	Remote  = recipient.Remote
	Kind    = recipient.Kind
)

// The recipients that decisions speak of.
const (
	NoDetails              = recipient.NoDetails
	UserMailbox            = recipient.UserMailbox
	LinkedMailbox          = recipient.LinkedMailbox
	SharedMailbox          = recipient.SharedMailbox
	RoomMailbox            = recipient.RoomMailbox
	EquipmentMailbox       = recipient.EquipmentMailbox
	MailContact            = recipient.MailContact
	MailUser               = recipient.MailUser
	DistributionGroup      = recipient.DistributionGroup
	NonUniversalGroup      = recipient.NonUniversalGroup
	MailSecurityGroup      = recipient.MailSecurityGroup
	DynamicGroup           = recipient.DynamicGroup
	User                   = recipient.User
	Contact                = recipient.Contact
	DisabledUser           = recipient.DisabledUser
	RemoteUserMailbox      = recipient.RemoteUserMailbox
	RemoteRoomMailbox      = recipient.RemoteRoomMailbox
	RemoteEquipmentMailbox = recipient.RemoteEquipmentMailbox
	RemoteSharedMailbox    = recipient.RemoteSharedMailbox
)

// What a forest asks the cloud to hold.
const (
	ProvisionMailbox   = recipient.ProvisionMailbox
	ProvisionArchive   = recipient.ProvisionArchive
	Migrated           = recipient.Migrated
	DeprovisionMailbox = recipient.DeprovisionMailbox
	DeprovisionArchive = recipient.DeprovisionArchive
	RemoteRoom         = recipient.RemoteRoom
	RemoteEquipment    = recipient.RemoteEquipment
	RemoteShared       = recipient.RemoteShared
)

// The kinds of mailboxes.
const (
	Personal  = recipient.Personal
	Shared    = recipient.Shared
	Room      = recipient.Room
	Equipment = recipient.Equipment
	Archive   = recipient.Archive
)

// GUIDOf takes sixteen octets in AD's order.
func GUIDOf(octets []byte) (GUID, bool) { return recipient.GUIDOf(octets) }

// ParseGUID reads any of the forms that directories show.
func ParseGUID(s string) (GUID, error) { return recipient.ParseGUID(s) }

// ParseDetails reads a name in any case, or a number.
func ParseDetails(s string) (Details, error) { return recipient.ParseDetails(s) }
