package tenant

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

// deed is one thing done to a tenant. Objects are named by their source anchors.
type deed struct {
	what   string
	anchor string
	class  canopy.Class
	set    canopy.Attrs
	clear  []canopy.Attr
	other  string // the link's target
	days   int
}

var anchors = []string{"A1", "A2", "A3", "A4", "A5"}

func deeds() *rapid.Generator[deed] {
	words := []string{"anna", "ben", "carl"}
	domains := []string{"contoso.com", "contoso.local", initial}
	return rapid.Custom(func(t *rapid.T) deed {
		name := func(what string) string {
			return rapid.SampledFrom(words).Draw(t, what) + "@" + rapid.SampledFrom(domains).Draw(t, what+" domain")
		}
		d := deed{what: rapid.SampledFrom([]string{"add", "add", "modify", "modify", "delete", "link", "link", "unlink", "hand", "restore",
			"erase", "role", "cloud", "wait"}).Draw(t, "what"), anchor: rapid.SampledFrom(anchors).Draw(t, "anchor"),
			class: canopy.User, set: canopy.Attrs{}}
		if d.what == "link" || d.what == "unlink" {
			d.anchor = rapid.SampledFrom(anchors[3:]).Draw(t, "group")
		}
		if d.anchor >= anchors[3] { // groups mostly, so that there are links
			d.class = canopy.Group
		}
		if rapid.IntRange(0, 7).Draw(t, "class") == 0 {
			d.class = rapid.SampledFrom([]canopy.Class{canopy.User, canopy.Group, canopy.Contact}).Draw(t, "other class")
		}
		switch d.what {
		case "add", "modify", "cloud":
			if d.class == canopy.User {
				d.set[canopy.AttrUPN] = canopy.Texts(name("upn"))
			}
			if rapid.Bool().Draw(t, "has address") {
				d.set[canopy.AttrAddresses] = canopy.Texts("SMTP:"+name("primary"), "smtp:"+name("secondary"))
			}
			if rapid.Bool().Draw(t, "has alias") {
				d.set[canopy.AttrAlias] = canopy.Texts(rapid.SampledFrom(words).Draw(t, "alias"))
			}
			if d.what == "modify" && rapid.Bool().Draw(t, "clears") {
				d.clear = []canopy.Attr{rapid.SampledFrom([]canopy.Attr{canopy.AttrMail, canopy.AttrAlias, canopy.AttrAddresses}).Draw(t, "clear")}
				delete(d.set, d.clear[0])
			}
		case "link", "unlink":
			d.other = rapid.SampledFrom(anchors).Draw(t, "other")
		case "wait":
			d.days = rapid.SampledFrom([]int{1, 20, 40}).Draw(t, "days")
		}
		return d
	})
}

// beginning is what every sequence begins with: people, nested groups, and their links.
func beginning() []deed {
	var out []deed
	for i, a := range anchors {
		d := deed{what: "add", anchor: a, class: canopy.User, set: attrs("userPrincipalName", "user"+a+"@contoso.com")}
		if i >= 3 {
			d.class, d.set = canopy.Group, attrs("displayName", a)
		}
		out = append(out, d)
	}
	for _, l := range [][2]string{{"A4", "A1"}, {"A4", "A2"}, {"A5", "A4"}, {"A5", "A1"}} {
		out = append(out, deed{what: "link", anchor: l[0], other: l[1]})
	}
	return out
}

// lab is a tenant under random deeds, with a mirror that is kept by deltas alone.
type lab struct {
	*world
	cursor []byte
	mirror map[canopy.Anchor]*mirrored
}

type mirrored struct {
	Attrs canopy.Attrs
	Links map[canopy.Attr]map[canopy.Anchor]bool
}

func newLab(t *testing.T, dir string) *lab {
	w := &world{t: t, path: filepath.Join(dir, "tenant.db"), time: newClock()}
	w.opt = Options{Clock: w.time.Now, NewID: ids(), Initial: initial, Durability: Volatile,
		Domains: []Domain{{Name: "contoso.com", Verified: true}}}
	w.open()
	return &lab{world: w, mirror: map[canopy.Anchor]*mirrored{}}
}

