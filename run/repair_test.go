package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/onprem"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// estate is a forest with a group that licences come from, its tenant hours away from Exchange, and a clock.
type estate struct {
	t      *testing.T
	dir    string
	forest *forest.Server
	now    time.Time
	l      *Local
}

const (
	estatePeople = "OU=People,DC=contoso,DC=lab"
	estateAnna   = "CN=Anna," + estatePeople
	estateGroup  = "CN=Licensed," + estatePeople
	forestBox    = "064e1a94-3199-49a7-9cb3-3ce3412424d6"
)

func newEstate(t *testing.T, seed func(ctx context.Context, a *tenant.Admin) error) *estate {
	t.Helper()
	e := &estate{t: t, dir: t.TempDir(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	const password = "Passw0rd!"
	var err error
	e.forest, err = forest.Start(t.Context(), forest.Options{Domain: "contoso.lab", Exchange: true, Seed: 1, Clock: e.clock,
		Accounts: []forest.Account{{Name: "canopy", Password: password, Rights: forest.Rights{Replicate: true, Write: true, Deleted: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.close(); e.forest.Close() })
	for dn, attrs := range map[string]map[string][]string{
		estatePeople:                  {"objectClass": {"organizationalUnit"}},
		"OU=Stores,DC=contoso,DC=lab": {"objectClass": {"organizationalUnit"}},
	} {
		e.ok(e.forest.Add(dn, attrs))
	}
	e.ok(e.forest.Add("CN=DB1,OU=Stores,DC=contoso,DC=lab", map[string][]string{"objectClass": {"container"}}))
	e.ok(e.forest.Add(estateAnna, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"anna"}, "userPrincipalName": {"anna@contoso.com"}, "displayName": {"Anna"}, "userAccountControl": {"512"},
		"proxyAddresses": {"SMTP:anna@contoso.com"}, "mail": {"anna@contoso.com"}, "msExchUsageLocation": {"AT"}}))
	e.ok(e.forest.Add(estateGroup, map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"Licensed"}, "displayName": {"Licensed"}, "groupType": {"-2147483646"}, "member": {estateAnna}}))
	config := fmt.Sprintf("forests:\n- name: contoso.lab\n  servers: ['%s']\n  ca: ca.pem\n  bind: {account: 'CONTOSO\\canopy', password_file: password}\n  scope: {include: ['%s']}\n  write: true\n"+
		"  exchange: {database: 'CN=DB1,OU=Stores,DC=contoso,DC=lab', server: '/o=Contoso/cn=EX1'}\ntarget: {initial: contoso.onmicrosoft.com, domains: [contoso.com]}\n", e.forest.URL(), estatePeople)
	for name, text := range map[string]string{"ca.pem": string(e.forest.CA()), "password": password, ConfigName: config} {
		e.ok(os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o600))
	}
	w, err := tenant.Open(t.Context(), filepath.Join(e.dir, TenantName), tenant.Options{Clock: e.clock, Initial: "contoso.onmicrosoft.com", Domains: []tenant.Domain{{Name: "contoso.com", Verified: true}}, Seed: seed})
	e.ok(err)
	s := w.Admin().ExchangeSettings()
	s.ForwardDelay = tenant.Period(5 * time.Hour)
	e.ok(errors.Join(w.Admin().SetExchangeSettings(t.Context(), s, false), w.Close()))
	e.open()
	return e
}

func (e *estate) clock() time.Time { return e.now }

func (e *estate) ok(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *estate) open() {
	e.t.Helper()
	var err error
	e.l, err = Open(context.WithoutCancel(e.t.Context()), OpenOptions{Dir: e.dir, Command: "test", Clock: e.clock})
	e.ok(err)
}

func (e *estate) close() {
	if e.l != nil {
		_ = e.l.Close() // the test is over
		e.l = nil
	}
}

// cycle synchronises, and lets the hours pass that Exchange takes.
func (e *estate) cycle() {
	e.t.Helper()
	r, err := e.l.Cycle(e.t.Context(), Options{})
	e.ok(err)
	if len(r.Stopped) > 0 || len(r.Failures()) > 0 {
		e.t.Fatalf("the cycle did not go through: %+v", r)
	}
	e.pass()
}

// pass lets everything arrive that is on its way.
func (e *estate) pass() {
	e.t.Helper()
	for {
		f, err := e.l.Tenant.Tick(e.t.Context())
		e.ok(err)
		if f.Waiting == 0 {
			return
		}
		e.now = f.Next
	}
}

// mailbox stamps a mailbox on Anna's account, as somebody does who does not know of the cloud.
func (e *estate) mailbox() {
	e.t.Helper()
	cfg, err := LoadConfig(filepath.Join(e.dir, ConfigName))
	e.ok(err)
	w := Wish{Identity: "anna@contoso.com", Force: true, Ask: onprem.Ask{Noun: onprem.Mailbox, Verb: onprem.Enable}}
	w.Ask.MailboxGUID, err = exchange.ParseGUID(forestBox)
	e.ok(err)
	_, err = e.l.OnPrem(cfg).Do(e.t.Context(), w)
	e.ok(err)
}

