package exchange

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	now  = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)
	gOwn = GUID{1}
	gOld = GUID{2}
	gNew = GUID{3}
	gArc = GUID{4}
)

// numbered gives GUIDs from 100 on.
func numbered() func() (GUID, error) {
	n := byte(99)
	return func() (GUID, error) {
		n++
		return GUID{n}, nil
	}
}

func mailbox(g GUID, k Kind, s State, age time.Duration) Mailbox {
	return Mailbox{GUID: g, Kind: k, State: s, Since: now.Add(-age), Created: now.Add(-age)}
}

func with(m Mailbox, change func(*Mailbox)) Mailbox {
	change(&m)
	return m
}

// stores are the states of a person's own mailboxes.
var stores = map[string][]Mailbox{
	"none":         nil,
	"active":       {mailbox(gOwn, Personal, Active, time.Hour)},
	"grace":        {with(mailbox(gOwn, Personal, Active, time.Hour), func(m *Mailbox) { m.Grace = true })},
	"grace over":   {with(mailbox(gOwn, Personal, Active, Keep), func(m *Mailbox) { m.Grace = true })},
	"shared":       {mailbox(gOwn, Shared, Active, time.Hour)},
	"disconnected": {mailbox(gOld, Personal, Disconnected, time.Hour)},
	"too late":     {mailbox(gOld, Personal, Disconnected, Keep)},
	"cut":          {with(mailbox(gOld, Personal, Disconnected, time.Hour), func(m *Mailbox) { m.Cut = true })},
	"both":         {mailbox(gOld, Personal, Disconnected, time.Hour), mailbox(gOwn, Personal, Active, time.Hour)},
	"soft-deleted": {mailbox(gOwn, Personal, SoftDeleted, time.Hour)},
	"inactive":     {with(mailbox(gOwn, Personal, Inactive, time.Hour), func(m *Mailbox) { m.Held = true })},
	"archive":      {mailbox(gArc, Archive, Active, time.Hour)},
	"with archive": {mailbox(gOwn, Personal, Active, time.Hour), mailbox(gArc, Archive, Active, time.Hour)},
}

func flags(n int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = i == 1
	}
	return out
}

// all calls each with every combination of inputs.
func all(each func(*Input)) int {
	n := 0
	remotes, kinds := []Remote{0, 1, 4, 2, 8, 97}, []Details{NoDetails, UserMailbox}
	if !testing.Short() {
		remotes, kinds = append(remotes, 3, 6, 20, 24, 33, 68, 100), append(kinds, RemoteUserMailbox)
	}
	for _, deleted := range flags(2) {
		for _, synced := range flags(2) {
			for _, ignored := range flags(2) {
				if ignored && !synced {
					continue
				}
				for _, guid := range []GUID{{}, gOwn, gOld, gNew} {
					for _, holder := range []Holder{Nobody, OtherInUse, OtherDeleted, OtherHeld} {
						if holder != Nobody && guid != gNew {
							continue // the GUID is the person's own, or none
						}
						for _, remote := range remotes {
							for _, details := range kinds {
								for _, licence := range []Licence{Never, Assigned, Removed} {
									for _, prev := range []Details{NoDetails, MailUser, UserMailbox} {
										for _, own := range stores {
											for bits := range 16 {
												if bits&8 != 0 && (!remote.Cloud() || !synced || bits&7 != 2) {
													continue // moved to a forest that does not say so yet
												}
												in := Input{Now: now, Deleted: deleted, Synced: synced, Ignored: ignored, GUID: guid, Holder: holder,
													Remote: remote, Details: details, Licence: licence, Prev: prev, Mailboxes: own, MailUser: bits&1 != 0,
													MovedOut: bits&8 != 0,
													Policy:   Policy{PreviousBug: bits&2 != 0, ProvisionUnlicensed: bits&4 != 0}}
												each(&in)
												n++
											}
										}
									}
								}
							}
						}
					}
				}
			}
		}
	}
	return n
}

