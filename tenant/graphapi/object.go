package graphapi

import (
	"net/http"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// find gives the object that a path names: a user by id or sign-in name, also as userPrincipalName='x'.
func (c *call) find(e *entity, key string) (*tenant.Item, error) {
	if name, value, ok := strings.Cut(key, "="); ok && strings.HasPrefix(value, "'") {
		key = unquoted(value)
		switch {
		case strings.EqualFold(name, "userPrincipalName") && e.class == canopy.User:
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