func (e *estate) recipient() *tenant.RecipientView {
	e.t.Helper()
	v, err := e.l.Tenant.Admin().Recipient(e.t.Context(), "anna@contoso.com", tenant.Everybody)
	e.ok(err)
	return v
}

func (e *estate) options() RepairOptions {
	e.t.Helper()
	cfg, err := LoadConfig(filepath.Join(e.dir, ConfigName))
	e.ok(err)
	return RepairOptions{Dir: e.dir, Config: cfg, Wait: func(_ context.Context, until time.Time) error {
		if until.After(e.now) {
			e.now = until
		}
		return nil
	}}
}

// doubled proves that she has two mailboxes.
func (e *estate) doubled() {
	e.t.Helper()
	v := e.recipient()
	if len(v.Findings) != 1 || v.Findings[0].Code != exchange.DualMailbox {
		e.t.Fatalf("she should have two mailboxes: %s %s, %v", v.Details, v.ExchangeGUID, v.Findings)
	}
}

// repaired proves that the forest's mailbox is the only one, that she has her licence, and that nothing is left to do.
func (e *estate) repaired() {
	e.t.Helper()
	e.pass()
	v := e.recipient()
	if v.Details != exchange.MailUser || v.ExchangeGUID.String() != forestBox || v.SKUAssigned != exchange.Assigned || len(v.Findings) > 0 {
		e.t.Errorf("got %s %s, licence %q, findings %v; want a mail user with %s", v.Details, v.ExchangeGUID, v.SKUAssigned, v.Findings, forestBox)
	}
	left, err := filepath.Glob(filepath.Join(e.dir, "repair-*"))
	if err != nil || len(left) > 0 {
		e.t.Errorf("notes are left: %v %v", left, err)
	}
	steps, err := e.l.Repair(e.t.Context(), "anna@contoso.com", e.options())
	if err != nil || len(steps) != 1 || steps[0].Do != onprem.StepDone {
		e.t.Errorf("again: got %v, %v, want nothing to do", steps, err)
	}
	cfg := e.options().Config
	if found, err := e.l.OnPrem(cfg).Mailboxes(e.t.Context()); err != nil || len(found) > 0 {
		e.t.Errorf("got %v, %v, want nobody with two mailboxes", found, err)
	}
}

// licensedByGroup is the first seed's second story: the group in the forest gives the licence, the cloud the mailbox, and then
// somebody makes one in the forest.
func licensedByGroup(t *testing.T) *estate {
	e := newEstate(t, nil)
	e.cycle()
	admin := e.l.Tenant.Admin()
	var group canopy.Anchor
	e.ok(admin.List(t.Context(), false, func(o *tenant.Object) error {
		if o.Class == canopy.Group {
			group = o.ID
		}
		return nil
	}))
	e.ok(admin.AssignLicence(t.Context(), group, "ENTERPRISEPACK"))
	e.cycle()
	if v := e.recipient(); v.Details != exchange.UserMailbox {
		t.Fatalf("the group's licence makes no mailbox: %s", v.Details)
	}
	e.mailbox()
	e.cycle()
	e.doubled()
	return e
}

// TestRepair: the steps of the seeds, in their order, over hours.
func TestRepair(t *testing.T) {
	t.Parallel()
	e := licensedByGroup(t)
	steps, err := e.l.Repair(t.Context(), "anna@contoso.com", e.options())
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, s := range steps {
		did = append(did, strings.TrimSpace(s.Do+" "+s.For))
	}
	if got, want := strings.Join(did, ", "), "unlicense, cycle unlicense, wait, clear, cycle clear, license, cycle license, wait, done"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	e.repaired()
	if m, _ := e.forest.Object(estateGroup, "member"); len(m["member"]) != 1 || m["member"][0] != estateAnna {
		t.Errorf("the group in the forest has %v", m["member"])
	}
}

var errStopped = errors.New("stopped here")

