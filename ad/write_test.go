package ad

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

func write(t testing.TB, c *Conn, e canopy.Export) canopy.Result {
	t.Helper()
	r, err := c.Write(t.Context(), []canopy.Export{e})
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	return r[0]
}

func TestWriteOff(t *testing.T) {
	t.Parallel()
	s := needServer(t, "forest", theForest)
	c := s.open(t, func(cfg *Config) { cfg.Write = false })
	if _, err := c.Write(t.Context(), []canopy.Export{{Op: canopy.Delete}}); canopy.KindOf(err) != canopy.Unsupported {
		t.Errorf("write: got %v, want an error of kind unsupported", err)
	}
	if err := c.Undelete(t.Context(), connectortest.Unknown, "CN=x", nil); canopy.KindOf(err) != canopy.Unsupported {
		t.Errorf("undelete: got %v, want an error of kind unsupported", err)
	}
	if d, err := c.Describe(t.Context()); err != nil || d.Abilities.Write {
		t.Errorf("describe: %+v, %v, want no ability to write", d.Abilities, err)
	}
}

func TestWriteAnswers(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c, p, ou := s.open(t), s.puppet(), s.ou(t)
		x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: ou})
		add := canopy.Export{Op: canopy.Add, Class: canopy.User, Ref: canopy.Ref{DN: "CN=y," + ou.DN}, Set: canopy.Attrs{"sAMAccountName": canopy.Texts(p.sam("y"))}}
		for _, k := range []struct {
			what   string
			export canopy.Export
			kind   canopy.ResultKind
			code   string
		}{
			{"an object is added", add, canopy.Done, ""},
			{"it is there already", add, canopy.Refused, "LDAP68"},
			{"an Add without a DN", canopy.Export{Op: canopy.Add, Class: canopy.User}, canopy.Refused, "ad-no-dn"},
			{"a container is added", canopy.Export{Op: canopy.Add, Class: canopy.Container, Ref: canopy.Ref{DN: "OU=box," + ou.DN}}, canopy.Done, ""},
			{"below a container that is not there", canopy.Export{Op: canopy.Add, Class: canopy.Contact, Ref: canopy.Ref{DN: "CN=z,OU=nowhere," + ou.DN}}, canopy.Refused, "ad-no-container"},
			{"a contact is added", canopy.Export{Op: canopy.Add, Class: canopy.Contact, Ref: canopy.Ref{DN: "CN=z,OU=box," + ou.DN}}, canopy.Done, ""},
			{"a container with something in it is deleted", canopy.Export{Op: canopy.Delete, Ref: canopy.Ref{DN: "OU=box," + ou.DN}}, canopy.Refused, "LDAP66"},
			{"a DN that is none", canopy.Export{Op: canopy.Modify, Ref: canopy.Ref{DN: "nonsense"}}, canopy.Refused, "dn-syntax"},
			{"an object that is named by nothing", canopy.Export{Op: canopy.Modify}, canopy.Refused, "ad-no-target"},
			{"disabled", canopy.Export{Op: canopy.Modify, Ref: x, Set: canopy.Attrs{"userAccountControl": {canopy.Int(514)}}, Compare: canopy.Attrs{"userAccountControl": {canopy.Int(546)}}},
				canopy.Done, ""},
			{"a value that breaks the schema", canopy.Export{Op: canopy.Modify, Ref: x, Set: canopy.Attrs{"countryCode": canopy.Texts("x")}}, canopy.Refused, "LDAP21"},
			{"compared with what it is not", canopy.Export{Op: canopy.Modify, Ref: x, Clear: []canopy.Attr{"title"}, Compare: canopy.Attrs{"userAccountControl": {canopy.Int(512)}}},
				canopy.Refused, "ad-changed"},
			{"moved nowhere", canopy.Export{Op: canopy.Move, Ref: x, DN: "CN=x,OU=nowhere," + ou.DN}, canopy.Refused, "ad-no-container"},
			{"moved", canopy.Export{Op: canopy.Move, Ref: x, DN: "CN=x\\, Dr.,OU=box," + ou.DN}, canopy.Done, ""},
			{"moved again", canopy.Export{Op: canopy.Move, Ref: canopy.Ref{Anchor: x.Anchor}, DN: "CN=x\\, Dr.,OU=box," + ou.DN}, canopy.Done, ""},
			{"an operation that is none", canopy.Export{Op: 0, Ref: x}, canopy.Refused, "ad-operation"},
		} {
			r := write(t, c, k.export)
			if r.Kind != k.kind || r.Code != k.code || (r.Kind != canopy.Done) != (r.Text != "") {
				t.Errorf("%s: got %+v, want %v %s", k.what, r, k.kind, k.code)
			}
			if r.Kind == canopy.Done && r.Anchor == "" {
				t.Errorf("%s: the result has no anchor", k.what)
			}
		}
	})
}

