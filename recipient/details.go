package recipient

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Details is what a recipient is in particular: msExchRecipientTypeDetails, a bit for each kind.
type Details int64

// The kinds that decisions speak of.
const (
	NoDetails              Details = 0
	UserMailbox            Details = 1 << 0
	LinkedMailbox          Details = 1 << 1
	SharedMailbox          Details = 1 << 2
	RoomMailbox            Details = 1 << 4
	EquipmentMailbox       Details = 1 << 5
	MailContact            Details = 1 << 6
	MailUser               Details = 1 << 7
	DistributionGroup      Details = 1 << 8
	NonUniversalGroup      Details = 1 << 9
	MailSecurityGroup      Details = 1 << 10
	DynamicGroup           Details = 1 << 11
	User                   Details = 1 << 16
	Contact                Details = 1 << 17
	DisabledUser           Details = 1 << 21
	RemoteUserMailbox      Details = 1 << 31
	RemoteRoomMailbox      Details = 1 << 33
	RemoteEquipmentMailbox Details = 1 << 34
	RemoteSharedMailbox    Details = 1 << 35
)

// detailNames are the names of the bits from 0 on; "" is a bit without meaning.
var detailNames = strings.Split("UserMailbox LinkedMailbox SharedMailbox LegacyMailbox RoomMailbox EquipmentMailbox MailContact "+
	"MailUser MailUniversalDistributionGroup MailNonUniversalGroup MailUniversalSecurityGroup DynamicDistributionGroup "+
	"PublicFolder SystemAttendantMailbox SystemMailbox MailForestContact User Contact UniversalDistributionGroup "+
	"UniversalSecurityGroup NonUniversalGroup DisabledUser MicrosoftExchange ArbitrationMailbox MailboxPlan LinkedUser   "+
	"RoomList DiscoveryMailbox RoleGroup RemoteUserMailbox Computer RemoteRoomMailbox RemoteEquipmentMailbox "+
	"RemoteSharedMailbox PublicFolderMailbox TeamMailbox RemoteTeamMailbox MonitoringMailbox GroupMailbox LinkedRoomMailbox "+
	"AuditLogMailbox RemoteGroupMailbox SchedulingMailbox GuestMailUser AuxAuditLogMailbox SupervisoryReviewPolicyMailbox", " ")

// String is the name, "None" for none, and the number for what has no name.
func (d Details) String() string {
	if d == 0 {
		return "None"
	}
	if bits.OnesCount64(uint64(d)) == 1 {
		if at := bits.TrailingZeros64(uint64(d)); at < len(detailNames) && detailNames[at] != "" {
			return detailNames[at]
		}
	}
	return strconv.FormatInt(int64(d), 10)
}

// ParseDetails reads a name in any case, or a number.
func ParseDetails(s string) (Details, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Details(n), nil
	}
	if s == "" || strings.EqualFold(s, "None") {
		return 0, nil
	}
	for at, name := range detailNames {
		if strings.EqualFold(s, name) {
			return 1 << at, nil
		}
	}
	return 0, &canopy.Error{Kind: canopy.Invalid, Code: "recipient-type", Object: s, Text: "there is no such recipient type"}
}

// MarshalText gives the name.
func (d Details) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Details) UnmarshalText(text []byte) error {
	var err error
	*d, err = ParseDetails(string(text))
	return err
}

// onPrem are the kinds that have a mailbox in a forest.
const onPrem = UserMailbox | LinkedMailbox | SharedMailbox | RoomMailbox | EquipmentMailbox

// Type is the coarse type that lists show. Room, shared and equipment mailboxes are all UserMailbox.
func (d Details) Type() string {
	switch {
	case d&onPrem != 0:
		return UserMailbox.String()
	case d&(MailUser|RemoteUserMailbox|RemoteRoomMailbox|RemoteEquipmentMailbox|RemoteSharedMailbox) != 0:
		return MailUser.String()
	case d == DisabledUser || d == 0:
		return User.String()
	}
	return d.String()
}

// Mailbox tells whether the kind has a mailbox where it is seen.
func (d Details) Mailbox() bool { return d&onPrem != 0 }

// Display is how a recipient is shown: msExchRecipientDisplayType.
type Display int32

// The display types of mailboxes, here and in the cloud, and of what mail is sent on for.
const (
	DisplayMailbox         Display = 0x40000000
	DisplayRoom            Display = 7
	DisplayEquipment       Display = 8
	DisplayGroup           Display = 1
	DisplaySecurityGroup   Display = 0x40000009
	DisplayMailUser        Display = 6
	DisplaySynced          Display = -0x7ffffffa
	DisplaySyncedRights    Display = -0x3ffffffa // may be given rights
	DisplaySyncedRoom      Display = -0x7ffff8fa
	DisplaySyncedEquipment Display = -0x7ffff7fa
)

// Bits of a display type: with remote set, the upper octet says what it is at home.
const (
	displayRemote = -1 << 31
	displayACL    = 1 << 30
)

