package twin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi"
)

// people is a tenant with some of everything that Graph tells of.
func people(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, t.TempDir(), march, 0, "")
	t.Cleanup(w.close)
	ctx, a := context.Background(), w.Admin()
	for i := range 7 {
		w.write(canopy.Export{Op: canopy.Add, Class: canopy.User, SourceAnchor: fmt.Sprintf("U%d", i), Set: canopy.Attrs{canopy.AttrUPN: canopy.Texts(fmt.Sprintf("user%d@contoso.com", i)),
			canopy.AttrDisplayName: canopy.Texts(fmt.Sprintf("User %d", i)), "usageLocation": canopy.Texts("SE"), canopy.AttrAddresses: canopy.Texts(fmt.Sprintf("SMTP:user%d@contoso.com", i))}})
	}
	w.write(canopy.Export{Op: canopy.Modify, SourceAnchor: "U0", Links: map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: {Added: []canopy.Ref{{Anchor: w.ids[1]}}}}})
	for i := range 3 {
		w.write(canopy.Export{Op: canopy.Add, Class: canopy.Contact, SourceAnchor: fmt.Sprintf("C%d", i), Set: canopy.Attrs{canopy.AttrDisplayName: canopy.Texts(fmt.Sprintf("Contact %d", i))}})
	}
	for i := range 3 {
		id := must(a.Create(ctx, canopy.Group, canopy.Attrs{canopy.AttrDisplayName: canopy.Texts(fmt.Sprintf("Group %d", i)), "securityEnabled": {canopy.Bool(true)}}))
		for _, member := range w.ids[:i+2] {
			w.allow(a.AddToGroup(ctx, id, member))
		}
		w.allow(w.Directory().Update(ctx, tenant.Actor{}, id, tenant.Draft{Links: map[canopy.Attr]canopy.LinkChange{"owner": {Added: []canopy.Ref{{Anchor: w.ids[i]}}}}}))
		if i == 0 {
			for n := range 25 { // more owners than an expansion gives
				owner := must(a.CreateUser(ctx, canopy.Attrs{canopy.AttrUPN: canopy.Texts(fmt.Sprintf("owner%d@contoso.com", n))}))
				w.allow(w.Directory().Update(ctx, tenant.Actor{}, id, tenant.Draft{Links: map[canopy.Attr]canopy.LinkChange{"owner": {Added: []canopy.Ref{{Anchor: owner}}}}}))
			}
		}
	}
	w.allow(a.SetCloudManaged(ctx, w.ids[2], true))
	w.allow(a.AssignLicence(ctx, w.ids[3], "E3"))
	w.allow(a.Delete(ctx, w.ids[4]))
	return w
}

// transport answers by a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// from is a source of small pages, through a function that may answer in its place.
func from(w *world, instead func(*http.Request) (*http.Response, error)) *Source {
	door := graphapi.Inside(w.Tenant)
	return &Source{Base: "https://tenant/v1.0", size: 3, Wait: func(context.Context, time.Duration) error { return nil },
		Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			if resp, err := instead(r); resp != nil || err != nil {
				return resp, err
			}
			return door.RoundTrip(r)
		})}}
}

func never(*http.Request) (*http.Response, error) { return nil, nil }

// TestFetch: what is fetched by pages fills a tenant that tells the same of itself.
func TestFetch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := people(t)
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	f, err := Fetch(ctx, from(w, never), one, silent)
	if err != nil {
		t.Fatal(err)
	}
	if f.Objects["users"] != 31 || f.Objects["groups"] != 3 || f.Objects["contacts"] != 3 || f.Objects["deletedUsers"] != 1 || f.Objects["onPremisesSyncBehavior"] != 1 {
		t.Errorf("got %+v", f)
	}
	v := newWorld(t, t.TempDir(), march, 5000, "")
	defer v.close()
	r := importFrom(t, one, v, false)
	if !r.Derived || r.Links != 1+2+3+4+26+2 || r.Mailboxes != 1 || r.Unanchored != 3 {
		t.Errorf("got %+v", r)
	}
	if _, err := Fetch(ctx, from(v, never), two, silent); err != nil {
		t.Fatal(err)
	}
	was, is := files(t, one), files(t, two)
	for _, m := range []map[string]string{was, is} {
		delete(m, journalName)
		m["members.jsonl"] = strings.Join(sorted(m["members.jsonl"]), "\n") // the order of changes
	}
	if diff := cmp.Diff(was, is); diff != "" {
		t.Error(diff)
	}
}

func sorted(text string) []string {
	list := strings.Split(text, "\n")
	slices.Sort(list)
	return list
}

