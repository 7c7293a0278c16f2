package graphapi

import (
	"encoding/json"
	"strings"

	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// behaviour answers with who masters an object.
func behaviour(name string) handler {
	return func(c *call) (response, error) {
		i, err := c.find(c.entities[name], c.vars[0])
		if err != nil {
			return response{}, err
		}
		return c.behaviourOf(c.entities[name], i)
	}
}

func (c *call) behaviourOf(e *entity, i *tenant.Item) (response, error) {
	v := odata.OfObject(f("id", odata.Of(string(i.ID))), f("isCloudManaged", odata.OfBool(i.Authority.CloudManaged)))
	return c.object(200, e.set+"('"+string(i.ID)+"')/onPremisesSyncBehavior/$entity", v), nil
}

// setBehaviour gives an object to the cloud, or gives it back.
func setBehaviour(name string) handler {
	return func(c *call) (response, error) {
		var raw map[string]json.RawMessage
		var managed *bool
		if json.Unmarshal(c.body, &raw) != nil {
			return response{}, unreadable()
		}
		for name, text := range raw {
			if strings.EqualFold(name, "isCloudManaged") && json.Unmarshal(text, &managed) != nil {
				return response{}, bad("Invalid value specified for property 'isCloudManaged' of resource 'OnPremisesSyncBehavior'.")
			}
		}
		if managed == nil {
			return response{}, bad("Invalid value specified for property 'isCloudManaged' of resource 'OnPremisesSyncBehavior'.")
		}
		e := c.entities[name]
		i, err := c.find(e, c.vars[0])
		if err != nil {
			return response{}, err
		}
		if err := c.dir.SetCloudManaged(c.ctx, c.actor(), i.ID, *managed); err != nil {
			return response{}, err
		}
		if i, err = c.dir.Get(c.ctx, i.ID); err != nil {
			return response{}, err
		}
		return c.behaviourOf(e, i)
	}
}
