package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy/run"
)

const sampleSchema = "testdata/schema.json"

func squeezed(t *testing.T, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSchemaCommands is the walk of somebody who brings a schema, and takes it away again.
func TestSchemaCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	before := held(t, dir)
	out := must(t, dir, "schema", "import", sampleSchema, "--compare")
	for _, want := range []string{"OU=Staff,DC=contoso,DC=lab", "no attribute ShoeSize on a user", "testdata/schema.json:17", "displayName", "Nothing was written."} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	if d := cmp.Diff(before, held(t, dir)); d != "" {
		t.Fatalf("reading a schema changed the state directory:\n%s", d)
	}
	if code, _, errs := command(t, dir, "schema", "export"); code != exitFailed || !strings.Contains(errs, "canopy schema import") {
		t.Errorf("got exit code %d and %q, want an error that says what to do", code, errs)
	}
	must(t, dir, "schema", "import", sampleSchema, "--write")
	text, err := os.ReadFile(sampleSchema)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(t, dir, "schema", "export"); squeezed(t, []byte(got)) != squeezed(t, text) {
		t.Errorf("the schema came back otherwise:\n%s", got)
	}
	if got := decode[struct{ Changes []any }](t, must(t, dir, "schema", "diff", sampleSchema, "--json")); len(got.Changes) != 0 {
		t.Errorf("got differences %v to itself", got.Changes)
	}
	other := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(other, bytes.Replace(text, []byte(`"enabled": true`), []byte(`"enabled": false`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, dir, "schema", "diff", sampleSchema, other); !strings.Contains(out, "objectMappings[Provision users].enabled\n  - true\n  + false\n1 differences") {
		t.Errorf("got %q", out)
	}
	active := must(t, dir, "schema", "export", "--active")
	made := filepath.Join(t.TempDir(), "active.json")
	if err := os.WriteFile(made, []byte(active), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := decode[struct{ Comparison comparedJSON }](t, must(t, dir, "schema", "import", made, "--compare", "--json")).Comparison; c.Same != c.Metas || c.Metas == 0 {
		t.Errorf("with the schema of the rules in force %d of %d objects are the same, want all", c.Same, c.Metas)
	}
	if code, _, errs := command(t, dir, "schema", "discover", "nobody.lab"); code != exitFailed || !strings.Contains(errs, "no forest of this name") {
		t.Errorf("got exit code %d and %q, want the forest to be unknown", code, errs)
	}
	if out := must(t, dir, "rule", "list"); !strings.Contains(out, "schema-in-user") {
		t.Errorf("the schema's rules are not in force:\n%s", out)
	}
	again := decode[struct{ Comparison comparedJSON }](t, must(t, dir, "schema", "import", sampleSchema, "--compare", "--json"))
	if c := again.Comparison; c.Same != c.Metas || c.Metas == 0 {
		t.Errorf("%d of %d objects are the same as with the rules written, want all", c.Same, c.Metas)
	}
	if _, err := os.Stat(filepath.Join(dir, run.SchemaName)); err != nil {
		t.Error(err)
	}
}

func TestSchemaTells(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	functions := decode[struct{ Value []struct{ Name string } }](t, must(t, dir, "schema", "functions", "--json"))
	operators := decode[struct{ Value []struct{ Name, Rule string } }](t, must(t, dir, "schema", "filter-operators", "--json"))
	if len(functions.Value) < 40 || len(operators.Value) < 12 {
		t.Errorf("got %d functions and %d operators, want at least 40 and 12", len(functions.Value), len(operators.Value))
	}
	if out := must(t, dir, "schema", "filter-operators"); !strings.Contains(out, "REGEX MATCH") {
		t.Errorf("got %q", out)
	}
	if out := must(t, dir, "schema", "functions"); !strings.Contains(out, "Switch(") {
		t.Errorf("got %q", out)
	}
	parsed := must(t, dir, "schema", "parse", "Trim([mail])")
	want := `{"parsedExpression":{"type":"Function","name":"Trim","expression":"Trim([mail])","parameters":[{"key":"source","value":{"type":"Attribute","name":"mail","expression":"[mail]","parameters":[]}}]},"parsingSucceeded":true}`
	if strings.TrimSpace(parsed) != want {
		t.Errorf("got  %s\nwant %s", parsed, want)
	}
	code, out, _ := command(t, dir, "schema", "parse", "Trm([mail])")
	if code != exitFailed || !strings.Contains(out, `"parsingSucceeded":false`) || !strings.Contains(out, "Trim") {
		t.Errorf("got exit code %d and %s, want a failure with the nearest name", code, out)
	}
}
