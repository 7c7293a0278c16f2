package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

// inCloud works on the tenant of a ground.
func (g *ground) inCloud(fn func(ctx context.Context, a *tenant.Admin) error) {
	g.t.Helper()
	w, err := tenant.Open(g.t.Context(), filepath.Join(g.dir, run.TenantName), tenant.Options{Durability: tenant.Volatile})
	if err != nil {
		g.t.Fatal(err)
	}
	if err := fn(g.t.Context(), w.Admin()); err != nil {
		g.t.Fatal(err)
	}
	if _, err := w.Hurry(g.t.Context(), ""); err != nil {
		g.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		g.t.Fatal(err)
	}
}

// bornInCloud makes licensed users of the cloud with a mailbox each, all in one group.
func (g *ground) bornInCloud(names ...string) map[string]canopy.Anchor {
	g.t.Helper()
	ids := map[string]canopy.Anchor{}
	g.inCloud(func(ctx context.Context, a *tenant.Admin) error {
		group, err := a.Create(ctx, canopy.Group, canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("Projects")})
		if err != nil {
			return err
		}
		for _, name := range names {
			id, err := a.CreateUser(ctx, canopy.Attrs{canopy.AttrUPN: canopy.Texts(name + "@contoso.com"), "usageLocation": canopy.Texts("AT"), canopy.AttrDisplayName: canopy.Texts(strings.ToUpper(name)),
				canopy.AttrAddresses: canopy.Texts("SMTP:"+name+"@contoso.com", "smtp:"+name+".x@contoso.com")})
			if err == nil {
				err = a.AssignLicence(ctx, id, "ENTERPRISEPACK")
			}
			if err == nil {
				err = a.AddToGroup(ctx, group, id)
			}
			if err != nil {
				return err
			}
			ids[name] = id
		}
		return nil
	})
	return ids
}

// person is what somebody of the cloud must not lose.
type person struct {
	ID       canopy.Anchor
	Licences []string
	Groups   []canopy.Anchor
	Mailbox  string
	Content  string
}

func (g *ground) person(upn string) (p person, o *tenant.Object) {
	g.t.Helper()
	g.inCloud(func(ctx context.Context, a *tenant.Admin) error {
		var err error
		if o, err = a.Find(ctx, upn); err != nil {
			return err
		}
		v, err := a.Recipient(ctx, upn, tenant.WithMailbox)
		if err != nil {
			return err
		}
		p = person{o.ID, o.Licences, o.Groups, v.ExchangeGUID.String(), ""}
		for _, m := range v.Mailboxes {
			p.Content += string(m.State) + m.Content
		}
		return nil
	})
	return p, o
}

