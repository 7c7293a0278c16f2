package exchange

import "fmt"

// comeBack restores what was deleted with the person.
func comeBack(v *view) Decision {
	d := v.decision(NoDetails, GUID{})
	for _, m := range v.Mailboxes {
		if m.State == SoftDeleted || m.State == Inactive && !m.Cut {
			d.Effects = append(d.Effects, Effect{Act: Restore, GUID: m.GUID, Kind: m.Kind})
		}
	}
	return d
}

// inBin is nothing, with what was active deleted softly.
func inBin(v *view) Decision {
	d := v.decision(NoDetails, GUID{})
	for _, m := range v.Mailboxes {
		if m.State == Active {
			d.Effects = append(d.Effects, Effect{Act: SoftDelete, GUID: m.GUID, Kind: m.Kind})
		}
	}
	return d
}

// keep is the mailbox that there is.
func keep(v *view) Decision {
	d := v.decision(v.kind().Details(), v.own.GUID)
	switch {
	case v.kind() != v.own.Kind:
		d.Effects = append(d.Effects, Effect{Act: Convert, GUID: v.own.GUID, Kind: v.kind(), Grace: v.kind() == Personal && !v.licensed})
	case v.licensed && v.own.Grace:
		d.Effects = append(d.Effects, Effect{Act: License, GUID: v.own.GUID, Kind: v.own.Kind})
	}
	v.archive(&d)
	return d
}

// make_ reconnects the old mailbox, or makes a new one.
func make_(v *view) Decision {
	if v.old == nil {
		return makeNew(v)
	}
	kind := v.kind()
	d := v.decision(kind.Details(), v.old.GUID)
	grace := kind == Personal && !v.licensed
	d.Effects = append(d.Effects, Effect{Act: Reconnect, GUID: v.old.GUID, Kind: v.old.Kind, Grace: grace})
	if v.old.Kind != kind {
		d.Effects = append(d.Effects, Effect{Act: Convert, GUID: v.old.GUID, Kind: kind, Grace: grace})
	}
	v.archive(&d)
	return d
}

// makeNew makes a blank mailbox under a new GUID.
func makeNew(v *view) Decision {
	kind := v.kind()
	d := v.decision(kind.Details(), GUID{})
	d.Effects = append(d.Effects, Effect{Act: Create, Kind: kind, Grace: kind == Personal && !v.licensed})
	v.archive(&d)
	return d
}

// managed is a mailbox that no forest manages.
func managed(v *view) Decision {
	d := make_(v)
	d.CloudManaged = true
	return d
}

// lose disconnects what there is, and notes that there was a mailbox.
func lose(v *view) Decision {
	d := v.decision(NoDetails, GUID{})
	d.Prev = UserMailbox
	for _, m := range v.Mailboxes {
		if m.State == Active {
			d.Effects = append(d.Effects, Effect{Act: Disconnect, GUID: m.GUID, Kind: m.Kind})
		}
	}
	return d
}

// mailUser is a mail user with the synchronised GUID; an archive of its own is disconnected.
func mailUser(v *view) Decision {
	d := v.decision(MailUser, v.GUID)
	d.Archive = v.Input.Archive
	v.loseArchive(&d)
	return d
}

// withArchive is a mail user whose archive is here.
func withArchive(v *view) Decision {
	d := v.decision(MailUser, v.GUID)
	v.archive(&d)
	return d
}

// plain is a user, or a mail user where something but a mailbox makes it one.
func plain(v *view) Decision {
	d := v.decision(User, GUID{})
	if v.mail() || v.guid || v.Remote != 0 {
		d = v.decision(MailUser, v.GUID)
	}
	v.loseArchive(&d)
	return d
}

// movedOut is a mail user whose archive, if it was not moved too, stays.
func movedOut(v *view) Decision {
	d := v.decision(MailUser, v.GUID)
	if a := v.active(true); a != nil {
		d.Archive = a.GUID
	}
	return d
}

func (v *view) loseArchive(d *Decision) {
	if a := v.active(true); a != nil && v.MovedArchive {
		d.Archive = a.GUID
	} else if a != nil {
		d.Effects = append(d.Effects, Effect{Act: Disconnect, GUID: a.GUID, Kind: Archive})
	}
}

// conflict provisions nothing.
func conflict(v *view) Decision {
	d := v.decision(User, GUID{})
	d.Errors = append(d.Errors, taken("ExchangeGuid", v.GUID))
	v.loseArchive(&d)
	return d
}

func taken(property string, g GUID) string {
	return fmt.Sprintf("The value %q of property %q is used by another recipient object. Please specify a unique value.", g, property)
}

// purgeOther makes the GUID free.
func purgeOther(v *view) Decision {
	d := v.decision(NoDetails, GUID{})
	d.Effects = []Effect{{Act: PurgeOther, GUID: v.GUID, Kind: Personal}}
	return d
}

// archive adds the archive that the forest asks for.
func (v *view) archive(d *Decision) {
	have, old, synced := v.active(true), v.back(true), v.Input.Archive
	switch {
	case have != nil && v.Remote&DeprovisionArchive != 0:
		d.Effects = append(d.Effects, Effect{Act: Disconnect, GUID: have.GUID, Kind: Archive})
	case have != nil:
		d.Archive = have.GUID
		if !synced.IsZero() && synced != have.GUID {
			d.Errors = append(d.Errors, fmt.Sprintf("Failed to sync the ArchiveGuid %s of mailbox %s because one cloud archive %s exists.",
				synced, v.mailboxGUID(d), have.GUID))
		}
	case v.Remote&ProvisionArchive == 0 || v.Remote&DeprovisionArchive != 0 || !v.licensed:
	case v.ArchiveTaken:
		d.Errors = append(d.Errors, taken("ArchiveGuid", synced))
	case old != nil:
		d.Archive = old.GUID
		d.Effects = append(d.Effects, Effect{Act: Reconnect, GUID: old.GUID, Kind: Archive})
	default:
		d.Archive = synced
		d.Effects = append(d.Effects, Effect{Act: Create, GUID: synced, Kind: Archive})
	}
}

func (v *view) mailboxGUID(d *Decision) GUID {
	if d.GUID.IsZero() {
		return v.GUID
	}
	return d.GUID
}
