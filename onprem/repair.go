package onprem

import (
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// Repairing is how far the repair of somebody's mailboxes has come: what is seen now, and what was noted on the way.
type Repairing struct {
	User     string
	Here     recipient.GUID // of the mailbox in the forest, as it is now
	Mailbox  recipient.GUID // in the cloud; zero: none
	Synced   bool
	Known    recipient.GUID // the forest's, as it was synchronised
	Licensed bool           // with Exchange
	Had      bool           // the previous recipient type is UserMailbox
	Waiting  bool           // a change is on its way to Exchange

	Begun bool // what is to be given back is noted
	Owed  int  // licences and memberships that are to be given back
	Taken bool // they were taken away
	// Returning is noted before they are given back, Given after.
	Returning, Given bool
	// Cycles are the steps after which synchronisation has run since.
	Cycles map[string]bool
}

// The steps of a repair.
const (
	StepWait      = "wait"      // until the change arrives at Exchange
	StepUnlicense = "unlicense" // and note what is taken
	StepClear     = "clear"     // the previous mailbox
	StepCycle     = "cycle"     // synchronise
	StepLicense   = "license"   // give back what was taken
	StepDone      = "done"
)

// Step is what comes next.
type Step struct {
	Do   string `json:"step"`
	For  string `json:"for,omitempty"` // the step after which a cycle runs
	Says string `json:"says"`
}

// repairRows say what comes next; the first row that applies does. A row with a code ends the repair.
var repairRows = []struct {
	when func(r *Repairing) bool
	step Step
	code string
	next string
}{
	{when: func(r *Repairing) bool { return !r.Synced }, code: "not-synchronised", step: Step{Says: "the user is not synchronised, so that its mailbox in the forest cannot be known"},
		next: "synchronise the account first"},
	{when: func(r *Repairing) bool { return r.Here.IsZero() }, code: "no-forest-mailbox", step: Step{Says: "there is no mailbox in a forest that the user's could be the second of"},
		next: "canopy check mailboxes lists who has two"},
	{when: func(r *Repairing) bool { return r.Waiting }, step: Step{Do: StepWait, Says: "a change is on its way to Exchange"}},
	{when: func(r *Repairing) bool {
		return !r.Begun && !r.Had && (r.Mailbox.IsZero() || r.Mailbox == r.Here) && r.Known == r.Here
	}, step: Step{Do: StepDone, Says: "the forest's mailbox is the only one, and the cloud knows it"}},
	{when: func(r *Repairing) bool { return r.Licensed && !r.Returning && !r.Taken }, step: Step{Do: StepUnlicense, Says: "take the licences with Exchange away, and note them"}},
	{when: func(r *Repairing) bool { return r.Licensed && !r.Returning && !r.Cycles[StepUnlicense] }, step: Step{Do: StepCycle, For: StepUnlicense, Says: "let the group's licence go"}},
	{when: func(r *Repairing) bool { return r.Licensed && !r.Returning }, code: "still-licensed", step: Step{Says: "the user still has a licence with Exchange"},
		next: "take it away: canopy tenant licence list USER shows where it comes from; then repair again"},
	{when: func(r *Repairing) bool { return !r.Mailbox.IsZero() && !r.Returning }, code: "mailbox-stays", step: Step{Says: "the mailbox in the cloud is still there without a licence"},
		next: "canopy tenant recipient get USER says why"},
	{when: func(r *Repairing) bool { return r.Had && !r.Returning }, step: Step{Do: StepClear, Says: "make Exchange forget the mailbox that was; what is in it is lost"}},
	{when: func(r *Repairing) bool { return !r.Cycles[StepClear] && !r.Returning }, step: Step{Do: StepCycle, For: StepClear, Says: "synchronise, so that the cloud knows the forest's mailbox"}},
	{when: func(r *Repairing) bool { return r.Known != r.Here }, code: "guid-not-synchronised",
		step: Step{Says: "the cloud does not know the mailbox GUID of the forest: a licence would make a second mailbox again, and is not given"},
		next: "see to it that msExchMailboxGuid is synchronised (canopy check hybrid), then repair again"},
	{when: func(r *Repairing) bool { return r.Owed > 0 && !r.Given }, step: Step{Do: StepLicense, Says: "give the licences back"}},
	{when: func(r *Repairing) bool { return r.Owed > 0 && !r.Licensed && !r.Cycles[StepLicense] }, step: Step{Do: StepCycle, For: StepLicense, Says: "let the group's licence come back"}},
	{when: func(r *Repairing) bool { return r.Owed > 0 && !r.Licensed }, code: "not-licensed", step: Step{Says: "the licence did not come back"},
		next: "canopy tenant licence list USER says why"},
	{when: func(r *Repairing) bool { return !r.Mailbox.IsZero() && r.Mailbox != r.Here }, code: "second-again", step: Step{Says: "the licence has made a second mailbox again"},
		next: "canopy tenant recipient get USER says by which row; canopy tenant setting list shows legacyPrevBug"},
	{when: func(*Repairing) bool { return true }, step: Step{Do: StepDone, Says: "the forest's mailbox is the only one, and the cloud knows it"}},
}

// Next says what comes next. It is an error where nothing helps but a person.
func (r *Repairing) Next() (Step, error) {
	for _, row := range repairRows {
		if !row.when(r) {
			continue
		}
		if row.code != "" {
			text := row.step.Says
			if !r.Known.IsZero() || !r.Here.IsZero() {
				text += fmt.Sprintf(" (forest %s, synchronised %s)", r.Here, r.Known)
			}
			return Step{}, &canopy.Error{Kind: canopy.Conflict, Code: row.code, Object: r.User, Text: text, Next: row.next}
		}
		return row.step, nil
	}
	return Step{}, nil
}
