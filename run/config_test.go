package run_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/canopy-sync/canopy/run"
)

const goodConfig = `forests:
  - name: contoso.lab
    servers: [ldaps://dc1.contoso.lab]
    strict: true
    bind: {method: kerberos, account: sync@CONTOSO.LAB, keytab: sync.keytab}
    base: ["DC=contoso,DC=lab"]
    scope: {include: ["OU=People,DC=contoso,DC=lab"]}
join: attribute:employeeID
target: {initial: contoso.onmicrosoft.com, uniqueness: quarantine}
guard: {delete: {number: 10, percent: 2.5}}
`

// TestParseConfigRefuses: each would leave something unsaid, or the guard without a limit.
func TestParseConfigRefuses(t *testing.T) {
	t.Parallel()
	if _, err := run.ParseConfig([]byte(goodConfig)); err != nil {
		t.Fatalf("the right one: %v", err)
	}
	for _, c := range []struct{ what, text, says string }{
		{"nothing", "", "empty"},
		{"a second document", goodConfig + "---\nguard: {delete: {number: 1, percent: 1}}\n", "second document"},
		{"a broken second document", goodConfig + "---\n\t{", "line 12"},
		{"a key twice", goodConfig + "join: mail\n", "join"},
		{"a per cent that is no number", strings.Replace(goodConfig, "2.5", ".nan", 1), "percent"},
		{"a per cent without end", strings.Replace(goodConfig, "2.5", ".inf", 1), "percent"},
		{"a negative number", strings.Replace(goodConfig, "number: 10", "number: -1", 1), "number"},
		{"a regret that nobody counts", strings.Replace(goodConfig, "delete:", "deletes:", 1), "deletes"},
		{"no such uniqueness", strings.Replace(goodConfig, "quarantine", "maybe", 1), "uniqueness"},
		{"no forest", "join: mail\n", "at least one forest"},
		{"a password", strings.Replace(goodConfig, "keytab: sync.keytab", "password: Sesame-1", 1), "password_file"},
		{"no secret", strings.Replace(goodConfig, ", keytab: sync.keytab", "", 1), "keytab"},
	} {
		if _, err := run.ParseConfig([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "Sesame") {
			t.Errorf("%s: got %v, want %q in it", c.what, err, c.says)
		}
	}
}

// FuzzParseConfig: what is accepted keeps its promises and can be written and read again; nothing brings it down.
func FuzzParseConfig(f *testing.F) {
	for _, s := range []string{goodConfig, "", "forests: []", "forests:\n  - name: [", "a: &a [*a]", "guard: {delete: {percent: .nan}}", goodConfig + "---\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := run.ParseConfig(text)
		if err != nil {
			return
		}
		for name, l := range c.Guard {
			if !(l.Percent >= 0 && l.Percent <= 100) || l.Number < 0 {
				t.Errorf("guard %s: %v was accepted", name, l)
			}
		}
		for _, x := range c.Forests {
			if x.Bind.Password != "" || x.Name == "" || len(x.Servers) == 0 {
				t.Errorf("forest %+v was accepted", x)
			}
		}
		again, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		same, err := run.ParseConfig(again)
		if err != nil {
			t.Fatalf("written and read again: %v\n%s", err, again)
		}
		if d := cmp.Diff(c, same); d != "" {
			t.Errorf("written and read again (-first +second):\n%s", d)
		}
	})
}
