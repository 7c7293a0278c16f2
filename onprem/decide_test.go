package onprem

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/recipient"
)

var (
	freshOnes = Fresh{Mailbox: recipient.GUID{15: 1}, Archive: recipient.GUID{15: 2}, Number: "00ff"}
	contoso   = Organisation{Name: "Contoso", Coexistence: "contoso.mail.onmicrosoft.com", Database: "CN=DB1,DC=contoso,DC=lab", Server: "/o=Contoso/cn=EX1"}
)

// object makes one of pairs of attribute and value; a number is an integer, 0x octets, and a name of a link a link.
func object(class canopy.Class, pairs ...string) *Object {
	o := &Object{Class: class, Anchor: "8be74422-b0d9-47ec-b861-e7de1a9cfb20", DN: "CN=Anna Novak,DC=contoso,DC=lab", Attrs: canopy.Attrs{attrName: canopy.Texts("Anna Novak")}, Links: map[canopy.Attr][]canopy.Ref{}}
	for i := 0; i < len(pairs); i += 2 {
		name, text := canopy.Attr(pairs[i]), pairs[i+1]
		var n int64
		switch {
		case name == attrDatabase || name == attrLists:
			o.Links[name] = append(o.Links[name], canopy.Ref{Anchor: "2", DN: text})
		case strings.HasSuffix(strings.ToLower(pairs[i]), "guid"):
			g, err := recipient.ParseGUID(text)
			if err != nil {
				panic(err)
			}
			o.Attrs[name] = canopy.Values{canopy.Bytes(g[:])}
		default:
			if _, err := fmt.Sscanf(text, "%d", &n); err == nil && fmt.Sprint(n) == text {
				o.Attrs[name] = canopy.Values{canopy.Int(n)}
			} else {
				o.Attrs[name] = append(o.Attrs[name], canopy.Text(text))
			}
		}
	}
	return o
}

func plainUser(more ...string) *Object {
	return object(canopy.User, append([]string{"userPrincipalName", "anna@contoso.com", "sAMAccountName", "anna", "displayName", "Anna Novak", "givenName", "Anna", "sn", "Novak", "userAccountControl", "512"}, more...)...)
}

// after is the object as a stamp leaves it, as lines.
func after(s *Stamp) string {
	var b strings.Builder
	for _, c := range s.Changes {
		if c.Attr == secret {
			continue
		}
		var values []string
		for _, v := range c.After {
			text := v.String()
			if g, ok := recipient.GUIDOf(v.Octets()); ok && v.Type() == canopy.Binary {
				text = g.String()
			}
			values = append(values, text)
		}
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("%s: %s", c.Attr, strings.Join(values, " | ")), " "))
	}
	return b.String()
}

const (
	mailboxOne = "00000000-0000-0000-0000-000000000001"
	archiveOne = "00000000-0000-0000-0000-000000000002"
	stampedOne = "legacyExchangeDN: /o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=00ff-anna\n" +
		"mail: anna@contoso.com\nmailNickname: anna\n"
	shownOne = "proxyAddresses: SMTP:anna@contoso.com | smtp:anna@contoso.mail.onmicrosoft.com\n"
	routed   = "targetAddress: SMTP:anna@contoso.mail.onmicrosoft.com\n"
)

func types3(details, display, remoteType string) string {
	out := strings.ReplaceAll("msExchRecipientDisplayType: "+display+"\nmsExchRecipientTypeDetails: "+details+"\n", ": \n", ":\n")
	if remoteType != "" {
		out += "msExchRemoteRecipientType: " + remoteType + "\n"
	}
	return out
}

const newest = "msExchVersion: 88218628259840\n"

