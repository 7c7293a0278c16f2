package exchange

import (
	"fmt"
	"slices"
)

// row is one row of the table.
type row struct {
	name string
	says string
	when func(*view) bool
	then func(*view) Decision
	// again decides once more, with what the row did carried out.
	again bool
}

// view is an input with what rows ask of it.
type view struct {
	Input
	own      *Mailbox // the active mailbox
	old      *Mailbox // what can be reconnected
	licensed bool
	guid     bool // a GUID was synchronised
}

func viewOf(in Input) *view {
	if in.Ignored {
		in.GUID, in.Archive, in.Remote, in.Details, in.MailUser, in.Holder = GUID{}, GUID{}, 0, 0, false, Nobody
		in.MovedOut, in.MovedArchive = false, false
	}
	v := &view{Input: in, licensed: in.Licence == Assigned, guid: !in.GUID.IsZero()}
	v.own, v.old = v.active(false), v.back(false)
	return v
}

// kind is what the person's mailbox is to be.
func (v *view) kind() Kind {
	if v.Remote.Cloud() && !v.CloudManaged {
		return v.Remote.Kind()
	}
	if v.own != nil {
		return v.own.Kind
	}
	return Personal
}

// stays tells whether the active mailbox may go on: it has its licence, needs none, or is in its grace.
func (v *view) stays() bool {
	if v.own == nil {
		return false
	}
	if v.licensed || v.kind() != Personal {
		return true
	}
	return v.own.Kind != Personal || v.own.Grace && v.Now.Before(v.own.Due())
}

// mail tells whether the object is mail-enabled apart from a mailbox GUID.
func (v *view) mail() bool {
	return v.MailUser || v.Details.Mailbox() || v.Details.Type() == MailUser.String()
}

func (v *view) provision() bool { return v.Remote.Cloud() && v.Remote&ProvisionMailbox != 0 }
func (v *view) migrated() bool  { return v.Remote.Cloud() && v.Remote&Migrated != 0 }
func (v *view) resource() bool  { return v.Remote.Cloud() && v.Remote.Kind() != Personal }

// table is tried from the top; the first row that applies decides. Rows that create a mailbox stand below those for a
// person who has one. docs/tenant.md says which rows are whose evidence.
var table = slices.Concat(first, owners, others)

// first are the rows for the recycle bin.
var first = []row{
	{"E12", "A person who comes back from the recycle bin brings the mailbox along; then the rest decides.",
		func(v *view) bool { return !v.Deleted && v.inBin() }, comeBack, true},
	{"D1", "Who is in the recycle bin is no recipient; the mailbox is deleted softly, or kept by its hold.",
		func(v *view) bool { return v.Deleted }, inBin, false},
}

// owners are the rows for who has an active mailbox.
var owners = []row{
	{"D19", "A forest that takes its remote mailbox back has it disconnected; then the rest decides.",
		func(v *view) bool { return v.own != nil && v.Remote&DeprovisionMailbox != 0 }, lose, true},
	{"D18", "A shared, room or equipment mailbox needs no licence, and becomes what the forest says it is.",
		func(v *view) bool { return v.own != nil && v.resource() }, keep, false},
	{"D16", "A mailbox that was moved here keeps its GUID.",
		func(v *view) bool { return v.stays() && v.migrated() && v.GUID == v.own.GUID }, keep, false},
	{"D14", "A mailbox that a forest had made here stays.",
		func(v *view) bool { return v.stays() && v.provision() }, keep, false},
	{"E21", "An active mailbox stays with its GUID, whatever GUID is synchronised.",
		func(v *view) bool { return v.stays() }, keep, false},
	{"E4", "A remote mailbox without its licence, after its grace, is disconnected; then the rest decides.",
		func(v *view) bool { return v.own != nil && v.Remote.Cloud() }, lose, true},
	{"E3", "Without the licence the mailbox of who has one in a forest is disconnected; then the rest decides.",
		func(v *view) bool { return v.own != nil && v.guid }, lose, true},
	{"E2", "Without the licence the mailbox is disconnected; then the rest decides.",
		func(v *view) bool { return v.own != nil }, lose, true},
}

