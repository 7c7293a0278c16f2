package connectortest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

func describe(t *testing.T, s *suite) {
	one, err := s.Connector.Describe(t.Context())
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	two, err := s.Connector.Describe(t.Context())
	if err != nil {
		t.Fatalf("describe again: %v", err)
	}
	if d := cmp.Diff(one, two); d != "" {
		t.Errorf("two descriptions differ (-first +second):\n%s", d)
	}
	if one.Kind == "" || one.Name == "" {
		t.Errorf("kind %q, name %q: want both", one.Kind, one.Name)
	}
	for _, c := range s.classes() {
		if !slices.Contains(one.Schema.Classes, c) {
			t.Errorf("schema lacks the class %s", c)
		}
	}
	for _, a := range s.attrs() {
		if _, ok := one.Schema.Attributes[a]; !ok {
			t.Errorf("schema lacks the attribute %s", a)
		}
	}
	for name, want := range map[canopy.Attr]canopy.AttrType{
		s.Words.Text: {Type: canopy.String}, s.Words.Multi: {Type: canopy.String, Multi: true},
		s.Words.Member: {Type: canopy.Reference, Multi: true},
	} {
		if got := one.Schema.Attributes[name]; got != want {
			t.Errorf("schema of %s: got %+v, want %+v", name, got, want)
		}
	}
	if one.Abilities.Target && !one.Abilities.Write {
		t.Error("the abilities say that it is a target, and that it cannot be written to")
	}
}

func check(t *testing.T, s *suite) {
	found, err := s.Connector.Check(t.Context())
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	for _, f := range found {
		if f.Severity == canopy.Severe {
			t.Errorf("check of a healthy directory found %+v", f)
		}
		if f.Code == "" || f.Text == "" {
			t.Errorf("finding without code or text: %+v", f)
		}
	}
}

// fullRead: everything comes once, complete, in batches that end with Done.
func fullRead(t *testing.T, s *suite) {
	var people []canopy.Ref
	for i := range s.People {
		people = append(people, s.person(t, fmt.Sprintf("full%03d", i), canopy.Attrs{s.Words.Text: canopy.Texts(fmt.Sprint("text ", i))}))
	}
	team := s.group(t, "fullteam", people...)
	none := s.group(t, "fullempty")
	m, _ := s.full(t)
	for i, p := range people {
		if got, want := m.value(p.Anchor, s.Words.Text), []string{fmt.Sprint("text ", i)}; !slices.Equal(got, want) {
			t.Errorf("%s of %s: got %q, want %q", s.Words.Text, p.Anchor, got, want)
		}
	}
	if d := cmp.Diff(texts(people...), m.value(team.Anchor, s.Words.Member)); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	if o := m.objects[none.Anchor]; o == nil || o.class != s.Words.Group {
		t.Errorf("the group without members: got %+v", o)
	}
	for a, o := range m.objects {
		if (o.dn != "") != (s.DN != nil) {
			t.Errorf("%s has the DN %q", a, o.dn)
		}
	}
	if s.DN != nil {
		if got := m.objects[people[0].Anchor]; got.parent != s.Base.Anchor || got.dn != people[0].DN {
			t.Errorf("got parent %q and DN %q, want %q and %q", got.parent, got.dn, s.Base.Anchor, people[0].DN)
		}
	}
	again, _ := s.full(t)
	again.want(t, "a second full read", m)
}

// samples: values come back as they are, with the schema's types.
func samples(t *testing.T, s *suite) {
	p := s.person(t, "samples", s.Words.Samples.Clone())
	m, _ := s.full(t)
	for _, a := range s.Words.Samples.Names() {
		if got, want := m.objects[p.Anchor].attrs[a], s.Words.Samples[a]; !got.Equal(want) {
			t.Errorf("%s: got %v, want %v", a, got, want)
		}
	}
}

