package graphapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

func TestLicences(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := string(r.synced(canopy.User, "a1", canopy.Attrs{canopy.AttrUPN: canopy.Texts("l@contoso.com"), canopy.AttrDisplayName: canopy.Texts("L")}))
	const e3, lockbox = "6fd2c87f-b296-42f0-b197-1e91e994b900", "57ff2da0-773e-42df-b2af-ffb7a2317929"
	give := map[string]any{"addLicenses": []any{map[string]any{"skuId": e3, "disabledPlans": []string{lockbox}}}, "removeLicenses": []string{}}
	take := map[string]any{"addLicenses": []any{}, "removeLicenses": []string{e3}}
	if a := r.want(400, "POST", "/users/"+id+"/assignLicense", give); a.message() != "License assignment cannot be done for user with invalid usage location." {
		t.Errorf("got %s", a.Text)
	}
	r.want(204, "PATCH", "/users/"+id, map[string]any{"usageLocation": "SE"})
	r.want(200, "POST", "/users/"+id+"/assignLicense", give)
	a := r.want(200, "GET", "/users/"+id+"?$select=assignedLicenses", nil)
	if diff := cmp.Diff([]any{map[string]any{"skuId": e3, "disabledPlans": []any{lockbox}}}, a.JSON["assignedLicenses"]); diff != "" {
		t.Error(diff)
	}
	r.want(200, "GET", "/users/"+id+"/licenseDetails", nil)
	consumed := -1.0
	for _, s := range r.want(200, "GET", "/subscribedSkus", nil).list() {
		if s["skuId"] == e3 {
			consumed = s["consumedUnits"].(float64)
		}
	}
	if consumed != 1 {
		t.Errorf("got %v units consumed, want 1", consumed)
	}
	if got := r.want(200, "GET", "/users?$filter=assignedLicenses/any(l:l/skuId eq "+e3+")", nil).names("id"); !cmp.Equal(got, []string{id}) {
		t.Errorf("got %v", got)
	}
	r.want(200, "POST", "/users/"+id+"/assignLicense", take)
	if a := r.want(400, "POST", "/users/"+id+"/assignLicense", take); a.message() != "User does not have a corresponding license." {
		t.Errorf("got %s", a.Text)
	}
	other := map[string]any{"addLicenses": []any{map[string]any{"skuId": "00000000-0000-0000-0000-000000000001"}}, "removeLicenses": []string{}}
	if a := r.want(400, "POST", "/users/"+id+"/assignLicense", other); a.message() != "License 00000000-0000-0000-0000-000000000001 does not correspond to a valid company License." {
		t.Errorf("got %s", a.Text)
	}
	r.want(400, "POST", "/users/"+id+"/assignLicense", map[string]any{"addLicenses": []any{}})
}
