package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi"
	"github.com/canopy-sync/canopy/tenant/twin"
)

func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range list {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = string(text)
	}
	return out
}

// TestExportAndImport: an export fills another state directory, and nothing else than an empty one unless that is asked for.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	from, to, folder := twoPeople(t), t.TempDir(), filepath.Join(t.TempDir(), "export")
	if code, out, errs := inTenant(t, from, "tenant", "export", folder); code != exitDone || !strings.Contains(out, "2 users") || !strings.Contains(out, "canopy tenant import --dir NEW") {
		t.Fatalf("got %d\n%s%s", code, out, errs)
	}
	code, out, errs := inTenant(t, to, "tenant", "import", folder)
	if code != exitDone || !strings.Contains(out, "contoso.onmicrosoft.com") || strings.Contains(out, "- ") {
		t.Fatalf("got %d\n%s%s", code, out, errs)
	}
	again := filepath.Join(t.TempDir(), "again")
	if code, out, errs := inTenant(t, to, "tenant", "export", again, "--json"); code != exitDone || !json.Valid([]byte(out)) {
		t.Fatalf("got %d\n%s%s", code, out, errs)
	}
	if diff := cmp.Diff(filesOf(t, folder), filesOf(t, again)); diff != "" {
		t.Error(diff)
	}
	if code, _, errs := inTenant(t, to, "tenant", "export", again); code != exitFailed || !strings.Contains(errs, "not empty") {
		t.Errorf("got %d %s", code, errs)
	}
	if code, _, errs := inTenant(t, to, "tenant", "import", folder); code != exitFailed || !strings.Contains(errs, "--replace") {
		t.Errorf("got %d %s", code, errs)
	}
	if code, out, errs := inTenant(t, to, "tenant", "import", folder, "--replace", "--json"); code != exitDone || !json.Valid([]byte(out)) {
		t.Errorf("got %d %s%s", code, out, errs)
	}
	// what fails leaves no tenant behind
	if err := os.WriteFile(filepath.Join(folder, "users-2.jsonl"), []byte(`{"id":"x","displayName":7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	if code, _, errs := inTenant(t, empty, "tenant", "import", folder); code != exitFailed || !strings.Contains(errs, "users-2.jsonl line 1 (x)") || !strings.Contains(errs, "displayName") {
		t.Errorf("got %d %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(empty, run.TenantName)); !os.IsNotExist(err) {
		t.Errorf("a tenant was left behind: %v", err)
	}
}

// served is a tenant of two people behind its door, with an app, and the arguments by which import reads it.
func served(t *testing.T, roles ...string) (url string, args []string) {
	t.Helper()
	dir := twoPeople(t)
	w, err := tenant.Open(t.Context(), filepath.Join(dir, run.TenantName), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := graphapi.New(t.Context(), graphapi.Options{Tenant: w})
	if err != nil {
		t.Fatal(err)
	}
	l, err := graphapi.Listen(t.Context(), s, "127.0.0.1:0", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	app, secret, err := w.Directory().AddApp(t.Context(), "twin", roles, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return l.URL, []string{"--ca", filepath.Join(dir, graphapi.AuthorityName), "--tenant", "contoso.onmicrosoft.com", "--client", app.ID, "--secret-file", file}
}

// TestImportFromAnEndpoint: our own endpoint is read over the network by a program that signs in, and the twin tells of itself
// what the endpoint did.
func TestImportFromAnEndpoint(t *testing.T) {
	t.Parallel()
	url, args := served(t, graphapi.Roles()...)
	dir, kept := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	code, out, errs := inTenant(t, dir, append([]string{"tenant", "import", url, "--keep", kept}, args...)...)
	if code != exitDone || !strings.Contains(out, "2 users") || !strings.Contains(out, "no companion") || !strings.Contains(errs, "users") {
		t.Fatalf("got %d\n%s%s", code, out, errs)
	}
	w, err := tenant.Open(t.Context(), filepath.Join(dir, run.TenantName), tenantOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	folder := filepath.Join(t.TempDir(), "export")
	if _, err := twin.Export(t.Context(), w, folder, func(string, int, int, bool) {}); err != nil {
		t.Fatal(err)
	}
	was, is := filesOf(t, kept), filesOf(t, folder)
	maps.DeleteFunc(is, func(name, _ string) bool { return name == "companion.jsonl" })
	maps.DeleteFunc(was, func(name, _ string) bool { return strings.HasPrefix(name, ".") })
	if diff := cmp.Diff(was, is); diff != "" {
		t.Error(diff)
	}
	// what was fetched is there: the same command reads nothing anew, and is refused only since the tenant is not empty
	if code, _, errs := inTenant(t, dir, append([]string{"tenant", "import", url, "--keep", kept}, args...)...); code != exitFailed || !strings.Contains(errs, "not empty") {
		t.Errorf("got %d %s", code, errs)
	}
	code, out, _ = inTenant(t, t.TempDir(), append([]string{"tenant", "import", url + "/v1.0/"}, args...)...)
	if code != exitDone || !strings.Contains(out, "2 users") {
		t.Errorf("got %d %s", code, out)
	}
}

// TestImportRefusals: who has no rights, no token or no trust is told what to do.
func TestImportRefusals(t *testing.T) {
	t.Parallel()
	url, args := served(t, "User.Read.All")
	noCA := slices.Delete(slices.Clone(args), 0, 2)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no rights":        {append([]string{url}, args...), exitFailed, "Directory.Read.All"},
		"no trust":         {append([]string{url}, noCA...), exitFailed, "--ca"},
		"no credentials":   {[]string{url}, exitUsage, "CANOPY_GRAPH_TOKEN"},
		"not encrypted":    {[]string{"http://graph.example.com"}, exitUsage, "https"},
		"secret in URL":    {[]string{"https://a:b@graph.example.com"}, exitUsage, "no credentials into the address"},
		"no such folder":   {[]string{filepath.Join(t.TempDir(), "nowhere")}, exitFailed, "nowhere"},
		"a wrong secret":   {append([]string{url}, append(slices.Clone(args[:6]), "--secret-file", args[1])...), exitFailed, "AADSTS7000215"},
		"no file of token": {[]string{url, "--token-file", "nowhere"}, exitFailed, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			code, out, errs := inTenant(t, dir, append([]string{"tenant", "import"}, c.args...)...)
			if code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("got %d, want %d with %q: %s%s", code, c.code, c.want, out, errs)
			}
			if _, err := os.Stat(filepath.Join(dir, run.TenantName)); !os.IsNotExist(err) {
				t.Errorf("a tenant was left behind: %v", err)
			}
		})
	}
}
