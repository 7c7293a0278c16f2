package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// content is what a store holds, in words that do not depend on numbers, nor on the way that led there.
func (w *world) content() []string {
	w.t.Helper()
	var out []string
	names := map[int64]string{}
	conns := w.byNumber()
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	each := func(scan func(*sql.Rows) error, query string) {
		w.t.Helper()
		w.ok(w.db.Read(w.ctx, func(t *db.Tx) error { return t.Each(w.ctx, scan, query) }))
	}
	each(func(r *sql.Rows) error {
		var id int64
		var anchor string
		err := r.Scan(&id, &anchor)
		names[id] = anchor
		return err
	}, `SELECT id, anchor FROM stub`)
	var rows []*entryRow
	each(func(r *sql.Rows) error {
		row, err := scanRow(r, true)
		rows = append(rows, row)
		return err
	}, `SELECT `+rowList+` FROM entry e`)
	metas := map[int64][]string{}
	for _, r := range rows {
		c := conns[r.connector]
		if names[r.id] = r.anchor; c.target() {
			names[r.id] = r.sourceAnchor + "'"
		}
		if r.meta != 0 {
			metas[r.meta] = append(metas[r.meta], names[r.id])
		}
		e, err := w.entry(r)
		w.ok(err)
		var values []string
		for _, name := range e.Attrs.Names() {
			values = append(values, fmt.Sprintf("%s=%s", name, slices.Sorted(slices.Values(e.Attrs[name].Strings()))))
		}
		if r.state == canopy.OutOfScope {
			r.class = "" // known only to those who saw it in scope
		}
		add("entry %s %s %s %s %s %v %v %v notkept=%s", c.ID, names[r.id], r.class, r.dn, r.state, values, e.LinkCounts, r.known, r.notKept)
	}
	for _, m := range metas {
		slices.Sort(m)
		add("meta of %s", m)
	}
	for _, table := range []string{"link", "target_link"} {
		each(func(r *sql.Rows) error {
			var owner, attr, target, state int64
			err := r.Scan(&owner, &attr, &target, &state)
			if table == "link" && state != linkRemoved || table == "target_link" && state != linkDropped {
				add("%s %s -> %s", table, names[owner], names[target])
			}
			return err
		}, `SELECT owner, attr, target, state FROM `+table)
	}
	each(func(r *sql.Rows) error {
		var owner int64
		var name, value string
		err := r.Scan(&owner, &name, &value)
		who := names[owner]
		if owner < 0 {
			who = fmt.Sprint("meta of ", metas[-owner])
		}
		add("key %s %s %s", who, name, value)
		return err
	}, `SELECT owner, name, value FROM key`)
	each(func(r *sql.Rows) error {
		var owner int64
		var kind, value string
		err := r.Scan(&owner, &kind, &value)
		who := names[owner]
		if owner < 0 {
			who = fmt.Sprint("meta of ", metas[-owner])
		}
		add("claim %s %s %s", who, kind, value)
		return err
	}, `SELECT owner, kind, value FROM claim`)
	each(func(r *sql.Rows) error {
		var conn, objects int64
		err := r.Scan(&conn, &objects)
		add("objects %s %d", conns[conn].ID, objects)
		return err
	}, `SELECT connector, objects FROM cursor`)
	slices.Sort(out)
	return out
}

// story is a small history in steps, each of which can be tried again.
func story(w *world, c *cloud) []func() error {
	read := func(conn canopy.ConnectorID, full bool, changes ...canopy.Change) func() error {
		return func() error {
			w.run++
			_, err := w.Import(w.ctx, ImportRequest{Connector: conn, Run: w.run, ScopeHash: "scope", Full: full, Derive: derive,
				Batch: canopy.Batch{Full: full, Changes: changes, Cursor: []byte("c"), Done: true}})
			return err
		}
	}
	plan := func() error {
		if last, err := w.LatestPlan(w.ctx); err == nil && last.State == canopy.PlanApplying {
			_, err := w.tryApply(last.ID) // it was cut off
			return err
		}
		id, err := w.tryPlan()
		if err == nil {
			_, err = w.tryApply(id)
		}
		return err
	}
	send := func() error { _, err := w.trySend(c); return err }
	confirm := func() error { return read(canopy.Tenant, true, c.all()...)() }
	cycle := []func() error{plan, send, confirm, plan, send, confirm}
	steps := []func() error{
		read("contoso.lab", true, container("ou-people", "OU=People,DC=contoso,DC=lab", "root"), person("p1", "anna"), person("p2", "bert"), group("g1", "staff", "p1", "p2", "p9")),
		read("fabrikam.lab", true, person("d1", "dora", func(c *canopy.Change) { c.Attrs[canopy.AttrMail] = canopy.Texts("anna@contoso.lab") })),
		read(canopy.Tenant, true)}
	steps = append(steps, cycle...)
	steps = append(steps, read("contoso.lab", false, canopy.Change{Kind: canopy.Delta, Class: canopy.User, Anchor: "p1", Attrs: canopy.Attrs{"title": canopy.Texts("boss")}},
		canopy.Change{Kind: canopy.Deleted, Anchor: "p2"}, person("p9", "carl"), container("ou-people", "OU=Staff,DC=contoso,DC=lab", "root"),
		canopy.Change{Kind: canopy.Delta, Class: canopy.Group, Anchor: "g1", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Removed: refs("p1")}}}))
	return append(append(steps, cycle...), cycle...)
}

