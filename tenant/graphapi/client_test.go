package graphapi

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// TestWaysToAsk: programs of all kinds ask for the same in different ways, all of them legal.
func TestWaysToAsk(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := string(r.person("ann@contoso.com", "Ann O'Neil", nil))
	boss := string(r.person("boss@contoso.com", "Boss", nil))
	chief := string(r.person("chief@contoso.com", "Chief", nil))
	for of, to := range map[string]string{id: boss, boss: chief} {
		r.want(204, "PUT", "/users/"+of+"/manager/$ref", map[string]any{"@odata.id": "https://graph.microsoft.com/v1.0/users/" + to})
	}
	group := r.want(201, "POST", "/groups", map[string]any{"displayName": "G", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true,
		"members@odata.bind": []string{"https://graph.microsoft.com/v1.0/directoryObjects/" + id}}).JSON["id"].(string)
	name := url.QueryEscape("displayName eq 'Ann O''Neil'")
	for _, path := range []string{"/users/" + id + "/", "/users/" + strings.ToUpper(id), "/users('" + id + "')", "/users(%27" + id + "%27)", "/users('ann@contoso.com')", "/users(userPrincipalName='ann@contoso.com')",
		"/users/ann%40contoso.com", "//users//" + id, "/directoryObjects/" + id + "/microsoft.graph.user", "/directoryObjects/" + id} {
		if a := r.want(200, "GET", path, nil); a.JSON["id"] != id {
			t.Errorf("%s: got %s", path, a.Text)
		}
	}
	r.want(404, "GET", "/directoryObjects/"+id+"/microsoft.graph.group", nil)
	for _, path := range []string{"/users?$filter=" + name, "/users?%24filter=" + name + "&%24select=id,%20displayName%20", "/users/?filter=" + name, "/users?$filter=" + name + "&$select=id,+displayName,",
		"/users?$filter=" + name + "&$format=json&foo=bar", "/users?$filter=(" + name + ")", "/groups/" + group + "/members", "/groups('" + group + "')/members/graph.user", "/groups/" + group + "/transitiveMembers",
		"/groups/" + group + "/members/microsoft.graph.user?$select=id&$count=true"} {
		if got := r.want(200, "GET", path, nil, "consistencylevel: Eventual").names("id"); !cmp.Equal(got, []string{id}) {
			t.Errorf("%s: got %v", path, got)
		}
	}
	if a := r.want(200, "GET", "/groups/"+group+"/members/microsoft.graph.user/$count", nil, advancedHeader); a.Text != "1" {
		t.Errorf("got %s", a.Text)
	}
	for _, path := range []string{"/me", "/me/memberOf", "/ME"} {
		if a := r.want(400, "GET", path, nil); a.code() != "BadRequest" || a.message() != "/me request is only valid with delegated authentication flow." {
			t.Errorf("got %s", a.Text)
		}
	}
	a := r.want(200, "GET", "/users/"+id+"?$expand=manager($levels=max;$select=id)&$select=id&$count=true", nil, advancedHeader)
	first, _ := a.JSON["manager"].(map[string]any)
	second, _ := first["manager"].(map[string]any)
	if first["id"] != boss || second["id"] != chief || second["manager"] != nil {
		t.Errorf("got %s", a.Text)
	}
	a = r.want(200, "GET", "/users/"+id+"?$expand=manager($levels=1)", nil)
	if first, _ := a.JSON["manager"].(map[string]any); first["id"] != boss || first["manager"] != nil {
		t.Errorf("got %s", a.Text)
	}
	r.want(400, "GET", "/users/"+id+"?$expand=manager($levels=-1)", nil)
	r.want(400, "GET", "/users?$expand=manager&$count=true", nil, advancedHeader)
}

// TestPreferredPage: a page has as many objects as are preferred, and says so.
func TestPreferredPage(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	for _, n := range []string{"a", "b", "c"} {
		r.person(n+"@contoso.com", n, nil)
	}
	for _, c := range []struct {
		path, prefer string
		want         int
	}{{"/users", "odata.maxpagesize=2", 2}, {"/users", "return=minimal, MaxPageSize=2", 2}, {"/users?$top=1", "odata.maxpagesize=2", 1}, {"/users?$top=3", "odata.maxpagesize=2", 2},
		{"/users/delta", "odata.maxpagesize=2", 2}, {"/users", "odata.maxpagesize=x", 3}, {"/users", "odata.maxpagesize=0", 3}} {
		a := r.want(200, "GET", c.path, nil, "Prefer: "+c.prefer)
		if got := len(a.list()); got != c.want || (a.JSON["@odata.nextLink"] != nil) != (c.want < 3) {
			t.Errorf("%s, %s: got %d objects: %s", c.path, c.prefer, got, a.Text)
		}
		if got := a.Header.Get("Preference-Applied"); (got == "odata.maxpagesize=2") != (c.want < 3) {
			t.Errorf("%s, %s: applied is %q", c.path, c.prefer, got)
		}
		if next, _ := a.JSON["@odata.nextLink"].(string); next != "" {
			if got := len(r.want(200, "GET", next, nil, "Prefer: "+c.prefer).list()); got == 0 {
				t.Errorf("%s, %s: the next page is empty", c.path, c.prefer)
			}
		}
	}
}

