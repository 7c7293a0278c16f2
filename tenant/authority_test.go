package tenant

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

func code(err error) string {
	var e *canopy.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (w *world) activities(id canopy.Anchor) []string {
	w.t.Helper()
	var out []string
	for _, a := range must(w.Admin().log(context.Background(), id))(w.t) {
		out = append(out, a.Activity)
	}
	return out
}

// TestAuthority walks an object of each class through the four states.
func TestAuthority(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, e := range []canopy.Export{add(canopy.User, "QQ==", "userPrincipalName", "a@contoso.com", "displayName", "A"),
		add(canopy.Group, "QQ==", "displayName", "A"), add(canopy.Contact, "QQ==", "displayName", "A", "mail", "a@example.com")} {
		t.Run(string(e.Class), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.Admin()
			id := w.done(e)
			is := func(when string, want Authority) {
				t.Helper()
				if got := w.get(id).Authority; got != want {
					t.Errorf("%s: got %+v, want %+v", when, got, want)
				}
			}
			byCloud := func(name string) error { return a.SetAttributes(ctx, id, attrs("displayName", name)) }
			byForest := func(name string) canopy.Result { return w.write(modify(id, "displayName", name))[0] }
			is("synchronised", Authority{Synced: true})
			if err := byCloud("B"); code(err) != CodeSynced || !strings.Contains(err.Error(), mastered) {
				t.Errorf("the cloud writes what a forest masters: got %v", err)
			}
			_, _, cursor := w.read(nil)
			w.ok(a.SetCloudManaged(ctx, id, true))
			w.ok(a.SetCloudManaged(ctx, id, true))
			is("given to the cloud", Authority{CloudManaged: true})
			if changes, _, _ := w.read(cursor); len(changes) != 1 || !changes[0].Attrs[cloudBlock].Equal(canopy.Values{canopy.Bool(true)}) {
				t.Errorf("the feed tells %+v, want that the object is blocked", changes)
			}
			w.ok(byCloud("B"))
			for what, r := range map[string]canopy.Result{"modified": byForest("C"), "added": w.write(e)[0]} {
				if r.Kind != canopy.Refused || r.Code != CodeCloudManaged {
					t.Errorf("%s by the forest: got %s %s, want %s", what, r.Kind, r.Code, CodeCloudManaged)
				}
			}
			if r := w.write(remove(id))[0]; r.Code != CodeCloudOnly {
				t.Errorf("deleted by the forest: got %s %s", r.Kind, r.Code)
			}
			w.reopen()
			a = w.Admin()
			is("opened again", Authority{CloudManaged: true})
			w.ok(a.SetCloudManaged(ctx, id, false))
			is("given back", Authority{Pending: true})
			w.ok(byCloud("D"))
			if r := byForest("E"); r.Kind != canopy.Done || r.Match != byAnchor {
				t.Errorf("taken by the forest: got %+v", r)
			}
			is("taken", Authority{Synced: true})
			if got := w.get(id).Attrs.Text("displayName"); got != "E" {
				t.Errorf("the name is %q, want the forest's", got)
			}
			got := slices.DeleteFunc(w.activities(id), func(s string) bool { return strings.HasPrefix(s, "Update ") })
			diff(t, "the audit log", got, []string{"Undo changes to Source of Authority from AD (DS) to cloud", "Change Source of Authority from AD to cloud"})
		})
	}
}

