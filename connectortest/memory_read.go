package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// place is what a cursor holds: how far the log was read, or, in a full read, which object came last.
type place struct {
	Seq   int           `json:"seq"`
	After canopy.Anchor `json:"after,omitempty"`
	Hash  string        `json:"hash"`
}

// Read gives everything, or what the log has since the cursor.
func (m *Memory) Read(ctx context.Context, req canopy.ReadRequest, each func(canopy.Batch) error) error {
	changes, places, full := m.plan(req)
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(m.opt.Batch, len(changes))
		done = n == len(changes)
		at := places[n]
		if !done {
			at = places[n-1]
		}
		cursor, err := json.Marshal(at)
		if err != nil {
			return fmt.Errorf("write the cursor: %w", err)
		}
		if err := each(canopy.Batch{Full: full, Changes: changes[:n:n], Cursor: cursor, Done: done, Expected: m.expected(full)}); err != nil {
			return err
		}
		changes, places = changes[n:], places[n:]
	}
	return nil
}

func (m *Memory) expected(full bool) int {
	if !full {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.objects)
}

// plan takes a snapshot: the changes to give, and for each the cursor after it; the last place is that after all.
func (m *Memory) plan(req canopy.ReadRequest) (changes []canopy.Change, places []place, full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.view(req.Scope, req.Classes, req.Attrs)
	end := place{Seq: len(m.log), Hash: hash(req)}
	var from place
	full = json.Unmarshal(req.Cursor, &from) != nil || from.Hash != end.Hash || m.opt.NoDelta || from.Seq > end.Seq ||
		len(req.Scope.Groups) > 0 && m.membersMoved(from.Seq)
	if full {
		from = place{Seq: end.Seq, Hash: end.Hash}
	}
	if full || from.After != "" {
		for _, a := range m.sorted() {
			o := m.objects[a]
			if a <= from.After || !v.shows(o) || m.opt.Hide != nil && m.opt.Hide(m.ref(a)) {
				continue
			}
			changes = append(changes, v.image(o))
			places = append(places, place{Seq: from.Seq, After: a, Hash: end.Hash})
		}
	}
	if !full {
		// read again from the beginning of the delta when it is broken off: it is short
		for _, c := range m.since(v, from.Seq) {
			changes = append(changes, c)
			places = append(places, from)
		}
	}
	return changes, append(places, end), full
}

// hash tells requests apart whose cursors do not fit each other.
func hash(req canopy.ReadRequest) string {
	return fmt.Sprintf("%q %q %q", req.Scope, req.Classes, req.Attrs)
}

// membersMoved tells whether links changed since, so that a scope by groups may be another one.
func (m *Memory) membersMoved(seq int) bool {
	return slices.ContainsFunc(m.log[seq:], func(e event) bool { return e.deleted || len(e.added)+len(e.removed) > 0 })
}

// since folds the log into one change for each object.
func (m *Memory) since(v *view, seq int) []canopy.Change {
	fold := map[canopy.Anchor]*event{}
	var order []canopy.Anchor
	touch := func(a canopy.Anchor) *event {
		if fold[a] == nil {
			fold[a] = &event{anchor: a, added: map[canopy.Attr][]canopy.Anchor{}, removed: map[canopy.Attr][]canopy.Anchor{}}
			order = append(order, a)
		}
		return fold[a]
	}
	for _, e := range m.log[seq:] {
		f := touch(e.anchor)
		f.class, f.dn = e.class, e.dn
		f.made, f.deleted, f.moved = f.made || e.made, f.deleted || e.deleted, f.moved || e.moved
		f.attrs = append(f.attrs, e.attrs...)
		for a, list := range e.added {
			f.added[a] = append(f.added[a], list...)
		}
		for a, list := range e.removed {
			f.removed[a] = append(f.removed[a], list...)
		}
		if e.moved && e.class == canopy.Container && v.scoped() {
			for _, a := range m.below(e.anchor) {
				touch(a).moved = true
			}
		}
	}
	var changes []canopy.Change
	for _, a := range order {
		if c, ok := v.delta(fold[a]); ok {
			changes = append(changes, c)
		}
	}
	return changes
}

// below are all objects below a container.
func (m *Memory) below(top canopy.Anchor) (list []canopy.Anchor) {
	for _, a := range m.sorted() {
		for o := m.objects[m.objects[a].parent]; o != nil; o = m.objects[o.parent] {
			if o.anchor == top {
				list = append(list, a)
				break
			}
		}
	}
	return list
}

// Search gives single objects.
func (m *Memory) Search(ctx context.Context, req canopy.SearchRequest) ([]canopy.Change, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.view(req.Scope, req.Classes, req.Attrs)
	var found []canopy.Change
	for _, a := range m.sorted() {
		o := m.objects[a]
		if !m.fits(o, req) || len(v.classes) > 0 && !v.classes[o.class] && o.class != canopy.Container {
			continue
		}
		if v.inScope(o) {
			found = append(found, v.image(o))
		} else {
			found = append(found, canopy.Change{Kind: canopy.LeftScope, Anchor: a})
		}
		if len(found) == req.Limit {
			break
		}
	}
	return found, nil
}

