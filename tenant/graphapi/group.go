package graphapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

const (
	// maxBinds is how many members and owners one request may name.
	maxBinds = 20
	unified  = "Unified"
)

// createGroup makes a cloud group, with its first members and owners.
func createGroup(c *call) (response, error) {
	in, err := readInput(c.entities["group"], c.body)
	if err != nil {
		return response{}, err
	}
	return c.createGroup(in, "")
}

// createGroup makes a group, with a name that no other one has unless that is "".
func (c *call) createGroup(in *input, unique string) (response, error) {
	e := in.e
	d, err := in.newGroup(c.dir.Settings())
	if err != nil {
		return response{}, err
	}
	if d.Links, err = in.groupLinks(); err != nil {
		return response{}, err
	}
	if unique != "" {
		d.Set["uniqueName"] = canopy.Texts(unique)
	}
	i, err := c.dir.Create(c.ctx, c.actor(), canopy.Group, d)
	if err != nil {
		return response{}, err
	}
	return c.single(http.StatusCreated, e, i, e.contextOf(nil), "")
}

// newGroup is what a body makes of a new group.
func (in *input) newGroup(set tenant.Settings) (tenant.Draft, error) {
	d, err := in.draft(true)
	if err != nil {
		return d, err
	}
	for _, name := range []string{"displayName", "mailEnabled", "mailNickname", "securityEnabled"} {
		if !in.has(name) {
			return d, in.e.property(name).invalid(in.e)
		}
	}
	for _, name := range []string{"allowExternalSenders", "autoSubscribeNewMembers", "hideFromAddressLists", "hideFromOutlookClients", "isSubscribedByMail", "unseenCount"} {
		if in.has(name) {
			return d, bad("Property '%s' cannot be set when a group is created.", name)
		}
	}
	is := slices.ContainsFunc(d.Set["groupTypes"], func(v canopy.Value) bool { return v.Str() == unified })
	switch {
	case in.truth("mailEnabled") != is:
		return d, bad("The service does not currently support writing of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.")
	case !is && !in.truth("securityEnabled"):
		return d, bad("A group must be security-enabled, mail-enabled, or both.")
	case !plainAlias(d.Set.Text(canopy.AttrAlias)):
		return d, in.e.property("mailNickname").invalid(in.e)
	}
	if is {
		d.Set[canopy.AttrMail] = canopy.Texts(d.Set.Text(canopy.AttrAlias) + "@" + set.Initial)
		if d.Set.Text("visibility") == "" {
			d.Set["visibility"] = canopy.Texts("Public")
		}
	}
	return d, in.group(&d)
}

// group checks what a group's properties may be.
func (in *input) group(d *tenant.Draft) error {
	for _, v := range d.Set["groupTypes"] {
		if v.Str() != unified && v.Str() != "DynamicMembership" {
			return in.e.property("groupTypes").invalid(in.e)
		}
	}
	if v := d.Set.Text("visibility"); v != "" && !slices.Contains([]string{"Public", "Private", "HiddenMembership"}, v) {
		return in.e.property("visibility").invalid(in.e)
	}
	if a := d.Set.Text(canopy.AttrAlias); a != "" && !plainAlias(a) {
		return in.e.property("mailNickname").invalid(in.e)
	}
	return nil
}

// groupLinks are the members and owners that a body names.
func (in *input) groupLinks() (map[canopy.Attr]canopy.LinkChange, error) {
	out := map[canopy.Attr]canopy.LinkChange{}
	n := 0
	for name, ids := range in.binds {
		attr, ok := map[string]canopy.Attr{"members": canopy.AttrMember, "owners": tenant.AttrOwner}[name]
		if !ok {
			return nil, bad("Invalid property '%s@odata.bind'.", name)
		}
		var c canopy.LinkChange
		for _, id := range ids {
			c.Added = append(c.Added, canopy.Ref{Anchor: id})
		}
		if n += len(ids); len(ids) > 0 {
			out[attr] = c
		}
	}
	if n > maxBinds {
		return nil, bad("The number of navigation property bindings exceeds the maximum of %d.", maxBinds)
	}
	return out, nil
}

