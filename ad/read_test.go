package ad

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
	"github.com/canopy-sync/canopy/e2e/samba"
	"github.com/canopy-sync/canopy/forest"
)

var testAttrs = []canopy.Attr{"department", "title", "sAMAccountName", "proxyAddresses", "member", "manager", "cn", "distinguishedName", "objectGUID", "objectSid", "objectCategory"}

func request(cursor []byte, in ...canopy.Ref) canopy.ReadRequest {
	req := canopy.ReadRequest{Cursor: cursor, Classes: []canopy.Class{canopy.User, canopy.Group, canopy.Contact}, Attrs: testAttrs}
	for _, r := range in {
		req.Scope.Include = append(req.Scope.Include, r.Anchor)
	}
	return req
}

// got is what one read gave.
type got struct {
	changes []canopy.Change
	full    bool
	cursor  []byte
}

func read(t testing.TB, c canopy.Connector, req canopy.ReadRequest) got {
	t.Helper()
	var g got
	err := c.Read(t.Context(), req, func(b canopy.Batch) error {
		g.changes, g.cursor, g.full = append(g.changes, b.Changes...), b.Cursor, b.Full
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return g
}

// of are the changes of one object.
func (g *got) of(r canopy.Ref) []canopy.Change {
	var all []canopy.Change
	for _, c := range g.changes {
		if c.Anchor == r.Anchor {
			all = append(all, c)
		}
	}
	return all
}

// one is the only change of an object.
func (g *got) one(t testing.TB, r canopy.Ref) canopy.Change {
	t.Helper()
	all := g.of(r)
	if len(all) != 1 {
		t.Fatalf("%s has %d changes, want 1: %+v", r.DN, len(all), all)
	}
	return all[0]
}

func TestReadValues(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c, p, ou := s.open(t), s.puppet(), s.ou(t)
		boss := p.Create(t, connectortest.Object{Class: canopy.User, Name: "boss, the", Parent: ou})
		x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: ou, Attrs: canopy.Attrs{"department": canopy.Texts("D"), "proxyAddresses": canopy.Texts("SMTP:a@b", "smtp:c@d")},
			Links: map[canopy.Attr][]canopy.Ref{"manager": {boss}}})
		con := p.Create(t, connectortest.Object{Class: canopy.Contact, Name: "con", Parent: ou})
		g := read(t, c, request(nil, ou))
		ch := g.one(t, x)
		guid, err := ParseGUID(string(x.Anchor))
		if err != nil {
			t.Fatal(err)
		}
		if sid := ch.Attrs.Text("objectSid"); !strings.HasPrefix(sid, "S-1-5-21-") {
			t.Errorf("objectSid: got %q", sid)
		}
		delete(ch.Attrs, "objectSid")
		want := canopy.Change{Kind: canopy.FullImage, Class: canopy.User, Anchor: x.Anchor, DN: x.DN, Parent: ou.Anchor,
			Attrs: canopy.Attrs{"department": canopy.Texts("D"), "proxyAddresses": canopy.Texts("SMTP:a@b", "smtp:c@d"), "cn": canopy.Texts("x"),
				"sAMAccountName": canopy.Texts(p.sam("x")), "distinguishedName": canopy.Texts(x.DN), "objectGUID": {canopy.Bytes(guid[:])},
				"objectCategory": canopy.Texts("CN=Person,CN=Schema,CN=Configuration," + testBase)},
			Links: map[canopy.Attr]canopy.LinkChange{"manager": {Whole: true, Added: []canopy.Ref{boss}}}}
		slices.SortFunc(ch.Attrs["proxyAddresses"], func(a, b canopy.Value) int { return strings.Compare(a.Str(), b.Str()) })
		if d := cmp.Diff(want, ch, cmp.Comparer(func(a, b canopy.Value) bool { return a == b })); d != "" {
			t.Errorf("full image (-want +got):\n%s", d)
		}
		if ch := g.one(t, con); ch.Class != canopy.Contact {
			t.Errorf("contact: got %+v", ch)
		}
		if ch := g.one(t, ou); ch.Class != canopy.Container || ch.Kind != canopy.FullImage || len(ch.Attrs) > 0 {
			t.Errorf("container: got %+v", ch)
		}
	})
}

