package cloudsync

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffNamesWhatChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, now string
		want           []Change
	}{
		{"nothing", "", "", nil},
		{"a member", `"enabled":true`, `"enabled":false`, []Change{{Path: ".synchronizationRules[AD2AADProvisioning].objectMappings[Provision users].enabled", Before: "true", After: "false"}}},
		{"an expression", `"expression":"Not([accountDisabled])"`, `"expression":"Not([disabled])"`,
			[]Change{{Path: ".synchronizationRules[AD2AADProvisioning].objectMappings[Provision users].attributeMappings[AccountEnabled].source.expression", Before: `"Not([accountDisabled])"`, After: `"Not([disabled])"`}}},
		{"a value", `["OU=Staff,DC=example,DC=lab"]`, `["OU=Staff,DC=example,DC=lab","OU=New"]`,
			[]Change{{Path: `.synchronizationRules[AD2AADProvisioning].containerFilter.includedContainers["OU=New"]`, After: `"OU=New"`}}},
		{"a mapping", `{"targetAttributeName":"Manager","flowType":"Always","source":{"type":"Attribute","name":"manager","expression":"[manager]"}},`, "",
			[]Change{{Path: ".synchronizationRules[AD2AADProvisioning].objectMappings[Provision users].attributeMappings[Manager]", Before: `{"targetAttributeName":"Manager","flowType":"Always","source":{"type":"Attribute","name":"manager","expression":"[manager]"}}`}}},
	} {
		if !strings.Contains(sample, c.old) {
			t.Fatalf("%s: the sample lacks %s", c.name, c.old)
		}
		got := Diff(read(t, sample), read(t, strings.Replace(sample, c.old, c.now, 1)))
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func TestExpressionsAreTakenApart(t *testing.T) {
	t.Parallel()
	attr := func(n string) Source {
		return Source{Type: "Attribute", Name: n, Expression: "[" + n + "]", Parameters: []Parameter{}}
	}
	constant := func(n, e string) Source {
		return Source{Type: "Constant", Name: n, Expression: e, Parameters: []Parameter{}}
	}
	for _, c := range []struct {
		text string
		want Source
	}{
		{"[mail]", attr("mail")},
		{`"a\"b"`, constant(`a"b`, `"a\"b"`)},
		{`Trim([mail])`, Source{Type: "Function", Name: "Trim", Expression: "Trim([mail])", Parameters: []Parameter{{"source", attr("mail")}}}},
		{`Join(", ", [sn], [givenName])`, Source{Type: "Function", Name: "Join", Expression: `Join(", ", [sn], [givenName])`,
			Parameters: []Parameter{{"separator", constant(", ", `", "`)}, {"source", attr("sn")}, {"source", attr("givenName")}}}},
		{`Replace([mail], "@(x)", , , "", , )`, Source{Type: "Function", Name: "Replace", Expression: `Replace([mail], "@(x)", , , "", , )`,
			Parameters: []Parameter{{"source", attr("mail")}, {"Find", constant("@(x)", `"@(x)"`)}, {"Replacement", constant("", `""`)}}}},
		{`Mid([mail], 1, 3)`, Source{Type: "Function", Name: "Mid", Expression: `Mid([mail], 1, 3)`,
			Parameters: []Parameter{{"source", attr("mail")}, {"start", constant("1", "1")}, {"length", constant("3", "3")}}}},
	} {
		got, err := ParseSource(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.text, d)
		}
	}
	if _, err := ParseSource("Trm([mail])"); err == nil || !strings.Contains(err.Error(), "Trim") {
		t.Errorf("got %v, want an error with the nearest name", err)
	}
}
