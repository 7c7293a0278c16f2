package store

import (
	"testing"

	"github.com/canopy-sync/canopy"
)

func TestImportCountsAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failed := person("p9", "broken")
	failed.Failed = &canopy.Error{Kind: canopy.Invalid, Code: "utf8", Object: failed.DN, Attr: "title", Text: "the value is not UTF-8"}
	first := w.read("contoso.lab", true, container("ou-people", "OU=People,DC=contoso,DC=lab", "root"), person("p1", "anna"), person("p2", "bert"), failed,
		canopy.Change{Kind: canopy.LeftScope, Anchor: "p3"}, canopy.Change{Kind: canopy.Deleted, Anchor: "p4"})
	w.equal("first read", first, ImportCounts{Read: 5, Added: 2, Failed: 1, LeftScope: 1, Unchanged: 1, Containers: 1})
	delta := canopy.Change{Kind: canopy.Delta, Class: canopy.User, Anchor: "p1", Attrs: canopy.Attrs{"title": canopy.Texts("boss"), canopy.AttrMail: {}}}
	w.equal("second read", w.read("contoso.lab", false, delta, person("p2", "bert"), canopy.Change{Kind: canopy.Deleted, Anchor: "p3"}),
		ImportCounts{Read: 3, Changed: 1, Unchanged: 1, Deleted: 1})
	e := w.find("contoso.lab", "p1")
	w.equal("attributes", e.Attrs, canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("anna"), "sAMAccountName": canopy.Texts("sam-anna"), "title": canopy.Texts("boss")})
	if e.State != canopy.Present || e.Connector != "contoso.lab" || e.Parent != "ou-people" || !e.Imported.Equal(*w.at) {
		t.Errorf("got %+v", e)
	}
	if w.find("contoso.lab", "p3") != nil {
		t.Error("an unjoined entry that was deleted is still there")
	}
	cur := get(w.Cursor(w.ctx, "contoso.lab"))(w)
	if string(cur.Bytes) != "cursor 3" || !cur.Complete || cur.Objects != 2 {
		t.Errorf("got cursor %s %+v", cur.Bytes, cur)
	}
	rows := get(w.Log(w.ctx, LogFilter{Entry: e.ID}))(w)
	if len(rows) != 1 || rows[0].Op != "modify" || len(rows[0].Changes) != 2 || rows[0].Step != LogImport {
		t.Errorf("got log %+v", rows)
	}
}

func TestUnchangedIsNotWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	changes := []canopy.Change{person("p1", "anna"), person("p2", "bert"), group("g1", "staff", "p1", "p2")}
	w.read("contoso.lab", true, changes...)
	w.clean()
	*w.at = w.at.Add(1e9)
	changes[2].Links[canopy.AttrMember].Added[0], changes[2].Links[canopy.AttrMember].Added[1] = canopy.Ref{Anchor: "p2"}, canopy.Ref{Anchor: "p1"}
	w.equal("counts", w.read("contoso.lab", true, changes...), ImportCounts{Read: 3, Unchanged: 3})
	if entries, metas := w.due(); len(entries)+len(metas) > 0 {
		t.Errorf("due: %v %v", entries, metas)
	}
	if e := w.find("contoso.lab", "p1"); e.Imported.Equal(*w.at) {
		t.Error("an unchanged entry was written")
	}
}

func TestLinksAreDifferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, group("g1", "staff", "p1", "p2", "unknown"), person("p1", "anna"), person("p2", "bert"), person("p3", "carl"))
	id := w.find("contoso.lab", "g1").ID
	w.equal("members", w.links(id, canopy.AttrMember), []string{"p1", "p2", "unknown"})
	w.clean()
	d := canopy.Change{Kind: canopy.Delta, Class: canopy.Group, Anchor: "g1", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Added: refs("p3", "p1"), Removed: refs("p2", "p7")}}}
	w.equal("delta", w.read("contoso.lab", false, d), ImportCounts{Read: 1, Changed: 1})
	w.equal("again", w.read("contoso.lab", false, d), ImportCounts{Read: 1, Unchanged: 1})
	w.equal("members", w.links(id, canopy.AttrMember), []string{"p1", "p3", "unknown"})
	w.equal("count", w.find("contoso.lab", "g1").LinkCounts, map[canopy.Attr]int{canopy.AttrMember: 3})
	entries, _ := w.due()
	w.equal("due", entries, []string{"g1"})
	// What a link named before it was read has the id that the link knows.
	w.read("contoso.lab", false, person("unknown", "dora"))
	w.equal("whole image", w.read("contoso.lab", true, group("g1", "staff", "p1", "p3", "unknown"), person("p1", "anna"), person("p2", "bert"), person("p3", "carl"),
		person("unknown", "dora")), ImportCounts{Read: 5, Unchanged: 5})
	w.read("contoso.lab", false, group("g1", "staff"))
	w.equal("no members", w.links(id, canopy.AttrMember), []string(nil))
	if c := w.find("contoso.lab", "g1").LinkCounts; c != nil {
		t.Errorf("got counts %v", c)
	}
}

