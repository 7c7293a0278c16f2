package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/e2e/samba"
)

// TestBadInput gives the product what administrators get wrong, against real controllers. Each must be said with the
// object and what to do, and the tenant must stay as it is.
func TestBadInput(t *testing.T) {
	sites := startForests(t, 2, false, 40)
	r := newRig(t, sites)
	r.sync(t)
	contoso := sites[0]
	ctx := within(t)
	expired, err := contoso.AddService(ctx, "svc-expired", "Reads-only-1", samba.Reader)
	must(t, err)
	must(t, contoso.Replace(ctx, expired.DN, map[string][]string{"accountExpires": {"129000000000000000"}}))
	r.sync(t) // the account is an object like any other
	_, cursor := r.tenant(t, nil)

	for _, c := range []struct {
		name   string
		change func(*config)
		kind   canopy.ErrorKind
		says   []string
	}{
		{"wrong password", func(c *config) { c.Forests[0].Bind["password_env"] = "PATH" }, canopy.Credentials, []string{contoso.reader.UPN}},
		{"unknown account", func(c *config) { c.Forests[0].Bind["account"] = "nobody@contoso.lab" }, canopy.Credentials, []string{"nobody@contoso.lab"}},
		{"expired account", func(c *config) { c.Forests[0].Bind["account"] = expired.UPN }, canopy.Credentials, []string{expired.UPN, "expired"}},
		{"wrong CA", func(c *config) { c.Forests[0].CA = sites[1].CA() }, canopy.Credentials, []string{contoso.IP()}},
		{"no CA file", func(c *config) { c.Forests[0].CA = filepath.Join(r.dir, "none.pem") }, canopy.Invalid, []string{"none.pem"}},
		{"wrong base", func(c *config) { c.Forests[0].Base = []string{"DC=elsewhere,DC=lab"} }, canopy.NotFound, []string{"DC=elsewhere,DC=lab"}},
		{"malformed base", func(c *config) { c.Forests[0].Base = []string{"contoso.lab"} }, canopy.Invalid, []string{"contoso.lab"}},
		{"unknown container", func(c *config) { c.Forests[0].Scope = map[string][]string{"include": {"OU=None,DC=contoso,DC=lab"}} }, canopy.NotFound, []string{"OU=None,DC=contoso,DC=lab"}},
		{"nobody listens", func(c *config) { c.Forests[0].Servers = []string{"ldaps://127.0.0.250:636"} }, canopy.Unreachable, []string{"127.0.0.250"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.configure(t, c.change)
			a := r.do(t, "run")
			text := a.said()
			if a.exit == 0 || text == "" {
				t.Fatalf("the run went through\n%s", a.text)
			}
			if a.Kind != "" && a.Kind != c.kind.String() {
				t.Errorf("kind: got %s, want %s: %s", a.Kind, c.kind, text)
			}
			for _, word := range c.says {
				if !strings.Contains(text, word) {
					t.Errorf("got %q, want %q in it", text, word)
				}
			}
			if strings.Contains(text, contoso.reader.Password) {
				t.Errorf("the error tells the password: %q", text)
			}
			if changed, _ := r.tenant(t, cursor); len(changed) > 0 {
				t.Errorf("%d objects of the tenant changed", len(changed))
			}
		})
	}
	r.configure(t, nil)
	r.settled(t)
}