// TestEnable is what the facts say of each kind of mailbox, attribute by attribute.
func TestEnable(t *testing.T) {
	t.Parallel()
	off := plainUser()
	off.Attrs[attrControl] = canopy.Values{canopy.Int(514)}
	archive := "msExchArchiveGUID: " + archiveOne + "\nmsExchArchiveName: In-Place Archive - Anna Novak\n"
	here := "homeMDB: CN=DB1,DC=contoso,DC=lab\n"
	there := func(guid, details, display, bits string) string {
		return here + stampedOne + "msExchHomeServerName: /o=Contoso/cn=EX1\nmsExchMailboxGuid: " + guid + "\n" + types3(details, display, bits) + newest + shownOne
	}
	for _, c := range []struct {
		name string
		o    *Object
		ask  Ask
		want string
	}{
		{"remote, provisioned", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable}, stampedOne + types3("2147483648", "-2147483642", "1") + newest + shownOne + routed},
		{"remote, with archive", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable, Archive: true},
			"legacyExchangeDN" + strings.TrimPrefix(stampedOne, "legacyExchangeDN") + archive + types3("2147483648", "-2147483642", "3") + newest + shownOne + routed},
		{"remote, may be given rights", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable, Rights: true}, stampedOne + types3("2147483648", "-1073741818", "1") + newest + shownOne + routed},
		{"remote room", off, Ask{Noun: RemoteMailbox, Verb: Enable, Kind: recipient.Room}, stampedOne + types3("8589934592", "-2147481850", "33") + newest + shownOne + routed},
		{"remote equipment", off, Ask{Noun: RemoteMailbox, Verb: Enable, Kind: recipient.Equipment}, stampedOne + types3("17179869184", "-2147481594", "65") + newest + shownOne + routed},
		{"remote shared", off, Ask{Noun: RemoteMailbox, Verb: Enable, Kind: recipient.Shared}, stampedOne + types3("34359738368", "-2147483642", "97") + newest + shownOne + routed},
		{"remote, with the GUID of a mailbox", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable, MailboxGUID: recipient.GUID{15: 1}},
			stampedOne + "msExchMailboxGuid: " + mailboxOne + "\n" + types3("2147483648", "-2147483642", "1") + newest + shownOne + routed},
		{"mailbox", plainUser(), Ask{Noun: Mailbox, Verb: Enable}, there(mailboxOne, "1", "1073741824", "")},
		{"mailbox with archive in the cloud", plainUser(), Ask{Noun: Mailbox, Verb: Enable, Archive: true},
			here + stampedOne + archive + "msExchHomeServerName: /o=Contoso/cn=EX1\nmsExchMailboxGuid: " + mailboxOne + "\n" + types3("1", "1073741824", "2") + newest + shownOne},
		{"shared mailbox", off, Ask{Noun: Mailbox, Verb: Enable, Kind: recipient.Shared}, there(mailboxOne, "4", "1073741824", "")},
		{"room mailbox", off, Ask{Noun: Mailbox, Verb: Enable, Kind: recipient.Room}, there(mailboxOne, "16", "7", "")},
		{"equipment mailbox", off, Ask{Noun: Mailbox, Verb: Enable, Kind: recipient.Equipment}, there(mailboxOne, "32", "8", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := Decide(c.o, c.ask, contoso, freshOnes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, after(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.Makes != (c.ask.Noun == Mailbox) {
				t.Errorf("makes a mailbox in the forest: got %v", s.Makes)
			}
			asCombination(t, s)
		})
	}
}

// applied is the object as a stamp leaves it.
func applied(s *Stamp) *Object {
	o := *s.Object
	o.Attrs, o.Links = o.Attrs.Clone(), map[canopy.Attr][]canopy.Ref{}
	for name, refs := range s.Object.Links {
		o.Links[name] = slices.Clone(refs)
	}
	for _, c := range s.Changes {
		if !c.link {
			o.Attrs[c.Attr] = c.After
			continue
		}
		o.Links[c.Attr] = nil
		for _, v := range c.After {
			o.Links[c.Attr] = append(o.Links[c.Attr], canopy.Ref{DN: v.Str()})
		}
	}
	return &o
}

// asCombination proves that the three types together are a published combination, and that asking for what is so already
// changes nothing or is refused.
func asCombination(t *testing.T, s *Stamp) {
	t.Helper()
	o := applied(s)
	display, _ := o.Display()
	if _, ok := recipient.CombinationOf(o.Details(), display, o.Remote()); !ok {
		t.Errorf("no published combination: %s %s %s", o.Details(), display, o.Remote())
	}
	again, err := Decide(o, Ask{Noun: Recipient, Verb: Update}, contoso, Fresh{Mailbox: recipient.GUID{1}, Archive: recipient.GUID{2}, Number: "11"})
	if err != nil {
		t.Errorf("update of what is complete: %v", err)
	} else if len(again.Changes) > 0 {
		t.Errorf("update of what is complete changes\n%s", after(again))
	}
}