// TestEveryCombination: some row applies to each combination of inputs, each row is some combination's, deciding twice
// changes nothing, nobody gets a second active mailbox, and one that is active keeps its GUID as long as it is.
func TestEveryCombination(t *testing.T) {
	t.Parallel()
	hits := map[string]int{}
	wrong := 0
	n := all(func(in *Input) {
		if wrong > 10 {
			return
		}
		v, rows := viewOf(*in), 0
		for _, r := range table {
			if r.when(v) {
				rows++
				hits[r.name]++
				break
			}
		}
		if rows != 1 {
			t.Errorf("%d rows for %+v", rows, *in)
			wrong++
			return
		}
		if msg := checked(*in); msg != "" {
			t.Errorf("%s: %+v", msg, *in)
			wrong++
		}
	})
	for _, r := range Rows() {
		if hits[r[0]] == 0 {
			t.Errorf("no combination of %d hits row %s: %s", n, r[0], r[1])
		}
	}
	if len(hits) != len(Rows()) {
		t.Errorf("%d rows were hit, there are %d", len(hits), len(Rows()))
	}
	t.Logf("%d combinations", n)
}

// checked says what is wrong with the decision about an input, "" when nothing is.
func checked(in Input) string {
	d, err := Decide(in).WithGUIDs(numbered())
	if err != nil {
		return err.Error()
	}
	after := in.After(d)
	active := 0
	for _, m := range after.Mailboxes {
		if m.State == Active && m.Kind != Archive {
			active++
		}
	}
	if active > 1 {
		return fmt.Sprintf("row %s leaves %d active mailboxes", d.Row, active)
	}
	own := after.Mailbox()
	if own != nil && (d.GUID != own.GUID || d.Recipient != own.Kind.Details()) {
		return fmt.Sprintf("row %s says %s %s, the mailbox is %s %s", d.Row, d.Recipient, d.GUID, own.Kind, own.GUID)
	}
	if own == nil && d.Recipient.Mailbox() {
		return fmt.Sprintf("row %s says %s, and there is no mailbox", d.Row, d.Recipient)
	}
	if before := in.Mailbox(); before != nil {
		if own != nil && own.GUID != before.GUID {
			return fmt.Sprintf("row %s gives %s in the place of %s", d.Row, own.GUID, before.GUID)
		}
		if own == nil && in.Licence == Assigned && !in.Deleted && in.Remote&DeprovisionMailbox == 0 {
			return fmt.Sprintf("row %s takes the mailbox of who is licensed", d.Row)
		}
	}
	again := Decide(after)
	if len(again.Effects) > 0 {
		return fmt.Sprintf("deciding again after row %s does %v", d.Row, again.Effects)
	}
	again.Row, again.Via, again.Effects = d.Row, d.Via, d.Effects
	if d.Recipient == again.Recipient && d.GUID == again.GUID && d.Archive == again.Archive && d.Licence == again.Licence &&
		d.Prev == again.Prev && d.CloudManaged == again.CloudManaged && slices.Equal(d.Errors, again.Errors) {
		// a difference is dear
	} else if diff := cmp.Diff(d, again); diff != "" {
		return fmt.Sprintf("deciding again after row %s (-first +again):\n%s", d.Row, diff)
	}
	if own != nil && !in.Ignored && !in.GUID.IsZero() && in.GUID != own.GUID && len(Findings(after, Known{})) == 0 {
		return fmt.Sprintf("row %s leaves the mailbox %s beside the synchronised %s without a finding", d.Row, own.GUID, in.GUID)
	}
	return ""
}