// onlyAsked: attributes and classes that are not asked for do not come.
func onlyAsked(t *testing.T, s *suite) {
	p := s.person(t, "asked", canopy.Attrs{s.Words.Text: canopy.Texts("yes"), s.Words.Other: canopy.Texts("no")})
	g := s.group(t, "askedgroup", p)
	req := s.request(nil)
	req.Classes, req.Attrs = []canopy.Class{s.Words.Person}, []canopy.Attr{s.Words.Text}
	m := s.mirror()
	m.asked = map[canopy.Attr]bool{s.Words.Text: true}
	s.read(t, m, req)
	if got := m.objects[p.Anchor]; got == nil || got.attrs.Text(s.Words.Text) != "yes" {
		t.Errorf("the person: got %+v", got)
	}
	if m.objects[g.Anchor] != nil {
		t.Errorf("a %s came, and only %s was asked for", s.Words.Group, s.Words.Person)
	}
}

// changes: a read from a cursor leads to the same image as a new full read, and tells of nothing else.
func changes(t *testing.T, s *suite) {
	w := s.Words
	anna := s.person(t, "anna", canopy.Attrs{w.Text: canopy.Texts("1"), w.Multi: canopy.Texts("a", "b"), w.Other: canopy.Texts("o")})
	ben := s.person(t, "ben", canopy.Attrs{w.Text: canopy.Texts("1")})
	still := s.person(t, "still", canopy.Attrs{w.Text: canopy.Texts("1")})
	m, cursor := s.full(t)

	s.Puppet.Modify(t, anna, canopy.Attrs{w.Text: canopy.Texts("2"), w.Multi: canopy.Texts("b", "c")}, nil)
	s.Puppet.Modify(t, ben, canopy.Attrs{w.Text: nil}, nil)
	carl := s.person(t, "carl", canopy.Attrs{w.Text: canopy.Texts("1")})
	got, next := s.read(t, m, s.request(cursor))
	s.onlyOf(t, got, anna, ben, carl)
	if got := m.value(anna.Anchor, w.Text); !slices.Equal(got, []string{"2"}) {
		t.Errorf("changed value: got %q, want 2", got)
	}
	if got := m.value(anna.Anchor, w.Multi); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("changed values: got %q, want b and c", got)
	}
	if got := m.value(anna.Anchor, w.Other); !slices.Equal(got, []string{"o"}) {
		t.Errorf("value that did not change: got %q, want o", got)
	}
	if got := m.value(ben.Anchor, w.Text); got != nil {
		t.Errorf("cleared value: got %q, want none", got)
	}
	if m.objects[carl.Anchor] == nil || m.objects[still.Anchor] == nil {
		t.Error("the new object or the one without changes is not there")
	}
	fresh, _ := s.full(t)
	m.want(t, "after the changes", fresh)

	got, _ = s.read(t, m, s.request(next))
	s.onlyOf(t, got)
	m.want(t, "after a read without changes", fresh)

	s.read(t, m, s.request(cursor))
	m.want(t, "after a second read from the same cursor", fresh)
}

// onlyOf checks that a delta tells of no object but these. Deletions and what left the scope may come superfluously.
func (s *suite) onlyOf(t *testing.T, got []canopy.Change, refs ...canopy.Ref) {
	t.Helper()
	if !s.can.Delta {
		return
	}
	for _, c := range got {
		told := c.Kind == canopy.FullImage || c.Kind == canopy.Delta
		if told && !slices.ContainsFunc(refs, func(r canopy.Ref) bool { return r.Anchor == c.Anchor }) {
			t.Errorf("%s %s did not change and was told: %+v", c.Anchor, c.DN, c)
		}
	}
}