// remoteOne is somebody with a remote mailbox.
func remoteOne(more ...string) *Object {
	return plainUser(append([]string{"mailNickname", "anna", "legacyExchangeDN", "/o=x/cn=anna", "mail", "anna@contoso.com", "targetAddress", "SMTP:anna@contoso.mail.onmicrosoft.com",
		"proxyAddresses", "SMTP:anna@contoso.com", "proxyAddresses", "smtp:anna@contoso.mail.onmicrosoft.com", "proxyAddresses", "X500:/o=ExchangeLabs/cn=1", "msExchVersion", "88218628259840",
		"msExchRecipientTypeDetails", "2147483648", "msExchRecipientDisplayType", "-2147483642"}, more...)...)
}

func mailboxHere(more ...string) *Object {
	return plainUser(append([]string{"mailNickname", "anna", "legacyExchangeDN", "/o=x/cn=anna", "mail", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com",
		"proxyAddresses", "smtp:anna@contoso.mail.onmicrosoft.com", "msExchVersion", "88218628259840", "msExchRecipientTypeDetails", "1", "msExchRecipientDisplayType", "1073741824", "msExchMailboxGuid", mailboxOne,
		"homeMDB", "CN=DB1,DC=contoso,DC=lab", "msExchHomeServerName", "/o=Contoso/cn=EX1"}, more...)...)
}

const gone = "legacyExchangeDN:\nmail:\nmailNickname:\n"