// updateGroup changes a group, and adds members.
func updateGroup(c *call) (response, error) {
	e := c.entities["group"]
	in, err := readInput(e, c.body)
	if err != nil {
		return response{}, err
	}
	i, err := c.find(e, c.vars[0])
	if name, unique := uniqueKey(c.vars[0]); unique && c.query.upsert && isMissing(err) {
		return c.createGroup(in, name)
	}
	if err != nil {
		return response{}, err
	}
	if err := writable(i); err != nil {
		return response{}, err
	}
	d, err := in.draft(false)
	if err == nil {
		err = in.group(&d)
	}
	if err != nil {
		return response{}, err
	}
	if d.Links, err = in.groupLinks(); err != nil {
		return response{}, err
	}
	d.Fresh = true
	return noContent(), c.dir.Update(c.ctx, c.actor(), i.ID, d)
}

// writable refuses groups that Exchange owns.
func writable(i *tenant.Item) error {
	mail, _ := i.Attrs.First("mailEnabled")
	if i.Synced || !mail.True() || slices.ContainsFunc(i.Attrs["groupTypes"], func(v canopy.Value) bool { return v.Str() == unified }) {
		return nil
	}
	return bad("Cannot Update a mail-enabled security groups and or distribution list.")
}

// linked answers with the objects that a navigation leads to.
func linked(set, navigation string) handler {
	return func(c *call) (response, error) { return c.linked(c.entities[set], navigation, "") }
}

// linkedCast answers with those of one type.
func linkedCast(set, navigation, cast string) handler {
	return func(c *call) (response, error) { return c.linked(c.entities[set], navigation, cast) }
}

func (c *call) linked(from *entity, navigation, cast string) (response, error) {
	i, err := c.find(from, c.vars[0])
	if err != nil {
		return response{}, err
	}
	l, class, context, err := c.linkedListing(navigation, cast)
	if err != nil {
		return response{}, err
	}
	tie := ties[navigation]
	tie.Expect = c.query.size() + 1
	source := func(at tenant.Position, each func(*tenant.Item, tenant.Position) bool) error {
		return c.dir.Tied(c.ctx, i, tie, class, at, each)
	}
	count := func() (int64, error) {
		if l.filter == nil && l.search == nil {
			return c.dir.CountTied(c.ctx, i, tie, class)
		}
		return c.count(l, source)
	}
	return c.page(l, context, source, count, func(out []byte, item *tenant.Item) ([]byte, error) {
		if cast != "" {
			return c.append(out, l, item, "")
		}
		return c.appendMixed(out, l, item)
	})
}

// linkedListing reads the options of a mixed list, or of one type when there is a cast.
func (c *call) linkedListing(navigation, cast string) (*listing, canopy.Class, string, error) {
	if cast == "" {
		l, err := c.mixed()
		return l, "", "directoryObjects" + c.entities["user"].chosen(c.query.selects), err
	}
	e := c.entities[cast]
	if e == nil || e.class == "" {
		return &listing{e: c.entities["user"], filter: nil}, "none", "directoryObjects", nil
	}
	l, err := c.listing(e)
	if err == nil {
		l.by = tenant.By{}
	}
	return l, e.class, e.set + e.chosen(c.query.selects), err
}

// mixed reads the options of a list of objects of several types: what one of them has may be asked for.
func (c *call) mixed() (*listing, error) {
	var failed error
	for _, name := range []string{"user", "group", "orgContact"} {
		l, err := c.listing(c.entities[name])
		if err == nil {
			l.selects, l.by = nil, tenant.By{}
			return l, nil
		}
		if failed == nil {
			failed = err
		}
	}
	return nil, failed
}

// appendMixed writes an object of a mixed list, with its type. A caller who may not read the type sees only its id.
func (c *call) appendMixed(out []byte, l *listing, i *tenant.Item) ([]byte, error) {
	e := c.entityOf(i.Class)
	names := slices.DeleteFunc(slices.Clone(c.query.selects), func(s string) bool { return e.property(s) == nil && !isExtension(s) })
	selects, err := e.selected(names, true)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && len(c.query.selects) > 0 {
		selects = []*property{e.property("id")}
	}
	if !c.who.may(readers(i.Class)) {
		selects = slices.DeleteFunc(slices.Clone(selects), func(p *property) bool { return p.name != "id" })
	}
	return c.append(out, &listing{e: e, selects: selects, expand: l.expand}, i, e.name)
}

// readers are the roles that open a class.
func readers(class canopy.Class) []string {
	switch class {
	case canopy.Group:
		return readGroups
	case canopy.Contact:
		return readContacts
	default:
		return readUsers
	}
}

