package exchange

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/recipient"
)

// fit is a move that nothing is in the way of, with what is changed of it.
func fit(way Direction, change func(*Moving)) Moving {
	m := Moving{Direction: way, Part: Whole, Source: gNew, Domain: "contoso.mail.onmicrosoft.com", Name: "Anna", Recipient: MailUser, GUID: gNew,
		Person:    Input{Now: now, Synced: true, GUID: gNew, Details: UserMailbox, Licence: Assigned},
		Addresses: []string{"anna@contoso.com", "anna@contoso.mail.onmicrosoft.com"}, Accepted: []string{"contoso.com", "contoso.mail.onmicrosoft.com"}}
	if way == ToForest {
		m.Domain, m.Recipient = "contoso.com", UserMailbox
		m.Person.Details, m.Person.Remote = RemoteUserMailbox, ProvisionMailbox
		m.Person.Mailboxes = []Mailbox{mailbox(gNew, Personal, Active, time.Hour)}
	}
	change(&m)
	return m
}

// TestObstacles: each reason arises when it should, by its name and with its words, and each row of the table is some case's.
func TestObstacles(t *testing.T) {
	t.Parallel()
	archive := mailbox(gArc, Archive, Active, time.Hour)
	says := map[string]string{} // the sentence of what a case met
	for name, c := range map[string]struct {
		way    Direction
		change func(*Moving)
		code   string
		text   string
	}{
		"to the cloud":            {ToCloud, func(*Moving) {}, "", ""},
		"to the forest":           {ToForest, func(*Moving) {}, "", ""},
		"without a licence":       {ToCloud, func(m *Moving) { m.Person.Licence = Never }, "", ""},
		"a mailbox here":          {ToCloud, func(m *Moving) { m.Person.Mailboxes = stores["active"] }, CodeHasMailbox, "Target user 'Anna' already has a primary mailbox."},
		"another GUID":            {ToCloud, func(m *Moving) { m.Source = gOld }, CodeMigration, fmt.Sprintf("Cannot find a recipient that has mailbox GUID '%s'. --> Cannot find a recipient that has mailbox GUID '%[1]s'.", gOld)},
		"no GUID":                 {ToCloud, func(m *Moving) { m.Source, m.GUID = GUID{}, GUID{} }, CodeMigration, "none was synchronised"},
		"a user only":             {ToCloud, func(m *Moving) { m.Recipient = User }, CodeMigration, gNew.String()},
		"in the bin":              {ToCloud, func(m *Moving) { m.Person.Deleted = true }, CodeMigration, gNew.String()},
		"it is in the cloud":      {ToCloud, func(m *Moving) { m.Person.Remote = Migrated }, CodeNoMailbox, "(Migrated)"},
		"it went to the forest":   {ToCloud, func(m *Moving) { m.Person.Remote, m.Person.MovedOut = Migrated, true }, "", ""},
		"without its archive":     {ToCloud, func(m *Moving) { m.Part, m.Person.Archive = PrimaryOnly, gArc }, CodeArchiveSide, gArc.String()},
		"no archive":              {ToCloud, func(m *Moving) { m.Part = ArchiveOnly }, CodeNoMailbox, "no archive in the forest"},
		"the archive is here":     {ToCloud, func(m *Moving) { m.Part, m.Person.Archive, m.Person.Mailboxes = PrimaryOnly, gArc, []Mailbox{archive} }, "", ""},
		"the archive's GUID":      {ToCloud, func(m *Moving) { m.Person.Archive, m.Person.ArchiveTaken = gArc, true }, CodeArchiveTaken, gArc.String()},
		"the archive alone":       {ToCloud, func(m *Moving) { m.Part, m.Person.Archive = ArchiveOnly, gArc }, "", ""},
		"an address elsewhere":    {ToCloud, func(m *Moving) { m.Addresses = append(m.Addresses, "anna@contoso.local") }, CodeNotAccepted, "You can't use the domain because it's not an accepted domain for your organization: contoso.local"},
		"no routing address":      {ToCloud, func(m *Moving) { m.Addresses = m.Addresses[:1] }, CodeDeliveryDomain, "The target mailbox doesn't have an SMTP proxy matching 'contoso.mail.onmicrosoft.com'."},
		"no address there":        {ToForest, func(m *Moving) { m.Domain = "contoso.local" }, CodeDeliveryDomain, "'contoso.local'"},
		"no mailbox":              {ToForest, func(m *Moving) { m.Person.Mailboxes = stores["disconnected"] }, CodeNoMailbox, "no mailbox here"},
		"managed in the cloud":    {ToForest, func(m *Moving) { m.Person.CloudManaged = true }, CodeCloudManaged, "IsExchangeCloudManaged"},
		"born in the cloud":       {ToForest, func(m *Moving) { m.Person.GUID = GUID{} }, CodeMigration, gNew.String()},
		"a cloud user":            {ToForest, func(m *Moving) { m.Person.Synced = false }, CodeMigration, gNew.String()},
		"the archive is not told": {ToForest, func(m *Moving) { m.Person.Mailboxes = append(m.Person.Mailboxes, archive) }, CodeMigration, "archive GUID '" + gArc.String()},
		"the archive stays":       {ToForest, func(m *Moving) { m.Person.Mailboxes, m.Part = append(m.Person.Mailboxes, archive), PrimaryOnly }, "", ""},
	} {
		m := fit(c.way, c.change)
		got := m.Obstacle()
		switch {
		case c.code == "" && got != nil:
			t.Errorf("%s: got %s %s, want nothing in the way", name, got.Code, got.Text)
		case c.code != "" && (got == nil || got.Code != c.code || !strings.Contains(got.Text, c.text) || got.Next == ""):
			t.Errorf("%s: got %+v, want %s with %q", name, got, c.code, c.text)
		}
		for _, o := range obstacles {
			if o.way == m.Direction && o.when(m) {
				says[string(o.way)+o.says] = name
				break
			}
		}
	}
	for _, o := range Obstacles() {
		if says[o[1]+o[2]] == "" {
			t.Errorf("no case meets %s %s: %s", o[1], o[0], o[2])
		}
	}
}