func (l *lab) find(anchor string) (*record, canopy.Anchor) {
	l.t.Helper()
	r, err := queryRecords(l.file.read, `anchor = ?`, anchor)
	l.ok(err)
	if len(r) == 0 {
		return nil, "nobody"
	}
	return r[0], r[0].oid
}

// do does one deed; whether it is refused does not matter.
func (l *lab) do(d deed) {
	l.t.Helper()
	ctx := context.Background()
	_, id := l.find(d.anchor)
	_, other := l.find(d.other)
	e := canopy.Export{Class: d.class, SourceAnchor: d.anchor, Ref: canopy.Ref{Anchor: id}, Set: d.set, Clear: d.clear}
	switch d.what {
	case "add":
		e.Op, e.Ref = canopy.Add, canopy.Ref{}
		l.write(e)
	case "modify":
		e.Op = canopy.Modify
		l.write(e)
	case "delete":
		e.Op, e.Class = canopy.Delete, ""
		l.write(e)
	case "link":
		l.write(members(id, canopy.LinkChange{Added: refs(other)}))
	case "unlink":
		l.write(members(id, canopy.LinkChange{Removed: refs(other)}))
	case "hand":
		_ = l.Admin().Delete(ctx, id)
	case "restore":
		_ = l.Admin().Restore(ctx, id)
	case "erase":
		_ = l.Admin().HardDelete(ctx, id)
	case "role":
		_ = l.Admin().AssignRole(ctx, id, "Helpdesk")
	case "cloud":
		_, _ = l.Admin().Create(ctx, d.class, d.set)
	case "wait":
		l.time.Add(time.Duration(d.days) * 24 * time.Hour)
		l.write() // nothing; but the tenant looks at the clock
		w := l.Admin().Switches()
		l.ok(l.Admin().SetSwitches(ctx, w))
	}
}

// follow reads the feed into the mirror and compares it with a full read.
func (l *lab) follow() string {
	l.t.Helper()
	changes, full, next := l.read(l.cursor)
	if full {
		l.mirror = map[canopy.Anchor]*mirrored{}
	}
	l.cursor = next
	for i := range changes {
		l.mirrorOne(&changes[i], l.mirror)
	}
	fresh := map[canopy.Anchor]*mirrored{}
	changes, _, _ = l.read(nil)
	for i := range changes {
		l.mirrorOne(&changes[i], fresh)
	}
	return cmp.Diff(fresh, l.mirror, cmp.Comparer(func(a, b canopy.Value) bool { return a == b }))
}

func (l *lab) mirrorOne(c *canopy.Change, m map[canopy.Anchor]*mirrored) {
	switch c.Kind {
	case canopy.Deleted:
		delete(m, c.Anchor)
		return
	case canopy.FullImage:
		m[c.Anchor] = &mirrored{Attrs: canopy.Attrs{}, Links: map[canopy.Attr]map[canopy.Anchor]bool{}}
	case canopy.Delta, canopy.LeftScope:
	}
	o := m[c.Anchor]
	if o == nil {
		l.t.Fatalf("a delta of %s, which was never told whole", c.Anchor)
	}
	for name, v := range c.Attrs {
		if o.Attrs[name] = v; len(v) == 0 {
			delete(o.Attrs, name)
		}
	}
	for name, ch := range c.Links {
		if o.Links[name] == nil {
			o.Links[name] = map[canopy.Anchor]bool{}
		}
		for _, r := range ch.Removed {
			delete(o.Links[name], r.Anchor)
		}
		for _, r := range ch.Added {
			o.Links[name][r.Anchor] = true
		}
		if len(o.Links[name]) == 0 {
			delete(o.Links, name)
		}
	}
}

