package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy/lab"
)

// TestUnknownNames: a name that nothing has is told of with the nearest, and nothing is done.
func TestUnknownNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "40")
	before := must(t, dir, "log", "--runs", "--json")
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"run", "--without", "contso.lab"}, exitUsage, []string{"--without contso.lab", "did you mean contoso.lab?"}},
		{[]string{"run", "--accept-missing", "tailspn.lab"}, exitUsage, []string{"--accept-missing tailspn.lab", "did you mean tailspin.lab?"}},
		{[]string{"plan", "--without", "unlike.all"}, exitUsage, []string{"there are contoso.lab, fabrikam.lab, tailspin.lab"}},
		{[]string{"plan", "--no-import", "--preview", "--without", "contso.lab"}, exitUsage, []string{"did you mean contoso.lab?"}},
		{[]string{"log", "--step", "exprot"}, exitUsage, []string{"--step exprot", "did you mean export?"}},
		{[]string{"log", "--step", "zzz"}, exitUsage, []string{"there are import, join, plan, export, confirm"}},
		{[]string{"log", "--run", "9999"}, exitUsage, []string{"--run 9999", "canopy log --runs"}},
		{[]string{"log", "--run", "0"}, exitUsage, []string{"--run 0", "the last one is"}},
		{[]string{"lab", "--once", "--join", "male"}, exitUsage, []string{"--join", "male", "mail, sid"}},
		{[]string{"lab", "--once", "--like", "entra"}, exitUsage, []string{"--like", "entra", "cloud-provisioning-2020"}},
		{[]string{"explain", "grace.bennet@contoso.com"}, exitFailed, []string{"did you mean grace.bennett@contoso.com"}},
		{[]string{"explain", "Ruth Hall"}, exitFailed, []string{"did you mean ", "CN=Ruth Hall,OU=Human Resources,OU=Staff,DC=contoso,DC=lab?"}},
		{[]string{"explain", "cn=ruth hal,ou=human resources,ou=staff,dc=contoso,dc=lab"}, exitFailed, []string{"did you mean CN=Ruth Hall,OU=Human Resources"}},
		{[]string{"explain", "grace.bennett@contoso.com", "dispalyName"}, exitFailed, []string{"dispalyName", "did you mean displayName?"}},
		{[]string{"explain", "grace.bennett@contoso.com", "proxyAdresses"}, exitFailed, []string{"did you mean proxyAddresses?"}},
		{[]string{"entry", "show", "grace.bennet@contoso.com"}, exitFailed, []string{"did you mean grace.bennett@contoso.com"}},
		{[]string{"entry", "join", "grace.bennet@contoso.com", "ruth.hall@contoso.com"}, exitFailed, []string{"did you mean grace.bennett@contoso.com"}},
		{[]string{"meta", "show", "grace.bennet@contoso.com"}, exitFailed, []string{"did you mean grace.bennett@contoso.com"}},
		{[]string{"log", "grace.bennet@contoso.com"}, exitFailed, []string{"did you mean grace.bennett@contoso.com"}},
		{[]string{"explain", "nobody.like.this@anywhere.example"}, exitFailed, []string{"check the spelling"}},
	} {
		code, out, errs := command(t, dir, c.args...)
		if code != c.code || out != "" {
			t.Errorf("canopy %s: got exit code %d, want %d and nothing on standard output\n%s%s", strings.Join(c.args, " "), code, c.code, out, errs)
		}
		for _, w := range c.want {
			if !strings.Contains(errs, w) {
				t.Errorf("canopy %s: the message lacks %q:\n%s", strings.Join(c.args, " "), w, errs)
			}
		}
	}
	if d := cmp.Diff(before, must(t, dir, "log", "--runs", "--json")); d != "" {
		t.Errorf("something ran (-want +got):\n%s", d)
	}
}

