package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy/lab"
)

// command runs one command line and gives its output.
func command(t *testing.T, dir string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	app := App{Out: &o, Err: &e}
	code = app.Run(t.Context(), append([]string{"--dir", dir}, args...))
	return code, o.String(), e.String()
}

// must runs a command line that has to succeed and gives its standard output.
func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	code, out, errs := command(t, dir, args...)
	if code != 0 {
		t.Fatalf("canopy %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// TestLabOnce is the first command of a new user, and what it must come to.
func TestLabOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := must(t, dir, "lab", "--once", "--json", "--people", "120")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var s lab.Summary
	dec := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		t.Fatalf("the last line is not the summary: %v\n%s", err, lines[len(lines)-1])
	}
	people := 0
	for _, f := range s.Forests {
		people += f.People
	}
	if len(s.Forests) != 3 || people != 120 {
		t.Errorf("got %d forests with %d people, want 3 with 120", len(s.Forests), people)
	}
	if s.SecondRun.Exports != 0 {
		t.Errorf("a second full run planned %d exports, want none", s.SecondRun.Exports)
	}
	if s.Exports.Unconfirmed != 0 || s.Exports.Refused != 0 {
		t.Errorf("got %d unconfirmed and %d refused exports, want none", s.Exports.Unconfirmed, s.Exports.Refused)
	}
	if s.Exports.Held == 0 || s.Metaverse.Joined == 0 {
		t.Errorf("got %d held back and %d joined; the lab's trouble must show", s.Exports.Held, s.Metaverse.Joined)
	}
	if s.Tenant.Users == 0 || s.Tenant.Users > s.Metaverse.People {
		t.Errorf("got %d users of %d people", s.Tenant.Users, s.Metaverse.People)
	}
}

// TestCommandsBesideALab runs every command that shows something on what a lab left behind.
func TestCommandsBesideALab(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := must(t, dir, "lab", "--once", "--people", "60")
	for _, want := range []string{"Findings:", "Ruth Hall", "ruth hall@contoso.com", "a space", "correct it in CN=Ruth Hall"} {
		if !strings.Contains(out, want) {
			t.Errorf("the lab's report lacks %q:\n%s", want, out)
		}
	}
	var user string
	for _, args := range [][]string{{"plan", "list"}, {"plan", "show", "1"}, {"plan", "show", "1", "--all"}, {"log"}, {"log", "--runs"}, {"log", "--refused"},
		{"rule", "list"}, {"plan", "--no-import", "--preview"}} {
		for _, form := range [][]string{nil, {"--json"}} {
			out := must(t, dir, append(args, form...)...)
			if form == nil && out == "" {
				t.Errorf("canopy %s printed nothing", strings.Join(args, " "))
			}
			if form != nil {
				user = firstUPN(t, out, user)
			}
		}
	}
	if user == "" {
		t.Fatal("no plan showed a user")
	}
	for attr, object := range map[string]string{"authOrig": "everyone.contoso@contoso.com", "dLMemSubmitPerms": "everyone.fabrikam@fabrikam.com", "publicDelegates": "grace.bennett@contoso.com"} {
		if out := must(t, dir, "explain", object, attr); !strings.Contains(out, "  "+attr+" = ") || !strings.Contains(out, "export tenant done  links: +") {
			t.Errorf("%s of %s: want links, and that they were sent:\n%s", attr, object, out)
		}
	}
	for _, args := range [][]string{{"explain", user}, {"explain", user, "displayName"}, {"explain", user, "--scopes"}, {"entry", "show", user}, {"meta", "show", user}, {"log", user}} {
		if out := must(t, dir, args...); !strings.Contains(out, " ") {
			t.Errorf("canopy %s printed %q", strings.Join(args, " "), out)
		}
		must(t, dir, append(args, "--json")...)
	}
}

// firstUPN finds the sign-in name of a user that a plan's JSON adds; every line must be JSON.
func firstUPN(t *testing.T, out, known string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		var item struct {
			Exports []struct {
				Export struct {
					Class string
					Set   map[string][]any
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &item); err != nil && !strings.HasPrefix(line, "[") {
			t.Fatalf("not JSON: %v\n%s", err, line)
		}
		for _, e := range item.Exports {
			if upn, ok := e.Export.Set["userPrincipalName"]; ok && known == "" && e.Export.Class == "user" {
				known, _ = upn[0].(string)
			}
		}
	}
	return known
}

// TestMistakes are what people type, and what they are told.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		yaml string
		args []string
		code int
		want []string
	}{
		{"no configuration", "", []string{"plan"}, exitFailed, []string{"there is no configuration", "what to do:", "canopy lab"}},
		{"unknown key", "forests:\n- name: a\n  server: [x]\n", []string{"plan"}, exitFailed, []string{"line 3", "server"}},
		{"password in the file", "forests:\n- name: a.lab\n  servers: [ldaps://h]\n  bind: {account: a, password: p}\n", []string{"run"}, exitFailed, []string{"a.lab", "password_file"}},
		{"an attribute to join by that there is not", "join: attribute:nosuch\nforests:\n- name: a.lab\n  servers: [ldaps://h]\n  bind: {account: a, password_env: P}\n",
			[]string{"plan"}, exitFailed, []string{"canopy.yaml: join:", "nosuch", "attribute:employeeID"}},
		{"unknown command", "", []string{"plam"}, exitUsage, []string{"unknown command", "did you mean", "plan"}},
		{"unknown command of a group", "", []string{"entry", "shwo"}, exitUsage, []string{"unknown command", "canopy entry", "did you mean show"}},
		{"unknown command below a command", "", []string{"plan", "shwo", "1"}, exitUsage, []string{"unknown command", "canopy plan", "did you mean show"}},
		{"unknown command unlike all", "", []string{"meta", "zzz"}, exitUsage, []string{"unknown command", "there are show"}},
		{"unknown flag", "", []string{"plan", "--perview"}, exitUsage, []string{"--perview"}},
		{"no number", "", []string{"plan", "show", "x"}, exitUsage, []string{"canopy plan list"}},
		{"too few people", "", []string{"lab", "--people", "3"}, exitUsage, []string{"--people", "40"}},
		{"preview with import", "", []string{"plan", "--preview"}, exitUsage, []string{"--no-import"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.yaml != "" {
				if err := os.WriteFile(dir+"/canopy.yaml", []byte(c.yaml), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			code, _, errs := command(t, dir, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, errs)
			}
			for _, w := range c.want {
				if !strings.Contains(errs, w) {
					t.Errorf("the message lacks %q:\n%s", w, errs)
				}
			}
		})
	}
}
