package onprem

import (
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// TestRepairSteps: what comes next, from all that is seen and noted; a licence is never given back before the cloud knows the
// forest's mailbox.
func TestRepairSteps(t *testing.T) {
	t.Parallel()
	here, there := recipient.GUID{15: 1}, recipient.GUID{15: 2}
	dual := Repairing{Here: here, Mailbox: there, Synced: true, Known: here, Licensed: true}
	with := func(change func(*Repairing)) Repairing {
		r := dual
		r.Cycles = map[string]bool{}
		change(&r)
		return r
	}
	freed := func(change func(*Repairing)) Repairing { // after the licence went
		return with(func(r *Repairing) {
			r.Begun, r.Owed, r.Taken, r.Licensed, r.Mailbox = true, 1, true, false, recipient.GUID{}
			change(r)
		})
	}
	for _, c := range []struct {
		name string
		r    Repairing
		want string // a step, or the code of a refusal
	}{
		{"two mailboxes", dual, StepUnlicense},
		{"the GUID of the forest's is not known", with(func(r *Repairing) { r.Known = recipient.GUID{} }), StepUnlicense},
		{"killed before the licence went", with(func(r *Repairing) { r.Begun, r.Owed = true, 1 }), StepUnlicense},
		{"a group's licence is still there", with(func(r *Repairing) { r.Begun, r.Owed, r.Taken = true, 1, true }), StepCycle},
		{"and does not go", with(func(r *Repairing) { r.Begun, r.Owed, r.Taken, r.Cycles[StepUnlicense] = true, 1, true, true }), "still-licensed"},
		{"on its way", freed(func(r *Repairing) { r.Waiting = true }), StepWait},
		{"a mailbox without a licence", freed(func(r *Repairing) { r.Mailbox = there }), "mailbox-stays"},
		{"forgotten", freed(func(r *Repairing) { r.Had = true }), StepClear},
		{"to be synchronised", freed(func(*Repairing) {}), StepCycle},
		{"the forest's GUID does not come", freed(func(r *Repairing) { r.Cycles[StepClear], r.Known = true, recipient.GUID{} }), "guid-not-synchronised"},
		{"another GUID came", freed(func(r *Repairing) { r.Cycles[StepClear], r.Known = true, there }), "guid-not-synchronised"},
		{"to be licensed", freed(func(r *Repairing) { r.Cycles[StepClear] = true }), StepLicense},
		{"killed while it was given back", freed(func(r *Repairing) { r.Cycles[StepClear], r.Returning = true, true }), StepLicense},
		{"a group's licence is to come", freed(func(r *Repairing) { r.Cycles[StepClear], r.Returning, r.Given = true, true, true }), StepCycle},
		{"and does not", freed(func(r *Repairing) {
			r.Cycles[StepClear], r.Cycles[StepLicense], r.Returning, r.Given = true, true, true, true
		}), "not-licensed"},
		{"a second one again", freed(func(r *Repairing) {
			r.Cycles[StepClear], r.Returning, r.Given, r.Licensed, r.Mailbox = true, true, true, true, there
		}), "second-again"},
		{"repaired", freed(func(r *Repairing) { r.Cycles[StepClear], r.Returning, r.Given, r.Licensed = true, true, true, true }), StepDone},
		{"had one, and no licence", with(func(r *Repairing) { r.Licensed, r.Mailbox, r.Had = false, recipient.GUID{}, true }), StepClear},
		{"nothing to repair", with(func(r *Repairing) { r.Mailbox = recipient.GUID{} }), StepDone},
		{"the same mailbox", with(func(r *Repairing) { r.Mailbox = here }), StepDone},
		{"not synchronised", with(func(r *Repairing) { r.Synced = false }), "not-synchronised"},
		{"no mailbox in a forest", with(func(r *Repairing) { r.Here = recipient.GUID{} }), "no-forest-mailbox"},
	} {
		s, err := c.r.Next()
		got := s.Do
		if e, ok := err.(*canopy.Error); ok {
			if got = e.Code; e.Next == "" {
				t.Errorf("%s: it does not say what to do", c.name)
			}
		}
		if got != c.want {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
	// Whatever is seen and noted: a licence is given back only when the cloud knows the forest's mailbox.
	for n := range 1 << 11 {
		bit := func(i int) bool { return n>>i&1 == 1 }
		r := Repairing{Here: here, Synced: true, Licensed: bit(0), Had: bit(1), Begun: bit(2), Taken: bit(3), Returning: bit(4), Given: bit(5), Cycles: map[string]bool{StepUnlicense: bit(6), StepClear: bit(7)}}
		if bit(8) {
			r.Mailbox = there
		}
		if bit(9) {
			r.Known = here
		}
		if bit(10) {
			r.Owed = 1
		}
		if s, _ := r.Next(); s.Do == StepLicense && r.Known != r.Here {
			t.Errorf("%+v: the licence is given back", r)
		}
	}
}