// displayNames are the names of the published values.
var displayNames = map[Display]string{
	0: "MailboxUser", 1: "DistributionGroup", 2: "PublicFolder", 3: "DynamicDistributionGroup", 4: "Organization",
	5: "PrivateDistributionList", 6: "RemoteMailUser", 7: "ConferenceRoomMailbox", 8: "EquipmentMailbox",
	10: "ArbitrationMailbox", 11: "MailboxPlan", 12: "LinkedUser", 15: "RoomList",
	1073741824: "ACLableMailboxUser", 1073741830: "ACLableRemoteMailUser", 1073741833: "SecurityDistributionGroup",
	-2147483642: "SyncedMailboxUser", -2147483391: "SyncedUDGasUDG", -2147483386: "SyncedUDGasContact",
	-2147483130: "SyncedPublicFolder", -2147482874: "SyncedDynamicDistributionGroup", -2147482106: "SyncedRemoteMailUser",
	-2147481850: "SyncedConferenceRoomMailbox", -2147481594: "SyncedEquipmentMailbox", -2147481343: "SyncedUSGasUDG",
	-2147481338: "SyncedUSGasContact", -1073741818: "ACLableSyncedMailboxUser", -1073740282: "ACLableSyncedRemoteMailUser",
	-1073739514: "ACLableSyncedUSGasContact", -1073739511: "SyncedUSGasUSG",
}

// String is the published name; of other values the parts that they are made of.
func (d Display) String() string {
	if name := displayNames[d]; name != "" {
		return name
	}
	local, home, acl := d.Parts()
	s := "local " + displayPart(local)
	if d&displayRemote != 0 {
		s += ", at home " + displayPart(home)
	}
	if acl {
		s += ", may be given rights"
	}
	return s
}

func displayPart(n int) string {
	if name := displayNames[Display(n)]; name != "" {
		return name
	}
	return strconv.Itoa(n)
}

// Parts take a display type apart: what it is here, what it is in its home forest, and whether it may be given rights.
func (d Display) Parts() (local, home int, acl bool) {
	if d&displayRemote != 0 {
		home = int(d>>8) & 0xff
	}
	return int(d) & 0xff, home, d&displayACL != 0
}

// Remote says what Exchange Online is to hold for an object of a forest: msExchRemoteRecipientType.
type Remote int32

// The bits. Room and Equipment together mean shared.
const (
	ProvisionMailbox   Remote = 1
	ProvisionArchive   Remote = 2
	Migrated           Remote = 4
	DeprovisionMailbox Remote = 8
	DeprovisionArchive Remote = 16
	RemoteRoom         Remote = 32
	RemoteEquipment    Remote = 64
	RemoteShared       Remote = 96
	RemoteTeam         Remote = 128
)

// String lists the bits, in order, with shared, room or equipment at the end.
func (r Remote) String() string {
	if r == 0 {
		return "None"
	}
	var out []string
	rest := r
	take := func(bit Remote, name string) {
		if rest&bit == bit {
			out, rest = append(out, name), rest&^bit
		}
	}
	take(ProvisionMailbox, "ProvisionMailbox")
	take(ProvisionArchive, "ProvisionArchive")
	take(Migrated, "Migrated")
	take(DeprovisionMailbox, "DeprovisionMailbox")
	take(DeprovisionArchive, "DeprovisionArchive")
	take(RemoteShared, "SharedMailbox")
	take(RemoteRoom, "RoomMailbox")
	take(RemoteEquipment, "EquipmentMailbox")
	take(RemoteTeam, "TeamMailbox")
	if rest != 0 {
		out = append(out, fmt.Sprintf("0x%x", uint32(rest)))
	}
	return strings.Join(out, ", ")
}

// ParseRemote reads what String wrote, or a number.
func ParseRemote(s string) (Remote, error) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return Remote(n), nil
	}
	var out Remote
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		bit := map[string]Remote{"none": 0, "provisionmailbox": ProvisionMailbox, "provisionarchive": ProvisionArchive,
			"migrated": Migrated, "deprovisionmailbox": DeprovisionMailbox, "deprovisionarchive": DeprovisionArchive,
			"sharedmailbox": RemoteShared, "roommailbox": RemoteRoom, "equipmentmailbox": RemoteEquipment,
			"teammailbox": RemoteTeam}
		b, known := bit[strings.ToLower(part)]
		if !known {
			n, err := strconv.ParseUint(part, 0, 32)
			if err != nil {
				return 0, &canopy.Error{Kind: canopy.Invalid, Code: "remote-recipient-type", Object: s,
					Text: fmt.Sprintf("%q is no part of a remote recipient type", part)}
			}
			b = Remote(int32(uint32(n)))
		}
		out |= b
	}
	return out, nil
}

// Kind is the mailbox that the bits speak of.
func (r Remote) Kind() Kind {
	both := r & RemoteShared
	switch {
	case both == RemoteShared:
		return Shared
	case both == RemoteRoom:
		return Room
	case both == RemoteEquipment:
		return Equipment
	default:
		return Personal
	}
}

// Cloud tells whether the forest means its mailbox to be in the cloud.
func (r Remote) Cloud() bool {
	return r&(ProvisionMailbox|Migrated) != 0 && r&DeprovisionMailbox == 0
}
