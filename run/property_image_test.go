package run_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/e2e"
	"github.com/canopy-sync/canopy/tenant"
)

// world is what the oracle judges by.
func (b *propBench) world(t propTB) e2e.World {
	t.Helper()
	w := e2e.World{Join: b.people, Before: b.before}
	for i, m := range b.forests {
		f := e2e.Forest{Name: b.names[i], Domain: b.names[i] + ".test"}
		images := propImages(t, m)
		for _, c := range images {
			if slices.Contains(b.scope[i].Exclude, c.Anchor) {
				f.Exclude = append(f.Exclude, c.DN)
			}
			f.Objects = append(f.Objects, propObject(c))
		}
		w.Forests = append(w.Forests, f)
	}
	return w
}

// propImages are all objects of a directory.
func propImages(t propTB, m *connectortest.Memory) (all []canopy.Change) {
	t.Helper()
	ctx := context.Background()
	about, err := m.Describe(ctx)
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	req := canopy.ReadRequest{Classes: about.Schema.Classes}
	for a := range about.Schema.Attributes {
		req.Attrs = append(req.Attrs, a)
	}
	err = m.Read(ctx, req, func(x canopy.Batch) error {
		all = append(all, x.Changes...)
		return nil
	})
	if err != nil {
		t.Fatalf("read a directory: %v", err)
	}
	return all
}

// propObject is an object as the oracle wants it.
func propObject(c canopy.Change) e2e.Object {
	o := e2e.Object{DN: c.DN, GUID: string(c.Anchor), Attrs: map[string][]string{"objectclass": {"top", string(c.Class)}}}
	for a, values := range c.Attrs {
		for _, v := range values {
			text := v.String()
			if v.Type() == canopy.Binary {
				text = string(v.Octets())
			}
			o.Attrs[strings.ToLower(string(a))] = append(o.Attrs[strings.ToLower(string(a))], text)
		}
	}
	for a, l := range c.Links {
		for _, r := range l.Added {
			o.Attrs[strings.ToLower(string(a))] = append(o.Attrs[strings.ToLower(string(a))], r.DN)
		}
	}
	return o
}

// propGUID are an anchor's octets as a directory keeps them in objectGUID.
func propGUID(t propTB, a canopy.Anchor) canopy.Values {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(string(a), "-", ""))
	if err != nil || len(raw) != 16 {
		t.Fatalf("%s is no GUID: %v", a, err)
	}
	slices.Reverse(raw[:4])
	slices.Reverse(raw[4:6])
	slices.Reverse(raw[6:8])
	return canopy.Values{canopy.Bytes(raw)}
}

// image is the metaverse and the tenant as text in which no number and no order of arrival is left.
func (b *propBench) image(t propTB) string {
	t.Helper()
	return b.metaverse(t) + "\n" + b.cloud(t)
}

