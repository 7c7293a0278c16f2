package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy/run"
)

// TestDuplicates: people who are likely one are listed with what says so, until somebody has decided.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60", "--join", "none")
	out := must(t, dir, "check", "duplicates", "--most", "0")
	for _, want := range []string{"the same primary address", "CN=Grace Bennett,OU=Sales,OU=Staff,DC=contoso,DC=lab (contoso.lab), is there", "Nobody waits: duplicates.wait"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	list := func(args ...string) []run.Duplicate {
		var got struct{ Duplicates []run.Duplicate }
		if err := json.Unmarshal([]byte(must(t, dir, append([]string{"check", "duplicates", "--json"}, args...)...)), &got); err != nil {
			t.Fatal(err)
		}
		return got.Duplicates
	}
	all := list()
	if len(all) == 0 || len(list("--rank", "100")) >= len(all) {
		t.Fatalf("got %d of any rank, and %d of the highest", len(all), len(list("--rank", "100")))
	}
	for i := 1; i < len(all); i++ {
		if all[i].Rank > all[i-1].Rank {
			t.Errorf("the rank %d comes after %d", all[i].Rank, all[i-1].Rank)
		}
	}
	first := all[0]
	must(t, dir, "entry", "exclude", first.B.Name, "--why", "one person")
	for _, d := range list() {
		if d.A.Entry == first.B.Entry || d.B.Entry == first.B.Entry {
			t.Errorf("what was excluded is listed still: %+v", d)
		}
	}
	must(t, dir, "entry", "include", first.B.Name)
	if got := list(); len(got) != len(all) {
		t.Errorf("included again: got %d pairs, want %d", len(got), len(all))
	}
	must(t, dir, "entry", "release", first.B.Name)
	if got := list(); len(got) >= len(all) {
		t.Errorf("released: got %d pairs, want fewer than %d", len(got), len(all))
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"check", "duplicates", "--rank", "0"}, exitUsage, "from 1 to 100"},
		{[]string{"entry", "include", first.A.Name}, exitFailed, "nobody decided anything"},
		{[]string{"entry", "exclude", "nobody@nowhere.com"}, exitFailed, "no object has this"},
	} {
		if code, _, errs := command(t, dir, c.args...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("canopy %v: got exit code %d, want %d and %q\n%s", c.args, code, c.code, c.want, errs)
		}
	}
}

// TestDuplicatesWait: the configuration says from which rank on, and a rank that is none is refused.
func TestDuplicatesWait(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const yaml = "forests:\n- name: a.lab\n  servers: [ldaps://h]\n  bind: {account: a, password_env: P}\nduplicates: {wait: 101}\n"
	if err := os.WriteFile(filepath.Join(dir, "canopy.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command(t, dir, "check", "duplicates"); code != exitFailed || !strings.Contains(errs, "duplicates: wait: 101 is no rank") {
		t.Errorf("got exit code %d, want %d\n%s", code, exitFailed, errs)
	}
}
