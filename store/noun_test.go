package store

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

func TestNewerStoreIsRefused(t *testing.T) {
	t.Parallel()
	w := newFileWorld(t)
	known, err := fs.Glob(migrations, "migrations/*.sql")
	w.ok(err)
	w.ok(w.update(w.ctx, func(x *tx) error {
		_, err := x.Exec(w.ctx, `INSERT INTO migration (version, name, checksum, at) VALUES (99, 'later', 'x', 0)`)
		return err
	}))
	for _, readOnly := range []bool{false, true} {
		_, err := Open(w.ctx, w.path, Options{ReadOnly: readOnly})
		if canopy.KindOf(err) != canopy.Newer || !strings.Contains(err.Error(), "99") || !strings.Contains(err.Error(), fmt.Sprint("up to ", len(known))) {
			t.Errorf("got %v, want an error of kind newer that names both versions", err)
		}
	}
}

// TestOlderStoreIsBroughtUp: a store of the first version is brought to this one, with what it holds.
func TestOlderStoreIsBroughtUp(t *testing.T) {
	t.Parallel()
	at := newClock()
	w := &world{t: t, ctx: t.Context(), path: filepath.Join(t.TempDir(), "canopy.db"), at: &at, run: 1}
	first, err := fs.ReadFile(migrations, "migrations/0001-first.sql")
	w.ok(err)
	old, err := db.Open(w.ctx, w.path, db.Options{Migrations: fstest.MapFS{"0001-first.sql": {Data: first}}, Volatile: true})
	w.ok(err)
	w.ok(old.Update(w.ctx, func(x *db.Tx) error {
		_, err := x.Exec(w.ctx, `INSERT INTO target_link (owner, attr, target, state) VALUES (1, 1, 2, 3), (1, 1, 3, 1)`)
		return err
	}))
	w.ok(old.Close())
	w.open(nil)
	w.goesBy("target_link_pending", linksToSend)
	rows := 0
	w.ok(w.db.Read(w.ctx, func(x *db.Tx) error {
		_, err := x.One(w.ctx, []any{&rows}, `SELECT count(*) FROM target_link WHERE state > 2 AND owner + 0 > 0`)
		return err
	}))
	w.equal("pending", rows, 1)
	w.ok(w.Close())
}

func TestFind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guid := "0a1b2c3d-0000-4000-8000-00000000abcd"
	anna := person(guid, "anna")
	anna.Attrs[canopy.AttrUPN], anna.Attrs[canopy.AttrAlias] = canopy.Texts("anna@corp.lab"), canopy.Texts("nick")
	anna.Attrs[canopy.AttrAddresses] = canopy.Texts("SMTP:main@contoso.lab", "smtp:other@contoso.lab")
	w.read("contoso.lab", true, anna, person("p2", "bert"))
	for _, text := range []string{guid, "{" + strings.ToUpper(guid) + "}", strings.ToUpper(anna.DN), "ANNA@corp.lab", "anna@contoso.lab", "Nick", "other@CONTOSO.lab",
		"SAM-anna", "  main@contoso.lab "} {
		if f := get(w.Find(w.ctx, text))(w); len(f) != 1 || f[0].Anchor != canopy.Anchor(guid) || f[0].Name != "anna" || f[0].Connector != "contoso.lab" {
			t.Errorf("%s: found %+v", text, f)
		}
	}
	if f := get(w.Find(w.ctx, "nobody"))(w); len(f) != 0 {
		t.Errorf("found %+v", f)
	}
	if _, err := w.Entry(w.ctx, 999); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := w.Meta(w.ctx, 999); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, person("p1", "anna"), person("p2", "bert"))
	w.clean()
	a, b := w.find("contoso.lab", "p1").ID, w.find("contoso.lab", "p2").ID
	get(w.PutDecision(w.ctx, Decision{Kind: "join", Entry: a, Other: b, Who: "root", Why: "same person"}))(w)
	entries, _ := w.due()
	w.equal("due", entries, []string{"p1", "p2"})
	id := get(w.PutDecision(w.ctx, Decision{Kind: "separate", Entry: a, Who: "root"}))(w)
	w.equal("the later one counts", get(w.Decisions(w.ctx))(w), []Decision{{ID: id, Kind: "separate", Entry: a, Who: "root", At: *w.at}})
	w.ok(w.DropDecision(w.ctx, a))
	w.equal("none", get(w.Decisions(w.ctx))(w), []Decision(nil))
	if _, err := w.PutDecision(w.ctx, Decision{Kind: "join", Entry: a}); canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ok(w.Lease(w.ctx, "contoso.lab", "one", time.Minute))
	w.ok(w.Lease(w.ctx, "contoso.lab", "one", time.Minute))
	if err := w.Lease(w.ctx, "contoso.lab", "two", time.Minute); canopy.KindOf(err) != canopy.Conflict || !strings.Contains(err.Error(), "one") {
		t.Errorf("got %v, want a conflict that names the owner", err)
	}
	*w.at = w.at.Add(2 * time.Minute)
	w.ok(w.Lease(w.ctx, "contoso.lab", "two", time.Minute))
	w.ok(w.Lease(w.ctx, "contoso.lab", "two", 0))
	w.ok(w.Lease(w.ctx, "contoso.lab", "one", time.Minute))
}

func TestRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := get(w.StartRun(w.ctx, "run", "me"))(w)
	step := Step{Name: "import", Connector: "contoso.lab", Started: *w.at, Finished: *w.at, Counts: map[string]int{"read": 3}}
	w.ok(w.AddStep(w.ctx, id, step))
	w.ok(w.AddStep(w.ctx, id, Step{Name: "plan", Started: *w.at, Finished: *w.at, Error: "no"}))
	w.ok(w.FinishRun(w.ctx, id, ""))
	second := get(w.StartRun(w.ctx, "plan", "me"))(w)
	runs := get(w.Runs(w.ctx, 10))(w)
	if len(runs) != 2 || runs[0].ID != second || !runs[0].Finished.IsZero() || runs[1].Finished.IsZero() || len(runs[1].Steps) != 2 {
		t.Fatalf("got %+v", runs)
	}
	w.equal("step", runs[1].Steps[0], step)
}

func TestConnectors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.equal("by order", get(w.Connectors(w.ctx))(w), connectors())
	w.ok(w.PutConnector(w.ctx, Connector{ID: "contoso.lab", Kind: "ad", Order: 9, Name: "x"}))
	if c := get(w.Connectors(w.ctx))(w); c[2].ID != "contoso.lab" || c[2].Name != "x" {
		t.Errorf("got %+v", c)
	}
	if err := w.PutConnector(w.ctx, Connector{ID: "contoso.lab", Kind: KindTenant}); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("got %v for another kind", err)
	}
	if _, err := w.Cursor(w.ctx, "nowhere"); canopy.KindOf(err) != canopy.NotFound {
		t.Errorf("got %v", err)
	}
}

// TestReaderBesideAWriter: a process that reads knows the words that the other one wrote after it was opened.
func TestReaderBesideAWriter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := get(Open(w.ctx, w.path, Options{ReadOnly: true}))(w)
	t.Cleanup(func() { w.ok(r.Close()) })
	w.read("contoso.lab", true, person("p1", "anna"))
	f := get(r.Find(w.ctx, "p1"))(w)
	if len(f) != 1 || f[0].Name != "anna" {
		t.Errorf("got %+v", f)
	}
	if err := r.MarkAllDue(w.ctx); canopy.KindOf(err) != canopy.Unsupported {
		t.Errorf("a reader wrote: %v", err)
	}
}

// TestLostKeysStir: entries that were looked at together are looked at again when one of them goes.
func TestLostKeysStir(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	same := func(c *canopy.Change) { c.Attrs[canopy.AttrMail] = canopy.Texts("one@contoso.lab") }
	w.read("contoso.lab", true, person("p1", "anna", same), person("p2", "bert"))
	w.read("fabrikam.lab", true, person("d1", "dora", same))
	w.clean()
	w.read("contoso.lab", false, canopy.Change{Kind: canopy.Deleted, Anchor: "p1"})
	entries, _ := w.due()
	w.equal("due", entries, []string{"d1"})
}

