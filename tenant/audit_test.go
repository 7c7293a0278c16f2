package tenant

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/exchange"
)

// TestEveryActIsAudited: each thing that an administrator can do leaves one record with who, what, whom, and what changed from
// what to what; doing it again, where that changes nothing, leaves none; and what is refused leaves none.
func TestEveryActIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, olga := context.Background(), w.Admin().As(Actor{Name: "olga"})
	anna := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com", "usageLocation", "AT"))
	forest := w.forestPerson("forest", "00000000-bbbb-4000-8000-000000000001")
	contact := w.done(add(canopy.Contact, "Qw==", "displayName", "C"))
	team := must(olga.Create(ctx, canopy.Group, attrs("displayName", "Team")))(t)
	w.license(anna, "E3")
	w.license(forest, "E3")
	w.arrive()
	on, off := true, false
	g := must(exchange.ParseGUID("00000000-0000-4000-8000-000000000001"))(t)
	settings := func(change func(*ExchangeSettings)) func() error {
		return func() error {
			s := olga.ExchangeSettings()
			change(&s)
			return olga.SetExchangeSettings(ctx, s, true)
		}
	}
	switches := func(change func(*Switches)) func() error {
		return func() error {
			s := olga.Switches()
			change(&s)
			return olga.SetSwitches(ctx, s)
		}
	}
	mailbox := func(c MailboxChange) func() error { return func() error { return olga.SetMailbox(ctx, "anna", c) } }
	move := func(do func(context.Context, string) (*Move, error)) func() error {
		return func() error { _, err := do(ctx, "forest"); return err }
	}
	for _, c := range []struct {
		what  string
		do    func() error
		again bool   // doing it again is an act again
		want  string // activity, target, and one of the changes
	}{
		{"a user is changed", func() error { return olga.SetAttributes(ctx, anna, attrs("displayName", "Anna")) }, false, "Update user anna@contoso.com displayName: [] -> [Anna]"},
		{"a role", func() error { return olga.AssignRole(ctx, anna, "Reader") }, false, "Add member to role anna@contoso.com directoryRoles: [] -> [Reader]"},
		{"no role", func() error { return olga.RemoveRole(ctx, anna, "Reader") }, false, "Remove member from role anna@contoso.com directoryRoles: [Reader] -> []"},
		{"a licence", func() error { return olga.AssignLicence(ctx, anna, "AAD_PREMIUM") }, false, "Change user license anna@contoso.com assignedLicenses: [ENTERPRISEPACK] -> [AAD_PREMIUM ENTERPRISEPACK]"},
		{"a group's licence", func() error { return olga.AssignLicence(ctx, team, "E3") }, false, "Change group license Team assignedLicenses: [] -> [ENTERPRISEPACK]"},
		{"licences again", func() error { _, err := olga.Reprocess(ctx, anna); return err }, true, "Reprocess group licenses anna@contoso.com "},
		{"everybody's licences again", func() error { _, err := olga.Reprocess(ctx, ""); return err }, true, "Reprocess group licenses contoso.onmicrosoft.com "},
		{"units", func() error { return olga.SetUnits(ctx, "E5", 7) }, true, "Update subscription contoso.onmicrosoft.com ENTERPRISEPREMIUM: [10000] -> [7]"},
		{"a member", func() error { return olga.AddToGroup(ctx, team, forest) }, true, "Update group Team member: [] -> [" + string(forest) + "]"},
		{"an address", mailbox(MailboxChange{AddAddresses: []string{"a.novak@contoso.com"}}), false, "Set-Mailbox anna@contoso.com EmailAddresses: [SMTP:anna@contoso.com smtp:anna@contoso.onmicrosoft.com] -> [SMTP:anna@contoso.com smtp:a.novak@contoso.com smtp:anna@contoso.onmicrosoft.com]"},
		{"hidden", mailbox(MailboxChange{Hidden: &on}), false, "Set-Mailbox anna@contoso.com HiddenFromAddressListsEnabled: [False] -> [True]"},
		{"shared", mailbox(MailboxChange{Kind: exchange.Shared}), false, "Set-Mailbox anna@contoso.com RecipientTypeDetails: [UserMailbox] -> [SharedMailbox]"},
		{"on hold", mailbox(MailboxChange{Held: &on}), false, "Set-Mailbox anna@contoso.com LitigationHoldEnabled " + g.String() + ": [] -> [True]"},
		{"no hold", mailbox(MailboxChange{Held: &off}), false, "Set-Mailbox anna@contoso.com LitigationHoldEnabled " + g.String() + ": [True] -> []"},
		{"marked", mailbox(MailboxChange{Content: "letters"}), false, "Set-Mailbox anna@contoso.com content of " + g.String() + ": [] -> [letters]"},
		{"a move", func() error {
			_, err := olga.NewMove(ctx, "forest", MoveRequest{Direction: exchange.ToCloud, Hold: true})
			return err
		}, false, "New-MoveRequest forest@contoso.com moveStatus: [] -> [Created]"},
		{"a move begins", move(olga.StartMove), false, "Resume-MoveRequest forest@contoso.com moveStatus: [Created] -> [Syncing]"},
		{"a move is forgotten", func() error { return olga.RemoveMove(ctx, "forest") }, false, "Remove-MoveRequest forest@contoso.com moveStatus: [Syncing] -> []"},
		{"how Exchange decides", settings(func(s *ExchangeSettings) { s.PreviousBug = false }), false, "Set-OrganizationConfig contoso.onmicrosoft.com legacyPrevBug: [true] -> [false]"},
		{"how long it takes", settings(func(s *ExchangeSettings) { s.ForwardDelay = Period(time.Minute) }), false, "Set-OrganizationConfig contoso.onmicrosoft.com forwardDelay: [10s] -> [1m0s]"},
		{"a switch", switches(func(s *Switches) { s.BlockSoftMatch = true }), false, "Set DirSync feature contoso.onmicrosoft.com blockSoftMatch: [false] -> [true]"},
		{"the policy", func() error { return olga.SetPolicy(ctx, UniqueQuarantine) }, false, "Set uniqueness policy contoso.onmicrosoft.com uniqueness: [fail] -> [quarantine]"},
		{"a domain", func() error { return olga.AddDomain(ctx, "fabrikam.com") }, false, "Add unverified domain contoso.onmicrosoft.com domain: [] -> [fabrikam.com]"},
		{"a verified domain", func() error { return olga.VerifyDomain(ctx, "fabrikam.com") }, true, "Verify domain contoso.onmicrosoft.com domain: [] -> [fabrikam.com]"},
		{"a federated domain", func() error { return olga.SetFederated(ctx, "fabrikam.com", true) }, true, "Set domain authentication contoso.onmicrosoft.com domain: [] -> [fabrikam.com]"},
		{"given to the cloud", func() error {
			return olga.SetCloudManaged(ctx, contact, true)
		}, false, "Change Source of Authority from AD to cloud C cloudMastered: [FALSE] -> [TRUE]"},
		{"no licences", func() error { return olga.License(ctx, anna, nil, []string{"E3", "AAD_PREMIUM"}) }, false, "Change user license anna@contoso.com assignedLicenses: [AAD_PREMIUM ENTERPRISEPACK] -> []"},
		{"personal again", mailbox(MailboxChange{Kind: exchange.Personal}), false, "Set-Mailbox anna@contoso.com RecipientTypeDetails: [SharedMailbox] -> [User]"},
		{"forgotten", func() error { return olga.ClearPrevious(ctx, "anna") }, false, "Set-User -PermanentlyClearPreviousMailboxInfo anna@contoso.com PreviousRecipientTypeDetails: [UserMailbox] -> [MailUser]"},
		{"deleted", func() error { return olga.Delete(ctx, anna) }, false, "Delete user anna@contoso.com "},
		{"restored", func() error { return olga.Restore(ctx, anna) }, false, "Restore user anna@contoso.com "},
		{"deleted for good", func() error { return olga.HardDelete(ctx, anna) }, false, "Hard Delete user anna@contoso.com "},
		{"no synchronisation", func() error { return olga.SetSynchronization(ctx, false) }, false, "Set DirSyncEnabled flag contoso.onmicrosoft.com onPremisesSyncEnabled: [true] -> [false]"},
	} {
		before := len(must(olga.log(ctx, ""))(t))
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		log := must(olga.log(ctx, ""))(t)
		if len(log) == before {
			t.Errorf("%s: no record", c.what)
			continue
		}
		found := ""
		for _, one := range log[:len(log)-before] {
			text := one.Activity + " " + one.Label + " "
			if len(one.Changed) == 0 && text == c.want {
				found = text
			}
			for _, m := range one.Changed {
				if line := fmt.Sprintf("%s%s: %v -> %v", text, m.Attr, m.Old, m.New); found == "" || line == c.want {
					found = line
				}
			}
			if one.Actor.Name != "olga" && strings.HasPrefix(c.want, one.Activity) {
				t.Errorf("%s: done by %q", c.what, one.Actor.Name)
			}
		}
		if !strings.HasPrefix(found, c.want) {
			t.Errorf("%s (-want +got):\n%s", c.what, cmp.Diff(c.want, found))
		}
		before = len(log)
		if _ = c.do(); !c.again && len(must(olga.log(ctx, ""))(t)) != before {
			t.Errorf("%s: doing it again, to no effect, left a record", c.what)
		}
	}
}

