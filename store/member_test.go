package store

import (
	"slices"
	"testing"

	"github.com/canopy-sync/canopy"
)

// groupsOf are the groups that an entry is given with, by way of a view.
func (w *world) groupsOf(conn canopy.ConnectorID, anchor string) []string {
	w.t.Helper()
	found := get(w.Find(w.ctx, anchor))(w)
	v := get(w.View(w.ctx))(w)
	defer func() { w.ok(v.Close()) }()
	for _, f := range found {
		if f.Connector == conn {
			return get(v.Entries(w.ctx, []canopy.EntryID{f.Entry}))(w)[0].Groups
		}
	}
	w.t.Fatalf("there is no %s in %s", anchor, conn)
	return nil
}

// dueNow are the anchors of what is due; nothing is due afterwards.
func (w *world) dueNow() []string {
	w.t.Helper()
	var out []string
	w.ok(w.DueEntries(w.ctx, func(e *canopy.Entry) error { out = append(out, string(e.Anchor)); return nil }))
	w.ok(w.update(w.ctx, func(t *tx) error {
		_, err := t.Exec(w.ctx, `DELETE FROM due_entry`)
		return err
	}))
	slices.Sort(out)
	return out
}

const staff = "CN=staff,OU=People,DC=contoso,DC=lab"

// TestMembersAreTold: a source entry comes with the groups that were asked for and hold it, whichever of the two is
// imported first, and a member that comes or goes is due and has its keys derived anew.
func TestMembersAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if unknown := get(w.TellMembers(w.ctx, canopy.AttrMember, []string{"cn=Staff,OU=People,DC=contoso,DC=lab"}))(w); len(unknown) != 1 {
		t.Fatalf("got %q unknown, want the group", unknown)
	}
	seen := map[canopy.Anchor][]string{}
	read := func(conn canopy.ConnectorID, full bool, changes ...canopy.Change) {
		t.Helper()
		clear(seen)
		w.run++
		get(w.Import(w.ctx, ImportRequest{Connector: conn, Run: w.run, ScopeHash: "scope", Full: full, Batch: canopy.Batch{Full: full, Changes: changes, Cursor: []byte("c"), Done: true},
			Derive: func(e *canopy.Entry) ([]canopy.Key, []canopy.Claim) {
				seen[e.Anchor] = e.Groups
				return derive(e)
			}}))(w)
	}
	want := func(what string, due []string, groups map[string]bool) {
		t.Helper()
		if got := w.dueNow(); !slices.Equal(got, due) {
			t.Errorf("%s: due are %q, want %q", what, got, due)
		}
		for anchor, in := range groups {
			wants := []string{}
			if in {
				wants = []string{staff}
			}
			if got := w.groupsOf("contoso.lab", anchor); got == nil || !slices.Equal(got, wants) {
				t.Errorf("%s: %s is in %q, want %q", what, anchor, got, wants)
			}
			if got, derived := seen[canopy.Anchor(anchor)]; derived && !slices.Equal(got, wants) {
				t.Errorf("%s: the keys of %s were derived with the groups %q, want %q", what, anchor, got, wants)
			}
		}
	}
	read("contoso.lab", true, person("a1", "Ann"), person("a2", "Bo"), person("a4", "Di"), group("g1", "staff", "a1", "a3"), group("g2", "others", "a2"), person("a3", "Cy"))
	want("first read", []string{"a1", "a2", "a3", "a4", "g1", "g2"}, map[string]bool{"a1": true, "a2": false, "a3": true})
	if left := w.UnknownGroups(); len(left) != 0 {
		t.Errorf("%q are unknown, though a forest shows them", left)
	}

	read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Anchor: "g1", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Added: []canopy.Ref{{Anchor: "a2"}}, Removed: []canopy.Ref{{Anchor: "a1"}}}}})
	want("one comes and one goes", []string{"a1", "a2", "g1"}, map[string]bool{"a1": false, "a2": true, "a3": true})
	if _, derived := seen["a1"]; !derived {
		t.Error("the keys of one who left are those of a member")
	}

	read("contoso.lab", false, group("g1", "staff", "a3", "a4"))
	want("given completely", []string{"a2", "a3", "a4", "g1"}, map[string]bool{"a2": false, "a3": true, "a4": true})

	read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Anchor: "g2", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Added: []canopy.Ref{{Anchor: "a1"}}}}})
	want("a group that nobody asked for", []string{"g2"}, map[string]bool{"a1": false})

	read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Anchor: "g1", DN: "CN=crew,OU=People,DC=contoso,DC=lab"})
	want("renamed", []string{"a3", "a4", "g1"}, map[string]bool{"a3": false, "a4": false})
	if left := w.UnknownGroups(); len(left) != 1 {
		t.Errorf("got %q unknown, want the group that has another name", left)
	}
	read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Anchor: "g1", DN: staff})
	want("named back", []string{"a3", "a4", "g1"}, map[string]bool{"a3": true, "a4": true})

	w.ok(w.Close())
	w.open(nil)
	get(w.TellMembers(w.ctx, canopy.AttrMember, []string{staff}))(w)
	want("opened again", nil, map[string]bool{"a3": true, "a1": false})

	read("contoso.lab", false, canopy.Change{Kind: canopy.Deleted, Anchor: "g1"})
	want("deleted", []string{"a3", "a4"}, map[string]bool{"a3": false, "a4": false})

	get(w.TellMembers(w.ctx, canopy.AttrMember, nil))(w)
	if got := w.groupsOf("contoso.lab", "a3"); got != nil {
		t.Errorf("got %q, want nothing told when no rule asks", got)
	}
}