// TestRows are the rows of the documented table, by their results.
func TestRows(t *testing.T) {
	t.Parallel()
	bug := Policy{PreviousBug: true, ProvisionUnlicensed: true}
	disc := stores["disconnected"]
	for _, c := range []struct {
		row  string
		in   Input
		want Details
		guid GUID // numbered's first is {100}
		sku  Licence
	}{
		{"D1", Input{Deleted: true, Licence: Assigned, Mailboxes: stores["active"]}, NoDetails, GUID{}, Assigned},
		{"D2", Input{Synced: true, Ignored: true, GUID: gNew, Remote: 1}, User, GUID{}, Never},
		{"D3", Input{Synced: true, Ignored: true, GUID: gNew, Licence: Assigned}, UserMailbox, GUID{100}, Assigned},
		{"D4", Input{Synced: true, GUID: gNew, Licence: Assigned, Prev: UserMailbox, Policy: bug, Mailboxes: disc}, UserMailbox, GUID{100}, Assigned},
		{"D5", Input{Synced: true, GUID: gNew, Licence: Assigned, Prev: UserMailbox, Mailboxes: disc}, MailUser, gNew, Assigned},
		{"D5", Input{Synced: true, GUID: gNew, Licence: Assigned, Prev: MailUser, Policy: bug}, MailUser, gNew, Assigned},
		{"D5", Input{Synced: true, GUID: gNew, Licence: Assigned, Policy: bug}, MailUser, gNew, Assigned},
		{"D6", Input{Synced: true, GUID: gNew}, MailUser, gNew, Never},
		{"D7", Input{Synced: true, GUID: gNew, Licence: Removed}, MailUser, gNew, Removed},
		{"E3 D7", Input{Synced: true, GUID: gNew, Licence: Removed, Mailboxes: stores["active"]}, MailUser, gNew, Removed},
		{"D8", Input{Licence: Assigned}, UserMailbox, GUID{100}, Assigned},
		{"D8b", Input{Licence: Assigned, Prev: UserMailbox, Mailboxes: disc}, UserMailbox, gOld, Assigned},
		{"D8b", Input{Licence: Assigned, Prev: UserMailbox, Mailboxes: stores["too late"]}, UserMailbox, GUID{100}, Assigned},
		{"D9", Input{}, User, GUID{}, Never},
		{"E2 D10", Input{Licence: Removed, Mailboxes: stores["active"]}, User, GUID{}, Removed},
		{"D10", Input{Licence: Removed, Prev: UserMailbox, Mailboxes: disc}, User, GUID{}, Removed},
		{"D11", Input{Synced: true, Licence: Assigned}, UserMailbox, GUID{100}, Assigned},
		{"D11", Input{Synced: true, Licence: Assigned, Prev: MailUser}, UserMailbox, GUID{100}, Assigned},
		{"D11b", Input{Synced: true, Licence: Assigned, Prev: UserMailbox, Mailboxes: disc}, UserMailbox, gOld, Assigned},
		{"D12", Input{Synced: true, Licence: Assigned, MailUser: true}, UserMailbox, GUID{100}, Assigned},
		{"D13", Input{Synced: true, MailUser: true}, MailUser, GUID{}, Never},
		{"D13b", Input{Synced: true}, User, GUID{}, Never},
		{"D14b", Input{Synced: true, Remote: 1, Licence: Assigned}, UserMailbox, GUID{100}, Assigned},
		{"D14", Input{Synced: true, Remote: 1, GUID: gOwn, Licence: Assigned, Mailboxes: stores["active"]}, UserMailbox, gOwn, Assigned},
		{"D15", Input{Synced: true, Remote: 1, Policy: bug}, UserMailbox, GUID{100}, Never},
		{"D15b", Input{Synced: true, Remote: 1}, MailUser, GUID{}, Never},
		{"D16", Input{Synced: true, Remote: 4, GUID: gOwn, Mailboxes: stores["grace"]}, UserMailbox, gOwn, Never},
		{"D17", Input{Synced: true, Remote: 4, GUID: gNew, Licence: Assigned, Prev: UserMailbox, Policy: bug}, MailUser, gNew, Assigned},
		{"D18b", Input{Synced: true, Remote: 97}, SharedMailbox, GUID{100}, Never},
		{"D18b", Input{Synced: true, Remote: 33}, RoomMailbox, GUID{100}, Never},
		{"D18", Input{Synced: true, Remote: 100, GUID: gOwn, Licence: Removed, Mailboxes: stores["active"]}, SharedMailbox, gOwn, Removed},
		{"D19 D19b", Input{Synced: true, Remote: 8, Licence: Assigned, Mailboxes: stores["active"]}, MailUser, GUID{}, Assigned},
		{"D20", Input{Synced: true, Remote: 2, GUID: gNew, Archive: gArc, Licence: Assigned, Details: UserMailbox}, MailUser, gNew, Assigned},
		{"D21", Input{Synced: true, GUID: gNew, Holder: OtherDeleted}, User, GUID{}, Never},
		{"D22 D5", Input{Synced: true, GUID: gNew, Holder: OtherDeleted, Licence: Assigned}, MailUser, gNew, Assigned},
		{"D21b", Input{Synced: true, GUID: gNew, Holder: OtherInUse, Licence: Assigned}, User, GUID{}, Assigned},
		{"E4 D15b", Input{Synced: true, Remote: 1, Licence: Removed, Mailboxes: stores["active"]}, MailUser, GUID{}, Removed},
		{"E23", Input{Synced: true, Remote: 1, GUID: gNew, Licence: Assigned, MovedOut: true}, MailUser, gNew, Assigned},
		{"E23", Input{Synced: true, Remote: 97, GUID: gNew, MovedOut: true}, MailUser, gNew, Never},
		{"E4 D17", Input{Synced: true, Remote: 4, GUID: gOwn, Mailboxes: stores["grace over"]}, MailUser, gOwn, Never},
		{"E6", Input{Synced: true, Remote: 4, GUID: gOld, Licence: Assigned, Prev: UserMailbox, Mailboxes: disc}, UserMailbox, gOld, Assigned},
		{"E21", Input{Synced: true, GUID: gNew, Licence: Assigned, Prev: UserMailbox, Policy: bug, Mailboxes: stores["active"]}, UserMailbox, gOwn, Assigned},
	} {
		c.in.Now = now
		d, err := Decide(c.in).WithGUIDs(numbered())
		if err != nil {
			t.Fatal(err)
		}
		if row := strings.Join(append(d.Via, d.Row), " "); row != c.row || d.Recipient != c.want || d.GUID != c.guid || d.Licence != c.sku {
			t.Errorf("%+v:\n got %s: %s %s %q\nwant %s: %s %s %q", c.in, d.Row, d.Recipient, d.GUID, d.Licence, c.row, c.want, c.guid, c.sku)
		}
	}
}

