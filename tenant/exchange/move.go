package exchange

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy/recipient"
)

// Direction says which way a mailbox is moved.
type Direction string

// The directions.
const (
	ToCloud  Direction = "onboarding"  // from a forest
	ToForest Direction = "offboarding" // to a forest
)

// Part says what of a mailbox is moved.
type Part string

// The parts. A mailbox of the cloud has its archive in the cloud, so only these make sense.
const (
	Whole       Part = "mailbox" // with its archive, where it has one
	PrimaryOnly Part = "primary" // to a forest: the archive stays in the cloud
	ArchiveOnly Part = "archive" // from a forest: the mailbox stays there
)

// MoveStatus is how far a move is.
type MoveStatus string

// The statuses, in their order. A failed one can be started again; nothing was changed.
const (
	MoveCreated    MoveStatus = "Created"
	MoveSyncing    MoveStatus = "Syncing" // the content is copied; the mailbox is used where it was
	MoveSynced     MoveStatus = "Synced"  // all but the last of it is copied
	MoveCompleting MoveStatus = "Completing"
	MoveCompleted  MoveStatus = "Completed"
	MoveFailed     MoveStatus = "Failed"
)

// Percent is how much of a move in a status is done.
func (s MoveStatus) Percent() int {
	switch s {
	case MoveSynced, MoveCompleting:
		return 95
	case MoveCompleted:
		return 100
	case MoveCreated, MoveSyncing, MoveFailed:
	}
	return 0
}

// The names of what keeps a mailbox from being moved.
const (
	CodeMigration      = "MigrationPermanentException"
	CodeDeliveryDomain = "TargetDeliveryDomainMismatchPermanentException"
	CodeHasMailbox     = "TargetUserAlreadyHasPrimaryMailboxException"
	CodeNotAccepted    = "NotAcceptedDomainException"
	CodeCloudManaged   = "EXCHANGE_ATTRIBUTES_CLOUD_MANAGED"
	CodeNoMailbox      = "SourceMailboxNotFoundException"
	CodeArchiveSide    = "ArchiveMustBeInCloudException"
	CodeArchiveTaken   = "ArchiveGuidConflictException"
)

// Moving is all that decides whether a mailbox can be moved.
type Moving struct {
	Direction Direction
	Part      Part
	Source    GUID   // of the mailbox that is moved, as its own side has it
	Domain    string // the target delivery domain, folded
	Name      string // of the person
	Person    Input
	Recipient Details  // what the person is here
	GUID      GUID     // that the recipient has
	Addresses []string // the person's SMTP addresses, folded, without prefix
	Accepted  []string // the domains that the cloud takes mail for, folded
}

// Obstacle is why a mailbox cannot be moved.
type Obstacle struct{ Code, Text, Next string }

// Obstacle is the first reason in the table below; nil when there is none.
func (m Moving) Obstacle() *Obstacle {
	for _, o := range obstacles {
		if o.way == m.Direction && o.when(m) {
			return &Obstacle{o.code, o.text(m), o.next}
		}
	}
	return nil
}

// Obstacles are the names, the ways and the sentences of the table.
func Obstacles() [][3]string {
	var out [][3]string
	for _, o := range obstacles {
		out = append(out, [3]string{o.code, string(o.way), o.says})
	}
	return out
}

const stampGUID = "write the GUID of the mailbox here into the forest's msExchMailboxGuid (Set-RemoteMailbox -ExchangeGuid), synchronise, and start the move again"

