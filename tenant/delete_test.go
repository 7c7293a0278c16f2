package tenant

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	anna := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "title", "Clerk")
	id := w.done(anna)
	boss := w.done(add(canopy.User, "Qg==", "userPrincipalName", "ben@contoso.com"))
	synced := w.done(add(canopy.Group, "Rw==", "displayName", "Synced"))
	cloud := must(w.Admin().Create(ctx, canopy.Group, attrs("displayName", "Cloud")))(t)
	w.done(members(synced, canopy.LinkChange{Added: refs(id, boss)}))
	w.ok(w.Admin().AddToGroup(ctx, cloud, id))
	w.license(id, "E3")
	w.done(canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: boss},
		Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: {Added: refs(id)}}})
	_, _, cursor := w.read(nil)

	if got := w.done(remove(id)); got != id {
		t.Errorf("the result names %q, want %q", got, id)
	}
	o := w.get(id)
	if o.Deleted != w.time.Now() || !o.Synced || len(o.Groups) != 0 {
		t.Errorf("got deleted %v synced %v groups %v", o.Deleted, o.Synced, o.Groups)
	}
	changes, full, cursor := w.read(cursor)
	told := map[canopy.Anchor]canopy.Change{}
	for _, c := range changes {
		told[c.Anchor] = c
	}
	if full || len(changes) != 4 || told[id].Kind != canopy.Deleted {
		t.Errorf("the feed gives %d changes (full %v), of the user %+v; want 4, deleted", len(changes), full, told[id])
	}
	for owner, attr := range map[canopy.Anchor]canopy.Attr{synced: canopy.AttrMember, cloud: canopy.AttrMember, boss: canopy.AttrManager} {
		diff(t, "links removed", told[owner].Links, map[canopy.Attr]canopy.LinkChange{attr: {Removed: refs(id)}})
	}

	// Its values are free while it is away.
	other := w.cloudUser(attrs("userPrincipalName", "anna@contoso.com"))
	if err := w.Admin().Restore(ctx, id); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("restored beside the new holder of its name: got %v, want a conflict", err)
	}
	w.ok(w.Admin().HardDelete(ctx, other))

	w.time.Add(keepDeleted - time.Second)
	r := w.write(anna)[0]
	if r.Kind != canopy.Done || r.Anchor != id || r.Match != restored {
		t.Fatalf("got %+v, want %s restored", r, id)
	}
	o = w.get(id)
	if !o.Deleted.IsZero() || !o.Synced {
		t.Errorf("restored: got deleted %v synced %v", o.Deleted, o.Synced)
	}
	diff(t, "licences of the restored user", o.Licences, []string{"ENTERPRISEPACK"})
	diff(t, "groups of the restored user", o.Groups, []canopy.Anchor{cloud}) // the synced one is synced again
	changes, _, _ = w.read(cursor)
	told = map[canopy.Anchor]canopy.Change{}
	for _, c := range changes {
		told[c.Anchor] = c
	}
	if told[id].Kind != canopy.FullImage || told[id].Attrs.Text("title") != "Clerk" {
		t.Errorf("the feed tells of the restored user: %+v, want a full image", told[id])
	}
	diff(t, "links that came back", told[cloud].Links, map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Added: refs(id)}})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	anna := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com")
	id := w.done(anna)
	w.done(remove(id))
	_, _, cursor := w.read(nil)
	w.time.Add(keepDeleted)
	r := w.write(anna)[0]
	if r.Kind != canopy.Done || r.Anchor == id || r.Match != "" {
		t.Errorf("after thirty days: got %+v, want a new object", r)
	}
	if _, err := w.Admin().Get(ctx, id); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("the purged user: got %v, want not found", err)
	}
	if changes, _, _ := w.read(cursor); len(changes) != 1 || changes[0].Anchor != r.Anchor {
		t.Errorf("the feed gives %+v, want the new object alone", changes)
	}
}

func TestDeleteGroupAndContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inner := w.done(add(canopy.Group, "Rw==", "displayName", "Inner"))
	outer := w.done(add(canopy.Group, "Rg==", "displayName", "Outer"))
	contact := w.done(add(canopy.Contact, "Qw==", "displayName", "Carl", "mail", "carl@example.com"))
	w.done(members(inner, canopy.LinkChange{Added: refs(contact)}))
	w.done(members(outer, canopy.LinkChange{Added: refs(contact, inner)}))
	_, _, cursor := w.read(nil)
	w.done(remove(inner))
	w.done(remove(contact))
	for _, id := range []canopy.Anchor{inner, contact} {
		if _, err := w.Admin().Get(context.Background(), id); canopy.KindOf(err) != canopy.NotFound {
			t.Errorf("got %v, want not found", err)
		}
	}
	changes, _, _ := w.read(cursor)
	var gone []canopy.Anchor
	for _, c := range changes {
		if c.Kind == canopy.Deleted {
			gone = append(gone, c.Anchor)
		} else if c.Anchor != outer || len(c.Links[canopy.AttrMember].Removed) != 2 {
			t.Errorf("got %+v, want both links of the outer group removed", c)
		}
	}
	diff(t, "deleted", gone, []canopy.Anchor{inner, contact})
	if id := w.done(add(canopy.Group, "Rw==", "displayName", "Inner")); id == inner {
		t.Error("a group that was deleted came back")
	}
}

func TestDeletedByHand(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	anna := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "title", "Clerk")
	cases := []struct {
		name  string
		after func(w *world, id canopy.Anchor)
		again canopy.Export
		kind  canopy.ResultKind
		code  string
		match string
	}{
		{"added again", nil, anna, canopy.Done, "", restored},
		{"modified", nil, canopy.Export{Op: canopy.Modify, Set: attrs("title", "Boss")}, canopy.NotThere, CodeNotFound, ""},
		{"deleted", nil, canopy.Export{Op: canopy.Delete}, canopy.NotThere, CodeNotFound, ""},
		{"restored by hand and modified", restore, canopy.Export{Op: canopy.Modify, Set: attrs("title", "Boss")}, canopy.Done, "", byAnchor},
		{"restored by hand and deleted", restore, canopy.Export{Op: canopy.Delete}, canopy.Refused, CodeCloudOnly, ""},
		{"restored by hand and modified, takeover blocked", func(w *world, id canopy.Anchor) {
			restore(w, id)
			s := w.Admin().Switches()
			s.BlockHardMatchTakeover = true
			w.ok(w.Admin().SetSwitches(ctx, s))
		}, canopy.Export{Op: canopy.Modify, Set: attrs("title", "Boss")}, canopy.Refused, CodeHardMatch, ""},
		{"deleted for good and added again", func(w *world, id canopy.Anchor) { w.ok(w.Admin().HardDelete(ctx, id)) },
			anna, canopy.Done, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.done(anna)
			w.ok(w.Admin().Delete(ctx, id))
			if c.after != nil {
				c.after(w, id)
			}
			if c.again.Op != canopy.Add {
				c.again.Ref.Anchor, c.again.SourceAnchor = id, "QQ=="
			}
			r := w.write(c.again)[0]
			if r.Kind != c.kind || r.Code != c.code || r.Match != c.match {
				t.Errorf("got %s %q match %q (%s), want %s %q match %q", r.Kind, r.Code, r.Match, r.Text, c.kind, c.code, c.match)
			}
			if r.Kind == canopy.Done && !w.get(r.Anchor).Synced {
				t.Error("the object is not synchronised afterwards")
			}
			if c.match == byAnchor && w.get(id).Attrs.Text("userPrincipalName") != "anna@contoso.com" {
				t.Error("values that were not written again are lost")
			}
		})
	}
}