// TestStoreActsAreAudited: what is done to mailboxes of people who are gone, and to programs, is audited too.
func TestStoreActsAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.NewGUID = ids() })
	ctx, a := context.Background(), w.Admin()
	held := true
	var people []canopy.Anchor
	for _, name := range []string{"anna", "bert"} {
		id := w.cloudUser(attrs("userPrincipalName", name+"@contoso.com"))
		w.license(id, "E3")
		people = append(people, id)
	}
	w.arrive()
	w.ok(a.SetMailbox(ctx, "anna", MailboxChange{Held: &held, Content: "letters"}))
	w.ok(a.Delete(ctx, people[0]))
	w.ok(a.HardDelete(ctx, people[0]))
	w.arrive()
	g := must(exchange.ParseGUID("00000000-0000-4000-8000-000000000001"))(t)
	last := func(want string) {
		t.Helper()
		one := must(a.log(ctx, ""))(t)[0]
		if got := fmt.Sprintf("%s %s %v", one.Activity, one.Label, one.Changed); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	w.ok(a.RestoreMailbox(ctx, g, "bert"))
	last("New-MailboxRestoreRequest bert@contoso.com [{content of 00000000-0000-4000-8000-000000000002 [] [letters]}]")
	w.ok(a.ReleaseHold(ctx, g))
	last("Set-Mailbox -LitigationHoldEnabled contoso.onmicrosoft.com [{LitigationHoldEnabled " + g.String() + " [True] []} {mailbox " + g.String() + " [inactive personal] [soft-deleted personal]}]")
	w.ok(a.PurgeMailbox(ctx, g))
	last("Remove-Mailbox -PermanentlyDelete contoso.onmicrosoft.com [{content of " + g.String() + " [letters] []} {mailbox " + g.String() + " [soft-deleted personal] [purged personal]}]")
	app, _, err := w.Directory().AddApp(ctx, "reporting", []string{"User.Read.All"}, nil)
	w.ok(err)
	last("Add application contoso.onmicrosoft.com [{displayName [] [reporting]} {appId [] [" + app.ID + "]} {appRoles [] [User.Read.All]}]")
	w.ok(w.Directory().RemoveApp(ctx, "reporting"))
	last("Delete application contoso.onmicrosoft.com [{displayName [reporting] []} {appId [" + app.ID + "] []} {appRoles [User.Read.All] []}]")
}

