package cloudsync

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// TestSchemaOfImportedRules: a schema that is made of the rules of a schema makes the same rules again.
func TestSchemaOfImportedRules(t *testing.T) {
	t.Parallel()
	first := convert(t, sample)
	text, notes := FromRules(first.Set, "")
	for _, n := range notes {
		if n.Outcome != "adapted" {
			t.Errorf("%s: %s", n.Part, n.Text)
		}
	}
	second := convert(t, string(text))
	said := func(c *Conversion) map[string]string {
		out := map[string]string{}
		for _, r := range c.Rules {
			r := *r
			r.Text = ""
			slices.SortFunc(r.Flows, func(a, b rule.Flow) int { return strings.Compare(string(a.To)+a.Expression, string(b.To)+b.Expression) })
			out[string(r.ID)] = string(r.Format())
		}
		return out
	}
	if d := cmp.Diff(said(first), said(second)); d != "" {
		t.Errorf("the rules are others after a round trip, -before +after:\n%s", d)
	}
	again, _ := FromRules(second.Set, "")
	strip := func(b []byte) string {
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		delete(m, "version")
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if a, b := strip(text), strip(again); a != b {
		t.Errorf("the schema is another after a second round trip:\n%s\n%s", a, b)
	}
}

// TestSchemaOfTheBuiltinRules: what the built-in rules say can be read as a schema, loads as rules that give people the
// same values, and what a schema cannot say is told.
func TestSchemaOfTheBuiltinRules(t *testing.T) {
	t.Parallel()
	set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin()}})
	if err != nil {
		t.Fatal(err)
	}
	text, notes := FromRules(set, "")
	s := read(t, string(text))
	if len(s.Rules) != 1 || len(s.Rules[0].Objects) != 4 || len(s.Directories) != 2 {
		t.Fatalf("got %d rules, %v directories", len(s.Rules), s.Directories)
	}
	for i, least := range []int{120, 120, 50, 80} {
		if o := s.Rules[0].Objects[i]; len(o.Attributes) < least {
			t.Errorf("%s to %s has %d mappings, want %d at least", o.Source, o.Target, len(o.Attributes), least)
		}
	}
	for _, want := range []string{"scope of user|not taken|in-ad-user-filter-sync-account", "scope of user|not taken|adminDescription NOTSTARTSWITH", "flow to dnsDomainName of user|not taken|%Domain.FQDN%"} {
		p := strings.Split(want, "|")
		if !slices.ContainsFunc(notes, func(n Note) bool { return n.Part == p[0] && n.Outcome == p[1] && strings.Contains(n.Text, p[2]) }) {
			t.Errorf("no note says %s", want)
		}
	}
	c := convert(t, string(text))
	obj := &rule.Object{Class: canopy.User, DN: "CN=Anna,OU=Staff,DC=example,DC=lab", LinkCounts: map[canopy.Attr]int{"manager": 1}, Attrs: canopy.Attrs{
		"cn": canopy.Texts("Anna"), "displayName": canopy.Texts("Anna Berg"), "givenName": canopy.Texts(" Anna "), "userPrincipalName": canopy.Texts("anna@example.com"), "mail": canopy.Texts("anna@example.com"),
		"objectGUID": {canopy.Bytes(make([]byte, 16))}, "accountDisabled": {canopy.Bool(false)}, "userAccountControl": {canopy.Int(512)}, "l": canopy.Texts("Berlin"), "mailNickname": canopy.Texts("anna"),
		"proxyAddresses": canopy.Texts("SMTP:anna@example.com ", "smtp:a@example.com"), "employeeID": canopy.Texts("7"), "countryCode": {canopy.Int(276)}, "sAMAccountName": canopy.Texts("anna"), "description": canopy.Texts("one")}}
	meta := flow(t, c.Set.In("ad", "example.lab", canopy.User), obj)
	out := slices.DeleteFunc(slices.Clone(c.Set.Out("tenant", canopy.Tenant, canopy.Person)), func(r *rule.Rule) bool { return r.Target != canopy.User })
	got := flow(t, out, &rule.Object{Class: canopy.Person, Attrs: meta, LinkCounts: map[canopy.Attr]int{"manager": 1}})
	for a, want := range map[canopy.Attr]string{"displayName": "Anna Berg", "givenName": "Anna", "userPrincipalName": "anna@example.com", "mail": "anna@example.com", "city": "Berlin", "alias": "anna", "accountEnabled": "TRUE",
		"employeeID": "7", "countryCode": "276", "onPremisesSamAccountName": "anna", "description": "one"} {
		if vs := got[a]; len(vs) != 1 || !strings.EqualFold(vs[0].String(), want) {
			t.Errorf("%s: got %v, want %s", a, vs, want)
		}
	}
	if vs := got["proxyAddresses"]; len(vs) != 2 || vs[0].Str() != "SMTP:anna@example.com" {
		t.Errorf("got %v, want both addresses trimmed", vs)
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	d := Discover("contoso.lab", canopy.Schema{Classes: []canopy.Class{canopy.Container, canopy.User}, Attributes: map[canopy.Attr]canopy.AttrType{
		"manager": {Type: canopy.Reference}, "objectGUID": {Type: canopy.Binary}, "otherTelephone": {Type: canopy.String, Multi: true}}})
	if len(d.Objects) != 1 || len(d.Objects[0].Attributes) != 3 {
		t.Fatalf("got %+v", d)
	}
	a := d.Objects[0].Attributes
	if a[0].Type != "Reference" || len(a[0].Referenced) == 0 || !a[1].Anchor || a[1].Mutability != "ReadOnly" || !a[2].Multi || a[2].Type != "String" {
		t.Errorf("got %+v", a)
	}
}
