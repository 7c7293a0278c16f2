package onprem

import (
	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// Bits of groupType.
const (
	groupUniversal = 8
	groupSecurity  = -1 << 31
)

// found is a recipient that an object is by what it has, and the types that it is to have then.
type found struct {
	says string
	is   func(o *Object) bool
	do   func(d *draft) error
}

// updates are what Update makes of an object; the first row that applies decides.
var updates = []found{
	{"a group is a mail-enabled group of its scope and type", func(o *Object) bool { return o.Class == canopy.Group }, updateGroup},
	{"a contact with a target address is a mail contact", func(o *Object) bool { return o.Class == canopy.Contact && o.Attrs.Text(attrTarget) != "" },
		func(d *draft) error { d.types(recipient.MailContact, recipient.DisplayMailUser, 0); return nil }},
	{"an account whose mailbox the cloud is asked to hold is a remote mailbox", func(o *Object) bool { return o.person() && o.Remote().Cloud() }, updateRemote},
	{"an account with database, server and alias has a mailbox in the forest",
		func(o *Object) bool {
			return o.person() && len(o.Links[attrDatabase]) > 0 && o.Attrs.Text(attrServer) != "" && o.Attrs.Text(attrAlias) != ""
		}, updateMailbox},
	{"an account with a target address is a mail user", func(o *Object) bool { return o.person() && o.Attrs.Text(attrTarget) != "" }, updateMailUser},
}

// update adds what a recipient lacks.
func update(d *draft) error {
	for _, u := range updates {
		if u.is(d.o) {
			if err := d.fits(); err != nil {
				return err
			}
			if err := u.do(d); err != nil {
				return err
			}
			return d.common()
		}
	}
	return d.refuse("no-recipient", "nothing tells which recipient it is: it has no target address, mailbox database or remote recipient type", "enable a mailbox, or mail-enable it")
}

// fits refuses to update as something that it is not.
func (d *draft) fits() error {
	now := d.o.Details()
	if d.ask.Noun == RemoteMailbox && now != 0 && !d.o.IsRemote() || d.ask.Noun == Mailbox && now != 0 && !now.Mailbox() {
		return d.refuse("other-recipient", "it is another recipient: "+now.String(), "canopy onprem recipient update takes any")
	}
	return nil
}

func updateGroup(d *draft) error {
	switch bits := d.o.number(attrGroupType); {
	case bits&groupUniversal == 0:
		d.types(recipient.NonUniversalGroup, recipient.DisplayGroup, 0)
	case bits&groupSecurity != 0:
		d.types(recipient.MailSecurityGroup, recipient.DisplaySecurityGroup, 0)
	default:
		d.types(recipient.DistributionGroup, recipient.DisplayGroup, 0)
	}
	return nil
}

// typed tells whether the object has the types that Exchange writes for it.
func (o *Object) typed(of recipient.Details) bool {
	display, _ := o.Display()
	_, ok := recipient.CombinationOf(o.Details(), display, o.Remote())
	return ok && o.Details()&of != 0
}

func updateRemote(d *draft) error {
	if !d.o.typed(remote) {
		k := types[d.o.Remote().Kind()]
		d.types(k.there, k.synced, d.o.Remote())
	}
	if d.o.Attrs.Text(attrTarget) == "" || d.ask.Routing != "" {
		return d.routing()
	}
	return nil
}

func updateMailbox(d *draft) error {
	if !d.o.typed(recipient.UserMailbox | recipient.LinkedMailbox | recipient.SharedMailbox | recipient.RoomMailbox | recipient.EquipmentMailbox) {
		k := types[d.o.kind()]
		d.types(k.here, k.shown, d.o.Remote()&recipient.ProvisionArchive)
	}
	if d.o.MailboxGUID().IsZero() {
		d.octets(attrGUID, d.fresh.Mailbox)
		d.makes = true
	}
	return nil
}

func updateMailUser(d *draft) error {
	if !d.o.typed(recipient.MailUser) {
		d.types(recipient.MailUser, recipient.DisplayMailUser, 0)
	}
	return nil
}