// standing is where a history stands before one of its steps.
type standing struct {
	file       []byte
	cloud      *cloud
	run        canopy.RunID
	statements int      // that the step needs
	after      []string // what the store and the tenant hold after it
}

// at opens a world as it stood, with a store that fails as fail says.
func (m *standing) at(t *testing.T, dir string, fail func(string) error) (*world, *cloud) {
	clock := newClock()
	w := &world{t: t, ctx: context.Background(), path: filepath.Join(dir, "canopy.db"), at: &clock, run: m.run}
	w.ok(os.WriteFile(w.path, m.file, 0o600))
	w.open(fail)
	return w, m.cloud.clone()
}

// everything is what the store and the tenant hold, with what is still to be done.
func (w *world) everything(c *cloud) []string {
	w.t.Helper()
	entries, metas := w.due()
	n := get(w.ExportCounts(w.ctx, canopy.Tenant))(w)
	return append(append(w.content(), c.state()...), fmt.Sprintf("due %v %d, exports %+v", entries, len(metas), n))
}

// history lives the story once and keeps how it stood before each step.
func history(t *testing.T) []*standing {
	t.Helper()
	now := &standing{cloud: newCloud(), run: 1}
	w, c := now.at(t, t.TempDir(), nil)
	for _, x := range connectors() {
		w.ok(w.PutConnector(w.ctx, x))
	}
	var all []*standing
	for i := range story(w, c) {
		w.ok(w.Close())
		file, err := os.ReadFile(w.path)
		w.ok(err)
		m := &standing{file: file, cloud: c.clone(), run: w.run}
		count := 0
		w.open(func(string) error { count++; return nil })
		count = 0
		w.ok(story(w, c)[i]())
		m.statements = count
		m.after = w.everything(c)
		all = append(all, m)
	}
	if got := strings.Join(c.state(), "|"); got != "anna sa-p1 boss |carl sa-p9  |staff sa-g1  carl" || len(w.content()) < 20 {
		t.Fatalf("the history went wrong: %v %v", got, w.content())
	}
	w.ok(w.Close())
	return all
}

// TestEveryStatementMayFail lets the writing fail from statement n on, for every n of a history; the process is then
// given up, and another one goes on with the step that failed. After it everything is as if nothing had failed.
func TestEveryStatementMayFail(t *testing.T) {
	t.Parallel()
	total := 0
	for i, m := range history(t) {
		total += m.statements
		t.Run(fmt.Sprintf("step %d", i), func(t *testing.T) {
			t.Parallel()
			step := 1
			if testing.Short() || raced {
				step = 1 + m.statements/2
			}
			dir := t.TempDir()
			for n := 1; n <= m.statements && !t.Failed(); n += step {
				left := 1 << 20
				w, c := m.at(t, dir, func(string) error {
					if left--; left < 0 {
						return db.ErrFailed
					}
					return nil
				})
				left = n - 1
				if err := story(w, c)[i](); !errors.Is(err, db.ErrFailed) {
					t.Fatalf("statement %d of %d: got %v, want the error", n, m.statements, err)
				}
				w.ok(w.Close())
				w.open(nil)
				w.ok(story(w, c)[i]())
				w.equal(fmt.Sprintf("after statement %d failed", n), w.everything(c), m.after)
				w.ok(w.Close())
				for _, suffix := range []string{"-wal", "-shm"} {
					_ = os.Remove(w.path + suffix)
				}
			}
		})
	}
	if total < 500 {
		t.Errorf("the history has %d statements only", total)
	}
}

