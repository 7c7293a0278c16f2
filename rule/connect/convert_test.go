package connect

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

func convert(t *testing.T, o Options, rules ...Rule) *Conversion {
	t.Helper()
	c, err := Convert(read(t, export(rules...)), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func one(kind FlowKind, to, from string) []Flow {
	f := Flow{Kind: kind, To: to, Merge: "Update"}
	if kind == Direct {
		f.From = []string{from}
	} else {
		f.Text = from
	}
	return []Flow{f}
}

// TestWhatBecomesOfEachPart converts one rule at a time, with one thing to tell about it.
func TestWhatBecomesOfEachPart(t *testing.T) {
	t.Parallel()
	flows := func(f []Flow) func(*Rule) { return func(r *Rule) { r.Flows = f } }
	scope := func(s ...Scope) func(*Rule) { return func(r *Rule) { r.Scope = [][]Scope{s} } }
	for _, c := range []struct {
		name  string
		rule  Rule
		note  string // outcome, part and text; "" none
		wants string // in the rule's file; "-": there is no file
	}{
		{"plain", in(func(*Rule) {}), "", "{same: cn}"},
		{"another name", in(flows(one(Direct, "accountName", "SAMACCOUNTNAME"))), "", "{to: accountName, from: sAMAccountName}"},
		{"a link", in(flows(one(Direct, "manager", "manager"))), "", "{same: manager, link: true}"},
		{"a link of the schema", in(flows(one(Direct, "favouriteColleague", "favouriteColleague"))), "not taken|flow to favouriteColleague|one names other objects", ""},
		{"a truth", in(flows(one(Constant, "isFamous", "True"))), "", "{to: isFamous, constant: true}"},
		{"a known truth", in(flows(one(Constant, "cloudFiltered", "True"))), "", "{to: cloudFiltered, constant: true}"},
		{"a number", in(flows(one(Constant, "countryCode", "276"))), "", "{to: countryCode, constant: 276}"},
		{"a text", in(flows(one(Constant, "co", "276"))), "", `{to: co, constant: "276"}`},
		{"a constant link", in(flows(one(Constant, "manager", "x"))), "not taken|flow to manager|a constant names none", ""},
		{"an expression", in(flows(one(Expression, "sn", "Trim([sn])"))), "", "{to: sn, expression: 'Trim([sn])'}"},
		{"an attribute alone", in(flows(one(Expression, "sn", " [sn] "))), "", "{same: sn}"},
		{"spelling", in(flows(one(Expression, "sn", `IIF(IsPresent([SN]), [SN], ImportedValue("SN"))`))), "adapted|flow to sn|the attribute is spelled sn", `IIF(IsPresent([sn]), [sn], ImportedValue("sn"))`},
		{"a broken expression", in(flows(one(Expression, "sn", "Trim([sn]"))), "not taken|flow to sn|is not understood", ""},
		{"an unknown function", in(flows(one(Expression, "sn", "Trm([sn])"))), "not taken|flow to sn|Trm", ""},
		{"references in an expression", in(flows(one(Expression, "sn", "CStr([manager])"))), "not taken|flow to sn|expressions only count them", ""},
		{"counted references", in(flows(one(Expression, "memberCount", `ValueCount("member")`))), "", `ValueCount("member")`},
		{"an expression for a link", in(flows(one(Expression, "manager", "IIF(IsPresent([cn]), NULL, NULL)"))), "not taken|flow to manager|references flow from an attribute alone", ""},
		{"a guard on a link", in(flows(one(Expression, "manager", `IIF([cn] = "x", Error("no"), IgnoreThisFlow)`))), "built in|flow to manager|it only refuses objects", ""},
		{"once", in(func(r *Rule) { r.Flows[0].Once = true }), "", "{same: cn, once: true}"},
		{"merge", in(func(r *Rule) { r.Flows = one(Direct, "url", "url"); r.Flows[0].Merge = "MergeCaseInsensitive" }), "", "merge: merge-case-insensitive"},
		{"an unknown merge", in(func(r *Rule) { r.Flows[0].Merge = "Blend" }), `adapted|flow to cn|the merge type "Blend"`, "{same: cn}"},
		{"switched off", in(func(r *Rule) { r.Disabled = true }), "taken|rule|stays so", "disabled: true"},
		{"password sync", in(func(r *Rule) { r.PasswordSync = true }), "not taken|password sync|password hashes", ""},
		{"description", in(func(r *Rule) { r.Description = "Ours: see #12" }), "", "Ours: see #12"},
		{"link types", in(func(r *Rule) { r.Link = "StickyJoin" }), "", "link: sticky-join"},
		{"an unknown link type", in(func(r *Rule) { r.Link = "Weld" }), `not taken|rule|the link type "Weld"`, "-"},
		{"no flow", out(func(r *Rule) { r.Link = "JoinNoFlow" }), "built in|flows|1 mappings are left out", "link: join-no-flow"},
		{"a condition", in(scope(Scope{Attr: "ISCRITICALSYSTEMOBJECT", Operator: "NOTEQUAL", Value: "True"})), "", `{attr: isCriticalSystemObject, op: NOTEQUAL, value: "True"}`},
		{"both names of an operator", in(scope(Scope{Attr: "userAccountControl", Operator: "ISNOTBITSET", Value: "2"})), "", "op: ISBITNOTSET"},
		{"the DN", in(scope(Scope{Attr: "DN", Operator: "ENDSWITH", Value: "OU=X,DC=example,DC=lab"})), "", "{attr: dn, op: ENDSWITH"},
		{"several values", in(scope(Scope{Attr: "department", Operator: "ISIN", Value: "a; b"})), "", "value: [a, b]"},
		{"an unknown operator", in(scope(Scope{Attr: "cn", Operator: "SOUNDSLIKE", Value: "x"})), "kept|scope|there is no such operator", "disabled: true"},
		{"membership", in(scope(Scope{Attr: "dn", Operator: "ISMEMBEROF", Value: "CN=G"})), "", "op: ISMEMBEROF, value: CN=G"},
		{"no value", in(scope(Scope{Attr: "cn", Operator: "STARTSWITH"})), "kept|scope|it has no value", "disabled: true"},
		{"a parameter", in(scope(Scope{Attr: "cn", Operator: "EQUAL", Value: "%Connector.ID%"})), "", "op: EQUAL, value: '%Connector.ID%'"},
		{"an unknown parameter", in(scope(Scope{Attr: "cn", Operator: "EQUAL", Value: "%Own.Number%"})), "kept|scope|no parameter Own.Number", "disabled: true"},
		{"a per cent sign", in(scope(Scope{Attr: "cn", Operator: "EQUAL", Value: "100% Anna"})), "", "op: EQUAL, value: 100% Anna"},
		{"join", in(func(r *Rule) {
			r.Join = [][]Join{{{Source: "OBJECTSID", Target: "objectSidString", CaseSensitive: true}}}
		}), "", "{source: objectSid, target: objectSidString, caseSensitive: true}"},
		{"join by a link", in(func(r *Rule) { r.Join = [][]Join{{{Source: "manager", Target: "manager"}}} }), "not taken|join|join nothing here", ""},
		{"any class", in(func(r *Rule) {
			r.Source, r.Target, r.Link, r.Flows, r.Join = "foreignSecurityPrincipal", "*", "Join", nil, [][]Join{{{Source: "cn", Target: "objectSidString"}}}
		}), "", "target: '*'"},
		{"devices", in(func(r *Rule) { r.Source, r.Target = "computer", "device" }), "kept|rule|no device", "disabled: true"},
		{"a class that is not read", in(func(r *Rule) { r.Source = "msExchDynamicDistributionList" }), "kept|rule|neither read nor written", "disabled: true"},
		{"from the tenant", in(func(r *Rule) { r.Connector = cloudID }), "kept|rule|values of the tenant do not flow to the metaverse: cn", "disabled: true"},
		{"to a forest", out(func(r *Rule) { r.Connector = forestID }), "kept|rule|forests are not written by rule: displayName", "disabled: true"},
		{"matching", out(func(r *Rule) { r.Join = [][]Join{{{Source: "sourceAnchor", Target: "sourceAnchor"}}} }), "built in|join|found by its source anchor", "{name: anchor, from: sourceAnchor"},
		{"matching by something else", out(func(r *Rule) { r.Join = [][]Join{{{Source: "mail", Target: "mail"}}} }), "not taken|join|mail = mail", ""},
		{"claims", out(flows(one(Direct, "userPrincipalName", "userPrincipalName"))), "", "claim: upn"},
		{"what the tenant tells", out(scope(Scope{Attr: "cloudAnchor", Operator: "ISNOTNULL"}, Scope{Attr: "cn", Operator: "ISNOTNULL"})), "adapted|scope|is not asked", "{attr: cn, op: ISNOTNULL}"},
		{"what nobody fills", out(scope(Scope{Attr: "cloudMastered", Operator: "EQUAL", Value: "True"})), "adapted|scope|never holds", "attr: cloudMastered"},
		{"the object's name", out(flows(one(Expression, "dn", `"CN={" & ConvertToUTF8Hex([sourceAnchor]) & "}"`))), "built in|flow to dn|the tenant names its objects itself", ""},
		{"what the target lacks", out(flows(one(Direct, "shoeSize", "cn"))), "not taken|flow to shoeSize|the target has no attribute", ""},
	} {
		got := convert(t, Options{Takes: func(_ canopy.Class, a canopy.Attr) bool { return a != "shoeSize" }}, c.rule)
		var said []string
		for _, n := range got.Notes {
			said = append(said, string(n.Outcome)+"|"+n.Part+"|"+n.Text)
		}
		parts := strings.SplitN(c.note, "|", 3)
		switch hit := slices.IndexFunc(said, func(s string) bool {
			return len(parts) == 3 && strings.HasPrefix(s, parts[0]+"|"+parts[1]+"|") && strings.Contains(s, parts[2])
		}); {
		case c.note == "" && len(said) > 0, c.note != "" && hit < 0:
			t.Errorf("%s: got notes %q, want %q", c.name, said, c.note)
		}
		if len(got.Rules) != 1 {
			if c.wants != "-" {
				t.Errorf("%s: got %d rules, want one", c.name, len(got.Rules))
			}
			continue
		}
		if text := string(got.Rules[0].Format()); c.wants == "-" || !strings.Contains(text, c.wants) {
			t.Errorf("%s: got\n%swant %q in it", c.name, text, c.wants)
		}
	}
}

func TestConversionReplacesTheBuiltinRules(t *testing.T) {
	t.Parallel()
	c := convert(t, Options{}, in(func(*Rule) {}), out(func(*Rule) {}))
	set, err := rule.Load(rule.Options{FS: []fs.FS{rule.Builtin(), c.Files}})
	if err != nil {
		t.Fatal(err)
	}
	var on []string
	for _, r := range set.All() {
		if !r.Disabled {
			on = append(on, string(r.ID))
		}
	}
	if d := cmp.Diff([]string{"in-from-ad-user-join", "out-to-aad-user-join", "in-ad-user-mailbox-owner"}, on); d != "" {
		t.Error(d)
	}
	if set.Hash() != c.Set.Hash() {
		t.Error("the files do not load as the set that was shown")
	}
}

func TestEqualNamesAndPrecedencesAreToldApart(t *testing.T) {
	t.Parallel()
	second := in(func(r *Rule) { r.ID = "a0000000-0000-0000-0000-000000000009" })
	odd := in(func(r *Rule) {
		r.ID, r.Name, r.Precedence = "a0000000-0000-0000-0000-00000000000a", "Ünter/../uns: *", 51
	})
	c := convert(t, Options{}, in(func(*Rule) {}), second, odd)
	var got []string
	for _, r := range c.Rules {
		got = append(got, string(r.ID))
		if r.Precedence < 50 || r.Precedence > 52 {
			t.Errorf("%s got the precedence %d", r.ID, r.Precedence)
		}
	}
	if d := cmp.Diff([]string{"in-from-ad-user-join", "in-from-ad-user-join-2", "nter-..-uns"}, got); d != "" {
		t.Error(d)
	}
	if len(c.Notes) != 2 || c.Notes[0].Part != "precedence" || c.Notes[0].Outcome != Adapted {
		t.Errorf("got notes %+v, want two about precedence", c.Notes)
	}
}

func TestMergesThatDifferAreMadeAlike(t *testing.T) {
	t.Parallel()
	merged := in(func(r *Rule) { r.Flows = one(Direct, "url", "url"); r.Flows[0].Merge = "Merge" })
	other := in(func(r *Rule) {
		r.ID, r.Name, r.Precedence, r.Flows = "a0000000-0000-0000-0000-000000000009", "Other", 51, one(Direct, "url", "url")
	})
	c := convert(t, Options{}, merged, other)
	if len(c.Notes) != 1 || !strings.Contains(c.Notes[0].Text, "another rule merges the values of url by merge") || c.Enabled() != 2 {
		t.Errorf("got notes %+v and %d rules in force, want one note and both rules", c.Notes, c.Enabled())
	}
}

func TestForestsAreNamed(t *testing.T) {
	t.Parallel()
	second := strings.NewReplacer("11111111", "22222222", "example.lab", "other.lab").Replace(forestXML)
	a := in(func(*Rule) {})
	b := in(func(r *Rule) {
		r.ID, r.Connector, r.Precedence = "a0000000-0000-0000-0000-000000000009", "22222222-2222-3333-4444-555555555555", 51
	})
	e := read(t, tree(map[string]string{"Connectors/a.xml": forestXML, "Connectors/b.xml": second, "SynchronizationRules/a.xml": xmlOf(&a), "SynchronizationRules/b.xml": xmlOf(&b)}))
	c, err := Convert(e, Options{Forests: map[string]canopy.ConnectorID{"OTHER.lab": "merged"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range c.Rules {
		got[string(r.ID)] = r.Connector
	}
	if d := cmp.Diff(map[string]string{"in-from-ad-user-join-example.lab": "example.lab", "in-from-ad-user-join-other.lab": "merged"}, got); d != "" {
		t.Error(d)
	}
}

func TestOtherConnectorsAreLeftOut(t *testing.T) {
	t.Parallel()
	r := in(func(*Rule) {})
	sql := strings.Replace(strings.Replace(forestXML, "<category>AD<", "<category>Extensible2<", 1), "<subtype><", "<subtype>Generic SQL<", 1)
	e := read(t, tree(map[string]string{"Connectors/a.xml": sql, "SynchronizationRules/a.xml": xmlOf(&r)}))
	c, err := Convert(e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Rules) != 0 || len(c.Notes) != 1 || c.Notes[0].Outcome != Lost || !strings.Contains(c.Notes[0].Text, "Generic SQL") {
		t.Errorf("got %d rules and notes %+v, want none and one that names the connector", len(c.Rules), c.Notes)
	}
	if s := e.Settings(Options{}); len(s) != 1 || s[0].Outcome != Lost {
		t.Errorf("got settings %+v, want one that is lost", s)
	}
}

func TestSettingsSayWhatCanopyDoes(t *testing.T) {
	t.Parallel()
	e := read(t, export())
	got := map[string]string{}
	for _, s := range e.Settings(Options{}) {
		got[s.Name+" = "+s.Value] = string(s.Outcome)
		if s.Text == "" {
			t.Errorf("%s has no text", s.Name)
		}
	}
	want := map[string]string{
		"Microsoft.OptionalFeature.ExportDeletionThreshold = True": "taken", "Microsoft.OptionalFeature.ExportDeletionThresholdValue = 250": "taken",
		"Microsoft.OptionalFeature.PasswordHashSync = True": "not taken", "Microsoft.OptionalFeature.GroupWriteBack = False": "taken",
		"Microsoft.SynchronizationOption.AnchorAttribute = mS-DS-ConsistencyGuid": "taken", "Example.Unheard = x": "not taken",
		"connector = example.lab": "taken", "partition = DC=example,DC=lab": "taken", "partition = DC=other,DC=example,DC=lab": "taken",
		"included = OU=Staff,DC=example,DC=lab": "taken", "excluded = DC=example,DC=lab": "taken", "excluded = OU=Old,OU=Staff,DC=example,DC=lab": "taken",
		"object classes = user, group": "adapted", "group filter = CN=Pilot,OU=Groups,DC=example,DC=lab": "adapted", "password hash sync = enabled": "not taken",
		"attributes = cn, mail": "adapted", "parameter Site.Code = EX1": "not taken", "connector = example.onmicrosoft.com - AAD": "taken", "attributes = ": "taken",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestScopesAreWrittenAsTheConfigurationHasThem(t *testing.T) {
	t.Parallel()
	part := func(selected bool, include, exclude []string) Partition {
		return Partition{Name: "DC=a", Selected: selected, Include: include, Exclude: exclude}
	}
	for _, c := range []struct {
		name  string
		parts []Partition
		want  ForestScope
	}{
		{"everything", []Partition{part(true, nil, nil)}, ForestScope{Base: []string{"DC=a"}}},
		{"everything, said", []Partition{part(true, []string{"dc=A"}, nil)}, ForestScope{Base: []string{"DC=a"}}},
		{"some", []Partition{part(true, []string{"OU=x,DC=a"}, []string{"DC=a"})}, ForestScope{Base: []string{"DC=a"}, Include: []string{"OU=x,DC=a"}}},
		{"all but some", []Partition{part(true, []string{"DC=a"}, []string{"OU=x,DC=a"})}, ForestScope{Base: []string{"DC=a"}, Exclude: []string{"OU=x,DC=a"}}},
		{"some of all but some", []Partition{part(true, []string{"DC=a", "OU=y,OU=x,DC=a"}, []string{"OU=x,DC=a"})},
			ForestScope{Base: []string{"DC=a"}, Include: []string{"DC=a", "OU=y,OU=x,DC=a"}, Exclude: []string{"OU=x,DC=a"}}},
		{"not selected", []Partition{part(false, nil, nil), {Name: "DC=b", Selected: true, Include: []string{"DC=b"}}}, ForestScope{Base: []string{"DC=b"}}},
		{"a whole and a part", []Partition{part(true, []string{"OU=x,DC=a"}, []string{"DC=a"}), {Name: "DC=b", Selected: true}},
			ForestScope{Base: []string{"DC=a", "DC=b"}, Include: []string{"OU=x,DC=a", "DC=b"}}},
	} {
		e := &Export{Connectors: []Connector{{Kind: Forest, Name: "a", Forest: "a", Partitions: c.parts}}}
		c.want.Forest, c.want.Name = "a", "a"
		if d := cmp.Diff([]ForestScope{c.want}, e.Scopes(Options{})); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