func TestArchives(t *testing.T) {
	t.Parallel()
	d := Decide(Input{Now: now, Synced: true, Remote: 3, Archive: gArc, Licence: Assigned})
	want := []Effect{{Act: Create, Kind: Personal}, {Act: Create, GUID: gArc, Kind: Archive}}
	if diff := cmp.Diff(want, d.Effects); diff != "" {
		t.Errorf("a remote mailbox with archive (-want +got):\n%s", diff)
	}
	d = Decide(Input{Now: now, Synced: true, Remote: 3, Archive: GUID{9}, Licence: Assigned, Mailboxes: stores["with archive"]})
	text := fmt.Sprintf("Failed to sync the ArchiveGuid %s of mailbox %s because one cloud archive %s exists.", GUID{9}, gOwn, gArc)
	if diff := cmp.Diff([]string{text}, d.Errors); diff != "" {
		t.Errorf("another archive GUID (-want +got):\n%s", diff)
	}
	d = Decide(Input{Now: now, Synced: true, GUID: gNew, Licence: Removed, Mailboxes: stores["archive"], Remote: 2})
	if diff := cmp.Diff([]Effect{{Act: Disconnect, GUID: gArc, Kind: Archive}}, d.Effects); diff != "" {
		t.Errorf("the archive without a licence (-want +got):\n%s", diff)
	}
}