// links: they travel as differences, and lead to the same image.
func links(t *testing.T, s *suite) {
	var people []canopy.Ref
	for i := range 12 {
		people = append(people, s.person(t, fmt.Sprintf("link%02d", i), nil))
	}
	team := s.group(t, "linkteam", people[:10]...)
	m, cursor := s.full(t)

	s.Puppet.Modify(t, team, nil, map[canopy.Attr]canopy.LinkChange{
		s.Words.Member: {Added: people[10:], Removed: people[:1]}})
	got, cursor := s.read(t, m, s.request(cursor))
	s.onlyOf(t, got, team)
	if d := cmp.Diff(texts(people[1:]...), m.value(team.Anchor, s.Words.Member)); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	for _, c := range got {
		l := c.Links[s.Words.Member]
		if s.can.Delta && c.Anchor == team.Anchor && len(l.Added)+len(l.Removed) > 3 {
			t.Errorf("two members came and one went, and %d links were told", len(l.Added)+len(l.Removed))
		}
	}

	s.Puppet.Modify(t, team, nil, map[canopy.Attr]canopy.LinkChange{s.Words.Member: {Removed: people[1:]}})
	_, cursor = s.read(t, m, s.request(cursor))
	if got := m.value(team.Anchor, s.Words.Member); got != nil {
		t.Errorf("members of the emptied group: got %q", got)
	}
	if s.Words.Manager != "" {
		for _, boss := range people[1:3] {
			s.Puppet.Modify(t, people[0], nil, map[canopy.Attr]canopy.LinkChange{s.Words.Manager: {Whole: true, Added: []canopy.Ref{boss}}})
			_, cursor = s.read(t, m, s.request(cursor))
			if got, want := m.value(people[0].Anchor, s.Words.Manager), texts(boss); !slices.Equal(got, want) {
				t.Errorf("manager: got %q, want %q", got, want)
			}
		}
	}
	fresh, _ := s.full(t)
	m.want(t, "after the changes of links", fresh)
}

// deletion: a deleted object is told, once is enough, and one that came and went in between may be left out.
func deletion(t *testing.T, s *suite) {
	keep, drop := s.person(t, "keep", nil), s.person(t, "drop", nil)
	s.group(t, "dropteam", keep, drop)
	m, cursor := s.full(t)
	s.Puppet.Delete(t, drop)
	s.Puppet.Delete(t, s.person(t, "brief", nil))
	got, _ := s.read(t, m, s.request(cursor))
	if s.can.Delta && !slices.ContainsFunc(got, func(c canopy.Change) bool {
		return c.Anchor == drop.Anchor && c.Kind == canopy.Deleted
	}) {
		t.Error("the deletion was not told")
	}
	fresh, _ := s.full(t)
	if fresh.objects[drop.Anchor] != nil {
		t.Error("a full read still shows the deleted object")
	}
	m.want(t, "after the deletion", fresh)
}

// resume: the cursor of any batch is good for reading on, also after changes.
func resume(t *testing.T, s *suite) {
	var people []canopy.Ref
	for i := range s.People {
		people = append(people, s.person(t, fmt.Sprintf("resume%03d", i), canopy.Attrs{s.Words.Text: canopy.Texts("1")}))
	}
	var cursors [][]byte
	if err := s.Connector.Read(t.Context(), s.request(nil), func(b canopy.Batch) error {
		cursors = append(cursors, b.Cursor)
		return nil
	}); err != nil {
		t.Fatalf("read: %v", err)
	}
	stop := errors.New("enough")
	part := make([]*mirror, len(cursors))
	for k := range cursors {
		m, n := s.mirror(), 0
		err := s.Connector.Read(t.Context(), s.request(nil), func(b canopy.Batch) error {
			m.apply(t, b)
			cursors[k] = b.Cursor
			if n++; n > k {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			t.Fatalf("read stopped after batch %d: %v", k, err)
		}
		m.shown, part[k] = nil, m
	}
	s.Puppet.Modify(t, people[0], canopy.Attrs{s.Words.Text: canopy.Texts("2")}, nil)
	s.Puppet.Modify(t, people[len(people)-1], canopy.Attrs{s.Words.Text: canopy.Texts("2")}, nil)
	s.Puppet.Delete(t, people[1])
	fresh, _ := s.full(t)
	for k, m := range part {
		s.read(t, m, s.request(cursors[k]))
		m.want(t, fmt.Sprintf("read on from batch %d of %d", k+1, len(cursors)), fresh)
	}
}
