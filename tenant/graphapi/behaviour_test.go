package graphapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// TestSourceOfAuthority: a synchronised object is given to the cloud, changed there, and given back.
func TestSourceOfAuthority(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	user := r.synced(canopy.User, "a1", canopy.Attrs{canopy.AttrUPN: canopy.Texts("u@contoso.com"), canopy.AttrDisplayName: canopy.Texts("U")})
	group := r.synced(canopy.Group, "a2", canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("G"), "securityEnabled": {canopy.Bool(true)}})
	contact := r.synced(canopy.Contact, "a3", canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("C"), canopy.AttrMail: canopy.Texts("c@example.org")})
	for path, change := range map[string]string{"/users/" + string(user): "u@contoso.com", "/groups/" + string(group): "", "/contacts/" + string(contact): ""} {
		is := func(want bool) {
			t.Helper()
			if a := r.want(200, "GET", path+"/onPremisesSyncBehavior", nil); a.JSON["isCloudManaged"] != want {
				t.Errorf("got %s, want %v", a.Text, want)
			}
		}
		is(false)
		for _, wrong := range []any{map[string]any{}, map[string]any{"isCloudManaged": nil}, map[string]any{"isCloudManaged": "yes"}, "[", "null"} {
			if a := r.call("PATCH", path+"/onPremisesSyncBehavior", wrong); a.Status != 400 {
				t.Errorf("%v: got %d", wrong, a.Status)
			}
		}
		is(false)
		if a := r.want(200, "PATCH", path+"/onPremisesSyncBehavior", map[string]any{"isCloudManaged": true}); a.JSON["isCloudManaged"] != true {
			t.Errorf("got %s", a.Text)
		}
		is(true)
		if a := r.want(200, "GET", path+"?$select=onPremisesSyncEnabled", nil); a.JSON["onPremisesSyncEnabled"] != false {
			t.Errorf("got %s, want what was synchronised", a.Text)
		}
		if change != "" {
			r.want(204, "PATCH", path, map[string]any{"displayName": "of the cloud"})
		}
		r.want(200, "PATCH", path+"/onPremisesSyncBehavior", map[string]any{"isCloudManaged": false})
		is(false)
	}
	born := r.want(201, "POST", "/users", newUser("born@contoso.com")).JSON["id"].(string)
	if a := r.want(400, "PATCH", "/users/"+born+"/onPremisesSyncBehavior", map[string]any{"isCloudManaged": true}); a.code() != codeBad || !strings.Contains(a.message(), "not synchronised") {
		t.Errorf("got %s", a.Text)
	}
	r.want(404, "GET", "/users/"+string(group)+"/onPremisesSyncBehavior", nil)
	if got := r.want(200, "GET", "/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Change Source of Authority from AD to cloud'", nil).list(); len(got) != 3 {
		t.Errorf("got %d audits, want 3", len(got))
	}
	weak := r.signIn("User-OnPremisesSyncBehavior.Read.All", "Directory.ReadWrite.All")
	r.want(200, "GET", "/users/"+born+"/onPremisesSyncBehavior", nil, "Authorization: Bearer "+weak)
	r.want(403, "PATCH", "/users/"+born+"/onPremisesSyncBehavior", map[string]any{"isCloudManaged": false}, "Authorization: Bearer "+weak)
}

