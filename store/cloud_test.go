package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// cloud is a tenant that does what it is told, or answers with what answer says.
type cloud struct {
	objects map[canopy.Anchor]*canopy.Change
	answer  func(canopy.Export) *canopy.Result
	made    int
}

func newCloud() *cloud { return &cloud{objects: map[canopy.Anchor]*canopy.Change{}} }

// clone is a copy that shares nothing.
func (c *cloud) clone() *cloud {
	out := &cloud{objects: map[canopy.Anchor]*canopy.Change{}, made: c.made}
	for _, o := range c.all() {
		out.objects[o.Anchor] = &o
	}
	return out
}

func (c *cloud) write(exports []canopy.Export) []canopy.Result {
	var out []canopy.Result
	for _, e := range exports {
		r := c.one(e)
		r.Export = e.ID
		out = append(out, r)
	}
	return out
}

func (c *cloud) one(e canopy.Export) canopy.Result {
	if c.answer != nil {
		if r := c.answer(e); r != nil {
			return *r
		}
	}
	o := c.objects[e.Ref.Anchor]
	if e.Op == canopy.Add {
		for _, x := range c.objects {
			if x.Attrs.Text(canopy.AttrSourceAnchor) == e.SourceAnchor {
				o = x
			}
		}
		if o == nil {
			c.made++
			o = &canopy.Change{Kind: canopy.FullImage, Class: e.Class, Anchor: canopy.Anchor(fmt.Sprintf("t%d", c.made)), Attrs: canopy.Attrs{}}
			c.objects[o.Anchor] = o
		}
		o.Attrs[canopy.AttrSourceAnchor] = canopy.Texts(e.SourceAnchor)
	}
	if o == nil {
		return canopy.Result{Kind: canopy.NotThere}
	}
	if e.Op == canopy.Delete {
		delete(c.objects, o.Anchor)
		for _, x := range c.objects {
			if l, ok := x.Links[canopy.AttrMember]; ok {
				l.Added = slices.DeleteFunc(l.Added, func(r canopy.Ref) bool { return r.Anchor == o.Anchor })
				x.Links[canopy.AttrMember] = l
			}
		}
		return canopy.Result{Kind: canopy.Done}
	}
	for name, v := range e.Set {
		o.Attrs[name] = v
	}
	for _, name := range e.Clear {
		delete(o.Attrs, name)
	}
	for name, l := range e.Links {
		if o.Links == nil {
			o.Links = map[canopy.Attr]canopy.LinkChange{}
		}
		have := o.Links[name]
		have.Whole = true
		for _, ref := range l.Added {
			if !slices.ContainsFunc(have.Added, func(r canopy.Ref) bool { return r.Anchor == ref.Anchor }) {
				have.Added = append(have.Added, canopy.Ref{Anchor: ref.Anchor})
			}
		}
		have.Added = slices.DeleteFunc(have.Added, func(r canopy.Ref) bool {
			return slices.ContainsFunc(l.Removed, func(x canopy.Ref) bool { return x.Anchor == r.Anchor })
		})
		o.Links[name] = have
	}
	return canopy.Result{Kind: canopy.Done, Anchor: o.Anchor}
}

// all are the tenant's objects as a full read gives them.
func (c *cloud) all() []canopy.Change {
	var out []canopy.Change
	for _, o := range c.objects {
		x := *o
		x.Attrs = o.Attrs.Clone()
		x.Links = map[canopy.Attr]canopy.LinkChange{}
		for name, l := range o.Links {
			if len(l.Added) > 0 {
				x.Links[name] = canopy.LinkChange{Whole: true, Added: slices.Clone(l.Added)}
			}
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b canopy.Change) int { return strings.Compare(string(a.Anchor), string(b.Anchor)) })
	return out
}

// state is what the tenant holds, in words.
func (c *cloud) state() []string {
	name := func(a canopy.Anchor) string {
		if o := c.objects[a]; o != nil {
			return o.Attrs.Text(canopy.AttrDisplayName)
		}
		return "?" + string(a)
	}
	var out []string
	for _, o := range c.objects {
		line := name(o.Anchor) + " " + o.Attrs.Text(canopy.AttrSourceAnchor) + " " + o.Attrs.Text("title")
		var members []string
		for _, r := range o.Links[canopy.AttrMember].Added {
			members = append(members, name(r.Anchor))
		}
		slices.Sort(members)
		out = append(out, line+" "+strings.Join(members, ","))
	}
	slices.Sort(out)
	return out
}