// TestDocumentedObstacles: the manual has the table.
func TestDocumentedObstacles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/tenant.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range Obstacles() {
		if want := "| " + o[1] + " | " + o[2] + " | `" + o[0] + "` |"; !strings.Contains(string(text), want) {
			t.Errorf("docs/tenant.md lacks %q", want)
		}
	}
}

// TestMoved: what a move makes of the mailboxes; deciding about it changes nothing, and what stays behind never comes back.
func TestMoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m    Moving
		want []string
		row  string
		is   Details
	}{
		"to the cloud": {fit(ToCloud, func(*Moving) {}), []string{"3 personal active letters"}, "E21", UserMailbox},
		"with archive": {fit(ToCloud, func(m *Moving) { m.Person.Archive = gArc }), []string{"4 archive active old letters", "3 personal active letters"}, "E21", UserMailbox},
		"unlicensed":   {fit(ToCloud, func(m *Moving) { m.Person.Licence = Never }), []string{"3 personal active letters"}, "E21", UserMailbox},
		"a room":       {fit(ToCloud, func(m *Moving) { m.Person.Licence, m.Person.Details = Never, RoomMailbox }), []string{"3 room active letters"}, "E21", RoomMailbox},
		"again": {fit(ToCloud, func(m *Moving) {
			m.Person.Mailboxes = []Mailbox{with(mailbox(gNew, Personal, Disconnected, time.Hour), func(b *Mailbox) { b.Cut = true })}
		}),
			[]string{"3 personal active letters"}, "E21", UserMailbox},
		"the archive alone": {fit(ToCloud, func(m *Moving) { m.Part, m.Person.Archive = ArchiveOnly, gArc }), []string{"4 archive active old letters"}, "D5", MailUser},
		"to the forest":     {fit(ToForest, func(*Moving) {}), []string{"3 personal disconnected "}, "E23", MailUser},
		"with its archive": {fit(ToForest, func(m *Moving) {
			m.Person.Archive, m.Person.Mailboxes = gArc, append(m.Person.Mailboxes, mailbox(gArc, Archive, Active, time.Hour))
		}),
			[]string{"3 personal disconnected ", "4 archive disconnected "}, "E23", MailUser},
		"without its archive": {fit(ToForest, func(m *Moving) {
			m.Part, m.Person.Archive, m.Person.Mailboxes = PrimaryOnly, gArc, append(m.Person.Mailboxes, mailbox(gArc, Archive, Active, time.Hour))
		}),
			[]string{"3 personal disconnected ", "4 archive active "}, "E23", MailUser},
	} {
		in := c.m.Person
		if c.m.Direction == ToCloud {
			in.Mailboxes, in.MovedArchive = c.m.Arrive(now, "letters", "old letters"), c.m.Part == ArchiveOnly
		} else {
			in.Mailboxes, in.MovedOut = c.m.Leave(now), true
		}
		var got []string
		for _, b := range in.Mailboxes {
			got = append(got, fmt.Sprintf("%d %s %s %s", b.GUID[0], b.Kind, b.State, b.Content))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		d := Decide(in)
		if d.Row != c.row || d.Recipient != c.is || d.GUID != gNew || len(d.Effects) > 0 {
			t.Errorf("%s: got %+v, want %s by %s, and nothing done", name, d, c.is, c.row)
		}
	}
}

// TestStamp: what the forest's object is to be is one of the combinations that Exchange writes.
func TestStamp(t *testing.T) {
	t.Parallel()
	for _, way := range []Direction{ToCloud, ToForest} {
		for _, part := range []Part{Whole, PrimaryOnly, ArchiveOnly} {
			for _, kind := range []Kind{Personal, Shared, Room, Equipment} {
				s := fit(way, func(m *Moving) { m.Part = part }).Stamp(kind)
				if part == ArchiveOnly && kind != Personal {
					continue // Exchange writes archives for people
				}
				c, ok := recipient.CombinationOf(s.Details, s.Display, s.Remote)
				if !ok || (way == ToCloud && part != ArchiveOnly) != (s.Remote&Migrated != 0) {
					t.Errorf("%s %s %s: got %+v, %q", way, part, kind, s, c.Name)
				}
			}
		}
	}
	if got, want := fit(ToCloud, func(m *Moving) { m.Person.Archive = gArc }).Stamp(Personal).Remote, Migrated|ProvisionArchive; got != want {
		t.Errorf("with an archive: got %s, want %s", got, want)
	}
}