// TestSynchronizationOff: beta switches synchronisation off, which v1.0 cannot, and not on again at once.
func TestSynchronizationOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := r.synced(canopy.User, "a1", canopy.Attrs{canopy.AttrUPN: canopy.Texts("u@contoso.com"), canopy.AttrDisplayName: canopy.Texts("U")})
	org := r.want(200, "GET", "/organization", nil).list()[0]
	if org["onPremisesSyncEnabled"] != true {
		t.Errorf("got %v", org)
	}
	path := "/organization/" + org["id"].(string)
	off := map[string]any{"onPremisesSyncEnabled": false}
	if a := r.want(400, "PATCH", path, off); a.message() != "Property 'onPremisesSyncEnabled' is read-only and cannot be set." {
		t.Errorf("got %s", a.Text)
	}
	r.want(400, "PATCH", "https://graph.lab/beta"+path, map[string]any{"onPremisesSyncEnabled": "no"})
	r.want(204, "PATCH", "https://graph.lab/beta"+path, off)
	if a := r.want(200, "GET", path, nil); a.JSON["onPremisesSyncEnabled"] != false {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(200, "GET", "/users/"+string(id)+"?$select=onPremisesSyncEnabled,onPremisesImmutableId", nil); a.JSON["onPremisesSyncEnabled"] == true || a.JSON["onPremisesImmutableId"] != "a1" {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(400, "PATCH", "https://graph.lab/beta"+path, map[string]any{"onPremisesSyncEnabled": true}); !strings.Contains(a.message(), "switched on again after") {
		t.Errorf("got %s", a.Text)
	}
}

// TestLicenceStates: a user's licences tell where they come from and why one is not there, and the group tells that it fails.
func TestLicenceStates(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	admin := r.tenant.Admin()
	const e3, f3, teams = "6fd2c87f-b296-42f0-b197-1e91e994b900", "4b585984-651b-448a-9e53-3b10f069cf7f", "57ff2da0-773e-42df-b2af-ffb7a2317929"
	give := func(sku string, off ...string) map[string]any {
		return map[string]any{"addLicenses": []any{map[string]any{"skuId": sku, "disabledPlans": off}}, "removeLicenses": []string{}}
	}
	id := string(r.person("u@contoso.com", "U", canopy.Attrs{"usageLocation": canopy.Texts("SE")}))
	plain := string(r.person("v@contoso.com", "V", nil))
	group := r.want(201, "POST", "/groups", map[string]any{"displayName": "G", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true,
		"members@odata.bind": []string{"https://graph.microsoft.com/v1.0/directoryObjects/" + id, "https://graph.microsoft.com/v1.0/users/" + plain}}).JSON["id"].(string)
	r.want(200, "POST", "/users/"+id+"/assignLicense", give(e3, teams))
	r.want(200, "POST", "/groups/"+group+"/assignLicense", give(f3))
	tell := "?$select=hasMembersWithLicenseErrors,licenseProcessingState"
	if a := r.want(200, "GET", "/groups/"+group+tell, nil); a.JSON["licenseProcessingState"].(map[string]any)["state"] != "QueuedForProcessing" {
		t.Errorf("got %s", a.Text)
	}
	if _, err := r.tenant.License(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := func(sku, group any, off []any, state, err string) map[string]any {
		return map[string]any{"skuId": sku, "assignedByGroup": group, "disabledPlans": off, "state": state, "error": err, "lastUpdatedDateTime": "2026-03-04T05:06:07Z"}
	}
	want := []any{state(e3, nil, []any{teams}, "Active", "None"), state(f3, group, []any{}, "Error", "MutuallyExclusiveViolation")}
	for _, path := range []string{"/users/" + id + "?$select=licenseAssignmentStates", "/users?$filter=id eq '" + id + "'&$select=licenseAssignmentStates",
		"/users/delta?$filter=id eq '" + id + "'&$select=licenseAssignmentStates"} {
		a := r.want(200, "GET", path, nil)
		got := a.JSON["licenseAssignmentStates"]
		if list := a.list(); len(list) == 1 {
			got = list[0]["licenseAssignmentStates"]
		}
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	a := r.want(200, "GET", "/groups/"+group+tell, nil)
	if a.JSON["hasMembersWithLicenseErrors"] != true || a.JSON["licenseProcessingState"].(map[string]any)["state"] != "ProcessingComplete" {
		t.Errorf("got %s", a.Text)
	}
	if got := r.want(200, "GET", "/groups?$filter=hasMembersWithLicenseErrors eq true&$select=id", nil).names("id"); !cmp.Equal(got, []string{group}) {
		t.Errorf("got %v", got)
	}
	if err := admin.RemoveFromGroup(t.Context(), canopy.Anchor(group), canopy.Anchor(id)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenant.License(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.want(200, "GET", "/groups?$filter=hasMembersWithLicenseErrors eq true", nil).list(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// TestRestoreWithoutTakenAddresses: a deleted user comes back without the address that another one has by now.
func TestRestoreWithoutTakenAddresses(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := r.want(201, "POST", "/users", with2(newUser("a@contoso.com"), "mail", "shared@contoso.com")).JSON["id"].(string)
	r.want(204, "DELETE", "/users/"+id, nil)
	r.want(201, "POST", "/users", with2(newUser("b@contoso.com"), "mail", "shared@contoso.com"))
	r.want(400, "POST", "/directory/deletedItems/"+id+"/restore", nil)
	r.want(200, "POST", "/directory/deletedItems/"+id+"/restore", map[string]any{"autoReconcileProxyConflict": true})
	if a := r.want(200, "GET", "/users/"+id+"?$select=mail,proxyAddresses", nil); strings.Contains(a.Text, "shared") {
		t.Errorf("got %s", a.Text)
	}
}
