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
		"mixed": canopy.Texts("DE-Berlin"), "when2": {canopy.Instant(time.Date(2024, 3, 9, 12, 0, 0, 0, time.UTC))}, "ref": {canopy.To("CN=Boss,DC=contoso,DC=lab")}, "accent": canopy.Texts("STRASSE ÄÖ"), "zero": {canopy.Int(0)},
	}, LinkCounts: map[canopy.Attr]int{"member": 3}, Groups: []string{"CN=Staff,DC=contoso,DC=lab"}, Params: map[string]string{"Domain.FQDN": "contoso.lab", "Domain.LDAP": "DC=contoso,DC=lab", "Forest.FQDN": ""}}
	tried := map[Op]map[bool]bool{}
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
		{"memberOf", "ISMEMBEROF", "cn=staff,dc=contoso,dc=lab", true}, {"memberOf", "ISMEMBEROF", "CN=x", false}, {"memberOf", "ISNOTMEMBEROF", "CN=x", true}, {"memberOf", "ISNOTMEMBEROF", "CN=Staff, DC=contoso, DC=lab", false}, {"dn", "ISMEMBEROF", "CN=Staff ,DC=contoso,DC=lab", true},
		// Bits: any of the value's; 0 has none.
		{"num", "ISBITSET", "3", true}, {"zero", "ISBITSET", "1", false}, {"zero", "ISBITNOTSET", "1", true}, {"num", "ISBITNOTSET", "9", false}, {"text", "ISBITNOTSET", "1", true},
		// Types: of the attribute, not of the text. 9 is less than 50000 as a number, and not as a text.
		{"num", "NOTEQUAL", "9", false}, {"num", "NOTEQUAL", "x", true}, {"num", "GREATERTHAN", "9", false}, {"num", "LESSTHAN_OR_EQUAL", "8", false}, {"zero", "LESSTHAN", "1", true}, {"neg", "LESSTHAN", "-5", true}, {"digits", "LESSTHAN_OR_EQUAL", "9", true}, {"digits", "GREATERTHAN_OR_EQUAL", "9", true},
		{"absent", "LESSTHAN_OR_EQUAL", "5", false}, {"absent", "GREATERTHAN_OR_EQUAL", "5", false}, {"absent", "ENDSWITH", "x", false}, {"absent", "NOTENDSWITH", "x", true}, {"absent", "STARTSWITH", "x", false},
		{"when", "EQUAL", "2024-03-09T00:00:00Z", true}, {"when", "NOTEQUAL", "2024-03-09T00:00:00Z", false}, {"when2", "GREATERTHAN_OR_EQUAL", "2024-03-09T12:00:00Z", true}, {"when2", "LESSTHAN_OR_EQUAL", "2024-03-09T11:59:59Z", false}, {"when", "ISIN", "2024-03-08T00:00:00Z|2024-03-09T00:00:00Z", true}, {"when", "LESSTHAN", "soon", false},
		{"yes", "ISIN", "false|true", true}, {"no", "ISNOTIN", "true", true}, {"yes", "LESSTHAN", "true", false}, {"no", "LESSTHAN", "true", true}, {"bin", "NOTEQUAL", "abcd", false}, {"bin", "NOTEQUAL", "ab", true},
		// Text: without its case in every script; several values: one is enough, none may for the negatives.
		{"accent", "EQUAL", "strasse äö", true}, {"accent", "CONTAINS", "äö", true}, {"accent", "ENDSWITH", "ÄÖ", true}, {"many", "STARTSWITH", "SMTP:B", true}, {"many", "NOTSTARTSWITH", "smtp:a", false}, {"many", "ENDSWITH", "B@X", true}, {"many", "NOTENDSWITH", "a@x", false}, {"many", "ISIN", "z|smtp:b@x", true}, {"many", "ISNOTIN", "smtp:a@x", false}, {"many", "EQUAL", "smtp:a@x smtp:b@x", false},
		{"empty", "EQUAL", "", true}, {"absent", "EQUAL", "", false}, {"text", "EQUAL", "", false}, {"empty", "CONTAINS", "x", false}, {"empty", "ISNOTNULL", "", false}, {"zero", "ISNOTNULL", "", true}, {"no", "ISNULL", "", false},
		// Regular expressions of .NET's dialect: a part is enough, case counts, and there is looking around.
		{"mixed", "REGEXMATCH", "^DE-", true}, {"mixed", "REGEXMATCH", "berlin", false}, {"mixed", "REGEXMATCH", "(?i)berlin$", true}, {"mixed", "REGEXMATCH", "^(?!AT-).*-(?<town>B)", true}, {"num", "REGEXMATCH", "^[0-9]$", true}, {"many", "REGEXMATCH", "^SMTP:", true}, {"absent", "REGEXMATCH", ".*", false}, {"empty", "REGEXMATCH", "^$", true},
		{"mixed", "NOTREGEXMATCH", "^DE-", false}, {"mixed", "NOTREGEXMATCH", "^AT-", true}, {"absent", "NOTREGEXMATCH", "x", true}, {"many", "NOTREGEXMATCH", "^SMTP:", false}, {"mixed", "REGEX MATCH", "Ber", true}, {"mixed", "NOT REGEX MATCH", "Ber", false},
		{"mixed", "ISPARTOF", "at-wien;de-berlin", true}, {"mixed", "ISPARTOF", "berlin", false}, {"absent", "ISPARTOF", "x", false}, {"empty", "ISPARTOF", "x", false}, {"mixed", "ISNOTPARTOF", "at-wien", true}, {"mixed", "ISNOTPARTOF", "DE-BERLIN", false}, {"absent", "ISNOTPARTOF", "x", true}, {"digits", "ISPARTOF", "7,9", true},
		// Case included: "!" before the operator here.
		{"mixed", "!EQUAL", "DE-Berlin", true}, {"mixed", "!EQUAL", "de-berlin", false}, {"mixed", "!NOTEQUAL", "de-berlin", true}, {"mixed", "!CONTAINS", "berlin", false}, {"mixed", "!CONTAINS", "Berlin", true}, {"mixed", "!NOTCONTAINS", "berlin", true}, {"mixed", "!STARTSWITH", "de", false}, {"mixed", "!STARTSWITH", "DE", true}, {"mixed", "!ENDSWITH", "LIN", false}, {"mixed", "!NOTENDSWITH", "LIN", true},
		{"mixed", "!ISIN", "de-berlin|x", false}, {"mixed", "!ISIN", "DE-Berlin|x", true}, {"mixed", "!ISPARTOF", "de-berlin", false}, {"many", "!EQUAL", "smtp:b@x", false}, {"num", "!EQUAL", "9", true}, {"mixed", "!LESSTHAN", "de", true}, {"yes", "!EQUAL", "true", true},
		// Names: white space around commas does not count, what is escaped stays.
		{"dn", "ENDSWITH", "OU=Sales, DC=contoso , DC=lab", true}, {"dn", "EQUAL", `cn=anna\, berg, ou=sales, dc=contoso, dc=lab`, true}, {"dn", "EQUAL", `CN=Anna\,Berg,OU=Sales,DC=contoso,DC=lab`, false}, {"dn", "CONTAINS", ",ou=sales,", true}, {"dn", "STARTSWITH", "CN=Anna", true}, {"dn", "NOTENDSWITH", "OU=Sales,DC=contoso,DC=lab", false}, {"dn", "ISNULL", "", false}, {"dn", "REGEXMATCH", "^CN=.*,OU=Sales,", true}, {"rdn", "EQUAL", `CN=Anna\, Berg`, true}, {"ref", "EQUAL", "cn=boss,dc=contoso,dc=lab", true},
		// Parameters of the connector.
		{"dn", "ENDSWITH", "OU=Sales,%Domain.LDAP%", true}, {"text", "EQUAL", "%Domain.FQDN%", false}, {"text", "ISNOTIN", "%Domain.FQDN%|x", true}, {"text", "NOTEQUAL", "100% Anna", true}, {"dn", "REGEXMATCH", "%Domain.LDAP%$", true},
	} {
		name, exact := strings.CutPrefix(r.op, "!")
		c := Condition{Attr: canopy.Attr(r.attr), Op: Op(name), Values: strings.Split(r.value, "|"), CaseSensitive: exact}
		if r.value == "" && (name == "ISNULL" || name == "ISNOTNULL") {
			c.Values = nil
		}
		if wrong := c.compile(); wrong != "" {
			t.Errorf("%s %s %s: %s", r.attr, r.op, r.value, wrong)
			continue
		}
		if got, err := c.holds(o); err != nil || got != r.want {
			t.Errorf("%s %s %s: got %v %v, want %v", r.attr, r.op, r.value, got, err, r.want)
		}
		if tried[c.Op] == nil {
			tried[c.Op] = map[bool]bool{}
		}
		tried[c.Op][r.want] = true
	}
	for op := range positive {
		if len(tried[op]) != 2 {
			t.Errorf("%s: there are no rows for both of its answers", op)
		}
	}
	c := Condition{Attr: "memberOf", Op: IsMemberOf, Values: []string{"x"}}
	c.compile()
	if _, err := c.holds(&Object{}); err == nil {
		t.Error("a membership that is not known is taken for known")
	}
	for _, c := range []Condition{
		{Attr: "dn", Op: StartsWith, Values: []string{"%Forest.FQDN%"}}, // given, and empty
		{Attr: "dn", Op: Equal, Values: []string{"%Nobody.Knows%"}},     // not given
		{Attr: "num", Op: IsBitSet, Values: []string{"%Domain.FQDN%"}},  // no number
		{Attr: "slow", Op: Matches, Values: []string{"^(a+)+$"}},        // it would take for ever
	} {
		if wrong := c.compile(); wrong != "" {
			t.Errorf("%v is not taken: %s", c, wrong)
		}
		if got, err := c.holds(&Object{DN: "CN=x", Attrs: canopy.Attrs{"num": {canopy.Int(1)}, "slow": canopy.Texts(strings.Repeat("a", 60) + "!")}, Params: map[string]string{"Domain.FQDN": "contoso.lab", "Forest.FQDN": ""}}); err == nil {
			t.Errorf("%s: got %v, want an error", c.text, got)
		}
	}
}

func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []Condition{{Op: "LIKE", Values: []string{"x"}}, {Op: Equal}, {Op: Equal, Values: []string{"a", "b"}}, {Op: IsNull, Values: []string{"x"}}, {Op: IsBitSet, Values: []string{"x"}}, {Op: IsIn}, {Op: Contains, Values: []string{""}}, {Op: Matches, Values: []string{"(x"}}, {Op: NotMatches, Values: []string{""}}, {Op: PartOf}} {
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
