package graphapi

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// expandMost is how many objects an $expand gives.
const expandMost = 20

// append writes an object of a list; kind is its @odata.type, "" to leave it out.
func (c *call) append(out []byte, l *listing, i *tenant.Item, kind string) ([]byte, error) {
	if err := c.look(l, i); err != nil {
		return nil, err
	}
	out = append(out, '{')
	if kind != "" {
		out = odata.AppendString(append(out, `"@odata.type":`...), "#microsoft.graph."+kind)
		out = append(out, ',')
	}
	out = appendProperties(out, l.selects, i)
	for _, x := range l.expand {
		var err error
		if out, err = c.appendExpansion(out, x, i); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendProperties writes properties, with no comma before the first.
func appendProperties(out []byte, list []*property, i *tenant.Item) []byte {
	for n, p := range list {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(odata.AppendString(out, p.name), ':')
		out = p.of(i).AppendJSON(out)
	}
	return out
}

// of is a property's value; when it has none an empty list, null, or what stands for null where that may not be.
func (p *property) of(i *tenant.Item) odata.Value {
	var v odata.Value
	if p.get != nil {
		v = p.get(i)
	}
	switch {
	case v.Kind != odata.Null:
	case p.kind == odata.List:
		v.Kind = odata.List
	case p.nullable:
	case p.kind == odata.Time: // the service's word for never
		v = odata.Value{Kind: odata.Time, Num: time.Time{}.UnixMicro()}
	case p.kind == odata.Int:
		v.Kind = odata.Int
	}
	return v
}

// appendExpansion writes the objects that a navigation leads to, a comma before it.
func (c *call) appendExpansion(out []byte, x odata.Expansion, i *tenant.Item) ([]byte, error) {
	name, tie := tieOf(x.Name)
	items, err := c.dir.TiedTo(c.ctx, i.Number, tie, expandMost)
	if err != nil {
		return nil, err
	}
	single := name == "manager"
	if single && len(items) == 0 {
		return out, nil
	}
	out = append(odata.AppendString(append(out, ','), name), ':')
	if !single {
		out = append(out, '[')
	}
	for n, item := range items {
		if n > 0 {
			out = append(out, ',')
		}
		e := c.entityOf(item.Class)
		// what a type does not have is left out: the navigation is one of directory objects
		names := slices.DeleteFunc(slices.Clone(x.Select), func(s string) bool { return e.property(s) == nil })
		selects, err := e.selected(names, true)
		if err != nil {
			return nil, err
		}
		within := &listing{e: e, selects: selects}
		if single && x.Levels > 1 {
			next := x
			next.Levels--
			within.expand = []odata.Expansion{next}
		}
		if out, err = c.append(out, within, item, e.name); err != nil {
			return nil, err
		}
	}
	if !single {
		out = append(out, ']')
	}
	return out, nil
}

// ties are the navigations between users, groups and contacts.
var ties = map[string]tenant.Tie{
	"manager":            {Attr: canopy.AttrManager},
	"directReports":      {Attr: canopy.AttrManager, Back: true},
	"members":            {Attr: canopy.AttrMember},
	"transitiveMembers":  {Attr: canopy.AttrMember, Deep: true},
	"memberOf":           {Attr: canopy.AttrMember, Back: true},
	"transitiveMemberOf": {Attr: canopy.AttrMember, Back: true, Deep: true},
	"owners":             {Attr: tenant.AttrOwner},
	"ownedObjects":       {Attr: tenant.AttrOwner, Back: true},
	"sponsors":           {Attr: tenant.AttrSponsor},
}

func tieOf(name string) (string, tenant.Tie) {
	for n, t := range ties {
		if strings.EqualFold(n, name) {
			return n, t
		}
	}
	return name, tenant.Tie{}
}

func (s *Server) entityOf(class canopy.Class) *entity {
	switch class {
	case canopy.Group:
		return s.entities["group"]
	case canopy.Contact:
		return s.entities["orgContact"]
	default:
		return s.entities["user"]
	}
}

// single answers with one object. context is what stands after $metadata#.
func (c *call) single(status int, e *entity, i *tenant.Item, context, kind string) (response, error) {
	selects, err := e.selected(c.query.selects, false)
	if err != nil {
		return response{}, err
	}
	expand, err := c.expansions(e)
	if err != nil {
		return response{}, err
	}
	out := odata.AppendString(append(make([]byte, 0, 1024), `{"@odata.context":`...), c.root()+"/$metadata#"+context)
	l := &listing{e: e, selects: selects, expand: expand, licensed: e.asksLicensing(selects, nil)}
	rest, err := c.append(nil, l, i, kind)
	if err != nil {
		return response{}, err
	}
	out = append(append(out, ','), rest[1:]...)
	resp := jsonOf(status, out)
	if status == http.StatusCreated {
		resp.header = http.Header{"Location": {c.root() + "/" + e.set + "/" + string(i.ID)}}
	}
	return resp, nil
}

// contextOf is the context of one object of a set.
func (e *entity) contextOf(selects []string) string { return e.set + e.chosen(selects) + "/$entity" }

var extensionName = regexp.MustCompile(`^extension_[0-9a-fA-F]{32}_[A-Za-z][A-Za-z0-9_]{0,80}$`)

// isExtension tells whether a name is a directory extension's.
func isExtension(name string) bool { return extensionName.MatchString(name) }

// extensionProperty is a directory extension as a property: one value as it is, several as a list.
func extensionProperty(name string) *property {
	return &property{name: name, kind: odata.Text, attr: canopy.Attr(name), get: func(i *tenant.Item) odata.Value {
		values := i.Attrs[canopy.Attr(name)]
		if len(values) > 1 {
			return odata.Texts(values.Strings())
		}
		return stored(canopy.Attr(name), odata.Text)(i)
	}}
}