// TestDeltaOfEverything: the changes of all objects, of some types when that is asked for.
func TestDeltaOfEverything(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := string(r.person("a@contoso.com", "A", nil))
	group := string(r.synced(canopy.Group, "g", canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("G"), "securityEnabled": {canopy.Bool(true)}}))
	contact := string(r.synced(canopy.Contact, "c", canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("C")}))
	for filter, want := range map[string][]string{"": {id, group, contact}, "isof('microsoft.graph.user')": {id}, "isof('microsoft.graph.user') or isof('microsoft.graph.group')": {id, group},
		"id eq '" + contact + "'": {contact}} {
		path := "/directoryObjects/delta"
		if filter != "" {
			path += "?$filter=" + url.QueryEscape(filter)
		}
		a := r.want(200, "GET", path, nil)
		if diff := cmp.Diff(want, a.names("id")); diff != "" {
			t.Errorf("%s: %s", filter, diff)
		}
		if got := a.list()[0]["@odata.type"]; !strings.HasPrefix(got.(string), "#microsoft.graph.") {
			t.Errorf("got the type %v", got)
		}
		if again := r.want(200, "GET", a.JSON["@odata.deltaLink"].(string), nil); len(again.list()) != 0 {
			t.Errorf("%s: got %s", filter, again.Text)
		}
	}
	link := r.want(200, "GET", "/directoryObjects/delta?$filter="+url.QueryEscape("isof('microsoft.graph.user')"), nil).JSON["@odata.deltaLink"].(string)
	r.want(204, "DELETE", "/users/"+id, nil)
	other := r.want(201, "POST", "/groups", map[string]any{"displayName": "H", "mailEnabled": false, "mailNickname": "h", "securityEnabled": true}).JSON["id"].(string)
	r.want(204, "DELETE", "/groups/"+other, nil)
	if got := r.want(200, "GET", link, nil).names("id"); !cmp.Equal(got, []string{id}) {
		t.Errorf("got %v, want the deleted user alone", got)
	}
	r.want(400, "GET", "/directoryObjects/delta?$filter=displayName%20eq%20'A'", nil)
}

// TestOneProperty: a property alone, as JSON and as text.
func TestOneProperty(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := string(r.person("a@contoso.com", `A "quoted" one`, nil))
	if a := r.want(200, "GET", "/users/"+id+"/displayName", nil); a.JSON["value"] != `A "quoted" one` || a.JSON["@odata.context"] != "https://graph.lab/v1.0/$metadata#users('"+id+"')/displayName" {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(200, "GET", "/users/"+id+"/displayName/$value", nil); a.Text != `A "quoted" one` || a.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(200, "GET", "/users/"+id+"/accountEnabled/$value", nil); a.Text != "true" {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(200, "GET", "/users/"+id+"/licenseAssignmentStates", nil); a.Text == "" {
		t.Errorf("got %s", a.Text)
	}
	r.want(204, "GET", "/users/"+id+"/city", nil)
	r.want(400, "GET", "/users/"+id+"/businessPhones/$value", nil)
	if a := r.want(400, "GET", "/users/"+id+"/nothing", nil); a.message() != "Resource not found for the segment 'nothing'." {
		t.Errorf("got %s", a.Text)
	}
	r.want(404, "GET", "/users/nobody@contoso.com/displayName", nil)
}

// TestReferencesByQuery: generated clients name the member that leaves in the address.
func TestReferencesByQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	id := string(r.person("a@contoso.com", "A", nil))
	group := r.want(201, "POST", "/groups", map[string]any{"displayName": "G", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true}).JSON["id"].(string)
	for _, address := range []string{"https://graph.microsoft.com/v1.0/directoryObjects/" + id, "https://graph.microsoft.com/beta/users('" + id + "')", "directoryObjects/" + id,
		"https://any.host/v1.0/contoso.com/directoryObjects/" + strings.ToUpper(id)} {
		for _, link := range []string{"members", "owners"} {
			r.want(204, "POST", "/groups/"+group+"/"+link+"/$ref", map[string]any{"@odata.id": address})
			r.want(204, "DELETE", "/groups/"+group+"/"+link+"/$ref?@id="+url.QueryEscape(address), nil)
			if got := r.want(200, "GET", "/groups/"+group+"/"+link, nil).list(); len(got) != 0 {
				t.Errorf("got %v", got)
			}
			r.want(404, "DELETE", "/groups/"+group+"/"+link+"/$ref?%40id="+url.QueryEscape(address), nil)
		}
	}
	r.want(400, "DELETE", "/groups/"+group+"/members/$ref", nil)
	r.want(400, "DELETE", "/groups/"+group+"/members/$ref?@id=x", nil)
}

// TestUniqueName: a group is made or changed by a name of its own, as templates do.
func TestUniqueName(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	body := func(name string) map[string]any {
		return map[string]any{"displayName": name, "mailEnabled": false, "mailNickname": "g", "securityEnabled": true}
	}
	path := "/groups(uniqueName='team-one')"
	r.want(404, "PATCH", path, body("one"))
	a := r.want(201, "PATCH", path, body("one"), "Prefer: create-if-missing")
	id := a.JSON["id"].(string)
	r.want(204, "PATCH", path, map[string]any{"displayName": "one again"}, "Prefer: create-if-missing")
	if a := r.want(200, "GET", path, nil); a.JSON["id"] != id || a.JSON["displayName"] != "one again" {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(400, "POST", "/groups", with2(body("two"), "uniqueName", "team-one")); a.message() != "Property 'uniqueName' is read-only and cannot be set." {
		t.Errorf("got %s", a.Text)
	}
	r.want(404, "GET", "/groups(uniqueName='team-two')", nil)
}
