package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/run"
	"github.com/canopy-sync/canopy/tenant"
)

// cloudUser is a user of the cloud that a test makes.
type cloudUser struct {
	attrs canopy.Attrs
	role  string
}

// makeCloudUsers makes users in the tenant of a state directory, and gives their object ids.
func makeCloudUsers(t *testing.T, dir string, users ...cloudUser) []string {
	t.Helper()
	x, err := tenant.Open(t.Context(), filepath.Join(dir, run.TenantName), tenant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var ids []string
	for _, u := range users {
		id, err := x.Admin().CreateUser(t.Context(), u.attrs)
		if err != nil {
			t.Fatal(err)
		}
		if u.role != "" {
			if err := x.Admin().AssignRole(t.Context(), id, u.role); err != nil {
				t.Fatal(err)
			}
		}
		ids = append(ids, string(id))
	}
	return ids
}

func texts(pairs ...string) canopy.Attrs {
	a := canopy.Attrs{}
	for i := 0; i < len(pairs); i += 2 {
		a[canopy.Attr(pairs[i])] = append(a[canopy.Attr(pairs[i])], canopy.Text(pairs[i+1]))
	}
	return a
}

// TestMatch is the way of somebody whose cloud users nothing joins: the report says why, a match sets the anchor, and the
// next run takes the user over.
func TestMatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, People: 60, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	must(t, dir, "plan") // makes the tenant
	initial := "canopylab.onmicrosoft.com"
	ids := makeCloudUsers(t, dir,
		cloudUser{texts("userPrincipalName", "g.bennett@"+initial, "displayName", "Grace Bennett", "alias", "grace.bennett"), ""},
		cloudUser{texts("userPrincipalName", "ruth@"+initial, "displayName", "Ruth Hall", "proxyAddresses", "SMTP:ruth@"+initial, "proxyAddresses", "smtp:ruth.hall@contoso.com"), ""},
		cloudUser{texts("userPrincipalName", "nuria@"+initial, "displayName", "Nuria Vega", "alias", "nuria.vega"), "Global Administrator"},
		cloudUser{texts("userPrincipalName", "nobody@"+initial, "displayName", "Nobody At All"), ""},
	)
	grace, ruth, nuria, nobody := ids[0], ids[1], ids[2], ids[3]
	must(t, dir, "plan")

	out := must(t, dir, "match", "report", "--most", "0")
	for _, want := range []string{"Objects of the cloud without one of a forest: 4", "nobody@" + initial,
		"g.bennett@" + initial + " and CN=Grace Bennett", "likely by 35 of 100: the same alias, the same name",
		"not joined: the sign-in names differ: g.bennett@" + initial + " and grace.bennett@contoso.com", "what to do: canopy match " + grace + " 'CN=Grace Bennett",
		"not joined: only an address that is secondary on one side is the same: the primary one counts",
		"not joined: it holds a directory role and is never taken over", "not joined: the tenant has not verified tailspin.lab"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	var report run.MatchReport
	if err := json.Unmarshal([]byte(must(t, dir, "match", "report", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Cloud) != 4 || len(report.Forest) == 0 || len(report.Taken) != 0 || len(report.Pairs) < 3 {
		t.Errorf("got %d cloud objects, %d of forests, %d taken, %d pairs", len(report.Cloud), len(report.Forest), len(report.Taken), len(report.Pairs))
	}

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{nuria, "nuria.vega@tailspin.lab"}, "it holds a directory role"},
		{[]string{nobody, "nobody@nowhere.com"}, "no object of a forest has this"},
		{[]string{"nobody@nowhere.com", "grace.bennett@contoso.com"}, "no object of the tenant has this"},
		{[]string{"grace.bennett@contoso.com", "grace.bennett@contoso.com"}, "no object of the tenant has this"},
	} {
		if code, _, errs := command(t, dir, append([]string{"match", "--yes"}, c.args...)...); code != exitFailed || !strings.Contains(errs, c.want) {
			t.Errorf("canopy match %v: got exit code %d, want %d and %q\n%s", c.args, code, exitFailed, c.want, errs)
		}
	}
	if code, _, errs := command(t, dir, "match", grace, "grace.bennett@contoso.com", "--json"); code != exitUsage {
		t.Errorf("--json without --yes: got exit code %d, want %d\n%s", code, exitUsage, errs)
	}
	if out := answered(t, dir, "no\n", "match", grace, "grace.bennett@contoso.com"); !strings.Contains(out, "Nothing was done.") || !strings.Contains(out, "source anchor ") {
		t.Errorf("a person says no:\n%s", out)
	}
	if out := must(t, dir, "tenant", "user", "get", grace, "--select", "immutableid"); strings.Contains(out, "==") {
		t.Errorf("a preview left a source anchor: %s", out)
	}
	if out := answered(t, dir, "yes\n", "match", grace, "grace.bennett@contoso.com"); !strings.Contains(out, "Done.") {
		t.Errorf("a person says yes:\n%s", out)
	}
	if code, _, errs := command(t, dir, "match", "--yes", grace, "ruth.hall@contoso.com"); code != exitFailed || !strings.Contains(errs, "it has a source anchor by now") {
		t.Errorf("somebody else's: got exit code %d\n%s", code, errs)
	}
	must(t, dir, "match", "--yes", ruth, "ruth.hall@contoso.com")
	must(t, dir, "plan")
	out = must(t, dir, "match", "report", "--most", "0")
	for _, want := range []string{"Pairs that the next run joins: 2", "g.bennett@" + initial + " and CN=Grace Bennett", "ruth@" + initial + " and CN=Ruth Hall"} {
		if !strings.Contains(out, want) {
			t.Errorf("after the matches the report lacks %q:\n%s", want, out)
		}
	}
	code, out, errs := command(t, dir, "run")
	if code == exitStopped { // two takeovers of so few people are many
		must(t, dir, "plan", "approve", "4", "--why", "meant")
		code, out, errs = command(t, dir, "run", "--plan", "4")
	}
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, id := range []string{grace, ruth} {
		if out := must(t, dir, "entry", "show", id); !strings.Contains(out, "matched") {
			t.Errorf("%s was not taken over:\n%s", id, out)
		}
	}
	out = must(t, dir, "match", "report")
	for _, want := range []string{"Objects of the cloud without one of a forest: 2", "Pairs that the next run joins: 0", "it holds a directory role"} {
		if !strings.Contains(out, want) {
			t.Errorf("after the run the report lacks %q:\n%s", want, out)
		}
	}
}

// answered runs a command line whose questions are answered.
func answered(t *testing.T, dir, answer string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	app := App{Out: &out, Err: &errs, In: strings.NewReader(answer)}
	if code := app.Run(t.Context(), append([]string{"--dir", dir}, args...)); code != exitDone {
		t.Fatalf("canopy %s: exit code %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return out.String()
}
