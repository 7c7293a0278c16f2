package connectortest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/canopy-sync/canopy"
)

// write numbers the exports, writes them and checks that each has its result, in order.
func (s *suite) write(t *testing.T, exports ...canopy.Export) []canopy.Result {
	t.Helper()
	for i := range exports {
		exports[i].ID = canopy.ExportID(1000 + i)
	}
	got, err := s.Connector.Write(t.Context(), exports)
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	if len(got) != len(exports) {
		t.Fatalf("%d exports gave %d results", len(exports), len(got))
	}
	for i, r := range got {
		if r.Export != exports[i].ID {
			t.Fatalf("result %d is for export %d, want %d", i, r.Export, exports[i].ID)
		}
		if r.Kind != canopy.Done && r.Text == "" {
			t.Errorf("result %d is %v and says nothing", i, r.Kind)
		}
	}
	return got
}

// done writes and wants every export done.
func (s *suite) done(t *testing.T, exports ...canopy.Export) []canopy.Result {
	t.Helper()
	got := s.write(t, exports...)
	for i, r := range got {
		if r.Kind != canopy.Done || len(r.Failed) > 0 {
			t.Fatalf("export %d (%v %s): got %+v, want done", i, exports[i].Op, exports[i].Class, r)
		}
	}
	return got
}

// added writes the Add of a person and gives its ref.
func (s *suite) added(t *testing.T, name string, set canopy.Attrs) canopy.Ref {
	t.Helper()
	x := s.Export(s.Words.Person, name, s.Base)
	for a, v := range set {
		x.Set[a] = v
	}
	r := s.done(t, x)[0]
	return canopy.Ref{Anchor: r.Anchor, DN: r.DN}
}

func (s *suite) change(ref canopy.Ref) canopy.Export {
	return canopy.Export{Op: canopy.Modify, Class: s.Words.Person, Ref: ref}
}

func add(t *testing.T, s *suite) {
	if got, err := s.Connector.Write(t.Context(), nil); err != nil || len(got) > 0 {
		t.Errorf("writing nothing: got %v, %v", got, err)
	}
	var list []canopy.Export
	for i := range s.People {
		x := s.Export(s.Words.Person, fmt.Sprintf("add%03d", i), s.Base)
		x.Set[s.Words.Text] = canopy.Texts(fmt.Sprint("text ", i))
		x.Set[s.Words.Multi] = canopy.Texts("a", "b")
		list = append(list, x)
	}
	list = append(list, s.Export(s.Words.Group, "addgroup", s.Base))
	seen := map[canopy.Anchor]bool{}
	m := (*mirror)(nil)
	results := s.done(t, list...)
	m, _ = s.full(t)
	for i, r := range results {
		if r.Anchor == "" || seen[r.Anchor] {
			t.Fatalf("export %d got the anchor %q, want one of its own", i, r.Anchor)
		}
		seen[r.Anchor] = true
		o := m.objects[r.Anchor]
		if o == nil || o.class != list[i].Class {
			t.Fatalf("export %d: a full read shows %+v, want a %s", i, o, list[i].Class)
		}
		if list[i].Class != s.Words.Person {
			continue
		}
		if got, want := m.value(r.Anchor, s.Words.Text), []string{fmt.Sprint("text ", i)}; !slices.Equal(got, want) {
			t.Errorf("export %d: got %q, want %q", i, got, want)
		}
		if got := m.value(r.Anchor, s.Words.Multi); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("export %d: got %q, want a and b", i, got)
		}
	}
}

// addAgain: an Add that was written and not recorded is written again, and makes no second object.
func addAgain(t *testing.T, s *suite) {
	x := s.Export(s.Words.Person, "again", s.Base)
	x.Set[s.Words.Text] = canopy.Texts("first")
	one := s.done(t, x)[0]
	before, _ := s.full(t)
	x = s.Export(s.Words.Person, "again", s.Base)
	x.Set[s.Words.Text] = canopy.Texts("second")
	two := s.write(t, x)[0]
	if s.can.Target && two.Kind != canopy.Done {
		t.Errorf("the same source anchor again: got %+v, want done", two)
	}
	if two.Kind == canopy.Done {
		if two.Anchor != one.Anchor {
			t.Errorf("the same source anchor again: got the anchor %s, want %s", two.Anchor, one.Anchor)
		}
		if c := s.find(t, one.Anchor); c == nil || c.Attrs.Text(s.Words.Text) != "second" {
			t.Errorf("the second add was done, and the object is %+v", c)
		}
	}
	after, _ := s.full(t)
	if len(after.objects) != len(before.objects) {
		t.Errorf("%d objects before, %d after the same add", len(before.objects), len(after.objects))
	}
}