// TestClaimsThatAreFreed: what a target's object takes makes those due that want it, and what it gives up those that want
// it and were to do without.
func TestClaimsThatAreFreed(t *testing.T) {
	t.Parallel()
	w, _ := start(t)
	own := canopy.Change{Kind: canopy.FullImage, Class: canopy.User, Anchor: "own", Attrs: canopy.Attrs{canopy.AttrUPN: canopy.Texts("Bert@contoso.lab")}}
	w.clean()
	bert := w.find("contoso.lab", "p2").Meta
	due := func(what string, want ...canopy.MetaID) {
		t.Helper()
		_, metas := w.due()
		w.equal(what, metas, want)
	}
	w.read(canopy.Tenant, false, own)
	due("somebody else has it now", bert)
	v := get(w.View(w.ctx))(w)
	defer func() { w.ok(v.Close()) }()
	claims := get(v.Claims(w.ctx, []canopy.Claim{{Kind: canopy.ClaimUPN, Value: "bert@contoso.lab"}}))(w)
	if len(claims) != 2 {
		t.Fatalf("got %+v, want the meta and the object", claims)
	}
	for _, c := range claims {
		if c.Entry == 0 && c.Meta != bert || c.Entry != 0 && (c.Meta != 0 || !c.Kept || c.Anchor != "own") {
			t.Errorf("got %+v", c)
		}
	}
	w.apply(w.plan())
	due("it does without")
	own.Kind, own.Attrs = canopy.Delta, canopy.Attrs{canopy.AttrUPN: canopy.Texts("other@contoso.lab")}
	w.read(canopy.Tenant, false, own)
	due("it is given up", bert)
	w.apply(w.plan())
	due("it has it")
	own.Attrs = canopy.Attrs{canopy.AttrUPN: canopy.Texts("Bert@contoso.lab")}
	w.read(canopy.Tenant, false, own)
	w.clean()
	own.Attrs = canopy.Attrs{canopy.AttrUPN: canopy.Texts("other@contoso.lab")}
	w.read(canopy.Tenant, false, own)
	due("given up again, and it never was to do without")
}

func TestLookup(t *testing.T) {
	t.Parallel()
	w, _ := start(t)
	v := get(w.View(w.ctx))(w)
	defer func() { w.ok(v.Close()) }()
	hits := get(v.Lookup(w.ctx, []canopy.Key{{Name: "offer:mail", Value: "anna@contoso.lab"}, {Name: "meta:mail", Value: "anna@contoso.lab"}, {Name: "meta:mail", Value: "none"}}))(w)
	metas, entries := 0, 0
	for _, h := range hits {
		if h.Entry == 0 {
			metas++
		} else if h.Meta != 0 && h.Connector != "" {
			entries++
		}
	}
	if metas != 1 || entries != 2 || len(hits) != 3 {
		t.Errorf("got %+v", hits)
	}
}

// TestWholeWalkShowsWhatIsTooMuch: a whole walk over links tells of what the target is to hold and the source has not.
func TestWholeWalkShowsWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	w, _ := start(t)
	v := get(w.View(w.ctx))(w)
	defer func() { w.ok(v.Close()) }()
	target := w.entryOf("sa-g1").ID
	walk := func(owner canopy.EntryID, changed bool) (held, removed int) {
		t.Helper()
		w.ok(v.Links(w.ctx, canopy.LinkQuery{Owner: owner, Attr: canopy.AttrMember, Changed: changed, Connector: canopy.Tenant, Target: target, TargetAttr: canopy.AttrMember},
			func(r canopy.LinkRow) error {
				if r.Removed {
					removed++
				} else if r.Desired {
					held++
				}
				return nil
			}))
		return held, removed
	}
	if h, r := walk(w.find("contoso.lab", "g1").ID, false); h != 2 || r != 0 {
		t.Errorf("its own: got %d held, %d removed", h, r)
	}
	if h, r := walk(w.find("contoso.lab", "g1").ID, true); h != 0 || r != 0 {
		t.Errorf("nothing changed: got %d held, %d removed", h, r)
	}
	if h, r := walk(0, false); h != 0 || r != 2 {
		t.Errorf("nobody's: got %d held, %d removed", h, r)
	}
}

