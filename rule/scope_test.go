package rule

import (
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

func TestOperators(t *testing.T) {
	t.Parallel()
	o := &Object{DN: `CN=Anna\, Berg,OU=Sales,DC=contoso,DC=lab`, Attrs: canopy.Attrs{
		"text": canopy.Texts("Anna Berg"), "digits": canopy.Texts("9"), "num": {canopy.Int(9)}, "neg": {canopy.Int(-2147483646)}, "yes": {canopy.Bool(true)}, "no": {canopy.Bool(false)},
		"when": {canopy.Instant(time.Date(2024, 3, 9, 0, 0, 0, 0, time.UTC))}, "many": canopy.Texts("smtp:a@x", "SMTP:b@x"), "empty": canopy.Texts(""), "bin": {canopy.Bytes([]byte{0xab, 0xcd})},
	}, LinkCounts: map[canopy.Attr]int{"member": 3}, Groups: []string{"CN=Staff,DC=contoso,DC=lab"}}
	for _, r := range []struct {
		attr, op, value string
		want            bool
	}{
		{"text", "EQUAL", "anna berg", true}, {"text", "EQUAL", "anna", false}, {"absent", "EQUAL", "x", false}, {"many", "EQUAL", "smtp:B@x", true},
		{"text", "NOTEQUAL", "anna berg", false}, {"text", "NOTEQUAL", "x", true}, {"absent", "NOTEQUAL", "x", true}, {"empty", "NOTEQUAL", "x", true}, {"many", "NOTEQUAL", "smtp:b@x", false},
		{"yes", "EQUAL", "TRUE", true}, {"yes", "EQUAL", "false", false}, {"no", "NOTEQUAL", "true", true}, {"yes", "EQUAL", "x", false}, {"num", "EQUAL", "9", true}, {"num", "EQUAL", "0x9", true}, {"bin", "EQUAL", "ABCD", true},
		{"num", "LESSTHAN", "50000", true}, {"num", "LESSTHAN", "9", false}, {"num", "LESSTHAN_OR_EQUAL", "9", true}, {"num", "GREATERTHAN", "8", true}, {"num", "GREATERTHAN_OR_EQUAL", "10", false},
		{"digits", "LESSTHAN", "50000", false}, {"text", "GREATERTHAN", "aaa", true}, {"absent", "LESSTHAN", "5", false}, {"absent", "GREATERTHAN", "5", false}, {"num", "LESSTHAN", "x", false},
		{"when", "GREATERTHAN", "2024-01-01T00:00:00Z", true}, {"when", "LESSTHAN", "2024-01-01T00:00:00Z", false},
		{"text", "CONTAINS", "BERG", true}, {"text", "CONTAINS", "x", false}, {"many", "CONTAINS", "b@", true}, {"absent", "CONTAINS", "x", false}, {"text", "NOTCONTAINS", "x", true}, {"absent", "NOTCONTAINS", "x", true}, {"many", "NOTCONTAINS", "a@", false},
		{"text", "STARTSWITH", "ANNA", true}, {"text", "STARTSWITH", "berg", false}, {"text", "NOTSTARTSWITH", "berg", true}, {"absent", "NOTSTARTSWITH", "x", true},
		{"text", "ENDSWITH", "BERG", true}, {"text", "ENDSWITH", "anna", false}, {"text", "NOTENDSWITH", "anna", true}, {"dn", "ENDSWITH", "ou=sales,dc=contoso,dc=lab", true}, {"dn", "ENDSWITH", "OU=IT,DC=contoso,DC=lab", false},
		{"rdn", "CONTAINS", "berg", true}, {"rdn", "CONTAINS", "sales", false},
		{"absent", "ISNULL", "", true}, {"empty", "ISNULL", "", true}, {"text", "ISNULL", "", false}, {"member", "ISNULL", "", false}, {"text", "ISNOTNULL", "", true}, {"absent", "ISNOTNULL", "", false}, {"member", "ISNOTNULL", "", true}, {"dn", "ISNOTNULL", "", true},
		{"num", "ISIN", "7|9", true}, {"num", "ISIN", "7|8", false}, {"text", "ISIN", "x|ANNA BERG", true}, {"num", "ISNOTIN", "7|8", true}, {"absent", "ISNOTIN", "7|8", true}, {"absent", "ISIN", "7", false},
		{"num", "ISBITSET", "8", true}, {"num", "ISBITSET", "2", false}, {"num", "ISBITNOTSET", "2", true}, {"num", "ISNOTBITSET", "8", false}, {"absent", "ISBITSET", "8", false}, {"absent", "ISBITNOTSET", "8", true}, {"digits", "ISBITSET", "1", true},
		{"neg", "ISBITSET", "-2147483648", true}, {"neg", "ISBITSET", "&H80000000", true}, {"text", "ISBITSET", "1", false},
		{"memberOf", "ISMEMBEROF", "cn=staff,dc=contoso,dc=lab", true}, {"memberOf", "ISMEMBEROF", "CN=x", false}, {"memberOf", "ISNOTMEMBEROF", "CN=x", true},
	} {
		c := Condition{Attr: canopy.Attr(r.attr), Op: Op(r.op), Values: strings.Split(r.value, "|")}
		if r.value == "" {
			c.Values = nil
		}
		if wrong := c.compile(); wrong != "" {
			t.Errorf("%s %s %s: %s", r.attr, r.op, r.value, wrong)
			continue
		}
		if got, err := c.holds(o); err != nil || got != r.want {
			t.Errorf("%s %s %s: got %v %v, want %v", r.attr, r.op, r.value, got, err, r.want)
		}
	}
	c := Condition{Attr: "memberOf", Op: IsMemberOf, Values: []string{"x"}}
	c.compile()
	if _, err := c.holds(&Object{}); err == nil {
		t.Error("a membership that is not known is taken for known")
	}
}

func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []Condition{{Op: "LIKE", Values: []string{"x"}}, {Op: Equal}, {Op: Equal, Values: []string{"a", "b"}}, {Op: IsNull, Values: []string{"x"}}, {Op: IsBitSet, Values: []string{"x"}}, {Op: IsIn}, {Op: Contains, Values: []string{""}}} {
		if wrong := c.compile(); wrong == "" {
			t.Errorf("%s %q is taken", c.Op, c.Values)
		}
	}
}

