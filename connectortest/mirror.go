package connectortest

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// mirror is a directory's image, built from what a connector tells and from nothing else.
type mirror struct {
	objects map[canopy.Anchor]*image
	schema  canopy.Schema
	asked   map[canopy.Attr]bool
	shown   map[canopy.Anchor]bool // in the full read that is under way
}

// image is one object. DNs are kept as told: those below a container that moved are allowed to be old.
type image struct {
	class  canopy.Class
	dn     string
	parent canopy.Anchor
	attrs  canopy.Attrs
	links  map[canopy.Attr]map[canopy.Ref]bool
}

// seen is an image in a form that can be compared: without DN, values sorted, links as anchors.
type seen struct {
	Class  canopy.Class
	Parent canopy.Anchor
	Attrs  map[canopy.Attr][]string
	Links  map[canopy.Attr][]string
}

func (s *suite) mirror() *mirror {
	m := &mirror{objects: map[canopy.Anchor]*image{}, schema: s.schema, asked: map[canopy.Attr]bool{}}
	for _, a := range s.attrs() {
		m.asked[a] = true
	}
	return m
}

func (m *mirror) apply(t *testing.T, b canopy.Batch) {
	t.Helper()
	if b.Full && (m.shown == nil || b.Anew) {
		m.shown = map[canopy.Anchor]bool{}
	}
	for i := range b.Changes {
		m.change(t, &b.Changes[i])
	}
	if b.Done && b.Full {
		for a := range m.objects {
			if !m.shown[a] {
				delete(m.objects, a)
			}
		}
	}
	if b.Done || !b.Full {
		m.shown = nil
	}
}

func (m *mirror) change(t *testing.T, c *canopy.Change) {
	t.Helper()
	if c.Anchor == "" {
		t.Fatalf("a change without an anchor: %+v", *c)
	}
	if c.Failed != nil {
		t.Errorf("%s %s could not be read: %v", c.Anchor, c.DN, c.Failed)
		return
	}
	switch c.Kind {
	case canopy.Deleted:
		m.drop(c.Anchor)
		return
	case canopy.LeftScope:
		delete(m.objects, c.Anchor)
		return
	case canopy.FullImage:
		if m.shown[c.Anchor] {
			t.Errorf("%s %s came twice in one full read", c.Anchor, c.DN)
		}
		m.objects[c.Anchor] = &image{attrs: canopy.Attrs{}, links: map[canopy.Attr]map[canopy.Ref]bool{}}
	case canopy.Delta:
		if m.objects[c.Anchor] == nil {
			t.Errorf("a delta of %s, whose full image never came", c.Anchor)
			return
		}
	}
	if m.shown != nil {
		m.shown[c.Anchor] = true
	}
	m.fill(t, c)
}

func (m *mirror) fill(t *testing.T, c *canopy.Change) {
	t.Helper()
	o := m.objects[c.Anchor]
	if c.Class == "" {
		t.Errorf("%s: a %v without a class", c.Anchor, c.Kind)
	}
	o.class = c.Class
	if c.DN != "" || c.Kind == canopy.FullImage {
		o.dn = c.DN
	}
	if c.Parent != "" || c.Kind == canopy.FullImage {
		o.parent = c.Parent
	}
	for a, v := range c.Attrs {
		m.checkType(t, c.Anchor, a, v)
		if len(v) == 0 {
			delete(o.attrs, a)
		} else {
			o.attrs[a] = v
		}
	}
	for a, l := range c.Links {
		if m.schema.Attributes[a].Type != canopy.Reference {
			t.Errorf("%s: links of %s, which the schema does not call a reference", c.Anchor, a)
		}
		if !m.asked[a] {
			t.Errorf("%s: links of %s came, which was not asked for", c.Anchor, a)
		}
		o.link(a, l)
	}
}

