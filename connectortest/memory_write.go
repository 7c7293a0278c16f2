package connectortest

import (
	"context"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Write carries out the exports one by one.
func (m *Memory) Write(ctx context.Context, exports []canopy.Export) ([]canopy.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.opt.NoWrite {
		return nil, &canopy.Error{Kind: canopy.Unsupported, Object: m.opt.Name, Text: "is only read", Next: "switch writing on"}
	}
	results := make([]canopy.Result, 0, len(exports))
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range exports {
		var r canopy.Result
		if answer := m.refuse(exports[i]); answer != nil {
			r = *answer
		} else {
			r = m.do(&exports[i])
		}
		r.Export = exports[i].ID
		results = append(results, r)
	}
	return results, nil
}

func (m *Memory) refuse(x canopy.Export) *canopy.Result {
	if m.opt.Refuse == nil {
		return nil
	}
	return m.opt.Refuse(x)
}

func refused(code, text string) canopy.Result {
	return canopy.Result{Kind: canopy.Refused, Code: code, Text: text}
}

// do carries out one export.
func (m *Memory) do(x *canopy.Export) canopy.Result {
	if x.Op == canopy.Add {
		return m.doAdd(x)
	}
	o := m.objects[x.Ref.Anchor]
	if o == nil && x.Ref.Anchor == "" {
		o = m.byDN(x.Ref.DN)
	}
	if o == nil {
		return canopy.Result{Kind: canopy.NotThere, Code: "noSuchObject", Text: "no object " + string(x.Ref.Anchor) + x.Ref.DN}
	}
	for _, a := range x.Compare.Names() {
		if !o.attrs[a].Equal(x.Compare[a]) {
			return refused("comparison", string(a)+" is "+strings.Join(o.attrs[a].Strings(), ", "))
		}
	}
	if r := m.checkValues(x, o); r != nil {
		return *r
	}
	switch x.Op {
	case canopy.Delete:
		m.remove(o)
		return canopy.Result{Anchor: o.anchor}
	case canopy.Move:
		name, parent := m.split(x.DN)
		if parent == nil {
			return refused("noSuchObject", "no container above "+x.DN)
		}
		m.move(o, name, parent.anchor)
	case canopy.Add, canopy.Modify:
	}
	return m.change(o, x)
}

// doAdd makes an object, or finds the one that was made with the same source anchor.
func (m *Memory) doAdd(x *canopy.Export) canopy.Result {
	if x.SourceAnchor != "" {
		for _, a := range m.sorted() {
			o := m.objects[a]
			if o.attrs.Text(canopy.AttrSourceAnchor) != x.SourceAnchor {
				continue
			}
			if r := m.checkValues(x, o); r != nil {
				return *r
			}
			r := m.change(o, x)
			r.Match = "anchor"
			return r
		}
	}
	if m.opt.Flat {
		return m.add(x, "", nil)
	}
	name, parent := m.split(x.Ref.DN)
	if parent == nil {
		return refused("noSuchObject", "no container above "+x.Ref.DN)
	}
	return m.add(x, name, parent)
}

func (m *Memory) add(x *canopy.Export, name string, parent *object) canopy.Result {
	if r := m.checkValues(x, nil); r != nil {
		return *r
	}
	var above canopy.Anchor
	if parent != nil {
		above = parent.anchor
		if m.taken(x.Class, name, above) {
			return refused("entryAlreadyExists", name+" is there already")
		}
	}
	o := m.insert(x.Class, name, above)
	if x.SourceAnchor != "" {
		o.attrs[canopy.AttrSourceAnchor] = canopy.Texts(x.SourceAnchor)
	}
	m.happened(event{anchor: o.anchor, class: o.class, made: true})
	return m.change(o, x)
}

// taken tells whether the container above holds an object under the DN that one of this class and name would get.
func (m *Memory) taken(c canopy.Class, name string, above canopy.Anchor) bool {
	for _, o := range m.objects {
		if o.parent == above && (o.class == canopy.Container) == (c == canopy.Container) && canopy.Fold(o.name) == canopy.Fold(name) {
			return true
		}
	}
	return false
}

// checkValues tells what the schema or another object has against an export.
func (m *Memory) checkValues(x *canopy.Export, self *object) *canopy.Result {
	schema := m.schema()
	for _, a := range slices.Concat(x.Set.Names(), x.Clear) {
		typ, known := schema[a]
		v := x.Set[a]
		bad := func(code, text string) *canopy.Result { r := refused(code, string(a)+": "+text); return &r }
		switch {
		case !known || typ.Type == canopy.Reference:
			return bad("undefinedAttributeType", "not an attribute with values")
		case len(v) > 1 && !typ.Multi:
			return bad("constraintViolation", "takes one value")
		case slices.ContainsFunc(v, func(v canopy.Value) bool { return v.Type() != typ.Type }):
			return bad("invalidAttributeSyntax", "is of type "+typ.Type.String())
		}
		if slices.Contains(m.opt.Unique, a) {
			if o := m.holder(a, v, self); o != nil {
				return bad("AttributeValueMustBeUnique", v[0].String()+" is held by "+string(o.anchor))
			}
		}
	}
	return nil
}

func (m *Memory) holder(a canopy.Attr, v canopy.Values, self *object) *object {
	for _, anchor := range m.sorted() {
		o := m.objects[anchor]
		for _, have := range o.attrs[a] {
			if o != self && slices.ContainsFunc(v, func(w canopy.Value) bool { return w.Fold() == have.Fold() }) {
				return o
			}
		}
	}
	return nil
}

// change sets, clears and links. Links to nobody are left out and named.
func (m *Memory) change(o *object, x *canopy.Export) canopy.Result {
	e := event{anchor: o.anchor, class: o.class, added: map[canopy.Attr][]canopy.Anchor{}, removed: map[canopy.Attr][]canopy.Anchor{}}
	for a, v := range x.Set {
		if !o.attrs[a].Equal(v) {
			o.attrs[a] = slices.Clone(v)
			e.attrs = append(e.attrs, a)
		}
	}
	for _, a := range x.Clear {
		if len(o.attrs[a]) > 0 {
			delete(o.attrs, a)
			e.attrs = append(e.attrs, a)
		}
	}
	var failed []canopy.FailedLink
	for a, l := range x.Links {
		failed = append(failed, m.link(o, a, l, &e)...)
	}
	if len(e.attrs)+len(e.added)+len(e.removed) > 0 {
		m.happened(e)
	}
	r := m.ref(o.anchor)
	return canopy.Result{Anchor: r.Anchor, DN: r.DN, Failed: failed}
}

func (m *Memory) link(o *object, a canopy.Attr, l canopy.LinkChange, e *event) (failed []canopy.FailedLink) {
	set := o.links[a]
	if set == nil {
		set = map[canopy.Anchor]bool{}
		o.links[a] = set
	}
	drop := func(to canopy.Anchor) {
		if set[to] {
			delete(set, to)
			e.removed[a] = append(e.removed[a], to)
		}
	}
	if l.Whole {
		for _, to := range keys(set) {
			if !slices.ContainsFunc(l.Added, func(r canopy.Ref) bool { return r.Anchor == to }) {
				drop(to)
			}
		}
	}
	for _, r := range l.Removed {
		drop(m.resolve(r))
	}
	for _, r := range l.Added {
		to := m.resolve(r)
		switch {
		case m.objects[to] == nil:
			failed = append(failed, canopy.FailedLink{Attr: a, Ref: r, Code: "noSuchObject", Text: "no such object"})
		case !set[to]:
			set[to] = true
			e.added[a] = append(e.added[a], to)
		}
	}
	return failed
}

func (m *Memory) resolve(r canopy.Ref) canopy.Anchor {
	if r.Anchor == "" {
		if o := m.byDN(r.DN); o != nil {
			return o.anchor
		}
	}
	return r.Anchor
}

func (m *Memory) move(o *object, name string, parent canopy.Anchor) {
	o.name, o.parent = name, parent
	m.happened(event{anchor: o.anchor, class: o.class, moved: true})
}

// remove deletes an object, all below it, and the links to them; the owners of those links are not reported.
func (m *Memory) remove(o *object) {
	for _, a := range m.sorted() {
		if below := m.objects[a]; below != nil && below.parent == o.anchor && below != o {
			m.remove(below)
		}
	}
	e := event{anchor: o.anchor, class: o.class, deleted: true, dn: m.dn(o)}
	delete(m.objects, o.anchor)
	for _, other := range m.objects {
		for _, set := range other.links {
			delete(set, o.anchor)
		}
	}
	m.happened(e)
}

// split takes a DN apart into its first name and the container above it, nil where that does not exist.
func (m *Memory) split(dn string) (name string, parent *object) {
	var b strings.Builder
	for i := 0; i < len(dn); i++ {
		switch {
		case dn[i] == '\\' && i+1 < len(dn):
			i++
			b.WriteByte(dn[i])
		case dn[i] == ',':
			_, name, _ = strings.Cut(b.String(), "=")
			return name, m.byDN(dn[i+1:])
		default:
			b.WriteByte(dn[i])
		}
	}
	return dn, nil
}