func TestLinksByDN(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boss := "cn=BERT,ou=people,dc=contoso,dc=lab"
	anna := person("p1", "anna")
	anna.Links = map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: {Whole: true, Added: []canopy.Ref{{DN: boss}}}}
	w.read("contoso.lab", false, anna)
	w.read("contoso.lab", false, person("p2", "bert"))
	w.equal("manager", w.links(w.find("contoso.lab", "p1").ID, canopy.AttrManager), []string{"p2"})
	w.equal("again", w.read("contoso.lab", false, anna), ImportCounts{Read: 1, Unchanged: 1})
	carl := person("p3", "carl")
	carl.Links = anna.Links
	w.read("contoso.lab", false, carl)
	w.equal("manager", w.links(w.find("contoso.lab", "p3").ID, canopy.AttrManager), []string{"p2"})
}

func TestDeletedMembersLeaveTheirGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, person("p1", "anna"), person("p2", "bert"), group("g1", "staff", "p1", "p2"))
	w.clean()
	w.read("contoso.lab", false, canopy.Change{Kind: canopy.Deleted, Anchor: "p2"})
	g := w.find("contoso.lab", "g1")
	w.equal("members", w.links(g.ID, canopy.AttrMember), []string{"p1"})
	w.equal("count", g.LinkCounts, map[canopy.Attr]int{canopy.AttrMember: 1})
	entries, _ := w.due()
	w.equal("due", entries, []string{"g1"})
}

func TestFullReadShowsWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ou := container("ou-people", "OU=People,DC=contoso,DC=lab", "root")
	w.read("contoso.lab", true, ou, person("p1", "anna"), person("p2", "bert"), person("p3", "carl"), canopy.Change{Kind: canopy.LeftScope, Anchor: "p8"})
	counts := w.read("contoso.lab", true, ou, person("p1", "anna"))
	w.equal("counts", counts, ImportCounts{Read: 1, Unchanged: 1, Containers: 1})
	res := get(w.FinishFull(w.ctx, "contoso.lab", w.run))(w)
	in := "OU=People,DC=contoso,DC=lab"
	w.equal("result", res, FullResult{Seen: 1, Missing: 2, Before: 3, MissingByContainer: map[string]int{in: 2}, BeforeByContainer: map[string]int{in: 3}})
	var missing []string
	var gone []canopy.EntryID
	w.ok(w.Missing(w.ctx, "contoso.lab", func(e *canopy.Entry, seen bool) error {
		missing = append(missing, string(e.Anchor))
		if !seen || e.State != canopy.Missing {
			t.Errorf("%s: container seen %v, state %v", e.Anchor, seen, e.State)
		}
		if e.Anchor == "p2" {
			gone = append(gone, e.ID)
		}
		return nil
	}))
	w.equal("missing", missing, []string{"p2", "p3"})
	w.ok(w.ResolveMissing(w.ctx, "contoso.lab", gone, nil))
	if w.find("contoso.lab", "p2") != nil {
		t.Error("what is gone is still there")
	}
	// It turns up again.
	w.equal("back", w.read("contoso.lab", false, person("p3", "carl")), ImportCounts{Read: 1, Unchanged: 1})
	if e := w.find("contoso.lab", "p3"); e.State != canopy.Present {
		t.Errorf("got state %v", e.State)
	}
	if _, err := w.FinishFull(w.ctx, "contoso.lab", w.run); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("got %v for a run without a full read", err)
	}
}

func TestContainerNotSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, container("ou-people", "OU=People,DC=contoso,DC=lab", "root"), person("p1", "anna"))
	w.read("contoso.lab", true)
	n := 0
	w.ok(w.Missing(w.ctx, "contoso.lab", func(e *canopy.Entry, seen bool) error {
		if n++; e.Class == canopy.User && seen {
			t.Errorf("%s: its container was not in the read", e.Anchor)
		}
		return nil
	}))
	if n != 2 {
		t.Errorf("got %d missing, want the container and the person", n)
	}
	if r := get(w.FinishFull(w.ctx, "contoso.lab", w.run))(w); r.Missing != 1 || r.Before != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestDNsFollowTheirContainer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inner := person("p2", "bert")
	inner.DN, inner.Parent = "CN=bert,OU=Inner,OU=People,DC=contoso,DC=lab", "ou-inner"
	w.read("contoso.lab", true, container("ou-people", "OU=People,DC=contoso,DC=lab", "root"), container("ou-inner", "OU=Inner,OU=People,DC=contoso,DC=lab", "ou-people"),
		person("p1", "anna"), inner, person("p3", "carl", func(c *canopy.Change) { c.DN, c.Parent = "CN=carl,DC=contoso,DC=lab", "root" }))
	w.clean()
	w.read("contoso.lab", false, container("ou-people", "OU=Staff,DC=contoso,DC=lab", "root"))
	for anchor, want := range map[string]string{"p1": "CN=anna,OU=Staff,DC=contoso,DC=lab", "p2": "CN=bert,OU=Inner,OU=Staff,DC=contoso,DC=lab",
		"p3": "CN=carl,DC=contoso,DC=lab", "ou-inner": "OU=Inner,OU=Staff,DC=contoso,DC=lab"} {
		if e := w.find("contoso.lab", anchor); e.DN != want {
			t.Errorf("%s: got %s, want %s", anchor, e.DN, want)
		}
	}
	entries, _ := w.due()
	w.equal("due", entries, []string{"p1", "p2"})
	if f := get(w.Find(w.ctx, "cn=bert,ou=inner,ou=staff,dc=contoso,dc=lab"))(w); len(f) != 1 || f[0].Anchor != "p2" {
		t.Errorf("found %+v by the new DN", f)
	}
}

func TestScopeIsLeftAndEntered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, person("p1", "anna"), group("g1", "staff", "p1"))
	w.read("contoso.lab", false, canopy.Change{Kind: canopy.LeftScope, Anchor: "p1"}, canopy.Change{Kind: canopy.LeftScope, Anchor: "g1"})
	e := w.find("contoso.lab", "p1")
	if e.State != canopy.OutOfScope || e.DN != "" || len(e.Attrs) > 0 {
		t.Errorf("got %+v, want the anchor only", e)
	}
	if f := get(w.Find(w.ctx, "anna@contoso.lab"))(w); len(f) > 0 {
		t.Errorf("found %+v by an attribute that is not known any more", f)
	}
	w.equal("again", w.read("contoso.lab", false, canopy.Change{Kind: canopy.LeftScope, Anchor: "p1"}), ImportCounts{Read: 1, Unchanged: 1})
	w.equal("delta out of scope", w.read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Class: canopy.User, Anchor: "p1", Attrs: canopy.Attrs{"title": canopy.Texts("x")}}),
		ImportCounts{Read: 1, Failed: 1})
	w.equal("back", w.read("contoso.lab", false, person("p1", "anna"), group("g1", "staff", "p1")), ImportCounts{Read: 2, Changed: 2})
	if again := w.find("contoso.lab", "p1"); again.ID != e.ID || again.Attrs.Text(canopy.AttrMail) != "anna@contoso.lab" {
		t.Errorf("got %+v", again)
	}
	if l := get(w.Escrows(w.ctx, "", 10))(w); len(l) != 0 {
		t.Errorf("escrow still has %+v", l)
	}
}

func TestEscrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, person("p1", "anna"))
	bad := person("p1", "other")
	bad.Failed = &canopy.Error{Kind: canopy.Invalid, Code: "utf8", Object: bad.DN, Attr: "title", Text: "the value is not UTF-8"}
	w.read("contoso.lab", false, bad)
	*w.at = w.at.Add(60e9)
	w.equal("a full read shows it, though it cannot be read", w.read("contoso.lab", true, bad), ImportCounts{Read: 1, Failed: 1})
	if r := get(w.FinishFull(w.ctx, "contoso.lab", w.run))(w); r.Missing != 0 {
		t.Errorf("got %+v", r)
	}
	l := get(w.Escrows(w.ctx, "contoso.lab", 10))(w)
	if len(l) != 1 || l[0].Count != 2 || l[0].Last.Sub(l[0].First) != 60e9 || l[0].Code != "utf8" || l[0].Anchor != "p1" {
		t.Errorf("got %+v", l)
	}
	if e := w.find("contoso.lab", "p1"); e.Attrs.Text(canopy.AttrDisplayName) != "anna" {
		t.Error("a change that could not be read was applied")
	}
	w.read("contoso.lab", false, person("p1", "anna"))
	if l := get(w.Escrows(w.ctx, "", 10))(w); len(l) != 0 {
		t.Errorf("got %+v", l)
	}
}

// TestFullReadBegunAnew: what only the part showed that broke off is not shown, and no cursor of a part is kept.
func TestFullReadBegunAnew(t *testing.T) {
	t.Parallel()
	for _, before := range []bool{false, true} {
		w := newWorld(t)
		if before {
			w.read("contoso.lab", true, person("p1", "anna"), person("p2", "bert"))
		}
		part := func(anew, done bool, changes ...canopy.Change) {
			t.Helper()
			_, err := w.Import(w.ctx, ImportRequest{Connector: "contoso.lab", Run: 70, ScopeHash: "scope", Full: true, Derive: derive,
				Batch: canopy.Batch{Full: true, Anew: anew, Changes: changes, Cursor: []byte("part"), Done: done}})
			w.ok(err)
		}
		part(false, false, person("p1", "anna"))
		part(true, false, person("p2", "bert"))
		if c := get(w.Cursor(w.ctx, "contoso.lab"))(w); string(c.Bytes) == "part" {
			t.Errorf("before %v: the cursor of a part was kept", before)
		}
		part(false, true, person("p3", "carl"))
		var missing []string
		w.ok(w.Missing(w.ctx, "contoso.lab", func(e *canopy.Entry, _ bool) error {
			missing = append(missing, string(e.Anchor))
			return nil
		}))
		w.equal("missing", missing, []string{"p1"})
		if c := get(w.Cursor(w.ctx, "contoso.lab"))(w); !c.Complete || string(c.Bytes) != "part" {
			t.Errorf("before %v: got %+v", before, c)
		}
	}
}

func TestPartOfAFullRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	part := func(scope string, run canopy.RunID, done bool, changes ...canopy.Change) {
		t.Helper()
		_, err := w.Import(w.ctx, ImportRequest{Connector: "contoso.lab", Run: run, ScopeHash: scope, Full: true, Derive: derive,
			Batch: canopy.Batch{Full: true, Changes: changes, Cursor: []byte("c"), Done: done}})
		w.ok(err)
	}
	cursor := func(wantScope string, wantComplete bool) {
		t.Helper()
		if c := get(w.Cursor(w.ctx, "contoso.lab"))(w); c.ScopeHash != wantScope || c.Complete != wantComplete || (wantScope == "") != (c.Bytes == nil) {
			t.Errorf("got %+v, want scope %q complete %v", c, wantScope, wantComplete)
		}
	}
	part("a", 7, false, person("p1", "anna"))
	cursor("a", false)
	// With another scope nothing may be read on from the middle, since what came with the first would stay for ever.
	part("b", 8, false, person("p2", "bert"))
	cursor("", false)
	part("b", 8, true, person("p3", "carl"))
	cursor("b", true)
	if e := w.find("contoso.lab", "p1"); e.State != canopy.Missing {
		t.Errorf("got state %v", e.State)
	}
	// A first load that was cut off goes on from its cursor.
	w2 := newWorld(t)
	w = w2
	part("a", 7, false, person("p1", "anna"))
	_, err := w.Import(w.ctx, ImportRequest{Connector: "contoso.lab", Run: 8, ScopeHash: "a", Batch: canopy.Batch{Changes: []canopy.Change{person("p2", "bert")}, Cursor: []byte("d"), Done: true}})
	w.ok(err)
	cursor("a", true)
}
