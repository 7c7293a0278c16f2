package rule

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuiltinRulesAreClean(t *testing.T) {
	t.Parallel()
	for _, people := range []string{"mail", "sid", "none", "attribute:employeeID"} {
		for _, f := range builtinSet(t, people).Lint() {
			t.Errorf("%s: %s: %s", people, f.Other, f.Text)
		}
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	join := "join: [[{source: mail, target: mail}]]"
	for name, c := range map[string]struct {
		files []string
		want  string // "": nothing
	}{
		"nothing odd":             {[]string{file()}, ""},
		"opposites":               {[]string{file("scope: [[{attr: mail, op: EQUAL, value: x}, {attr: mail, op: NOTEQUAL, value: X}]]")}, "no object can meet both mail EQUAL x and mail NOTEQUAL X"},
		"value and none":          {[]string{file("scope: [[{attr: mail, op: ISNULL}, {attr: mail, op: CONTAINS, value: '@'}]]")}, "no object can meet both"},
		"unreachable":             {[]string{file("scope: [[{attr: mail, op: ISNULL}, {attr: mail, op: ISNOTNULL}]]")}, "unreachable: no object can be in its scope"},
		"one group is left":       {[]string{file("scope: [[{attr: mail, op: ISNULL}, {attr: mail, op: ISNOTNULL}], [{attr: cn, op: ISNOTNULL}]]")}, "no object can meet both"},
		"opposites of others":     {[]string{file("scope: [[{attr: mail, op: ISNULL}, {attr: cn, op: ISNOTNULL}]]")}, ""},
		"negative beside none":    {[]string{file("scope: [[{attr: mail, op: ISNULL}, {attr: mail, op: NOTEQUAL, value: x}]]")}, ""},
		"empty beside none":       {[]string{file("scope: [[{attr: mail, op: ISNULL}, {attr: mail, op: EQUAL, value: ''}]]")}, ""},
		"a group twice":           {[]string{file("scope: [[{attr: mail, op: ISNOTNULL}], [{attr: mail, op: ISNOTNULL}]]")}, "a group of conditions is there twice"},
		"a criterion twice":       {[]string{file("join: [[{source: mail, target: mail}], [{source: cn, target: cn}], [{source: mail, target: mail}]]")}, "the same join criterion is there twice"},
		"two rules join":          {[]string{file(join), file("id: s", "precedence: 2", join)}, "the rule r has join criteria for the same objects"},
		"two rules join, apart":   {[]string{file(join, "scope: [[{attr: cn, op: ISNULL}]]"), file("id: s", "precedence: 2", join, "scope: [[{attr: cn, op: ISNOTNULL}]]")}, ""},
		"two rules, two classes":  {[]string{file(join), file("id: s", "precedence: 2", "source: contact", join)}, ""},
		"two rules, one disabled": {[]string{file(join), file("id: s", "precedence: 2", "disabled: true", join)}, ""},
		"rides on nothing":        {[]string{file("link: join")}, "unreachable for user: no rule joins or makes a person for it"},
		"rides":                   {[]string{file(), file("id: s", "precedence: 2", "link: join", "flows: [{same: [cn]}]")}, ""},
		"rides on another's":      {[]string{file("connector: contoso"), file("id: s", "precedence: 2", "link: join", "flows: [{same: [cn]}]")}, ""},
		"a constant before":       {[]string{file("flows: [{to: cn, constant: x}]"), file("id: s", "precedence: 2", "flows: [{same: [cn]}]")}, "the flow is unreachable: the rule r always gives"},
		"a constant in scope":     {[]string{file("flows: [{to: cn, constant: x}]", "scope: [[{attr: mail, op: ISNOTNULL}]]"), file("id: s", "precedence: 2", "flows: [{same: [cn]}]")}, ""},
		"a constant once":         {[]string{file("flows: [{to: cn, constant: x, once: true}]"), file("id: s", "precedence: 2", "flows: [{same: [cn]}]")}, ""},
		"a constant for others":   {[]string{file("flows: [{to: cn, constant: x}]", "source: contact"), file("id: s", "precedence: 2", "flows: [{same: [cn]}]")}, ""},
		"two constants":           {[]string{file("flows: [{to: cn, constant: x}, {to: cn, constant: y}]")}, "the flow is unreachable"},
		"nobody feeds":            {[]string{file(), file("id: s", "precedence: 2", "direction: out", "connector: tenant", "source: person", "target: user", "flows: [{same: [title]}]")}, "no inbound rule brings title"},
		"nobody feeds a scope":    {[]string{file(), file("id: s", "precedence: 2", "direction: out", "connector: tenant", "source: person", "target: user", "scope: [[{attr: title, op: EQUAL, value: x}]]")}, "asks for: it never holds"},
		"nor its negative":        {[]string{file(), file("id: s", "precedence: 2", "direction: out", "connector: tenant", "source: person", "target: user", "scope: [[{attr: title, op: NOTEQUAL, value: x}]]")}, "asks for: it always holds"},
		"mixed":                   {[]string{file("flows: [{to: cn, expression: 'IIF(True || True && False, [cn], NULL)'}]")}, "without brackets"},
	} {
		s, err := Load(Options{FS: []fs.FS{place(c.files...)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := fmt.Sprint(s.Lint())
		if c.want == "" && len(s.Lint()) > 0 || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %q", name, got, c.want)
		}
	}
}

func TestSwitchedKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		disabled   bool
		want       string // "": an error
	}{
		{"put in", "# of ours\nid: r   # the id\nname: R\nprecedence: 5 # low\n\nflows:   # all\n  - {same: [mail]}  # mail\n", true, "# of ours\nid: r   # the id\nname: R\nprecedence: 5 # low\ndisabled: true\n\nflows:   # all\n  - {same: [mail]}  # mail\n"},
		{"changed", "id: r\ndisabled:   true # for now\nname: R\n", false, "id: r\ndisabled:   false # for now\nname: R\n"},
		{"already", "id: r\ndisabled: true\n", true, "id: r\ndisabled: true\n"},
		{"nothing to do", "id: r\nname: R\n", false, "id: r\nname: R\n"},
		{"after the id", "id: r", true, "id: r\ndisabled: true\n"},
		{"indented", "  id: r\n  name: R\n", true, "  id: r\n  disabled: true\n  name: R\n"},
		{"Windows", "id: r\r\ndisabled: false\r\nname: R\r\n", true, "id: r\r\ndisabled: true\r\nname: R\r\n"},
		{"in braces", "{id: r, disabled: false}", true, ""},
		{"quoted", "id: r\ndisabled: \"true\"\n", false, ""},
		{"no id", "name: R\n", true, ""},
		{"no rule", "- a\n", true, ""},
		{"not YAML", "a: [", true, ""},
	} {
		got, err := Switched([]byte(c.text), c.disabled)
		if (err == nil) != (c.want != "") || err == nil && string(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	if id := IDOf(SwitchText("in-ad-user-join", true)); id != "in-ad-user-join" {
		t.Errorf("got %q", id)
	}
	if id := IDOf([]byte("a: [")); id != "" {
		t.Errorf("got %q, want no id", id)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	load := func(files ...string) *Set {
		t.Helper()
		s, err := Load(Options{FS: []fs.FS{place(files...)}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := load(file("text: old"), file("id: s", "precedence: 2"), file("id: gone", "precedence: 3"), file("id: u", "precedence: 4", "disabled: true"), file("id: v", "precedence: 6"))
	after := load(file("text: new", "name: N"), file("id: s", "precedence: 7", "disabled: true", "scope: [[{attr: cn, op: ISNOTNULL}], [{attr: sn, op: EQUAL, value: x}]]", "join: [[{source: mail, target: mail, caseSensitive: true}]]",
		"flows: [{to: mail, from: mail, trim: true, final: true}, {to: cn, constant: x, once: true}, {to: sn, expression: 'UCase([sn])'}]"), file("id: new", "precedence: 5"), file("id: u", "precedence: 4"), file("id: v", "precedence: 6", "disabled: true"))
	want := []Difference{
		{Rule: "gone", Name: "R", What: "removed"},
		{Rule: "new", Name: "R", What: "added"},
		{Rule: "s", Name: "R", What: "changed", Parts: []Part{{"disabled", "false", "true"}, {"precedence", "2", "7"}, {"scope", "", "cn ISNOTNULL; or sn EQUAL x"}, {"join", "", "mail = mail, by case"},
			{"flow to cn", "", "constant x, once"}, {"flow to mail", "[mail]", "[mail], trimmed, final"}, {"flow to sn", "", "UCase([sn])"}}},
		{Rule: "u", Name: "R", What: "enabled"},
		{Rule: "v", Name: "R", What: "disabled"},
	}
	if d := cmp.Diff(want, Diff(before, after)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := Diff(after, after); len(got) > 0 {
		t.Errorf("a set differs from itself: %v", got)
	}
}

func TestEveryBuiltinFileCanBeSwitched(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(Builtin(), "*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(Builtin(), name)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), "disabled: true\n", "", 1))
		off, err := Switched(text, true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		on, err := Switched(off, false)
		if err != nil || strings.Replace(string(on), "disabled: false\n", "", 1) != string(text) {
			t.Errorf("%s: switched off and on it is not what it was (%v):\n%s", name, err, on)
		}
	}
}

func FuzzSwitched(f *testing.F) {
	for _, s := range []string{"id: r\nprecedence: 5 # x\n", "id: r\ndisabled: true\n", "{id: r}", "é: x\nid: r\n\"disabled\": false\n", "id: r\ndisabled: !!bool true", "id: r\r\ndisabled: &a true\n", "? id\n: r\n? disabled\n: true\n", "? disabled"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, disabled bool) {
		out, err := Switched([]byte(text), disabled)
		if err != nil {
			return
		}
		in := &reader{}
		if r, _ := in.read(out); r == nil || r.Disabled != disabled {
			t.Errorf("%q is switched to %q", text, out)
		}
	})
}

// TestTheManualKnowsAllWords: docs/rules.md names every name, operator and choice of a rule file.
func TestTheManualKnowsAllWords(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	words := slices.Concat(ruleKeys, flowKeys, linkTypes[:], merges[:], directions[:], dialects)
	for op := range positive {
		words = append(words, string(op))
	}
	for _, w := range words {
		if !strings.Contains(string(text), "`"+w+"`") {
			t.Errorf("docs/rules.md does not say what %s is", w)
		}
	}
	var example []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "    "); ok && !strings.HasPrefix(rest, "canopy ") {
			example = append(example, rest)
		}
	}
	s, err := Load(Options{FS: []fs.FS{Builtin(), place(strings.Join(example, "\n"))}})
	if err != nil {
		t.Fatalf("the example of docs/rules.md is no rule: %v\n%s", err, strings.Join(example, "\n"))
	}
	if list := s.Lint(); s.Rule("own-sales-address") == nil || len(list) > 0 {
		t.Errorf("the example is odd: %v", list)
	}
}
