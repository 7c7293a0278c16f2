package connectortest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// search finds single objects, complete, by anchor and by name; none found is empty.
func search(t *testing.T, s *suite) {
	w := s.Words
	boss := s.person(t, "boss", nil)
	p := s.person(t, "wanted", canopy.Attrs{w.Text: canopy.Texts("here"), w.Multi: canopy.Texts("x", "y")})
	team := s.group(t, "wantedteam", p, boss)
	full, _ := s.full(t)
	same := func(what string, found []canopy.Change, ref canopy.Ref) {
		t.Helper()
		if len(found) != 1 || found[0].Anchor != ref.Anchor || found[0].Kind != canopy.FullImage {
			t.Fatalf("%s: got %+v, want the full image of %s", what, found, ref.Anchor)
		}
		m := s.mirror()
		m.change(t, &found[0])
		// links need the other objects for their anchors
		for a, o := range full.objects {
			if m.objects[a] == nil {
				m.objects[a] = o
			}
		}
		if d := cmp.Diff(full.seen()[ref.Anchor], m.seen()[ref.Anchor]); d != "" {
			t.Errorf("%s: differs from the full read (-full +search):\n%s", what, d)
		}
	}
	same("by anchor", s.search(t, canopy.SearchRequest{Anchor: p.Anchor}), p)
	same("a group by anchor", s.search(t, canopy.SearchRequest{Anchor: team.Anchor}), team)
	same("by name", s.search(t, canopy.SearchRequest{Name: w.Login("wanted")}), p)
	for what, req := range map[string]canopy.SearchRequest{
		"unknown anchor": {Anchor: Unknown}, "unknown name": {Name: w.Login("nobody")},
		"a name that looks like a filter": {Name: "*)(objectClass=*"},
		"an anchor that is none":          {Anchor: "no-such-form"},
		"children of an unknown anchor":   {Children: Unknown},
	} {
		if found := s.search(t, req); len(found) != 0 {
			t.Errorf("%s: got %+v, want nothing", what, found)
		}
	}
}

// searchContainers finds by DN, lists children, and knows the scope.
func searchContainers(t *testing.T, s *suite) {
	box := s.Puppet.Container(t, "box", s.Base)
	deep := s.Puppet.Container(t, "deep", box)
	p := s.Puppet.Create(t, Object{Class: s.Words.Person, Name: "child, with a comma", Parent: box})
	q := s.Puppet.Create(t, Object{Class: s.Words.Person, Name: "grandchild", Parent: deep})
	if found := s.search(t, canopy.SearchRequest{DN: p.DN}); len(found) != 1 || found[0].Anchor != p.Anchor {
		t.Errorf("by DN %s: got %+v, want %s", p.DN, found, p.Anchor)
	}
	if found := s.search(t, canopy.SearchRequest{DN: s.DN(s.Words.Person, "nobody", box)}); len(found) != 0 {
		t.Errorf("by a DN that is not there: got %+v", found)
	}
	var got []canopy.Anchor
	for _, c := range s.search(t, canopy.SearchRequest{Children: box.Anchor}) {
		got = append(got, c.Anchor)
	}
	want := []canopy.Anchor{deep.Anchor, p.Anchor}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("children: got %v, want %v", got, want)
	}
	if found := s.search(t, canopy.SearchRequest{Children: box.Anchor, Limit: 1}); len(found) != 1 {
		t.Errorf("children with a limit of 1: got %d", len(found))
	}
	found := s.search(t, canopy.SearchRequest{Anchor: q.Anchor, Scope: canopy.Scope{
		Include: []canopy.Anchor{box.Anchor}, Exclude: []canopy.Anchor{deep.Anchor}}})
	if len(found) != 1 || found[0].Kind != canopy.LeftScope || found[0].Anchor != q.Anchor || len(found[0].Attrs) > 0 {
		t.Errorf("an object out of scope: got %+v, want LeftScope with its anchor alone", found)
	}
}