func TestScopeSaysWhy(t *testing.T) {
	t.Parallel()
	condition := func(attr, op, value, because string) Condition {
		c := Condition{Attr: canopy.Attr(attr), Op: Op(op), Values: []string{value}, Because: because}
		if wrong := c.compile(); wrong != "" {
			t.Fatal(wrong)
		}
		return c
	}
	r := &Rule{Scope: [][]Condition{{condition("a", "EQUAL", "1", ""), condition("b", "NOTEQUAL", "true", "[why]")}, {condition("a", "EQUAL", "2", "it is no two")}}}
	for _, x := range []struct {
		attrs canopy.Attrs
		ok    bool
		why   string
	}{
		{canopy.Attrs{"a": canopy.Texts("1")}, true, ""},
		{canopy.Attrs{"a": canopy.Texts("2"), "b": {canopy.Bool(true)}}, true, ""},
		{canopy.Attrs{"a": canopy.Texts("3")}, false, "it is no two (a EQUAL 2)"},
		{canopy.Attrs{"a": canopy.Texts("1"), "b": {canopy.Bool(true)}, "why": canopy.Texts("since it is so")}, false, "since it is so"},
		{canopy.Attrs{"a": canopy.Texts("1"), "b": {canopy.Bool(true)}}, false, "b NOTEQUAL true"},
	} {
		ok, why, err := r.InScope(&Object{Attrs: x.attrs})
		if ok != x.ok || why != x.why || err != nil {
			t.Errorf("%v: got %v %q %v, want %v %q", x.attrs, ok, why, err, x.ok, x.why)
		}
	}
}
