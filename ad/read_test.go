package ad

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

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
		if again.full || len(again.of(x)) > 0 {
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

// TestReadRefused: a controller that refuses the control altogether is read by its update numbers, and goes on so.
func TestReadRefused(t *testing.T) {
	t.Parallel()
	f, err := forest.Start(t.Context(), forest.Options{Domain: testDomain, AdminPassword: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := (&testServer{name: "refused", url: f.URL(), ca: f.CA()}).open(t)
	whole := read(t, c, request(nil))
	searches := 0
	f.SetFault(func(r forest.Request) forest.Fault {
		if r.Op == "search" && strings.EqualFold(r.DN, testBase) {
			if searches++; searches <= 3 { // from the cursor, in full, and within the account's rights
				return forest.Fault{Code: 50}
			}
		}
		return forest.Fault{}
	})
	r := read(t, c, request(whole.cursor))
	if !r.full || len(r.changes) != len(whole.changes) {
		t.Errorf("full %v with %d changes, want a full read with %d", r.full, len(r.changes), len(whole.changes))
	}
	var k cursor
	if err := json.Unmarshal(r.cursor, &k); err != nil || k.Way != wayUSN {
		t.Errorf("way %q, %v, want %q", k.Way, err, wayUSN)
	}
	if r := read(t, c, request(r.cursor)); r.full || len(r.changes) > 0 {
		t.Errorf("reading on: full %v with %d changes, want none", r.full, len(r.changes))
	}
}