// obstacles are tried from the top.
var obstacles = []struct {
	way  Direction
	code string
	says string
	when func(Moving) bool
	text func(Moving) string
	next string
}{
	{ToCloud, CodeHasMailbox, "Who has a mailbox here already takes none from a forest.",
		func(m Moving) bool { return m.Part != ArchiveOnly && m.Person.active(false) != nil },
		func(m Moving) string { return fmt.Sprintf("Target user '%s' already has a primary mailbox.", m.Name) },
		"it is a second mailbox: canopy tenant recipient get says how it came to be, and how it goes"},
	{ToCloud, CodeMigration, "The recipient here must be a mail user with the GUID of the forest's mailbox.",
		func(m Moving) bool {
			return m.Person.Deleted || m.Recipient != MailUser || m.Source.IsZero() || m.GUID != m.Source
		},
		func(m Moving) string { return cannotFind(m.Source) },
		"synchronise msExchMailboxGuid, and let it arrive: canopy tenant forward; then start the move again"},
	{ToCloud, CodeNoMailbox, "The mailbox must be in the forest.",
		func(m Moving) bool { return m.Person.Remote.Cloud() && !m.Person.MovedOut },
		func(m Moving) string {
			return fmt.Sprintf("The forest says that the mailbox of '%s' is in the cloud (%s): there is none to take.", m.Name, m.Person.Remote)
		}, "a licence makes one where there never was one; one that was moved here and purged is not made again"},
	{ToCloud, CodeArchiveSide, "A mailbox of the cloud has its archive in the cloud.",
		func(m Moving) bool { return m.Part == PrimaryOnly && m.archiveThere() },
		func(m Moving) string {
			return fmt.Sprintf("The mailbox of '%s' cannot be moved without its archive %s.", m.Name, m.Person.Archive)
		}, "move the archive first, or both at once"},
	{ToCloud, CodeNoMailbox, "There must be an archive to move.",
		func(m Moving) bool { return m.Part == ArchiveOnly && !m.archiveThere() },
		func(m Moving) string { return fmt.Sprintf("'%s' has no archive in the forest.", m.Name) },
		"synchronise msExchArchiveGUID, or leave --archive-only out"},
	{ToCloud, CodeArchiveTaken, "The archive's GUID must be nobody else's.",
		func(m Moving) bool { return m.Part != PrimaryOnly && m.archiveThere() && m.Person.ArchiveTaken },
		func(m Moving) string { return taken("ArchiveGuid", m.Person.Archive) }, "another archive here has it: canopy tenant mailbox list --all"},
	{ToCloud, CodeNotAccepted, "All addresses must be in accepted domains.",
		func(m Moving) bool { return m.notAccepted() != "" },
		func(m Moving) string {
			return fmt.Sprintf("You can't use the domain because it's not an accepted domain for your organization: %s", m.notAccepted())
		}, "verify the domain (canopy tenant domain), or take the address away in the forest and synchronise"},
	{ToForest, CodeNoMailbox, "The mailbox must be here.",
		func(m Moving) bool { return m.Person.Deleted || m.Person.active(false) == nil },
		func(m Moving) string { return fmt.Sprintf("'%s' has no mailbox here.", m.Name) },
		"canopy tenant mailbox list shows who has one"},
	{ToForest, CodeCloudManaged, "The forest must manage the Exchange attributes.",
		func(m Moving) bool { return m.Person.CloudManaged },
		func(m Moving) string {
			return fmt.Sprintf("The Exchange attributes of '%s' are managed in the cloud (IsExchangeCloudManaged): what the move writes would be refused.", m.Name)
		}, "give them back first: canopy tenant mailbox set NAME --cloud-managed=false; then synchronise"},
	{ToForest, CodeMigration, "The forest's remote mailbox must have the GUID of the mailbox here.",
		func(m Moving) bool {
			return !m.Person.Synced || m.Person.Ignored || m.Person.GUID != m.Person.active(false).GUID || m.Source != m.Person.GUID
		},
		func(m Moving) string { return cannotFind(m.Source) }, stampGUID},
	{ToForest, CodeMigration, "... and that of the archive, unless it stays.",
		func(m Moving) bool {
			a := m.Person.active(true)
			return m.Part == Whole && a != nil && a.GUID != m.Person.Archive
		},
		func(m Moving) string {
			text := fmt.Sprintf("Cannot find a recipient that has archive GUID '%s'.", m.Person.active(true).GUID)
			return text + " --> " + text
		}, "write the GUID of the archive here into the forest's msExchArchiveGUID and synchronise, or move with --primary-only"},
	{ToCloud, CodeDeliveryDomain, "The person must have an address in the domain that the other side sends on to.", Moving.mismatch, mismatch, routingAddress},
	{ToForest, CodeDeliveryDomain, "The person must have an address in the domain that the other side sends on to.", Moving.mismatch, mismatch, routingAddress},
}

const routingAddress = "give the person an address in the domain (an e-mail address policy of the forest does it for all), synchronise, and start the move again"

// archiveThere tells whether an archive of the forest's is moved along.
func (m Moving) archiveThere() bool {
	return !m.Person.Archive.IsZero() && m.Person.active(true) == nil && m.Person.Remote&ProvisionArchive == 0
}