// TestWriteManyLinks: more links than one request takes, with some that the directory will not have.
func TestWriteManyLinks(t *testing.T) {
	t.Parallel()
	s := needServer(t, "forest", theForest)
	c, p, ou := s.open(t, func(cfg *Config) { cfg.PageSize = 5000 }), s.puppet(), s.ou(t)
	var people []canopy.Ref
	for i := range 2*maxLinksWritten + 10 {
		dn := fmt.Sprintf("CN=m%d,%s", i, ou.DN)
		if err := s.forest.Add(dn, map[string][]string{"objectClass": {"contact"}}); err != nil {
			t.Fatal(err)
		}
	}
	g := p.Create(t, connectortest.Object{Class: canopy.Group, Name: "many", Parent: ou})
	req := request(nil, ou)
	all := read(t, c, req)
	for _, ch := range all.changes {
		if ch.Class == canopy.Contact {
			people = append(people, canopy.Ref{Anchor: ch.Anchor})
		}
	}
	bad := []canopy.Ref{{Anchor: connectortest.Unknown}, {DN: "CN=nobody," + ou.DN}}
	links := slices.Concat(people[:1500], bad[:1], people[1500:], bad[1:])
	members := func() int {
		got, err := c.Search(t.Context(), canopy.SearchRequest{Anchor: g.Anchor, Classes: req.Classes, Attrs: req.Attrs})
		if err != nil || len(got) != 1 {
			t.Fatalf("search: %v, %v", got, err)
		}
		return len(got[0].Links["member"].Added)
	}
	r := write(t, c, canopy.Export{Op: canopy.Modify, Ref: g, Links: map[canopy.Attr]canopy.LinkChange{"member": {Added: links}}})
	if r.Kind != canopy.Done || len(r.Failed) != 2 || r.Failed[0].Ref != bad[0] || r.Failed[1].Ref != bad[1] {
		t.Errorf("got %v, failed %+v; want done but for %v", r.Kind, r.Failed, bad)
	}
	if n := members(); n != len(people) {
		t.Errorf("%d members, want %d", n, len(people))
	}
	r = write(t, c, canopy.Export{Op: canopy.Modify, Ref: g, Links: map[canopy.Attr]canopy.LinkChange{"member": {Whole: true, Added: people[:3]}}})
	if n := members(); r.Kind != canopy.Done || n != 3 {
		t.Errorf("set whole: %+v, %d members, want 3", r, n)
	}
	r = write(t, c, canopy.Export{Op: canopy.Modify, Ref: g, Links: map[canopy.Attr]canopy.LinkChange{"member": {Whole: true, Added: people}}})
	if n := members(); r.Kind != canopy.Done || n != len(people) {
		t.Errorf("set whole to many: %v, %d members, want %d", r.Kind, n, len(people))
	}
	r = write(t, c, canopy.Export{Op: canopy.Modify, Ref: g, Links: map[canopy.Attr]canopy.LinkChange{"member": {Removed: append(people, bad...)}}})
	if n := members(); r.Kind != canopy.Done || len(r.Failed) > 0 || n != 0 {
		t.Errorf("removed: %v, failed %v, %d members left", r.Kind, r.Failed, n)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	l := func(code uint16) error { return ldap.NewError(code, errors.New("words")) }
	for _, k := range []struct {
		err  error
		kind canopy.ResultKind
		code string
	}{
		{l(ldap.LDAPResultBusy), canopy.Later, "LDAP51"},
		{l(ldap.LDAPResultUnavailable), canopy.Later, "LDAP52"},
		{l(ldap.LDAPResultTimeLimitExceeded), canopy.Later, "LDAP3"},
		{l(ldap.ErrorNetwork), canopy.Later, "LDAP200"},
		{l(ldap.LDAPResultInsufficientAccessRights), canopy.Denied, "LDAP50"},
		{l(ldap.LDAPResultNoSuchObject), canopy.NotThere, "LDAP32"},
		{l(ldap.LDAPResultConstraintViolation), canopy.Refused, "LDAP19"},
		{l(ldap.LDAPResultEntryAlreadyExists), canopy.Refused, "LDAP68"},
		{errors.New("cut"), canopy.Later, "ad-unreachable"},
		{&canopy.Error{Kind: canopy.Conflict, Code: "x"}, canopy.Refused, "x"},
		{&canopy.Error{Kind: canopy.Unreachable, Code: "x"}, canopy.Later, "x"},
		{&canopy.Error{Kind: canopy.Forbidden, Code: "x"}, canopy.Denied, "x"},
		{&canopy.Error{Kind: canopy.NotFound, Code: "x"}, canopy.NotThere, "x"},
	} {
		if kind, code, _ := verdict(k.err); kind != k.kind || code != k.code {
			t.Errorf("%v: got %v %s, want %v %s", k.err, kind, code, k.kind, k.code)
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	ticks, err := ToFileTime(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		attr attribute
		v    canopy.Value
		want string
	}{
		{attribute{name: "description"}, canopy.Text("ä"), "ä"},
		{attribute{name: "unicodePwd", shape: shapeOctets}, canopy.Text("x"), "\"\x00x\x00\"\x00"},
		{attribute{name: "flag", shape: shapeTruth}, canopy.Bool(true), "TRUE"},
		{attribute{name: "number", shape: shapeNumber}, canopy.Int(-5), "-5"},
		{attribute{name: "accountExpires", shape: shapeNumber}, canopy.Instant(at), fmt.Sprint(ticks)},
		{attribute{name: "when", shape: shapeTime}, canopy.Instant(at), "20300102030405.0Z"},
		{attribute{name: "photo", shape: shapeOctets}, canopy.Bytes([]byte{0, 255}), "\x00\xff"},
		{attribute{name: "sid", shape: shapeSID}, canopy.Text("S-1-5-18"), "\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00"},
		{attribute{name: "manager", shape: shapeLink}, canopy.To(connectortest.Unknown), "<GUID=" + string(connectortest.Unknown) + ">"},
	} {
		if got, err := k.attr.encode(k.v); err != nil || got != k.want {
			t.Errorf("%s: got %q, %v, want %q", k.attr.name, got, err, k.want)
		}
	}
	for _, k := range []struct {
		attr attribute
		v    canopy.Value
	}{{attribute{name: "sid", shape: shapeSID}, canopy.Text("x")}, {attribute{name: "manager"}, canopy.To("x")}} {
		if got, err := k.attr.encode(k.v); err == nil {
			t.Errorf("%s: got %q, want an error", k.attr.name, got)
		}
	}
}
