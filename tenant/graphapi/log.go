package graphapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

// audits answers with what programs did, the latest first.
func audits(c *call) (response, error) {
	return c.logPage("directoryAudit", func(before int64, each func(odata.Value, int64) bool) error {
		return c.dir.Audits(c.ctx, before, func(a *tenant.Audit) bool { return each(c.auditValue(a), a.Number) })
	})
}

func audit(c *call) (response, error) {
	a, err := c.dir.Audit(c.ctx, c.vars[0])
	if err != nil {
		return response{}, err
	}
	return c.value(c.entities["directoryAudit"], []odata.Value{c.auditValue(a)}, a.ID)
}

// activities are the real service's words for what is done, by ours.
var activities = map[string]string{"Add": "Add", "Update": "Update", "Delete": "Delete", "Restore": "Restore", "Hard Delete": "Hard Delete"}

// auditValue is an audit as Graph tells it.
func (c *call) auditValue(a *tenant.Audit) odata.Value {
	e := c.entityOf(a.Class)
	category, operation := e.title+"Management", "Update"
	if e.class == canopy.Contact {
		category = "ContactManagement"
	}
	verb := strings.TrimSuffix(a.Activity, " "+string(a.Class))
	if known := activities[verb]; known != "" && verb != "Update" {
		operation = strings.Fields(known)[len(strings.Fields(known))-1]
	}
	changed := odata.Value{Kind: odata.List}
	for _, m := range a.Changed {
		changed.List = append(changed.List, odata.OfObject(f("displayName", odata.Of(graphName(m.Attr))), f("oldValue", jsonText(m.Old)), f("newValue", jsonText(m.New))))
	}
	target := []odata.Field{f("id", odata.Of(string(a.Target))), f("displayName", odata.Of(a.Label)), f("type", odata.Of(e.title)), f("modifiedProperties", changed)}
	if e.class == canopy.User {
		target = append(target, f("userPrincipalName", odata.Of(a.Label)))
	}
	app := odata.OfObject(f("appId", odata.Of(a.Actor.App)), f("displayName", odata.Of(a.Actor.Name)), f("servicePrincipalId", odata.Of(string(a.Actor.Object))),
		f("servicePrincipalName", odata.Value{}))
	return odata.OfObject(f("id", odata.Of(a.ID)), f("activityDateTime", odata.OfTime(a.At)), f("activityDisplayName", odata.Of(a.Activity)),
		f("category", odata.Of(category)), f("correlationId", odata.Of(orElse(a.Actor.Request, a.ID))), f("loggedByService", odata.Of("Core Directory")),
		f("operationType", odata.Of(operation)), f("result", odata.Of("success")), f("resultReason", odata.Value{Kind: odata.Text}),
		f("initiatedBy", odata.OfObject(f("user", odata.Value{}), f("app", app))), f("targetResources", odata.OfList(odata.OfObject(target...))))
}

// jsonText is a list as JSON in a text, as the audit log has values.
func jsonText(list []string) odata.Value {
	if list == nil {
		list = []string{}
	}
	text, _ := json.Marshal(list) // text only
	return odata.Of(string(text))
}

// provisioned answers with what synchronisation wrote, the latest first.
func provisioned(c *call) (response, error) {
	set := c.dir.Settings()
	return c.logPage("provisioningObjectSummary", func(before int64, each func(odata.Value, int64) bool) error {
		return c.dir.Provisionings(c.ctx, before, func(p *tenant.Provisioned) bool { return each(c.provisionedValue(p, &set), p.Number) })
	})
}