func (m *Memory) fits(o *object, req canopy.SearchRequest) bool {
	switch {
	case req.Anchor != "":
		return o.anchor == req.Anchor
	case req.DN != "":
		return canopy.Fold(m.dn(o)) == canopy.Fold(req.DN)
	case req.Children != "":
		return o.parent == req.Children
	}
	for _, a := range []canopy.Attr{canopy.AttrUPN, canopy.AttrMail, "sAMAccountName", "mailNickname", canopy.AttrAlias} {
		if v, ok := o.attrs.First(a); ok && strings.EqualFold(v.Str(), req.Name) {
			return true
		}
	}
	return false
}

// view is a request's look at the directory.
type view struct {
	m       *Memory
	scope   canopy.Scope
	classes map[canopy.Class]bool
	attrs   map[canopy.Attr]bool
	members map[canopy.Anchor]bool // those in the scope's groups
}

func (m *Memory) view(s canopy.Scope, classes []canopy.Class, attrs []canopy.Attr) *view {
	v := &view{m: m, scope: s, classes: map[canopy.Class]bool{}, attrs: map[canopy.Attr]bool{}, members: map[canopy.Anchor]bool{}}
	for _, c := range classes {
		v.classes[c] = true
	}
	for _, a := range attrs {
		v.attrs[a] = true
	}
	for todo := slices.Clone(s.Groups); len(todo) > 0; {
		a := todo[0]
		todo = todo[1:]
		if o := m.objects[a]; o != nil && !v.members[a] {
			v.members[a] = true
			todo = append(todo, keys(o.links[canopy.AttrMember])...)
		}
	}
	return v
}

func (v *view) scoped() bool { return len(v.scope.Include)+len(v.scope.Exclude) > 0 }

func (v *view) shows(o *object) bool {
	return (o.class == canopy.Container || v.classes[o.class]) && v.inScope(o)
}

// inScope: the nearest container named decides; an included container is itself in scope, an excluded one is not.
func (v *view) inScope(o *object) bool {
	if len(v.scope.Groups) > 0 && o.class != canopy.Container && !v.members[o.anchor] {
		return false
	}
	for at := o; at != nil; at = v.m.objects[at.parent] {
		if slices.Contains(v.scope.Include, at.anchor) {
			return true
		}
		if slices.Contains(v.scope.Exclude, at.anchor) {
			return false
		}
	}
	return len(v.scope.Include) == 0
}

// image is the whole object.
func (v *view) image(o *object) canopy.Change {
	c := canopy.Change{Kind: canopy.FullImage, Class: o.class, Anchor: o.anchor, DN: v.m.dn(o), Parent: o.parent,
		Attrs: canopy.Attrs{}, Links: map[canopy.Attr]canopy.LinkChange{}}
	for a, values := range o.attrs {
		if v.attrs[a] && len(values) > 0 {
			c.Attrs[a] = slices.Clone(values)
		}
	}
	for a, set := range o.links {
		if v.attrs[a] && len(set) > 0 {
			c.Links[a] = canopy.LinkChange{Whole: true, Added: v.refs(keys(set))}
		}
	}
	return c
}

// delta is one object's change, false when there is nothing to tell.
func (v *view) delta(e *event) (canopy.Change, bool) {
	o := v.m.objects[e.anchor]
	switch {
	case o == nil:
		return canopy.Change{Kind: canopy.Deleted, Anchor: e.anchor, DN: e.dn}, true
	case !v.shows(o):
		return canopy.Change{Kind: canopy.LeftScope, Anchor: e.anchor}, e.moved
	case e.made || e.moved && v.scoped():
		return v.image(o), true
	}
	c := canopy.Change{Kind: canopy.Delta, Class: o.class, Anchor: o.anchor, Attrs: canopy.Attrs{}, Links: map[canopy.Attr]canopy.LinkChange{}}
	if e.moved {
		c.DN, c.Parent = v.m.dn(o), o.parent
	}
	for _, a := range e.attrs {
		if v.attrs[a] {
			c.Attrs[a] = slices.Clone(o.attrs[a])
		}
	}
	for _, a := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Keys(e.added)), slices.Collect(maps.Keys(e.removed)))))) {
		if v.attrs[a] {
			c.Links[a] = v.difference(o, a, e)
		}
	}
	return c, e.moved || len(c.Attrs)+len(c.Links) > 0
}

// difference is what is left of links that came and went, some of them several times.
func (v *view) difference(o *object, a canopy.Attr, e *event) canopy.LinkChange {
	var added, removed []canopy.Anchor
	for _, to := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(e.added[a], e.removed[a])))) {
		switch {
		case o.links[a][to]:
			added = append(added, to)
		case v.m.objects[to] != nil:
			removed = append(removed, to)
		}
	}
	return canopy.LinkChange{Added: v.refs(added), Removed: v.refs(removed)}
}

func (v *view) refs(list []canopy.Anchor) []canopy.Ref {
	refs := make([]canopy.Ref, 0, len(list))
	for _, a := range list {
		refs = append(refs, v.m.ref(a))
	}
	return refs
}

func keys(set map[canopy.Anchor]bool) []canopy.Anchor { return slices.Sorted(maps.Keys(set)) }