func (m Moving) mismatch() bool { return m.RoutingAddress() == "" }

func mismatch(m Moving) string {
	return fmt.Sprintf("The target mailbox doesn't have an SMTP proxy matching '%s'.", m.Domain)
}

// RoutingAddress is the person's address in the target delivery domain; "" when there is none.
func (m Moving) RoutingAddress() string {
	at := slices.IndexFunc(m.Addresses, func(a string) bool { return strings.HasSuffix(a, "@"+m.Domain) })
	if at < 0 {
		return ""
	}
	return m.Addresses[at]
}

func (m Moving) notAccepted() string {
	for _, a := range m.Addresses {
		if _, domain, _ := strings.Cut(a, "@"); !slices.Contains(m.Accepted, domain) {
			return domain
		}
	}
	return ""
}

func cannotFind(g GUID) string {
	if g.IsZero() {
		return "Cannot find a recipient that has the mailbox GUID of the forest: none was synchronised."
	}
	text := fmt.Sprintf("Cannot find a recipient that has mailbox GUID '%s'.", g)
	return text + " --> " + text
}

// MoveRow is what a mailbox says made it that was moved here.
const MoveRow = "move"

// Arrive is the person's mailboxes after a move from a forest, with the marks of what was in them.
func (m Moving) Arrive(now time.Time, content, archive string) []Mailbox {
	list := slices.Clone(m.Person.Mailboxes)
	put := func(made Mailbox) {
		at := slices.IndexFunc(list, func(have Mailbox) bool { return have.GUID == made.GUID })
		if at >= 0 {
			list[at] = made
			return
		}
		list = append(list, made)
	}
	if m.Part != PrimaryOnly && m.archiveThere() {
		put(Mailbox{GUID: m.Person.Archive, Kind: Archive, State: Active, Since: now, Created: now, Row: MoveRow, Content: archive})
	}
	if m.Part != ArchiveOnly {
		kind := m.Person.Details.Kind()
		put(Mailbox{GUID: m.Source, Kind: kind, State: Active, Since: now, Created: now, Row: MoveRow, Content: content,
			Grace: kind == Personal && m.Person.Licence != Assigned})
	}
	return list
}

// Leave is the person's mailboxes after a move to a forest. What is left behind is kept for a while and never reconnected.
func (m Moving) Leave(now time.Time) []Mailbox {
	list := slices.Clone(m.Person.Mailboxes)
	for i := range list {
		if b := &list[i]; b.State == Active && (b.Kind != Archive || m.Part == Whole) {
			b.State, b.Since, b.Grace, b.Cut = Disconnected, now, false, true
		}
	}
	return list
}

// Stamp is what a forest's object is after a move.
type Stamp struct {
	Details Details
	Display Display
	Remote  Remote // 0: to be cleared
}

// Stamp says what the forest's object is to be once the move is complete.
func (m Moving) Stamp(kind Kind) Stamp {
	var archive Remote
	if m.Person.active(true) != nil || m.Direction == ToCloud && m.archiveThere() {
		archive = ProvisionArchive
	}
	switch {
	case m.Direction == ToForest && m.Part == Whole, m.Direction == ToForest && archive == 0:
		return Stamp{forestKinds[kind].Details, forestKinds[kind].Display, 0}
	case m.Direction == ToForest, m.Part == ArchiveOnly:
		return Stamp{forestKinds[kind].Details, forestKinds[kind].Display, ProvisionArchive}
	}
	s := remoteKinds[kind]
	s.Remote |= archive
	return s
}

var forestKinds = map[Kind]Stamp{Personal: {UserMailbox, recipient.DisplayMailbox, 0}, Shared: {SharedMailbox, recipient.DisplayMailbox, 0},
	Room: {RoomMailbox, recipient.DisplayRoom, 0}, Equipment: {EquipmentMailbox, recipient.DisplayEquipment, 0}}

var remoteKinds = map[Kind]Stamp{Personal: {RemoteUserMailbox, recipient.DisplaySynced, Migrated}, Shared: {RemoteSharedMailbox, recipient.DisplaySynced, Migrated | RemoteShared},
	Room: {RemoteRoomMailbox, recipient.DisplaySyncedRoom, Migrated | RemoteRoom}, Equipment: {RemoteEquipmentMailbox, recipient.DisplaySyncedEquipment, Migrated | RemoteEquipment}}
