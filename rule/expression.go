package rule

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// Env is an object as expressions see it.
func Env(o *Object) expr.Env { return (*env)(o) }

// MetaObject is a meta as outbound rules see it. It shares the meta's memory.
func MetaObject(m *canopy.Meta, params map[string]string) *Object {
	known := readNames(attributeList)
	o := &Object{Class: m.Class, Attrs: make(canopy.Attrs, len(m.Attrs)), LinkCounts: map[canopy.Attr]int{}, Params: params}
	for name, s := range m.Attrs {
		x, ok := known.of(meta, name)
		if ok && x.kind == canopy.Reference && len(s.Values) == 1 { // a meta keeps the number of its links alone
			o.LinkCounts[name] = int(s.Values[0].Num())
			continue
		}
		o.Attrs[name] = s.Values
	}
	return o
}

// Sides are whose attributes an expression can read: a forest's, the tenant's, the metaverse's.
func Sides() []string { return []string{adKind, tenantKind, meta} }

// Note is something that was noticed about an expression.
type Note struct {
	Pos   int // the byte of the expression
	Attr  canopy.Attr
	Fault bool // it will not work so; else it is odd
	Text  string
	Next  string
}

// Look compares what an expression reads with what is known of a side, and gives its own warnings too, in the order of the
// text.
func Look(p *expr.Program, side string) []Note {
	known := readNames(attributeList)
	var out []Note
	for _, w := range p.Warnings() {
		out = append(out, Note{Pos: w.Pos, Text: w.Error()})
	}
	for _, u := range p.Uses() {
		a := canopy.Attr(u.Attr)
		if a == attrDN || a == attrRDN {
			continue
		}
		n := Note{Pos: u.Pos, Attr: a}
		x, ok := known.of(side, a)
		switch {
		case ok && x.name != a:
			n.Fault, n.Text = true, "the attribute is written ["+string(x.name)+"]"
		case ok && x.kind == canopy.Reference && u.How != expr.UseCount:
			n.Fault, n.Text = true, "the attribute names other objects, and only ValueCount can be asked of it"
		case !ok && goodAttr.MatchString(u.Attr):
			n.Text, n.Next = "the attribute is not among those that are known", "nothing, when the schema was extended by it"
			if near := known.like(side, a); near != "" {
				n.Next = "is " + string(near) + " meant?"
			}
		case !ok:
			n.Fault, n.Text = true, "this is not an attribute's name"
		default:
			continue
		}
		out = append(out, n)
	}
	for _, name := range p.Params() {
		if !slices.Contains(params, name) {
			n := Note{Pos: strings.Index(p.Source(), "%"+name+"%"), Text: "the parameter %" + name + "% is not among those that connectors give", Next: "the known ones are " + strings.Join(params, ", ")}
			if near := expr.Nearest(name, params); near != "" {
				n.Next = "is %" + near + "% meant?"
			}
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b Note) int { return a.Pos - b.Pos })
	return out
}