func TestReadDeltas(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		for _, scoped := range []bool{true, false} {
			c, p, ou := s.open(t), s.puppet(), s.ou(t)
			sub := p.Container(t, "sub", ou)
			x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: sub, Attrs: canopy.Attrs{"department": canopy.Texts("D"), "title": canopy.Texts("T")}})
			g := p.Create(t, connectortest.Object{Class: canopy.Group, Name: "g", Parent: ou, Links: map[canopy.Attr][]canopy.Ref{"member": {x}}})
			y := p.Create(t, connectortest.Object{Class: canopy.User, Name: "y", Parent: ou})
			next := func(cursor []byte) got {
				if scoped {
					return read(t, c, request(cursor, ou))
				}
				return read(t, c, request(cursor))
			}
			base := next(nil)
			compare := func(what string, ch, want canopy.Change) {
				t.Helper()
				if d := cmp.Diff(want, ch, cmp.Comparer(func(a, b canopy.Value) bool { return a == b })); d != "" {
					t.Errorf("scoped %v: %s (-want +got):\n%s", scoped, what, d)
				}
			}

			p.Modify(t, x, canopy.Attrs{"department": nil, "title": canopy.Texts("T2")}, nil)
			p.Modify(t, g, nil, map[canopy.Attr]canopy.LinkChange{"member": {Added: []canopy.Ref{y}, Removed: []canopy.Ref{x}}})
			d := next(base.cursor)
			compare("an attribute cleared and one changed", d.one(t, x), canopy.Change{Kind: canopy.Delta, Class: canopy.User, Anchor: x.Anchor,
				Attrs: canopy.Attrs{"department": {}, "title": canopy.Texts("T2")}})
			compare("a member in and one out", d.one(t, g), canopy.Change{Kind: canopy.Delta, Class: canopy.Group, Anchor: g.Anchor,
				Attrs: canopy.Attrs{}, Links: map[canopy.Attr]canopy.LinkChange{"member": {Added: []canopy.Ref{y}, Removed: []canopy.Ref{x}}}})

			renamed := p.Move(t, sub, "renamed", ou)
			d = next(d.cursor)
			compare("an object below a renamed container", d.one(t, x), canopy.Change{Kind: canopy.Delta, Class: canopy.User, Anchor: x.Anchor, DN: "CN=x," + renamed.DN,
				Parent: sub.Anchor, Attrs: canopy.Attrs{"distinguishedName": canopy.Texts("CN=x," + renamed.DN), "cn": canopy.Texts("x")}})
			if ch := d.one(t, sub); ch.DN != renamed.DN || ch.Parent != ou.Anchor || ch.Class != canopy.Container {
				t.Errorf("scoped %v: the renamed container: got %+v", scoped, ch)
			}
			if len(d.of(y)) > 0 {
				t.Errorf("scoped %v: an object elsewhere was told: %+v", scoped, d.of(y))
			}

			p.Delete(t, sub)
			d = next(d.cursor)
			compare("a deleted object", d.one(t, x), canopy.Change{Kind: canopy.Deleted, Anchor: x.Anchor})
			compare("a deleted container", d.one(t, sub), canopy.Change{Kind: canopy.Deleted, Anchor: sub.Anchor})
		}
	})
}

func TestReadUndeleted(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c, p, ou := s.open(t), s.puppet(), s.ou(t)
		x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: ou, Attrs: canopy.Attrs{"department": canopy.Texts("D")}})
		g := read(t, c, request(nil, ou))
		p.Delete(t, x)
		g = read(t, c, request(g.cursor, ou))
		if ch := g.one(t, x); ch.Kind != canopy.Deleted {
			t.Errorf("got %+v, want deleted", ch)
		}
		back := "CN=x is back," + ou.DN
		if err := c.Undelete(t.Context(), x.Anchor, back, canopy.Attrs{"department": canopy.Texts("again")}); err != nil {
			t.Fatal(err)
		}
		g = read(t, c, request(g.cursor, ou))
		ch := g.one(t, x)
		if ch.Kind != canopy.FullImage || ch.DN != back || ch.Attrs.Text("department") != "again" || ch.Attrs.Text("sAMAccountName") != p.sam("x") {
			t.Errorf("got %+v, want the full image of the object that is back", ch)
		}
		if err := c.Undelete(t.Context(), connectortest.Unknown, back, nil); canopy.KindOf(err) != canopy.NotFound {
			t.Errorf("undelete of nobody: got %v, want an error of kind not-found", err)
		}
	})
}