func (m *mirror) checkType(t *testing.T, anchor canopy.Anchor, a canopy.Attr, v canopy.Values) {
	t.Helper()
	typ, known := m.schema.Attributes[a]
	switch {
	case !known:
		t.Errorf("%s: attribute %s is not in the schema", anchor, a)
	case typ.Type == canopy.Reference:
		t.Errorf("%s: reference %s came as values, not as links", anchor, a)
	case !m.asked[a]:
		t.Errorf("%s: attribute %s came, which was not asked for", anchor, a)
	case !typ.Multi && len(v) > 1:
		t.Errorf("%s: attribute %s has %d values, and the schema allows one", anchor, a, len(v))
	}
	for _, x := range v {
		if known && x.Type() != typ.Type {
			t.Errorf("%s: a value of %s is of type %v, the schema says %v", anchor, a, x.Type(), typ.Type)
		}
	}
}

func (o *image) link(a canopy.Attr, l canopy.LinkChange) {
	set := o.links[a]
	if set == nil || l.Whole {
		set = map[canopy.Ref]bool{}
	}
	for _, r := range l.Removed {
		for old := range set {
			if same(old, r) {
				delete(set, old)
			}
		}
	}
	for _, r := range l.Added {
		for old := range set {
			if same(old, r) {
				delete(set, old)
			}
		}
		set[r] = true
	}
	o.links[a] = set
}

// same tells whether two refs name one object, as far as they show it.
func same(a, b canopy.Ref) bool {
	if a.Anchor != "" && b.Anchor != "" {
		return a.Anchor == b.Anchor
	}
	return a.DN != "" && canopy.Fold(a.DN) == canopy.Fold(b.DN)
}

// drop takes an object away, and the links to it: a directory reports the object alone.
func (m *mirror) drop(a canopy.Anchor) {
	gone := canopy.Ref{Anchor: a}
	if o := m.objects[a]; o != nil {
		gone.DN = o.dn
	}
	delete(m.objects, a)
	for _, o := range m.objects {
		for _, set := range o.links {
			for r := range set {
				if same(r, gone) {
					delete(set, r)
				}
			}
		}
	}
}

func (m *mirror) seen() map[canopy.Anchor]seen {
	byDN := make(map[string]canopy.Anchor, len(m.objects))
	for a, o := range m.objects {
		byDN[canopy.Fold(o.dn)] = a
	}
	all := make(map[canopy.Anchor]seen, len(m.objects))
	for anchor, o := range m.objects {
		s := seen{Class: o.class, Parent: o.parent, Attrs: map[canopy.Attr][]string{}, Links: map[canopy.Attr][]string{}}
		for a, v := range o.attrs {
			s.Attrs[a] = slices.Sorted(slices.Values(v.Strings()))
		}
		for a, set := range o.links {
			var list []string
			for r := range set {
				name := string(r.Anchor)
				if name == "" {
					name = string(byDN[canopy.Fold(r.DN)])
				}
				if name == "" {
					name = r.DN
				}
				list = append(list, name)
			}
			if len(list) > 0 {
				slices.Sort(list)
				s.Links[a] = list
			}
		}
		all[anchor] = s
	}
	return all
}

// want compares the mirror with another one.
func (m *mirror) want(t *testing.T, what string, want *mirror) {
	t.Helper()
	if d := cmp.Diff(want.seen(), m.seen()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// value is an attribute's texts in order; links are given by anchor.
func (m *mirror) value(anchor canopy.Anchor, a canopy.Attr) []string {
	o, there := m.seen()[anchor]
	if !there {
		return nil
	}
	if l, ok := o.Links[a]; ok {
		return l
	}
	return o.Attrs[a]
}

func (m *mirror) anchors() []canopy.Anchor { return slices.Sorted(maps.Keys(m.objects)) }

// texts are anchors as value gives them.
func texts(refs ...canopy.Ref) []string {
	var list []string
	for _, r := range refs {
		list = append(list, string(r.Anchor))
	}
	slices.Sort(list)
	return list
}
