package graphapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// maxScan is how many objects are looked at for one page; a page that is not full by then has a next link all the same.
const maxScan = 50000

// listing is a list of objects under way.
type listing struct {
	e       *entity
	filter  *odata.Node
	search  *odata.Search
	selects []*property
	expand  []odata.Expansion
	by      tenant.By
	// licensed says that what is asked for must be looked for beside the object.
	licensed bool
}

// listing reads what is asked of a list of an entity's objects, and refuses what the service refuses.
func (c *call) listing(e *entity) (*listing, error) {
	l := &listing{e: e}
	var err error
	if l.selects, err = e.selected(c.query.selects, true); err != nil {
		return nil, err
	}
	if l.filter, err = c.filterFor(e); err != nil {
		return nil, err
	}
	if l.search, err = c.searchFor(e); err != nil {
		return nil, err
	}
	if l.expand, err = c.expansions(e); err != nil {
		return nil, err
	}
	l.by = e.plan(l.filter)
	l.licensed = e.asksLicensing(l.selects, l.filter)
	return l, c.orderFor(l)
}

// selected are the properties of a $select; none gives the preset ones.
func (e *entity) selected(names []string, list bool) ([]*property, error) {
	var out []*property
	if len(names) == 0 || slices.Contains(names, "*") {
		for _, p := range e.list {
			if p.preset {
				out = append(out, p)
			}
		}
		return out, nil
	}
	for _, name := range names {
		base, _, _ := strings.Cut(name, "/")
		p := e.property(base)
		switch {
		case p == nil && isExtension(name):
			p = extensionProperty(name)
		case p == nil && e.navigation(base):
			continue
		case p == nil:
			return nil, &problem{status: 400, code: codeSyntax,
				message: "Parsing OData Select and Expand failed: Could not find a property named '" + name + "' on type 'microsoft.graph." + e.name + "'."}
		case list && slices.Contains(elsewhere, p.name):
			return nil, notSupported()
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// elsewhere are properties that another service keeps: they cannot be had of many users at once.
var elsewhere = []string{"aboutMe", "birthday", "hireDate", "interests", "mailboxSettings", "mySite", "pastProjects", "preferredName", "responsibilities", "schools", "skills"}

// navigation tells whether a name is one that leads to other objects.
func (e *entity) navigation(name string) bool {
	return slices.ContainsFunc([]string{"manager", "members", "owners", "memberOf", "directReports", "transitiveMemberOf", "transitiveMembers", "sponsors"},
		func(n string) bool { return strings.EqualFold(n, name) })
}

func (c *call) filterFor(e *entity) (*odata.Node, error) {
	if c.query.filter == "" {
		return nil, nil
	}
	n, err := odata.ParseFilter(c.query.filter)
	if err == nil {
		err = n.Check(e.schema, c.query.advanced())
	}
	if err != nil {
		return nil, filterProblem(e, err)
	}
	return n, nil
}

func (c *call) searchFor(e *entity) (*odata.Search, error) {
	if c.query.search == "" {
		return nil, nil
	}
	s, err := odata.ParseSearch(c.query.search)
	if err != nil {
		return nil, &problem{status: 400, code: codeSyntax, message: "Invalid search clause: " + err.Error() + "."}
	}
	for _, name := range s.Properties() {
		if p := e.property(name); p == nil || !p.search && !searchable[p.name] {
			return nil, unsupported("Unsupported or invalid search clause specified for property '%s' of resource '%s'.", name, e.title)
		}
	}
	return s, nil
}

// searchable are properties that the service searches although their pages do not say so.
var searchable = map[string]bool{"mail": true, "userPrincipalName": true, "proxyAddresses": true, "givenName": true, "surname": true, "mailNickname": true,
	"otherMails": true, "officeLocation": true}

// tokenised tells which properties are cut into words when they are searched.
func tokenised(name string) bool {
	return strings.EqualFold(name, "displayName") || strings.EqualFold(name, "description")
}

func (c *call) expansions(e *entity) ([]odata.Expansion, error) {
	if c.query.expand == "" {
		return nil, nil
	}
	list, err := odata.ParseExpand(c.query.expand)
	if err != nil {
		return nil, &problem{status: 400, code: codeSyntax, message: "Parsing OData Select and Expand failed: " + err.Error() + "."}
	}
	for _, x := range list {
		if !e.navigation(x.Name) {
			return nil, &problem{status: 400, code: codeSyntax,
				message: "Parsing OData Select and Expand failed: Could not find a property named '" + x.Name + "' on type 'microsoft.graph." + e.name + "'."}
		}
	}
	if len(list) > 1 {
		return nil, unsupported("Only one property can be expanded in a single query.")
	}
	return list, nil
}

// orderFor reads the order. With a filter it is an advanced query.
func (c *call) orderFor(l *listing) error {
	if c.query.order == "" {
		return nil
	}
	orders, err := odata.ParseOrder(c.query.order)
	if err != nil {
		return &problem{status: 400, code: codeSyntax, message: "Invalid $orderby clause: " + err.Error() + "."}
	}
	p := l.e.property(orders[0].Path[0])
	switch {
	case p == nil:
		return &problem{status: 400, code: codeSyntax,
			message: "Could not find a property named '" + orders[0].Path[0] + "' on type 'microsoft.graph." + l.e.name + "'."}
	case !p.orderBy || len(orders) > 1 || prefixed[p.name] == "":
		return unsupported("Sorting not supported for current query.")
	case (l.filter != nil || l.search != nil) && !c.query.advanced():
		return unsupported("$orderby with $filter is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header.")
	}
	if l.by.Some || l.by.Order != prefixed[p.name] {
		l.by = tenant.By{Class: l.e.class, Order: prefixed[p.name], Has: l.by.Has}
	}
	l.by.Desc = orders[0].Desc
	return nil
}

// holds tells whether an object is asked for.
func (l *listing) holds(i *tenant.Item) bool {
	get := func(path []string) odata.Value { return l.e.value(i, path) }
	return (l.filter == nil || l.filter.Holds(get)) &&
		(l.search == nil || l.search.Holds(func(name string) odata.Value { return get([]string{name}) }, tokenised))
}

// walk is a source of objects in a fixed order.
type walk func(from tenant.Position, each func(*tenant.Item, tenant.Position) bool) error

// list answers with a page of an entity's own objects.
func (c *call) list(e *entity) (response, error) {
	l, err := c.listing(e)
	if err != nil {
		return response{}, err
	}
	source := func(from tenant.Position, each func(*tenant.Item, tenant.Position) bool) error {
		by := l.by
		by.Expect = c.query.size() + 1 // one more tells whether there is another page
		return c.dir.Walk(c.ctx, by, from, each)
	}
	count := func() (int64, error) {
		if l.filter == nil && l.search == nil && !l.by.Deleted {
			return c.dir.Count(c.ctx, e.class)
		}
		return c.count(l, source)
	}
	return c.page(l, e.set+e.chosen(c.query.selects), source, count, func(out []byte, i *tenant.Item) ([]byte, error) {
		return c.append(out, l, i, "")
	})
}

// count counts all objects that are asked for.
func (c *call) count(l *listing, source walk) (int64, error) {
	var n int64
	var failed error
	err := source(tenant.Position{}, func(i *tenant.Item, _ tenant.Position) bool {
		if failed = c.look(l, i); failed == nil && l.holds(i) {
			n++
		}
		return failed == nil
	})
	return n, cmp.Or(err, failed)
}

// page answers with a page of a walk. It writes while it walks, so that what it holds does not grow with what it passes.
func (c *call) page(l *listing, context string, source walk, count func() (int64, error), write func([]byte, *tenant.Item) ([]byte, error)) (response, error) {
	from, err := c.query.from()
	if err != nil {
		return response{}, err
	}
	items := make([]byte, 0, 4096)
	size, n, seen := c.query.size(), 0, 0
	var last tenant.Position
	more := false
	var failed error
	err = source(from, func(i *tenant.Item, at tenant.Position) bool {
		if seen++; seen > maxScan {
			more = true
			return false
		}
		if failed = c.look(l, i); failed != nil {
			return false
		}
		if !l.holds(i) {
			last = at
			return true
		}
		if n == size {
			more = true
			return false
		}
		if n++; n > 1 {
			items = append(items, ',')
		}
		last = at
		items, failed = write(items, i)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return response{}, err
	}
	out := append(make([]byte, 0, len(items)+512), `{"@odata.context":`...)
	out = odata.AppendString(out, c.root()+"/$metadata#"+context)
	if c.query.count && c.query.eventual && c.query.skip == "" {
		total, err := count()
		if err != nil {
			return response{}, err
		}
		out = odata.OfInt(total).AppendJSON(append(out, `,"@odata.count":`...))
	}
	if more {
		out = odata.AppendString(append(out, `,"@odata.nextLink":`...), c.link("$skiptoken", seal(place{At: last, Hash: c.query.hash()})))
	}
	out = append(append(append(out, `,"value":[`...), items...), "]}"...)
	return jsonOf(http.StatusOK, out), nil
}

// chosen is the part of a context that names the selected properties.
func (e *entity) chosen(selects []string) string {
	if len(selects) == 0 {
		return ""
	}
	return "(" + strings.Join(selects, ",") + ")"
}

// counted answers /$count.
func (c *call) counted(e *entity) (response, error) {
	if !c.query.eventual {
		return response{}, bad("$count is not currently supported.")
	}
	c.query.count = true
	l, err := c.listing(e)
	if err != nil {
		return response{}, err
	}
	if l.filter == nil && l.search == nil {
		n, err := c.dir.Count(c.ctx, e.class)
		return number(n), err
	}
	n, err := c.count(l, func(from tenant.Position, each func(*tenant.Item, tenant.Position) bool) error {
		return c.dir.Walk(c.ctx, l.by, from, each)
	})
	return number(n), err
}
