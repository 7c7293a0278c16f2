package onprem

import (
	"fmt"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// kindTypes are what a forest stamps for a kind of mailbox: here, and in the cloud.
type kindTypes struct {
	here, there   recipient.Details
	shown, synced recipient.Display
	bits          recipient.Remote
}

var types = map[recipient.Kind]kindTypes{
	recipient.Personal:  {recipient.UserMailbox, recipient.RemoteUserMailbox, recipient.DisplayMailbox, recipient.DisplaySynced, 0},
	recipient.Shared:    {recipient.SharedMailbox, recipient.RemoteSharedMailbox, recipient.DisplayMailbox, recipient.DisplaySynced, recipient.RemoteShared},
	recipient.Room:      {recipient.RoomMailbox, recipient.RemoteRoomMailbox, recipient.DisplayRoom, recipient.DisplaySyncedRoom, recipient.RemoteRoom},
	recipient.Equipment: {recipient.EquipmentMailbox, recipient.RemoteEquipmentMailbox, recipient.DisplayEquipment, recipient.DisplaySyncedEquipment, recipient.RemoteEquipment},
}

// stamped are the attributes that Exchange keeps and takes with it when it is disabled.
var stamped = []canopy.Attr{attrAlias, attrTarget, attrDetails, attrDisplay, attrRemote, attrGUID, attrArchive, attrArchiveName, attrLegacyDN,
	attrVersion, attrIncluded, attrExcluded, attrHidden, attrServer, canopy.AttrAddresses, canopy.AttrMail}

// plain refuses an object that is a recipient already, or no account.
func (d *draft) plain() error {
	if !d.o.person() {
		return d.refuse("onprem-class", "only an account gets a mailbox, and this is a "+string(d.o.Class), "")
	}
	switch now := d.o.Details(); {
	case d.o.IsRemote():
		return d.refuse("remote-mailbox-exists", "it is a remote mailbox already: "+now.String(), "see canopy onprem remote-mailbox get; --archive adds an archive")
	case now.Mailbox():
		return d.refuse("mailbox-exists", "it has a mailbox in this forest: "+now.String()+" "+d.o.MailboxGUID().String(),
			"a mailbox is moved to the cloud, not enabled there")
	case now != recipient.NoDetails && now != recipient.User && now != recipient.DisabledUser:
		return d.refuse("recipient-exists", "it is a recipient already: "+now.String(), "clear its Exchange attributes first")
	}
	return nil
}

// kind is the kind of mailbox that is asked for, with the account that it needs.
func (d *draft) kind() (recipient.Kind, error) {
	kind := d.ask.Kind
	if kind == "" {
		kind = recipient.Personal
	}
	if kind == recipient.Personal || d.attrs[attrControl] == nil || d.attrs[attrControl][0].Num()&disabled != 0 {
		return kind, nil
	}
	if !d.ask.DisableAccount {
		return "", d.refuse("account-enabled", fmt.Sprintf("a %s mailbox belongs to an account that nobody signs in with, and this one is enabled", kind),
			"disable it, or say --disable-account")
	}
	d.set(attrControl, canopy.Int(d.attrs[attrControl][0].Num()|disabled))
	return kind, nil
}

func (d *draft) octets(name canopy.Attr, g recipient.GUID) { d.set(name, canopy.Bytes(g[:])) }

// archive stamps an archive in the cloud.
func (d *draft) archive() {
	g := d.ask.ArchiveGUID
	if g.IsZero() {
		g = d.fresh.Archive
	}
	d.octets(attrArchive, g)
	name := d.ask.ArchiveName
	if name == "" {
		name = "In-Place Archive - " + d.attrs.Text(canopy.AttrDisplayName)
	}
	d.text(attrArchiveName, name)
}

func (d *draft) guids() {
	if !d.ask.MailboxGUID.IsZero() {
		d.octets(attrGUID, d.ask.MailboxGUID)
	}
	if !d.ask.ArchiveGUID.IsZero() {
		d.octets(attrArchive, d.ask.ArchiveGUID)
	}
	if d.ask.ArchiveName != "" {
		d.text(attrArchiveName, d.ask.ArchiveName)
	}
}

// routing stamps where the forest sends mail for a remote mailbox.
func (d *draft) routing() error {
	target := strings.TrimPrefix(d.ask.Routing, "SMTP:")
	if target == "" {
		if d.org.Coexistence == "" {
			return &canopy.Error{Kind: canopy.Invalid, Code: "no-routing-domain", Object: d.o.DN, Attr: attrTarget,
				Text: "the tenant has no coexistence domain, so that there is no remote routing address", Next: "name one with --remote-routing-address; canopy tenant domain list shows the domains"}
		}
		alias, err := d.alias()
		if err != nil {
			return err
		}
		target = alias + "@" + d.org.Coexistence
	}
	if err := checkAddress(target); err != nil {
		return err
	}
	d.text(attrTarget, "SMTP:"+target)
	return nil
}

func enableRemote(d *draft) error {
	if d.ask.Archive && d.o.IsRemote() && d.ask.Verb == Enable {
		return d.addArchive("it is archived in the cloud already")
	}
	if err := d.plain(); err != nil {
		return err
	}
	kind, err := d.kind()
	if err != nil {
		return err
	}
	bits := recipient.ProvisionMailbox | types[kind].bits
	if d.ask.Archive {
		bits |= recipient.ProvisionArchive
		d.archive()
	}
	display := types[kind].synced
	if d.ask.Rights && display == recipient.DisplaySynced {
		display = recipient.DisplaySyncedRights
	}
	d.types(types[kind].there, display, bits)
	d.guids()
	if err := d.routing(); err != nil {
		return err
	}
	return d.common()
}

// addArchive is the second call on a mailbox that is there.
func (d *draft) addArchive(already string) error {
	now := d.o.Remote()
	if now&recipient.ProvisionArchive != 0 {
		return d.refuse("archive-exists", already+": "+d.o.ArchiveGUID().String(), "")
	}
	d.set(attrRemote, canopy.Int(int64(now&^recipient.DeprovisionArchive|recipient.ProvisionArchive)))
	d.archive()
	return nil
}

func disableRemote(d *draft) error {
	if !d.o.IsRemote() {
		return d.refuse("no-remote-mailbox", "it is no remote mailbox: "+d.o.Details().String(), "")
	}
	if d.ask.Archive {
		return d.dropArchive()
	}
	bits := recipient.DeprovisionMailbox
	if d.o.Remote()&recipient.ProvisionArchive != 0 || !d.o.ArchiveGUID().IsZero() {
		bits |= recipient.DeprovisionArchive
	}
	d.clear(stamped...)
	d.set(attrRemote, canopy.Int(int64(bits)))
	delete(d.links, attrLists)
	return nil
}

// dropArchive takes the archive away and leaves the mailbox.
func (d *draft) dropArchive() error {
	now := d.o.Remote()
	if now&recipient.ProvisionArchive == 0 {
		return d.refuse("no-archive", "it has no archive in the cloud", "")
	}
	d.set(attrRemote, canopy.Int(int64(now&^recipient.ProvisionArchive|recipient.DeprovisionArchive)))
	d.clear(attrArchive, attrArchiveName)
	return nil
}

func setRemote(d *draft) error {
	if !d.o.IsRemote() {
		return d.refuse("no-remote-mailbox", "it is no remote mailbox: "+d.o.Details().String(), "see canopy onprem remote-mailbox enable")
	}
	if d.ask.Kind != "" {
		kind, err := d.kind()
		if err != nil {
			return err
		}
		display := types[kind].synced
		if now, _ := d.o.Display(); display == recipient.DisplaySynced && now == recipient.DisplaySyncedRights {
			display = now
		}
		d.types(types[kind].there, display, d.o.Remote()&^recipient.RemoteShared|types[kind].bits)
	}
	if now, _ := d.o.Display(); d.ask.Rights && now == recipient.DisplaySynced {
		d.set(attrDisplay, canopy.Int(int64(recipient.DisplaySyncedRights)))
	}
	d.guids()
	if d.ask.Routing != "" {
		if err := d.routing(); err != nil {
			return err
		}
	}
	return d.change()
}

// change stamps an alias, addresses and visibility that are asked for.
func (d *draft) change() error {
	if d.ask.Alias != "" {
		if err := checkAlias(d.ask.Alias); err != nil {
			return err
		}
		d.text(attrAlias, d.ask.Alias)
	}
	d.visible()
	return d.addresses(d.attrs.Text(attrAlias))
}

func enableMailbox(d *draft) error {
	if d.ask.Archive && d.o.Details().Mailbox() && d.ask.Verb == Enable {
		return d.addArchive("it is archived in the cloud already")
	}
	if err := d.plain(); err != nil {
		return err
	}
	if d.o.Remote().Cloud() {
		return d.refuse("remote-mailbox-exists", "the cloud is asked to hold its mailbox: "+d.o.Remote().String(), "canopy onprem remote-mailbox disable comes first")
	}
	kind, err := d.kind()
	if err != nil {
		return err
	}
	if err := d.store(); err != nil {
		return err
	}
	d.types(types[kind].here, types[kind].shown, 0)
	if d.ask.Archive {
		d.set(attrRemote, canopy.Int(int64(recipient.ProvisionArchive)))
		d.archive()
	}
	if d.guids(); len(d.attrs[attrGUID]) == 0 {
		d.octets(attrGUID, d.fresh.Mailbox)
	}
	d.clear(attrTarget)
	d.makes = true
	return d.common()
}

// store stamps where in the forest the mailbox is.
func (d *draft) store() error {
	database, server := d.ask.Database, d.ask.Server
	if database == "" {
		database = d.org.Database
	}
	if server == "" {
		server = d.org.Server
	}
	if database == "" || server == "" {
		return &canopy.Error{Kind: canopy.Invalid, Code: "no-database", Object: d.o.DN, Attr: attrDatabase, Text: "a mailbox in the forest needs a mailbox database and its server",
			Next: "name them with --database and --server, or set exchange: database: and server: for the forest in the configuration"}
	}
	d.links[attrDatabase] = canopy.Texts(database)
	d.text(attrServer, server)
	return nil
}

func disableMailbox(d *draft) error {
	if !d.o.Details().Mailbox() {
		return d.refuse("no-mailbox", "it has no mailbox in this forest: "+d.o.Details().String(), "")
	}
	if d.ask.Archive {
		return d.dropArchive()
	}
	d.clear(stamped...)
	if d.o.Remote()&recipient.ProvisionArchive != 0 {
		d.set(attrRemote, canopy.Int(int64(recipient.DeprovisionArchive)))
	}
	delete(d.links, attrLists)
	delete(d.links, attrDatabase)
	return nil
}

func setMailbox(d *draft) error {
	if !d.o.Details().Mailbox() {
		return d.refuse("no-mailbox", "it has no mailbox in this forest: "+d.o.Details().String(), "see canopy onprem mailbox enable")
	}
	if d.ask.Kind != "" {
		kind, err := d.kind()
		if err != nil {
			return err
		}
		d.types(types[kind].here, types[kind].shown, d.o.Remote())
	}
	d.guids()
	return d.change()
}
