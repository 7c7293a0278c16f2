package ad

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

// TestReferenceTypes proves that every attribute that names another object is a reference, whether the directory links
// it or not, and that what only looks like a name is not one.
func TestReferenceTypes(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		d, err := s.open(t).Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[canopy.Attr]canopy.AttrType{
			"member":                {Type: canopy.Reference, Multi: true},
			"manager":               {Type: canopy.Reference},
			"authOrig":              {Type: canopy.Reference, Multi: true}, // an OR name with a link
			"unauthOrig":            {Type: canopy.Reference, Multi: true},
			"dLMemSubmitPerms":      {Type: canopy.Reference, Multi: true},
			"dLMemRejectPerms":      {Type: canopy.Reference, Multi: true},
			"publicDelegates":       {Type: canopy.Reference, Multi: true},
			"altRecipient":          {Type: canopy.Reference},
			"msExchModeratedByLink": {Type: canopy.Reference, Multi: true}, // a DN without a link in this schema
			"assistant":             {Type: canopy.Reference},
			"seeAlso":               {Type: canopy.Reference, Multi: true},
			"objectCategory":        {Type: canopy.String}, // a class, which no read meets
			"distinguishedName":     {Type: canopy.String},
			"otherWellKnownObjects": {Type: canopy.String, Multi: true}, // a DN with octets
		} {
			if got := d.Schema.Attributes[name]; got != want {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
		}
		for _, name := range []canopy.Attr{"memberOf", "directReports", "publicDelegatesBL", "authOrigBL"} {
			if got, there := d.Schema.Attributes[name]; there {
				t.Errorf("%s, the other end of a link: got %+v, want nothing", name, got)
			}
		}
	})
}

// TestReferences proves that such an attribute comes as links with the anchors of whom it names, in full reads, changes,
// after renames, and cleared.
func TestReferences(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *testServer) {
		c, p, ou := s.open(t), s.puppet(), s.ou(t)
		names := []canopy.Attr{"authOrig", "publicDelegates", "msExchModeratedByLink", "assistant"}
		a := p.Create(t, connectortest.Object{Class: canopy.User, Name: "a", Parent: ou})
		b := p.Create(t, connectortest.Object{Class: canopy.User, Name: "b", Parent: ou})
		all := func(refs ...canopy.Ref) map[canopy.Attr]canopy.LinkChange {
			m := map[canopy.Attr]canopy.LinkChange{}
			for _, n := range names {
				m[n] = canopy.LinkChange{Added: refs}
			}
			return m
		}
		x := p.Create(t, connectortest.Object{Class: canopy.User, Name: "x", Parent: ou})
		p.Modify(t, x, nil, all(a))
		req := request(nil, ou)
		req.Attrs = append([]canopy.Attr{"department"}, names...)
		g := read(t, c, req)
		for _, n := range names {
			if d := cmp.Diff(canopy.LinkChange{Whole: true, Added: []canopy.Ref{a}}, g.one(t, x).Links[n]); d != "" {
				t.Errorf("full, %s (-want +got):\n%s", n, d)
			}
		}
		a = p.Move(t, a, "renamed", ou)
		p.Modify(t, x, nil, map[canopy.Attr]canopy.LinkChange{"authOrig": {Added: []canopy.Ref{b}, Removed: []canopy.Ref{a}},
			"msExchModeratedByLink": {Added: []canopy.Ref{b}}})
		req.Cursor = g.cursor
		g = read(t, c, req)
		if d := cmp.Diff(canopy.LinkChange{Added: []canopy.Ref{b}, Removed: []canopy.Ref{a}}, g.one(t, x).Links["authOrig"]); d != "" {
			t.Errorf("a link changed (-want +got):\n%s", d)
		}
		l := g.one(t, x).Links["msExchModeratedByLink"]
		if !l.Whole || len(l.Added) != 2 || !holds(l.Added, a.Anchor) || !holds(l.Added, b.Anchor) {
			t.Errorf("names changed: got %+v, want both, whole", l)
		}
		p.Modify(t, x, nil, map[canopy.Attr]canopy.LinkChange{"msExchModeratedByLink": {Whole: true}, "assistant": {Whole: true}})
		req.Cursor = g.cursor
		g = read(t, c, req)
		for _, n := range []canopy.Attr{"msExchModeratedByLink", "assistant"} {
			if l, told := g.one(t, x).Links[n]; !told || !l.Whole || len(l.Added) > 0 {
				t.Errorf("%s cleared: got %+v, told %v, want whole and empty", n, l, told)
			}
		}
	})
}

func holds(refs []canopy.Ref, a canopy.Anchor) bool {
	for _, r := range refs {
		if r.Anchor == a {
			return true
		}
	}
	return false
}
