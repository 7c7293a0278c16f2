package tenant

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

const initial = "contoso.onmicrosoft.com"

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// ids counts object ids from 1 on.
func ids() func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	}
}

// world is a tenant in a test.
type world struct {
	t    testing.TB
	path string
	opt  Options
	time *clock
	*Tenant
}

func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "tenant.db"), time: newClock()}
	w.opt = Options{Clock: w.time.Now, NewID: ids(), Initial: initial, Durability: Volatile,
		Domains: []Domain{{Name: "contoso.com", Verified: true}, {Name: "contoso.local"}}}
	for _, c := range change {
		c(&w.opt)
	}
	w.open()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.Tenant, err = Open(context.Background(), w.path, w.opt); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) reopen() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// write sends exports and gives their results.
func (w *world) write(exports ...canopy.Export) []canopy.Result {
	w.t.Helper()
	for i := range exports {
		exports[i].ID = canopy.ExportID(i + 1)
	}
	results, err := w.Door().Write(context.Background(), exports)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(results) != len(exports) {
		w.t.Fatalf("%d results for %d exports", len(results), len(exports))
	}
	for i, r := range results {
		if r.Export != exports[i].ID {
			w.t.Fatalf("result %d is for export %d", i, r.Export)
		}
	}
	return results
}

// done sends one export that must be done, and gives the object's id.
func (w *world) done(e canopy.Export) canopy.Anchor {
	w.t.Helper()
	r := w.write(e)[0]
	if r.Kind != canopy.Done || len(r.Failed) > 0 {
		w.t.Fatalf("%s %s %s: got %s %s %q %v, want done", e.Op, e.Class, e.SourceAnchor, r.Kind, r.Code, r.Text, r.Failed)
	}
	return r.Anchor
}

// must gives a value that there is no reason not to get.
func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// license gives somebody a licence, and a country to use it in.
func (w *world) license(id canopy.Anchor, sku string) {
	w.t.Helper()
	ctx := context.Background()
	if o := w.get(id); o.Class == canopy.User && o.Attrs.Text(attrUsageLocation) == "" {
		w.ok(w.Admin().SetAttributes(ctx, id, attrs("usageLocation", "AT")))
	}
	w.ok(w.Admin().AssignLicence(ctx, id, sku))
}

func (w *world) get(id canopy.Anchor) *Object {
	w.t.Helper()
	return must(w.Admin().Get(context.Background(), id))(w.t)
}

// cloudUser makes a cloud user.
func (w *world) cloudUser(attrs canopy.Attrs) canopy.Anchor {
	w.t.Helper()
	return must(w.Admin().CreateUser(context.Background(), attrs))(w.t)
}

// read gives all changes since a cursor, whether the read was full, and the new cursor.
func (w *world) read(since []byte, attrs ...canopy.Attr) (changes []canopy.Change, full bool, next []byte) {
	w.t.Helper()
	done := false
	err := w.Door().Read(context.Background(), canopy.ReadRequest{Cursor: since, Attrs: attrs}, func(b canopy.Batch) error {
		if done {
			w.t.Fatal("a batch after the last one")
		}
		full, done, next = b.Full, b.Done, b.Cursor
		changes = append(changes, b.Changes...)
		return nil
	})
	w.ok(err)
	if !done {
		w.t.Fatal("no batch was the last one")
	}
	return changes, full, next
}

// attrs makes attributes from texts: name, value, name, value...
func attrs(pairs ...string) canopy.Attrs {
	a := canopy.Attrs{}
	for i := 0; i < len(pairs); i += 2 {
		name := canopy.Attr(pairs[i])
		a[name] = append(a[name], canopy.Text(pairs[i+1]))
	}
	return a
}

func add(class canopy.Class, anchor string, pairs ...string) canopy.Export {
	return canopy.Export{Op: canopy.Add, Class: class, SourceAnchor: anchor, Set: attrs(pairs...)}
}

func modify(id canopy.Anchor, pairs ...string) canopy.Export {
	return canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: id}, Set: attrs(pairs...)}
}

func remove(id canopy.Anchor) canopy.Export {
	return canopy.Export{Op: canopy.Delete, Ref: canopy.Ref{Anchor: id}}
}

func members(id canopy.Anchor, c canopy.LinkChange) canopy.Export {
	return canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{Anchor: id}, Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: c}}
}

func refs(ids ...canopy.Anchor) []canopy.Ref {
	var out []canopy.Ref
	for _, id := range ids {
		out = append(out, canopy.Ref{Anchor: id})
	}
	return out
}

// diff reports a difference between what was got and what was wanted.
func diff(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b canopy.Value) bool { return a == b })); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	cases := []struct {
		name string
		path string
		opt  Options
		want canopy.ErrorKind
	}{
		{"no initial domain", "a.db", Options{}, canopy.Invalid},
		{"no such policy", "b.db", Options{Initial: initial, Policy: "maybe"}, canopy.Invalid},
		{"no such durability", "c.db", Options{Initial: initial, Durability: "some"}, canopy.Invalid},
		{"no such folder", "no/such/folder/d.db", Options{Initial: initial}, canopy.Forbidden},
	}
	for _, c := range cases {
		_, err := Open(ctx, filepath.Join(dir, c.path), c.opt)
		if got := canopy.KindOf(err); err == nil || got != c.want {
			t.Errorf("%s: got %v (%v), want %v", c.name, got, err, c.want)
		}
	}
}

