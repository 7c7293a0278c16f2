package tenant

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// TestComputedForetold: what is foretold of an object is what the tenant computes once it is written, when it is made and when it
// changes.
func TestComputedForetold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	about, err := w.Door().Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	domains := []string{}
	for _, d := range w.Tenant.conf.Domains {
		if d.Verified {
			domains = append(domains, d.Name)
		}
	}
	e := add(canopy.User, "QW5uYQ==", "userPrincipalName", "anna@nowhere.lab", "proxyAddresses", "SMTP:a.novak@contoso.com", "displayName", "Anna")
	f := Foretold{Class: canopy.User, Anchor: "QW5uYQ==", Now: e.Set, Initial: about.Values["Tenant.Initial"], Domains: domains}
	same := func(what string, got canopy.Attrs, id canopy.Anchor) {
		t.Helper()
		want := w.get(id).Cloud
		delete(got, cloudAnchor) // it has the number that only the tenant gives
		wanted := want.Clone()
		delete(wanted, cloudAnchor)
		if diff := cmp.Diff(wanted, got, cmp.Comparer(canopy.Values.Equal)); diff != "" {
			t.Errorf("%s (-computed +foretold):\n%s", what, diff)
		}
	}
	got := Foretell(f)
	id := w.done(e)
	same("made", got, id)
	o := w.get(id)
	before := o.Attrs.Clone()
	for name, v := range o.Cloud {
		before[name] = v
	}
	now := before.Clone()
	now["mail"], now["alias"], now["userPrincipalName"] = canopy.Texts("novak@contoso.com"), canopy.Texts("novak"), canopy.Texts("anna@contoso.com")
	delete(now, "proxyAddresses")
	f.ID, f.Before, f.Now = id, before, now
	got = Foretell(f)
	w.done(canopy.Export{Op: canopy.Modify, Class: canopy.User, SourceAnchor: "QW5uYQ==", Clear: []canopy.Attr{"proxyAddresses"},
		Set: canopy.Attrs{"mail": now["mail"], "alias": now["alias"], "userPrincipalName": now["userPrincipalName"]}})
	same("changed", got, id)
}
