package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/e2e/samba"
	"github.com/canopy-sync/canopy/tenant"
)

// hybrid is one real forest with Exchange's schema that may be written to, and its tenant, after a first run.
func hybrid(t *testing.T, host uint8) (*rig, *site) {
	t.Helper()
	samba.Require(t)
	ctx := within(t)
	dc, err := samba.Start(ctx, samba.Options{Domain: "contoso.lab", Netbios: "CONTOSO", IP: samba.NetE2E.IP(host), Exchange: true, Templates: templates})
	must(t, err)
	t.Cleanup(func() {
		if err := dc.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &site{DC: dc, name: "contoso", reader: dc.Admin()}
	for _, ou := range []string{"People", "Stores"} {
		must(t, s.Add(ctx, samba.Object{DN: "OU=" + ou + "," + s.Base(), Attrs: map[string][]string{"objectClass": {"organizationalUnit"}}}))
	}
	for _, name := range []string{"DB1", "All"} {
		must(t, s.Add(ctx, samba.Object{DN: "CN=" + name + ",OU=Stores," + s.Base(), Attrs: map[string][]string{"objectClass": {"container"}}}))
	}
	_, err = s.AddUser(ctx, "OU=People,"+s.Base(), "anna", "Passw0rd-of-anna", map[string][]string{"userPrincipalName": {"anna@contoso.com"}, "displayName": {"Anna Novak"}})
	must(t, err)
	r := newRig(t, []*site{s})
	r.configure(t, func(c *config) {
		f := &c.Forests[0]
		f.Write, f.Scope = true, map[string][]string{"include": {"OU=People," + s.Base()}}
		f.Exchange = map[string]any{"organisation": "Contoso", "database": "CN=DB1,OU=Stores," + s.Base(), "server": "/o=Contoso/cn=EX1",
			"address_lists": []string{"CN=All,OU=Stores," + s.Base()}, "addresses": []string{"SMTP:%m@contoso.com", "smtp:%m@contoso.mail.onmicrosoft.com"}}
	})
	must(t, r.do(t, "run").ended())
	return r, s
}

// says runs a command that goes well, and gives what it printed.
func (r *rig) says(t *testing.T, words ...string) string {
	t.Helper()
	cmd, out, errs := r.command(t, within(t), words...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("canopy %s: %v\n%s%s", strings.Join(words, " "), err, tail(out), tail(errs))
	}
	return out.String()
}

// holds are attributes of an object of the forest, each with its values.
func (s *site) holds(t *testing.T, dn string, attrs ...string) map[string]string {
	t.Helper()
	e, err := s.Get(within(t), dn, attrs...)
	if err != nil || e == nil {
		t.Fatalf("read %s: %v", dn, err)
	}
	got := map[string]string{}
	for _, a := range attrs {
		if v := e.GetAttributeValues(a); len(v) > 0 {
			got[a] = strings.Join(v, " | ")
		}
	}
	return got
}

// TestRemoteMailbox is seed 000 on a real forest: a mailbox made for the cloud with an archive is synchronised and licensed,
// and mailbox and archive are there; what follows plans nothing. The forest takes every other stamp too, and the stories of
// the seeds 002 and 001 follow on it.
func TestRemoteMailbox(t *testing.T) {
	t.Parallel()
	r, s := hybrid(t, 41)
	password := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(password, []byte("Passw0rd-of-rita"), 0o600))
	r.says(t, "onprem", "remote-mailbox", "new", "Rita Remote", "--ou", "OU=People,"+s.Base(), "--upn", "rita@contoso.com", "--archive", "--password-file", password)
	rita := "CN=Rita Remote,OU=People," + s.Base()
	want := map[string]string{"mailNickname": "rita", "mail": "rita@contoso.com", "targetAddress": "SMTP:rita@contoso.mail.onmicrosoft.com", "msExchRemoteRecipientType": "3",
		"msExchRecipientTypeDetails": "2147483648", "msExchRecipientDisplayType": "-2147483642", "msExchArchiveName": "In-Place Archive - Rita Remote",
		"proxyAddresses": "SMTP:rita@contoso.com | smtp:rita@contoso.mail.onmicrosoft.com", "showInAddressBook": "CN=All,OU=Stores," + s.Base(), "userAccountControl": "512"}
	if diff := cmp.Diff(want, s.holds(t, rita, "mailNickname", "mail", "targetAddress", "msExchRemoteRecipientType", "msExchRecipientTypeDetails", "msExchRecipientDisplayType",
		"msExchArchiveName", "proxyAddresses", "showInAddressBook", "userAccountControl", "msExchMailboxGuid", "homeMDB")); diff != "" {
		t.Errorf("the forest (-want +got):\n%s", diff)
	}
	var here, there struct{ ArchiveGuid, RecipientType, RemoteRecipientType string }
	must(t, json.Unmarshal([]byte(r.says(t, "onprem", "remote-mailbox", "get", "rita", "--json")), &here))
	must(t, r.do(t, "run").ended())
	r.says(t, "tenant", "user", "set", "rita@contoso.com", "--usage-location", "AT")
	r.says(t, "tenant", "licence", "assign", "rita@contoso.com", "ENTERPRISEPACK")
	r.arrive(t)
	must(t, json.Unmarshal([]byte(r.says(t, "tenant", "recipient", "get", "rita@contoso.com", "--json", "--select", "RecipientType,RemoteRecipientType,ArchiveGuid")), &there))
	if there.RecipientType != "UserMailbox" || there.RemoteRecipientType != "ProvisionMailbox, ProvisionArchive" || there.ArchiveGuid != here.ArchiveGuid || here.ArchiveGuid == "" {
		t.Errorf("in the tenant: got %+v, in the forest %+v", there, here)
	}
	if n := strings.Count(r.says(t, "tenant", "mailbox", "list", "--all", "--csv"), "rita@contoso.com"); n != 2 {
		t.Errorf("got %d mailboxes of hers, want mailbox and archive", n)
	}
	must(t, r.do(t, "run").ended())
	if a := r.do(t, "run"); a.planned() > 0 {
		t.Errorf("a further run planned %d writes\n%s", a.planned(), a.text)
	}
	stampsAll(t, r, s)
	takesOver(t, r, s)
	repairs(t, r, s)
}

// stampsAll: a real forest takes a mailbox, its change, and its end.
func stampsAll(t *testing.T, r *rig, s *site) {
	t.Helper()
	anna := "CN=anna,OU=People," + s.Base()
	r.says(t, "onprem", "mailbox", "enable", "anna", "--exchange-guid", "f20047a9-3fd1-4906-8d98-188feacdd5b7")
	got := s.holds(t, anna, "homeMDB", "msExchRecipientTypeDetails", "msExchHomeServerName")
	if diff := cmp.Diff(map[string]string{"homeMDB": "CN=DB1,OU=Stores," + s.Base(), "msExchRecipientTypeDetails": "1", "msExchHomeServerName": "/o=Contoso/cn=EX1"}, got); diff != "" {
		t.Errorf("a mailbox in the forest (-want +got):\n%s", diff)
	}
	r.says(t, "onprem", "mailbox", "set", "anna", "--hidden", "--shared", "--disable-account", "--add-address", "a.novak@contoso.com")
	if diff := cmp.Diff(map[string]string{"msExchHideFromAddressLists": "TRUE", "msExchRecipientTypeDetails": "4", "userAccountControl": "514"},
		s.holds(t, anna, "msExchHideFromAddressLists", "msExchRecipientTypeDetails", "userAccountControl")); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	r.says(t, "onprem", "mailbox", "disable", "a.novak@contoso.com")
	if diff := cmp.Diff(map[string]string{}, s.holds(t, anna, "homeMDB", "msExchMailboxGuid", "msExchRecipientTypeDetails", "proxyAddresses", "showInAddressBook", "mail")); diff != "" {
		t.Errorf("disabled (-want +got):\n%s", diff)
	}
}

// takesOver is seed 002 on a real forest: somebody whom only the cloud has gets an account, and keeps id and mailbox.
func takesOver(t *testing.T, r *rig, s *site) {
	t.Helper()
	ctx := within(t)
	tn, err := tenant.Open(ctx, filepath.Join(r.dir, "tenant.db"), tenant.Options{})
	must(t, err)
	id, err := tn.Admin().CreateUser(ctx, canopy.Attrs{canopy.AttrUPN: canopy.Texts("mia@contoso.com"), "usageLocation": canopy.Texts("AT"), canopy.AttrDisplayName: canopy.Texts("Mia"),
		canopy.AttrAddresses: canopy.Texts("SMTP:mia@contoso.com"), canopy.AttrSourceAnchor: canopy.Texts("IkTni9mw7Ee4YefeGpz7IA==")})
	must(t, err)
	must(t, errors.Join(tn.Admin().AssignLicence(ctx, id, "ENTERPRISEPACK"), tn.Close()))
	r.arrive(t)
	const columns = "ExchangeGuid,RecipientType,ExternalDirectoryObjectId"
	before := r.says(t, "tenant", "mailbox", "get", "mia@contoso.com", "--select", columns)
	list := filepath.Join(t.TempDir(), "people.csv")
	must(t, os.WriteFile(list, []byte("UserPrincipalName,Alias\nmia@contoso.com,mia\n"), 0o600))
	if out := r.says(t, "onprem", "user", "import", list, "--ou", "OU=People,"+s.Base()); !strings.Contains(out, "created, repaired, matched") {
		t.Errorf("the import:\n%s", out)
	}
	r.arrive(t)
	if diff := cmp.Diff(before, r.says(t, "tenant", "mailbox", "get", "mia@contoso.com", "--select", columns)); diff != "" {
		t.Errorf("mia in the tenant (-before +after):\n%s", diff)
	}
	c := r.byAnchor(t, anchorOf(t, s, "CN=Mia,OU=People,"+s.Base()))
	if c == nil || c.Anchor != id {
		t.Errorf("the account's anchor is not the user's: %+v", c)
	}
}

// repairs is seed 001 on a real forest: two mailboxes become one.
func repairs(t *testing.T, r *rig, s *site) {
	t.Helper()
	_, err := s.AddUser(within(t), "OU=People,"+s.Base(), "ben", "Passw0rd-of-ben", map[string][]string{"userPrincipalName": {"ben@contoso.com"}, "displayName": {"Ben"}})
	must(t, err)
	must(t, r.do(t, "run").ended())
	r.says(t, "tenant", "user", "set", "ben@contoso.com", "--usage-location", "AT")
	r.says(t, "tenant", "licence", "assign", "ben@contoso.com", "ENTERPRISEPACK")
	r.arrive(t)
	r.says(t, "onprem", "mailbox", "enable", "ben", "--force", "--exchange-guid", "064e1a94-3199-49a7-9cb3-3ce3412424d6")
	must(t, r.do(t, "run").ended())
	r.arrive(t)
	if got := r.says(t, "tenant", "recipient", "get", "ben@contoso.com", "--select", "Findings"); got != "Findings : {DUAL_MAILBOX}\n" {
		t.Errorf("ben has no two mailboxes: %s", got)
	}
	r.says(t, "tenant", "mailbox", "repair", "ben@contoso.com", "--yes", "--hurry")
	if got := r.says(t, "tenant", "recipient", "get", "ben@contoso.com", "--select", "RecipientType,ExchangeGuid,SKUAssigned"); got !=
		"RecipientType : MailUser\nExchangeGuid  : 064e1a94-3199-49a7-9cb3-3ce3412424d6\nSKUAssigned   : True\n" {
		t.Errorf("ben after the repair: %s", got)
	}
	if got := r.says(t, "check", "mailboxes"); got != "Nobody has two mailboxes.\n" {
		t.Errorf("after the repair: %s", got)
	}
}