func modify(t *testing.T, s *suite) {
	w := s.Words
	ref := s.added(t, "mod", canopy.Attrs{w.Text: canopy.Texts("1"), w.Other: canopy.Texts("o"), w.Multi: canopy.Texts("a", "b")})
	x := s.change(ref)
	x.Set = canopy.Attrs{w.Multi: canopy.Texts("b", "c")}
	x.Clear = []canopy.Attr{w.Text}
	for _, time := range []string{"first", "second"} {
		s.done(t, x)
		c := s.find(t, ref.Anchor)
		if c == nil {
			t.Fatalf("%s time: the object is not there", time)
		}
		if !c.Attrs[w.Multi].Equal(canopy.Texts("b", "c")) || len(c.Attrs[w.Text]) > 0 || c.Attrs.Text(w.Other) != "o" {
			t.Errorf("%s time: got %v; want %s b and c, %s cleared, %s o", time, c.Attrs, w.Multi, w.Text, w.Other)
		}
	}
}

func writeLinks(t *testing.T, s *suite) {
	w := s.Words
	p, q, r := s.added(t, "wl1", nil), s.added(t, "wl2", nil), s.added(t, "wl3", nil)
	x := s.Export(w.Group, "wlgroup", s.Base)
	g := s.done(t, x)[0]
	team := canopy.Ref{Anchor: g.Anchor, DN: g.DN}
	member := func() []string {
		t.Helper()
		m, _ := s.full(t)
		return m.value(team.Anchor, w.Member)
	}
	diff := canopy.Export{Op: canopy.Modify, Class: w.Group, Ref: team, Links: map[canopy.Attr]canopy.LinkChange{
		w.Member: {Added: []canopy.Ref{{Anchor: p.Anchor}, {Anchor: q.Anchor}}}}}
	s.done(t, diff)
	if got, want := member(), texts(p, q); !slices.Equal(got, want) {
		t.Errorf("members: got %q, want %q", got, want)
	}
	s.done(t, diff) // written and not recorded
	diff.Links = map[canopy.Attr]canopy.LinkChange{w.Member: {
		Added: []canopy.Ref{{Anchor: r.Anchor}}, Removed: []canopy.Ref{{Anchor: p.Anchor}}}}
	s.done(t, diff)
	s.done(t, diff)
	if got, want := member(), texts(q, r); !slices.Equal(got, want) {
		t.Errorf("members: got %q, want %q", got, want)
	}
	bad := diff
	bad.Links = map[canopy.Attr]canopy.LinkChange{w.Member: {Added: []canopy.Ref{{Anchor: p.Anchor}, {Anchor: Unknown}}}}
	other := s.change(p)
	other.Set = canopy.Attrs{w.Text: canopy.Texts("written")}
	got := s.write(t, bad, other)
	if got[0].Kind == canopy.Done && (len(got[0].Failed) != 1 || got[0].Failed[0].Ref.Anchor != Unknown || got[0].Failed[0].Attr != w.Member) {
		t.Errorf("a link to nobody: got %+v, want it named in Failed, or not done", got[0])
	}
	if got[0].Kind == canopy.Done && !slices.Contains(member(), string(p.Anchor)) {
		t.Error("the good link beside a bad one was not written, and the result says done")
	}
	if got[1].Kind != canopy.Done {
		t.Errorf("the export after the bad link: got %+v, want done", got[1])
	}
	if w.Manager != "" {
		for _, boss := range []canopy.Ref{q, r} {
			x := s.change(p)
			x.Links = map[canopy.Attr]canopy.LinkChange{w.Manager: {Whole: true, Added: []canopy.Ref{{Anchor: boss.Anchor}}}}
			s.done(t, x)
			m, _ := s.full(t)
			if got := m.value(p.Anchor, w.Manager); !slices.Equal(got, texts(boss)) {
				t.Errorf("manager: got %q, want %q", got, boss.Anchor)
			}
		}
	}
}

