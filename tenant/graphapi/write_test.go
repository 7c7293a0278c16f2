package graphapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/graphapi/odata"
)

func newUser(upn string) map[string]any {
	return map[string]any{"accountEnabled": true, "displayName": "New " + upn, "mailNickname": strings.Split(upn, "@")[0], "userPrincipalName": upn,
		"passwordProfile": map[string]any{"password": "xWwvJ]6NMw+bWH-d", "forceChangePasswordNextSignIn": false}}
}

// without is a body without a property, with is one with another value of it.
func without(m map[string]any, name string) map[string]any {
	delete(m, name)
	return m
}

func with2(m map[string]any, name string, v any) map[string]any {
	m[name] = v
	return m
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	body := newUser("new@contoso.com")
	body["@odata.type"] = "#microsoft.graph.user"
	body["mailNickName"] = body["mailNickname"] // as some clients spell it
	delete(body, "mailNickname")
	body["city"] = nil
	body["onPremisesExtensionAttributes"] = map[string]any{"extensionAttribute3": "three"}
	a := r.want(201, "POST", "/users", body)
	id := a.JSON["id"].(string)
	if got, want := a.Header.Get("Location"), "https://graph.lab/v1.0/users/"+id; got != want {
		t.Errorf("got location %q, want %q", got, want)
	}
	b := r.want(200, "GET", "/users/"+id+"?$select=mailNickname,userType,accountEnabled,passwordProfile,onPremisesExtensionAttributes,createdDateTime,lastPasswordChangeDateTime", nil)
	got := map[string]any{}
	for _, name := range []string{"mailNickname", "userType", "accountEnabled", "passwordProfile", "createdDateTime", "lastPasswordChangeDateTime"} {
		got[name] = b.JSON[name]
	}
	got["ext3"] = b.JSON["onPremisesExtensionAttributes"].(map[string]any)["extensionAttribute3"]
	want := map[string]any{"mailNickname": "new", "userType": "Member", "accountEnabled": true, "createdDateTime": "2026-03-04T05:06:07Z",
		"lastPasswordChangeDateTime": "2026-03-04T05:06:07Z", "ext3": "three",
		"passwordProfile": map[string]any{"forceChangePasswordNextSignIn": false, "forceChangePasswordNextSignInWithMfa": false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(b.Text, "xWwvJ") {
		t.Error("the password was given back")
	}
	for _, c := range []struct {
		name    string
		body    map[string]any
		message string
	}{
		{"the same name again", newUser("NEW@contoso.com"), "Another object with the same value for property userPrincipalName already exists."},
		{"no password", without(newUser("a@contoso.com"), "passwordProfile"), "A password must be specified to create a new user."},
		{"a weak password", with2(newUser("a@contoso.com"), "passwordProfile", map[string]any{"password": "secret"}),
			"The specified password does not comply with password complexity requirements. Please provide a different password."},
		{"another's domain", newUser("a@example.org"), "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization."},
		{"an accent", newUser("ä@contoso.com"), "Property userPrincipalName is invalid."},
		{"no display name", without(newUser("a@contoso.com"), "displayName"), "Invalid value specified for property 'displayName' of resource 'User'."},
		{"a read-only property", with2(newUser("a@contoso.com"), "onPremisesSyncEnabled", true), "Property 'onPremisesSyncEnabled' is read-only and cannot be set."},
		{"addresses", with2(newUser("a@contoso.com"), "proxyAddresses", []string{"smtp:a@contoso.com"}), "Property 'proxyAddresses' is read-only and cannot be set."},
		{"an unknown property", with2(newUser("a@contoso.com"), "shoeSize", 43), "Invalid property 'shoeSize'."},
		{"two telephones", with2(newUser("a@contoso.com"), "businessPhones", []string{"1", "2"}), "Invalid value specified for property 'businessPhones' of resource 'User'."},
		{"a long city", with2(newUser("a@contoso.com"), "city", strings.Repeat("x", 129)), "Invalid value specified for property 'city' of resource 'User'."},
		{"a bad nickname", with2(newUser("a@contoso.com"), "mailNickname", "a b"), "Invalid value specified for property 'mailNickname' of resource 'User'."},
	} {
		a := r.want(400, "POST", "/users", c.body)
		if a.code() != "Request_BadRequest" || a.message() != c.message {
			t.Errorf("%s: got %s, want %q", c.name, a.Text, c.message)
		}
	}
	taken := r.want(400, "POST", "/users", newUser("new@contoso.com"))
	want = map[string]any{"code": "ObjectConflict", "message": "Another object with the same value for property userPrincipalName already exists.", "target": "userPrincipalName"}
	if diff := cmp.Diff([]any{want}, taken.JSON["error"].(map[string]any)["details"]); diff != "" {
		t.Error(diff)
	}
	if a := r.want(400, "POST", "/users", "{"); a.code() != "BadRequest" {
		t.Errorf("got %s", a.Text)
	}
	r.want(200, "GET", "/users/$count", nil, advancedHeader)
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := r.want(201, "POST", "/users", newUser("new@contoso.com")).JSON["id"].(string)
	r.want(204, "PATCH", "/users/new@contoso.com", map[string]any{"city": "Lund", "JOBTITLE": "Smith", "mail": "new.mail@contoso.com", "businessPhones": []string{"+46"},
		"employeeOrgData": map[string]any{"division": "North"}, "showInAddressList": false, "onPremisesImmutableId": "AAECAwQ="})
	r.want(204, "PATCH", "/users/"+id, map[string]any{"mail": "other@contoso.com", "city": nil, "passwordPolicies": "DisablePasswordExpiration"})
	a := r.want(200, "GET", "/users/"+id+"?$select=city,jobTitle,mail,proxyAddresses,businessPhones,employeeOrgData,showInAddressList,onPremisesImmutableId,passwordPolicies", nil)
	delete(a.JSON, "@odata.context")
	want := map[string]any{"city": nil, "jobTitle": "Smith", "mail": "other@contoso.com", "proxyAddresses": []any{"SMTP:other@contoso.com", "smtp:new.mail@contoso.com"},
		"businessPhones": []any{"+46"}, "employeeOrgData": map[string]any{"division": "North", "costCenter": nil}, "showInAddressList": false,
		"onPremisesImmutableId": "AAECAwQ=", "passwordPolicies": "DisablePasswordExpiration"}
	if diff := cmp.Diff(want, a.JSON); diff != "" {
		t.Error(diff)
	}
	found := r.want(200, "GET", "/users?$filter=onPremisesImmutableId eq 'AAECAwQ='", nil)
	if got := found.names("id"); len(got) != 1 || got[0] != id {
		t.Errorf("by its immutable id: got %v", got)
	}
	r.want(404, "PATCH", "/users/nobody@contoso.com", map[string]any{"city": "x"})
	weak := r.signIn("User.ReadWrite.All")
	r.want(403, "PATCH", "/users/"+id, map[string]any{"passwordProfile": map[string]any{"password": "xWwvJ]6NMw+bWH-d"}}, "Authorization: Bearer "+weak)
	r.want(204, "PATCH", "/users/"+id, map[string]any{"city": "Ystad"}, "Authorization: Bearer "+weak)
	r.want(405, "PUT", "/users/"+id, map[string]any{})
}

func TestSyncedUserIsLocked(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := r.synced(canopy.User, "anchor1", canopy.Attrs{canopy.AttrUPN: canopy.Texts("sync@contoso.com"), canopy.AttrDisplayName: canopy.Texts("Synced"),
		"onPremisesDistinguishedName": canopy.Texts("CN=Synced,DC=contoso,DC=com"), "accountEnabled": {canopy.Bool(true)}})
	locked := r.server.entities["user"]
	tried := 0
	for _, p := range locked.list {
		if p.readOnly || p.attr == "" || ofCloudHere[p.name] {
			continue
		}
		var v any = "x@contoso.com"
		switch p.kind {
		case odata.Bool:
			v = true
		case odata.Time:
			v = "2026-01-01T00:00:00Z"
		case odata.List:
			v = []string{"x"}
		default:
		}
		if p.name == "mailNickname" || p.name == "onPremisesImmutableId" {
			v = "xyz"
		}
		if p.name == "employeeId" || p.name == "userType" {
			v = "Guest"
		}
		tried++
		a := r.want(400, "PATCH", "/users/"+string(id), map[string]any{p.name: v})
		if a.message() != mastered {
			t.Errorf("%s: got %s", p.name, a.Text)
		}
	}
	if tried < 20 {
		t.Errorf("only %d properties were tried", tried)
	}
	r.want(400, "PATCH", "/users/"+string(id), map[string]any{"usageLocation": "SE", "city": "Lund"})
	r.want(204, "PATCH", "/users/"+string(id), map[string]any{"usageLocation": "SE", "otherMails": []string{"a@example.org"}, "accountEnabled": false})
	a := r.want(200, "GET", "/users/"+string(id)+"?$select=usageLocation,otherMails,accountEnabled,onPremisesSyncEnabled,city", nil)
	delete(a.JSON, "@odata.context")
	want := map[string]any{"usageLocation": "SE", "otherMails": []any{"a@example.org"}, "accountEnabled": false, "onPremisesSyncEnabled": true, "city": nil}
	if diff := cmp.Diff(want, a.JSON); diff != "" {
		t.Error(diff)
	}
	if a := r.want(400, "PATCH", "/users/"+string(id), map[string]any{"passwordProfile": map[string]any{"password": "xWwvJ]6NMw+bWH-d"}}); a.message() != mastered {
		t.Errorf("got %s", a.Text)
	}
}

// ofCloudHere are what the cloud may change of a synchronised user.
var ofCloudHere = map[string]bool{"usageLocation": true, "passwordPolicies": true, "otherMails": true, "accountEnabled": true, "ageGroup": true,
	"consentProvidedForMinor": true, "preferredDataLocation": true, "signInSessionsValidFromDateTime": true}

func TestDeleteAndRestore(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := r.want(201, "POST", "/users", newUser("gone@contoso.com")).JSON["id"].(string)
	r.want(204, "DELETE", "/users/gone@contoso.com", nil)
	r.want(404, "GET", "/users/"+id, nil)
	r.want(404, "DELETE", "/users/"+id, nil)
	a := r.want(200, "GET", "/directory/deletedItems/microsoft.graph.user", nil)
	if got, want := a.names("userPrincipalName"), []string{strings.ReplaceAll(id, "-", "") + "gone@contoso.com"}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := r.want(200, "GET", "/directory/deletedItems/"+id, nil).JSON["@odata.type"]; got != "#microsoft.graph.user" {
		t.Errorf("got %v", got)
	}
	r.want(200, "POST", "/directory/deletedItems/"+id+"/restore", map[string]any{"newUserPrincipalName": "back@contoso.com"})
	if got := r.want(200, "GET", "/users/"+id, nil).JSON["userPrincipalName"]; got != "back@contoso.com" {
		t.Errorf("got %v", got)
	}
	r.want(204, "DELETE", "/users/"+id, nil)
	r.want(204, "DELETE", "/directory/deletedItems/"+id, nil)
	r.want(404, "GET", "/directory/deletedItems/"+id, nil)
	r.want(404, "POST", "/directory/deletedItems/"+id+"/restore", nil)
}

func TestGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	var people []string
	for i := range 5 {
		people = append(people, string(r.person(fmt.Sprintf("m%d@contoso.com", i), fmt.Sprintf("Member %d", i), nil)))
	}
	at := func(id string) string { return "https://graph.microsoft.com/v1.0/directoryObjects/" + id }
	a := r.want(201, "POST", "/groups", map[string]any{"displayName": "Staff", "mailEnabled": false, "mailNickname": "staff", "securityEnabled": true, "groupTypes": []string{},
		"description": nil, "members@odata.bind": []string{at(people[0])}, "owners@odata.bind": []string{at(people[1])}})
	id := a.JSON["id"].(string)
	r.want(204, "POST", "/groups/"+id+"/members/$ref", map[string]any{"@odata.id": at(people[1])})
	if a := r.want(400, "POST", "/groups/"+id+"/members/$ref", map[string]any{"@odata.id": at(people[1])}); a.message() != "One or more added object references already exist for the following modified properties: 'members'." {
		t.Errorf("got %s", a.Text)
	}
	r.want(404, "POST", "/groups/"+id+"/members/$ref", map[string]any{"@odata.id": at("00000000-0000-0000-0000-00000000dead")})
	r.want(204, "PATCH", "/groups/"+id, map[string]any{"members@odata.bind": []string{at(people[2]), at(people[3])}, "description": "All"})
	r.want(404, "PATCH", "/groups/"+id, map[string]any{"members@odata.bind": []string{at(people[4]), at("00000000-0000-0000-0000-00000000dead")}})
	r.want(204, "DELETE", "/groups/"+id+"/members/"+people[0]+"/$ref", nil)
	r.want(404, "DELETE", "/groups/"+id+"/members/"+people[0]+"/$ref", nil)
	got := r.want(200, "GET", "/groups/"+id+"/members?$select=displayName,id", nil)
	if diff := cmp.Diff([]string{"Member 1", "Member 2", "Member 3"}, got.names("displayName")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"#microsoft.graph.user", "#microsoft.graph.user", "#microsoft.graph.user"}, got.names("@odata.type")); diff != "" {
		t.Error(diff)
	}
	page := r.want(200, "GET", "/groups/"+id+"/members/microsoft.graph.user?$top=2", nil)
	rest := r.want(200, "GET", page.JSON["@odata.nextLink"].(string), nil)
	if len(page.list()) != 2 || len(rest.list()) != 1 || rest.JSON["@odata.nextLink"] != nil {
		t.Errorf("got pages %s %s", page.Text, rest.Text)
	}
	if a := r.want(200, "GET", "/groups/"+id+"/members/$count", nil, advancedHeader); a.Text != "3" {
		t.Errorf("got %s", a.Text)
	}
	r.want(200, "GET", "/groups/"+id+"/members/$ref", nil)
	if got := r.want(200, "GET", "/groups/"+id+"/owners", nil).names("displayName"); !cmp.Equal(got, []string{"Member 1"}) {
		t.Errorf("got owners %v", got)
	}
	outer := r.want(201, "POST", "/groups", map[string]any{"displayName": "All", "mailEnabled": true, "mailNickname": "all", "securityEnabled": false, "groupTypes": []string{"Unified"},
		"members@odata.bind": []string{at(id)}}).JSON["id"].(string)
	if got := r.want(200, "GET", "/groups/"+outer+"/transitiveMembers", nil).names("displayName"); len(got) != 4 {
		t.Errorf("got %v", got)
	}
	if got := r.want(200, "GET", "/users/"+people[1]+"/transitiveMemberOf/graph.group?$orderby=displayName", nil).names("displayName"); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	if got := r.want(200, "POST", "/users/"+people[1]+"/getMemberGroups", map[string]any{"securityEnabledOnly": true}); got.Text == "" || len(got.JSON["value"].([]any)) != 1 {
		t.Errorf("got %s", got.Text)
	}
	if got := r.want(200, "POST", "/users/"+people[1]+"/checkMemberGroups", map[string]any{"groupIds": []string{outer, people[0]}}); len(got.JSON["value"].([]any)) != 1 {
		t.Errorf("got %s", got.Text)
	}
	if got := r.want(200, "POST", "/directoryObjects/getByIds", map[string]any{"ids": []string{outer, people[0]}, "types": []string{"group"}}).names("id"); !cmp.Equal(got, []string{outer}) {
		t.Errorf("got %v", got)
	}
	ex := r.want(200, "GET", "/groups/"+id+"?$expand=members($select=id,displayName)", nil)
	if got := ex.JSON["members"].([]any); len(got) != 3 {
		t.Errorf("got %v", got)
	}
	r.want(200, "GET", "/groups?$filter=groupTypes/any(c:c eq 'Unified')", nil)
	if a := r.want(400, "POST", "/groups", map[string]any{"displayName": "D", "mailEnabled": true, "mailNickname": "d", "securityEnabled": true}); !strings.Contains(a.message(), "mail-enabled groups") {
		t.Errorf("got %s", a.Text)
	}
	r.want(204, "DELETE", "/groups/"+id, nil)
}

