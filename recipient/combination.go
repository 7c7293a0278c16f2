package recipient

// Combination is a published combination of the three types, and what Exchange Online holds for it.
type Combination struct {
	Name    string
	Details Details
	Display []Display // any of them
	Remote  []Remote  // any of them
	Cloud   Details
}

// Combinations are the combinations that Exchange writes into a forest.
func Combinations() []Combination { return combinations }

var combinations = []Combination{
	{"mailbox", UserMailbox, []Display{DisplayMailbox, 0}, []Remote{0}, MailUser},
	{"mailbox with cloud archive", UserMailbox, []Display{DisplayMailbox}, []Remote{2}, MailUser},
	{"linked mailbox", LinkedMailbox, []Display{DisplayMailbox}, []Remote{0}, NoDetails},
	{"shared mailbox", SharedMailbox, []Display{DisplayMailbox, 0}, []Remote{0}, MailUser},
	{"room mailbox", RoomMailbox, []Display{7}, []Remote{0}, MailUser},
	{"equipment mailbox", EquipmentMailbox, []Display{8}, []Remote{0}, MailUser},
	{"mail user", MailUser, []Display{6, 1073741830}, []Remote{0}, MailUser},
	{"mail contact", MailContact, []Display{6}, []Remote{0}, MailContact},
	{"remote mailbox, provisioned", RemoteUserMailbox, []Display{DisplaySynced, DisplaySyncedRights}, []Remote{1, 3}, UserMailbox},
	{"remote mailbox, migrated", RemoteUserMailbox, []Display{DisplaySynced, DisplaySyncedRights}, []Remote{4, 6}, UserMailbox},
	{"remote shared mailbox", RemoteSharedMailbox, []Display{DisplaySynced}, []Remote{97, 100}, SharedMailbox},
	{"remote room mailbox", RemoteRoomMailbox, []Display{DisplaySyncedRoom}, []Remote{33, 36}, RoomMailbox},
	{"remote equipment mailbox", RemoteEquipmentMailbox, []Display{DisplaySyncedEquipment}, []Remote{65, 68}, EquipmentMailbox},
	{"distribution group", DistributionGroup, []Display{1}, []Remote{0}, DistributionGroup},
	{"mail-enabled security group", MailSecurityGroup, []Display{1073741833}, []Remote{0}, MailSecurityGroup},
	{"mail-enabled group of one domain", NonUniversalGroup, []Display{1}, []Remote{0}, NonUniversalGroup},
	{"dynamic distribution group", DynamicGroup, []Display{3}, []Remote{0}, NoDetails},
}

// CombinationOf finds what the three types together are; false for what Exchange does not write.
func CombinationOf(d Details, p Display, r Remote) (Combination, bool) {
	for _, c := range combinations {
		if c.Details != d {
			continue
		}
		for _, display := range c.Display {
			for _, remote := range c.Remote {
				if display == p && remote == r {
					return c, true
				}
			}
		}
	}
	return Combination{}, false
}
