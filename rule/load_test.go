package rule

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/canopy-sync/canopy"
)

// file is a rule file's text with some lines put in place of those with the same names, or added.
func file(lines ...string) string {
	all := []string{"id: r", "name: R", "direction: in", "connector: ad", "source: user", "target: person", "link: provision", "precedence: 1", "flows: [{same: [mail]}]"}
	for _, l := range lines {
		name, _, _ := strings.Cut(l, ":")
		i := slices.IndexFunc(all, func(x string) bool { return strings.HasPrefix(x, name+":") })
		switch {
		case i >= 0:
			all[i] = l
		default:
			all = append(all, l)
		}
	}
	return strings.Join(slices.DeleteFunc(all, func(l string) bool { return strings.HasSuffix(l, ":-") }), "\n") + "\n"
}

func place(files ...string) fs.FS {
	m := fstest.MapFS{"README.md": {Data: []byte("no rule")}}
	for i, f := range files {
		m[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(f)}
	}
	return m
}

func TestFaultsNameFileAndLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"a: ["}, "0.yaml: is not YAML"},
		{[]string{"- a"}, "0.yaml:1: a rule is a list of names and values"},
		{[]string{""}, "0.yaml: is not YAML"},
		{[]string{file("presedence: 5")}, `0.yaml:10: the name "presedence" is unknown; is precedence meant?`},
		{[]string{file() + "id: x\n"}, "0.yaml:10: id is there twice"},
		{[]string{file() + "---\nid: x\n"}, "0.yaml:10: a file has one rule"},
		{[]string{file("name:-")}, "0.yaml:1: name is missing"},
		{[]string{file("direction: sideways")}, `0.yaml:3: one of in, out is expected here, not "sideways"`},
		{[]string{file("precedence: high")}, `0.yaml:8: a whole number is expected here`},
		{[]string{file("disabled: perhaps")}, "true or false is expected here"},
		{[]string{file("id: Über")}, "is not made of small letters"},
		{[]string{file("target: machine")}, `"machine" is no class of the metaverse`},
		{[]string{file("target: '*'")}, "only joins"},
		{[]string{file("link: join-no-flow")}, "has no flows"},
		{[]string{file(), file("id: s")}, "the precedence 1 is also that of the rule r, in 0.yaml"},
		{[]string{file(), file("precedence: 2")}, "the rule r is in 0.yaml as well"},
		{[]string{file("scope: [[{attr: mail, op: EQUALS, value: x}]]")}, "0.yaml:10: there is no operator EQUALS; is EQUAL meant?"},
		{[]string{file("scope: [[{attr: mail, op: ISNULL, value: x}]]")}, "ISNULL takes no value"},
		{[]string{file("scope: [[{op: ISNULL}]]")}, "a condition has an attr"},
		{[]string{file("scope: [[]]")}, "a group of conditions has at least one"},
		{[]string{file("scope: {a: b}")}, "a list is expected here"},
		{[]string{file("join: anything")}, "or the word configured"},
		{[]string{file("join: [[{source: mail}]]")}, "has a source and a target attribute"},
		{[]string{file("match: [{name: upn, from: a, of: b}]")}, "an inbound rule has join, not match"},
		{[]string{file("flows: [{to: mail}]")}, "exactly one of same, from, constant and expression; this has 0"},
		{[]string{file("flows: [{to: mail, from: mail, constant: x}]")}, "this has 2"},
		{[]string{file("flows: [{from: mail}]")}, "says to which attribute"},
		{[]string{file("flows: [{to: [mail, cn], from: mail}]")}, "goes to one"},
		{[]string{file("flows: [{to: mail, same: [mail]}]")}, "not both"},
		{[]string{file("flows: [{to: mail, expression: 'Trm([mail])'}]")}, "0.yaml:9: the expression for mail: at character 1: there is no function Trm; is Trim meant?"},
		{[]string{file("flows: [{to: mail, expression: '[Mail]'}]")}, "the attribute is written [mail], not [Mail]"},
		{[]string{file("flows: [{to: mail, expression: '[manager]'}]")}, `only ValueCount("manager") can be asked of it`},
		{[]string{file("flows: [{same: [manager]}]")}, "the two go together"},
		{[]string{file("flows: [{same: [mail], link: true}]")}, "the two go together"},
		{[]string{file("flows: [{to: manager, constant: x, link: true}]")}, "links flow from an attribute"},
		{[]string{file("flows: [{same: [mail], claim: address}]")}, "stands in an outbound flow"},
		{[]string{file("flows: [{same: ['a b']}]")}, `"a b" is not an attribute's name`},
		{[]string{file("flows: [{to: dn, from: mail}]")}, "nothing can flow to dn"},
		{[]string{file("flows: [{same: [mail], merge: all}]")}, "one of update, merge, merge-case-insensitive"},
		{[]string{file(), file("id: s", "precedence: 2", "flows: [{same: [mail], merge: merge}]")}, `mail is merged by "merge" here and by "update" in the rule r`},
		{[]string{file("flowsOf: x")}, "has flows, or those of another rule, not both"},
		{[]string{file("flowsOf: x", "flows:-")}, "there is no rule x whose flows to have"},
		{[]string{"id: x\ndisabled: true\n"}, "there is no rule x to switch"},
		{[]string{file("source: &a user")}, "anchors and aliases are not taken"},
		{[]string{strings.Repeat("#", maxFile+1)}, "at most"},
	} {
		_, err := Load(Options{FS: []fs.FS{place(c.files...)}})
		var faults Faults
		if !errors.As(err, &faults) || canopy.KindOf(err) != canopy.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.files, err, c.want)
		}
	}
}