func TestManager(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	boss, worker := string(r.person("boss@contoso.com", "Boss", nil)), string(r.person("worker@contoso.com", "Worker", nil))
	r.want(404, "GET", "/users/"+worker+"/manager", nil)
	r.want(204, "PUT", "/users/"+worker+"/manager/$ref", map[string]any{"@odata.id": "https://x/v1.0/users/" + boss})
	if got := r.want(200, "GET", "/users/"+worker+"/manager", nil).JSON["displayName"]; got != "Boss" {
		t.Errorf("got %v", got)
	}
	if got := r.want(200, "GET", "/users/"+boss+"/directReports", nil).names("displayName"); !cmp.Equal(got, []string{"Worker"}) {
		t.Errorf("got %v", got)
	}
	a := r.want(200, "GET", "/users?$expand=manager($select=id)", nil)
	if got := a.list()[1]["manager"].(map[string]any)["id"]; got != boss {
		t.Errorf("got %s", a.Text)
	}
	r.want(204, "DELETE", "/users/"+worker+"/manager/$ref", nil)
	r.want(404, "DELETE", "/users/"+worker+"/manager/$ref", nil)
}

func TestSyncedGroupIsLocked(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	member := r.person("m@contoso.com", "M", nil)
	id := string(r.synced(canopy.Group, "ganchor", canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("Synced"), "securityEnabled": {canopy.Bool(true)}}, member))
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"PATCH", "/groups/" + id, map[string]any{"displayName": "x"}},
		{"POST", "/groups/" + id + "/members/$ref", map[string]any{"@odata.id": "https://x/v1.0/directoryObjects/" + string(member)}},
		{"DELETE", "/groups/" + id + "/members/" + string(member) + "/$ref", nil},
	} {
		if a := r.want(400, c.method, c.path, c.body); a.message() != mastered {
			t.Errorf("%s %s: got %s", c.method, c.path, a.Text)
		}
	}
	r.want(200, "GET", "/groups/"+id, nil)
}
