package onprem

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

// TestDecideMatch: a soft match where it is possible, the anchor where it is not, and the service's names for what is refused.
func TestDecideMatch(t *testing.T) {
	t.Parallel()
	const anchor = "IkTni9mw7Ee4YefeGpz7IA==" // of the object
	here := func(more ...string) *Object {
		return plainUser(append([]string{"proxyAddresses", "SMTP:anna@contoso.com"}, more...)...)
	}
	cloud := func(change func(*Cloud)) *Cloud {
		c := &Cloud{ID: "1", UPN: "anna@contoso.com", Addresses: []string{"SMTP:anna@contoso.com", "smtp:an@contoso.com"}}
		if change != nil {
			change(c)
		}
		return c
	}
	for _, c := range []struct {
		name  string
		row   Row
		cloud *Cloud
		here  *Object
		s     Switches
		want  Match
		code  string
	}{
		{name: "new, by address", cloud: cloud(nil), want: Match{Create: true, How: "address"}},
		{name: "there, by address", cloud: cloud(nil), here: here(), want: Match{How: "address"}},
		{name: "there, without an address, by sign-in name", cloud: cloud(nil), here: plainUser(), s: Switches{SoftMatchOnUPN: true}, want: Match{How: "upn"}},
		{name: "there, without an address, and sign-in names do not match", cloud: cloud(nil), here: plainUser(), want: Match{How: "anchor", Repair: true}},
		{name: "another anchor", cloud: cloud(func(c *Cloud) { c.Anchor = "x" }), here: here(), want: Match{How: "anchor", Repair: true}},
		{name: "another anchor, and new", cloud: cloud(func(c *Cloud) { c.Anchor = "x" }), want: Match{Create: true, How: "anchor", Repair: true}},
		{name: "its anchor already", cloud: cloud(func(c *Cloud) { c.Anchor = anchor }), here: here(), want: Match{How: "anchor"}},
		{name: "soft matches blocked", cloud: cloud(nil), here: here(), s: Switches{BlockSoftMatch: true}, want: Match{How: "anchor", Repair: true}},
		{name: "synchronised already", cloud: cloud(func(c *Cloud) { c.Synced, c.Anchor = true, anchor }), here: here(), want: Match{}},
		{name: "synchronised from elsewhere", cloud: cloud(func(c *Cloud) { c.Synced, c.Anchor = true, "x" }), here: here(), code: "synchronised-already"},
		{name: "nobody", code: "no-cloud-user"},
		{name: "another address", row: Row{Primary: "b@contoso.com"}, cloud: cloud(nil), code: "other-address"},
		{name: "a role", cloud: cloud(func(c *Cloud) { c.Roles = []string{"Global Administrator"} }), code: "Existing Admin Role Conflict"},
		{name: "a role and another anchor", cloud: cloud(func(c *Cloud) { c.Roles, c.Anchor = []string{"Global Administrator"}, "x" }), code: "InvalidHardMatch"},
		{name: "hard matches blocked, and another anchor", cloud: cloud(func(c *Cloud) { c.Anchor = "x" }), s: Switches{BlockHardMatch: true}, code: "InvalidHardMatch"},
		{name: "both blocked", cloud: cloud(nil), s: Switches{BlockHardMatch: true, BlockSoftMatch: true}, code: "InvalidHardMatch"},
		{name: "hard matches blocked, and a soft one is possible", cloud: cloud(nil), s: Switches{BlockHardMatch: true}, want: Match{Create: true, How: "address"}},
		{name: "two mailboxes", cloud: cloud(func(c *Cloud) { c.Mailbox = recipient.GUID{15: 9} }), here: mailboxHere(), code: "two-mailboxes"},
		{name: "one mailbox, known on both sides", cloud: cloud(func(c *Cloud) { c.Mailbox = recipient.GUID{15: 1} }), here: mailboxHere(), want: Match{How: "address"}},
	} {
		c.row.Line, c.row.UPN = 3, "anna@contoso.com"
		got, err := DecideMatch(&c.row, c.cloud, c.here, c.s)
		if c.code != "" {
			if e, ok := err.(*canopy.Error); !ok || e.Code != c.code || e.Next == "" || !strings.Contains(e.Text, "line 3") {
				t.Errorf("%s: got %+v and %v, want code %s", c.name, got, err, c.code)
			}
			continue
		}
		if got.Says == "" || err != nil {
			t.Errorf("%s: got %+v and %v", c.name, got, err)
		}
		got.Says = ""
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestReadList: headings of both exports, addresses in every form, and errors by line that do not stop the others.
func TestReadList(t *testing.T) {
	t.Parallel()
	rows, errs := ReadList(strings.NewReader("\ufeffUser principal name,mailNickname,proxyAddresses,City\n" +
		"anna@contoso.com,anna,SMTP:anna@contoso.com+smtp:an@contoso.com+X500:/o=x,Graz\n" +
		"ben@contoso.com,\"b,n\",,\nanna2@contoso.com,,smtp:AN@contoso.com,\ncarl@contoso.com,carl\n\"dora@contoso.com\",,{SMTP:dora@contoso.com; smtp:d@contoso.com},\n" +
		"emil@contoso.com,,smtp:emil,\n"))
	want := []Row{{Line: 2, UPN: "anna@contoso.com", Alias: "anna", Addresses: []string{"SMTP:anna@contoso.com", "smtp:an@contoso.com+X500:/o=x"}},
		{Line: 6, UPN: "dora@contoso.com", Addresses: []string{"SMTP:dora@contoso.com", "smtp:d@contoso.com"}}}
	want[0].Addresses = []string{"SMTP:anna@contoso.com", "smtp:an@contoso.com", "X500:/o=x"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	var got []string
	for _, err := range errs {
		got = append(got, err.Error())
	}
	for i, part := range []string{"line 3", "line 4: line 2 has the address an@contoso.com too", "line 5: 2 cells under 4 headings", "line 7"} {
		if i >= len(got) || !strings.Contains(got[i], part) {
			t.Errorf("error %d: got %q, want %q", i, got, part)
		}
	}
	for _, bad := range []string{"", "Name\nanna\n", "UserPrincipalName\n\"anna"} {
		if _, errs := ReadList(strings.NewReader(bad)); len(errs) != 1 {
			t.Errorf("%q: got %v, want one error", bad, errs)
		}
	}
}

// TestAskFor: what the list does not say is as the cloud has it, and addresses of the service stay there.
func TestAskFor(t *testing.T) {
	t.Parallel()
	c := &Cloud{UPN: "anna.with.a.very.long.name@contoso.com", Alias: "anna", Display: "Anna Novak", GivenName: "Anna", Surname: "Novak", Mailbox: recipient.GUID{15: 1}, Kind: recipient.Shared,
		Addresses: []string{"SMTP:anna@contoso.com", "smtp:anna@contoso.onmicrosoft.com", "smtp:an@contoso.com", "X500:/o=ExchangeLabs/cn=1", "SIP:anna@contoso.com"}}
	want := Ask{Noun: RemoteMailbox, Verb: New, Kind: recipient.Shared, Alias: "anna", Primary: "anna@contoso.com", Add: []string{"smtp:an@contoso.com", "SIP:anna@contoso.com"}, MailboxGUID: recipient.GUID{15: 1},
		Account: Account{Name: "Anna Novak", UPN: c.UPN, SAM: "anna.with.a.very.lon", GivenName: "Anna", Surname: "Novak", DisplayName: "Anna Novak"}}
	if diff := cmp.Diff(want, AskFor(&Row{UPN: c.UPN}, c, true)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plain := AskFor(&Row{UPN: c.UPN, SAM: "anna", Alias: "a"}, c, false)
	if plain.Noun != Recipient || plain.Account.SAM != "anna" || plain.Alias != "a" {
		t.Errorf("got %+v", plain)
	}
	s, err := Decide(nil, plain, contoso, freshOnes)
	if err != nil {
		t.Fatal(err)
	}
	if got := after(s); strings.Contains(got, "msExch") || !strings.Contains(got, "proxyAddresses: SMTP:anna@contoso.com | smtp:an@contoso.com | SIP:anna@contoso.com") {
		t.Errorf("a plain account: got\n%s", got)
	}
}
