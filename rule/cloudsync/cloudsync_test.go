package cloudsync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// sample is a schema as the service gives it, with members that nobody knows here.
const sample = `{"@odata.context":"https://graph.example/$metadata","id":"AD2AADProvisioning.1","version":"Date:2026-01-05T08:02:00.0000000Z, Version:7, x:\u00e9",
"directories":[{"id":"d1","name":"Active Directory","readOnly":null,"objects":[{"name":"user","attributes":[{"name":"objectGUID","type":"Binary","anchor":true,"number":1.50e+1}]}]},{"id":"d2","name":"Azure Active Directory","objects":[]}],
"synchronizationRules":[{"id":"r1","name":"AD2AADProvisioning","editable":true,"priority":1,"sourceDirectoryName":"Active Directory","targetDirectoryName":"Azure Active Directory",
 "containerFilter":{"includedContainers":["OU=Staff,DC=example,DC=lab"]},"groupFilter":{"includedGroups":[]},"metadata":[{"key":"x","value":"y"}],
 "objectMappings":[{"name":"Provision users","enabled":true,"flowTypes":"Add,Update,Delete","sourceObjectName":"user","targetObjectName":"User","metadata":[{"key":"EscrowBehavior","value":"Default"}],
  "scope":{"groups":[],"categoryFilterGroups":[],"inputFilterGroups":[{"name":"g1","clauses":[{"sourceOperandName":"isCriticalSystemObject","operatorName":"NOT EQUALS","targetOperand":{"values":["True"]}}]}]},
  "attributeMappings":[
   {"targetAttributeName":"DisplayName","defaultValue":null,"exportMissingReferences":false,"flowBehavior":"FlowWhenChanged","flowType":"Always","matchingPriority":0,
    "source":{"type":"Attribute","name":"displayName","expression":"[displayName]","parameters":[]}},
   {"targetAttributeName":"ExtensionAttribute3","flowType":"Always","matchingPriority":0,
    "source":{"type":"Function","name":"Trim","expression":"Trim([extensionAttribute3])","parameters":[{"key":"source","value":{"type":"Attribute","name":"extensionAttribute3","expression":"[extensionAttribute3]","parameters":[]}}]}},
   {"targetAttributeName":"UserPrincipalName","flowType":"Always","matchingPriority":1,"source":{"type":"Attribute","name":"userPrincipalName","expression":"[userPrincipalName]"}},
   {"targetAttributeName":"AccountEnabled","flowType":"Always","source":{"type":"Function","name":"Not","expression":"Not([accountDisabled])"}},
   {"targetAttributeName":"UsageLocation","flowType":"ObjectAddOnly","defaultValue":"DE","source":{"type":"Attribute","name":"msExchUsageLocation","expression":"[msExchUsageLocation]"}},
   {"targetAttributeName":"Manager","flowType":"Always","source":{"type":"Attribute","name":"manager","expression":"[manager]"}},
   {"targetAttributeName":"sourceAnchorBinary","source":{"type":"Attribute","name":"objectGUID"}},
   {"targetAttributeName":"Company","source":{"type":"Constant","name":"Example","expression":"\"Example\""}}]}]}]}`

func compact(t interface{ Fatal(...any) }, text []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func read(t *testing.T, text string) *Schema {
	t.Helper()
	s, err := Read("s.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaComesBackWhole(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff(compact(t, []byte(sample)), compact(t, read(t, sample).Text())); d != "" {
		t.Error(d)
	}
}

// drawJSON draws any JSON value.
func drawJSON(t *rapid.T, depth int) string {
	kinds := 5
	if depth > 3 {
		kinds = 3
	}
	text := rapid.SampledFrom([]string{`"a"`, `"\u00e9\n\""`, `"é <&>"`, `"\ud83d\ude00"`, `"\/"`, `""`})
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return text.Draw(t, "text")
	case 1:
		return rapid.SampledFrom([]string{"0", "-0", "1.50e+1", "12345678901234567890123", "true", "false", "null"}).Draw(t, "scalar")
	case 2:
		return "{}"
	case 3:
		var items []string
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			items = append(items, drawJSON(t, depth+1))
		}
		return "[" + strings.Join(items, rapid.SampledFrom([]string{",", " , ", ",\n"}).Draw(t, "comma")) + "]"
	}
	var members []string
	for i := range rapid.IntRange(0, 3).Draw(t, "members") {
		members = append(members, fmt.Sprintf("\"m%d\\u0020\" :%s", i, drawJSON(t, depth+1)))
	}
	return "{" + strings.Join(members, ",") + "\t}"
}

func TestUnknownMembersAreKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := `{"unheard":` + drawJSON(t, 0) + `,"synchronizationRules":[{"more":` + drawJSON(t, 0) + `}],"last":` + drawJSON(t, 0) + "}"
		s, err := Read("s.json", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got, want := compact(t, s.Text()), compact(t, []byte(text)); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestBadSchemasNameTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", "s.json:1: it is not JSON"}, {"{\n\n]", "s.json:3: it is not JSON"}, {"\xff", "s.json: the file is not UTF-8"},
		{"[]", "no synchronisation schema"}, {"{}", "no synchronisation schema"}, {"{\"a\":1,\n\"a\":2}", `s.json:2: "a" is there twice`},
		{`{"synchronizationRules":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", "within each other"},
		{`{"synchronizationRules":{}}`, "synchronizationRules is to be a list"}, {"{\"synchronizationRules\":[\n{\"name\":5}]}", "s.json:2: name is to be a text"},
		{`{"synchronizationRules":[{"priority":"high"}]}`, "priority is to be a whole number"}, {`{"synchronizationRules":[{"objectMappings":[{}]}]}`, "has sourceObjectName"},
		{`{"synchronizationRules":[{"objectMappings":[{"sourceObjectName":"a","targetObjectName":"b","enabled":1}]}]}`, "enabled is to be true or false"},
		{`{"synchronizationRules":[{"objectMappings":[{"sourceObjectName":"a","targetObjectName":"b","attributeMappings":[{}]}]}]}`, "has a targetAttributeName"},
		{`{"synchronizationRules":[{"objectMappings":[{"sourceObjectName":"a","targetObjectName":"b","attributeMappings":[{"targetAttributeName":"x","source":{"type":"Odd"}}]}]}]}`, `the source type "Odd"`},
		{`{"synchronizationRules":[{"groupFilter":{"includedGroups":[1]}}]}`, "is to be a list of texts"},
	} {
		if _, err := Read("s.json", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) || canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("%.60s: got %v, want an invalid one with %q", c.text, err, c.want)
		}
	}
}

func convert(t *testing.T, text string) *Conversion {
	t.Helper()
	c, err := Convert(read(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSchemaRunsAsRules evaluates a schema's rules on an object.
func TestSchemaRunsAsRules(t *testing.T) {
	t.Parallel()
	c := convert(t, sample)
	var ids []string
	for _, r := range c.Rules {
		ids = append(ids, string(r.ID))
	}
	if d := cmp.Diff([]string{"schema-in-user", "schema-out-user"}, ids); d != "" {
		t.Fatal(d)
	}
	obj := &rule.Object{Class: canopy.User, DN: "CN=Anna,OU=Staff,DC=example,DC=lab", LinkCounts: map[canopy.Attr]int{"manager": 1}, Attrs: canopy.Attrs{
		"displayName": canopy.Texts("Anna Berg"), "extensionAttribute3": canopy.Texts("  E3 "), "userPrincipalName": canopy.Texts("anna@example.com"),
		"isCriticalSystemObject": {canopy.Bool(false)}, "objectGUID": {canopy.Bytes(make([]byte, 16))}, "accountDisabled": {canopy.Bool(false)}}}
	meta := flow(t, c.Set.In("ad", "example.lab", canopy.User), obj)
	got := flow(t, c.Set.Out("tenant", canopy.Tenant, canopy.Person), &rule.Object{Class: canopy.Person, Attrs: meta, LinkCounts: map[canopy.Attr]int{"manager": 1}})
	text := map[string]string{}
	for a, vs := range got {
		text[string(a)] = vs[0].Str()
	}
	want := map[string]string{"displayName": "Anna Berg", "extensionAttribute3": "E3", "userPrincipalName": "anna@example.com", "sourceAnchor": "AAAAAAAAAAAAAAAAAAAAAA==", "usageLocation": "DE",
		"accountEnabled": text["accountEnabled"], "company": "Example"}
	if d := cmp.Diff(want, text); d != "" {
		t.Error(d)
	}
	if v := got["accountEnabled"]; len(v) != 1 || !v[0].True() {
		t.Errorf("accountEnabled is %v, want TRUE", got["accountEnabled"])
	}
	critical := *obj
	critical.Attrs = canopy.Attrs{"isCriticalSystemObject": {canopy.Bool(true)}}
	if ok, _, err := c.Set.Rule("schema-in-user").InScope(&critical); ok || err != nil {
		t.Errorf("got %v, %v for a critical object, want it out of scope", ok, err)
	}
}

// flow is what rules give for an object: of each attribute the first that contributes.
func flow(t *testing.T, rules []*rule.Rule, o *rule.Object) canopy.Attrs {
	t.Helper()
	out := canopy.Attrs{}
	for _, r := range rules {
		if ok, why, err := r.InScope(o); !ok || err != nil {
			t.Fatalf("%s is out of scope: %s, %v", r.ID, why, err)
		}
		for i := range r.Flows {
			got, err := r.Flows[i].Eval(o)
			if err != nil {
				t.Fatal(err)
			}
			if _, has := out[r.Flows[i].To]; !has && len(got.Values) > 0 {
				out[r.Flows[i].To] = got.Values
			}
		}
	}
	return out
}

func TestWhatBecomesOfASchema(t *testing.T) {
	t.Parallel()
	with := func(old, now string) string {
		if !strings.Contains(sample, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(sample, old, now, 1)
	}
	clause := func(op, values string) string {
		return with(`"operatorName":"NOT EQUALS","targetOperand":{"values":["True"]}`, `"operatorName":"`+op+`","targetOperand":{"values":[`+values+`]}`)
	}
	on := func(attr, op, values string) string {
		return strings.Replace(clause(op, values), `"sourceOperandName":"isCriticalSystemObject"`, `"sourceOperandName":"`+attr+`"`, 1)
	}
	for _, c := range []struct{ name, text, note, wants string }{
		{"as it is", sample, "adapted|containers|OU=Staff", "dialect: cloud"},
		{"claims", sample, "", "claim: upn"},
		{"a default", sample, "", "{to: usageLocation, constant: DE, once: true}"},
		{"once", sample, "", "{same: usageLocation, once: true}"},
		{"links", sample, "", "{same: manager, link: true}"},
		{"the anchor", sample, "built in|mapping to sourceAnchorBinary|mS-DS-ConsistencyGuid", "Coalesce(ConvertToBase64("},
		{"the other way", with(`"sourceDirectoryName":"Active Directory"`, `"sourceDirectoryName":"Azure Active Directory"`), "not taken|rule AD2AADProvisioning|rules go from forests", ""},
		{"switched off", with(`"enabled":true`, `"enabled":false`), "", "disabled: true"},
		{"no deletes", with("Add,Update,Delete", "Add,Update"), "adapted|objects user to User|nothing is deleted", ""},
		{"devices", with(`"targetObjectName":"User"`, `"targetObjectName":"Device"`), "not taken|objects user to Device|no Device", ""},
		{"an expression", with("Trim([extensionAttribute3])", "Trm([extensionAttribute3])"), "not taken|mapping to ExtensionAttribute3|is not understood", ""},
		{"spelling", with(`"expression":"Trim([extensionAttribute3])"`, `"expression":"Trim([ExtensionAttribute3])"`), "", "Trim([extensionAttribute3])"},
		{"matching", with(`"matchingPriority":0`, `"matchingPriority":2`), "not taken|mapping to DisplayName|not matched by displayName", ""},
		{"flow type", with(`"flowType":"Always"`, `"flowType":"MultiValueAddOnly"`), "adapted|mapping to DisplayName|MultiValueAddOnly", ""},
		{"no filter", with(`"inputFilterGroups":[{`, `"inputFilterGroups":[],"other":[{`), "", "id: schema-in-user"},
		{"is true", clause("IS TRUE", ""), "", `op: EQUAL, value: "True"`},
		{"is null", clause("IS NULL", ""), "", "op: ISNULL}"},
		{"not equal, of a truth value", sample, "adapted|filters|counts as one that has False", `- {attr: isCriticalSystemObject, op: NOTEQUAL, value: "True"}`},
		{"is false", clause("IS FALSE", ""), "adapted|filters|counts as one that has False", `op: NOTEQUAL, value: "True"`},
		{"present", clause("PRESENT", ""), "", "op: ISNOTNULL}"},
		{"equals", on("title", "EQUALS", `"x"`), "", "- {attr: title, op: EQUAL, value: x, caseSensitive: true}"},
		{"not equal, of a text", on("title", "NOT EQUALS", `"x"`), "", "- - {attr: title, op: ISNOTNULL}\n    - {attr: title, op: NOTEQUAL, value: x, caseSensitive: true}"},
		{"includes", on("title", "INCLUDES", `"x"`), "", "op: CONTAINS, value: x, caseSensitive: true"},
		{"ends with", on("title", "ENDS_WITH", `"x"`), "", "op: ENDSWITH, value: x, caseSensitive: true"},
		{"regex", on("title", "REGEX MATCH", `"^x+$"`), "", "{attr: title, op: REGEXMATCH, value: ^x+$"},
		{"not regex", on("title", "NOT REGEX MATCH", `"x"`), "", "- - {attr: title, op: ISNOTNULL}\n    - {attr: title, op: NOTREGEXMATCH, value: x"},
		{"a regex that is none", on("title", "REGEX MATCH", `"(x"`), "kept|filters|no regular expression", "disabled: true"},
		{"greater", on("countryCode", "GREATER_THAN", `"5"`), "", `op: GREATERTHAN, value: "5"`},
		{"greater or equal", on("countryCode", "GREATER THAN OR EQUALS", `"5"`), "", `op: GREATERTHAN_OR_EQUAL, value: "5"`},
		{"exists in", on("title", "&", `"a;b"`), "adapted|filters|is a part of the text", "op: ISPARTOF, value: a;b, caseSensitive: true"},
		{"not exists in", on("title", "!&L", `"a;b"`), "adapted|filters|no part of the text", "- - {attr: title, op: ISNOTNULL}\n    - {attr: title, op: ISNOTPARTOF, value: a;b"},
		{"member of", on("title", "IS_MEMBER_OF", `"CN=G,DC=x"`), "adapted|filters|direct member", "op: ISMEMBEROF, value: 'CN=G,DC=x'"},
		{"certificates", on("userCertificate", "VALID CERT MATCH", `"x"`), "kept|filters|switched off", "disabled: true"},
		{"unknown", clause("SOUNDS LIKE", `"x"`), "kept|filters|switched off", "disabled: true"},
		{"a missing value", clause("EQUALS", ""), "kept|filters|switched off", "disabled: true"},
	} {
		got := convert(t, c.text)
		if parts := strings.SplitN(c.note, "|", 3); len(parts) == 3 && !slices.ContainsFunc(got.Notes, func(n Note) bool {
			return n.Outcome == parts[0] && n.Part == parts[1] && strings.Contains(n.Text, parts[2]) && strings.HasPrefix(n.Place, "s.json:")
		}) {
			t.Errorf("%s: got %+v, want %s", c.name, got.Notes, c.note)
		}
		var all strings.Builder
		for _, r := range got.Rules {
			all.Write(r.Format())
		}
		if !strings.Contains(all.String(), c.wants) {
			t.Errorf("%s: got\n%swant %q in it", c.name, all.String(), c.wants)
		}
		if set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin(), got.Files}}); err != nil || set.Hash() != got.Set.Hash() {
			t.Errorf("%s: the files do not load as the set: %v", c.name, err)
		}
	}
}

// FuzzSchema reads anything: an error, or a schema that comes back whole.
func FuzzSchema(f *testing.F) {
	for _, s := range []string{sample, "{}", `{"synchronizationRules":[]}`, "[[[", `{"a":"\u12"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Read("s.json", raw)
		if err != nil {
			return
		}
		if got, want := compact(t, s.Text()), compact(t, bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}