// TestChange: the second archive call, disabling, setting and updating, as the facts have them.
func TestChange(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	archived := []string{"msExchArchiveGUID", archiveOne, "msExchArchiveName", "Old"}
	for _, c := range []struct {
		name string
		o    *Object
		ask  Ask
		want string
	}{
		{"archive for a remote mailbox that is there", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Enable, Archive: true},
			"msExchArchiveGUID: " + archiveOne + "\nmsExchArchiveName: In-Place Archive - Anna Novak\nmsExchRemoteRecipientType: 3\n"},
		{"archive for a migrated one, with a name", remoteOne("msExchRemoteRecipientType", "4"), Ask{Noun: RemoteMailbox, Verb: Enable, Archive: true, ArchiveName: "Old mail"},
			"msExchArchiveGUID: " + archiveOne + "\nmsExchArchiveName: Old mail\nmsExchRemoteRecipientType: 6\n"},
		{"archive in the cloud for a mailbox here", mailboxHere(), Ask{Noun: Mailbox, Verb: Enable, Archive: true},
			"msExchArchiveGUID: " + archiveOne + "\nmsExchArchiveName: In-Place Archive - Anna Novak\nmsExchRemoteRecipientType: 2\n"},
		{"disable a remote mailbox", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Disable},
			gone + types3("", "", "8") + "msExchVersion:\nproxyAddresses:\ntargetAddress:\n"},
		{"disable one with archive", remoteOne(append(archived, "msExchRemoteRecipientType", "6")...), Ask{Noun: RemoteMailbox, Verb: Disable},
			gone + "msExchArchiveGUID:\nmsExchArchiveName:\n" + types3("", "", "24") + "msExchVersion:\nproxyAddresses:\ntargetAddress:\n"},
		{"disable the archive alone", remoteOne(append(archived, "msExchRemoteRecipientType", "3")...), Ask{Noun: RemoteMailbox, Verb: Disable, Archive: true},
			"msExchArchiveGUID:\nmsExchArchiveName:\nmsExchRemoteRecipientType: 17\n"},
		{"disable the archive of a migrated one", remoteOne(append(archived, "msExchRemoteRecipientType", "6")...), Ask{Noun: RemoteMailbox, Verb: Disable, Archive: true},
			"msExchArchiveGUID:\nmsExchArchiveName:\nmsExchRemoteRecipientType: 20\n"},
		{"disable a mailbox here", mailboxHere(), Ask{Noun: Mailbox, Verb: Disable},
			"homeMDB:\n" + gone + "msExchHomeServerName:\nmsExchMailboxGuid:\n" + types3("", "", "") + "msExchVersion:\nproxyAddresses:\n"},
		{"disable a mailbox here with archive there", mailboxHere(append(archived, "msExchRemoteRecipientType", "2")...), Ask{Noun: Mailbox, Verb: Disable},
			"homeMDB:\n" + gone + "msExchArchiveGUID:\nmsExchArchiveName:\nmsExchHomeServerName:\nmsExchMailboxGuid:\n" + types3("", "", "16") + "msExchVersion:\nproxyAddresses:\n"},
		{"make a migrated mailbox shared, which keeps it so in the cloud", remoteOne("msExchRemoteRecipientType", "4"), Ask{Noun: RemoteMailbox, Verb: Set, Kind: recipient.Shared, DisableAccount: true},
			"msExchRecipientTypeDetails: 34359738368\nmsExchRemoteRecipientType: 100\nuserAccountControl: 514\n"},
		{"the mailbox GUID, for moving back", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Set, MailboxGUID: recipient.GUID{15: 1}}, "msExchMailboxGuid: " + mailboxOne + "\n"},
		{"another routing address", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Set, Routing: "a.n@contoso.mail.onmicrosoft.com"},
			"proxyAddresses: SMTP:anna@contoso.com | smtp:anna@contoso.mail.onmicrosoft.com | X500:/o=ExchangeLabs/cn=1 | smtp:a.n@contoso.mail.onmicrosoft.com\ntargetAddress: SMTP:a.n@contoso.mail.onmicrosoft.com\n"},
		{"a primary address ends the policy", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Set, Primary: "a@contoso.com"},
			"mail: a@contoso.com\nmsExchPoliciesExcluded: {26491cfc-9e50-4857-861b-0cb8df22b5d7}\nproxyAddresses: smtp:anna@contoso.com | smtp:anna@contoso.mail.onmicrosoft.com | X500:/o=ExchangeLabs/cn=1 | SMTP:a@contoso.com\n"},
		{"add and take addresses, hide", remoteOne("msExchRemoteRecipientType", "1", "msExchPoliciesExcluded", policyMark), Ask{Noun: RemoteMailbox, Verb: Set, Add: []string{"an@contoso.com"}, Remove: []string{"x500:/o=ExchangeLabs/cn=1"}, Hidden: &yes},
			"msExchHideFromAddressLists: TRUE\nproxyAddresses: SMTP:anna@contoso.com | smtp:anna@contoso.mail.onmicrosoft.com | smtp:an@contoso.com\n"},
		{"the policy again", remoteOne("msExchRemoteRecipientType", "1", "msExchPoliciesExcluded", policyMark), Ask{Noun: RemoteMailbox, Verb: Set, Policy: &yes}, "msExchPoliciesExcluded:\n"},
		{"no policy", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Set, Policy: &no}, "msExchPoliciesExcluded: " + policyMark + "\n"},
		{"a mailbox here becomes a room", mailboxHere(), Ask{Noun: Mailbox, Verb: Set, Kind: recipient.Room, DisableAccount: true},
			"msExchRecipientDisplayType: 7\nmsExchRecipientTypeDetails: 16\nuserAccountControl: 514\n"},
		{"update: a written-back distribution group", object(canopy.Group, "groupType", "8", "mail", "team@contoso.com"), Ask{Noun: Recipient, Verb: Update},
			"legacyExchangeDN: /o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=00ff-AnnaNovak\nmailNickname: AnnaNovak\n" + types3("256", "1", "") + newest +
				"proxyAddresses: SMTP:team@contoso.com | smtp:AnnaNovak@contoso.mail.onmicrosoft.com\n"},
		{"update: a security group", object(canopy.Group, "groupType", "-2147483640", "mail", "team@contoso.com", "mailNickname", "team", "legacyExchangeDN", "x"), Ask{Noun: Recipient, Verb: Update},
			types3("1024", "1073741833", "") + newest + "proxyAddresses: SMTP:team@contoso.com | smtp:team@contoso.mail.onmicrosoft.com\n"},
		{"update: a group of one domain", object(canopy.Group, "groupType", "-2147483646", "mail", "team@contoso.com", "mailNickname", "team", "legacyExchangeDN", "x"), Ask{Noun: Recipient, Verb: Update},
			types3("512", "1", "") + newest + "proxyAddresses: SMTP:team@contoso.com | smtp:team@contoso.mail.onmicrosoft.com\n"},
		{"update: a contact", object(canopy.Contact, "targetAddress", "SMTP:a@fabrikam.com", "mailNickname", "a", "legacyExchangeDN", "x"), Ask{Noun: Recipient, Verb: Update},
			"mail: a@fabrikam.com\n" + types3("64", "6", "") + newest + "proxyAddresses: SMTP:a@fabrikam.com | smtp:a@contoso.mail.onmicrosoft.com\n"},
		{"update: a mail user", plainUser("targetAddress", "SMTP:a@fabrikam.com", "mailNickname", "a", "legacyExchangeDN", "x"), Ask{Noun: Recipient, Verb: Update},
			"mail: a@fabrikam.com\n" + types3("128", "6", "") + newest + "proxyAddresses: SMTP:a@fabrikam.com | smtp:a@contoso.mail.onmicrosoft.com\n"},
		{"update: types that are lost come back", plainUser("msExchRemoteRecipientType", "36", "mailNickname", "anna", "legacyExchangeDN", "x"), Ask{Noun: RemoteMailbox, Verb: Update},
			"mail: anna@contoso.com\n" + types3("8589934592", "-2147481850", "") + newest + shownOne + routed},
		{"update: database, server and alias make a mailbox", plainUser("homeMDB", "CN=DB1,DC=contoso,DC=lab", "msExchHomeServerName", "x", "mailNickname", "anna", "legacyExchangeDN", "x"), Ask{Noun: Recipient, Verb: Update},
			"mail: anna@contoso.com\nmsExchMailboxGuid: " + mailboxOne + "\n" + types3("1", "1073741824", "") + newest + shownOne},
		{"update: a linked mailbox stays one", mailboxHereAs("2"), Ask{Noun: Mailbox, Verb: Update}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := Decide(c.o, c.ask, contoso, freshOnes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, after(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func mailboxHereAs(details string) *Object {
	o := mailboxHere()
	delete(o.Attrs, attrDetails)
	return object(canopy.User, "msExchRecipientTypeDetails", details).with(o)
}

// with takes over what another object has besides.
func (o *Object) with(more *Object) *Object {
	for name, v := range more.Attrs {
		if o.Attrs[name] == nil {
			o.Attrs[name] = v
		}
	}
	o.Links = more.Links
	return o
}

// TestRefused: what Exchange's commands refuse, each with its code.
func TestRefused(t *testing.T) {
	t.Parallel()
	yes := true
	nowhere := contoso
	nowhere.Coexistence, nowhere.Database = "", ""
	for _, c := range []struct {
		name string
		o    *Object
		ask  Ask
		org  Organisation
		code string
	}{
		{"a group", object(canopy.Group), Ask{Noun: RemoteMailbox, Verb: Enable}, contoso, "onprem-class"},
		{"remote already", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Enable}, contoso, "remote-mailbox-exists"},
		{"archived already", remoteOne("msExchRemoteRecipientType", "3"), Ask{Noun: RemoteMailbox, Verb: Enable, Archive: true}, contoso, "archive-exists"},
		{"a mailbox here", mailboxHere(), Ask{Noun: RemoteMailbox, Verb: Enable}, contoso, "mailbox-exists"},
		{"a mailbox here, again", mailboxHere(), Ask{Noun: Mailbox, Verb: Enable}, contoso, "mailbox-exists"},
		{"remote, and here", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: Mailbox, Verb: Enable}, contoso, "remote-mailbox-exists"},
		{"asked of the cloud, and here", plainUser("msExchRemoteRecipientType", "1"), Ask{Noun: Mailbox, Verb: Enable}, contoso, "remote-mailbox-exists"},
		{"a mail user", plainUser("msExchRecipientTypeDetails", "128"), Ask{Noun: RemoteMailbox, Verb: Enable}, contoso, "recipient-exists"},
		{"a shared mailbox whose account is enabled", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable, Kind: recipient.Shared}, contoso, "account-enabled"},
		{"no coexistence domain", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable}, nowhere, "no-routing-domain"},
		{"no database", plainUser(), Ask{Noun: Mailbox, Verb: Enable}, nowhere, "no-database"},
		{"not remote", plainUser(), Ask{Noun: RemoteMailbox, Verb: Disable}, contoso, "no-remote-mailbox"},
		{"not remote, to be set", mailboxHere(), Ask{Noun: RemoteMailbox, Verb: Set}, contoso, "no-remote-mailbox"},
		{"no mailbox", plainUser(), Ask{Noun: Mailbox, Verb: Disable}, contoso, "no-mailbox"},
		{"no mailbox to set", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: Mailbox, Verb: Set}, contoso, "no-mailbox"},
		{"no archive", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Disable, Archive: true}, contoso, "no-archive"},
		{"nothing to update", plainUser(), Ask{Noun: Recipient, Verb: Update}, contoso, "no-recipient"},
		{"another recipient", mailboxHere(), Ask{Noun: RemoteMailbox, Verb: Update}, contoso, "other-recipient"},
		{"an alias with a blank", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable, Alias: "an na"}, contoso, "alias"},
		{"an alias with a dot in front", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable, Alias: ".anna"}, contoso, "alias"},
		{"a long alias", plainUser(), Ask{Noun: RemoteMailbox, Verb: Enable, Alias: strings.Repeat("a", 65)}, contoso, "alias"},
		{"no address", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Set, Add: []string{"anna"}}, contoso, "address"},
		{"the primary address away", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Set, Remove: []string{"anna@contoso.com"}}, contoso, "address"},
		{"a primary address under a policy", remoteOne("msExchRemoteRecipientType", "1"), Ask{Noun: RemoteMailbox, Verb: Set, Primary: "a@contoso.com", Policy: &yes}, contoso, "address-policy"},
		{"recipients are not enabled", plainUser(), Ask{Noun: Recipient, Verb: Enable}, contoso, "onprem-verb"},
		{"no sign-in name", nil, Ask{Noun: RemoteMailbox, Verb: New, Account: Account{Name: "A", SAM: "a"}}, contoso, "onprem-account"},
		{"a long name", nil, Ask{Noun: RemoteMailbox, Verb: New, Account: Account{Name: strings.Repeat("a", 65), UPN: "a@b", SAM: "a"}}, contoso, "onprem-account"},
		{"a long account name", nil, Ask{Noun: RemoteMailbox, Verb: New, Account: Account{Name: "a", UPN: "a@b", SAM: strings.Repeat("a", 21)}}, contoso, "onprem-account"},
		{"a long display name", nil, Ask{Noun: RemoteMailbox, Verb: New, Account: Account{Name: "a", DisplayName: strings.Repeat("a", 257), UPN: "a@b", SAM: "a"}}, contoso, "onprem-account"},
	} {
		_, err := Decide(c.o, c.ask, c.org, freshOnes)
		if e, ok := err.(*canopy.Error); !ok || e.Code != c.code {
			t.Errorf("%s: got %v, want code %s", c.name, err, c.code)
		}
	}
}