// TestReadAttributesUnknown: attributes that the schema lacks, and those that are computed, are left out.
func TestReadAttributesUnknown(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c, p, ou := s.open(t), s.puppet(), s.ou(t)
		x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: ou, Attrs: canopy.Attrs{"department": canopy.Texts("D")}})
		req := request(nil, ou)
		req.Attrs = []canopy.Attr{"noSuchAttribute", "memberOf", "uSNChanged", "DEPARTMENT"}
		g := read(t, c, req)
		ch := g.one(t, x)
		if want := (canopy.Attrs{"department": canopy.Texts("D")}); !cmp.Equal(want, ch.Attrs, cmp.Comparer(func(a, b canopy.Value) bool { return a == b })) || len(ch.Links) > 0 {
			t.Errorf("got %v, %v, want %v", ch.Attrs, ch.Links, want)
		}
	})
}

// TestReadFails: a value that cannot be read fails its object, and no other.
func TestReadFails(t *testing.T) {
	t.Parallel()
	eachServer(t, readFails)
}

func readFails(t *testing.T, s *testServer) {
	c, p, ou := s.open(t, func(cfg *Config) { cfg.MaxValue = 100 }), s.puppet(), s.ou(t)
	good := p.Create(t, connectortest.Object{Class: canopy.User, Name: "good", Parent: ou, Attrs: canopy.Attrs{"thumbnailPhoto": {canopy.Bytes(make([]byte, 100))}}})
	big := p.Create(t, connectortest.Object{Class: canopy.User, Name: "big", Parent: ou, Attrs: canopy.Attrs{"title": canopy.Texts("T"), "thumbnailPhoto": {canopy.Bytes(make([]byte, 101))}}})
	req := request(nil, ou)
	req.Attrs = append(req.Attrs, "thumbnailPhoto")
	g := read(t, c, req)
	if ch := g.one(t, good); ch.Failed != nil {
		t.Errorf("the good one: %v", ch.Failed)
	}
	if f := g.one(t, big).Failed; f == nil || f.Code != "ad-value-size" || f.Attr != "thumbnailPhoto" || f.Object != big.DN || f.Next == "" {
		t.Errorf("%s: got %+v, want ad-value-size of thumbnailPhoto", big.DN, f)
	}
	if ch := g.one(t, big); ch.Attrs.Text("title") != "T" {
		t.Errorf("what could be read of the object that failed: got %v", ch.Attrs)
	}
}

// TestReadRefusedCursor: a cursor that cannot be used makes a full read, whatever is wrong with it.
func TestReadRefusedCursor(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c, p, ou := s.open(t), s.puppet(), s.ou(t)
		x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: ou})
		g := read(t, c, request(nil, ou))
		again := read(t, c, request(g.cursor, ou))
		if again.full || len(again.changes) > 0 {
			t.Errorf("reading on: full %v, %d changes, want none", again.full, len(again.of(x)))
		}
		change := func(f func(*cursor)) []byte {
			k, err := parseCursor(g.cursor)
			if err != nil {
				t.Fatal(err)
			}
			f(k)
			return k.encode()
		}
		for what, k := range map[string][]byte{
			"rubbish":               []byte("rubbish"),
			"another version":       change(func(k *cursor) { k.Version = 99 }),
			"another database":      change(func(k *cursor) { k.Invocation = "other" }),
			"a higher number":       change(func(k *cursor) { k.USN += 1e6 }),
			"a cookie that is none": change(func(k *cursor) { k.Cookies = map[string][]byte{mustDN(t, testBase).Key(): []byte("rubbish")} }),
			"another scope":         change(func(k *cursor) { k.Asked = "other" }),
		} {
			if r := read(t, c, request(k, ou)); !r.full || len(r.of(x)) != 1 {
				t.Errorf("%s: full %v, %d changes of the object; want a full read", what, r.full, len(r.of(x)))
			}
		}
	})
}

