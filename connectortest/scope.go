package connectortest

import (
	"slices"
	"testing"

	"github.com/canopy-sync/canopy"
)

// moves: renames and moves of objects and of containers. What lies below a container that moved need not be told.
func moves(t *testing.T, s *suite) {
	a, b := s.Puppet.Container(t, "movefrom", s.Base), s.Puppet.Container(t, "moveto", s.Base)
	p := s.Puppet.Create(t, Object{Class: s.Words.Person, Name: "mover", Parent: a})
	q := s.Puppet.Create(t, Object{Class: s.Words.Person, Name: "below", Parent: a})
	team := s.group(t, "moveteam", p, q)
	m, cursor := s.full(t)
	if o := m.objects[a.Anchor]; o == nil || o.class != canopy.Container || o.parent != s.Base.Anchor {
		t.Fatalf("the container in a full read: got %+v", o)
	}

	moved := s.Puppet.Move(t, p, "mover", b)
	_, cursor = s.read(t, m, s.request(cursor))
	if o := m.objects[p.Anchor]; o == nil || o.parent != b.Anchor || canopy.Fold(o.dn) != canopy.Fold(moved.DN) {
		t.Errorf("moved object: got %+v, want parent %s and DN %s", o, b.Anchor, moved.DN)
	}
	renamed := s.Puppet.Move(t, moved, "mover with a comma, and more", b)
	_, cursor = s.read(t, m, s.request(cursor))
	if o := m.objects[p.Anchor]; o == nil || canopy.Fold(o.dn) != canopy.Fold(renamed.DN) {
		t.Errorf("renamed object: got %+v, want DN %s", o, renamed.DN)
	}
	under := s.Puppet.Move(t, a, "renamedfrom", b)
	_, _ = s.read(t, m, s.request(cursor))
	if o := m.objects[a.Anchor]; o == nil || o.parent != b.Anchor || canopy.Fold(o.dn) != canopy.Fold(under.DN) {
		t.Errorf("moved container: got %+v, want parent %s and DN %s", o, b.Anchor, under.DN)
	}
	if o := m.objects[q.Anchor]; o == nil || o.parent != a.Anchor {
		t.Errorf("object below the moved container: got %+v, want parent %s", o, a.Anchor)
	}
	if got, want := m.value(team.Anchor, s.Words.Member), texts(p, q); !slices.Equal(got, want) {
		t.Errorf("members after the moves: got %q, want %q", got, want)
	}
	fresh, _ := s.full(t)
	m.want(t, "after the moves", fresh)
}

// scope: the nearest included or excluded container above an object decides; moves across the border are told.
func scope(t *testing.T, s *suite) {
	in, out := s.Puppet.Container(t, "scopein", s.Base), s.Puppet.Container(t, "scopeout", s.Base)
	hole := s.Puppet.Container(t, "hole", in)
	isle := s.Puppet.Container(t, "isle", hole)
	sub := s.Puppet.Container(t, "sub", out)
	at := map[string]canopy.Ref{}
	for name, where := range map[string]canopy.Ref{"sin": in, "sout": out, "shole": hole, "sisle": isle, "ssub": sub} {
		at[name] = s.Puppet.Create(t, Object{Class: s.Words.Person, Name: name, Parent: where})
	}
	req := s.request(nil)
	req.Scope = canopy.Scope{Include: []canopy.Anchor{in.Anchor, isle.Anchor}, Exclude: []canopy.Anchor{hole.Anchor}}
	m := s.mirror()
	_, req.Cursor = s.read(t, m, req)
	people := func(step string, want ...string) {
		t.Helper()
		for name, ref := range at {
			if got := m.objects[ref.Anchor] != nil; got != slices.Contains(want, name) {
				t.Errorf("%s: %s in scope: got %v, want %v", step, name, got, !got)
			}
		}
	}
	next := func() { t.Helper(); _, req.Cursor = s.read(t, m, req) }
	people("full read", "sin", "sisle")

	s.Puppet.Modify(t, at["sout"], canopy.Attrs{s.Words.Text: canopy.Texts("2")}, nil)
	next()
	people("a change out of scope", "sin", "sisle")

	at["sout"] = s.Puppet.Move(t, at["sout"], "sout", in)
	at["sin"] = s.Puppet.Move(t, at["sin"], "sin", out)
	next()
	people("objects move across", "sout", "sisle")
	if got := m.value(at["sout"].Anchor, s.Words.Text); !slices.Equal(got, []string{"2"}) {
		t.Errorf("an object that entered the scope came without its values: got %q", got)
	}

	s.Puppet.Move(t, sub, "sub", in)
	next()
	people("a container enters", "sout", "sisle", "ssub")
	s.Puppet.Move(t, in, "scopein renamed", s.Base)
	next()
	people("the included container is renamed", "sout", "sisle", "ssub")

	fresh := s.mirror()
	whole := req
	whole.Cursor = nil
	s.read(t, fresh, whole)
	for a, o := range fresh.objects {
		if got := m.objects[a]; got == nil || got.parent != o.parent {
			t.Errorf("%s: the deltas led to %+v, a full read to %+v", a, got, o)
		}
	}
	if len(fresh.objects) != len(m.objects) {
		t.Errorf("the deltas led to %v, a full read to %v", m.anchors(), fresh.anchors())
	}
}

