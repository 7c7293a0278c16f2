package exchange

import (
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
)

// The codes of findings.
const (
	DualMailbox = "DUAL_MAILBOX" // two mailboxes: one in a forest, one here
	WillDouble  = "WILL_DOUBLE"  // the licence will make the second one, because the first one's GUID is not here
	AtRisk      = "AT_RISK"      // the licence will make one because there was one before
	GUIDDiffers = "GUID_DIFFERS" // the mailbox here has another GUID than its forest believes
	// ForestBehind is a mailbox that was moved, while the forest's own values do not say so.
	ForestBehind = "FOREST_BEHIND"
)

// Known is what findings say beyond the input: when things came to be.
type Known struct {
	Name string // of the person
	// GUIDSince is when the synchronised GUID came, PrevSince when the previous recipient type did.
	GUIDSince, PrevSince time.Time
}

// Findings tell what is wrong with one person's mailboxes, or will be.
func Findings(in Input, k Known) []canopy.Finding {
	v := viewOf(in)
	if v.Deleted {
		return nil
	}
	for _, f := range findings {
		if !f.when(v) {
			continue
		}
		out := canopy.Finding{Code: f.code, Severity: f.severity, Object: k.Name, Text: f.text(v, k), Next: f.next}
		if v.own != nil && !v.own.GUID.IsZero() {
			out.Value = v.own.GUID.String()
		}
		if v.guid {
			out.Other = v.GUID.String()
		}
		return []canopy.Finding{out}
	}
	return nil
}

var findings = []struct {
	code     string
	severity canopy.Severity
	when     func(*view) bool
	text     func(*view, Known) string
	next     string
}{
	{DualMailbox, canopy.Severe, func(v *view) bool { return v.own != nil && v.guid && v.GUID != v.own.GUID && !v.Remote.Cloud() }, dual,
		"take the licence away, clear the previous mailbox, synchronise, and give the licence again; what is in the cloud's mailbox is lost, so export it first"},
	{DualMailbox, canopy.Severe, func(v *view) bool { return v.own != nil && !v.guid && v.Details.Mailbox() }, dual,
		"synchronise msExchMailboxGuid; then take the licence away, clear the previous mailbox, and give the licence again"},
	{DualMailbox, canopy.Severe, func(v *view) bool { return v.same() && v.own.Row != MoveRow }, dual,
		"one of the two was made with the other's GUID: decide which is to stay, and take the licence away or disable the forest's; export what is in the other first"},
	{GUIDDiffers, canopy.Warning, func(v *view) bool { return v.own != nil && v.guid && v.GUID != v.own.GUID }, differs,
		"write the cloud's mailbox GUID into the forest's msExchMailboxGuid; until then the mailbox cannot be moved"},
	{WillDouble, canopy.Warning, func(v *view) bool { return v.own == nil && v.Synced && !v.guid && v.Details.Mailbox() }, double,
		"synchronise msExchMailboxGuid before the licence is given"},
	{AtRisk, canopy.Warning, func(v *view) bool {
		return v.own == nil && v.Synced && !v.licensed && v.Prev == UserMailbox && !v.Remote.Cloud() && (v.Policy.PreviousBug || !v.guid)
	}, risk, "clear the previous mailbox before the licence is given, if what was in it is not needed"},
	{ForestBehind, canopy.Warning, func(v *view) bool { return v.own == nil && v.MovedOut }, behindOut,
		"let the forest's object become a mailbox, as canopy tenant move get says, and synchronise"},
	{ForestBehind, canopy.Warning, func(v *view) bool { return v.same() && v.own.Row == MoveRow }, behindIn, "let the forest's object become a remote mailbox, as canopy tenant move get says, and synchronise"},
}

// same tells whether the forest says that it has the mailbox that is here.
func (v *view) same() bool {
	return v.own != nil && v.guid && v.GUID == v.own.GUID && v.Details.Mailbox() && !v.Remote.Cloud()
}

func behindOut(v *view, _ Known) string {
	return fmt.Sprintf("the mailbox %s was moved to the forest, whose object still says that it is in the cloud (%s): mail that the forest takes comes back here", v.GUID, v.Remote)
}

func behindIn(v *view, _ Known) string {
	return fmt.Sprintf("the mailbox %s was moved here on %s, and the forest's object still is a %s: mail that the forest takes is not sent on", v.GUID, day(v.own.Created), v.Details)
}

func dual(v *view, k Known) string {
	here := fmt.Sprintf("two mailboxes: %s here, made on %s", called(v.own.GUID), day(v.own.Created))
	switch {
	case !v.guid:
		return here + ", and one in the forest whose GUID is not synchronised; with its GUID the licence would have made none"
	case v.GUID == v.own.GUID:
		return here + ", and one in the forest that has the same GUID"
	case v.own.Row == "D4":
		return here + fmt.Sprintf(", and %s in the forest, known here since %s: the licence made a new one because the person had had one before (previous recipient type UserMailbox since %s)",
			v.GUID, day(k.GUIDSince), day(k.PrevSince))
	case v.own.Created.Before(k.GUIDSince):
		return here + fmt.Sprintf(", and %s in the forest, known here since %s: the licence made the first before the second was synchronised",
			v.GUID, day(k.GUIDSince))
	}
	return here + fmt.Sprintf(", and %s in the forest, known here since %s", v.GUID, day(k.GUIDSince))
}

func differs(v *view, k Known) string {
	return fmt.Sprintf("the mailbox here is %s, made on %s; its forest has called it %s since %s", called(v.own.GUID), day(v.own.Created), v.GUID, day(k.GUIDSince))
}

func double(*view, Known) string {
	return "the forest has a mailbox whose GUID is not synchronised: a licence with Exchange will make a second one here"
}

func risk(v *view, k Known) string {
	s := fmt.Sprintf("the person had a mailbox here until %s (previous recipient type UserMailbox)", day(k.PrevSince))
	if !v.guid {
		return s + ": a licence with Exchange will bring it back, or make a new one"
	}
	return s + fmt.Sprintf(", and has %s in the forest, known here since %s: a licence with Exchange will make a second one",
		v.GUID, day(k.GUIDSince))
}

// called is a mailbox for people; one that a decision would make has no GUID yet.
func called(g GUID) string {
	if g.IsZero() {
		return "a new one"
	}
	return g.String()
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }
