package graphapi

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

// FuzzRequest: whatever a caller who may do everything sends, the door answers, never with an error of its own.
func FuzzRequest(f *testing.F) {
	r := newRig(f, rigOptions{})
	r.person("a@contoso.com", "Anna", nil)
	r.synced(canopy.Group, "g", canopy.Attrs{canopy.AttrDisplayName: canopy.Texts("G")})
	for _, s := range []struct{ method, path, query, body string }{
		{"GET", "users", "$filter=startswith(displayName,'a')&$select=id&$top=1", ""}, {"GET", "users/delta()", "$deltatoken=eyJmIjp7fX0", ""},
		{"GET", "users('a@contoso.com')", "$expand=manager($select=id)", ""}, {"GET", "users(userPrincipalName='a')/memberOf", "", ""},
		{"GET", "users", "$skiptoken=eyJhIjp7Im4iOi0xfX0&$orderby=displayName desc", ""}, {"GET", "groups/$count", "$search=\"displayName:x\"", ""},
		{"POST", "users", "", `{"displayName":"x","accountEnabled":true,"passwordProfile":{"password":"Abcdefg1"},"mailNickname":"x","userPrincipalName":"x@contoso.com"}`},
		{"PATCH", "users/a@contoso.com", "", `{"businessPhones":["1"],"onPremisesExtensionAttributes":{"extensionAttribute1":null},"city":""}`},
		{"POST", "groups", "", `{"members@odata.bind":["https://x/directoryObjects/00000000-0000-4000-8000-000000000001"]}`},
		{"POST", "$batch", "", `{"requests":[{"id":"1","method":"GET","url":"/users","dependsOn":["1"]}]}`},
		{"PATCH", "directory/onPremisesSynchronization/x", "", `{"features":{"blockSoftMatchEnabled":null}}`},
		{"GET", "auditLogs/directoryAudits", "$orderby=activityDateTime desc&$filter=targetResources/any(t:t/id eq '1')", ""},
		{"POST", "directoryObjects/getByIds", "", `{"ids":["1"],"types":["user"]}`},
	} {
		f.Add(s.method, s.path, s.query, s.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		if strings.ContainsAny(method, " \t\r\n\x00") || method == "" {
			return
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.lab/", strings.NewReader(body))
		req.Method = method
		req.URL = &url.URL{Scheme: "https", Host: "graph.lab", Path: "/v1.0/" + path, RawQuery: query}
		req.Header.Set("Authorization", "Bearer "+r.token)
		req.Header.Set("ConsistencyLevel", "eventual")
		rec := httptest.NewRecorder()
		r.server.ServeHTTP(rec, req)
		if rec.Code >= 500 && rec.Code != http.StatusNotImplemented {
			t.Errorf("%s %s?%s %q: got %d %s", method, path, query, body, rec.Code, rec.Body)
		}
	})
}

// FuzzToken: whatever is sent to sign in with, nobody is signed in by it.
func FuzzToken(f *testing.F) {
	r := newRig(f, rigOptions{})
	app, err := r.server.dir.App(f.Context(), "tests")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("grant_type=client_credentials&client_id="+app.ID+"&client_secret=x&scope=https://graph.microsoft.com/.default", "Basic eDp5")
	f.Add("grant_type=client_credentials&client_id="+app.ID+"&client_assertion_type="+url.QueryEscape(assertionType)+"&client_assertion=eyJhbGciOiJub25lIn0.e30.", "Bearer "+r.token[:40])
	f.Fuzz(func(t *testing.T, form, authorization string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.lab/common/oauth2/v2.0/token", strings.NewReader(form))
		req.Header["Authorization"] = []string{authorization}
		rec := httptest.NewRecorder()
		r.server.ServeHTTP(rec, req)
		if rec.Code < 400 || rec.Code >= 500 {
			t.Errorf("%q: got %d %s", form, rec.Code, rec.Body)
		}
		if _, err := r.server.issuer.caller(t.Context(), authorization); err == nil && authorization != "Bearer "+r.token {
			t.Errorf("%q is taken", authorization)
		}
	})
}