// TestReadOtherController: another controller of the domain makes a full read, and loses nothing; the first one's cursor
// is good for it still.
func TestReadOtherController(t *testing.T) {
	t.Parallel()
	one, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if err := one.Add("CN=x,CN=Users,"+testBase, map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"x"}}); err != nil {
		t.Fatal(err)
	}
	old, err := one.Copy(t.Context(), forest.Copy{Restored: true})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := one.Modify("CN=x,CN=Users,"+testBase, forest.Mod{Op: "replace", Attr: "department", Values: []string{"new"}}); err != nil {
		t.Fatal(err)
	}
	two, err := one.Copy(t.Context(), forest.Copy{Host: "dc2"})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	open := func(f ...*forest.Server) *Conn {
		s := &testServer{name: "switch", ca: one.CA()}
		return s.open(t, func(cfg *Config) {
			cfg.Servers = nil
			for _, x := range f {
				cfg.Servers = append(cfg.Servers, x.URL())
			}
		})
	}
	first := read(t, open(one), request(nil))
	if r := read(t, open(two), request(first.cursor)); !r.full {
		t.Error("another controller: got a delta")
	}
	if r := read(t, open(old), request(first.cursor)); !r.full {
		t.Error("a controller that was set back: got a delta")
	}
	// The cursor's controller comes first while it answers, and the next one after it does not.
	both := open(two, one)
	r := read(t, both, request(first.cursor))
	if r.full {
		t.Error("the cursor's controller answers, and another one was read")
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	r = read(t, both, request(r.cursor))
	if !r.full || len(r.changes) == 0 {
		t.Errorf("after the controller's end: full %v with %d changes, want a full read of the other one", r.full, len(r.changes))
	}
}