func restore(w *world, id canopy.Anchor) {
	w.ok(w.Admin().Restore(context.Background(), id))
	if o := w.get(id); o.Synced || o.SourceAnchor == "" {
		w.t.Errorf("restored by hand: got synced %v anchor %q, want a cloud user with its anchor", o.Synced, o.SourceAnchor)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	a := w.Admin()
	user := w.cloudUser(attrs("userPrincipalName", "cloud@contoso.com"))
	group := must(a.Create(ctx, canopy.Group, attrs("displayName", "Cloud")))(t)
	synced := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"))
	team := w.done(add(canopy.Group, "Rw==", "displayName", "Synced"))
	w.ok(a.SetAttributes(ctx, user, attrs("title", "Boss"), "city"))
	w.ok(a.AddToGroup(ctx, group, synced))
	w.ok(a.AssignRole(ctx, synced, "Helpdesk"))
	w.ok(a.AssignRole(ctx, synced, "Auditor"))
	w.ok(a.AssignRole(ctx, synced, "Helpdesk"))
	w.ok(a.RemoveRole(ctx, synced, "Auditor"))
	w.license(synced, "E3")
	w.ok(a.RemoveLicence(ctx, synced, "E3"))
	o := w.get(synced)
	diff(t, "roles", o.Roles, []string{"Helpdesk"})
	diff(t, "licences", len(o.Licences), 0)
	diff(t, "groups", o.Groups, []canopy.Anchor{group})
	w.ok(a.RemoveFromGroup(ctx, group, synced))
	diff(t, "groups", len(w.get(synced).Groups), 0)
	w.done(modify(synced, "title", "x")) // roles do not keep a synced user from being changed

	cases := []struct {
		name string
		err  error
		kind canopy.ErrorKind
		code string
	}{
		{"change a synced user", a.SetAttributes(ctx, synced, attrs("title", "y")), canopy.Forbidden, CodeSynced},
		{"clear a synced user's value", a.SetAttributes(ctx, synced, nil, "title"), canopy.Forbidden, CodeSynced},
		{"preset a synced user's anchor", a.SetAttributes(ctx, synced, attrs("sourceAnchor", "x")), canopy.Forbidden, CodeSynced},
		{"change a synced group's members", a.AddToGroup(ctx, team, user), canopy.Forbidden, CodeSynced},
		{"take a value", a.SetAttributes(ctx, user, attrs("userPrincipalName", "anna@contoso.com")), canopy.Conflict, CodeUnique},
		{"take an anchor", a.SetAttributes(ctx, user, attrs("sourceAnchor", "QQ==")), canopy.Conflict, CodeUnique},
		{"a group's anchor", a.SetAttributes(ctx, group, attrs("sourceAnchor", "x")), canopy.Invalid, CodeData},
		{"a bad value", a.SetAttributes(ctx, user, attrs("userPrincipalName", "x")), canopy.Invalid, CodeIdentity},
		{"an unknown attribute", a.SetAttributes(ctx, user, nil, "shoeSize"), canopy.Invalid, CodeUnknownAttr},
		{"an unknown member", a.AddToGroup(ctx, group, "nobody"), canopy.NotFound, CodeLinkTarget},
		{"an unknown user", a.Delete(ctx, "nobody"), canopy.NotFound, CodeNotFound},
		{"restore what is not deleted", a.Restore(ctx, user), canopy.Invalid, CodeOperation},
		{"a role without a name", a.AssignRole(ctx, user, ""), canopy.Invalid, CodeData},
		{"switch off softMatchOnUpn", a.SetSwitches(ctx, Switches{}), canopy.Forbidden, ""},
	}
	for _, c := range cases {
		var e *canopy.Error
		if !errors.As(c.err, &e) || e.Kind != c.kind || e.Code != c.code {
			t.Errorf("%s: got %v, want an error of kind %s with code %q", c.name, c.err, c.kind, c.code)
		}
	}
	w.ok(a.Delete(ctx, user))
	count := func(deleted bool) (n int) {
		w.ok(a.List(ctx, deleted, func(*Object) error { n++; return nil }))
		return n
	}
	if live, deleted := count(false), count(true); live != 3 || deleted != 1 {
		t.Errorf("got %d objects and %d deleted ones, want 3 and 1", live, deleted)
	}
	if err := a.SetAttributes(ctx, user, attrs("title", "x")); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("change a deleted user: got %v, want not found", err)
	}
}