// TestAuthorityStays: what keeps an object with its master.
func TestAuthorityStays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	user := func(w *world, more ...string) canopy.Anchor {
		return w.done(add(canopy.User, "QQ==", append([]string{"userPrincipalName", "a@contoso.com"}, more...)...))
	}
	cases := []struct {
		name    string
		id      func(w *world) canopy.Anchor
		managed bool
	}{
		{"born in the cloud, to the cloud", func(w *world) canopy.Anchor { return w.cloudUser(attrs("userPrincipalName", "a@contoso.com")) }, true},
		{"born in the cloud, to a forest", func(w *world) canopy.Anchor { return w.cloudUser(attrs("userPrincipalName", "a@contoso.com")) }, false},
		{"a mailbox in the forest", func(w *world) canopy.Anchor {
			id := user(w)
			e := modify(id)
			e.Set = canopy.Attrs{"msExchRecipientTypeDetails": {canopy.Int(1)}}
			w.done(e)
			return id
		}, true},
		{"a federated domain", func(w *world) canopy.Anchor {
			w.ok(w.Admin().SetFederated(ctx, "contoso.com", true))
			return user(w)
		}, true},
		{"names an assistant", func(w *world) canopy.Anchor {
			id := user(w)
			w.done(canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: id}, Links: map[canopy.Attr]canopy.LinkChange{"assistant": {Added: refs(id)}}})
			return id
		}, true},
		{"a group with a member of the cloud, back to the forest", func(w *world) canopy.Anchor {
			g := w.done(add(canopy.Group, "Rw==", "displayName", "G"))
			w.ok(w.Admin().SetCloudManaged(ctx, g, true))
			w.ok(w.Admin().AddToGroup(ctx, g, w.cloudUser(attrs("userPrincipalName", "c@contoso.com"))))
			return g
		}, false},
	}
	for _, c := range cases {
		w := newWorld(t)
		id := c.id(w)
		before := w.get(id).Authority
		err := w.Admin().SetCloudManaged(ctx, id, c.managed)
		if code(err) != CodeAuthority || w.get(id).Authority != before {
			t.Errorf("%s: got %v and %+v, want a refusal", c.name, err, w.get(id).Authority)
		}
	}
	w := newWorld(t)
	id := user(w)
	w.ok(w.Admin().SetCloudManaged(ctx, id, true))
	w.ok(w.Admin().SetCloudManaged(ctx, id, false))
	s := w.Admin().Switches()
	s.BlockHardMatchTakeover = true
	w.ok(w.Admin().SetSwitches(ctx, s))
	if r := w.write(modify(id, "title", "x"))[0]; r.Code != CodeHardMatch {
		t.Errorf("given back while takeover is blocked: got %s %s, want %s", r.Kind, r.Code, CodeHardMatch)
	}
}

// TestSynchronizationOff: everything belongs to the cloud then, and there is no quick way back.
func TestSynchronizationOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	anna := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "title", "Clerk")
	id := w.done(anna)
	gone := w.done(add(canopy.User, "Qg==", "userPrincipalName", "ben@contoso.com"))
	w.done(remove(gone))
	w.ok(w.Admin().SetSynchronization(ctx, false))
	for _, one := range []canopy.Anchor{id, gone} {
		if o := w.get(one); o.Synced || o.SourceAnchor == "" {
			t.Errorf("got %+v, want a cloud object that keeps its anchor", o)
		}
	}
	w.ok(w.Admin().SetAttributes(ctx, id, attrs("title", "Boss")))
	if r := w.write(anna)[0]; r.Kind != canopy.Denied || r.Code != CodeSyncOff {
		t.Errorf("a write of synchronisation: got %s %s, want denied %s", r.Kind, r.Code, CodeSyncOff)
	}
	w.time.Add(syncPause - time.Second)
	if err := w.Admin().SetSynchronization(ctx, true); code(err) != CodeSyncWait {
		t.Errorf("too early: got %v", err)
	}
	w.time.Add(time.Second)
	w.ok(w.Admin().SetSynchronization(ctx, true))
	if r := w.write(anna)[0]; r.Kind != canopy.Done || r.Anchor != id || r.Match != byAnchor {
		t.Errorf("on again: got %+v, want the user taken over by the anchor", r)
	}
}

