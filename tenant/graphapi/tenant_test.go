package graphapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

func TestTenantItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	o := r.want(200, "GET", "/organization", nil).list()[0]
	if o["displayName"] != "contoso" || o["onPremisesSyncEnabled"] != nil || len(o["verifiedDomains"].([]any)) != 2 {
		t.Errorf("got %v", o)
	}
	id := o["id"].(string)
	r.synced(canopy.User, "a1", canopy.Attrs{canopy.AttrUPN: canopy.Texts("s@contoso.com"), canopy.AttrDisplayName: canopy.Texts("S")})
	if got := r.want(200, "GET", "/organization/"+id+"?$select=onPremisesSyncEnabled", nil).JSON["onPremisesSyncEnabled"]; got != true {
		t.Errorf("got %v", got)
	}
	if a := r.want(400, "PATCH", "/organization/"+id, map[string]any{"onPremisesSyncEnabled": false}); a.message() != "Property 'onPremisesSyncEnabled' is read-only and cannot be set." {
		t.Errorf("got %s", a.Text)
	}
	if got := r.want(200, "GET", "/domains", nil).names("id"); !cmp.Equal(got, []string{"contoso.onmicrosoft.com", "contoso.com"}) {
		t.Errorf("got %v", got)
	}
	r.want(200, "GET", "/domains/contoso.com", nil)
	r.want(404, "GET", "/domains/fabrikam.com", nil)
	sync := "/directory/onPremisesSynchronization/" + id
	r.want(200, "GET", "/directory/onPremisesSynchronization", nil)
	r.want(204, "PATCH", sync, map[string]any{"features": map[string]any{"blockSoftMatchEnabled": true}})
	features := r.want(200, "GET", sync, nil).JSON["features"].(map[string]any)
	if features["blockSoftMatchEnabled"] != true || features["softMatchOnUpnEnabled"] != true || features["passwordSyncEnabled"] != false || len(features) != 20 {
		t.Errorf("got %v", features)
	}
	if !r.tenant.Admin().Switches().BlockSoftMatch {
		t.Error("the switch was not turned")
	}
	r.want(400, "PATCH", sync, map[string]any{"features": map[string]any{"softMatchOnUpnEnabled": false}})
	r.want(400, "PATCH", sync, map[string]any{"features": map[string]any{"passwordSyncEnabled": true}})
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	graph := r.want(200, "GET", "/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'", nil).list()
	if len(graph) != 1 || len(graph[0]["appRoles"].([]any)) != len(Roles()) {
		t.Fatalf("got %v", graph)
	}
	r.want(200, "GET", "/servicePrincipals/"+graph[0]["id"].(string), nil)
	r.want(200, "GET", "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", nil)
	page := r.want(200, "GET", "/servicePrincipals?$top=1&$select=displayName", nil)
	rest := r.want(200, "GET", page.JSON["@odata.nextLink"].(string), nil)
	if !cmp.Equal(append(page.names("displayName"), rest.names("displayName")...), []string{"Microsoft Graph", "tests"}) {
		t.Errorf("got %s %s", page.Text, rest.Text)
	}
	apps := r.want(200, "GET", "/applications", nil)
	app, err := r.server.dir.App(t.Context(), "tests")
	if err != nil {
		t.Fatal(err)
	}
	if apps.list()[0]["appId"] != app.ID || strings.Contains(apps.Text, string(app.Secrets[0].Hash)) {
		t.Errorf("got %s", apps.Text)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := r.want(201, "POST", "/users", newUser("a@contoso.com")).JSON["id"].(string)
	r.want(204, "PATCH", "/users/"+id, map[string]any{"city": "Lund"})
	r.want(204, "DELETE", "/users/"+id, nil)
	a := r.want(200, "GET", "/auditLogs/directoryAudits", nil)
	if got := a.names("activityDisplayName"); !cmp.Equal(got, []string{"Delete user", "Update user", "Add user", "Add application"}) {
		t.Errorf("got %v", got)
	}
	changed := a.list()[1]["targetResources"].([]any)[0].(map[string]any)["modifiedProperties"].([]any)[0]
	if diff := cmp.Diff(map[string]any{"displayName": "city", "oldValue": "[]", "newValue": `["Lund"]`}, changed); diff != "" {
		t.Error(diff)
	}
	r.want(200, "GET", "/auditLogs/directoryAudits/"+a.list()[0]["id"].(string), nil)
	page := r.want(200, "GET", "/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Update user'&$top=1", nil)
	if got := page.names("activityDisplayName"); !cmp.Equal(got, []string{"Update user"}) {
		t.Errorf("got %v", got)
	}
	r.synced(canopy.User, "a1", canopy.Attrs{canopy.AttrUPN: canopy.Texts("s@contoso.com"), canopy.AttrDisplayName: canopy.Texts("S")})
	weak := r.signIn("User.Read.All")
	r.want(403, "GET", "/auditLogs/directoryAudits", nil, "Authorization: Bearer "+weak)
}

// TestBeta: what clients want of /beta is answered like /v1.0.
func TestBeta(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := r.want(201, "POST", "https://graph.lab/beta/users", newUser("a@contoso.com")).JSON["id"].(string)
	r.want(204, "PATCH", "https://graph.lab/beta/users/"+id, map[string]any{"showInAddressList": false})
	a := r.want(200, "GET", "https://graph.lab/beta/users/"+id+"?$select=showInAddressList", nil)
	if a.JSON["showInAddressList"] != false || !strings.HasPrefix(a.JSON["@odata.context"].(string), "https://graph.lab/beta/") {
		t.Errorf("got %s", a.Text)
	}
}
