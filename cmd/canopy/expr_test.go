package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy/expr"
)

// TestExpressionsOnRealObjects tries expressions on what a lab holds.
func TestExpressionsOnRealObjects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "lab", "--once", "--people", "60")
	const who = "grace.bennett@contoso.com"
	out := must(t, dir, "expr", "eval", `LCase([mail]) & "|" & %Domain.FQDN%`, "--object", who, "--json")
	var got struct {
		Value, Kind, Object, Class string
		Read                       map[string]any
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mail, domain, _ := strings.Cut(got.Value, "|")
	if mail != strings.ToLower(who) || domain == "" || got.Kind != "text" || got.Class != "user" || got.Object == "" || got.Read["mail"] == nil {
		t.Errorf("got %s, want the mail address %s and a domain", out, who)
	}
	if out = must(t, dir, "expr", "eval", "--dialect", "cloud", `SelectUniqueValue([mail], "nobody.has@this.lab")`, "--object", who); !strings.Contains(out, strings.ToLower(who)) && !strings.Contains(out, who) {
		t.Errorf("an object's own value is taken by nobody else, got %s", out)
	}
	if out = must(t, dir, "expr", "eval", `[sourceAnchor]`, "--object", who, "--meta"); !strings.Contains(out, "[sourceAnchor]") || strings.Contains(out, "NULL") {
		t.Errorf("the meta's source anchor is not shown: %s", out)
	}
	code, _, errs := command(t, dir, "expr", "eval", `CNum([displayName])`, "--object", who)
	if code != exitFailed || !strings.Contains(errs, got.Object[:10]) || !strings.Contains(errs, "at character 6: CNum, argument 1") || !strings.Contains(errs, "^") {
		t.Errorf("got code %d, %s, want the object, the place and a caret", code, errs)
	}
	code, out, _ = command(t, dir, "expr", "eval", `CNum([displayName])`, "--object", who, "--json")
	if code != exitFailed || !strings.Contains(out, `"function":"CNum"`) || !strings.Contains(out, `"argument":1`) || !strings.Contains(out, `"object":"`) {
		t.Errorf("got code %d, %s, want the fault as JSON", code, out)
	}
	if code, _, errs = command(t, dir, "expr", "eval", `[cn]`, "--object", "nobody@nowhere.lab"); code != exitFailed || !strings.Contains(errs, "no object has this") {
		t.Errorf("got code %d, %s, want that there is no such object", code, errs)
	}
}

func TestExpressionsWithoutObjects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/none"
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"eval", `Left([cn], 3)`, "--attr", "cn=Anna Berg"}, exitDone, []string{`"Ann"`, `[cn]`, `"Anna Berg"`}},
		{[]string{"eval", `Join([mail], "; ")`, "--attr", "mail=a", "--attr", "mail=b"}, exitDone, []string{`"a; b"`, `"a", "b"`}},
		{[]string{"eval", `Split([cn], ",")`, "--attr", "cn=a,b"}, exitDone, []string{"\"a\"\n\"b\"\n"}},
		{[]string{"eval", `DNComponent([dn], 1)`, "--attr", "dn=CN=Anna,DC=x"}, exitDone, []string{`"Anna"`}},
		{[]string{"eval", `[mail]`}, exitDone, []string{"NULL"}},
		{[]string{"eval", `IgnoreThisFlow`}, exitDone, []string{"IgnoreThisFlow"}},
		{[]string{"eval", `Guid() <> ""`}, exitDone, []string{"True"}},
		{[]string{"eval", "--dialect", "cloud", `Redact(Append([cn], "secret"))`, "--attr", "cn=anna"}, exitDone, []string{`"[Redact]"`}},
		{[]string{"eval", "--dialect", "cloud", `IIF(IsPresent([cn]), 1, 2)`, "--json", "--attr", "cn=anna"}, exitDone, []string{`"value":1`, `"kind":"a number"`}},
		{[]string{"eval", "--dialect", "cloud", `IIF(IsPresent([cn]), 1, 2)`}, exitDone, []string{"note: at character 1: IIF: Cloud Sync itself does not decide"}},
		{[]string{"eval", `Trm([cn])`}, exitFailed, []string{"Trm([cn])\n^\n", "there is no function Trm; is Trim meant?"}},
		{[]string{"eval", `Trm([cn])`, "--json"}, exitFailed, []string{`"character":1`, `"next":"is Trim meant?"`}},
		{[]string{"eval", `CNum([cn])`, "--attr", "cn=x"}, exitFailed, []string{"CNum, argument 1"}},
		{[]string{"eval", `1`, "--attr", "cn"}, exitUsage, []string{"is not NAME=VALUE"}},
		{[]string{"eval", `1`, "--meta"}, exitUsage, []string{"--meta goes with it"}},
		{[]string{"eval", `1`, "--dialect", "latin"}, exitUsage, []string{"there are connect and cloud"}},
		{[]string{"eval"}, exitUsage, []string{"canopy expr eval --help"}},
		{[]string{"check", `LCase([mail])`}, exitDone, []string{"It can be used. It reads mail."}},
		{[]string{"check", `"x"`}, exitDone, []string{"It reads nothing."}},
		{[]string{"check", `IIF(IsPresent([mial]), [Mail], %Domain.FQN%)`}, exitFailed, []string{"is mail meant?", "the attribute is written [mail]", "is %Domain.FQDN% meant?"}},
		{[]string{"check", `[manager]`}, exitFailed, []string{"only ValueCount"}},
		{[]string{"check", `ValueCount("member") > 0`, "--side", "meta"}, exitDone, []string{"It reads member."}},
		{[]string{"check", `[1x]`}, exitFailed, []string{"not an attribute's name"}},
		{[]string{"check", `LCase([Mail])`, "--json"}, exitFailed, []string{`"fault":true`, `"functions":["LCase"]`, `"character":7`}},
		{[]string{"check", `1`, "--side", "moon"}, exitUsage, []string{"there are ad, tenant, meta"}},
		{[]string{"check", "--dialect", "cloud", `UCase([cn])`}, exitFailed, []string{"there is no function UCase"}},
		{[]string{"functions"}, exitDone, []string{"DNComponentRev(dn, number", "Certificates"}},
		{[]string{"functions", "--dialect", "cloud", "--json"}, exitDone, []string{`"name":"SelectUniqueValue"`, `"dialect":"cloud"`}},
		{[]string{"functions", "Word"}, exitDone, []string{"Word(text, number, delimiters)", "gives"}},
		{[]string{"functions", "Wrod"}, exitFailed, []string{"has no such function", "is Word meant?"}},
	} {
		code, out, errs := command(t, dir, append([]string{"expr"}, c.args...)...)
		if code != c.code {
			t.Errorf("canopy expr %s: exit code %d, want %d\n%s%s", strings.Join(c.args, " "), code, c.code, out, errs)
		}
		for _, want := range c.want {
			if !strings.Contains(out+errs, want) {
				t.Errorf("canopy expr %s: %q is missing in\n%s%s", strings.Join(c.args, " "), want, out, errs)
			}
		}
	}
}

// TestTheManualIsGenerated: make verify looks at the same, and takes longer.
func TestTheManualIsGenerated(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != expr.Manual() {
		t.Error("docs/expressions.md is not what is made of the tables: run go generate ./cmd/canopy")
	}
}
