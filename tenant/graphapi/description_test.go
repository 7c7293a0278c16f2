package graphapi

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write property.tsv anew from the description")

// described is a schema of the description, as far as the table of properties needs it.
type described struct {
	AllOf      []described          `yaml:"allOf"`
	Ref        string               `yaml:"$ref"`
	Type       string               `yaml:"type"`
	Format     string               `yaml:"format"`
	Items      *described           `yaml:"items"`
	Properties map[string]described `yaml:"properties"`
	ReadOnly   bool                 `yaml:"readOnly"`
	Nullable   bool                 `yaml:"nullable"`
	MaxLength  int                  `yaml:"maxLength"`
	Select     bool                 `yaml:"x-requires-select"`
	Default    bool                 `yaml:"x-returned-by-default"`
	Locked     bool                 `yaml:"x-readonly-when-synced"`
	OnPrem     bool                 `yaml:"x-onprem-populated"`
	Search     bool                 `yaml:"x-search"`
	OrderBy    bool                 `yaml:"x-orderby"`
	Required   bool                 `yaml:"x-required-on-create"`
	Navigation bool                 `yaml:"x-navigation"`
	Filter     []string             `yaml:"x-filter"`
	Enum       []string             `yaml:"enum"`
}

const inSchemas = "#/components/schemas/"

type description map[string]described

// properties are a schema's own and inherited ones.
func (d description) properties(s described) map[string]described {
	out := map[string]described{}
	if s.Ref != "" {
		return d.properties(d[strings.TrimPrefix(s.Ref, inSchemas)])
	}
	for _, part := range s.AllOf {
		for name, p := range d.properties(part) {
			out[name] = p
		}
	}
	for name, p := range s.Properties {
		out[name] = p
	}
	return out
}

// ref is the schema that a property refers to, "" for none.
func (p described) ref() string {
	r := p.Ref
	if len(p.AllOf) == 1 {
		r = p.AllOf[0].Ref
	}
	if p.Items != nil {
		r = p.Items.Ref
	}
	return strings.TrimPrefix(r, inSchemas)
}

// kind is a property's kind: text, bool, int, time, object, and with [] a list of them.
func (d description) kind(p described) string {
	if p.Type == "array" {
		return "[]" + d.kind(*p.Items)
	}
	if r := p.ref(); r != "" {
		if len(d[r].Enum) > 0 {
			return "text"
		}
		return "object"
	}
	switch {
	case p.Type == "boolean":
		return "bool"
	case p.Type == "integer":
		return "int"
	case p.Format == "date-time":
		return "time"
	}
	return "text"
}

// ops are a property's operators, in the words of the filters.
func ops(filter []string) string {
	var out []string
	for _, f := range filter {
		switch {
		case strings.Contains(f, "null"):
			out = append(out, "null")
		case strings.HasPrefix(f, "/$count"):
			out = append(out, "/$count")
		case f == "startswith":
			out = append(out, "startsWith")
		case f == "endswith":
			out = append(out, "endsWith")
		case slices.Contains([]string{"eq", "ne", "not", "ge", "le", "in", "gt", "lt", "contains"}, f):
			out = append(out, f)
		}
		if strings.HasPrefix(f, "eq ") {
			out = append(out, "eq")
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func (d description) rows(entity, prefix string, s described, own bool) []string {
	var out []string
	all := d.properties(s)
	for name, p := range all {
		if p.Navigation {
			continue
		}
		var flags []string
		for _, f := range []struct {
			on   bool
			name string
		}{{p.Default, "default"}, {p.Select, "select"}, {p.ReadOnly, "readonly"}, {p.Locked, "locked"}, {p.OnPrem, "onprem"},
			{p.Search, "search"}, {p.OrderBy, "orderby"}, {p.Required, "required"}, {p.Nullable, "nullable"}} {
			if f.on {
				flags = append(flags, f.name)
			}
		}
		out = append(out, fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%s", entity, prefix+name, d.kind(p), strings.Join(flags, " "), p.MaxLength, ops(p.Filter)))
		if r := p.ref(); own && r != "" && len(d[r].Enum) == 0 {
			out = append(out, d.rows(entity, name+"/", d[r], false)...)
		}
	}
	return out
}

func readDescription(t *testing.T) description {
	t.Helper()
	text, err := os.ReadFile("testdata/graph.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas description `yaml:"schemas"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Components.Schemas
}

// TestPropertiesAreDescribed: the table of properties is what the description says.
func TestPropertiesAreDescribed(t *testing.T) {
	t.Parallel()
	d := readDescription(t)
	var rows []string
	for _, e := range []string{"user", "group", "orgContact", "domain", "organization", "subscribedSku", "servicePrincipal", "application", "directoryAudit",
		"provisioningObjectSummary"} {
		rows = append(rows, d.rows(e, "", d["microsoft.graph."+e], true)...)
	}
	slices.Sort(rows)
	want := strings.Join(rows, "\n") + "\n"
	if *update {
		if err := os.WriteFile("property.tsv", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile("property.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("property.tsv is not what the description says: go test ./tenant/graphapi -run PropertiesAreDescribed -update")
	}
}