// TestReadBroken: a controller that dies, or falls silent, in the middle is said to be unreachable, and the cursor from
// before is good.
func TestReadBroken(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword, Behave: forest.Behave{DirSyncPage: 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 100 {
		if err := f.Add(fmt.Sprintf("CN=x%d,CN=Users,%s", i, testBase), map[string][]string{"objectClass": {"user"}, "sAMAccountName": {fmt.Sprint("x", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	c := (&testServer{name: "broken", url: f.URL(), ca: f.CA()}).open(t, func(cfg *Config) { cfg.Timeout, cfg.BatchSize = 300*time.Millisecond, 10 })
	whole := read(t, c, request(nil))
	for name, fault := range map[string]forest.Fault{"dies": {DropAfter: 5}, "falls silent": {Delay: time.Hour}} {
		var searches int
		f.SetFault(func(r forest.Request) forest.Fault {
			if r.Op == "search" && strings.EqualFold(r.DN, testBase) {
				if searches++; searches > 2 {
					return fault
				}
			}
			return forest.Fault{}
		})
		var batches []canopy.Batch
		err := c.Read(t.Context(), request(nil), func(b canopy.Batch) error {
			batches = append(batches, b)
			return nil
		})
		if canopy.KindOf(err) != canopy.Unreachable || len(batches) == 0 {
			t.Errorf("a controller that %s: got %v after %d batches, want an error of kind unreachable after some", name, err, len(batches))
		}
		for _, b := range batches {
			if b.Done || b.Cursor != nil {
				t.Errorf("a controller that %s: a batch of an incomplete full read has Done %v and a cursor of %d bytes", name, b.Done, len(b.Cursor))
			}
		}
		f.SetFault(nil)
		if r := read(t, c, request(whole.cursor)); r.full || len(r.changes) > 0 {
			t.Errorf("after a controller that %s: full %v, %d changes; want none", name, r.full, len(r.changes))
		}
		if r := read(t, c, request(nil)); len(r.changes) != len(whole.changes) {
			t.Errorf("after a controller that %s: %d changes, want %d", name, len(r.changes), len(whole.changes))
		}
	}
}

// TestReadSlowly: whoever takes the batches may take longer than a controller may be silent.
func TestReadSlowly(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const people = 3000
	for i := range people {
		if err := f.Add(fmt.Sprintf("CN=x%d,CN=Users,%s", i, testBase), map[string][]string{"objectClass": {"user"}, "sAMAccountName": {fmt.Sprint("x", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	const silence = 500 * time.Millisecond
	c := (&testServer{name: "slow", url: f.URL(), ca: f.CA()}).open(t, func(cfg *Config) { cfg.Timeout, cfg.BatchSize = silence, 10 })
	seen := 0
	slow := true
	err = c.Read(t.Context(), request(nil), func(b canopy.Batch) error {
		for _, ch := range b.Changes {
			if ch.Class == canopy.User {
				seen++
			}
		}
		if slow {
			slow = false
			select { // what is waited for is the time itself
			case <-time.After(2 * silence):
			case <-t.Context().Done():
			}
		}
		return nil
	})
	if err != nil || seen < people {
		t.Errorf("got %d people and %v, want %d", seen, err, people)
	}
}

// TestReadRights: without the right to replicate another way is taken, and what it cannot see is said.
func TestReadRights(t *testing.T) {
	t.Parallel()
	t.Run("forest", func(t *testing.T) {
		t.Parallel()
		s := needServer(t, "forest", theForest)
		none := forest.Account{Name: "none", Password: testPassword}
		reader := forest.Account{Name: "reader", Password: testPassword, Rights: forest.Rights{Replicate: true, Deleted: true}}
		for _, a := range []forest.Account{none, reader} {
			if err := s.forest.AddAccount(a); err != nil {
				t.Fatal(err)
			}
		}
		rights(t, s, "none@"+testDomain, "reader@"+testDomain, testPassword)
	})
	t.Run("samba", func(t *testing.T) {
		t.Parallel()
		s := needServer(t, "samba", theSamba)
		for name, r := range map[string]samba.Rights{"none": 0, "reader": samba.Reader} {
			if _, err := s.dc.AddService(t.Context(), name, testPassword, r); err != nil {
				t.Fatal(err)
			}
		}
		rights(t, s, "none@"+testDomain, "reader@"+testDomain, testPassword)
	})
}

func rights(t *testing.T, s *testServer, none, reader, password string) {
	as := func(account string) func(*Config) {
		return func(cfg *Config) { cfg.Bind = Bind{Account: account, Password: password} }
	}
	p, ou := s.puppet(), s.ou(t)
	x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: ou})
	c := s.open(t, as(reader))
	d, err := c.Describe(t.Context())
	if err != nil || d.Abilities.Missing != "" {
		t.Errorf("with all rights: missing %q, %v", d.Abilities.Missing, err)
	}
	all := read(t, c, request(nil, ou))
	c = s.open(t, as(none))
	if d, err = c.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"Replicating Directory Changes", "CN=Deleted Objects"} {
		if !strings.Contains(d.Abilities.Missing, word) {
			t.Errorf("without rights: missing is %q, want %q in it", d.Abilities.Missing, word)
		}
	}
	g := read(t, c, request(nil, ou))
	var k cursor
	if err := json.Unmarshal(g.cursor, &k); err != nil || k.Way != waySecurity {
		t.Errorf("without rights: got way %q, %v, want %q", k.Way, err, waySecurity)
	}
	if len(g.of(x)) != 1 || len(all.of(x)) != 1 {
		t.Errorf("the object: %d changes without rights, %d with; want 1", len(g.of(x)), len(all.of(x)))
	}
	p.Modify(t, x, canopy.Attrs{"title": canopy.Texts("T")}, nil)
	g = read(t, c, request(g.cursor, ou))
	if g.full || g.one(t, x).Attrs.Text("title") != "T" {
		t.Errorf("a change without rights: full %v, %+v", g.full, g.of(x))
	}
	codes := map[string]canopy.Severity{}
	findings, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		codes[f.Code] = f.Severity
	}
	if codes["ad-replication"] != canopy.Warning || codes["ad-deleted-objects"] != canopy.Warning || codes["ad-server"] != canopy.Info {
		t.Errorf("findings: %+v", findings)
	}
}

// TestReadRefused: a controller that refuses the control altogether is read by its update numbers.
func TestReadRefused(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := (&testServer{name: "refused", url: f.URL(), ca: f.CA()}).open(t)
	whole := read(t, c, request(nil))
	c.ways = []way{"no such way", wayUSN}
	c.ways[0] = waySecurity
	r := read(t, c, request(whole.cursor))
	if !r.full {
		t.Error("the way changed, and the read was no full one")
	}
}

// TestReadContext: the end of a context ends a read that hangs.
func TestReadContext(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := (&testServer{name: "hangs", url: f.URL(), ca: f.CA()}).open(t)
	read(t, c, request(nil))
	ctx, cancel := context.WithCancel(t.Context())
	f.SetFault(func(r forest.Request) forest.Fault {
		if strings.EqualFold(r.DN, testBase) {
			cancel()
			return forest.Fault{Delay: time.Hour}
		}
		return forest.Fault{}
	})
	err = c.Read(ctx, request(nil), func(canopy.Batch) error { return nil })
	if err == nil || ctx.Err() == nil {
		t.Errorf("got %v, want the context's error", err)
	}
}