func (b *propBench) metaverse(t propTB) string {
	t.Helper()
	ctx := context.Background()
	seen := map[canopy.MetaID]bool{}
	var lines []string
	for i, m := range b.forests {
		for _, c := range propImages(t, m) {
			found, err := b.store.Find(ctx, string(c.Anchor))
			if err != nil {
				t.Fatalf("find %s: %v", c.DN, err)
			}
			for _, f := range found {
				switch {
				case f.Connector != canopy.ConnectorID(b.names[i]) || seen[f.Meta]:
				case f.Meta == 0:
					lines = append(lines, fmt.Sprintf("unjoined %s %s %s", f.Connector, f.Anchor, f.State))
				default:
					seen[f.Meta] = true
					lines = append(lines, b.meta(t, f.Meta))
				}
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (b *propBench) meta(t propTB, id canopy.MetaID) string {
	t.Helper()
	ctx := context.Background()
	m, err := b.store.Meta(ctx, id)
	if err != nil {
		t.Fatalf("meta %d: %v", id, err)
	}
	entries, err := b.store.EntriesOf(ctx, id)
	if err != nil {
		t.Fatalf("entries of meta %d: %v", id, err)
	}
	by := map[canopy.EntryID]string{}
	var who, what []string
	for _, e := range entries {
		name := string(e.Connector) + "/" + string(e.Anchor)
		if e.Connector == canopy.Tenant {
			name = string(e.Connector) + "/" + e.SourceAnchor
		}
		by[e.ID] = name
		who = append(who, name)
	}
	for a, s := range m.Attrs {
		values := s.Values.Strings()
		slices.Sort(values)
		var from []string
		for _, o := range s.Origins {
			from = append(from, by[o.Entry]+" by "+string(o.Rule))
		}
		slices.Sort(from)
		what = append(what, fmt.Sprintf("  %s = %q from %s", a, values, strings.Join(slices.Compact(from), ", ")))
	}
	slices.Sort(who)
	slices.Sort(what)
	return fmt.Sprintf("%s of %s\n%s", m.Class, strings.Join(who, " + "), strings.Join(what, "\n"))
}

// cloud is the tenant as text.
func (b *propBench) cloud(t propTB) string {
	t.Helper()
	ctx := context.Background()
	name := map[canopy.Anchor]string{}
	var all []*tenant.Object
	for _, deleted := range []bool{false, true} {
		err := b.tenant.Admin().List(ctx, deleted, func(o *tenant.Object) error {
			all = append(all, o)
			name[o.ID] = o.SourceAnchor
			if o.SourceAnchor == "" {
				name[o.ID] = "own " + o.Attrs.Text(canopy.AttrUPN) + o.Attrs.Text(canopy.AttrDisplayName)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("list the tenant: %v", err)
		}
	}
	links := map[canopy.Anchor]string{}
	for _, c := range b.live(t) {
		for _, a := range []canopy.Attr{canopy.AttrManager, canopy.AttrMember} {
			var to []string
			for _, r := range c.Links[a].Added {
				to = append(to, name[r.Anchor])
			}
			slices.Sort(to)
			links[c.Anchor] += fmt.Sprintf(" %s=%q", a, to)
		}
	}
	var lines []string
	for _, o := range all {
		var attrs []string
		for a, v := range o.Attrs {
			values := v.Strings()
			slices.Sort(values)
			attrs = append(attrs, fmt.Sprintf("%s=%q", a, values))
		}
		slices.Sort(attrs)
		lines = append(lines, fmt.Sprintf("%s %s synced=%v deleted=%v %s%s", o.Class, name[o.ID], o.Synced, !o.Deleted.IsZero(), strings.Join(attrs, " "), links[o.ID]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// unique tells when somebody has two objects in the tenant, the recycle bin included.
func (b *propBench) unique(t propTB) {
	t.Helper()
	seen := map[string]canopy.Anchor{}
	for _, deleted := range []bool{false, true} {
		err := b.tenant.Admin().List(context.Background(), deleted, func(o *tenant.Object) error {
			if other := seen[o.SourceAnchor]; o.SourceAnchor != "" && other != "" && other != o.ID {
				t.Fatalf("%s and %s of the tenant have one source anchor %s", other, o.ID, o.SourceAnchor)
			}
			seen[o.SourceAnchor] = o.ID
			return nil
		})
		if err != nil {
			t.Fatalf("list the tenant: %v", err)
		}
	}
}

// propTables are the rows of all tables of a database, but for those left out, as text.
func propTables(t propTB, path string, without ...string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatalf("open the file beside the store: %v", err)
	}
	defer db.Close()
	var names []string
	propRows(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`, func(v []any) { names = append(names, fmt.Sprint(v[0])) })
	tables := map[string]string{}
	for _, name := range names {
		if slices.Contains(without, name) || strings.HasPrefix(name, "sqlite_stat") {
			continue
		}
		var rows []string
		propRows(t, db, `SELECT * FROM "`+name+`"`, func(v []any) { rows = append(rows, fmt.Sprintf("%v", v)) })
		slices.Sort(rows)
		tables[name] = strings.Join(rows, "\n")
	}
	if len(tables) == 0 {
		t.Fatalf("%s has no tables", path)
	}
	return tables
}

func propRows(t propTB, db *sql.DB, query string, each func([]any)) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		each(values)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// propChanged names the tables that differ.
func propChanged(before, after map[string]string) (changed []string) {
	for name, rows := range after {
		if before[name] != rows {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}

// propDir makes a folder for one of many rounds; its content goes when the test ends.
func propDir(t *testing.T, dir string, n int) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprint(n))
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