// compare: an export whose comparison fails is refused and writes nothing.
func compare(t *testing.T, s *suite) {
	w := s.Words
	ref := s.added(t, "cmp", canopy.Attrs{w.Text: canopy.Texts("1")})
	x := s.change(ref)
	x.Set = canopy.Attrs{w.Text: canopy.Texts("2"), w.Other: canopy.Texts("new")}
	x.Compare = canopy.Attrs{w.Text: canopy.Texts("0")}
	if got := s.write(t, x)[0]; got.Kind != canopy.Refused {
		t.Errorf("another value: got %+v, want refused", got)
	}
	x.Compare = canopy.Attrs{w.Text: nil}
	if got := s.write(t, x)[0]; got.Kind != canopy.Refused {
		t.Errorf("compared with no value: got %+v, want refused", got)
	}
	if c := s.find(t, ref.Anchor); c == nil || c.Attrs.Text(w.Text) != "1" || len(c.Attrs[w.Other]) > 0 {
		t.Errorf("after refusals: got %+v", c)
	}
	x.Compare = canopy.Attrs{w.Text: canopy.Texts("1"), w.Other: nil}
	s.done(t, x)
}

func writeMove(t *testing.T, s *suite) {
	box := s.Puppet.Container(t, "writebox", s.Base)
	ref := s.added(t, "tomove", canopy.Attrs{s.Words.Text: canopy.Texts("1")})
	x := canopy.Export{Op: canopy.Move, Class: s.Words.Person, Ref: ref, DN: s.DN(s.Words.Person, "moved, away", box),
		Set: canopy.Attrs{s.Words.Text: canopy.Texts("2")}}
	s.done(t, x)
	c := s.find(t, ref.Anchor)
	if c == nil || c.Parent != box.Anchor || canopy.Fold(c.DN) != canopy.Fold(x.DN) || c.Attrs.Text(s.Words.Text) != "2" {
		t.Errorf("got %+v, want parent %s, DN %s and the new text", c, box.Anchor, x.DN)
	}
}

func writeDelete(t *testing.T, s *suite) {
	ref := s.added(t, "todelete", nil)
	x := canopy.Export{Op: canopy.Delete, Class: s.Words.Person, Ref: ref}
	s.done(t, x)
	m, _ := s.full(t)
	if m.objects[ref.Anchor] != nil {
		t.Error("a full read still shows the object")
	}
	if got := s.write(t, x)[0]; got.Kind != canopy.NotThere && got.Kind != canopy.Done {
		t.Errorf("deleted again: got %+v, want gone or done", got)
	}
}

// badExport: one that fails never stops the others, and the result says what is wrong with it.
func badExport(t *testing.T, s *suite) {
	ref := s.added(t, "good", nil)
	good := s.change(ref)
	good.Set = canopy.Attrs{s.Words.Text: canopy.Texts("kept")}
	gone := s.change(canopy.Ref{Anchor: Unknown})
	gone.Set = good.Set
	wrong := s.change(ref)
	wrong.Set = canopy.Attrs{"noSuchAttribute": canopy.Texts("x")}
	got := s.write(t, gone, wrong, good, s.Export(s.Words.Person, "last", s.Base))
	want := []canopy.ResultKind{canopy.NotThere, canopy.Refused, canopy.Done, canopy.Done}
	for i, k := range want {
		if got[i].Kind != k {
			t.Errorf("result %d: got %+v, want %v", i, got[i], k)
		}
	}
	if c := s.find(t, ref.Anchor); c == nil || c.Attrs.Text(s.Words.Text) != "kept" {
		t.Errorf("after the bad exports: got %+v", c)
	}
}

// confirm: what was written is told by the next read from a cursor.
func confirm(t *testing.T, s *suite) {
	ref := s.added(t, "conf", canopy.Attrs{s.Words.Text: canopy.Texts("1")})
	gone := s.added(t, "confgone", nil)
	m, cursor := s.full(t)
	x := s.change(ref)
	x.Set = canopy.Attrs{s.Words.Text: canopy.Texts("2")}
	got := s.done(t, x, s.Export(s.Words.Person, "confnew", s.Base),
		canopy.Export{Op: canopy.Delete, Class: s.Words.Person, Ref: gone})
	told, _ := s.read(t, m, s.request(cursor))
	s.onlyOf(t, told, ref, canopy.Ref{Anchor: got[1].Anchor})
	if got := m.value(ref.Anchor, s.Words.Text); !slices.Equal(got, []string{"2"}) {
		t.Errorf("got %q, want 2", got)
	}
	fresh, _ := s.full(t)
	m.want(t, "after the writes", fresh)
}
