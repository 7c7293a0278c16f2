package e2e

import (
	"encoding/base64"
	"path/filepath"
	"slices"
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
	r.arrive(t)
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
		{"unknown attribute", func(c *config) { c.Join = "attribute:noSuchAttribute" }, canopy.Invalid, []string{"noSuchAttribute"}},
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
	badObjects(t, r)
	changedAnchor(t, r)
}

// changedAnchor gives a person who is in the tenant another source anchor: the person stays as it is, and is told of
// until the anchor is the old one again.
func changedAnchor(t *testing.T, r *rig) {
	s := r.sites[0]
	ctx := within(t)
	dn := "CN=anchored,CN=Users," + s.Base()
	must(t, s.Add(ctx, samba.Object{DN: dn, Attrs: map[string][]string{"objectClass": {"user"}, "sAMAccountName": {"anchored"}, "userAccountControl": {"544"},
		"userPrincipalName": {"anchored@contoso.com"}, "department": {"before"}}}))
	held := r.do(t, "run").Totals.Held[string(canopy.HeldAnchor)]
	anchor := anchorOf(t, s, dn)
	if r.byAnchor(t, anchor) == nil {
		t.Fatal("the person is not in the tenant")
	}
	must(t, s.Replace(ctx, dn, map[string][]string{"mS-DS-ConsistencyGuid": {"another anchor!!"}, "department": {"after"}}))
	a := r.do(t, "run")
	if a.exit != 0 || a.Totals.Held[string(canopy.HeldAnchor)] != held+1 {
		t.Errorf("with another anchor: got exit %d, held %v, want one more by its anchor\n%s", a.exit, a.Totals.Held, a.text)
	}
	if r.byAnchor(t, anchor) == nil || r.byAnchor(t, base64.StdEncoding.EncodeToString([]byte("another anchor!!"))) != nil {
		t.Error("with another anchor the person has it in the tenant, or is there no more")
	}
	must(t, s.Replace(ctx, dn, map[string][]string{"mS-DS-ConsistencyGuid": nil}))
	if a := r.do(t, "run"); a.Totals.Held[string(canopy.HeldAnchor)] != held {
		t.Errorf("with the old anchor again: held %v, want %d by its anchor", a.Totals.Held, held)
	}
}

// badObjects puts objects that nobody would want into a real directory: the run goes on, and who is not meant follows.
func badObjects(t *testing.T, r *rig) {
	s := r.sites[0]
	ctx := within(t)
	const anchor = "two of one anchor"
	dn := func(name string) string { return "CN=" + name + ",CN=Users," + s.Base() }
	for _, name := range []string{"twin-a", "twin-b"} {
		must(t, s.Add(ctx, samba.Object{DN: dn(name), Attrs: map[string][]string{"objectClass": {"user"}, "sAMAccountName": {name}, "userAccountControl": {"544"},
			"userPrincipalName": {name + "@contoso.com"}, "mS-DS-ConsistencyGuid": {anchor}}}))
	}
	loop := []string{"loop-a", "loop-b", "loop-c"}
	for _, name := range loop {
		must(t, s.Add(ctx, samba.Object{DN: dn(name), Attrs: map[string][]string{"objectClass": {"group"}, "sAMAccountName": {name}}}))
	}
	for i, name := range loop {
		must(t, s.Link(ctx, dn(name), "member", []string{dn(loop[(i+1)%len(loop)])}, nil))
	}
	a := r.do(t, "run")
	if a.exit != 0 || a.said() != "" {
		t.Fatalf("single objects stopped the run\n%s", a.text)
	}
	if r.byAnchor(t, base64.StdEncoding.EncodeToString([]byte(anchor))) == nil {
		t.Error("neither of two objects with one anchor is in the tenant")
	}
	if got := a.Totals.Held[string(canopy.HeldAnchor)] + a.Totals.Held[string(canopy.HeldClaim)]; got != 1 {
		t.Errorf("held %v, want one of the two objects with one anchor", a.Totals.Held)
	}
	for i, name := range loop {
		next := anchorOf(t, s, dn(loop[(i+1)%len(loop)]))
		if got := r.members(t, anchorOf(t, s, dn(name))); !slices.Equal(got, []string{next}) {
			t.Errorf("%s in a loop of groups: got members %v, want %s", name, got, next)
		}
	}
}