// others are the rows for who has none.
var others = []row{
	{"D22", "With a licence, a deleted mailbox that has the synchronised GUID is purged; then the rest decides.",
		func(v *view) bool { return v.guid && v.Holder == OtherDeleted && v.licensed }, purgeOther, true},
	{"D21", "A deleted mailbox that has the synchronised GUID keeps the object from being provisioned.",
		func(v *view) bool { return v.guid && (v.Holder == OtherDeleted || v.Holder == OtherHeld) }, conflict, false},
	{"D21b", "A GUID that another recipient uses keeps the object from being provisioned.",
		func(v *view) bool { return v.guid && v.Holder == OtherInUse }, conflict, false},
	{"D19b", "Whose remote mailbox was taken back has none here, with whatever licence.",
		func(v *view) bool { return v.Remote&DeprovisionMailbox != 0 }, plain, false},
	{"E23", "Whose mailbox was moved to the forest is a mail user, also before the forest's own values say so.",
		func(v *view) bool { return v.MovedOut && v.guid }, movedOut, false},
	{"D2", "Where forests' Exchange attributes are ignored, a user without a licence is a user only.",
		func(v *view) bool { return v.Ignored && !v.licensed }, plain, false},
	{"D3", "Where forests' Exchange attributes are ignored, the licence makes a mailbox that the cloud manages.",
		func(v *view) bool { return v.Ignored }, managed, false},
	{"D18b", "A shared, room or equipment mailbox is made, or comes back, without a licence.",
		func(v *view) bool { return v.resource() && (v.old != nil || v.Remote&Migrated == 0) }, make_, false},
	{"E6", "A mailbox that was moved here and disconnected comes back with the licence.",
		func(v *view) bool { return v.migrated() && v.licensed && v.old != nil }, make_, false},
	{"D17", "Who counts as moved here and has no mailbox any more gets none.",
		func(v *view) bool { return v.migrated() }, mailUser, false},
	{"D14b", "A remote mailbox is made with the licence, or comes back.",
		func(v *view) bool { return v.provision() && v.licensed }, make_, false},
	{"D15", "A remote mailbox is made before the licence, for as long as its grace lasts.",
		func(v *view) bool {
			return v.provision() && v.Licence == Never && v.Prev == NoDetails && !v.guid && v.Policy.ProvisionUnlicensed
		}, make_, false},
	{"D15b", "A remote mailbox without a licence is a mail user.",
		func(v *view) bool { return v.provision() }, mailUser, false},
	{"D20", "A forest's mailbox has its archive here.",
		func(v *view) bool { return v.Remote&ProvisionArchive != 0 && v.licensed }, withArchive, false},
	{"D4b", "A disconnected mailbox whose own GUID is synchronised comes back, unless the forest has it.",
		func(v *view) bool { return v.guid && v.licensed && v.old != nil && !v.Details.Mailbox() }, make_, false},
	{"D4", "Who had a mailbox before gets a new one, and the synchronised GUID is ignored: the defect.",
		func(v *view) bool { return v.guid && v.licensed && v.Prev == UserMailbox && v.Policy.PreviousBug }, makeNew, false},
	{"D5", "A synchronised GUID keeps the licence from making a mailbox.",
		func(v *view) bool { return v.guid && v.licensed }, mailUser, false},
	{"D7", "A synchronised GUID makes a mail user, also when the licence is gone.",
		func(v *view) bool { return v.guid && v.Licence == Removed }, mailUser, false},
	{"D6", "A synchronised GUID makes a mail user.",
		func(v *view) bool { return v.guid }, mailUser, false},
	{"D8b", "A cloud user who is licensed again gets the old mailbox back, or a new one when it is too late.",
		func(v *view) bool { return !v.Synced && v.licensed && v.Prev == UserMailbox }, make_, false},
	{"D8", "A cloud user gets a mailbox with the licence.",
		func(v *view) bool { return !v.Synced && v.licensed }, makeNew, false},
	{"D10", "A cloud user without the licence any more is a user only.",
		func(v *view) bool { return !v.Synced && v.Licence == Removed }, plain, false},
	{"D9", "A cloud user without a licence is a user only.",
		func(v *view) bool { return !v.Synced }, plain, false},
	{"D11b", "A synchronised user without a GUID who had a mailbox gets it back, or a new one when it is too late.",
		func(v *view) bool { return v.licensed && v.Prev == UserMailbox }, make_, false},
	{"D12", "A mail user whose GUID is not synchronised gets a mailbox with the licence: the second one, if a forest has one.",
		func(v *view) bool { return v.licensed && v.mail() }, makeNew, false},
	{"D11", "A synchronised user whom the forest's Exchange does not know gets a mailbox with the licence.",
		func(v *view) bool { return v.licensed }, makeNew, false},
	{"D13", "An alias and a target address, or a recipient type of the forest's, make a mail user.",
		func(v *view) bool { return v.mail() }, mailUser, false},
	{"D13b", "A synchronised user with neither licence nor mail attributes is a user only.",
		func(v *view) bool { return !v.mail() }, plain, false},
}

// Rows are the names and sentences of the table, in its order.
func Rows() [][2]string {
	var out [][2]string
	for _, r := range table {
		out = append(out, [2]string{r.name, r.says})
	}
	return out
}

// Decide says what a person is to be in Exchange Online. It decides only; After carries out.
func Decide(in Input) Decision {
	v := viewOf(in)
	for _, r := range table {
		if !r.when(v) {
			continue
		}
		d := r.then(v)
		d.Row = r.name
		if !r.again {
			return v.finish(d)
		}
		next := Decide(in.After(d))
		next.Effects = append(d.Effects, next.Effects...)
		next.Via = append([]string{r.name}, next.Via...)
		return next
	}
	panic(fmt.Sprintf("no row for %+v", in)) // the rows leave nothing out; a test tries all
}

// decision is the start of every decision: what stays as it is.
func (v *view) decision(d Details, g GUID) Decision {
	return Decision{Recipient: d, GUID: g, Licence: v.Licence, Prev: v.Prev, CloudManaged: v.CloudManaged}
}

// finish cuts off the disconnected mailboxes that another GUID came after.
func (v *view) finish(d Decision) Decision {
	after := v.Input.After(d)
	for _, m := range after.Mailboxes {
		synced := v.GUID
		if m.Kind == Archive {
			synced = v.Archive
		}
		if m.State == Disconnected && !m.Cut && !synced.IsZero() && synced != m.GUID {
			d.Effects = append(d.Effects, Effect{Act: Cut, GUID: m.GUID, Kind: m.Kind})
		}
	}
	return d
}