// TestFindings are the findings, with the cause by date.
func TestFindings(t *testing.T) {
	t.Parallel()
	k := Known{Name: "Anna", GUIDSince: now.Add(-24 * time.Hour), PrevSince: now.Add(-48 * time.Hour)}
	bug := Policy{PreviousBug: true}
	defect := []Mailbox{with(mailbox(gOwn, Personal, Active, time.Hour), func(m *Mailbox) { m.Row = "D4" })}
	first := []Mailbox{mailbox(gOwn, Personal, Active, 72*time.Hour)}
	moved := []Mailbox{with(mailbox(gNew, Personal, Active, time.Hour), func(m *Mailbox) { m.Row = MoveRow })}
	for name, c := range map[string]struct {
		in   Input
		want string
		text string
	}{
		"one in the forest":        {Input{Synced: true, GUID: gNew}, "", ""},
		"one here":                 {Input{Licence: Assigned, Mailboxes: first}, "", ""},
		"the defect":               {Input{Synced: true, GUID: gNew, Licence: Assigned, Prev: UserMailbox, Mailboxes: defect}, DualMailbox, "had had one before (previous recipient type UserMailbox since 29 April 2030)"},
		"the cloud's came first":   {Input{Synced: true, GUID: gNew, Licence: Assigned, Mailboxes: first}, DualMailbox, "made on 28 April 2030, and 00000003"},
		"the forest's is not told": {Input{Synced: true, Details: UserMailbox, Licence: Assigned, Mailboxes: first}, DualMailbox, "whose GUID is not synchronised"},
		"moved, another GUID":      {Input{Synced: true, GUID: gNew, Remote: 4, Licence: Assigned, Mailboxes: first}, GUIDDiffers, "its forest has called it"},
		"the same GUID twice":      {Input{Synced: true, GUID: gOwn, Details: UserMailbox, Licence: Assigned, Mailboxes: first}, DualMailbox, "one in the forest that has the same GUID"},
		"will double":              {Input{Synced: true, Details: UserMailbox}, WillDouble, "second one"},
		"at risk":                  {Input{Synced: true, GUID: gNew, Prev: UserMailbox, Policy: bug}, AtRisk, "until 29 April 2030"},
		"not at risk as it should": {Input{Synced: true, GUID: gNew, Prev: UserMailbox}, "", ""},
		"moved out, unseen":        {Input{Synced: true, GUID: gNew, Remote: 4, MovedOut: true}, ForestBehind, "still says that it is in the cloud (Migrated)"},
		"moved in, unseen":         {Input{Synced: true, GUID: gNew, Details: UserMailbox, Licence: Assigned, Mailboxes: moved}, ForestBehind, "was moved here on 1 May 2030, and the forest's object still is a UserMailbox"},
		"moved in, seen":           {Input{Synced: true, GUID: gNew, Details: RemoteUserMailbox, Remote: 4, Licence: Assigned, Mailboxes: moved}, "", ""},
		"remote mailbox":           {Input{Synced: true, Remote: 1, Prev: UserMailbox, Policy: bug}, "", ""},
	} {
		c.in.Now = now
		got := Findings(c.in, k)
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: got %v, want none", name, got)
		case c.want != "" && (len(got) != 1 || got[0].Code != c.want):
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		case c.want != "" && !strings.Contains(got[0].Text, c.text):
			t.Errorf("%s: got %q, want %q in it", name, got[0].Text, c.text)
		}
	}
}

// TestOneActiveMailbox: whatever happens to a person, in whatever order, there is never more than one active mailbox
// here, and one beside a mailbox of the forest is a finding.
func TestOneActiveMailbox(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fresh := numbered()
		in := Input{Now: now, Policy: Policy{PreviousBug: rapid.Bool().Draw(t, "bug"), ProvisionUnlicensed: rapid.Bool().Draw(t, "unlicensed")}}
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				in.Licence = Assigned
			case 1:
				if in.Licence == Assigned {
					in.Licence = Removed
				}
			case 2:
				in.Synced = true
				in.GUID = rapid.SampledFrom([]GUID{{}, gNew, gOld}).Draw(t, "guid")
				in.Details = rapid.SampledFrom([]Details{NoDetails, UserMailbox, RemoteUserMailbox}).Draw(t, "details")
				in.Remote = rapid.SampledFrom([]Remote{0, 1, 2, 3, 4, 8, 97, 100}).Draw(t, "remote")
				in.MailUser = rapid.Bool().Draw(t, "mail user")
			case 3:
				in.Deleted = !in.Deleted
			case 4:
				in.Now = in.Now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "days")) * 24 * time.Hour)
				for i, m := range in.Mailboxes {
					in.Mailboxes[i] = m.Expire(in.Now)
				}
			case 5:
				if in.Licence != Assigned && in.Mailbox() == nil {
					in.Prev = MailUser
				}
			}
			if msg := checked(in); msg != "" {
				t.Fatalf("%s: %+v", msg, in)
			}
			d, err := Decide(in).WithGUIDs(fresh)
			if err != nil {
				t.Fatal(err)
			}
			in = in.After(d)
		}
	})
}
