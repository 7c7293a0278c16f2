package graphapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

const (
	maxCheck  = 20
	maxByIDs  = 1000
	maxGroups = 11000
)

// readRef is the id in {"@odata.id": address}.
func readRef(body []byte) (canopy.Anchor, error) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) == nil {
		for name, text := range raw {
			var address string
			if strings.EqualFold(name, "@odata.id") && json.Unmarshal(text, &address) == nil {
				return reference(address)
			}
		}
	}
	return "", bad("An '@odata.id' that names the object is required.")
}

// question is the body of the actions about memberships.
type question struct {
	GroupIDs     []string `json:"groupIds"`
	IDs          []string `json:"ids"`
	Types        []string `json:"types"`
	SecurityOnly bool     `json:"securityEnabledOnly"`
}

func readQuestion(body []byte) (question, error) {
	var q question
	if json.Unmarshal(body, &q) != nil {
		return q, unreadable()
	}
	return q, nil
}

// memberGroups answers getMemberGroups and getMemberObjects: the ids of all groups that an object is in, at any depth.
func memberGroups(set string) handler {
	return func(c *call) (response, error) {
		q, err := readQuestion(c.body)
		if err != nil {
			return response{}, err
		}
		i, err := c.find(c.entities[set], c.vars[0])
		if err != nil {
			return response{}, err
		}
		ids := []string{}
		err = c.dir.Tied(c.ctx, i, ties["transitiveMemberOf"], canopy.Group, tenant.Position{}, func(g *tenant.Item, _ tenant.Position) bool {
			if security, _ := g.Attrs.First("securityEnabled"); !q.SecurityOnly || security.True() {
				ids = append(ids, string(g.ID))
			}
			return len(ids) <= maxGroups
		})
		if err != nil {
			return response{}, err
		}
		if len(ids) > maxGroups {
			return response{}, &problem{status: 400, code: "Directory_ResultSizeLimitExceeded", message: "The result set is too large."}
		}
		return c.collection("Collection(Edm.String)", odata.Texts(ids).List...), nil
	}
}

// checkGroups answers checkMemberGroups and checkMemberObjects: which of some groups an object is in.
func checkGroups(set string) handler {
	return func(c *call) (response, error) {
		q, err := readQuestion(c.body)
		if err != nil {
			return response{}, err
		}
		asked := append(q.GroupIDs, q.IDs...)
		if len(asked) > maxCheck {
			return response{}, bad("At most %d ids can be checked at once.", maxCheck)
		}
		i, err := c.find(c.entities[set], c.vars[0])
		if err != nil {
			return response{}, err
		}
		var ids []canopy.Anchor
		for _, id := range asked {
			ids = append(ids, canopy.Anchor(strings.ToLower(id)))
		}
		in, err := c.dir.IsTied(c.ctx, i, ties["transitiveMemberOf"], ids)
		if err != nil {
			return response{}, err
		}
		out := []string{}
		for _, id := range ids {
			if in[id] {
				out = append(out, string(id))
			}
		}
		return c.collection("Collection(Edm.String)", odata.Texts(out).List...), nil
	}
}

// byIDs answers getByIds: the objects of some ids that are there, of the types asked for.
func byIDs(c *call) (response, error) {
	q, err := readQuestion(c.body)
	if err != nil {
		return response{}, err
	}
	if len(q.IDs) > maxByIDs {
		return response{}, bad("At most %d ids can be given at once.", maxByIDs)
	}
	out := []byte(`{"@odata.context":"` + c.root() + `/$metadata#directoryObjects","value":[`)
	n := 0
	for part := range slices.Chunk(q.IDs, maxKeys) {
		by := tenant.By{Some: true}
		for _, id := range part {
			by.IDs = append(by.IDs, canopy.Anchor(strings.ToLower(id)))
		}
		var failed error
		err := c.dir.Walk(c.ctx, by, tenant.Position{}, func(i *tenant.Item, _ tenant.Position) bool {
			if len(q.Types) > 0 && !slices.ContainsFunc(q.Types, func(t string) bool {
				return strings.EqualFold(lastSegment(t), c.entityOf(i.Class).name) || strings.EqualFold(t, "directoryObject")
			}) {
				return true
			}
			if n++; n > 1 {
				out = append(out, ',')
			}
			out, failed = c.appendMixed(out, &listing{}, i)
			return failed == nil
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return response{}, err
		}
	}
	return jsonOf(http.StatusOK, append(out, "]}"...)), nil
}

// directoryObject answers with an object of whatever type.
func directoryObject(c *call) (response, error) {
	i, err := c.dir.Get(c.ctx, canopy.Anchor(strings.ToLower(c.vars[0])))
	if canopy.KindOf(err) == canopy.NotFound || err == nil && !i.Deleted.IsZero() {
		return response{}, missing(c.vars[0])
	}
	if err != nil {
		return response{}, err
	}
	e := c.entityOf(i.Class)
	return c.single(http.StatusOK, e, i, "directoryObjects/$entity", e.name)
}

// removeAny deletes an object of whatever type.
func removeAny(c *call) (response, error) {
	return noContent(), c.dir.Delete(c.ctx, c.actor(), canopy.Anchor(strings.ToLower(c.vars[0])))
}
