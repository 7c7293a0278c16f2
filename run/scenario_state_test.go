package run

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// state prints where everything stands: the tenant, the metaverse, and what is held back or waits.
func (w *world) state(ctx context.Context) {
	w.printf("tenant\n")
	w.section(w.cloudState(ctx, func(*canopy.Change) bool { return true }, core))
	w.printf("metaverse\n")
	w.section(w.metas(ctx))
	if lines := w.heldBack(ctx); len(lines) > 0 {
		w.printf("held back\n")
		w.section(lines)
	}
	if lines := w.waiting(ctx); len(lines) > 0 {
		w.printf("links that wait\n")
		w.section(lines)
	}
	w.refusals(ctx)
}

func (w *world) section(lines []string) {
	slices.Sort(lines)
	for _, l := range lines {
		w.printf("  %s\n", l)
	}
}

// show prints what a person asks for.
func (w *world) show(ctx context.Context, line string) {
	w.printf("> show %s\n", line)
	what, name, _ := strings.Cut(line, " ")
	switch what {
	case "tenant":
		w.section(w.cloudState(ctx, func(c *canopy.Change) bool {
			return name == "" || c.Attrs.Text(canopy.AttrDisplayName) == name
		}, func(canopy.Attr) bool { return true }))
	case "explain":
		object, attr, _ := strings.Cut(name, " / ")
		w.explain(ctx, w.object(object), canopy.Attr(attr))
	case "groups":
		plan, err := w.store.LatestPlan(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, g := range plan.Totals.Groups {
			w.printf("  %d %s %s %s%s\n", g.Count, g.Class, g.What, g.Attr, g.Connector)
			for _, e := range g.Examples {
				w.printf("    %s (%s): %s -> %s\n", e.Label, e.Where, e.Old, e.New)
			}
		}
	case "held":
		w.section(w.heldBack(ctx))
	case "waiting":
		w.section(w.waiting(ctx))
	case "plans":
		plans, err := w.store.Plans(ctx, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range plans {
			w.printf("  plan %d: %s %s\n", p.ID, p.State, p.Decided)
		}
	default:
		if !w.showExchange(ctx, what, name) {
			w.failf("cannot show %q", what)
		}
	}
}

// core are the attributes that every scenario shows.
func core(a canopy.Attr) bool {
	return slices.Contains([]canopy.Attr{canopy.AttrUPN, canopy.AttrMail, canopy.AttrAddresses, canopy.AttrAlias, "targetAddress",
		"msExchRecipientTypeDetails", "msExchMailboxGuid", "department", "title", "telephoneNumber", "description"}, a)
}

// cloudState is a line for each object of the tenant that which wants, deleted ones at the end.
func (w *world) cloudState(ctx context.Context, which func(*canopy.Change) bool, attrs func(canopy.Attr) bool) []string {
	var changes []canopy.Change
	door := w.tenant.Door()
	about, err := door.Describe(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	req := canopy.ReadRequest{Classes: about.Schema.Classes, Attrs: slices.Collect(maps.Keys(about.Schema.Attributes))}
	if err := door.Read(ctx, req, func(b canopy.Batch) error {
		changes = append(changes, b.Changes...)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	names := map[canopy.Anchor]string{}
	for i := range changes {
		names[changes[i].Anchor] = changes[i].Attrs.Text(canopy.AttrDisplayName)
	}
	var lines []string
	for i := range changes {
		if c := &changes[i]; which(c) {
			o, err := w.tenant.Admin().Get(ctx, c.Anchor)
			if err != nil {
				w.t.Fatal(err)
			}
			lines = append(lines, cloudLine(o, c, names, attrs))
		}
	}
	err = w.tenant.Admin().List(ctx, true, func(o *tenant.Object) error {
		lines = append(lines, fmt.Sprintf("~ deleted %s %s, anchor %s", o.Class, o.Attrs.Text(canopy.AttrDisplayName), o.SourceAnchor))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

func cloudLine(o *tenant.Object, c *canopy.Change, names map[canopy.Anchor]string, attrs func(canopy.Attr) bool) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, "\n      "+format, args...) }
	fmt.Fprintf(&b, "%s %s", o.Class, o.Attrs.Text(canopy.AttrDisplayName))
	switch {
	case !o.Synced:
		b.WriteString(", the cloud's own")
	case o.Class == canopy.User && !o.Attrs[canopy.AttrAccountEnabled].Equal(canopy.Values{canopy.Bool(true)}):
		b.WriteString(", disabled")
	}
	if o.SourceAnchor != "" {
		fmt.Fprintf(&b, ", anchor %s", o.SourceAnchor)
	}
	values := o.Attrs.Clone()
	maps.Copy(values, o.Cloud)
	for _, a := range values.Names() {
		if attrs(a) && len(values[a]) > 0 && a != canopy.AttrSourceAnchor && a != canopy.AttrDisplayName {
			add("%s: %s", a, list(values[a]))
		}
	}
	if upn := o.Cloud.Text("cloudUserPrincipalName"); canopy.Fold(upn) != canopy.Fold(o.Attrs.Text(canopy.AttrUPN)) {
		add("signs in as %s", upn)
	}
	for _, a := range slices.Sorted(maps.Keys(c.Links)) {
		var to []string
		for _, r := range c.Links[a].Added {
			to = append(to, cmp.Or(names[r.Anchor], string(r.Anchor)))
		}
		if slices.Sort(to); len(to) > 0 {
			add("%s: %s", a, strings.Join(to, " | "))
		}
	}
	if len(o.Roles) > 0 {
		add("roles: %s", strings.Join(o.Roles, " | "))
	}
	if len(o.Licences) > 0 {
		add("licences: %s", strings.Join(o.Licences, " | "))
	}
	return b.String()
}

// metas is a line for each meta with the entries that are joined to it.
func (w *world) metas(ctx context.Context) []string {
	view, err := w.store.View(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer view.Close()
	ids := make([]canopy.MetaID, 1000)
	for i := range ids {
		ids[i] = canopy.MetaID(i + 1)
	}
	metas, err := view.Metas(ctx, ids)
	if err != nil {
		w.t.Fatal(err)
	}
	entries, err := view.EntriesOf(ctx, ids)
	if err != nil {
		w.t.Fatal(err)
	}
	of := map[canopy.MetaID][]string{}
	for _, e := range entries {
		name, ours := w.entry(ctx, e.ID)
		if !ours {
			name += " (not made by the scenario)"
		}
		text := fmt.Sprintf("\n      %s: %s", e.Via.Kind, name)
		if e.Via.On != "" {
			text += ", " + e.Via.On
		}
		if e.State != canopy.Present {
			text += ", " + e.State.String()
		}
		of[e.Meta] = append(of[e.Meta], text)
	}
	var lines []string
	for _, m := range metas {
		slices.Sort(of[m.ID])
		lines = append(lines, fmt.Sprintf("%s %s%s", m.Class, m.Value(canopy.AttrDisplayName), strings.Join(of[m.ID], "")))
	}
	return lines
}

func (w *world) heldBack(ctx context.Context) []string {
	held, err := w.local.Held(ctx, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for i := range held {
		h := &held[i]
		name := string(h.Class) + " " + h.Name
		if h.Entry != 0 {
			name, _ = w.entry(ctx, h.Entry)
		}
		lines = append(lines, fmt.Sprintf("%s: %s", name, strings.ReplaceAll(w.held(&h.Held), "\n", "\n  ")))
	}
	return lines
}

func (w *world) waiting(ctx context.Context) []string {
	links, err := w.store.WaitingLinks(ctx, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, l := range links {
		name, ours := w.entry(ctx, l.Owner)
		if ours {
			lines = append(lines, fmt.Sprintf("%s %s: %s", name, l.Attr, cmp.Or(l.Ref.DN, string(l.Ref.Anchor))))
		}
	}
	return lines
}

// tables is the store's whole content as text.
func (w *world) tables() string {
	w.t.Helper()
	driver, source, list := "sqlite", "file:"+w.place()+"?_pragma=query_only(1)", `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`
	if w.address != "" {
		driver, source, list = "pgx", w.address, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`
	}
	d, err := sql.Open(driver, source)
	if err != nil {
		w.t.Fatal(err)
	}
	defer d.Close()
	var all []string
	for _, table := range w.query(d, list) {
		rows := w.query(d, `SELECT * FROM "`+table+`"`)
		slices.Sort(rows)
		for _, r := range rows {
			all = append(all, table+": "+r)
		}
	}
	return strings.Join(all, "\n")
}

// query gives rows, each as one text.
func (w *world) query(d *sql.DB, statement string) []string {
	rows, err := d.QueryContext(w.t.Context(), statement)
	if err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		cells := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		if len(cells) == 1 {
			all = append(all, fmt.Sprint(cells[0]))
			continue
		}
		all = append(all, fmt.Sprintf("%q", cells))
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}

func difference(want, got string) string {
	return gocmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}