// TestUnreachable: forests that do not answer are named with what to do, and the exit codes are those of the help.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, People: 40, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	expect := func(args []string, code int, want, never []string) {
		t.Helper()
		got, out, errs := command(t, dir, args...)
		if got != code {
			t.Errorf("canopy %s: got exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("canopy %s lacks %q:\n%s%s", strings.Join(args, " "), w, out, errs)
			}
		}
		for _, w := range never {
			if strings.Contains(out, w) {
				t.Errorf("canopy %s says %q:\n%s%s", strings.Join(args, " "), w, out, errs)
			}
		}
	}
	expect([]string{"check"}, exitDone, []string{"contoso.lab\n  ok: " + l.Forests[0].Server.URL(), "tenant\n  ok"}, []string{"error"})
	expect([]string{"run"}, exitDone, []string{"Written: "}, []string{"Not read"})
	expect([]string{"run"}, exitDone, []string{"Nothing to do: the tenant holds what it should."}, []string{"Not read"})
	l.Forests[1].Server.Close()
	expect([]string{"check"}, exitFailed, []string{"  error: " + l.Forests[1].Server.URL() + ": the domain controller cannot be reached", "what to do: check the name"}, nil)
	some := []string{"Not read: ", "fabrikam.lab", "what to do: check the name", "What changed in fabrikam.lab is not known"}
	expect([]string{"run"}, exitPartly, some, []string{"Nothing to do", "No forest"})
	expect([]string{"plan"}, exitPartly, some, []string{"Nothing to do", "No forest"})
	l.Forests[0].Server.Close()
	l.Forests[2].Server.Close()
	all := []string{"Not read: ", "contoso.lab", "fabrikam.lab", "tailspin.lab", "what to do: check the name", "No forest was read, so nothing is planned"}
	expect([]string{"run"}, exitFailed, all, []string{"Nothing to do"})
	expect([]string{"plan"}, exitFailed, all, []string{"Nothing to do"})
	expect([]string{"run", "--json"}, exitFailed, []string{`"next":"check the name`}, nil)
}

// TestCheckScope: a name in the scope that nothing has is found by the check, before a run stops at it.
func TestCheckScope(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, People: 40, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	must(t, dir, "check")
	config := filepath.Join(dir, "canopy.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "OU=Canopy,DC=fabrikam", "OU=Cnaopy,DC=fabrikam", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, dir, "check")
	if code != exitFailed || !strings.Contains(out, "OU=Cnaopy,DC=fabrikam,DC=lab: scope: no container or group has this name") || !strings.Contains(out, "correct scope") {
		t.Errorf("got exit code %d, want %d, and the name with what to do\n%s%s", code, exitFailed, out, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "forests.json")); err == nil {
		t.Error("a check remembered something")
	}
}

// TestLabAgain: a lab that starts where one was shows how things stand, not only what it did.
func TestLabAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := must(t, dir, "lab", "--once", "--people", "60")
	again := must(t, dir, "lab", "--once", "--people", "60")
	stands := func(out string) []string {
		return slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool { return strings.HasPrefix(line, "exports ") })
	}
	if d := cmp.Diff(stands(first), stands(again)); d != "" {
		t.Errorf("the second start (-first +second):\n%s", d)
	}
	for _, want := range []string{"exports     0 written, 0 refused, 4 held back", "Findings:\n  Nuria Vega: userPrincipalName", "\n  Ruth Hall: proxyAddresses", "explain --dir " + dir + " grace.bennett@contoso.com"} {
		if !strings.Contains(again, want) {
			t.Errorf("the second start lacks %q:\n%s", want, again)
		}
	}
}

// TestConfigElsewhere: every command that reads the configuration takes one from elsewhere.
func TestConfigElsewhere(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "other.yaml")
	must(t, dir, "lab", "--once", "--people", "40", "--join", "none")
	if err := os.Rename(filepath.Join(dir, "canopy.yaml"), other); err != nil {
		t.Fatal(err)
	}
	const who = "ruth.hall@contoso.com"
	for _, args := range [][]string{{"explain", who}, {"log"}, {"entry", "show", who}, {"meta", "show", who}, {"plan", "list"}, {"plan", "show", "1"}} {
		if code, _, errs := command(t, dir, args...); code != exitFailed || !strings.Contains(errs, "there is no configuration") {
			t.Errorf("canopy %s: got exit code %d, want %d\n%s", strings.Join(args, " "), code, exitFailed, errs)
		}
		must(t, dir, append(args, "--config", other)...)
	}
	must(t, dir, "rule", "list", "--config", other)
	must(t, dir, "rule", "list")
	if code, _, errs := command(t, dir, "rule", "list", "--config", other+".no"); code != exitFailed || !strings.Contains(errs, other+".no") {
		t.Errorf("a configuration that is not there: got exit code %d, want %d\n%s", code, exitFailed, errs)
	}
	walk((&App{}).root(), func(c *cobra.Command) {
		_, mine, _ := strings.Cut(c.CommandPath(), " ")
		first, _, _ := strings.Cut(mine, " ")
		want := !slices.Contains([]string{"", "lab", "tenant", "anchor", "agent", "man", "completion"}, first) // these read none
		if got := c.Flag("config") != nil; got != want {
			t.Errorf("%s: takes --config: %v, want %v", c.CommandPath(), got, want)
		}
	})
}
