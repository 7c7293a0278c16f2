package store

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
)

var _ engine.View = (*View)(nil)

var sameValue = cmp.Comparer(func(x, y canopy.Value) bool { return x == y })

// world is a store with two forests and a tenant, and a clock that moves by hand.
type world struct {
	t testing.TB
	*Store
	ctx  context.Context
	path string
	at   *time.Time
	run  canopy.RunID
}

func connectors() []Connector {
	return []Connector{{ID: "contoso.lab", Kind: "ad", Order: 1, Name: "contoso.lab"}, {ID: "fabrikam.lab", Kind: "ad", Order: 2, Name: "fabrikam.lab"},
		{ID: canopy.Tenant, Kind: KindTenant, Order: 3, Name: "tenant"}}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldAt(t, place(t))
}

// newFileWorld is a world in a file whatever the run asks for, where a test is about the file.
func newFileWorld(t testing.TB) *world {
	t.Helper()
	return newWorldAt(t, filepath.Join(t.TempDir(), "canopy.db"))
}

func newWorldAt(t testing.TB, path string) *world {
	t.Helper()
	at := newClock()
	w := &world{t: t, ctx: context.Background(), path: path, at: &at, run: 1}
	w.open(nil)
	for _, c := range connectors() {
		w.ok(w.PutConnector(w.ctx, c))
	}
	t.Cleanup(func() { w.ok(w.Close()) })
	return w
}

func newClock() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

func (w *world) clock() time.Time { return *w.at }

// open opens the world's file.
func (w *world) open(fail func(string) error) {
	w.t.Helper()
	var err error
	w.Store, err = Open(w.ctx, w.path, Options{Clock: w.clock, Volatile: true, Search: []canopy.Attr{"sAMAccountName"}, CacheMiB: 8, Fail: fail})
	w.ok(err)
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func get[T any](v T, err error) func(w *world) T {
	return func(w *world) T {
		w.t.Helper()
		w.ok(err)
		return v
	}
}

// derive gives what the built-in rules would: people ask for and offer their mail, and the tenant's objects claim
// their UPN and match by it.
func derive(e *canopy.Entry) (keys []canopy.Key, claims []canopy.Claim) {
	mail := canopy.Fold(e.Attrs.Text(canopy.AttrMail))
	if e.Connector == canopy.Tenant {
		if upn := canopy.Fold(e.Attrs.Text(canopy.AttrUPN)); upn != "" {
			claims = append(claims, canopy.Claim{Kind: canopy.ClaimUPN, Value: upn})
			keys = append(keys, canopy.Key{Name: "match:upn", Value: upn})
		}
		return keys, claims
	}
	if mail != "" {
		keys = append(keys, canopy.Key{Name: "offer:mail", Value: mail}, canopy.Key{Name: "ask:mail", Value: mail})
	}
	return keys, nil
}

// read imports changes as one whole read.
func (w *world) read(conn canopy.ConnectorID, full bool, changes ...canopy.Change) ImportCounts {
	w.t.Helper()
	w.run++
	counts, err := w.Import(w.ctx, ImportRequest{Connector: conn, Run: w.run, ScopeHash: "scope", Full: full, Derive: derive,
		Batch: canopy.Batch{Full: full, Changes: changes, Cursor: fmt.Appendf(nil, "cursor %d", w.run), Done: true}})
	w.ok(err)
	return counts
}

func person(anchor, name string, more ...func(*canopy.Change)) canopy.Change {
	c := canopy.Change{Kind: canopy.FullImage, Class: canopy.User, Anchor: canopy.Anchor(anchor), DN: "CN=" + name + ",OU=People,DC=contoso,DC=lab", Parent: "ou-people",
		Attrs: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts(name), canopy.AttrMail: canopy.Texts(name + "@contoso.lab"),
			"sAMAccountName": canopy.Texts("sam-" + name)}}
	for _, m := range more {
		m(&c)
	}
	return c
}

func group(anchor, name string, members ...string) canopy.Change {
	c := person(anchor, name)
	c.Class = canopy.Group
	delete(c.Attrs, canopy.AttrMail)
	c.Links = linksTo(canopy.AttrMember, members...)
	return c
}

func linksTo(attr canopy.Attr, anchors ...string) map[canopy.Attr]canopy.LinkChange {
	return map[canopy.Attr]canopy.LinkChange{attr: {Whole: true, Added: refs(anchors...)}}
}

func refs(anchors ...string) []canopy.Ref {
	var out []canopy.Ref
	for _, a := range anchors {
		out = append(out, canopy.Ref{Anchor: canopy.Anchor(a)})
	}
	return out
}

func container(anchor, dn, parent string) canopy.Change {
	return canopy.Change{Kind: canopy.FullImage, Class: canopy.Container, Anchor: canopy.Anchor(anchor), DN: dn, Parent: canopy.Anchor(parent)}
}

// find gives the one entry of an anchor.
func (w *world) find(conn canopy.ConnectorID, anchor string) *canopy.Entry {
	w.t.Helper()
	for _, f := range get(w.Find(w.ctx, anchor))(w) {
		if f.Connector == conn {
			return get(w.Entry(w.ctx, f.Entry))(w)
		}
	}
	return nil
}

func (w *world) due() (entries []string, metas []canopy.MetaID) {
	w.t.Helper()
	w.ok(w.DueEntries(w.ctx, func(e *canopy.Entry) error {
		entries = append(entries, string(e.Anchor))
		return nil
	}))
	return entries, get(w.DueMetas(w.ctx, 0, 1000))(w)
}

// clean forgets what is due.
func (w *world) clean() {
	w.t.Helper()
	w.ok(w.update(w.ctx, func(t *tx) error {
		if _, err := t.Exec(w.ctx, `DELETE FROM due_entry`); err != nil {
			return err
		}
		_, err := t.Exec(w.ctx, `DELETE FROM due_meta`)
		return err
	}))
}

func (w *world) equal(what string, got, want any) {
	w.t.Helper()
	if d := cmp.Diff(want, got, sameValue); d != "" {
		w.t.Errorf("%s: -want +got\n%s", what, d)
	}
}

func (w *world) links(id canopy.EntryID, attr canopy.Attr) []string {
	w.t.Helper()
	var out []string
	for _, ref := range get(w.LinksOf(w.ctx, id, attr, 1000))(w) {
		out = append(out, string(ref.Anchor))
	}
	slices.Sort(out)
	return out
}
