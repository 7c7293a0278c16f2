package graphapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// find gives the object that a path names: a user by id or sign-in name, also as userPrincipalName='x'.
func (c *call) find(e *entity, key string) (*tenant.Item, error) {
	if name, value, ok := strings.Cut(key, "="); ok && strings.HasPrefix(value, "'") {
		key = unquoted(value)
		switch {
		case strings.EqualFold(name, "userPrincipalName") && e.class == canopy.User:
		case strings.EqualFold(name, "uniqueName") && e.class == canopy.Group:
			return c.byUniqueName(key)
		case strings.EqualFold(name, "id"):
		default:
			return nil, &problem{status: 400, code: codeSyntax, message: "The key '" + name + "' does not identify a " + e.title + "."}
		}
	}
	var i *tenant.Item
	var err error
	if e.class == canopy.User && strings.Contains(key, "@") {
		i, err = c.dir.ByUPN(c.ctx, key)
	} else {
		i, err = c.dir.Get(c.ctx, canopy.Anchor(strings.ToLower(key)))
	}
	if canopy.KindOf(err) == canopy.NotFound || err == nil && (e.class != "" && i.Class != e.class || !i.Deleted.IsZero()) {
		return nil, missing(key)
	}
	return i, err
}

// get answers with one object.
func get(name string) handler {
	return func(c *call) (response, error) {
		e := c.entities[name]
		i, err := c.find(e, c.vars[0])
		if err != nil {
			return response{}, err
		}
		return c.single(http.StatusOK, e, i, e.contextOf(c.query.selects), "")
	}
}

// uniqueKey is the name in uniqueName='name'.
func uniqueKey(key string) (string, bool) {
	name, value, ok := strings.Cut(key, "=")
	return unquoted(value), ok && strings.EqualFold(name, "uniqueName") && strings.HasPrefix(value, "'")
}

func isMissing(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.status == http.StatusNotFound
}

// byUniqueName gives the group with a name that no other one has.
func (c *call) byUniqueName(name string) (*tenant.Item, error) {
	var found *tenant.Item
	err := c.dir.Walk(c.ctx, tenant.By{Class: canopy.Group, Has: has(name)}, tenant.Position{}, func(i *tenant.Item, _ tenant.Position) bool {
		if i.Attrs.Text("uniqueName") == name {
			found = i
		}
		return found == nil
	})
	if err == nil && found == nil {
		return nil, missing(name)
	}
	return found, err
}

// has is what an object that has a text is looked for by.
func has(text string) string {
	if !isASCII(text) {
		return ""
	}
	return strings.ToLower(text)
}

// oneProperty answers with one property of an object, or with its text alone.
func oneProperty(name string, plain bool) handler {
	return func(c *call) (response, error) {
		e := c.entities[name]
		p := e.property(c.vars[1])
		if p == nil && isExtension(c.vars[1]) {
			p = extensionProperty(c.vars[1])
		}
		if p == nil {
			return response{}, noSegment(c.vars[1])
		}
		i, err := c.find(e, c.vars[0])
		if err != nil {
			return response{}, err
		}
		if err := c.look(&listing{licensed: p.licensing}, i); err != nil {
			return response{}, err
		}
		v := p.of(i)
		switch {
		case v.Kind == odata.Null:
			return noContent(), nil
		case plain && v.Kind >= odata.List:
			return response{}, bad("$value is not supported for the property '%s'.", p.name)
		case plain && v.Kind == odata.Text:
			return response{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte(v.Text)}, nil
		case plain:
			return response{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte(strings.Trim(string(v.AppendJSON(nil)), `"`))}, nil
		}
		return c.object(http.StatusOK, e.set+"('"+string(i.ID)+"')/"+p.name, odata.OfObject(f("value", v))), nil
	}
}

// identify gives the id of the object that a path names. An id is not looked up: who writes finds out.
func (c *call) identify(e *entity, key string) (canopy.Anchor, error) {
	if isGUID(key) {
		return canopy.Anchor(strings.ToLower(key)), nil
	}
	i, err := c.find(e, key)
	if err != nil {
		return "", err
	}
	return i.ID, nil
}

func list(name string) handler {
	return func(c *call) (response, error) { return c.list(c.entities[name]) }
}

func counted(name string) handler {
	return func(c *call) (response, error) { return c.counted(c.entities[name]) }
}