// TestMembersOfAMovedGroup: a group below a container that gets another name.
func TestMembersOfAMovedGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get(w.TellMembers(w.ctx, canopy.AttrMember, []string{staff}))(w)
	ou := canopy.Change{Kind: canopy.FullImage, Class: canopy.Container, Anchor: "ou-people", DN: "OU=People,DC=contoso,DC=lab"}
	w.read("contoso.lab", true, ou, person("a1", "Ann"), group("g1", "staff", "a1"))
	if got := w.groupsOf("contoso.lab", "a1"); len(got) != 1 {
		t.Fatalf("got %q, want the group", got)
	}
	ou.DN = "OU=Folk,DC=contoso,DC=lab"
	w.read("contoso.lab", false, ou)
	if got := w.groupsOf("contoso.lab", "a1"); len(got) != 0 {
		t.Errorf("got %q, want none: the group has another DN", got)
	}
	if left := w.UnknownGroups(); len(left) != 1 {
		t.Errorf("got %q unknown, want the group", left)
	}
}

// TestRederive: with other rules entries and metas are found by other keys, and nothing becomes due by that.
func TestRederive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, person("a1", "Ann"), person("a2", "Bo"))
	w.dueNow()
	sam := func(e *canopy.Entry) ([]canopy.Key, []canopy.Claim) {
		return []canopy.Key{{Name: "offer:accountName", Value: canopy.Fold(e.Attrs.Text("sAMAccountName"))}}, nil
	}
	w.ok(w.Rederive(w.ctx, "contoso.lab", sam))
	v := get(w.View(w.ctx))(w)
	defer func() { w.ok(v.Close()) }()
	hits := get(v.Lookup(w.ctx, []canopy.Key{{Name: "offer:accountName", Value: "sam-bo"}, {Name: "offer:mail", Value: "bo@contoso.lab"}}))(w)
	if len(hits) != 1 || hits[0].Key.Name != "offer:accountName" {
		t.Errorf("got %v, want one by the new key alone", hits)
	}
	if got := w.dueNow(); len(got) != 0 {
		t.Errorf("%q became due", got)
	}
	w.ok(w.Rederive(w.ctx, "fabrikam.lab", sam))
}

// TestHiddenInLog: what is not to be shown is not in the log, whoever wrote the row.
func TestHiddenInLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.HideInLog(map[canopy.ConnectorID]map[canopy.Attr]bool{"contoso.lab": {canopy.AttrMail: true}}, canopy.Texts("[Redact]"))
	w.read("contoso.lab", true, person("a1", "Ann"))
	w.read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Anchor: "a1", Attrs: canopy.Attrs{canopy.AttrMail: canopy.Texts("new@contoso.lab"), canopy.AttrDisplayName: canopy.Texts("Anna")}})
	w.read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Anchor: "a1", Attrs: canopy.Attrs{canopy.AttrMail: {}}})
	hidden, shown := 0, 0
	for _, row := range get(w.Log(w.ctx, LogFilter{Limit: 100}))(w) {
		for _, c := range row.Changes {
			for _, v := range append(append(canopy.Values{}, c.Old...), c.New...) {
				switch {
				case v.Str() == "[Redact]" && c.Attr == canopy.AttrMail:
					hidden++
				case c.Attr == canopy.AttrMail:
					t.Errorf("the log has %s %s", c.Attr, v.Str())
				case v.Str() == "Anna":
					shown++
				}
			}
		}
	}
	if hidden == 0 || shown == 0 {
		t.Errorf("%d values are hidden and %d others shown, want some of both", hidden, shown)
	}
}
