package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"SMTP:anna@contoso.com":      "",
		"smtp:o'brien@contoso.com":   "",
		"X500:/o=Contoso/cn=An na":   "",
		"sip:anna@contoso.com":       "",
		"anna@contoso.com":           "it has no prefix, such as smtp:",
		":anna@contoso.com":          "it has no prefix, such as smtp:",
		"smtp:":                      "there is nothing after its prefix",
		"smtp:ruth hall@contoso.com": "it has a space in it",
		"smtp: anna@contoso.com":     "it has a space in it",
		"smtp:anna\u00a0@c.com":      "it has a space in it",
		"smtp:anna":                  "it is not of the form name@domain",
		"smtp:@contoso.com":          "it is not of the form name@domain",
		"smtp:anna@":                 "it is not of the form name@domain",
		"smtp:a@b@c":                 "it has more than one @",
		"smtp:a(b)@c.com":            `it has the character '(' in it`,
		"smtp:jürgen@contoso.com":    `it has the character 'ü' in it`,
		"X400:a\x07":                 "it has a control character in it",
	} {
		if got := Address(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	got := Addresses("Ruth Hall", canopy.AttrAddresses, canopy.Texts("SMTP:ruth@c.com", "smtp:ruth hall@c.com"), "correct it")
	want := []canopy.Finding{{Code: CodeAddress, Severity: canopy.Warning, Object: "Ruth Hall", Attr: "proxyAddresses", Value: "smtp:ruth hall@c.com",
		Text: `proxyAddresses "smtp:ruth hall@c.com": it has a space in it; the target drops it`, Next: "correct it"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}
