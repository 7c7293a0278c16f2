package rule

import (
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

// EntryObject is an entry as inbound rules see it. It shares the entry's memory.
func EntryObject(e *canopy.Entry, params map[string]string) *Object {
	return &Object{Class: e.Class, DN: e.DN, Anchor: e.Anchor, Attrs: e.Attrs, LinkCounts: e.LinkCounts, Params: params, Groups: e.Groups}
}

// env is an object as expressions see it.
type env Object

// Attr is an attribute's value.
func (e *env) Attr(name string) expr.Value {
	switch canopy.Attr(name) {
	case attrDN:
		return expr.Ref(e.DN)
	case attrRDN:
		return expr.Str(firstComponent(e.DN))
	default:
	}
	return toExpr(e.Attrs[canopy.Attr(name)])
}

// Imported is the same: an entry holds what was imported, and what the directory answered "done" to since.
func (e *env) Imported(name string) expr.Value { return e.Attr(name) }

// Count is the number of values or links.
func (e *env) Count(name string) int64 {
	if n, ok := e.LinkCounts[canopy.Attr(name)]; ok {
		return int64(n)
	}
	return int64(len(e.Attrs[canopy.Attr(name)]))
}

// Param is one of the connector's texts; empty when it does not give one that connectors may give.
func (e *env) Param(name string) (string, bool) {
	s, ok := e.Params[name]
	return s, ok || slices.Contains(params, name)
}

// World is what lies outside the object.
func (e *env) World() *expr.World { return e.Outside }

func toExpr(vs canopy.Values) expr.Value {
	switch len(vs) {
	case 0:
		return expr.Value{}
	case 1:
		return one(vs[0])
	}
	out := make([]expr.Value, len(vs))
	for i, v := range vs {
		out[i] = one(v)
	}
	return expr.Many(out)
}

func one(v canopy.Value) expr.Value {
	switch v.Type() {
	case canopy.Integer:
		return expr.Num(v.Num())
	case canopy.Boolean:
		return expr.Bool(v.True())
	case canopy.Time:
		return expr.At(v.Num())
	case canopy.Binary:
		return expr.Bin(string(v.Octets()))
	case canopy.Reference:
		return expr.Ref(v.Str())
	case canopy.String:
	}
	return expr.Str(v.Str())
}

// truths are False and True as values; nobody changes them.
var truths = [2]canopy.Values{{canopy.Bool(false)}, {canopy.Bool(true)}}

// fromExpr makes values of an expression's result; what is an empty text is left out.
func fromExpr(v expr.Value) canopy.Values {
	switch v.Kind() {
	case expr.Null, expr.AuthoritativeNull, expr.IgnoreThisFlow:
		return nil
	case expr.List:
		out := make(canopy.Values, 0, len(v.Values()))
		for _, x := range v.Values() {
			out = append(out, fromExpr(x)...)
		}
		return out
	case expr.Text, expr.Reference:
		if v.Str() == "" {
			return nil
		}
		return canopy.Values{canopy.Text(v.Str())}
	case expr.Number:
		return canopy.Values{canopy.Int(v.Num())}
	case expr.Truth:
		if v.True() {
			return truths[1]
		}
		return truths[0]
	case expr.Moment:
		return canopy.Values{instant(v.Num())}
	case expr.Octets:
	}
	if v.Str() == "" {
		return nil
	}
	return canopy.Values{canopy.Bytes([]byte(v.Str()))}
}
