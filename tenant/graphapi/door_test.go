package graphapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// spec is Graph's description, read once: reading is slow and nothing changes it.
var spec = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := os.ReadFile("testdata/graph.yaml")
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
})

// rig is a tenant with its door, called without a network. Every answer is held against Graph's description.
type rig struct {
	t      testing.TB
	tenant *tenant.Tenant
	server *Server
	token  string
	now    time.Time
}

type rigOptions struct {
	roles    []string
	throttle Throttle
	policy   tenant.Policy
}

func newRig(t testing.TB, opt rigOptions) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	n := 0
	var mu sync.Mutex
	newID := func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("00000000-0000-4000-8000-%012x", n)
	}
	var err error
	r.tenant, err = tenant.Open(t.Context(), filepath.Join(t.TempDir(), "tenant.db"), tenant.Options{Initial: "contoso.onmicrosoft.com",
		Domains: []tenant.Domain{{Name: "contoso.com", Verified: true}}, Durability: tenant.Volatile, Policy: opt.policy, NewID: newID, Clock: func() time.Time { return r.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.tenant.Close(); err != nil {
			t.Error(err)
		}
	})
	r.server, err = New(t.Context(), Options{Tenant: r.tenant, Clock: func() time.Time { return r.now }, NewID: newID, Throttle: opt.throttle})
	if err != nil {
		t.Fatal(err)
	}
	if opt.roles == nil {
		opt.roles = Roles()
	}
	r.token = r.signIn(opt.roles...)
	return r
}

// signIn registers an app with roles and signs it in.
func (r *rig) signIn(roles ...string) string {
	r.t.Helper()
	app, secret, err := r.server.dir.AddApp(r.t.Context(), "tests", roles, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {app.ID}, "client_secret": {secret}, "scope": {"https://graph.microsoft.com/.default"}}
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, "https://graph.lab/contoso.onmicrosoft.com/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	rec := httptest.NewRecorder()
	r.server.ServeHTTP(rec, req)
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Token == "" {
		r.t.Fatalf("sign in: %d %s", rec.Code, rec.Body)
	}
	return got.Token
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Text   string
	JSON   map[string]any
}

// list are the objects of a collection.
func (a answer) list() []map[string]any {
	var out []map[string]any
	values, _ := a.JSON["value"].([]any)
	for _, v := range values {
		out = append(out, v.(map[string]any))
	}
	return out
}

// names are one property of a collection's objects.
func (a answer) names(property string) []string {
	out := []string{}
	for _, o := range a.list() {
		out = append(out, fmt.Sprint(o[property]))
	}
	return out
}

// code is the code of an error, "" when there is none.
func (a answer) code() string {
	e, _ := a.JSON["error"].(map[string]any)
	s, _ := e["code"].(string)
	return s
}

func (a answer) message() string {
	e, _ := a.JSON["error"].(map[string]any)
	s, _ := e["message"].(string)
	return s
}

// call sends a request; path is below /v1.0, or a whole address. Headers are "Name: value".
func (r *rig) call(method, path string, body any, headers ...string) answer {
	r.t.Helper()
	if !strings.HasPrefix(path, "https://") {
		path = "https://graph.lab/v1.0" + path
	}
	path = strings.ReplaceAll(path, " ", "%20")
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			r.t.Fatal(err)
		}
	}
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, bytes.NewReader(text))
	req.Header.Set("Authorization", "Bearer "+r.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	r.server.ServeHTTP(rec, req)
	a := answer{Status: rec.Code, Header: rec.Header(), Text: rec.Body.String()}
	if strings.Contains(rec.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(rec.Body.Bytes(), &a.JSON); err != nil {
			r.t.Fatalf("%s %s: no JSON: %v\n%s", method, path, err, rec.Body)
		}
	}
	validate(r.t, req, a)
	return a
}