// provisionedValue is a write of synchronisation as Graph tells it.
func (c *call) provisionedValue(p *tenant.Provisioned, set *tenant.Settings) odata.Value {
	e := c.entityOf(p.Class)
	identity := func(id string) odata.Value {
		return odata.OfObject(f("id", odata.Of(id)), f("displayName", odata.Of(p.Label)), f("identityType", odata.Of(e.title)), f("details", odata.OfObject()))
	}
	system := func(id, name string) odata.Value {
		return odata.OfObject(f("id", odata.Of(id)), f("displayName", odata.Of(name)), f("details", odata.OfObject()))
	}
	status, failure := "success", odata.Value{}
	switch {
	case p.Refused:
		status = "failure"
		failure = odata.OfObject(f("errorCode", odata.Of(p.Code)), f("reason", odata.Of(p.Text)), f("errorCategory", odata.Of("nonServiceFailure")),
			f("additionalDetails", odata.Value{}), f("recommendedAction", odata.Value{}))
	case p.Code != "":
		status = "warning"
		failure = odata.OfObject(f("errorCode", odata.Of(p.Code)), f("reason", odata.Of(p.Text)), f("errorCategory", odata.Of("nonServiceFailure")),
			f("additionalDetails", odata.Value{}), f("recommendedAction", odata.Value{}))
	}
	changed := odata.Value{Kind: odata.List}
	for _, m := range p.Changed {
		changed.List = append(changed.List, odata.OfObject(f("displayName", odata.Of(graphName(m.Attr))), f("oldValue", odata.Of(strings.Join(m.Old, ";"))),
			f("newValue", odata.Of(strings.Join(m.New, ";")))))
	}
	return odata.OfObject(f("id", odata.Of(roleID(fmt.Sprintf("provisioning %s %d", set.Tenant, p.Number)))), f("activityDateTime", odata.OfTime(p.At)), f("tenantId", odata.Of(set.Tenant)),
		f("jobId", odata.Of("AD2AADProvisioning."+strings.ReplaceAll(set.Tenant, "-", ""))), f("cycleId", odata.Value{}), f("changeId", odata.Of(orElse(string(p.Target), p.Anchor))),
		f("provisioningAction", odata.Of(string(p.Action))), f("durationInMilliseconds", odata.OfInt(0)), f("modifiedProperties", changed),
		f("provisioningStatusInfo", odata.OfObject(f("status", odata.Of(status)), f("errorInformation", failure))),
		f("sourceIdentity", identity(p.Anchor)), f("targetIdentity", identity(string(p.Target))),
		f("sourceSystem", system("ad", "Active Directory")), f("targetSystem", system(set.Tenant, set.Initial)), f("provisioningSteps", provisioningSteps(p, status)))
}

// provisioningSteps are the steps that a write went through here; what came before, the synchronising side has.
func provisioningSteps(p *tenant.Provisioned, status string) odata.Value {
	step := func(kind, name, status, text string) odata.Value {
		return odata.OfObject(f("name", odata.Of(name)), f("provisioningStepType", odata.Of(kind)), f("status", odata.Of(status)), f("description", odata.Of(text)), f("details", odata.OfObject()))
	}
	match := "No object was there; a new one is made"
	switch {
	case p.Refused:
		match = "The object was looked for by source anchor, address and sign-in name"
	case p.Match != "":
		match = "The object was found by its " + p.Match
	case p.Action != tenant.ActionCreate:
		match = "The object was known"
	}
	end := "The object was written: " + string(p.Action)
	if p.Text != "" {
		end = p.Text
	}
	return odata.OfList(step("import", "EntryImport", "success", "The object came from the forest"), step("matching", "EntryMatch", "success", match), step("export", "EntryExport", status, end))
}

// logPage answers with a page of a log, whose positions are numbers that fall.
func (c *call) logPage(name string, walk func(before int64, each func(odata.Value, int64) bool) error) (response, error) {
	l, err := c.valueListing(c.entities[name])
	if err != nil {
		return response{}, err
	}
	from, err := c.query.from()
	if err != nil {
		return response{}, err
	}
	if order := strings.Fields(strings.ToLower(c.query.order)); len(order) > 0 && (order[0] != "activitydatetime" || len(order) == 1 || order[1] != "desc") {
		return response{}, unsupported("Sorting not supported for current query.")
	}
	items := []byte{}
	var last int64
	n, seen, more := 0, 0, false
	err = walk(from.Number, func(v odata.Value, at int64) bool {
		if seen++; n == c.query.size() || seen > maxScan {
			more = true
			return false
		}
		if last = at; l.holds(v) {
			if n++; n > 1 {
				items = append(items, ',')
			}
			items = l.appendValue(items, v)
		}
		return true
	})
	if err != nil {
		return response{}, err
	}
	out := odata.AppendString([]byte(`{"@odata.context":`), c.root()+"/$metadata#"+l.e.set+l.e.chosen(c.query.selects))
	if more {
		out = odata.AppendString(append(out, `,"@odata.nextLink":`...), c.link("$skiptoken", seal(place{At: tenant.Position{Number: last}, Hash: c.query.hash()})))
	}
	return jsonOf(http.StatusOK, append(append(append(out, `,"value":[`...), items...), "]}"...)), nil
}