// TestReleaseIsAudited: within the hour after a value became free the service gives it, and says so.
func TestReleaseIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quarantine)
	anna := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	bert := w.done(add(canopy.User, "Qg==", "userPrincipalName", "bert@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	w.done(remove(anna))
	if o := w.get(bert); len(o.ProvisioningErrors()) != 1 {
		t.Fatalf("got %+v, want the address withheld", o.ProvisioningErrors())
	}
	w.time.Add(time.Hour)
	must(w.Tick(context.Background()))(t)
	if o := w.get(bert); len(o.ProvisioningErrors()) != 0 || o.Cloud.Text(cloudMail) != "anna@contoso.com" {
		t.Errorf("an hour later: got %+v and %s, want the address", o.ProvisioningErrors(), o.Cloud.Text(cloudMail))
	}
	log := must(w.Admin().log(context.Background(), bert))(t)
	if len(log) != 1 || log[0].Actor.Name != "duplicate attribute resiliency" || log[0].Activity != "Update user" {
		t.Errorf("got %+v, want the release by the service", log)
	}
}

// TestPolicyIsSet: what is withheld and may be held twice by now is given when the policy says so, and a policy outlives the process.
func TestPolicyIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quarantine)
	ctx := context.Background()
	w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	bert := w.done(add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	w.opt.Policy = ""
	w.ok(w.Admin().SetPolicy(ctx, UniqueNone))
	w.reopen()
	if got := w.Admin().Policy(); got != UniqueNone {
		t.Errorf("got the policy %q, want none", got)
	}
	o := w.get(bert)
	if errs := o.ProvisioningErrors(); len(errs) != 1 || errs[0].Property != propertyUPN || o.Cloud.Text(cloudMail) != "anna@contoso.com" {
		t.Errorf("got %+v and %s, want the address given and the sign-in name withheld", errs, o.Cloud.Text(cloudMail))
	}
	if err := w.Admin().SetPolicy(ctx, "maybe"); canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("no such policy: got %v", err)
	}
}
