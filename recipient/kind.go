package recipient

// Kind is the kind of a mailbox.
type Kind string

// The kinds. Only a personal mailbox and an archive need a licence.
const (
	Personal  Kind = "personal"
	Shared    Kind = "shared"
	Room      Kind = "room"
	Equipment Kind = "equipment"
	Archive   Kind = "archive" // beside a mailbox, here or in a forest
)

// Details is the recipient that has a mailbox of the kind.
func (k Kind) Details() Details {
	switch k {
	case Shared:
		return SharedMailbox
	case Room:
		return RoomMailbox
	case Equipment:
		return EquipmentMailbox
	case Personal, Archive:
	}
	return UserMailbox
}

// Remote is the recipient that a forest has for a mailbox of the kind in the cloud.
func (k Kind) Remote() Details {
	switch k {
	case Shared:
		return RemoteSharedMailbox
	case Room:
		return RemoteRoomMailbox
	case Equipment:
		return RemoteEquipmentMailbox
	case Personal, Archive:
	}
	return RemoteUserMailbox
}

// Kind is the kind of mailbox that a recipient of these details has.
func (d Details) Kind() Kind {
	switch d {
	case SharedMailbox, RemoteSharedMailbox:
		return Shared
	case RoomMailbox, RemoteRoomMailbox:
		return Room
	case EquipmentMailbox, RemoteEquipmentMailbox:
		return Equipment
	default:
		return Personal
	}
}