// want sends a request and fails unless the status is as wanted.
func (r *rig) want(status int, method, path string, body any, headers ...string) answer {
	r.t.Helper()
	a := r.call(method, path, body, headers...)
	if a.Status != status {
		r.t.Fatalf("%s %s: got %d, want %d: %s", method, path, a.Status, status, a.Text)
	}
	return a
}

const advancedHeader = "ConsistencyLevel: eventual"

// validate holds an answer against the description, when it describes the route.
func validate(t testing.TB, req *http.Request, a answer) {
	t.Helper()
	doc, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	version, rest := cutSegment(req.URL.EscapedPath())
	segments, err := splitPath(rest)
	if err != nil || version != "v1.0" && version != "beta" {
		return
	}
	method := req.Method
	if method == http.MethodPatch && a.Status == http.StatusCreated { // what was not there was made, as by POST
		method, segments = http.MethodPost, segments[:1]
	}
	for path, item := range doc.Paths.Map() {
		op := item.GetOperation(method)
		if op == nil || !describes(path, segments) {
			continue
		}
		in := &openapi3filter.ResponseValidationInput{RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req,
			Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}},
			Status: a.Status, Header: a.Header, Options: &openapi3filter.Options{IncludeResponseStatus: true}}
		if strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
			if _, err := strconv.Atoi(a.Text); err != nil || op.Responses.Status(a.Status) == nil {
				t.Errorf("%s %s: %d is no number: %s", req.Method, req.URL, a.Status, a.Text)
			}
			return
		}
		in.SetBodyBytes([]byte(a.Text))
		if err := openapi3filter.ValidateResponse(t.Context(), in); err != nil {
			t.Errorf("%s %s: the answer is not as described (%s): %v\n%.2000s", req.Method, req.URL, path, err, a.Text)
		}
		return
	}
	if a.Status < 300 && !strings.Contains(req.URL.RawQuery, "undescribed") {
		t.Logf("no description of %s %s", req.Method, req.URL.Path)
	}
}

func describes(path string, segments []string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) != len(segments) {
		return false
	}
	for i, p := range parts {
		p = strings.TrimSuffix(p, "()")
		if p[0] == '{' && !strings.HasPrefix(segments[i], "$") && !strings.HasPrefix(segments[i], "graph.") && !literal(path, parts[:i], segments[i]) {
			continue
		}
		if !strings.EqualFold(p, segments[i]) {
			return false
		}
	}
	return true
}

// literal tells whether a segment is one that the description names at this place.
func literal(_ string, before []string, segment string) bool {
	doc, _ := spec()
	prefix := "/" + strings.Join(append(append([]string(nil), before...), segment), "/")
	return doc.Paths.Map()[prefix] != nil || doc.Paths.Map()[prefix+"()"] != nil
}

// person makes a cloud user by the administrators' door.
func (r *rig) person(upn, name string, more canopy.Attrs) canopy.Anchor {
	r.t.Helper()
	attrs := canopy.Attrs{canopy.AttrUPN: canopy.Texts(upn), canopy.AttrDisplayName: canopy.Texts(name)}
	for k, v := range more {
		attrs[k] = v
	}
	id, err := r.tenant.Admin().CreateUser(r.t.Context(), attrs)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// synced writes an object through the synchronisation door.
func (r *rig) synced(class canopy.Class, anchor string, attrs canopy.Attrs, members ...canopy.Anchor) canopy.Anchor {
	r.t.Helper()
	e := canopy.Export{ID: 1, Op: canopy.Add, Class: class, SourceAnchor: anchor, Set: attrs}
	if len(members) > 0 {
		c := canopy.LinkChange{}
		for _, m := range members {
			c.Added = append(c.Added, canopy.Ref{Anchor: m})
		}
		e.Links = map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: c}
	}
	results, err := r.tenant.Door().Write(r.t.Context(), []canopy.Export{e})
	if err != nil || results[0].Kind != canopy.Done {
		r.t.Fatalf("write %s: %v %+v", anchor, err, results)
	}
	return results[0].Anchor
}