func TestAllFaultsAreTold(t *testing.T) {
	t.Parallel()
	_, err := Load(Options{FS: []fs.FS{place(file("direction: x", "odd: y"), file("id: s", "precedence: 2", "flows: [{to: mail, expression: 'Nix()'}, {to: cn, expression: ')'}]"))}})
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 4 {
		t.Errorf("got %v, want four faults", err)
	}
}

func TestWhatIsOddIsWarnedOf(t *testing.T) {
	t.Parallel()
	s, err := Load(Options{FS: []fs.FS{place(
		file("flows: [{same: [mail, ourOwnAttribute, displayNam]}, {to: cn, expression: 'IIF(True || True && False, %Domain.Name%, NULL)'}]", "scope: [[{attr: memberOf, op: ISMEMBEROF, value: '%Own.Group%'}]]"),
		file("id: s", "precedence: 2", "direction: out", "connector: tenant", "source: person", "target: user", "flows: [{same: [title]}]"))}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range s.Warnings() {
		got = append(got, w.Text+" "+w.Next)
	}
	for _, want := range []string{"ourOwnAttribute is not among", "is displayName meant?", "without brackets", "%Domain.Name% is not among", "without it no object of the rule", "no inbound rule brings title"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("no warning says %q:\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestLaterPlacesOverride(t *testing.T) {
	t.Parallel()
	base := builtinSet(t, "mail")
	s, err := Load(Options{FS: []fs.FS{Builtin(), place("id: in-ad-user-telephony\ndisabled: true\n",
		file("id: in-ad-user-account", "name: Mine", "precedence: 113", "link: join", "flows: [{to: accountName, from: cn}]")), fstest.MapFS{}, missing{}}})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Rule("in-ad-user-telephony").Disabled || slices.Contains(s.In("ad", "contoso", canopy.User), s.Rule("in-ad-user-telephony")) {
		t.Error("the rule is not switched off")
	}
	if r := s.Rule("in-ad-user-account-enabled"); len(r.Flows) != 1 || r.Flows[0].From != "cn" || r.Flows[0].rule != r {
		t.Errorf("a rule with the flows of an overridden one has %v", r.Flows)
	}
	if s.Hash() == base.Hash() || s.Rule("in-ad-user-account").Name != "Mine" || len(s.All()) != len(base.All()) {
		t.Error("the override does not show")
	}
}

// missing is a folder that is not there.
type missing struct{}

func (missing) Open(string) (fs.File, error) { return nil, fs.ErrNotExist }

func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	t.Parallel()
	want := builtinSet(t, "mail")
	entries, err := fs.ReadDir(Builtin(), ".")
	if err != nil {
		t.Fatal(err)
	}
	m := fstest.MapFS{}
	for i, e := range entries {
		text, err := fs.ReadFile(Builtin(), e.Name())
		if err != nil {
			t.Fatal(err)
		}
		m[fmt.Sprintf("%03d.yml", len(entries)-i)] = &fstest.MapFile{Data: text}
	}
	got, err := Load(Options{FS: []fs.FS{m}, People: "mail"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Hash() != want.Hash() {
		t.Error("other file names give other rules")
	}
	ids := func(s *Set) (out []canopy.RuleID) {
		for _, r := range s.All() {
			out = append(out, r.ID)
		}
		return out
	}
	if !slices.Equal(ids(got), ids(want)) {
		t.Errorf("got %v, want %v", ids(got), ids(want))
	}
	if builtinSet(t, "sid").Hash() == want.Hash() {
		t.Error("the hash does not tell the join criteria")
	}
}

func TestJoinChoices(t *testing.T) {
	t.Parallel()
	for choice, want := range map[string]string{"attribute:shoeSize": "no inbound rule brings it", "by name": "is no way to join people", "attribute:": "is no way"} {
		if _, err := Load(Options{FS: []fs.FS{Builtin()}, People: choice}); err == nil || !strings.Contains(err.Error(), want) || canopy.KindOf(err) != canopy.Invalid {
			t.Errorf("%s: got %v, want %s", choice, err, want)
		}
	}
}

func TestRulesOfOneConnector(t *testing.T) {
	t.Parallel()
	s, err := Load(Options{FS: []fs.FS{Builtin(), place(file("id: mine", "connector: fabrikam", "link: join", "precedence: 5", "flows: [{to: title, constant: Lord}, {to: countryCode, constant: 7}, {to: accountEnabled, constant: false}]"))}})
	if err != nil {
		t.Fatal(err)
	}
	mine := s.Rule("mine")
	if !slices.Contains(s.In("ad", "fabrikam", canopy.User), mine) || slices.Contains(s.In("ad", "contoso", canopy.User), mine) || s.In("ad", "fabrikam", canopy.User)[0] != mine {
		t.Error("the rule is not the first of its connector alone")
	}
	for i, want := range []canopy.Value{canopy.Text("Lord"), canopy.Int(7), canopy.Bool(false)} {
		if out, err := mine.Flows[i].Eval(&Object{}); err != nil || !out.Values.Equal(canopy.Values{want}) {
			t.Errorf("got %v %v, want %v", out, err, want)
		}
	}
	if !mine.of("ad") || mine.of("tenant") {
		t.Error("an inbound rule of one connector is not read from forests")
	}
}

func TestAFailingFlowNamesObjectAttributeAndRule(t *testing.T) {
	t.Parallel()
	s, err := Load(Options{FS: []fs.FS{place(file("flows: [{to: mail, expression: 'CStr(CNum([mail]))'}]"))}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Rule("r").Flows[0].Eval(&Object{DN: "CN=Anna", Attrs: canopy.Attrs{"mail": canopy.Texts("x")}})
	for _, want := range []string{"CN=Anna", "mail", "R, r", "CNum, argument 1", `text ("x")`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestFlowOutcomes(t *testing.T) {
	t.Parallel()
	s, err := Load(Options{FS: []fs.FS{place(file(`flows:
  - {to: title, from: title, trim: true}
  - {to: mail, from: mail, final: true}
  - {to: cn, expression: 'IIF(IsPresent([cn]), [cn], IgnoreThisFlow)'}
  - {to: sn, expression: AuthoritativeNull}
  - {same: [manager], link: true}
  - {to: member, from: member, link: true, final: true}
  - {to: company, from: dn}
  - {to: otherTelephone, from: otherTelephone, trim: true}
  - {to: pwdLastSet, expression: 'FormatDateTime([whenCreated], "yyyy")'}`))}})
	if err != nil {
		t.Fatal(err)
	}
	tel := canopy.Texts("1", "2")
	o := &Object{DN: "CN=x", Attrs: canopy.Attrs{"title": canopy.Texts("  "), "otherTelephone": tel, "whenCreated": {instant(0)}}, LinkCounts: map[canopy.Attr]int{"manager": 1}}
	for i, want := range []Outcome{{Kind: Nothing}, {Kind: AuthoritativeNull}, {Kind: Ignore}, {Kind: AuthoritativeNull}, {Kind: Contributes}, {Kind: AuthoritativeNull},
		{Contributes, canopy.Texts("CN=x")}, {Contributes, tel}, {Contributes, canopy.Texts("1970")}} {
		f := &s.Rule("r").Flows[i]
		if got, err := f.Eval(o); err != nil || got.Kind != want.Kind || !got.Values.Equal(want.Values) {
			t.Errorf("%s: got %v %v, want %v", f.To, got, err, want)
		}
	}
	if got := trimmed(canopy.Values{canopy.Text("a"), canopy.Int(1), canopy.Text(" b "), canopy.Text(" ")}); !got.Equal(canopy.Values{canopy.Text("a"), canopy.Int(1), canopy.Text("b")}) {
		t.Errorf("trimmed: %v", got)
	}
}

func FuzzLoad(f *testing.F) {
	entries, err := fs.ReadDir(Builtin(), ".")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		text, err := fs.ReadFile(Builtin(), e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(file("scope: [[{attr: mail, op: ISBITSET, value: 0x1}]]", "join: [[{source: mail, target: mail}]]"))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load(Options{FS: []fs.FS{place(text)}})
		if err != nil {
			if canopy.KindOf(err) != canopy.Invalid {
				t.Fatalf("%v is of kind %v", err, canopy.KindOf(err))
			}
			return
		}
		o := mailbox.object()
		for _, r := range s.All() {
			if _, _, err := r.InScope(o); err != nil {
				continue
			}
			for i := range r.Flows {
				_, _ = r.Flows[i].Eval(o) // may fail, must not panic
			}
		}
		s.Reads("ad")
		s.Reads("tenant")
	})
}

func BenchmarkPerson(b *testing.B) {
	s := builtinSet(b, "mail")
	o := mailbox.with(map[string]any{"givenName": "Anna", "sn": "Berg", "title": "CEO", "department": "Sales", "company": "Contoso", "l": "Oslo", "c": "NO", "co": "Norway", "telephoneNumber": "1", "streetAddress": "x", "postalCode": "1", "countryCode": 578,
		"mobile": "1", "physicalDeliveryOfficeName": "x", "employeeID": "1", "extensionAttribute1": "E3"}).object()
	b.ReportAllocs()
	flows := 0
	for b.Loop() {
		flows = 0
		sc, err := s.Scope("ad", "contoso", o)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range sc.Rules {
			for i := range r.Flows {
				if _, err := r.Flows[i].Eval(o); err != nil {
					b.Fatal(err)
				}
				flows++
			}
		}
	}
	b.ReportMetric(float64(flows), "flows")
}

func BenchmarkEntryKeys(b *testing.B) {
	s := builtinSet(b, "mail")
	o := mailbox.object()
	e := &canopy.Entry{Connector: "contoso", Class: o.Class, DN: o.DN, Attrs: o.Attrs}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.EntryKeys("ad", e, o.Params); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRulesSpeakBothDialects(t *testing.T) {
	t.Parallel()
	s, err := Load(Options{FS: []fs.FS{place(
		file("dialect: cloud", `flows: [{to: mail, expression: 'Replace([mail], , "@.*$", , "@x.lab", , )'}, {to: cn, expression: 'Guid()'}, {to: sn, expression: 'Redact([sn])'}]`),
		file("id: s", "precedence: 2", `flows: [{to: sn, expression: 'UCase([sn])'}]`),
		file("id: u", "precedence: 3", "flowsOf: r", "flows:-"))}})
	if err != nil {
		t.Fatal(err)
	}
	o := &Object{DN: "CN=Anna", Attrs: canopy.Attrs{"mail": canopy.Texts("anna@old.lab"), "sn": canopy.Texts("berg")}}
	for id, want := range map[canopy.RuleID]string{"r": "anna@x.lab", "s": "BERG", "u": "anna@x.lab"} {
		got, err := s.Rule(id).Flows[0].Eval(o)
		if err != nil || !got.Values.Equal(canopy.Texts(want)) {
			t.Errorf("%s: got %v %v, want %s", id, got, err, want)
		}
	}
	warned := fmt.Sprint(s.Warnings())
	for _, want := range []string{"gives something else each time, by Guid"} {
		if !strings.Contains(warned, want) {
			t.Errorf("no warning says %q: %s", want, warned)
		}
	}
	for text, want := range map[string]string{
		file("dialect: latin"): `one of connect, cloud is expected here, not "latin"`,
		file("dialect: cloud", "flows: [{to: sn, expression: 'UCase([sn])'}]"):                 "there is no function UCase",
		file("dialect: cloud", `flows: [{to: sn, expression: 'Replace([sn], , "(", , "x")'}]`): "is no regular expression",
	} {
		if _, err := Load(Options{FS: []fs.FS{place(text)}}); err == nil || !strings.Contains(fmt.Sprint(errors.Unwrap(err)), want) && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestChanceAndClock(t *testing.T) {
	t.Parallel()
	s, err := Load(Options{FS: []fs.FS{place(file("dialect: cloud", `flows: [{to: cn, expression: 'Guid()', once: true}, {to: sn, expression: 'Guid()', once: true}, {to: title, expression: 'Now()', once: true}]`, "join: [[{source: mail, target: mail}]]"))}})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Warnings()) > 0 {
		t.Errorf("got %v, want no warning of flows that apply once", s.Warnings())
	}
	value := func(flow int, o *Object) string {
		t.Helper()
		out, err := s.Rule("r").Flows[flow].Eval(o)
		if err != nil {
			t.Fatal(err)
		}
		return out.Values[0].Str()
	}
	around := &Around{Now: 1_700_000_000_000_000, Secret: "s"}
	anna, berta := &Object{Anchor: "1", Around: around}, &Object{Anchor: "2", Around: around}
	meta := &Object{Attrs: canopy.Attrs{canopy.AttrSourceAnchor: canopy.Texts("1")}, Around: around}
	seen := map[string]bool{value(0, anna): true, value(0, berta): true, value(1, anna): true, value(0, &Object{Anchor: "1", Around: &Around{Secret: "t"}}): true}
	if len(seen) != 4 {
		t.Errorf("objects, attributes and secrets share values: %v", seen)
	}
	if again := value(0, anna); !seen[again] || value(0, meta) != again {
		t.Errorf("the same object gets %s, later %s, as a meta %s, want the same", value(0, anna), again, value(0, meta))
	}
	if got := value(2, anna); got != "11/14/2023 10:13:20 PM" {
		t.Errorf("now is %s", got)
	}
	for _, o := range []*Object{{Anchor: "1"}, {Around: around}, {Anchor: "1", Around: &Around{Now: 1}}} {
		if _, err := s.Rule("r").Flows[0].Eval(o); err == nil || !strings.Contains(err.Error(), "chance is not at hand") {
			t.Errorf("got %v, want that there is no chance", err)
		}
	}
	for text, want := range map[string]string{
		file("dialect: cloud", "flows: [{to: sn, expression: 'SelectUniqueValue([sn], [cn])'}]"):                "it stands in an outbound flow with claim",
		file("flows: [{to: mail, expression: 'Guid()', once: true}]", "join: [[{source: mail, target: mail}]]"): "cannot come from a clock or from chance",
	} {
		if _, err := Load(Options{FS: []fs.FS{place(text)}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
