package graphapi

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// maxKeys is how many exact values a filter may name before all objects are looked at instead.
const maxKeys = 200

// exact are the indexes that hold every value of a property, by its name.
var exact = map[string]tenant.Index{"userPrincipalName": tenant.ByUPN, "displayName": tenant.ByName, "mail": tenant.ByAddress}

// prefixed are the indexes that a startsWith of a property walks.
var prefixed = map[string]tenant.Index{"userPrincipalName": tenant.ByUPN, "displayName": tenant.ByName}

// plan decides how the objects that a filter can hold for are found. What is found is judged by the filter all the same.
func (e *entity) plan(n *odata.Node) tenant.By {
	by := tenant.By{Class: e.class}
	if n == nil {
		return by
	}
	if ids, anchors, keys, ok := e.named(n); ok {
		by.Some, by.IDs, by.Anchors, by.Keys = true, ids, anchors, keys
		return by
	}
	for _, part := range conjuncts(n) {
		if len(part.Path) != 1 || part.Value.Kind != odata.Text {
			continue
		}
		prop := e.property(part.Path[0])
		if prop.plain && (part.Op == odata.Eq || part.Op == odata.StartsWith) && isASCII(part.Value.Text) {
			by.Has = strings.ToLower(part.Value.Text)
		}
		if part.Op != odata.StartsWith {
			continue
		}
		if index := prefixed[prop.name]; index != "" && part.Value.Text != "" {
			by.Order, by.Prefix = index, part.Value.Text
			return by
		}
	}
	return by
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// conjuncts are the parts that must all hold.
func conjuncts(n *odata.Node) []*odata.Node {
	if n.Op == odata.And {
		var out []*odata.Node
		for _, a := range n.Args {
			out = append(out, conjuncts(a)...)
		}
		return out
	}
	return []*odata.Node{n}
}

// named gives the objects that a filter names by exact values: it can hold for no others.
func (e *entity) named(n *odata.Node) (ids []canopy.Anchor, anchors []string, keys []tenant.Key, ok bool) {
	switch n.Op {
	case odata.And:
		for _, a := range n.Args {
			if ids, anchors, keys, ok = e.named(a); ok {
				return ids, anchors, keys, true
			}
		}
		return nil, nil, nil, false
	case odata.Or:
		for _, a := range n.Args {
			i, an, k, ok := e.named(a)
			if !ok {
				return nil, nil, nil, false
			}
			ids, anchors, keys = append(ids, i...), append(anchors, an...), append(keys, k...)
		}
		return ids, anchors, keys, len(ids)+len(anchors)+len(keys) <= maxKeys
	case odata.Eq, odata.In:
		return e.namedBy(n)
	case odata.Any:
		return e.namedByAddress(n)
	case odata.Not, odata.Ne, odata.Gt, odata.Ge, odata.Lt, odata.Le, odata.StartsWith, odata.EndsWith, odata.Contains, odata.All, odata.Count:
	}
	return nil, nil, nil, false
}

func (e *entity) namedBy(n *odata.Node) (ids []canopy.Anchor, anchors []string, keys []tenant.Key, ok bool) {
	values := n.Value.List
	if n.Op == odata.Eq {
		values = []odata.Value{n.Value}
	}
	if len(n.Path) != 1 || len(values) > maxKeys || slices.ContainsFunc(values, func(v odata.Value) bool { return v.Kind != odata.Text || v.Text == "" }) {
		return nil, nil, nil, false
	}
	prop := e.property(n.Path[0])
	for _, v := range values {
		switch index := exact[prop.name]; {
		case prop.name == "id":
			ids = append(ids, canopy.Anchor(strings.ToLower(v.Text)))
		case prop.name == "onPremisesImmutableId" && n.Op == odata.Eq:
			anchors = append(anchors, v.Text)
		case index != "":
			keys = append(keys, tenant.Key{Index: index, Value: v.Text})
		default:
			return nil, nil, nil, false
		}
	}
	return ids, anchors, keys, true
}

// namedByAddress finds by proxyAddresses/any(x:x eq 'smtp:...').
func (e *entity) namedByAddress(n *odata.Node) (ids []canopy.Anchor, anchors []string, keys []tenant.Key, ok bool) {
	if len(n.Args) != 1 || len(n.Path) != 1 || e.property(n.Path[0]).name != "proxyAddresses" {
		return nil, nil, nil, false
	}
	inner := n.Args[0]
	if inner.Op != odata.Eq || len(inner.Path) != 1 || !strings.EqualFold(inner.Path[0], n.Var) || len(inner.Value.Text) < 6 ||
		!strings.EqualFold(inner.Value.Text[:5], "smtp:") {
		return nil, nil, nil, false
	}
	return nil, nil, []tenant.Key{{Index: tenant.ByAddress, Value: inner.Value.Text[5:]}}, true
}