// countLinked answers /members/$count and the like.
func countLinked(set, navigation, cast string) handler {
	return func(c *call) (response, error) {
		if !c.query.eventual {
			return response{}, bad("$count is not currently supported.")
		}
		c.query.count = true
		i, err := c.find(c.entities[set], c.vars[0])
		if err != nil {
			return response{}, err
		}
		l, class, _, err := c.linkedListing(navigation, cast)
		if err != nil {
			return response{}, err
		}
		if l.filter == nil && l.search == nil {
			n, err := c.dir.CountTied(c.ctx, i, ties[navigation], class)
			return number(n), err
		}
		n, err := c.count(l, func(at tenant.Position, each func(*tenant.Item, tenant.Position) bool) error {
			return c.dir.Tied(c.ctx, i, ties[navigation], class, at, each)
		})
		return number(n), err
	}
}

// only finds the object that the path names, and the single one that a navigation leads to from it.
func (c *call) only(set, navigation string) (from, to *tenant.Item, err error) {
	if from, err = c.find(c.entities[set], c.vars[0]); err != nil {
		return nil, nil, err
	}
	items, err := c.dir.TiedTo(c.ctx, from.Number, ties[navigation], 1)
	if err == nil && len(items) == 0 {
		err = missing(navigation)
	}
	if err != nil {
		return from, nil, err
	}
	return from, items[0], nil
}

// one answers with the single object that a navigation leads to, as the manager.
func one(set, navigation string) handler {
	return func(c *call) (response, error) {
		_, i, err := c.only(set, navigation)
		if err != nil {
			return response{}, err
		}
		e := c.entityOf(i.Class)
		return c.single(http.StatusOK, e, i, "directoryObjects"+e.chosen(c.query.selects)+"/$entity", e.name)
	}
}

// oneRef answers with its address.
func oneRef(set, navigation string) handler {
	return func(c *call) (response, error) {
		_, i, err := c.only(set, navigation)
		if err != nil {
			return response{}, err
		}
		return jsonOf(http.StatusOK, []byte(`{"@odata.context":"`+c.root()+`/$metadata#$ref","@odata.id":"`+c.address(i)+`"}`)), nil
	}
}

func (c *call) address(i *tenant.Item) string { return c.root() + "/directoryObjects/" + string(i.ID) }

// refs answers with the addresses of the objects that a navigation leads to.
func refs(set, navigation string) handler {
	return func(c *call) (response, error) {
		i, err := c.find(c.entities[set], c.vars[0])
		if err != nil {
			return response{}, err
		}
		source := func(at tenant.Position, each func(*tenant.Item, tenant.Position) bool) error {
			return c.dir.Tied(c.ctx, i, ties[navigation], "", at, each)
		}
		count := func() (int64, error) { return c.dir.CountTied(c.ctx, i, ties[navigation], "") }
		return c.page(&listing{e: c.entities["user"]}, "Collection($ref)", source, count, func(out []byte, item *tenant.Item) ([]byte, error) {
			return odata.AppendString(out, c.address(item)), nil
		})
	}
}

// addRef adds the object that a body names; with single it takes the place of the one before.
func addRef(set, navigation string, single bool) handler {
	return func(c *call) (response, error) {
		i, err := c.find(c.entities[set], c.vars[0])
		if err != nil {
			return response{}, err
		}
		if err := writable(i); err != nil {
			return response{}, err
		}
		in, err := readRef(c.body)
		if err != nil {
			return response{}, err
		}
		d := tenant.Draft{Fresh: !single, Links: map[canopy.Attr]canopy.LinkChange{ties[navigation].Attr: {Added: []canopy.Ref{{Anchor: in}}}}}
		return noContent(), c.dir.Update(c.ctx, c.actor(), i.ID, d)
	}
}

// dropRef ends a link: to the object that the path names, or to the only one.
func dropRef(set, navigation string) handler {
	return func(c *call) (response, error) {
		i, err := c.find(c.entities[set], c.vars[0])
		if err != nil {
			return response{}, err
		}
		if err := writable(i); err != nil {
			return response{}, err
		}
		var id canopy.Anchor
		switch {
		case len(c.vars) > 1:
			id = canopy.Anchor(strings.ToLower(c.vars[1]))
		case c.query.ref != "":
			if id, err = reference(c.query.ref); err != nil {
				return response{}, err
			}
		case navigation != "manager":
			return response{}, bad("An '@id' that names the object is required.")
		default:
			_, to, err := c.only(set, navigation)
			if err != nil {
				return response{}, err
			}
			id = to.ID
		}
		d := tenant.Draft{Fresh: true, Links: map[canopy.Attr]canopy.LinkChange{ties[navigation].Attr: {Removed: []canopy.Ref{{Anchor: id}}}}}
		return noContent(), c.dir.Update(c.ctx, c.actor(), i.ID, d)
	}
}