// TestRepairKilled: stopped before every step, and as if killed between an act and its note, it goes on and ends as it should.
func TestRepairKilled(t *testing.T) {
	t.Parallel()
	for _, forgetful := range []bool{false, true} {
		t.Run(fmt.Sprintf("forgetful=%v", forgetful), func(t *testing.T) {
			t.Parallel()
			e := licensedByGroup(t)
			note := func() []byte {
				names, err := filepath.Glob(filepath.Join(e.dir, "repair-*.json"))
				e.ok(err)
				if len(names) == 0 {
					return nil
				}
				text, err := os.ReadFile(names[0])
				e.ok(err)
				return text
			}
			forgot := map[string]bool{}
			for round := 0; ; round++ {
				if round > 40 {
					t.Fatal("the repair does not end")
				}
				o := e.options()
				var before []byte
				done, step := 0, onprem.Step{}
				o.Each = func(s onprem.Step) error {
					if done++; done == 2 {
						return errStopped
					}
					before, step = note(), s
					return nil
				}
				_, err := e.l.Repair(t.Context(), "anna@contoso.com", o)
				if err == nil {
					break
				}
				if !errors.Is(err, errStopped) {
					t.Fatal(err)
				}
				if key := step.Do + step.For; forgetful && !forgot[key] && before != nil {
					forgot[key] = true
					names, _ := filepath.Glob(filepath.Join(e.dir, "repair-*.json"))
					e.ok(os.WriteFile(names[0], before, 0o600))
				}
				e.close()
				e.open()
			}
			e.repaired()
		})
	}
}

// TestRepairMailboxOfBefore is the third seed: there had been a mailbox in the cloud before, the licence was taken away, the
// account was matched, and the licence made a new mailbox although the forest's was known.
func TestRepairMailboxOfBefore(t *testing.T) {
	t.Parallel()
	var id canopy.Anchor
	e := newEstate(t, func(ctx context.Context, a *tenant.Admin) (err error) {
		id, err = a.CreateUser(ctx, canopy.Attrs{canopy.AttrUPN: canopy.Texts("anna@contoso.com"), "usageLocation": canopy.Texts("AT"), canopy.AttrDisplayName: canopy.Texts("Anna"),
			canopy.AttrAddresses: canopy.Texts("SMTP:anna@contoso.com")})
		if err != nil {
			return err
		}
		return a.AssignLicence(ctx, id, "ENTERPRISEPACK")
	})
	e.now = e.now.Add(24 * time.Hour)
	e.pass()
	admin := e.l.Tenant.Admin()
	e.ok(admin.RemoveLicence(t.Context(), id, "ENTERPRISEPACK"))
	e.pass()
	e.mailbox()
	e.cycle()
	e.ok(admin.AssignLicence(t.Context(), id, "ENTERPRISEPACK"))
	e.pass()
	e.doubled()
	if got := e.recipient().Row; got != "D4" {
		t.Errorf("she has the second mailbox by row %s, want D4", got)
	}
	if _, err := e.l.Repair(t.Context(), "anna@contoso.com", e.options()); err != nil {
		t.Fatal(err)
	}
	e.repaired()
	if got := e.recipient().ID; got != id {
		t.Errorf("she is another object: %s, want %s", got, id)
	}
}

// TestRepairRefuses: where the forest's GUID does not reach the cloud the licence is not given back, and it goes on when it
// does; who has nothing to be repaired is said to be so.
func TestRepairRefuses(t *testing.T) {
	t.Parallel()
	e := licensedByGroup(t)
	hide := func(on bool) { // the forest has another GUID than the one that was synchronised
		guid := forestBox
		if on {
			guid = "f20047a9-3fd1-4906-8d98-188feacdd5b7"
		}
		e.ok(e.forest.Modify(estateAnna, forest.Mod{Op: "replace", Attr: "msExchMailboxGuid", Values: []string{guid}}))
	}
	o := e.options()
	o.Each = func(s onprem.Step) error {
		if s.Do == onprem.StepLicense {
			hide(true)
			return errStopped
		}
		return nil
	}
	if _, err := e.l.Repair(t.Context(), "anna@contoso.com", o); !errors.Is(err, errStopped) {
		t.Fatalf("got %v", err)
	}
	o.Each = nil
	var stopped *canopy.Error
	if _, err := e.l.Repair(t.Context(), "anna@contoso.com", o); !errors.As(err, &stopped) || stopped.Code != "guid-not-synchronised" || !strings.Contains(stopped.Text, forestBox) {
		t.Fatalf("got %v, want the licence kept back and both GUIDs", err)
	}
	if u, err := e.l.Tenant.Admin().Find(t.Context(), "anna@contoso.com"); err != nil || u.HasExchangePlan() {
		t.Errorf("she has a licence again: %v", err)
	}
	hide(false)
	if _, err := e.l.Repair(t.Context(), "anna@contoso.com", o); err != nil {
		t.Fatal(err)
	}
	e.repaired()
	e.ok(e.forest.Add("CN=Ben,"+estatePeople, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"ben"}, "userPrincipalName": {"ben@contoso.com"}, "userAccountControl": {"512"}}))
	e.cycle()
	if _, err := e.l.Repair(t.Context(), "ben@contoso.com", o); !errors.As(err, &stopped) || stopped.Code != "no-forest-mailbox" {
		t.Errorf("of somebody without a mailbox: got %v", err)
	}
	if _, err := e.l.Repair(t.Context(), "nobody", o); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("of nobody: got %v", err)
	}
}
