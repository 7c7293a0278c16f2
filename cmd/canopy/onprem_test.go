package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

// ground is a state directory with a forest and a tenant, for commands that write to the forest.
type ground struct {
	t      *testing.T
	dir    string
	forest *forest.Server
	config string // what the configuration says of the forest besides
}

const (
	groundPassword = "Passw0rd!"
	people         = "OU=People,DC=contoso,DC=lab"
	groundStore    = "exchange: {organisation: Contoso, database: 'CN=DB1,OU=Stores,DC=contoso,DC=lab', server: '/o=Contoso/cn=EX1', address_lists: ['CN=All,OU=Stores,DC=contoso,DC=lab']}"
)

func newGround(t *testing.T, exchange bool, config string) *ground {
	t.Helper()
	f, err := forest.Start(t.Context(), forest.Options{Domain: "contoso.lab", Exchange: exchange, Seed: 1,
		Accounts: []forest.Account{{Name: "canopy", Password: groundPassword, Rights: forest.Rights{Replicate: true, Write: true, Deleted: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	g := &ground{t: t, dir: t.TempDir(), forest: f, config: config}
	g.add(people, "objectClass", "organizationalUnit")
	g.add("OU=Stores,DC=contoso,DC=lab", "objectClass", "organizationalUnit")
	for _, name := range []string{"DB1", "All"} {
		g.add("CN="+name+",OU=Stores,DC=contoso,DC=lab", "objectClass", "container")
	}
	g.user("anna", "Anna Novak", 512)
	g.user("room", "Room One", 514)
	for name, text := range map[string]string{"ca.pem": string(f.CA()), "password": groundPassword, run.ConfigName: g.yaml(config)} {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := tenant.Open(t.Context(), filepath.Join(g.dir, run.TenantName), tenant.Options{Initial: "contoso.onmicrosoft.com", Durability: tenant.Volatile, Domains: []tenant.Domain{{Name: "contoso.com", Verified: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *ground) yaml(more string) string {
	return fmt.Sprintf("forests:\n- name: contoso.lab\n  servers: ['%s']\n  ca: ca.pem\n  bind: {account: 'CONTOSO\\canopy', password_file: password}\n  scope: {include: ['%s']}\n  %s\n"+
		"target: {initial: contoso.onmicrosoft.com, domains: [contoso.com]}\n", g.forest.URL(), people, strings.ReplaceAll(more, "\n", "\n  "))
}

func (g *ground) add(dn string, pairs ...string) {
	g.t.Helper()
	attrs := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		attrs[pairs[i]] = append(attrs[pairs[i]], pairs[i+1])
	}
	if err := g.forest.Add(dn, attrs); err != nil {
		g.t.Fatal(err)
	}
}

func (g *ground) user(name, cn string, control int) {
	g.t.Helper()
	g.add("CN="+cn+","+people, "objectClass", "user", "sAMAccountName", name, "userPrincipalName", name+"@contoso.com", "displayName", cn, "userAccountControl", fmt.Sprint(control))
}

func (g *ground) run(words ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	app := App{Out: &o, Err: &e, tenantOptions: tenantOptions()}
	code = app.Run(g.t.Context(), append([]string{"--dir", g.dir}, words...))
	return code, o.String(), e.String()
}

// must runs a command that goes well.
func (g *ground) must(words ...string) string {
	g.t.Helper()
	code, out, errs := g.run(words...)
	if code != exitDone {
		g.t.Fatalf("canopy %s: exit code %d\n%s%s", strings.Join(words, " "), code, out, errs)
	}
	return out
}

// fails runs a command that is refused with a code.
func (g *ground) fails(code string, words ...string) string {
	g.t.Helper()
	got, out, errs := g.run(append(words, "--json")...)
	var e struct{ Code, Error, Next string }
	if err := json.Unmarshal([]byte(out), &e); err != nil || got != exitFailed || e.Code != code {
		g.t.Fatalf("canopy %s: got exit code %d and code %q, want %q\n%s%s", strings.Join(words, " "), got, e.Code, code, out, errs)
	}
	return e.Error + " " + e.Next
}

// holds are attributes of an object of the forest, as lines.
func (g *ground) holds(dn string, attrs ...string) string {
	g.t.Helper()
	values, ok := g.forest.Object(dn, attrs...)
	if !ok {
		g.t.Fatalf("there is no %s", dn)
	}
	var b strings.Builder
	for _, a := range attrs {
		fmt.Fprintf(&b, "%s: %s\n", a, strings.Join(values[a], " | "))
	}
	return b.String()
}

const anna = "CN=Anna Novak," + people

// TestOnPremStamps: what is previewed is what is written, once, and the forest then holds it.
func TestOnPremStamps(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	enable := []string{"onprem", "remote-mailbox", "enable", "anna", "--archive", "--archive-guid", "064e1a94-3199-49a7-9cb3-3ce3412424d6", "--remote-routing-address", "anna@contoso.mail.onmicrosoft.com"}
	before := g.holds(anna, "mailNickname", "targetAddress", "msExchRemoteRecipientType")
	preview := g.must(append(enable, "--preview")...)
	for _, want := range []string{"msExchRemoteRecipientType", "3 ProvisionMailbox, ProvisionArchive", "2147483648 RemoteUserMailbox", "-2147483642 SyncedMailboxUser", "Nothing was written"} {
		if !strings.Contains(preview, want) {
			t.Errorf("the preview does not say %q:\n%s", want, preview)
		}
	}
	if after := g.holds(anna, "mailNickname", "targetAddress", "msExchRemoteRecipientType"); after != before {
		t.Errorf("the preview wrote:\n%s", after)
	}
	if out := g.must(enable...); !strings.Contains(out, "Written.") {
		t.Errorf("got %q", out)
	}
	want := "mailNickname: anna\ntargetAddress: SMTP:anna@contoso.mail.onmicrosoft.com\nproxyAddresses: SMTP:anna@contoso.com | smtp:anna@contoso.mail.onmicrosoft.com\nmail: anna@contoso.com\n" +
		"msExchRecipientTypeDetails: 2147483648\nmsExchRecipientDisplayType: -2147483642\nmsExchRemoteRecipientType: 3\nmsExchArchiveName: In-Place Archive - Anna Novak\n" +
		"showInAddressBook: CN=All,OU=Stores,DC=contoso,DC=lab\nmsExchMailboxGuid: \nhomeMDB: \nmsExchHomeServerName: \n"
	if diff := cmp.Diff(want, g.holds(anna, "mailNickname", "targetAddress", "proxyAddresses", "mail", "msExchRecipientTypeDetails", "msExchRecipientDisplayType",
		"msExchRemoteRecipientType", "msExchArchiveName", "showInAddressBook", "msExchMailboxGuid", "homeMDB", "msExchHomeServerName")); diff != "" {
		t.Errorf("the forest (-want +got):\n%s", diff)
	}
	for _, name := range []string{"anna", "anna@contoso.com", anna, "CONTOSO"} {
		code, out, _ := g.run("onprem", "remote-mailbox", "get", name, "--csv", "--select", "Name,RecipientType,RecipientTypeDetails,RemoteRecipientType,ArchiveGuid")
		if name == "CONTOSO" {
			if code != exitFailed {
				t.Errorf("%s was found", name)
			}
			continue
		}
		if want := "Name,RecipientType,RecipientTypeDetails,RemoteRecipientType,ArchiveGuid\nAnna Novak,MailUser,RemoteUserMailbox,\"ProvisionMailbox, ProvisionArchive\",064e1a94-3199-49a7-9cb3-3ce3412424d6\n"; out != want {
			t.Errorf("%s: got %q, want %q", name, out, want)
		}
	}
	g.fails("remote-mailbox-exists", "onprem", "remote-mailbox", "enable", "anna", "--remote-routing-address", "a@contoso.mail.onmicrosoft.com")
	if out := g.must("onprem", "recipient", "update", "anna"); !strings.Contains(out, "Nothing was written") {
		t.Errorf("an update of what is complete: %s", out)
	}
	g.must("onprem", "remote-mailbox", "set", "anna", "--exchange-guid", "03c9764e-8b8e-4f33-94d1-ef098c4de656", "--add-address", "a.novak@contoso.com")
	if out := g.must("onprem", "recipient", "get", "a.novak@contoso.com", "--select", "ExchangeGuid,EmailAddresses"); out != "ExchangeGuid   : 03c9764e-8b8e-4f33-94d1-ef098c4de656\nEmailAddresses : {SMTP:anna@contoso.com, smtp:anna@contoso.mail.onmicrosoft.com, smtp:a.novak@contoso.com}\n" {
		t.Errorf("by a secondary address: got %q", out)
	}
	g.must("onprem", "remote-mailbox", "disable", "anna")
	if got := g.holds(anna, "mailNickname", "msExchRemoteRecipientType", "msExchRecipientTypeDetails", "showInAddressBook"); got != "mailNickname: \nmsExchRemoteRecipientType: 24\nmsExchRecipientTypeDetails: \nshowInAddressBook: \n" {
		t.Errorf("disabled: got %q", got)
	}
	g.must("onprem", "mailbox", "enable", "room", "--room", "--exchange-guid", "f20047a9-3fd1-4906-8d98-188feacdd5b7")
	if got := g.must("onprem", "mailbox", "get", "room", "--select", "RecipientTypeDetails,RecipientDisplayType,ExchangeGuid,Database"); got != "RecipientTypeDetails : RoomMailbox\nRecipientDisplayType : ConferenceRoomMailbox\n"+
		"ExchangeGuid         : f20047a9-3fd1-4906-8d98-188feacdd5b7\nDatabase             : CN=DB1,OU=Stores,DC=contoso,DC=lab\n" {
		t.Errorf("a room: got %q", got)
	}
}

// TestOnPremRefuses: what stops a stamp before it is written.
func TestOnPremRefuses(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, groundStore)
	if says := g.fails("ad-read-only", "onprem", "mailbox", "enable", "anna"); !strings.Contains(says, "write: true") {
		t.Errorf("it does not say how writing is switched on: %s", says)
	}
	g.must("onprem", "mailbox", "enable", "anna", "--preview")
	g.fails("no-routing-domain", "onprem", "remote-mailbox", "enable", "anna")
	g.fails("no-such-object", "onprem", "recipient", "get", "nobody")
	g.fails("no-forest", "onprem", "recipient", "get", "anna", "--forest", "fabrikam.lab")
	g.fails(tenant.CodeNoRecipient, "onprem", "remote-mailbox", "get", "anna")
	g.user("anna2", "Anna Two", 512)
	if err := g.forest.Modify("CN=Anna Two,"+people, forest.Mod{Op: "replace", Attr: "proxyAddresses", Values: []string{"smtp:anna@contoso.com"}}); err != nil {
		t.Fatal(err)
	}
	if says := g.fails("value-taken", "onprem", "mailbox", "enable", "CN=Anna Novak,"+people, "--preview"); !strings.Contains(says, "CN=Anna Two") {
		t.Errorf("who has the address is not named: %s", says)
	}
	g.fails("several-objects", "onprem", "recipient", "get", "anna@contoso.com")
	without := newGround(t, false, "write: true\n"+groundStore)
	if says := without.fails("no-exchange-schema", "onprem", "mailbox", "enable", "anna"); !strings.Contains(says, "PrepareSchema") {
		t.Errorf("got %s", says)
	}
}

// TestSecondMailbox: who has a mailbox in the cloud does not get one in the forest, unless it is forced.
func TestSecondMailbox(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	g.must("plan")
	g.must("run", "--plan", "1")
	g.must("tenant", "user", "set", "anna@contoso.com", "--usage-location", "AT")
	g.must("tenant", "licence", "assign", "anna@contoso.com", "ENTERPRISEPACK")
	g.fails("cloud-mailbox-exists", "onprem", "mailbox", "enable", "anna") // it is on its way
	g.must("tenant", "forward")
	cloud := strings.TrimSpace(strings.Split(g.must("tenant", "recipient", "get", "anna@contoso.com", "--select", "ExchangeGuid"), ":")[1])
	says := g.fails("cloud-mailbox-exists", "onprem", "mailbox", "enable", "anna")
	if !strings.Contains(says, cloud) || !strings.Contains(says, "remote-mailbox enable") {
		t.Errorf("the mailbox %s or the way out is not named: %s", cloud, says)
	}
	g.fails("cloud-mailbox-exists", "onprem", "mailbox", "enable", "anna", "--preview")
	if out := g.must("onprem", "mailbox", "enable", "anna", "--force"); !strings.Contains(out, "DUAL_MAILBOX") || !strings.Contains(out, "Written.") {
		t.Errorf("forced: %s", out)
	}
	g.must("plan")
	g.must("run", "--plan", "2")
	g.must("tenant", "forward")
	if out := g.must("tenant", "recipient", "get", "anna@contoso.com", "--select", "RecipientType,ExchangeGuid,Findings"); out != "RecipientType : UserMailbox\nExchangeGuid  : "+cloud+"\nFindings      : {DUAL_MAILBOX}\n" {
		t.Errorf("in the tenant: got %q", out)
	}
}

// TestRemoteMailboxWithArchive is the first seed's story: a remote mailbox with an archive is synchronised and licensed, and
// both are there; a further cycle plans nothing.
func TestRemoteMailboxWithArchive(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	g.cycle() // the service makes the coexistence domain when synchronisation begins
	g.must("onprem", "remote-mailbox", "new", "Rita Remote", "--ou", people, "--upn", "rita@contoso.com", "--archive", "--archive-guid", "064e1a94-3199-49a7-9cb3-3ce3412424d6")
	if got := g.holds("CN=Rita Remote,"+people, "targetAddress", "proxyAddresses", "msExchRemoteRecipientType", "userAccountControl"); got !=
		"targetAddress: SMTP:rita@contoso.mail.onmicrosoft.com\nproxyAddresses: SMTP:rita@contoso.com | smtp:rita@contoso.mail.onmicrosoft.com\nmsExchRemoteRecipientType: 3\nuserAccountControl: 514\n" {
		t.Errorf("the forest: got %q", got)
	}
	g.cycle()
	g.licence("rita@contoso.com")
	if got := g.must("tenant", "recipient", "get", "rita@contoso.com", "--select", "RecipientType,RemoteRecipientType,ArchiveGuid,SKUAssigned"); got !=
		"RecipientType       : UserMailbox\nRemoteRecipientType : ProvisionMailbox, ProvisionArchive\nArchiveGuid         : 064e1a94-3199-49a7-9cb3-3ce3412424d6\nSKUAssigned         : True\n" {
		t.Errorf("the tenant: got %q", got)
	}
	if got := g.must("tenant", "mailbox", "list", "--all", "--csv", "--select", "Kind,State"); got != "Kind,State\npersonal,active\narchive,active\n" {
		t.Errorf("the mailboxes: got %q", got)
	}
	g.cycle()
	if got := g.must("run", "--json"); strings.Contains(got, `"plan":`) || !strings.Contains(got, `"exports":null,"links":null`) {
		t.Errorf("a further cycle planned something: %s", got)
	}
}

// cycle synchronises, and lets Exchange have what is on its way.
func (g *ground) cycle() {
	g.t.Helper()
	g.must("run")
	g.must("tenant", "forward")
}

// licence gives somebody a licence with Exchange, which is there then.
func (g *ground) licence(user string) {
	g.t.Helper()
	g.must("tenant", "user", "set", user, "--usage-location", "AT")
	g.must("tenant", "licence", "assign", user, "ENTERPRISEPACK")
	g.must("tenant", "forward")
}
