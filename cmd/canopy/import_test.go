package main

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/lab"
	"github.com/canopy-sync/canopy/run"
)

// held are the files of a folder with their sizes, those of the databases and the lock left out.
func held(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(p, ".db") || d.Name() == run.LockName {
			return err
		}
		info, err := d.Info()
		if err == nil {
			out[p] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

// comparedJSON is a comparison as programs read it.
type comparedJSON struct {
	Metas, Same, EntryCount int
	Made, Unmade            struct{ Count int }
	Attributes              []struct {
		Class, Attribute string
		Count            int
		Examples         []struct{ Present, Other []any }
	}
}

const sampleExport = "testdata/export"

// TestImportConnect is the walk of somebody who brings the rules of another product's server.
func TestImportConnect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	before := held(t, dir)

	out := must(t, dir, "import", "connect", sampleExport)
	for _, want := range []string{"2 rules of 2 connectors, exported 2026-05-04", "2 taken over, 2 of them in force, with 9 flows", "password hashes are not synchronised",
		"ExportDeletionThresholdValue = 250", "guard: {delete: {number: 250}}", `include: ["OU=Staff,DC=contoso,DC=lab"]`, `exclude: ["OU=Finance,OU=Staff,DC=contoso,DC=lab"]`,
		"It differs from the configuration's", "goes:     ", "OU=Finance,OU=Staff", "Nothing was written."} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	compared := decode[struct {
		Comparison *comparedJSON
		Scopes     []struct {
			Same  bool
			Loses run.ScopeObjects
		}
	}](t, must(t, dir, "import", "connect", sampleExport, "--compare", "--json"))
	if compared.Comparison == nil || compared.Comparison.Unmade.Count == 0 || len(compared.Comparison.Attributes) == 0 {
		t.Fatalf("got the comparison %+v, want objects that go and attributes that differ", compared.Comparison)
	}
	if s := compared.Scopes; len(s) != 1 || s[0].Same || s[0].Loses.Count == 0 || len(s[0].Loses.Examples) == 0 {
		t.Errorf("got scopes %+v, want one that loses objects, by name", s)
	}
	if d := cmp.Diff(before, held(t, dir)); d != "" {
		t.Fatalf("reading an export changed the state directory:\n%s", d)
	}

	must(t, dir, "import", "connect", sampleExport, "--write")
	list := must(t, dir, "rule", "list")
	if !strings.Contains(list, "in-from-ad-user-join") {
		t.Errorf("the rules taken over are not in force:\n%s", list)
	}
	if again := decode[struct{ Written []string }](t, must(t, dir, "import", "connect", sampleExport, "--write", "--json")); len(again.Written) != 0 {
		t.Errorf("writing again wrote %v, want nothing", again.Written)
	}
	// What is in force now is what was compared, so nothing differs any more.
	same := decode[comparedJSON](t, must(t, dir, "compare", "--connect", sampleExport, "--json"))
	if same.Same != same.Metas || same.Metas == 0 || same.EntryCount != 0 {
		t.Errorf("%d of %d objects are the same, and %d entries differ; want all and none", same.Same, same.Metas, same.EntryCount)
	}

	file := filepath.Join(dir, run.RulesName, "in-from-ad-user-join.yaml")
	if err := os.WriteFile(file, []byte("id: in-from-ad-user-join\ndisabled: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := command(t, dir, "import", "connect", sampleExport, "--write")
	if code != exitFailed || !strings.Contains(errs, "in-from-ad-user-join.yaml") || !strings.Contains(errs, "--replace") {
		t.Errorf("got exit code %d and %q, want a refusal that names the file", code, errs)
	}
	must(t, dir, "import", "connect", sampleExport, "--write", "--replace")
	if err := os.RemoveAll(filepath.Join(dir, run.RulesName)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, held(t, dir)); d != "" {
		t.Errorf("the way back leaves something:\n%s", d)
	}
}

// TestRulesTakenOverSettle runs forests by rules taken over: what they write is kept, so that a second run writes nothing.
func TestRulesTakenOverSettle(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"an export": {"import", "connect", sampleExport, "--write"}, "a schema": {"schema", "import", sampleSchema, "--write"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			must(t, dir, args...)
			config := "forests:\n- {name: contoso.lab, servers: ['ldaps://127.0.0.1:1'], bind: {account: a, password_env: X}}\n"
			if err := os.WriteFile(filepath.Join(dir, "canopy.yaml"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			if out := must(t, dir, "import", "connect", sampleExport); !strings.Contains(out, "The forest was not read yet") {
				t.Errorf("before the first read the report lacks that nothing is known:\n%s", out)
			}
			if err := os.Remove(filepath.Join(dir, "canopy.yaml")); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(must(t, dir, "lab", "--once", "--json", "--people", "60")), "\n")
			s := decode[lab.Summary](t, lines[len(lines)-1])
			if s.Tenant.Users == 0 || s.Exports.Refused != 0 || s.SecondRun.Exports != 0 {
				t.Errorf("got %d users, %d refused exports and %d exports of a second run, want users, none and none", s.Tenant.Users, s.Exports.Refused, s.SecondRun.Exports)
			}
			if out := must(t, dir, "compare"); !strings.Contains(out, "what the tenant holds") {
				t.Errorf("got %q", out)
			}
		})
	}
}

// TestCompare compares rules with themselves, with others, and with what the tenant holds.
func TestCompare(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	tenant := decode[comparedJSON](t, must(t, dir, "compare", "--json"))
	if tenant.Metas == 0 || len(tenant.Attributes) != 0 || tenant.Made.Count != 0 {
		t.Errorf("after a confirmed run the tenant differs: %+v", tenant)
	}
	if out := must(t, dir, "compare"); !strings.Contains(out, "what the tenant holds") {
		t.Errorf("got %q", out)
	}
	same := decode[comparedJSON](t, must(t, dir, "compare", "--rules", other, "--json"))
	if same.Same != same.Metas || same.Metas == 0 || len(same.Attributes) != 0 || same.EntryCount != 0 {
		t.Errorf("the built-in rules differ from themselves: %+v", same)
	}
	rule := "id: ours\nname: Ours\ndirection: out\nconnector: tenant\nsource: person\ntarget: user\nlink: join\nprecedence: 1\n" +
		"flows: [{to: displayName, expression: '[displayName] & \"!\"'}]\n"
	if err := os.WriteFile(filepath.Join(other, "ours.yaml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := decode[comparedJSON](t, must(t, dir, "compare", "--rules", other, "--json"))
	names := map[string]int{}
	for _, a := range changed.Attributes {
		names[a.Class+" "+a.Attribute] = a.Count
	}
	if got := slices.Collect(maps.Keys(names)); !slices.Equal(got, []string{"user displayName"}) || names["user displayName"] != changed.Metas-changed.Same {
		t.Errorf("got differences %v in %d of %d objects, want displayName alone", names, changed.Metas-changed.Same, changed.Metas)
	}
	if e := changed.Attributes[0].Examples[0]; e.Other[0] != e.Present[0].(string)+"!" {
		t.Errorf("got the example %+v", e)
	}
	for _, args := range [][]string{{"compare", "--rules", other, "--connect", sampleExport}, {"import", "connect", sampleExport, "--forest", "x"}, {"import", "connect"}} {
		if code, _, _ := command(t, dir, args...); code != exitUsage {
			t.Errorf("%v: exit code %d, want %d", args, code, exitUsage)
		}
	}
	if code, _, errs := command(t, dir, "import", "connect", filepath.Join(other, "none")); code != exitFailed || !strings.Contains(errs, "none") {
		t.Errorf("got exit code %d and %q, want an error that names the folder", code, errs)
	}
}
