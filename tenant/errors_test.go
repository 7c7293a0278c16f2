package tenant

import (
	"context"
	"strings"
	"testing"

	"github.com/canopy-sync/canopy"
)

// TestServiceErrors: every error that the service has for what is synchronised arises when it should, with its name, as the
// result of one export at the native door; and the same export is taken where the reason is not there.
func TestServiceErrors(t *testing.T) {
	t.Parallel()
	anna := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com", "onPremisesObjectIdentifier", "one")
	bert := func(pairs ...string) canopy.Export {
		return add(canopy.User, "Qg==", append([]string{"userPrincipalName", "bert@contoso.com"}, pairs...)...)
	}
	addresses := func(n int) (pairs []string) {
		for i := range n {
			pairs = append(pairs, "proxyAddresses", "smtp:bert"+strings.Repeat("x", i/26)+string(rune('a'+i%26))+"@contoso.com")
		}
		return pairs
	}
	certificates := func(n int) canopy.Export {
		e := bert()
		for i := range n {
			e.Set[attrCertificate] = append(e.Set[attrCertificate], canopy.Bytes([]byte{byte(i)}))
		}
		return e
	}
	photo := func(n int) canopy.Export {
		e := bert()
		e.Set[attrPhoto] = canopy.Values{canopy.Bytes(make([]byte, n))}
		return e
	}
	// before makes what is there, and gives the object that the export is about.
	type before = func(*world) canopy.Anchor
	cloud := func(pairs ...string) before {
		return func(w *world) canopy.Anchor { return w.cloudUser(attrs(pairs...)) }
	}
	synced := func(exports ...canopy.Export) before {
		return func(w *world) (id canopy.Anchor) {
			for _, e := range exports {
				id = w.done(e)
			}
			return id
		}
	}
	switched := func(on func(*Switches), then before) before {
		return func(w *world) canopy.Anchor {
			id := then(w)
			s := w.Admin().Switches()
			on(&s)
			w.ok(w.Admin().SetSwitches(context.Background(), s))
			return id
		}
	}
	role := func(then before) before {
		return func(w *world) canopy.Anchor {
			id := then(w)
			w.ok(w.Admin().AssignRole(context.Background(), id, "Global Administrator"))
			return id
		}
	}
	federated := func(then before) before {
		return func(w *world) canopy.Anchor {
			ctx, a := context.Background(), w.Admin()
			id := then(w)
			w.ok(a.AddDomain(ctx, "fabrikam.com"))
			w.ok(a.VerifyDomain(ctx, "fabrikam.com"))
			for _, d := range []string{"contoso.com", "fabrikam.com"} {
				w.ok(a.SetFederated(ctx, d, true))
			}
			return id
		}
	}
	revived := func(w *world) canopy.Anchor {
		id := w.done(anna)
		w.ok(w.Admin().Delete(context.Background(), id))
		w.ok(w.Admin().Restore(context.Background(), id))
		return id
	}
	nothing := func(*world) canopy.Anchor { return "" }
	group := add(canopy.Group, "Rw==", "displayName", "Team", "proxyAddresses", "SMTP:team@contoso.com")
	of := func(e canopy.Export) func(canopy.Anchor) canopy.Export {
		return func(canopy.Anchor) canopy.Export { return e }
	}
	refusal := canopy.Refused
	for name, c := range map[string]struct {
		before before
		e      func(canopy.Anchor) canopy.Export
		kind   canopy.ResultKind
		code   string
		taken  before // where the same export is taken; nil: nowhere, or another row shows it
	}{
		"a sign-in name of an object with another anchor": {synced(anna), of(add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com")), refusal, "InvalidSoftMatch", nothing},
		"a primary address of such an object":             {synced(anna), of(bert("proxyAddresses", "SMTP:anna@contoso.com")), refusal, "InvalidSoftMatch", nothing},
		"an address of an object of another class":        {synced(group), of(bert("proxyAddresses", "SMTP:team@contoso.com")), refusal, "ObjectTypeMismatch", nothing},
		"an anchor of an object of another class":         {synced(group), of(add(canopy.User, "Rw==", "userPrincipalName", "bert@contoso.com")), refusal, "ObjectTypeMismatch", nothing},
		"an anchor, with taking over switched off": {switched(func(s *Switches) { s.BlockHardMatchTakeover = true }, cloud("userPrincipalName", "anna@contoso.com", "sourceAnchor", "QQ==")),
			of(anna), refusal, "InvalidHardMatch", cloud("userPrincipalName", "anna@contoso.com", "sourceAnchor", "QQ==")},
		"an anchor of who holds a role": {role(cloud("userPrincipalName", "anna@contoso.com", "sourceAnchor", "QQ==")), of(anna), refusal, "InvalidHardMatch", nil},
		"an anchor that another object of the forest had": {revived, of(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "onPremisesObjectIdentifier", "two")),
			refusal, "InvalidHardMatch", switched(func(s *Switches) { s.AllowRemap = true }, revived)},
		"a match with who holds a role":        {role(cloud("userPrincipalName", "anna@contoso.com")), of(anna), refusal, "Existing Admin Role Conflict", cloud("userPrincipalName", "anna@contoso.com")},
		"a secondary address of another":       {synced(anna), of(bert("proxyAddresses", "smtp:anna@contoso.com")), refusal, "AttributeValueMustBeUnique", nothing},
		"another's sign-in name, by a change":  {synced(anna, bert()), func(id canopy.Anchor) canopy.Export { return modify(id, "userPrincipalName", "anna@contoso.com") }, refusal, "AttributeValueMustBeUnique", synced(bert())},
		"another's mail address, by a change":  {synced(anna, bert()), func(id canopy.Anchor) canopy.Export { return modify(id, "mail", "anna@contoso.com") }, refusal, "AttributeValueMustBeUnique", synced(bert())},
		"another's security identifier":        {synced(bert("onPremiseSecurityIdentifier", "S-1-5-21-1")), of(add(canopy.User, "Qw==", "userPrincipalName", "carl@contoso.com", "onPremiseSecurityIdentifier", "S-1-5-21-1")), refusal, "AttributeValueMustBeUnique", nothing},
		"a sign-in name with a space":          {nothing, of(add(canopy.User, "Qg==", "userPrincipalName", "bert novak@contoso.com")), refusal, "IdentityDataValidationFailed", nil},
		"a sign-in name that ends in a stop":   {nothing, of(add(canopy.User, "Qg==", "userPrincipalName", "bert.@contoso.com")), refusal, "IdentityDataValidationFailed", nil},
		"an empty display name":                {nothing, of(bert("displayName", " ")), refusal, "DataValidationFailed", nil},
		"from one federated domain to another": {switched(func(s *Switches) { s.RefuseFederatedChange = true }, federated(synced(bert()))), func(id canopy.Anchor) canopy.Export { return modify(id, "userPrincipalName", "bert@fabrikam.com") }, refusal, "FederatedDomainChangeError", federated(synced(bert()))},
		"sixteen certificates":                 {nothing, of(certificates(16)), refusal, "LargeObject", nil},
		"fifteen certificates":                 {nothing, of(certificates(15)), canopy.Done, "", nil},
		"too many addresses":                   {nothing, of(bert(addresses(333)...)), refusal, "LargeObject", nil},
		"as many addresses as there may be":    {nothing, of(bert(addresses(332)...)), canopy.Done, "", nil},
		"a photo of more than 100 KB":          {nothing, of(photo(100<<10 + 1)), refusal, "LargeObject", nil},
		"a photo of 100 KB":                    {nothing, of(photo(100 << 10)), canopy.Done, "", nil},
		"a text that is too long":              {nothing, of(bert("description", strings.Repeat("x", 1025))), refusal, "ExceededAllowedLength", nil},
		"deleting a cloud user":                {cloud("userPrincipalName", "anna@contoso.com"), func(id canopy.Anchor) canopy.Export { return remove(id) }, refusal, "DeletingCloudOnlyObjectNotAllowed", synced(anna)},
		"deleting who was restored by hand":    {revived, func(id canopy.Anchor) canopy.Export { return remove(id) }, refusal, "DeletingCloudOnlyObjectNotAllowed", nil},
		"a password's change of a cloud user": {cloud("userPrincipalName", "anna@contoso.com"), func(id canopy.Anchor) canopy.Export {
			return modify(id, "lastPasswordChangeTimestamp", "20300101000000.0Z")
		}, refusal, "ChangingCloudOnlyObjectNotAllowed", synced(anna)},
		"an account without its role": {switched(func(s *Switches) { s.DenyAccount = true }, nothing), of(anna), canopy.Denied, "AccessDenied", nothing},
		"synchronisation switched off": {func(w *world) canopy.Anchor {
			w.ok(w.Admin().SetSynchronization(context.Background(), false))
			return ""
		}, of(anna), canopy.Denied, "DirectorySynchronizationDisabled", nothing},
		"an object that was given to the cloud": {func(w *world) canopy.Anchor {
			id := w.done(bert())
			w.ok(w.Admin().SetCloudManaged(context.Background(), id, true))
			return id
		}, func(id canopy.Anchor) canopy.Export { return modify(id, "displayName", "B") }, refusal, "CloudManagedObject", synced(bert())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.write(c.e(c.before(w)))[0]
			if got.Kind != c.kind || got.Code != c.code || (c.code != "") != (got.Text != "") {
				t.Errorf("got %s %q %q, want %s %q with a text", got.Kind, got.Code, got.Text, c.kind, c.code)
			}
			if c.taken == nil {
				return
			}
			w = newWorld(t)
			if got := w.write(c.e(c.taken(w)))[0]; got.Kind != canopy.Done {
				t.Errorf("without the reason: got %s %q %q, want done", got.Kind, got.Code, got.Text)
			}
		})
	}
}

// TestWithheldInsteadOfRefused: under the policy of the real service a duplicate value is no error: the client sees success,
// and the object tells of the conflict by the service's own names.
func TestWithheldInsteadOfRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quarantine)
	w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	id := w.done(add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	errs := w.get(id).ProvisioningErrors()
	if len(errs) != 2 || errs[0].Category != "PropertyConflict" || errs[0].Property != "ProxyAddresses" || errs[1].Property != "UserPrincipalName" {
		t.Errorf("got %+v, want a conflict about the address and the sign-in name", errs)
	}
	if got := w.get(id).Cloud.Text(cloudUPN); !strings.HasPrefix(got, "anna") || !strings.HasSuffix(got, "@"+initial) {
		t.Errorf("signs in as %s, want a name under the initial domain", got)
	}
}