// TestPolicy: templates make addresses; the policy decides the primary one, and who is excluded keeps what they have.
func TestPolicy(t *testing.T) {
	t.Parallel()
	org := contoso
	org.Templates = []string{"SMTP:%g.%s@contoso.com", "smtp:%1g%s@contoso.com", "smtp:%m@contoso.mail.onmicrosoft.com"}
	org.Policy, org.AddressLists = "{064E1A94-3199-49A7-9CB3-3CE3412424D6}", []string{"CN=All,DC=contoso,DC=lab", "CN=Users,DC=contoso,DC=lab"}
	org.Lacks = []canopy.Attr{attrVersion}
	s, err := Decide(plainUser("proxyAddresses", "SMTP:old@contoso.com", "showInAddressBook", "CN=Users,DC=contoso,DC=lab"), Ask{Noun: RemoteMailbox, Verb: Enable}, org, freshOnes)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(stampedOne, "mail: anna@", "mail: Anna.Novak@", 1) + "msExchPoliciesIncluded: 064e1a94-3199-49a7-9cb3-3ce3412424d6,{26491cfc-9e50-4857-861b-0cb8df22b5d7}\n" +
		types3("2147483648", "-2147483642", "1") +
		"proxyAddresses: smtp:old@contoso.com | SMTP:Anna.Novak@contoso.com | smtp:ANovak@contoso.com | smtp:anna@contoso.mail.onmicrosoft.com\n" +
		"showInAddressBook: CN=Users,DC=contoso,DC=lab | CN=All,DC=contoso,DC=lab\n" + routed
	if diff := cmp.Diff(want, after(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(s.Findings) != 1 || s.Findings[0].Attr != attrVersion {
		t.Errorf("got findings %v, want one of %s", s.Findings, attrVersion)
	}
	claims := []Claim{{canopy.AttrAddresses, "Anna.Novak@contoso.com"}, {canopy.AttrAddresses, "ANovak@contoso.com"}, {canopy.AttrAddresses, "anna@contoso.mail.onmicrosoft.com"}, {attrAlias, "anna"}}
	if diff := cmp.Diff(claims, s.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	e := s.Export()
	if got := e.Links[attrLists]; len(got.Added) != 1 || got.Added[0].DN != "CN=All,DC=contoso,DC=lab" || len(got.Removed) > 0 {
		t.Errorf("got links %v, want the missing list added", got)
	}
	if diff := cmp.Diff([]string{"SMTP:old@contoso.com"}, e.Compare[canopy.AttrAddresses].Strings()); diff != "" {
		t.Errorf("compared (-want +got):\n%s", diff)
	}
	if v, there := e.Compare[attrDetails]; !there || len(v) != 0 {
		t.Errorf("the absence of a value is not compared: %v", e.Compare)
	}
	for _, bad := range []string{"contoso.com", "SMTP:%m", "x500:%m@contoso.com", "SMTP:%q@contoso.com", "SMTP:%@contoso.com", "SMTP:a@%m"} {
		if CheckTemplate(bad) == nil {
			t.Errorf("%q was taken for a template", bad)
		}
	}
	if _, err := Decide(object(canopy.User, "userPrincipalName", "anna@contoso.com", "userAccountControl", "512"), Ask{Noun: RemoteMailbox, Verb: Enable}, org, freshOnes); err == nil || !strings.Contains(err.Error(), "givenName") {
		t.Errorf("a template without its value: got %v, want the attribute named", err)
	}
}

// TestNew: the account is made with its mailbox, all in one write, disabled where nobody signs in.
func TestNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		ask     Ask
		control string
	}{
		{"with a password", Ask{Account: Account{Password: "x"}}, "512"},
		{"without one", Ask{}, "514"},
		{"disabled", Ask{Account: Account{Password: "x", Disabled: true}}, "514"},
		{"shared", Ask{Kind: recipient.Shared, Account: Account{Password: "x"}}, "514"},
	} {
		c.ask.Noun, c.ask.Verb = RemoteMailbox, New
		c.ask.Account.Name, c.ask.Account.UPN, c.ask.Account.SAM, c.ask.Account.DN = "Anna Novak", "anna@contoso.com", "anna", "CN=Anna Novak,DC=contoso,DC=lab"
		c.ask.Account.GivenName, c.ask.Account.ResetPassword = "Anna", true
		s, err := Decide(nil, c.ask, contoso, freshOnes)
		if err != nil {
			t.Fatal(err)
		}
		e := s.Export()
		if e.Op != canopy.Add || e.Compare != nil || e.Ref.DN != c.ask.Account.DN || e.Class != canopy.User {
			t.Errorf("%s: got %+v", c.name, e)
		}
		if got := e.Set.Text(attrControl); got != c.control {
			t.Errorf("%s: got userAccountControl %s, want %s", c.name, got, c.control)
		}
		for attr, want := range map[canopy.Attr]string{"sAMAccountName": "anna", "userPrincipalName": "anna@contoso.com", "mailNickname": "anna", "pwdLastSet": "0", "displayName": "Anna Novak", "unicodePwd": c.ask.Account.Password} {
			if got := e.Set.Text(attr); got != want {
				t.Errorf("%s: got %s %q, want %q", c.name, attr, got, want)
			}
		}
	}
}

// TestColumns: the columns are the field's, with decoded types.
func TestColumns(t *testing.T) {
	t.Parallel()
	o := remoteOne("msExchRemoteRecipientType", "100", "msExchMailboxGuid", mailboxOne)
	got := map[string]string{}
	for _, c := range o.Columns() {
		got[c.Name] = c.Value
	}
	for name, want := range map[string]string{"RecipientType": "MailUser", "RecipientTypeDetails": "RemoteUserMailbox", "RecipientDisplayType": "SyncedMailboxUser",
		"RemoteRecipientType": "Migrated, SharedMailbox", "ExchangeGuid": mailboxOne, "ArchiveGuid": "00000000-0000-0000-0000-000000000000", "RemoteRoutingAddress": "anna@contoso.mail.onmicrosoft.com",
		"ExternalEmailAddress": "", "PrimarySmtpAddress": "anna@contoso.com", "EmailAddressPolicyEnabled": "True", "HiddenFromAddressListsEnabled": "False"} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	for class, want := range map[canopy.Class]string{canopy.User: "User", canopy.Contact: "Contact", canopy.Group: "Group"} {
		if got := object(class).Type(); got != want {
			t.Errorf("%s: got type %s, want %s", class, got, want)
		}
	}
}
