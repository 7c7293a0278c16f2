package graphapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// follow reads a round of a delta query to its end and gives its objects and the next round's address.
func (r *rig) follow(path string) (objects []map[string]any, next string) {
	r.t.Helper()
	for range 50 {
		a := r.want(200, "GET", path, nil)
		objects = append(objects, a.list()...)
		if path, _ = a.JSON["@odata.nextLink"].(string); path == "" {
			return objects, a.JSON["@odata.deltaLink"].(string)
		}
		path = strings.Replace(path, "$skiptoken", "%24skiptoken", 1) // as some clients write it
	}
	r.t.Fatal("the pages do not end")
	return nil, ""
}

func ids(objects []map[string]any) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o["id"].(string))
	}
	slices.Sort(out)
	return out
}

func TestDeltaOfUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	var all []string
	for i := range 230 {
		all = append(all, string(r.person(fmt.Sprintf("p%d@contoso.com", i), fmt.Sprintf("P %d", i), nil)))
	}
	for _, form := range []string{"/users/delta", "/users/delta()", "/users/microsoft.graph.delta()", "/users/microsoft.graph.delta"} {
		got, _ := r.follow(form)
		if diff := cmp.Diff(all, ids(got)); diff != "" {
			t.Errorf("%s: %s", form, diff)
		}
	}
	_, next := r.follow("/users/delta?$select=displayName,city")
	if got, again := r.follow(next); len(got) != 0 {
		t.Errorf("nothing changed, got %v, next %s", got, again)
	}
	r.want(204, "PATCH", "/users/"+all[3], map[string]any{"city": "Lund"})
	r.want(204, "DELETE", "/users/"+all[4], nil)
	r.want(204, "DELETE", "/users/"+all[5], nil)
	r.want(204, "DELETE", "/directory/deletedItems/"+all[5], nil)
	fresh := r.want(201, "POST", "/users", newUser("fresh@contoso.com")).JSON["id"].(string)
	got, next := r.follow(next)
	want := []map[string]any{
		{"id": all[4], "@removed": map[string]any{"reason": "changed"}}, {"id": all[5], "@removed": map[string]any{"reason": "deleted"}},
		{"id": all[3], "displayName": "P 3", "city": "Lund"}, {"id": fresh, "displayName": "New fresh@contoso.com", "city": nil}}
	for i := range got {
		if got[i]["id"] == nil {
			t.Fatalf("an object without id: %v", got[i])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.want(200, "POST", "/directory/deletedItems/"+all[4]+"/restore", nil)
	if got, next = r.follow(next); len(got) != 1 || got[0]["id"] != all[4] || got[0]["@removed"] != nil {
		t.Errorf("after restoring: got %v", got)
	}
	if got, _ := r.follow("/users/delta?$filter=id eq '" + all[7] + "' or id eq '" + all[8] + "'"); len(got) != 2 {
		t.Errorf("by id: got %v", got)
	}
	if got, _ := r.follow("/users/delta?$deltatoken=latest"); len(got) != 0 {
		t.Errorf("latest: got %v", got)
	}
	r.want(400, "GET", "/users/delta?$filter=city eq 'x'", nil)
	r.want(400, "GET", "/users/delta?$top=3", nil)
	r.want(400, "GET", "/users/delta?$deltatoken=rubbish", nil)
	r.now = r.now.Add(8 * 24 * time.Hour)
	r.token = r.signIn(Roles()...)
	a := r.want(410, "GET", next, nil)
	if a.code() != "syncStateNotFound" || !strings.HasSuffix(a.Header.Get("Location"), "$deltatoken=") {
		t.Errorf("got %s, location %q", a.Text, a.Header.Get("Location"))
	}
	if got, _ := r.follow(a.Header.Get("Location")); len(got) != 230 {
		t.Errorf("after a reset: got %d objects", len(got))
	}
}

func TestDeltaOfGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	m := []string{string(r.person("m0@contoso.com", "M0", nil)), string(r.person("m1@contoso.com", "M1", nil))}
	at := func(id string) string { return "https://graph.lab/v1.0/directoryObjects/" + id }
	g := r.want(201, "POST", "/groups", map[string]any{"displayName": "G", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true,
		"members@odata.bind": []string{at(m[0])}}).JSON["id"].(string)
	got, next := r.follow("/groups/delta")
	member := func(id string, more ...any) any {
		o := map[string]any{"@odata.type": "#microsoft.graph.user", "id": id}
		if len(more) > 0 {
			o["@removed"] = more[0]
		}
		return o
	}
	if diff := cmp.Diff([]any{member(m[0])}, got[0]["members@delta"]); diff != "" {
		t.Error(diff)
	}
	r.want(204, "POST", "/groups/"+g+"/members/$ref", map[string]any{"@odata.id": at(m[1])})
	r.want(204, "DELETE", "/groups/"+g+"/members/"+m[0]+"/$ref", nil)
	got, next = r.follow(next)
	removed := map[string]any{"reason": "deleted"}
	if diff := cmp.Diff([]any{member(m[0], removed), member(m[1])}, got[0]["members@delta"]); diff != "" {
		t.Error(diff)
	}
	r.want(204, "DELETE", "/groups/"+g, nil)
	got, _ = r.follow(next)
	if diff := cmp.Diff([]map[string]any{{"id": g, "@removed": removed}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	step := func(id, method, url string, body any, on ...string) map[string]any {
		s := map[string]any{"id": id, "method": method, "url": url}
		if body != nil {
			s["body"], s["headers"] = body, map[string]string{"Content-Type": "application/json"}
		}
		if len(on) > 0 {
			s["dependsOn"] = on
		}
		return s
	}
	a := r.want(200, "POST", "/$batch", map[string]any{"requests": []any{
		step("get", "GET", "/users/one@contoso.com?$select=displayName", nil, "make"),
		step("make", "POST", "users", newUser("one@contoso.com")),
		step("fail", "GET", "/users/nobody@contoso.com", nil),
		step("after", "GET", "/users", nil, "fail"),
		step("change", "PATCH", "/users/one@contoso.com", map[string]any{"city": "Lund"}, "MAKE"),
	}})
	got := map[string]float64{}
	for _, x := range a.JSON["responses"].([]any) {
		o := x.(map[string]any)
		got[o["id"].(string)] = o["status"].(float64)
	}
	if diff := cmp.Diff(map[string]float64{"get": 200, "make": 201, "fail": 404, "after": 424, "change": 204}, got); diff != "" {
		t.Errorf("%s\n%s", diff, a.Text)
	}
	many := make([]any, 21)
	for i := range many {
		many[i] = step(fmt.Sprint(i), "GET", "/users", nil)
	}
	for name, steps := range map[string][]any{
		"too many": many, "none": {}, "the same id twice": {step("a", "GET", "/users", nil), step("A", "GET", "/users", nil)},
		"depends on what is not there": {step("a", "GET", "/users", nil, "b")},
		"depends on itself":            {step("a", "GET", "/users", nil, "b"), step("b", "GET", "/users", nil, "a")},
		"no content type":              {map[string]any{"id": "a", "method": "POST", "url": "/users", "body": map[string]any{}}},
	} {
		if a := r.want(400, "POST", "/$batch", map[string]any{"requests": steps}); a.code() != "BadRequest" {
			t.Errorf("%s: got %s", name, a.Text)
		}
	}
	// what a role forbids is forbidden in a batch too
	weak := r.signIn("User.Read.All")
	a = r.want(200, "POST", "/$batch", map[string]any{"requests": []any{step("1", "PATCH", "/users/one@contoso.com", map[string]any{"city": "x"})}}, "Authorization: Bearer "+weak)
	if got := a.JSON["responses"].([]any)[0].(map[string]any)["status"]; got != 403.0 {
		t.Errorf("got %v", got)
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{throttle: Throttle{Units: 5, Writes: 2}})
	if a := r.want(200, "GET", "/users", nil); a.Header.Get("x-ms-resource-unit") != "2" || a.Header.Get("x-ms-throttle-limit-percentage") != "" {
		t.Errorf("got %v", a.Header)
	}
	if a := r.want(200, "GET", "/users", nil); a.Header.Get("x-ms-throttle-limit-percentage") != "0.8" {
		t.Errorf("got %v", a.Header)
	}
	a := r.want(429, "GET", "/users", nil)
	app, err := r.server.dir.App(t.Context(), "tests")
	if err != nil {
		t.Fatal(err)
	}
	scope := "Tenant_Application/ReadWrite/" + app.ID + "/" + r.tenant.Directory().Settings().Tenant
	if a.Header.Get("x-ms-throttle-scope") != scope || a.Header.Get("x-ms-throttle-information") != "ResourceUnitLimitExceeded" {
		t.Errorf("got %v", a.Header)
	}
	if a.code() != "TooManyRequests" || a.Header.Get("Retry-After") != "10" {
		t.Errorf("got %s, retry after %q", a.Text, a.Header.Get("Retry-After"))
	}
	r.want(200, "GET", "/users?$select=id", nil)
	r.now = r.now.Add(10 * time.Second)
	r.want(201, "POST", "/users", newUser("a@contoso.com"))
	r.want(201, "POST", "/users", newUser("b@contoso.com"))
	a = r.want(429, "POST", "/users", newUser("c@contoso.com"))
	if a.Header.Get("Retry-After") != "150" || a.Header.Get("x-ms-throttle-information") != "WriteLimitExceeded" {
		t.Errorf("got %v", a.Header)
	}
	a = r.want(200, "POST", "/$batch", map[string]any{"requests": []any{map[string]any{"id": "1", "method": "POST", "url": "/users", "body": newUser("d@contoso.com"),
		"headers": map[string]string{"Content-Type": "application/json"}}}})
	one := a.JSON["responses"].([]any)[0].(map[string]any)
	told := one["headers"].(map[string]any)
	if one["status"] != 429.0 || told["Retry-After"] != "150" || told["x-ms-throttle-information"] != "WriteLimitExceeded" {
		t.Errorf("got %s", a.Text)
	}
}
