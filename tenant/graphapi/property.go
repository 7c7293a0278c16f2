package graphapi

import (
	_ "embed" // the table of properties
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// propertyTable says of each property of each resource what Graph's description says: kind, flags, length, operators.
//
//go:embed property.tsv
var propertyTable string

// property is one property of a resource.
type property struct {
	name     string
	kind     odata.Kind
	item     odata.Kind // of a list's elements
	preset   bool       // given without $select
	readOnly bool
	search   bool
	orderBy  bool
	nullable bool
	max      int
	ops      []string

	attr canopy.Attr                      // what it is stored as, "" when it is not
	get  func(i *tenant.Item) odata.Value // nil: it never has a value
	// plain says that the value is the attribute's as it is stored.
	plain bool
	// licensing says that the value is looked for when it is asked for, see call.look.
	licensing bool
}

// entity is a kind of resource.
type entity struct {
	name   string // "user"
	set    string // "users"
	class  canopy.Class
	title  string // "User", as messages say it
	list   []*property
	byName map[string]*property // by folded name, and those of its complex properties as "name/field"
}

// property finds a property, whatever the case of its name.
func (e *entity) property(name string) *property {
	if p := e.byName[name]; p != nil {
		return p
	}
	return e.byName[strings.ToLower(name)]
}

// schema is what filters may ask of the resource.
func (e *entity) schema(path []string) (odata.Property, bool) {
	p := e.property(path[0])
	if p == nil {
		return odata.Property{}, false
	}
	out := odata.Property{Name: p.name, Kind: p.kind, Ops: p.ops}
	if len(path) > 1 {
		field := e.byName[strings.ToLower(strings.Join(path, "/"))]
		if field == nil {
			return odata.Property{}, false
		}
		out.Name, out.Kind = p.name+"/"+field.name, field.kind
	}
	return out, true
}

// value is a property of an item, by its path.
func (e *entity) value(i *tenant.Item, path []string) odata.Value {
	p := e.property(path[0])
	if p == nil || p.get == nil {
		return odata.Value{}
	}
	v := p.get(i)
	for _, name := range path[1:] {
		v = v.Field(name)
	}
	return v
}

func kindOf(text string) odata.Kind {
	switch {
	case strings.HasPrefix(text, "[]"):
		return odata.List
	case text == "bool":
		return odata.Bool
	case text == "int":
		return odata.Int
	case text == "time":
		return odata.Time
	case text == "object":
		return odata.Object
	}
	return odata.Text
}

// unlisted are properties that the table says too much or too little of: what real answers show counts.
var unlisted = map[string]func(p *property){
	"user/id": func(p *property) {
		p.preset, p.ops = true, []string{"eq", "ne", "not", "in", "ge", "le", "startsWith"}
	},
	"user/securityIdentifier": func(p *property) { p.preset = false },
	"user/deletedDateTime":    func(p *property) { p.readOnly = true },
	"user/otherMails":         func(p *property) { p.ops = append(p.ops, "null") },
	"group/id":                func(p *property) { p.preset, p.ops = true, []string{"eq", "ne", "not", "in"} },
	"group/deletedDateTime":   func(p *property) { p.preset, p.readOnly = true, true },
	"group/createdDateTime":   func(p *property) { p.ops = nil },
	"orgContact/id":           func(p *property) { p.ops = []string{"eq", "ne", "not", "in"} },
	"servicePrincipal/id":     func(p *property) { p.ops = []string{"eq", "in"} },
	"application/id":          func(p *property) { p.ops = []string{"eq", "in"} },
	"directoryAudit/id":       func(p *property) { p.ops = []string{"eq"} },
	"organization/id":         func(p *property) { p.ops = []string{"eq"} },
}

// entities makes the resources of the table. It is the same each time.
func entities() map[string]*entity {
	out := map[string]*entity{}
	for _, e := range []*entity{
		{name: "user", set: "users", class: canopy.User, title: "User"},
		{name: "group", set: "groups", class: canopy.Group, title: "Group"},
		{name: "orgContact", set: "contacts", class: canopy.Contact, title: "OrgContact"},
		{name: "directoryObject", set: "directoryObjects", title: "DirectoryObject"},
		{name: "domain", set: "domains", title: "Domain"},
		{name: "organization", set: "organization", title: "Organization"},
		{name: "subscribedSku", set: "subscribedSkus", title: "SubscribedSku"},
		{name: "servicePrincipal", set: "servicePrincipals", title: "ServicePrincipal"},
		{name: "application", set: "applications", title: "Application"},
		{name: "directoryAudit", set: "auditLogs/directoryAudits", title: "DirectoryAudit"},
		{name: "provisioningObjectSummary", set: "auditLogs/provisioning", title: "ProvisioningObjectSummary"},
	} {
		e.byName = map[string]*property{}
		out[e.name] = e
	}
	for line := range strings.Lines(propertyTable) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		e := out[cells[0]]
		p, selects := propertyOf(cells)
		if _, field, nested := strings.Cut(p.name, "/"); nested {
			key := strings.ToLower(p.name)
			p.name = field
			e.byName[key] = p
			continue
		}
		if more := unlisted[e.name+"/"+p.name]; more != nil {
			more(p)
		}
		if e.name != "user" && e.name != "group" {
			p.preset = !selects
		}
		e.list = append(e.list, p)
		e.byName[p.name], e.byName[strings.ToLower(p.name)] = p, p
	}
	out["user"].bind(userAttrs, userGet)
	out["group"].bind(groupAttrs, groupGet)
	out["orgContact"].bind(contactAttrs, contactGet)
	for _, e := range out {
		slices.SortFunc(e.list, func(a, b *property) int {
			if (a.name == "id") != (b.name == "id") {
				return map[bool]int{true: -1, false: 1}[a.name == "id"]
			}
			return strings.Compare(a.name, b.name)
		})
	}
	return out
}

func propertyOf(cells []string) (p *property, selects bool) {
	flags := strings.Fields(cells[3])
	has := func(f string) bool { return slices.Contains(flags, f) }
	p = &property{name: cells[1], kind: kindOf(cells[2]), item: kindOf(strings.TrimPrefix(cells[2], "[]")), preset: has("default"),
		readOnly: has("readonly") || has("onprem"), search: has("search"), orderBy: has("orderby"), nullable: has("nullable"), ops: strings.Fields(cells[5])}
	p.max, _ = strconv.Atoi(cells[4]) // the table's own numbers
	return p, has("select")
}

// bind says where the properties' values are.
func (e *entity) bind(attrs map[string]canopy.Attr, get map[string]func(*tenant.Item) odata.Value) {
	for _, p := range e.list {
		p.attr, p.get = attrs[p.name], get[p.name]
		p.licensing = slices.Contains(ofLicensing, p.name)
		if p.get == nil && p.attr != "" {
			p.get, p.plain = stored(p.attr, p.kind), p.kind == odata.Text
		}
	}
}

// stored reads a property from the attribute that it is stored as.
func stored(attr canopy.Attr, kind odata.Kind) func(*tenant.Item) odata.Value {
	return func(i *tenant.Item) odata.Value {
		if kind == odata.List {
			return odata.Texts(i.Attrs[attr].Strings())
		}
		v, ok := i.Attrs.First(attr)
		if !ok {
			return odata.Value{}
		}
		switch kind {
		case odata.Bool:
			return odata.OfBool(v.True() || strings.EqualFold(v.Str(), "true"))
		case odata.Int:
			return odata.OfInt(v.Num())
		case odata.Time:
			return odata.OfTime(v.Moment())
		case odata.Null, odata.Text, odata.List, odata.Object:
		}
		return odata.Of(v.Str())
	}
}