// scopeChange: a cursor got with another scope or other attributes loses nothing.
func scopeChange(t *testing.T, s *suite) {
	one, two := s.Puppet.Container(t, "one", s.Base), s.Puppet.Container(t, "two", s.Base)
	text := canopy.Attrs{s.Words.Text: canopy.Texts("t"), s.Words.Other: canopy.Texts("o")}
	p := s.Puppet.Create(t, Object{Class: s.Words.Person, Name: "pone", Parent: one, Attrs: text})
	q := s.Puppet.Create(t, Object{Class: s.Words.Person, Name: "ptwo", Parent: two, Attrs: text})
	req := s.request(nil)
	req.Scope = canopy.Scope{Include: []canopy.Anchor{one.Anchor}}
	req.Attrs = []canopy.Attr{s.Words.Text}
	m := s.mirror()
	_, req.Cursor = s.read(t, m, req)
	if m.objects[p.Anchor] == nil || m.objects[q.Anchor] != nil {
		t.Fatalf("first scope: got %v, want %s without %s", m.anchors(), p.Anchor, q.Anchor)
	}
	req.Scope.Include, req.Attrs = []canopy.Anchor{one.Anchor, two.Anchor}, []canopy.Attr{s.Words.Text, s.Words.Other}
	_, req.Cursor = s.read(t, m, req)
	for _, r := range []canopy.Ref{p, q} {
		if got := m.value(r.Anchor, s.Words.Other); !slices.Equal(got, []string{"o"}) {
			t.Errorf("after the scope and the attributes grew, %s of %s: got %q, want o", s.Words.Other, r.DN, got)
		}
	}
	req.Scope.Include = []canopy.Anchor{two.Anchor}
	s.read(t, m, req)
	if m.objects[p.Anchor] != nil || m.objects[q.Anchor] == nil {
		t.Errorf("after the scope moved: got %v, want %s without %s", m.anchors(), q.Anchor, p.Anchor)
	}
}

// groupScope: members, nested ones too, are in scope together with their groups, and follow the membership.
func groupScope(t *testing.T, s *suite) {
	p, q, r := s.person(t, "gp", nil), s.person(t, "gq", nil), s.person(t, "gr", nil)
	inner := s.group(t, "ginner", q)
	outer := s.group(t, "gouter", p, inner)
	req := s.request(nil)
	req.Scope.Groups = []canopy.Anchor{outer.Anchor}
	m := s.mirror()
	_, req.Cursor = s.read(t, m, req)
	want := func(step string, in, out []canopy.Ref) {
		t.Helper()
		for _, x := range in {
			if m.objects[x.Anchor] == nil {
				t.Errorf("%s: %s %s is not in scope", step, x.Anchor, x.DN)
			}
		}
		for _, x := range out {
			if m.objects[x.Anchor] != nil {
				t.Errorf("%s: %s %s is in scope", step, x.Anchor, x.DN)
			}
		}
	}
	want("full read", []canopy.Ref{p, q, inner, outer}, []canopy.Ref{r})
	s.Puppet.Modify(t, inner, nil, map[canopy.Attr]canopy.LinkChange{
		s.Words.Member: {Added: []canopy.Ref{r}, Removed: []canopy.Ref{q}}})
	_, req.Cursor = s.read(t, m, req)
	want("the inner group's member changed", []canopy.Ref{p, r, inner, outer}, []canopy.Ref{q})
	s.Puppet.Modify(t, inner, nil, map[canopy.Attr]canopy.LinkChange{s.Words.Member: {Added: []canopy.Ref{outer}}})
	s.read(t, m, req)
	want("the groups form a loop", []canopy.Ref{p, r, inner, outer}, []canopy.Ref{q})
}
