package graphapi

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// office are some people to ask for.
func office(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, rigOptions{})
	for i, name := range []string{"Anna Berg", "Bert Carlsson", "Anneli Dahl", "Carl Berg", "Ömer Eken"} {
		r.person(fmt.Sprintf("person%d@contoso.com", i), name, canopy.Attrs{"department": canopy.Texts([]string{"Sales", "IT"}[i%2]),
			"mail": canopy.Texts(fmt.Sprintf("mail%d@contoso.com", i)), "employeeID": canopy.Texts(fmt.Sprint(100 + i))})
	}
	r.synced(canopy.Contact, "contact-anchor-1", canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("Partner"), canopy.AttrMail: canopy.Texts("partner@example.org"),
		"mobile": canopy.Texts("+46 70 1")})
	return r
}

func TestGetUser(t *testing.T) {
	t.Parallel()
	r := office(t)
	a := r.want(200, "GET", "/users/person0@contoso.com", nil)
	want := map[string]any{"@odata.context": "https://graph.lab/v1.0/$metadata#users/$entity", "id": a.JSON["id"], "businessPhones": []any{}, "displayName": "Anna Berg",
		"givenName": nil, "jobTitle": nil, "mail": "mail0@contoso.com", "mobilePhone": nil, "officeLocation": nil, "preferredLanguage": nil, "surname": nil,
		"userPrincipalName": "person0@contoso.com"}
	if diff := cmp.Diff(want, a.JSON); diff != "" {
		t.Error(diff)
	}
	id := a.JSON["id"].(string)
	b := r.want(200, "GET", "/users('"+id+"')?$select=ID,Department,createdDateTime,onPremisesSyncEnabled,proxyAddresses,assignedLicenses", nil)
	wantB := map[string]any{"@odata.context": "https://graph.lab/v1.0/$metadata#users(ID,Department,createdDateTime,onPremisesSyncEnabled,proxyAddresses,assignedLicenses)/$entity",
		"id": id, "department": "Sales", "createdDateTime": "2026-03-04T05:06:07Z", "onPremisesSyncEnabled": nil, "proxyAddresses": []any{"SMTP:mail0@contoso.com"},
		"assignedLicenses": []any{}}
	if diff := cmp.Diff(wantB, b.JSON); diff != "" {
		t.Error(diff)
	}
	all := ""
	for _, p := range r.server.entities["user"].list {
		all += "," + p.name
	}
	r.want(200, "GET", "/users/"+id+"?$select="+all[1:], nil)
	r.want(200, "GET", "/users(userPrincipalName='person0@contoso.com')", nil)
	if got := r.want(404, "GET", "/users/nobody@contoso.com", nil); got.code() != "Request_ResourceNotFound" ||
		got.message() != "Resource 'nobody@contoso.com' does not exist or one of its queried reference-property objects are not present." {
		t.Errorf("got %s", got.Text)
	}
	if got := r.want(400, "GET", "/users/"+id+"?$select=shoeSize", nil); got.code() != "BadRequest" {
		t.Errorf("got %s", got.Text)
	}
	if got := r.want(501, "GET", "/users?$select=aboutMe", nil); got.code() != "NotImplemented" {
		t.Errorf("got %s", got.Text)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	r := office(t)
	all := []string{"Anna Berg", "Bert Carlsson", "Anneli Dahl", "Carl Berg", "Ömer Eken"}
	for _, c := range []struct {
		query    string
		advanced bool
		want     []string
	}{
		{"", false, all},
		{"$top=2", false, all},
		{"$top=1&$select=displayName", false, all},
		{"$filter=startswith(displayName,'ann')", false, []string{"Anna Berg", "Anneli Dahl"}},
		{"$filter=startsWith(displayName,'ann')&$top=1", false, []string{"Anna Berg", "Anneli Dahl"}},
		{"$filter=department eq 'sales' and startswith(displayName,'a')", false, []string{"Anna Berg", "Anneli Dahl"}},
		{"$filter=department in ('IT','HR')&$top=1", false, []string{"Bert Carlsson", "Carl Berg"}},
		{"$filter=userPrincipalName eq 'PERSON3@contoso.com'", false, []string{"Carl Berg"}},
		{"$filter=mail eq 'mail4@contoso.com' or mail eq 'mail1@contoso.com'", false, []string{"Bert Carlsson", "Ömer Eken"}},
		{"$filter=proxyAddresses/any(x:x eq 'smtp:mail2@contoso.com')", false, []string{"Anneli Dahl"}},
		{"$filter=proxyAddresses/any(x:startswith(x,'smtp:mail'))", false, all},
		{"$filter=accountEnabled eq true", false, all},
		{"$filter=displayName ge 'Bert'", false, []string{"Bert Carlsson", "Carl Berg", "Ömer Eken"}},
		{"$orderby=displayName", false, []string{"Anna Berg", "Anneli Dahl", "Bert Carlsson", "Carl Berg", "Ömer Eken"}},
		{"$orderby=displayName desc&$top=2", false, []string{"Ömer Eken", "Carl Berg", "Bert Carlsson", "Anneli Dahl", "Anna Berg"}},
		{"$orderby=userPrincipalName desc", false, []string{"Ömer Eken", "Carl Berg", "Anneli Dahl", "Bert Carlsson", "Anna Berg"}},
		{"$filter=department eq 'IT'&$orderby=displayName desc&$count=true", true, []string{"Carl Berg", "Bert Carlsson"}},
		{"$filter=endswith(mail,'3@contoso.com')&$count=true", true, []string{"Carl Berg"}},
		{"$filter=not startswith(displayName,'A')&$count=true", true, []string{"Bert Carlsson", "Carl Berg", "Ömer Eken"}},
		{"$filter=department ne 'IT'&$count=true", true, []string{"Anna Berg", "Anneli Dahl", "Ömer Eken"}},
		{"$filter=jobTitle eq null&$count=true&$top=2", true, all},
		{"$filter=assignedLicenses/$count eq 0&$count=true", true, all},
		{"$search=\"displayName:berg\"", true, []string{"Anna Berg", "Carl Berg"}},
		{"$search=\"displayName:berg\" AND \"displayName:car\"", true, []string{"Carl Berg"}},
		{"$search=\"displayName:dahl\" OR \"mail:mail1\"&$count=true", true, []string{"Bert Carlsson", "Anneli Dahl"}},
	} {
		t.Run(c.query, func(t *testing.T) {
			r := *r
			r.t = t
			var headers []string
			if c.advanced {
				headers = []string{advancedHeader}
			}
			var got []string
			next, pages := "/users?"+c.query, 0
			for next != "" {
				a := r.want(http.StatusOK, "GET", next, nil, headers...)
				got = append(got, a.names("displayName")...)
				count, counted := a.JSON["@odata.count"].(float64)
				if wantCount := c.advanced && pages == 0 && contains([]string{"true"}, countOf(c.query)); counted != wantCount || counted && int(count) != len(c.want) {
					t.Errorf("page %d: got count %v %v, want it %v", pages, count, counted, wantCount)
				}
				next, _ = a.JSON["@odata.nextLink"].(string)
				if pages++; pages > 10 {
					t.Fatal("the pages do not end")
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func countOf(query string) string {
	q, _ := readQuery(query, http.Header{})
	return fmt.Sprint(q.count)
}

func TestRefusedQueries(t *testing.T) {
	t.Parallel()
	r := office(t)
	for _, c := range []struct{ query, header, code string }{
		{"$filter=displayName ne 'x'", "", "Request_UnsupportedQuery"},
		{"$filter=displayName ne 'x'&$count=true", "", "Request_UnsupportedQuery"},
		{"$filter=endswith(mail,'x')", advancedHeader, "Request_UnsupportedQuery"},
		{"$filter=jobTitle eq null", "", "Request_UnsupportedQuery"},
		{"$filter=contains(displayName,'x')", "", "Request_UnsupportedQuery"},
		{"$filter=displayName gt 'x'", "", "Request_UnsupportedQuery"},
		{"$filter=aboutMe eq 'x'", "", "Request_UnsupportedQuery"},
		{"$filter=proxyAddresses eq 'x'", "", "Request_UnsupportedQuery"},
		{"$filter=shoeSize eq 43", "", "BadRequest"},
		{"$filter=displayName eq 'x", "", "BadRequest"},
		{"$filter=displayName eq", "", "BadRequest"},
		{"$filter=accountEnabled eq 'maybe'", "", "Request_BadRequest"},
		{"$search=\"displayName:x\"", "", "Request_UnsupportedQuery"},
		{"$search=displayName:x", advancedHeader, "BadRequest"},
		{"$search=\"city:x\"", advancedHeader, "Request_UnsupportedQuery"},
		{"$orderby=city", "", "Request_UnsupportedQuery"},
		{"$orderby=displayName&$filter=city eq 'x'", "", "Request_UnsupportedQuery"},
		{"$expand=manager&$count=true", advancedHeader, "Request_UnsupportedQuery"},
		{"$expand=shoes", "", "BadRequest"},
		{"$top=0", "", "BadRequest"},
		{"$top=x", "", "BadRequest"},
		{"$skip=2", "", "Request_BadRequest"},
		{"$skiptoken=x", "", "Directory_ExpiredPageToken"},
	} {
		a := r.want(400, "GET", "/users?"+c.query, nil, append([]string{}, nonEmpty(c.header)...)...)
		if a.code() != c.code {
			t.Errorf("%s: got %s, want %s", c.query, a.Text, c.code)
		}
	}
	if a := r.want(400, "GET", "/users/$count", nil); a.message() != "$count is not currently supported." {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(200, "GET", "/users/$count", nil, advancedHeader); a.Text != "5" {
		t.Errorf("got %s", a.Text)
	}
	if a := r.want(200, "GET", "/users/$count?$filter=department eq 'IT'", nil, advancedHeader); a.Text != "2" {
		t.Errorf("got %s", a.Text)
	}
	// without the header a count is silently left out
	if a := r.want(200, "GET", "/users?$count=true", nil); a.JSON["@odata.count"] != nil {
		t.Errorf("got %s", a.Text)
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func TestContacts(t *testing.T) {
	t.Parallel()
	r := office(t)
	a := r.want(200, "GET", "/contacts?$filter=mail eq 'partner@example.org'", nil)
	if got := a.names("displayName"); len(got) != 1 || got[0] != "Partner" {
		t.Errorf("got %v", got)
	}
	r.want(200, "GET", "/contacts/"+a.list()[0]["id"].(string), nil)
	r.want(404, "GET", "/users/"+a.list()[0]["id"].(string), nil)
}

func TestTokensAndRoles(t *testing.T) {
	t.Parallel()
	r := office(t)
	if a := r.want(401, "GET", "/users", nil, "Authorization: "); a.code() != "InvalidAuthenticationToken" || a.message() != "Access token is empty." {
		t.Errorf("got %s", a.Text)
	}
	r.want(401, "GET", "/users", nil, "Authorization: Bearer a.b.c")
	weak := r.signIn("Group.Read.All")
	if a := r.want(403, "GET", "/users", nil, "Authorization: Bearer "+weak); a.code() != "Authorization_RequestDenied" {
		t.Errorf("got %s", a.Text)
	}
	r.want(200, "GET", "/groups", nil, "Authorization: Bearer "+weak)
	r.now = r.now.Add(2 * tokenLife)
	r.want(401, "GET", "/users", nil)
}
