package onprem

import (
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// Twin is what the cloud has of an object of a forest, as far as its mailboxes are concerned.
type Twin struct {
	Name     string // the sign-in name
	Synced   bool
	Licensed bool
	// Mailbox is the mailbox that it has in the cloud, zero for none; Made is when it was made.
	Mailbox recipient.GUID
	Made    time.Time
	// SyncedGUID is the forest's mailbox GUID as the cloud knows it, since when.
	SyncedGUID  recipient.GUID
	SyncedSince time.Time
	// Had is when it was stamped that there had been a mailbox before; the zero time when there was none.
	Had     time.Time
	Primary string
	// LegacyDN is the cloud's own name of the recipient.
	LegacyDN string
}

// Double is what is wrong with somebody's mailboxes, or will be, with both GUIDs.
type Double struct {
	Code     string             `json:"code"`
	Severity canopy.Severity    `json:"severity"`
	User     string             `json:"userPrincipalName"`
	Forest   canopy.ConnectorID `json:"forest"`
	Object   string             `json:"object"`
	Here     recipient.GUID     `json:"forestExchangeGuid"`
	There    recipient.GUID     `json:"cloudExchangeGuid"`
	Cause    string             `json:"cause"`
	Next     string             `json:"next"`
}

// doubleRows decide what is wrong; the first row that applies does.
var doubleRows = []struct {
	code     string
	severity canopy.Severity
	when     func(o *Object, t *Twin) bool
	cause    func(o *Object, t *Twin) string
	next     string
}{
	{"DUAL_MAILBOX", canopy.Severe, func(o *Object, t *Twin) bool {
		return o.Details().Mailbox() && !t.Mailbox.IsZero() && t.Mailbox != o.MailboxGUID()
	}, dualCause, "export what is in the cloud's mailbox, then: canopy tenant mailbox repair %s"},
	{"WILL_DOUBLE", canopy.Warning, func(o *Object, t *Twin) bool {
		return o.Details().Mailbox() && t.Mailbox.IsZero() && t.Synced && t.SyncedGUID.IsZero()
	}, willCause, "synchronise msExchMailboxGuid before %s is given a licence: canopy run, or the rule that leaves it out"},
	{"AT_RISK", canopy.Warning, func(o *Object, t *Twin) bool {
		return !o.Remote().Cloud() && t.Mailbox.IsZero() && t.Synced && !t.Licensed && !t.Had.IsZero()
	}, riskCause, "if what was in the cloud's mailbox is not needed: canopy tenant clear-previous-mailbox %s --yes"},
}

// Doubled says what is wrong with the mailboxes of an object and its twin; nil for nothing.
func Doubled(o *Object, t *Twin) *Double {
	for _, r := range doubleRows {
		if o.person() && r.when(o, t) {
			return &Double{Code: r.code, Severity: r.severity, User: t.Name, Forest: o.Forest, Object: o.DN, Here: o.MailboxGUID(), There: t.Mailbox,
				Cause: r.cause(o, t), Next: fmt.Sprintf(r.next, t.Name)}
		}
	}
	return nil
}

func dualCause(o *Object, t *Twin) string {
	made := "the cloud's mailbox was made on " + day(t.Made)
	switch {
	case t.SyncedGUID.IsZero():
		return made + "; the GUID of the forest's has never been synchronised, so that the licence could not know of it"
	case t.SyncedGUID != o.MailboxGUID():
		return made + "; the forest has another mailbox GUID now than was synchronised on " + day(t.SyncedSince)
	case t.Made.Before(t.SyncedSince):
		return made + ", and the forest's became known on " + day(t.SyncedSince) + ": the licence came first"
	case !t.Had.IsZero():
		return made + ", after the forest's became known on " + day(t.SyncedSince) + ": there had been one in the cloud before (previous recipient type UserMailbox since " + day(t.Had) + ")"
	}
	return made + ", after the forest's became known on " + day(t.SyncedSince)
}

func willCause(_ *Object, t *Twin) string {
	if t.Licensed {
		return "the GUID of the forest's mailbox is not synchronised, and a licence is there already: a second mailbox is on its way"
	}
	return "the GUID of the forest's mailbox is not synchronised: a licence with Exchange would make a second one"
}

func riskCause(_ *Object, t *Twin) string {
	return "there was a mailbox in the cloud until " + day(t.Had) + " (previous recipient type UserMailbox): a licence with Exchange brings it back, or makes a new one"
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }
