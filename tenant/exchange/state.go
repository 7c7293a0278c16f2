package exchange

import (
	"slices"
	"time"
)

// Keep is how long a mailbox that nobody can open is kept, and how long one works without a licence.
const Keep = 30 * 24 * time.Hour

// State is what became of a mailbox.
type State string

// The states. A mailbox goes down this list, and from Disconnected and SoftDeleted back to Active.
const (
	Active       State = "active"
	Disconnected State = "disconnected" // it lost its licence
	SoftDeleted  State = "soft-deleted" // its person was deleted
	Inactive     State = "inactive"     // deleted, and kept by a hold
	Purged       State = "purged"       // its content is gone
)

// Mailbox is one mailbox of the store.
type Mailbox struct {
	GUID    GUID      `json:"guid"`
	Kind    Kind      `json:"kind"`
	State   State     `json:"state"`
	Since   time.Time `json:"since"` // of the state
	Created time.Time `json:"created"`
	Row     string    `json:"row"` // of the decision that created it
	// Content is a mark made with the mailbox: the same mark is the same content.
	Content string `json:"content"`
	// Grace is set while it works without the licence that it needs; it ends Keep after Since.
	Grace bool `json:"grace,omitempty"`
	// Cut is set when another mailbox GUID was synchronised after it was disconnected: it is never reconnected.
	Cut bool `json:"cut,omitempty"`
	// Held is set while a hold keeps its content.
	Held bool `json:"held,omitempty"`
}

// Due is when time alone changes the mailbox; the zero time when nothing does.
func (m Mailbox) Due() time.Time {
	switch {
	case m.State == Disconnected, m.State == SoftDeleted, m.State == Active && m.Grace:
		return m.Since.Add(Keep)
	}
	return time.Time{}
}

// Expire is the mailbox when its time is up: what nobody can open is purged, unless a hold keeps it.
func (m Mailbox) Expire(now time.Time) Mailbox {
	if (m.State == Disconnected || m.State == SoftDeleted) && !now.Before(m.Due()) {
		m.Cut = true
		if m.State, m.Since = Purged, now; m.Held {
			m.State = Inactive
		}
	}
	return m
}

// Orphan is the mailbox after its person was deleted for good: one that was deleted with the person stays for another
// Keep, one that was disconnected before stays on its way out.
func (m Mailbox) Orphan(now time.Time) Mailbox {
	if m.State == Active || m.State == SoftDeleted {
		if m.State, m.Since, m.Grace = SoftDeleted, now, false; m.Held {
			m.State = Inactive
		}
	}
	return m
}

// Licence says whether a person has a licence with Exchange.
type Licence string

// The licences.
const (
	Never    Licence = ""
	Assigned Licence = "True"
	Removed  Licence = "False"
)

// Holder is who else has a mailbox with the GUID that was synchronised.
type Holder string

// The holders.
const (
	Nobody       Holder = ""
	OtherInUse   Holder = "in use"       // a recipient, or a mailbox that can come back
	OtherDeleted Holder = "soft-deleted" // a mailbox whose person was deleted
	OtherHeld    Holder = "inactive"     // such a mailbox that a hold keeps
)

// Policy is how the organisation decides where there is a choice.
type Policy struct {
	// PreviousBug is the behaviour that was observed: who had a mailbox before gets a new one with the licence,
	// whatever GUID was synchronised. Without it the synchronised GUID wins.
	PreviousBug bool
	// ProvisionUnlicensed makes a provisioned remote mailbox at once, and lets it work without a licence for Keep.
	ProvisionUnlicensed bool
}

// Input is all that the decision about one person depends on.
type Input struct {
	Now     time.Time
	Deleted bool // in the recycle bin of the directory
	Synced  bool
	// Ignored is set for an object that came while the organisation takes no Exchange attributes from forests.
	Ignored bool
	// CloudManaged keeps the kind of the mailbox from being changed by a forest.
	CloudManaged bool
	GUID         GUID // of the mailbox, as synchronised
	Archive      GUID // of the archive, as synchronised
	Remote       Remote
	Details      Details // what the object is in its forest
	MailUser     bool    // it has an alias and a target address
	Licence      Licence
	Prev         Details   // the previous recipient type
	Mailboxes    []Mailbox // the person's own
	Holder       Holder
	ArchiveTaken bool // another recipient has the archive's GUID
	// MovedOut is set when the person's mailbox was moved to the forest, MovedArchive when the forest's archive was moved
	// here, until the forest's own values say so.
	MovedOut, MovedArchive bool
	Policy                 Policy
}

// Mailbox is the person's active mailbox; nil when there is none.
func (in *Input) Mailbox() *Mailbox { return in.active(false) }

func (in *Input) active(archive bool) *Mailbox {
	for i := range in.Mailboxes {
		if m := &in.Mailboxes[i]; m.State == Active && (m.Kind == Archive) == archive {
			return m
		}
	}
	return nil
}

// back is the youngest mailbox, or archive, that can be reconnected: no older than Keep, and with no other GUID
// synchronised in between.
func (in *Input) back(archive bool) *Mailbox {
	synced := in.GUID
	if archive {
		synced = in.Archive
	}
	var found *Mailbox
	for i := range in.Mailboxes {
		m := &in.Mailboxes[i]
		if m.State == Disconnected && (m.Kind == Archive) == archive && !m.Cut && in.Now.Before(m.Due()) &&
			(synced.IsZero() || synced == m.GUID) && (found == nil || m.Since.After(found.Since)) {
			found = m
		}
	}
	return found
}

// inBin tells whether a mailbox was deleted with the person.
func (in *Input) inBin() bool {
	return slices.ContainsFunc(in.Mailboxes, func(m Mailbox) bool { return m.State == SoftDeleted || m.State == Inactive && !m.Cut })
}

// Act is something that a decision does to a mailbox.
type Act string

// The acts.
const (
	Create     Act = "create"
	Reconnect  Act = "reconnect"
	Restore    Act = "restore" // with its person
	Disconnect Act = "disconnect"
	SoftDelete Act = "soft-delete"
	Convert    Act = "convert"     // to another kind
	License    Act = "license"     // its grace is over, for good
	Cut        Act = "cut"         // it cannot be reconnected any more
	PurgeOther Act = "purge-other" // the deleted mailbox of somebody else that has the GUID
)

// Effect is one act on one mailbox.
type Effect struct {
	Act   Act  `json:"act"`
	GUID  GUID `json:"guid"` // zero for one to be created under a new GUID
	Kind  Kind `json:"kind"`
	Grace bool `json:"grace,omitempty"`
}

// Decision is what Exchange Online is to have for a person.
type Decision struct {
	Row string `json:"row"` // that decided
	// Via are the rows before it, whose effects it goes on from.
	Via []string `json:"via,omitempty"`

	Recipient    Details  `json:"recipient"` // NoDetails: nothing at all
	GUID         GUID     `json:"exchangeGuid"`
	Archive      GUID     `json:"archiveGuid"`
	Licence      Licence  `json:"skuAssigned"`
	Prev         Details  `json:"previousRecipientTypeDetails"`
	CloudManaged bool     `json:"isExchangeCloudManaged"`
	Effects      []Effect `json:"effects,omitempty"`
	Errors       []string `json:"errors,omitempty"`
}

// WithGUIDs gives new GUIDs to the mailboxes to be created without one, in order.
func (d Decision) WithGUIDs(fresh func() (GUID, error)) (Decision, error) {
	d.Effects = slices.Clone(d.Effects)
	for i := range d.Effects {
		e := &d.Effects[i]
		if e.Act != Create || !e.GUID.IsZero() {
			continue
		}
		var err error
		if e.GUID, err = fresh(); err != nil {
			return d, err
		}
		if e.Kind == Archive {
			d.Archive = e.GUID
		} else {
			d.GUID = e.GUID
		}
	}
	return d, nil
}

// After is the input once a decision, with its GUIDs, has been carried out.
func (in Input) After(d Decision) Input {
	in.Mailboxes = slices.Clone(in.Mailboxes)
	for _, e := range d.Effects {
		if e.Act == PurgeOther {
			in.Holder = Nobody
			continue
		}
		at := slices.IndexFunc(in.Mailboxes, func(m Mailbox) bool { return m.GUID == e.GUID })
		if e.Act == Create {
			in.Mailboxes = append(in.Mailboxes, Mailbox{GUID: e.GUID, Kind: e.Kind, State: Active, Since: in.Now, Created: in.Now,
				Row: d.Row, Grace: e.Grace})
		} else if at >= 0 {
			in.Mailboxes[at] = e.on(in.Mailboxes[at], in.Now)
		}
	}
	in.Prev, in.CloudManaged, in.Licence = d.Prev, d.CloudManaged, d.Licence
	return in
}

// on is a mailbox after the effect.
func (e Effect) on(m Mailbox, now time.Time) Mailbox {
	move := func(s State) { m.State, m.Since, m.Grace = s, now, e.Grace }
	switch e.Act {
	case Reconnect, Restore:
		move(Active)
	case Disconnect:
		move(Disconnected)
	case SoftDelete:
		if move(SoftDeleted); m.Held {
			m.State = Inactive
		}
	case Convert:
		m.Kind, m.Since, m.Grace = e.Kind, now, e.Grace
	case License:
		m.Grace = false
	case Cut:
		m.Cut = true
	case Create, PurgeOther:
	}
	return m
}