// state is everything synchronised, by source anchor and without object ids.
func (l *lab) state() map[string]any {
	l.t.Helper()
	out := map[string]any{}
	byID := map[canopy.Anchor]string{}
	var list []*Object
	for _, deleted := range []bool{false, true} {
		l.ok(l.Admin().List(context.Background(), deleted, func(o *Object) error {
			list = append(list, o)
			byID[o.ID] = o.SourceAnchor
			return nil
		}))
	}
	for _, o := range list {
		if o.SourceAnchor == "" {
			continue
		}
		groups := []string{}
		for _, g := range o.Groups {
			groups = append(groups, byID[g])
		}
		slices.Sort(groups)
		cloud := maps.Clone(o.Cloud)
		delete(cloud, cloudAnchor)
		if _, twice := out[o.SourceAnchor]; twice {
			l.t.Fatalf("two objects with the source anchor %s", o.SourceAnchor)
		}
		out[o.SourceAnchor] = map[string]any{"class": o.Class, "synced": o.Synced, "attrs": show(o.Attrs), "cloud": show(cloud),
			"roles": o.Roles, "groups": groups, "deleted": o.Deleted.String()}
	}
	return out
}

func show(a canopy.Attrs) string {
	s := ""
	for _, n := range a.Names() {
		s += fmt.Sprintf("%s=%q ", n, a[n].Strings())
	}
	return s
}

// unique tells of two live objects that share what only one may have, and of claims that are not what the objects say.
func (l *lab) unique() string {
	l.t.Helper()
	records, err := queryRecords(l.file.read, `deleted IS NULL`)
	l.ok(err)
	holder := map[string]int64{}
	want := map[string]bool{}
	for _, r := range records {
		for _, c := range claimsOf(r.class, r.values(), r.cloud.attrs) {
			want[fmt.Sprint(c.key, " ", r.id)] = true
			if other, taken := holder[c.key]; taken && c.unique(UniqueFail) {
				return fmt.Sprintf("%s is held by %d and %d", c.key, other, r.id)
			}
			holder[c.key] = r.id
		}
	}
	rows, err := l.file.read.Query(`SELECT key || ' ' || object FROM claim`)
	l.ok(err)
	defer rows.Close()
	got := map[string]bool{}
	for rows.Next() {
		var s string
		l.ok(rows.Scan(&s))
		got[s] = true
	}
	return cmp.Diff(want, got)
}

func mkdir(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAnySequence: whatever is done in whatever order, doing each thing twice is doing it once, no anchor, name or
// address has two holders, and the feed leads to what a full read shows.
func TestAnySequence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		once := newLab(t, mkdir(t, dir, fmt.Sprint(n, "once")))
		twice := newLab(t, mkdir(t, dir, fmt.Sprint(n, "twice")))
		defer once.Close()  //nolint:errcheck // the check has its result
		defer twice.Close() //nolint:errcheck // the check has its result
		for i, d := range append(beginning(), rapid.SliceOfN(deeds(), 1, 30).Draw(r, "deeds")...) {
			once.do(d)
			twice.do(d)
			if d.what != "cloud" && d.what != "wait" {
				twice.do(d)
			}
			if i%4 != 3 {
				continue
			}
			if d := cmp.Diff(once.state(), twice.state()); d != "" {
				r.Fatalf("deed %d done twice is not the same (-once +twice):\n%s", i, d)
			}
			for _, l := range []*lab{once, twice} {
				if bad := l.unique(); bad != "" {
					r.Fatalf("after deed %d: %s", i, bad)
				}
			}
			if d := once.follow(); d != "" {
				r.Fatalf("after deed %d the feed leads elsewhere than a full read (-full +feed):\n%s", i, d)
			}
		}
		if d := cmp.Diff(once.state(), twice.state()); d != "" {
			r.Fatalf("everything done twice is not the same (-once +twice):\n%s", d)
		}
		if d := twice.follow(); d != "" {
			r.Fatalf("the feed leads elsewhere than a full read (-full +feed):\n%s", d)
		}
	})
}