// TestFetchGoesOn: a fetch that ends after any request, and then again and again, has in the end what one has that does not.
func TestFetchGoesOn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := people(t)
	requests := 0
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := Fetch(ctx, from(w, func(*http.Request) (*http.Response, error) { requests++; return nil, nil }), whole, silent); err != nil {
		t.Fatal(err)
	}
	if requests < 20 {
		t.Fatalf("only %d requests were made", requests)
	}
	killed := errors.New("killed")
	dir := filepath.Join(t.TempDir(), "parts")
	total := 0
	for runs := 1; ; runs++ {
		left := 2
		_, err := Fetch(ctx, from(w, func(*http.Request) (*http.Response, error) {
			if left--; left < 0 {
				return nil, killed
			}
			total++
			return nil, nil
		}), dir, silent)
		if err == nil {
			break
		}
		if !errors.Is(err, killed) || runs > 3*requests {
			t.Fatal(err)
		}
		// what was written and not noted is as good as not written
		for _, name := range []string{"users.jsonl", "members.jsonl"} {
			file, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				continue // it is not begun
			}
			if _, err := file.WriteString(`{"id":"half`); err != nil {
				t.Fatal(err)
			}
			file.Close()
			if j := must(openJournal(dir, "https://tenant/v1.0")); j.Done[kind(strings.TrimSuffix(name, ".jsonl"))] != nil && j.Done[kind(strings.TrimSuffix(name, ".jsonl"))].End {
				if err := os.Truncate(filepath.Join(dir, name), j.Done[kind(strings.TrimSuffix(name, ".jsonl"))].Size); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if total > 2*requests {
		t.Errorf("%d requests were made in parts, and %d at once", total, requests)
	}
	if diff := cmp.Diff(files(t, whole), files(t, dir)); diff != "" {
		t.Error(diff)
	}
	if _, err := Fetch(ctx, &Source{Base: "https://other/v1.0"}, dir, silent); canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("from another endpoint into the same folder: got %v", err)
	}
}