// TestLinksThatLeadToEntries: rows that were planned are found by what they name, with their owners, and beside one owner's
// object; what changed since is told of by a walk over changes.
func TestLinksThatLeadToEntries(t *testing.T) {
	t.Parallel()
	w, c := start(t)
	staff, anna := w.find("contoso.lab", "g1"), w.find("contoso.lab", "p1")
	late := func() canopy.EntryID { return w.find("contoso.lab", "p9").ID }
	type row struct {
		Owner, Entry canopy.EntryID
		Meta         canopy.MetaID
		Desired      bool
	}
	ask := func(owner canopy.EntryID, changed bool, to ...canopy.EntryID) (rows []row) {
		t.Helper()
		v := get(w.View(w.ctx))(w)
		defer func() { w.ok(v.Close()) }()
		w.ok(v.Links(w.ctx, canopy.LinkQuery{Owner: owner, Attr: canopy.AttrMember, Connector: canopy.Tenant, Target: w.entryOf("sa-g1").ID,
			TargetAttr: canopy.AttrMember, Changed: changed, To: to}, func(r canopy.LinkRow) error {
			rows = append(rows, row{r.Owner, r.Entry, r.OwnerMeta, r.Desired})
			return nil
		}))
		slices.SortFunc(rows, func(a, b row) int { return int(a.Entry - b.Entry) })
		return rows
	}
	w.equal("to anna", ask(0, false, anna.ID), []row{{staff.ID, anna.ID, staff.Meta, false}})
	w.equal("of staff to anna", ask(staff.ID, false, anna.ID), []row{{0, anna.ID, 0, true}})
	w.equal("to itself", ask(0, false, staff.ID), []row(nil))
	w.read("contoso.lab", false, person("p9", "late"))
	w.equal("to one who is not joined yet", ask(0, false, late(), anna.ID), []row{{staff.ID, anna.ID, staff.Meta, false}, {staff.ID, late(), staff.Meta, false}})
	w.equal("changed", ask(staff.ID, true), []row(nil))
	w.cycle(c)
	w.cycle(c) // this planner foresees nothing: the owner stays due
	w.quiet(c)
	w.equal("carried", ask(staff.ID, false, late()), []row{{0, late(), 0, true}})
}

// TestPreviewTouchesNothing: whatever is read through a view leaves the file and its log as they were, octet for octet.
func TestPreviewTouchesNothing(t *testing.T) {
	t.Parallel()
	w, _ := startIn(newFileWorld(t))
	w.ok(w.MarkAllDue(w.ctx))
	files := func() (all []string) {
		for _, suffix := range []string{"", "-wal"} {
			text, err := os.ReadFile(w.path + suffix)
			w.ok(err)
			all = append(all, fmt.Sprintf("%x", sha256.Sum256(text)))
		}
		return all
	}
	before := files()
	if items, err := w.items(); err != nil || len(items) < 3 {
		t.Fatalf("got %d items, %v", len(items), err)
	}
	w.equal("files", files(), before)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.read("contoso.lab", true, person("p1", "anna"))
	w.ok(w.Close())
	full := &canopy.Error{Kind: canopy.Full, Object: filepath.Base(w.path), Text: "there is no space left"}
	w.open(func(q string) error {
		if strings.HasPrefix(q, "INSERT INTO entry") {
			return full
		}
		return nil
	})
	_, err := w.Import(w.ctx, ImportRequest{Connector: "contoso.lab", Run: 9, Derive: derive, Batch: canopy.Batch{Changes: []canopy.Change{person("p2", "bert")}, Cursor: []byte("later"), Done: true}})
	if canopy.KindOf(err) != canopy.Full {
		t.Errorf("got %v", err)
	}
	if c := get(w.Cursor(w.ctx, "contoso.lab"))(w); string(c.Bytes) == "later" || w.find("contoso.lab", "p2") != nil {
		t.Errorf("half of the batch was kept: %+v", c)
	}
}