func TestOpenOddPath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%20 ü.db")
	w, err := Open(context.Background(), path, Options{Initial: initial})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if m, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.db")); len(m) != 1 || m[0] != path {
		t.Errorf("got files %q, want %q", m, path)
	}
}

func TestOpenNewerAndOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	if _, err := Open(ctx, w.path, Options{Initial: "fabrikam.onmicrosoft.com"}); canopy.KindOf(err) != canopy.Invalid {
		t.Errorf("another initial domain: got %v, want an error of kind invalid", err)
	}
	if _, err := w.file.write.ExecContext(ctx, `PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, w.path, Options{}); canopy.KindOf(err) != canopy.Newer {
		t.Errorf("newer file: got %v, want an error of kind newer", err)
	}
}

func TestPersistence(t *testing.T) {
	t.Parallel()
	seeded := 0
	w := newWorld(t, func(o *Options) {
		o.Durability, o.NewID = Durable, nil
		o.Seed = func(ctx context.Context, a *Admin) error {
			seeded++
			_, err := a.CreateUser(ctx, attrs("userPrincipalName", "admin@"+initial, "displayName", "Admin"))
			return err
		}
	})
	anna := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "displayName", "Anna"))
	team := w.done(add(canopy.Group, "Rw==", "displayName", "Team"))
	w.done(members(team, canopy.LinkChange{Added: refs(anna)}))
	w.license(anna, "ENTERPRISEPACK")
	before, _, cursor := w.read(nil)
	object := w.get(anna)
	w.reopen()
	after, _, _ := w.read(nil)
	diff(t, "everything after reopening", after, before)
	diff(t, "Anna after reopening", w.get(anna), object)
	if seeded != 1 {
		t.Errorf("seeded %d times, want once", seeded)
	}
	if changes, full, _ := w.read(cursor); len(changes) != 0 || full {
		t.Errorf("after reopening the cursor gives %d changes, full %v; want none", len(changes), full)
	}
	users, groups, contacts, err := w.Counts(context.Background())
	if users != 2 || groups != 1 || contacts != 0 || err != nil {
		t.Errorf("got %d users, %d groups, %d contacts, %v; want 2, 1, 0", users, groups, contacts, err)
	}
}

func TestDescribeAndCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := must(w.Door().Describe(context.Background()))(t)
	if d.Kind != "tenant" || d.Name != initial || !d.Abilities.Delta || !d.Abilities.Write || !d.Abilities.Target || !d.Abilities.Watch {
		t.Errorf("got %s %s %+v", d.Kind, d.Name, d.Abilities)
	}
	for name, want := range map[canopy.Attr]canopy.AttrType{
		canopy.AttrUPN:       {Type: canopy.String},
		canopy.AttrAddresses: {Type: canopy.String, Multi: true},
		canopy.AttrMember:    {Type: canopy.Reference, Multi: true},
		canopy.AttrManager:   {Type: canopy.Reference},
		attrPhoto:            {Type: canopy.Binary},
		cloudUPN:             {Type: canopy.String},
	} {
		if got, ok := d.Schema.Attributes[name]; !ok || got != want {
			t.Errorf("%s: got %+v %v, want %+v", name, got, ok, want)
		}
	}
	found := must(w.Door().Check(context.Background()))(t)
	if len(found) != 1 || found[0].Object != "contoso.local" {
		t.Errorf("got findings %+v, want the unverified domain", found)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancel(context.Background())
	told, ended := make(chan struct{}, 100), make(chan error, 1)
	go func() { ended <- w.Door().Watch(ctx, func() { told <- struct{}{} }) }()
	deadline := time.After(10 * time.Second)
	for n := 0; ; n++ { // the watcher may not be listening yet
		w.done(add(canopy.User, fmt.Sprintf("anchor%d", n), "userPrincipalName", fmt.Sprintf("u%d@contoso.com", n)))
		select {
		case <-told:
			stop()
			if err := <-ended; err != nil {
				t.Errorf("got %v at the end, want nil", err)
			}
			return
		case <-deadline:
			t.Fatal("not told of a change")
		default:
		}
	}
}

func TestFailAndDrop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) {
		o.Drop = []canopy.Attr{"city"}
		o.Fail = func(n int) canopy.ResultKind {
			if n%3 == 0 {
				return canopy.Later
			}
			return canopy.Done
		}
	})
	results := w.write(add(canopy.User, "a1", "userPrincipalName", "a1@contoso.com", "city", "Graz", "title", "x"),
		add(canopy.User, "a2", "userPrincipalName", "a2@contoso.com"), add(canopy.User, "a3", "userPrincipalName", "a3@contoso.com"))
	var kinds []canopy.ResultKind
	for _, r := range results {
		kinds = append(kinds, r.Kind)
	}
	diff(t, "kinds", kinds, []canopy.ResultKind{canopy.Done, canopy.Done, canopy.Later})
	if o := w.get(results[0].Anchor); o.Attrs.Text("city") != "" || o.Attrs.Text("title") != "x" {
		t.Errorf("got %v, want the city dropped and the title kept", o.Attrs)
	}
	_, _, cursor := w.read(nil)
	w.done(modify(results[0].Anchor, "city", "Wien"))
	changes, _, _ := w.read(cursor)
	if len(changes) != 1 {
		t.Fatalf("got %d changes, want one", len(changes))
	}
	if v, told := changes[0].Attrs["city"]; !told || len(v) != 0 {
		t.Errorf("the feed tells city %v (%v), want it told to be empty", v, told)
	}
}