// TestFetchMeets: what endpoints answer beside what is asked for.
func TestFetchMeets(t *testing.T) {
	t.Parallel()
	first := func(path string, resp func(*http.Request) *http.Response) func(*http.Request) (*http.Response, error) {
		done := false
		return func(r *http.Request) (*http.Response, error) {
			if !done && strings.Contains(r.URL.String(), path) {
				done = true
				return resp(r), nil
			}
			return nil, nil
		}
	}
	always := func(path string, resp func(*http.Request) *http.Response) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.String(), path) {
				return resp(r), nil
			}
			return nil, nil
		}
	}
	refuse := func(status int, code string, headers ...string) func(*http.Request) *http.Response {
		return func(r *http.Request) *http.Response {
			return answer(r, status, `{"error":{"code":"`+code+`","message":"said"}}`, headers...)
		}
	}
	for name, c := range map[string]struct {
		instead func(*http.Request) (*http.Response, error)
		kind    canopy.ErrorKind // of the error
		fails   bool
		withold string
	}{
		"come later":             {instead: first("/users", refuse(429, "TooManyRequests", "Retry-After", "17"))},
		"out of order for once":  {instead: first("/groups", refuse(503, "serviceNotAvailable"))},
		"a link that is too old": {instead: first("skiptoken", refuse(400, "Directory_ExpiredPageToken"))},
		"a state that is gone":   {instead: first("/groups/delta?%24select=id%2Cmembers&%24skiptoken", refuse(410, "syncStateNotFound"))},
		"never":                  {instead: always("/users", refuse(429, "TooManyRequests")), fails: true, kind: canopy.Other},
		"no right to users":      {instead: always("/users", refuse(403, "Authorization_RequestDenied")), fails: true, kind: canopy.Forbidden},
		"no right to contacts":   {instead: always("/contacts", refuse(403, "Authorization_RequestDenied")), withold: "contacts"},
		"no deleted items":       {instead: always("/deletedItems", refuse(404, "Request_ResourceNotFound")), withold: "deletedUsers"},
		"no switches":            {instead: always("/onPremisesSynchronization", refuse(403, "Authorization_RequestDenied")), withold: "onPremisesSynchronization"},
		"no page":                {instead: always("/domains", func(r *http.Request) *http.Response { return answer(r, 200, "<html>") }), fails: true, kind: canopy.Other},
		"somewhere else for more": {instead: always("/domains", func(r *http.Request) *http.Response {
			return answer(r, 200, `{"value":[],"@odata.nextLink":"https://evil/v1.0/domains"}`)
		}), fails: true, kind: canopy.Forbidden},
		"a batch in parts": {instead: first("/$batch", func(r *http.Request) *http.Response {
			return answer(r, 200, `{"responses":[{"id":"0","status":429,"headers":{"Retry-After":"3"},"body":{"error":{"code":"TooManyRequests","message":"later"}}}]}`)
		})},
		"no right to who masters": {instead: always("/$batch", func(r *http.Request) *http.Response {
			return answer(r, 200, `{"responses":[{"id":"0","status":403,"body":{"error":{"code":"Authorization_RequestDenied","message":"no"}}}]}`)
		}), withold: "onPremisesSyncBehavior"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := people(t)
			dir := filepath.Join(t.TempDir(), "dir")
			f, err := Fetch(context.Background(), from(w, c.instead), dir, silent)
			if c.fails {
				if err == nil || canopy.KindOf(err) != c.kind {
					t.Fatalf("got %v, want an error of kind %v", err, c.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for k, words := range f.Withheld {
				if (k == c.withold) != (words != "") && k != "directoryRoles" {
					t.Errorf("got %q withheld: %q", k, words)
				}
			}
			if f.Withheld[c.withold] == "" && c.withold != "" || f.Objects["users"] != 31 {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// TestToken: a token is got once, again when it is old, and again when it is refused; one that was given is not.
func TestToken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	signIns, now := 0, march
	c := Credentials{Authority: "https://login", Tenant: "contoso.com", Client: "app", Secret: "s&cret", Scope: "https://tenant/.default", Clock: func() time.Time { return now },
		HTTP: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			signIns++
			if err := r.ParseForm(); err != nil || r.URL.String() != "https://login/contoso.com/oauth2/v2.0/token" || r.PostForm.Get("client_secret") != "s&cret" || r.PostForm.Get("scope") != "https://tenant/.default" {
				return answer(r, 401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`), nil
			}
			return answer(r, 200, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3599,"access_token":"t%d"}`, signIns)), nil
		})}}
	token := c.Token()
	for _, step := range []struct {
		wait time.Duration
		anew bool
		want string
	}{{0, false, "t1"}, {50 * time.Minute, false, "t1"}, {6 * time.Minute, false, "t2"}, {0, true, "t3"}, {0, false, "t3"}} {
		now = now.Add(step.wait)
		if got, err := token(ctx, step.anew); err != nil || got != step.want {
			t.Errorf("got %q %v, want %q", got, err, step.want)
		}
	}
	c.Secret = "other"
	if _, err := c.Token()(ctx, false); canopy.KindOf(err) != canopy.Forbidden || !strings.Contains(err.Error(), "AADSTS7000215") || strings.Contains(err.Error(), "other") {
		t.Errorf("got %v", err)
	}
	w := people(t)
	refused := 0
	s := from(w, func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") == "Bearer t4" {
			refused++
			return answer(r, 401, `{"error":{"code":"InvalidAuthenticationToken","message":"expired"}}`), nil
		}
		return nil, nil
	})
	c.Secret = "s&cret"
	signIns = 3
	s.Token = c.Token()
	if _, err := Fetch(ctx, s, filepath.Join(t.TempDir(), "dir"), silent); err != nil || refused != 1 {
		t.Errorf("got %v after %d refusals", err, refused)
	}
	s = from(w, func(r *http.Request) (*http.Response, error) {
		return answer(r, 401, `{"error":{"code":"InvalidAuthenticationToken","message":"expired"}}`), nil
	})
	s.Token = GivenToken("mine")
	if _, err := Fetch(ctx, s, filepath.Join(t.TempDir(), "dir"), silent); canopy.KindOf(err) != canopy.Forbidden || strings.Contains(err.Error(), "mine") {
		t.Errorf("got %v", err)
	}
}

// FuzzLine: no line of a companion, and no object, makes the reader fail otherwise than by an error.
func FuzzLine(f *testing.F) {
	f.Add(`{"id":"a","own":{"mail":["x",1,true,{"time":"2026-01-02T03:04:05Z"},{"base64":"AA=="},{"object":"b"}]}}`)
	f.Add(`{"mailbox":{"guid":"9e58304a-ed80-416a-8eac-f2e769056e52","owner":"a"}}`)
	f.Add(anna + `,"proxyAddresses":["SMTP:x@y"],"onPremisesExtensionAttributes":{"extensionAttribute1":"1"},"licenseAssignmentStates":[{"skuId":"x"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := readLine([]byte(text)); err == nil && l.ID != "" {
			w := &tenant.Whole{ID: l.ID, Own: canopy.Attrs{}, Kept: canopy.Attrs{}, Cloud: canopy.Attrs{}}
			l.apply(w)
			again := differ(&tenant.Whole{ID: l.ID, Own: canopy.Attrs{}, Kept: canopy.Attrs{}, Cloud: canopy.Attrs{}}, w, 0)
			if again == nil {
				again = &supplement{ID: l.ID}
			}
			out, err := json.Marshal(again)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := readLine(out); err != nil {
				t.Errorf("%s was written as %s: %v", text, out, err)
			}
		}
		for _, class := range []canopy.Class{canopy.User, canopy.Group, canopy.Contact} {
			_, _ = fuzzed.object(class, []byte(text), false, nil) // any error will do
		}
	})
}

var fuzzed = newDeriver("x.onmicrosoft.com")