// TestBatchingDoesNotMatter: random histories of a directory, imported in any batches, as changes or as whole reads, leave
// the same content.
func TestBatchingDoesNotMatter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		sim := simulate(r)
		var first []string
		for i := range 3 {
			at := newClock()
			w := &world{t: t, ctx: context.Background(), path: filepath.Join(dir, fmt.Sprintf("%d-%d.db", n, i)), at: &at, run: 1}
			w.open(nil)
			for _, c := range connectors() {
				w.ok(w.PutConnector(w.ctx, c))
			}
			switch i {
			case 0: // the end at once
				w.read("contoso.lab", true, sim.image()...)
			case 1: // every change by itself
				for _, c := range sim.history {
					w.read("contoso.lab", false, c)
				}
			default: // batches of some size, and a whole read in the end
				for part := range slices.Chunk(sim.history, rapid.IntRange(1, 9).Draw(r, "batch")) {
					w.read("contoso.lab", false, part...)
				}
				w.read("contoso.lab", true, sim.image()...)
				if res := get(w.FinishFull(w.ctx, "contoso.lab", w.run))(w); res.Missing != 0 || res.Seen != sim.living() {
					r.Fatalf("got %+v, want %d seen", res, sim.living())
				}
			}
			content := w.content()
			w.ok(w.Close())
			if first == nil {
				first = content
			} else if !slices.Equal(first, content) {
				r.Fatalf("way %d:\n%s\nwant:\n%s", i, strings.Join(content, "\n"), strings.Join(first, "\n"))
			}
			for _, suffix := range []string{"", "-wal", "-shm"} {
				_ = os.Remove(w.path + suffix)
			}
		}
	})
}

// simulated is a directory with its history.
type simulated struct {
	objects map[canopy.Anchor]*canopy.Change
	members map[canopy.Anchor]map[canopy.Anchor]bool
	history []canopy.Change
}

func simulate(r *rapid.T) *simulated {
	s := &simulated{objects: map[canopy.Anchor]*canopy.Change{}, members: map[canopy.Anchor]map[canopy.Anchor]bool{}}
	for range rapid.IntRange(1, 30).Draw(r, "steps") {
		s.step(r)
	}
	return s
}

func (s *simulated) step(r *rapid.T) {
	anchor := canopy.Anchor(fmt.Sprintf("o%d", rapid.IntRange(0, 5).Draw(r, "object")))
	other := canopy.Anchor(fmt.Sprintf("o%d", rapid.IntRange(0, 5).Draw(r, "other")))
	o := s.objects[anchor]
	if o == nil || o.Kind == canopy.LeftScope {
		c := person(string(anchor), "name of "+string(anchor))
		s.objects[anchor] = &c
		s.history = append(s.history, s.shown(anchor))
		return
	}
	switch rapid.SampledFrom([]string{"set", "clear", "add", "remove", "delete", "leave", "again"}).Draw(r, "what") {
	case "set":
		v := canopy.Texts(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(r, "values")...)
		o.Attrs["title"] = v
		s.history = append(s.history, canopy.Change{Kind: canopy.Delta, Class: o.Class, Anchor: anchor, Attrs: canopy.Attrs{"title": v}})
	case "clear":
		delete(o.Attrs, "title")
		s.history = append(s.history, canopy.Change{Kind: canopy.Delta, Class: o.Class, Anchor: anchor, Attrs: canopy.Attrs{"title": {}}})
	case "add":
		if s.members[anchor] == nil {
			s.members[anchor] = map[canopy.Anchor]bool{}
		}
		s.members[anchor][other] = true
		s.history = append(s.history, canopy.Change{Kind: canopy.Delta, Class: o.Class, Anchor: anchor, Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Added: []canopy.Ref{{Anchor: other}}}}})
	case "remove":
		delete(s.members[anchor], other)
		s.history = append(s.history, canopy.Change{Kind: canopy.Delta, Class: o.Class, Anchor: anchor, Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Removed: []canopy.Ref{{Anchor: other}}}}})
	case "delete":
		delete(s.objects, anchor)
		delete(s.members, anchor)
		for _, m := range s.members {
			delete(m, anchor)
		}
		s.history = append(s.history, canopy.Change{Kind: canopy.Deleted, Anchor: anchor})
	case "leave":
		s.objects[anchor] = &canopy.Change{Kind: canopy.LeftScope, Anchor: anchor}
		delete(s.members, anchor)
		s.history = append(s.history, *s.objects[anchor])
	case "again":
		s.history = append(s.history, s.shown(anchor))
	}
}

// shown is one object as a whole image, with its own memory.
func (s *simulated) shown(anchor canopy.Anchor) canopy.Change {
	c := *s.objects[anchor]
	c.Attrs = c.Attrs.Clone()
	var members []string
	for m := range s.members[anchor] {
		members = append(members, string(m))
	}
	slices.Sort(members)
	if len(members) > 0 {
		c.Links = linksTo(canopy.AttrMember, members...)
	}
	return c
}

func (s *simulated) image() []canopy.Change {
	var out []canopy.Change
	for anchor, o := range s.objects {
		if o.Kind == canopy.LeftScope {
			out = append(out, *o)
		} else {
			out = append(out, s.shown(anchor))
		}
	}
	return out
}

func (s *simulated) living() int {
	n := 0
	for _, o := range s.objects {
		if o.Kind != canopy.LeftScope {
			n++
		}
	}
	return n
}