// TestRestoreWithConflicts: a deleted user comes back without what others have by now.
func TestRestoreWithConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	id := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com", "mail", "anna@contoso.com",
		"proxyAddresses", "SMTP:anna@contoso.com", "proxyAddresses", "smtp:ann@contoso.com"))
	w.ok(w.Admin().Delete(ctx, id))
	w.cloudUser(attrs("userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	for _, how := range []Restoring{{}, {DropAddresses: true}, {NewUPN: "anna2@contoso.com"}} {
		if err := w.Admin().RestoreAs(ctx, id, how); canopy.KindOf(err) != canopy.Conflict {
			t.Errorf("%+v: got %v, want a conflict", how, err)
		}
	}
	w.ok(w.Admin().RestoreAs(ctx, id, Restoring{NewUPN: "anna2@contoso.com", DropAddresses: true}))
	o := w.get(id)
	if o.Cloud.Text(cloudUPN) != "anna2@contoso.com" || !o.Deleted.IsZero() {
		t.Errorf("got %+v", o)
	}
	diff(t, "addresses", o.Cloud[cloudProxies].Strings(), []string{"smtp:ann@contoso.com"})
}

// TestVerifyDomain: who is synchronised with a domain has its sign-in name and addresses from when it is verified.
func TestVerifyDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	a := w.Admin()
	id := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@fabrikam.com", "usageLocation", "AT",
		"proxyAddresses", "SMTP:anna@fabrikam.com"))
	other := w.done(add(canopy.User, "Qg==", "userPrincipalName", "ben@contoso.com"))
	w.license(id, "E3")
	o := w.get(id)
	if o.Cloud.Text(cloudUPN) != "anna@"+initial || o.Cloud.Text(cloudMail) != "anna@"+initial {
		t.Errorf("unverified: got %v", o.Cloud)
	}
	if err := a.VerifyDomain(ctx, "fabrikam.com"); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("verified before it was added: got %v", err)
	}
	for _, name := range []string{"fabrikam.onmicrosoft.com", "nonsense", "contoso.com"} {
		if err := a.AddDomain(ctx, name); code(err) != CodeDomain {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	w.ok(a.AddDomain(ctx, "Fabrikam.com"))
	_, _, cursor := w.read(nil)
	w.ok(a.VerifyDomain(ctx, "fabrikam.com"))
	o = w.get(id)
	if o.Cloud.Text(cloudUPN) != "anna@fabrikam.com" || o.Cloud.Text(cloudMail) != "anna@fabrikam.com" {
		t.Errorf("verified: got %v", o.Cloud)
	}
	if changes, _, _ := w.read(cursor); len(changes) != 1 || changes[0].Anchor == other {
		t.Errorf("the feed gives %d changes, want one", len(changes))
	}
	w.reopen()
	if !slices.Contains(w.Admin().Domains(), Domain{Name: "fabrikam.com", Verified: true}) {
		t.Errorf("opened again: got %v", w.Admin().Domains())
	}
}

// TestAudit: every act of an administrator is told with who did it and what changed, and a refused one is not.
func TestAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	a := w.Admin().As(Actor{Name: "grace"})
	id := must(a.CreateUser(ctx, attrs("userPrincipalName", "anna@contoso.com", "title", "Clerk")))(t)
	w.ok(a.SetAttributes(ctx, id, attrs("title", "Boss", "usageLocation", "AT")))
	w.ok(a.AssignLicence(ctx, id, "E3"))
	w.ok(a.AssignRole(ctx, id, "Helpdesk"))
	if err := a.AssignLicence(ctx, id, "E1"); err == nil {
		t.Fatal("two licences that exclude each other")
	}
	w.ok(a.Delete(ctx, id))
	w.ok(a.Restore(ctx, id))
	diff(t, "activities", w.activities(id), []string{"Restore user", "Delete user", "Add member to role", "Change user license", "Update user", "Add user"})
	all := must(a.log(ctx, id))(t)
	first := all[4]
	if first.Actor.Name != "grace" || first.At != w.time.Now() || first.Label != "anna@contoso.com" {
		t.Errorf("got %+v", first)
	}
	diff(t, "what changed", first.Changed, []Modified{{Attr: "title", Old: []string{"Clerk"}, New: []string{"Boss"}}, {Attr: "usageLocation", New: []string{"AT"}}})
	s := a.Switches()
	s.BlockSoftMatch = true
	w.ok(a.SetSwitches(ctx, s))
	if last := must(a.log(ctx, ""))(t)[0]; last.Activity != "Set DirSync feature" || last.Label != initial {
		t.Errorf("a switch: got %+v", last)
	}
}