// TestUserImport is the second seed: people whom only the cloud has get accounts, and are taken over with all that they have.
func TestUserImport(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	g.cycle()
	g.bornInCloud("mia", "otto", "ada", "eve", "olga")
	g.inCloud(func(ctx context.Context, a *tenant.Admin) error {
		for name, do := range map[string]func(id canopy.Anchor) error{
			"otto": func(id canopy.Anchor) error { // another directory's anchor
				return a.SetAttributes(ctx, id, canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts("IkTni9mw7Ee4YefeGpz7IA==")})
			},
			"eve": func(id canopy.Anchor) error { return a.AssignRole(ctx, id, "Global Administrator") },
		} {
			o, err := a.Find(ctx, name+"@contoso.com")
			if err == nil {
				err = do(o.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	g.add("CN=Ada There,"+people, "objectClass", "user", "sAMAccountName", "ada", "userPrincipalName", "ada@contoso.com", "userAccountControl", "512", "proxyAddresses", "SMTP:ada@contoso.com", "mail", "ada@contoso.com")
	before := map[string]person{}
	for _, name := range []string{"mia", "otto", "ada"} {
		before[name], _ = g.person(name + "@contoso.com")
	}
	list := filepath.Join(g.dir, "people.csv")
	text := "UserPrincipalName,SamAccountName,Alias,EmailAddresses\nmia@contoso.com,mmia,mia.alias,SMTP:mia@contoso.com;smtp:mia.x@contoso.com\n" +
		"otto@contoso.com,,,\nada@contoso.com,,,\neve@contoso.com,,,\nnobody@contoso.com,,,\nMIA@contoso.com,,,\nno name,,,\nolga@contoso.com,,,SMTP:other@contoso.com\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	words := []string{"onprem", "user", "import", list, "--ou", people}
	code, out, errs := g.run(append(words, "--plan")...)
	if code != exitPartly {
		t.Errorf("the plan: got exit code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"line 7: line 2 has the sign-in name mia@contoso.com too", "line 8: \"no name\" is no sign-in name", "line 5: the user holds a directory role", "Existing Admin Role Conflict",
		"line 6: the tenant has no such user", "line 9: the primary address of the list is none of the user's"} {
		if !strings.Contains(errs, want) {
			t.Errorf("the plan does not say %q:\n%s", want, errs)
		}
	}
	if !strings.Contains(out, "8 rows, 5 not done\nNothing was written.") {
		t.Errorf("the plan:\n%s", out)
	}
	if _, there := g.forest.Object("CN=MIA,"+people, "cn"); there {
		t.Error("the plan made an account")
	}
	code, out, errs = g.run(words...)
	if code != exitPartly || !strings.Contains(out, "8 rows, 5 not done") {
		t.Fatalf("the import: got exit code %d\n%s%s", code, out, errs)
	}
	g.must("tenant", "forward")
	for name, dn := range map[string]string{"mia": "CN=MIA," + people, "otto": "CN=OTTO," + people, "ada": "CN=Ada There," + people} {
		after, o := g.person(name + "@contoso.com")
		if diff := cmp.Diff(before[name], after); diff != "" {
			t.Errorf("%s lost something (-before +after):\n%s", name, diff)
		}
		if !o.Synced {
			t.Errorf("%s is not synchronised", name)
		}
		guid, _ := g.forest.Object(dn, "objectGUID")
		if guid == nil {
			t.Errorf("%s has no account", name)
		}
	}
	if got := g.holds("CN=MIA,"+people, "userPrincipalName", "sAMAccountName", "mailNickname", "proxyAddresses", "msExchRecipientTypeDetails", "userAccountControl"); got !=
		"userPrincipalName: mia@contoso.com\nsAMAccountName: mmia\nmailNickname: mia.alias\nproxyAddresses: SMTP:mia@contoso.com | smtp:mia.alias@contoso.mail.onmicrosoft.com | smtp:mia.x@contoso.com\n"+
			"msExchRecipientTypeDetails: 2147483648\nuserAccountControl: 514\n" {
		t.Errorf("mia's account: %s", got)
	}
	if got := g.must("onprem", "remote-mailbox", "get", "mmia", "--select", "ExchangeGuid"); got != "ExchangeGuid : "+before["mia"].Mailbox+"\n" {
		t.Errorf("mia's mailbox in the forest: %s, want %s", got, before["mia"].Mailbox)
	}
	if _, o := g.person("eve@contoso.com"); o.Synced {
		t.Error("who holds a role was taken over")
	}
	code, out, _ = g.run(words...)
	if code != exitPartly || strings.Count(out, "is so already") != 3 {
		t.Errorf("again: got exit code %d\n%s", code, out)
	}
}

// TestUserImportBlocked: a tenant that blocks both ways of matching is told of by the service's names, and nothing is made.
func TestUserImportBlocked(t *testing.T) {
	t.Parallel()
	g := newGround(t, true, "write: true\n"+groundStore)
	g.cycle()
	g.bornInCloud("mia")
	list := filepath.Join(g.dir, "people.csv")
	if err := os.WriteFile(list, []byte("UserPrincipalName\nmia@contoso.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	words := []string{"onprem", "user", "import", list, "--ou", people}
	block := func(soft, hard bool) {
		g.inCloud(func(ctx context.Context, a *tenant.Admin) error {
			s := a.Switches()
			s.BlockSoftMatch, s.BlockHardMatchTakeover = soft, hard
			return a.SetSwitches(ctx, s)
		})
	}
	block(true, true)
	code, _, errs := g.run(words...)
	if code != exitPartly || !strings.Contains(errs, "InvalidHardMatch") || !strings.Contains(errs, "blockCloudObjectTakeoverThroughHardMatch") {
		t.Errorf("got exit code %d\n%s", code, errs)
	}
	if _, there := g.forest.Object("CN=MIA,"+people, "cn"); there {
		t.Error("an account was made")
	}
	block(true, false) // then only the anchor can match
	out := g.must(words...)
	if !strings.Contains(out, "created, repaired, matched") {
		t.Errorf("with soft matches blocked:\n%s", out)
	}
	if _, o := g.person("mia@contoso.com"); !o.Synced {
		t.Error("she is not synchronised")
	}
	if err := g.forest.Modify("CN=MIA,"+people, forest.Mod{Op: "replace", Attr: "department", Values: []string{"Research"}}); err != nil {
		t.Fatal(err)
	}
	g.must("run")
	if _, o := g.person("mia@contoso.com"); o.Attrs.Text("department") != "Research" || !slices.Contains(o.Licences, "ENTERPRISEPACK") {
		t.Errorf("what the forest says does not arrive: %+v", o.Attrs)
	}
}
