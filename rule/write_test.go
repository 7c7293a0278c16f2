package rule

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
)

// sameRule compares what rules say, without where they were read.
func sameRule(t interface{ Fatalf(string, ...any) }, got, want *Rule) {
	bare := func(r *Rule) Rule {
		c := *r
		c.File, c.Line, c.fills = "", 0, nil
		c.Flows = append([]Flow(nil), r.Flows...)
		for i := range c.Flows {
			c.Flows[i].Line, c.Flows[i].rule, c.Flows[i].program, c.Flows[i].constant = 0, nil, nil, nil
		}
		return c
	}
	a, b := bare(got), bare(want)
	if d := cmp.Diff(hashOf([]*Rule{&b}), hashOf([]*Rule{&a})); d != "" || a.Name != b.Name || a.Text != b.Text || a.configured != b.configured {
		t.Fatalf("the rule came back otherwise:\ngot  %s\nwant %s", got.Format(), want.Format())
	}
}

func TestBuiltinRulesComeBackFromTheirText(t *testing.T) {
	t.Parallel()
	set := builtinSet(t, "sid")
	files := Files{}
	for _, r := range set.All() {
		files[string(r.ID)+".yaml"] = r.Format()
	}
	again, err := Load(Options{FS: []fs.FS{files}, People: "sid"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set.All() {
		sameRule(t, again.Rule(r.ID), r)
	}
	if got, want := again.Hash(), set.Hash(); got != want {
		t.Errorf("the set's hash is %s, want %s", got, want)
	}
}

// drawText draws texts that YAML would like to read as something else.
func drawText(t *rapid.T, name string) string {
	s := rapid.OneOf(rapid.SampledFrom([]string{"true", "12", "0x1F", "null", "~", "- a", "a: b", "#", "'", `"`, "[x]", "yes", "2026-01-01", "1e3", " a ", "a\nb\n", "\t", "ä\u2028b", "%x", "@", "`", "!x", "&a", "*a", "|", ">"}),
		rapid.StringMatching(`[ -~]{1,20}`)).Draw(t, name)
	return s
}

func TestAnyRuleComesBackFromItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &Rule{ID: "r", Name: drawText(t, "name"), Text: strings.TrimSpace(drawText(t, "text")), Connector: "ad", Source: []canopy.Class{"user"}, Target: canopy.Person,
			Link: LinkType(rapid.IntRange(0, 2).Draw(t, "link")), Precedence: rapid.IntRange(0, 9).Draw(t, "precedence"), Disabled: rapid.Bool().Draw(t, "disabled")}
		if rapid.Bool().Draw(t, "two") {
			r.Source = append(r.Source, "inetOrgPerson")
		}
		for range rapid.IntRange(0, 3).Draw(t, "scopes") {
			r.Scope = append(r.Scope, []Condition{{Attr: "mail", Op: IsIn, Values: []string{drawText(t, "value"), drawText(t, "value")}, Because: drawText(t, "because")},
				{Attr: "sn", Op: Equal, Values: []string{drawText(t, "value")}}, {Attr: "l", Op: IsNull}})
		}
		for range rapid.IntRange(0, 2).Draw(t, "joins") {
			r.Join = append(r.Join, []JoinOn{{Source: "mail", Target: "mail", CaseSensitive: rapid.Bool().Draw(t, "case")}})
		}
		for range rapid.IntRange(0, 4).Draw(t, "flows") {
			f := Flow{To: rapid.SampledFrom([]canopy.Attr{"mail", "displayName", "sn"}).Draw(t, "to"), Trim: rapid.Bool().Draw(t, "trim"), Once: rapid.Bool().Draw(t, "once"), Final: rapid.Bool().Draw(t, "final")}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				f.From = f.To
			case 1:
				f.From = "cn"
			case 2:
				v := rapid.OneOf(rapid.Map(rapid.Bool(), canopy.Bool), rapid.Map(rapid.Int64(), canopy.Int), rapid.Custom(func(t *rapid.T) canopy.Value { return canopy.Text(drawText(t, "constant")) })).Draw(t, "constant")
				f.Constant = &v
			case 3:
				f.Expression = `IIF([cn] = "a, b: {#}", "` + strings.NewReplacer(`"`, "", `\`, "", "\n", "", "\t", "").Replace(drawText(t, "literal")) + `", NULL)`
			}
			r.Flows = append(r.Flows, f)
		}
		set, err := Load(Options{FS: []fs.FS{Files{"r.yaml": r.Format()}}})
		if err != nil {
			t.Fatalf("%v\n%s", err, r.Format())
		}
		sameRule(t, set.Rule("r"), r)
	})
}
