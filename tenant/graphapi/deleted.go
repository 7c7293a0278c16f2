package graphapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// deletedList answers with the deleted objects of a type that can come back.
func deletedList(name string) handler {
	return func(c *call) (response, error) {
		l, source, err := c.deleted(name)
		if err != nil {
			return response{}, err
		}
		return c.page(l, "directoryObjects", source, func() (int64, error) { return c.count(l, source) }, func(out []byte, i *tenant.Item) ([]byte, error) {
			return c.append(out, l, i, "")
		})
	}
}

func deletedCount(name string) handler {
	return func(c *call) (response, error) {
		if !c.query.eventual {
			return response{}, bad("$count is not currently supported.")
		}
		c.query.count = true
		l, source, err := c.deleted(name)
		if err != nil {
			return response{}, err
		}
		n, err := c.count(l, source)
		return number(n), err
	}
}

func (c *call) deleted(name string) (*listing, walk, error) {
	e := c.entities[name]
	l, err := c.listing(e)
	if err != nil {
		return nil, nil, err
	}
	l.by = tenant.By{Class: e.class, Deleted: true}
	return l, func(from tenant.Position, each func(*tenant.Item, tenant.Position) bool) error {
		return c.dir.Walk(c.ctx, l.by, from, each)
	}, nil
}

// findDeleted gives the deleted object that a path names.
func (c *call) findDeleted() (*tenant.Item, error) {
	i, err := c.dir.Get(c.ctx, canopy.Anchor(strings.ToLower(c.vars[0])))
	if canopy.KindOf(err) == canopy.NotFound || err == nil && i.Deleted.IsZero() {
		return nil, missing(c.vars[0])
	}
	return i, err
}

func deletedGet(c *call) (response, error) {
	i, err := c.findDeleted()
	if err != nil {
		return response{}, err
	}
	e := c.entityOf(i.Class)
	return c.single(http.StatusOK, e, i, "directoryObjects/$entity", e.name)
}

// restore brings a deleted object back, with another sign-in name, or without the addresses that others have, when the body says so.
func restore(c *call) (response, error) {
	var body struct {
		UPN  string `json:"newUserPrincipalName"`
		Drop bool   `json:"autoReconcileProxyConflict"`
	}
	if len(c.body) > 0 && json.Unmarshal(c.body, &body) != nil {
		return response{}, unreadable()
	}
	i, err := c.findDeleted()
	if err != nil {
		return response{}, err
	}
	if err := c.dir.Restore(c.ctx, c.actor(), i.ID, tenant.Restoring{NewUPN: body.UPN, DropAddresses: body.Drop}); err != nil {
		return response{}, err
	}
	if i, err = c.dir.Get(c.ctx, i.ID); err != nil {
		return response{}, err
	}
	e := c.entityOf(i.Class)
	return c.single(http.StatusOK, e, i, "directoryObjects/$entity", e.name)
}

// purge deletes a deleted object for good.
func purge(c *call) (response, error) {
	i, err := c.findDeleted()
	if err != nil {
		return response{}, err
	}
	return noContent(), c.dir.Purge(c.ctx, c.actor(), i.ID)
}
