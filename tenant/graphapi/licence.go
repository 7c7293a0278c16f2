package graphapi

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// skus are the products that the tenant has.
func skus(c *call) ([]odata.Value, error) {
	list, err := c.dir.SKUs(c.ctx)
	if err != nil {
		return nil, err
	}
	id := c.dir.Settings().Tenant
	var out []odata.Value
	for _, s := range list {
		out = append(out, odata.OfObject(f("id", odata.Of(id+"_"+s.ID)), f("accountId", odata.Of(id)), f("skuId", odata.Of(s.ID)), f("skuPartNumber", odata.Of(s.PartNumber)),
			f("appliesTo", odata.Of("User")), f("capabilityStatus", odata.Of("Enabled")), f("consumedUnits", odata.OfInt(int64(s.Consumed))),
			f("prepaidUnits", odata.OfObject(f("enabled", odata.OfInt(int64(s.Enabled))), f("suspended", odata.OfInt(0)), f("warning", odata.OfInt(0)), f("lockedOut", odata.OfInt(0)))),
			f("servicePlans", planValues(s.SKU))))
	}
	return out, nil
}

func planValues(s tenant.SKU) odata.Value {
	out := odata.Value{Kind: odata.List}
	for _, p := range s.Plans() {
		out.List = append(out.List, odata.OfObject(f("servicePlanId", odata.Of(p.ID)), f("servicePlanName", odata.Of(p.Name)), f("provisioningStatus", odata.Of("Success")),
			f("appliesTo", odata.Of("User"))))
	}
	return out
}

// assigned are an object's licences with the service plans that are off.
func assigned(i *tenant.Item) odata.Value {
	out := odata.Value{Kind: odata.List}
	for _, name := range i.Licences {
		s, known := tenant.FindSKU(name)
		if !known {
			continue
		}
		off := odata.Value{Kind: odata.List}
		for _, p := range s.Plans() {
			if !slices.Contains(i.Plans, p.Name) {
				off.List = append(off.List, odata.Of(p.ID))
			}
		}
		out.List = append(out.List, odata.OfObject(f("disabledPlans", off), f("skuId", odata.Of(s.ID))))
	}
	return out
}

// ofLicensing are the properties that tell more of licences than which there are.
var ofLicensing = []string{"licenseAssignmentStates", "hasMembersWithLicenseErrors", "licenseProcessingState"}

// asksLicensing tells whether one of them is asked for.
func (e *entity) asksLicensing(selects []*property, filter *odata.Node) bool {
	if slices.ContainsFunc(selects, func(p *property) bool { return p.licensing }) {
		return true
	}
	if filter == nil {
		return false
	}
	if len(filter.Path) > 0 {
		if p := e.property(filter.Path[0]); p != nil && p.licensing {
			return true
		}
	}
	return slices.ContainsFunc(filter.Args, func(n *odata.Node) bool { return e.asksLicensing(nil, n) })
}

// look finds what a listing asks of an object that the object itself does not tell.
func (c *call) look(l *listing, i *tenant.Item) (err error) {
	if l.licensed && i.Licensing == nil {
		i.Licensing, err = c.dir.Licensing(c.ctx, i)
	}
	return err
}

// assignmentStates are a user's licences with where they come from and how they stand.
func assignmentStates(i *tenant.Item) odata.Value {
	out := odata.Value{Kind: odata.List}
	if i.Licensing == nil {
		return out
	}
	for _, l := range i.Licensing.States {
		sku, known := tenant.FindSKU(l.SKU)
		if !known {
			continue
		}
		off := odata.Value{Kind: odata.List}
		for _, name := range l.Off {
			if p, ok := tenant.FindPlan(name); ok {
				off.List = append(off.List, odata.Of(p.ID))
			}
		}
		out.List = append(out.List, odata.OfObject(f("skuId", odata.Of(sku.ID)), f("disabledPlans", off), f("assignedByGroup", odata.Of(string(l.Group))),
			f("state", odata.Of(l.State)), f("error", odata.Of(l.Error)), f("lastUpdatedDateTime", odata.OfTime(l.Since))))
	}
	return out
}

// processingState tells of a group with licences whether its members have them.
func processingState(i *tenant.Item) odata.Value {
	switch {
	case i.Licensing == nil || len(i.Licences) == 0:
		return odata.Value{}
	case i.Licensing.Waiting:
		return odata.OfObject(f("state", odata.Of("QueuedForProcessing")))
	}
	return odata.OfObject(f("state", odata.Of("ProcessingComplete")))
}

// assignLicense gives and takes licences. Both lists are needed, and may be empty.
func assignLicense(name string, status int) handler {
	return func(c *call) (response, error) {
		var body struct {
			Add *[]struct {
				SKU string   `json:"skuId"`
				Off []string `json:"disabledPlans"`
			} `json:"addLicenses"`
			Remove *[]string `json:"removeLicenses"`
		}
		if json.Unmarshal(c.body, &body) != nil || body.Add == nil || body.Remove == nil {
			return response{}, bad("Both 'addLicenses' and 'removeLicenses' are required; either may be empty.")
		}
		e := c.entities[name]
		i, err := c.find(e, c.vars[0])
		if err != nil {
			return response{}, err
		}
		var add []tenant.Licence
		for _, a := range *body.Add {
			add = append(add, tenant.Licence{SKU: a.SKU, Off: a.Off})
		}
		if err := c.dir.License(c.ctx, c.actor(), i.ID, add, *body.Remove); err != nil {
			return response{}, err
		}
		if i, err = c.dir.Get(c.ctx, i.ID); err != nil {
			return response{}, err
		}
		return c.single(status, e, i, e.contextOf(nil), "")
	}
}

// licenceDetails answers with a user's licences and their service plans.
func licenceDetails(c *call) (response, error) {
	i, err := c.find(c.entities["user"], c.vars[0])
	if err != nil {
		return response{}, err
	}
	list := []odata.Value{}
	for _, name := range i.Licences {
		if s, known := tenant.FindSKU(name); known {
			list = append(list, odata.OfObject(f("id", odata.Of(roleID("licence "+string(i.ID)+s.ID))), f("skuId", odata.Of(s.ID)), f("skuPartNumber", odata.Of(s.PartNumber)),
				f("servicePlans", planValues(s))))
		}
	}
	return c.collection("users('"+string(i.ID)+"')/licenseDetails", list...), nil
}

var licenceRows = []row{
	{"GET subscribedSkus", append([]string{"LicenseAssignment.Read.All"}, readOrganization...), listOf("subscribedSku", skus)},
	{"GET subscribedSkus/{id}", append([]string{"LicenseAssignment.Read.All"}, readOrganization...), oneOf("subscribedSku", skus)},
	{"POST users/{id}/assignLicense", append([]string{"LicenseAssignment.ReadWrite.All"}, writeUsers...), assignLicense("user", http.StatusOK)},
	{"POST groups/{id}/assignLicense", append([]string{"LicenseAssignment.ReadWrite.All"}, writeGroups...), assignLicense("group", http.StatusOK)},
	{"GET users/{id}/licenseDetails", readUsers, licenceDetails},
}
