package tenant

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
)

func quarantine(o *Options) { o.Policy = UniqueQuarantine }

// TestQuarantine: who is synchronised with another's value is made without it, and the client sees success.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	anna := add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com")
	team := add(canopy.Group, "Rw==", "displayName", "Team", "proxyAddresses", "SMTP:team@contoso.com", "proxyAddresses", "smtp:crew@contoso.com")
	cases := []struct {
		name   string
		have   canopy.Export
		add    canopy.Export
		code   string
		errors string // property value, in order
		upn    string
		proxy  string
	}{
		{"sign-in name", anna, add(canopy.User, "Qg==", "userPrincipalName", "Anna@contoso.com", "mail", "other@contoso.com"), "",
			"UserPrincipalName Anna@contoso.com", "Anna8915@", "SMTP:other@contoso.com"},
		{"primary address", anna, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com",
			"proxyAddresses", "smtp:x@contoso.com"), "", "ProxyAddresses smtp:anna@contoso.com", "x@contoso.com", "smtp:x@contoso.com"},
		{"both", anna, add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "smtp:anna@contoso.com"), "",
			"ProxyAddresses smtp:anna@contoso.com, UserPrincipalName anna@contoso.com", "anna8915@", ""},
		{"mail address alone", anna, add(canopy.Contact, "Qg==", "displayName", "Anna", "mail", "anna@contoso.com"), "",
			"ProxyAddresses smtp:anna@contoso.com", "", ""},
		{"a contact with a user's primary address", anna, add(canopy.Contact, "Qg==", "proxyAddresses", "SMTP:anna@contoso.com"), "",
			"ProxyAddresses smtp:anna@contoso.com", "", ""},
		{"a user with a group's primary address", team, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "SMTP:team@contoso.com"), CodeTypeMismatch, "", "", ""},
		{"a user with a group's primary address as a secondary one", team, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "smtp:team@contoso.com"), CodeUnique, "", "", ""},
		{"a user with a group's secondary address", team, add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com",
			"proxyAddresses", "smtp:crew@contoso.com"), "", "ProxyAddresses smtp:crew@contoso.com", "x@contoso.com", ""},
		{"an anchor of another class", anna, add(canopy.Group, "QQ==", "displayName", "A"), CodeTypeMismatch, "", "", ""},
		{"a security identifier", add(canopy.User, "QQ==", "userPrincipalName", "a@contoso.com", "onPremiseSecurityIdentifier", "S-1-5-1"),
			add(canopy.User, "Qg==", "userPrincipalName", "x@contoso.com", "onPremiseSecurityIdentifier", "S-1-5-1"), CodeUnique, "", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quarantine)
			w.done(c.have)
			r := w.write(c.add)[0]
			if r.Code != c.code || (r.Kind == canopy.Done) != (c.code == "") {
				t.Fatalf("got %s %q %s, want %q", r.Kind, r.Code, r.Text, c.code)
			}
			if c.code != "" {
				return
			}
			o := w.get(r.Anchor)
			var errs []string
			for _, e := range o.ProvisioningErrors() {
				errs = append(errs, e.Property+" "+e.Value)
				if e.Category != "PropertyConflict" || e.Occurred != w.time.Now() || e.Holder == "" {
					t.Errorf("got %+v", e)
				}
			}
			if got := strings.Join(errs, ", "); got != c.errors {
				t.Errorf("errors: got %q, want %q", got, c.errors)
			}
			if got := o.Cloud.Text(cloudUPN); got != strings.Replace(c.upn, "8915@", "8915@"+initial, 1) {
				t.Errorf("signs in as %q, want %q", got, c.upn)
			}
			diff(t, "addresses", strings.Join(o.Cloud[cloudProxies].Strings(), " "), c.proxy)
			diff(t, "the shadow", o.Attrs[canopy.AttrAddresses].Strings(), c.add.Set[canopy.AttrAddresses].Strings())
			if again := w.write(c.add)[0]; again.Kind != canopy.Done || again.Anchor != r.Anchor {
				t.Errorf("once more: got %+v", again)
			}
		})
	}
}

// TestTwoGroupsOneAddress: the first attempt is refused, the second one is taken without the address.
func TestTwoGroupsOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quarantine)
	w.done(add(canopy.Group, "Rw==", "displayName", "Team", "proxyAddresses", "SMTP:team@contoso.com"))
	second := add(canopy.Group, "Rg==", "displayName", "Crew", "proxyAddresses", "smtp:team@contoso.com")
	if r := w.write(second)[0]; r.Code != CodeUnique {
		t.Errorf("first attempt: got %s %q, want %q", r.Kind, r.Code, CodeUnique)
	}
	if errs := w.get(w.done(second)).ProvisioningErrors(); len(errs) != 1 || errs[0].Value != "smtp:team@contoso.com" {
		t.Errorf("second attempt: got %+v, want the address withheld", errs)
	}
}

// TestQuarantineRelease: a withheld value comes within the hour after it has become free, and not before.
func TestQuarantineRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quarantine)
	first := w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	id := w.done(add(canopy.User, "Qg==", "userPrincipalName", "anna@contoso.com", "proxyAddresses", "SMTP:anna@contoso.com"))
	want := func(when, upn, proxy string, errs int) {
		t.Helper()
		o := w.get(id)
		if o.Cloud.Text(cloudUPN) != upn || strings.Join(o.Cloud[cloudProxies].Strings(), " ") != proxy || len(o.ProvisioningErrors()) != errs {
			t.Errorf("%s: got %s %v %v, want %s %s and %d errors", when, o.Cloud.Text(cloudUPN), o.Cloud[cloudProxies], o.ProvisioningErrors(), upn, proxy, errs)
		}
	}
	look := func() { w.ok(w.Admin().AssignRole(context.Background(), first, "Reader")) }
	placeholder := "anna8915@" + initial
	want("made", placeholder, "", 2)
	w.time.Add(releaseEvery)
	look()
	want("an hour later, still taken", placeholder, "", 2)
	w.done(modify(first, "proxyAddresses", "SMTP:ann@contoso.com"))
	w.done(modify(id, "title", "Clerk"))
	want("free, and changed before the hour", placeholder, "", 2)
	_, _, cursor := w.read(nil)
	w.time.Add(releaseEvery)
	look()
	want("the address is free", placeholder, "SMTP:anna@contoso.com", 1)
	if changes, _, _ := w.read(cursor); len(changes) != 1 {
		t.Errorf("the feed gives %d changes, want the released object", len(changes))
	}
	w.done(remove(first))
	w.ok(w.Admin().Release(context.Background()))
	want("all is free", "anna@contoso.com", "SMTP:anna@contoso.com", 0)
	_, _, cursor = w.read(nil)
	w.time.Add(24 * time.Hour)
	w.ok(w.Admin().Release(context.Background()))
	if changes, _, _ := w.read(cursor); len(changes) != 0 {
		t.Errorf("nothing is withheld: the feed gives %d changes, want none", len(changes))
	}
}

// TestQuarantinedChange: a change into a clash keeps the sign-in name and withholds the address.
func TestQuarantinedChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quarantine)
	w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"))
	id := w.done(add(canopy.User, "Qg==", "userPrincipalName", "ben@contoso.com"))
	w.done(modify(id, "userPrincipalName", "anna@contoso.com"))
	if o := w.get(id); o.Cloud.Text(cloudUPN) != "ben@contoso.com" || len(o.ProvisioningErrors()) != 1 || o.Attrs.Text(canopy.AttrUPN) != "anna@contoso.com" {
		t.Errorf("got %v %v", o.Cloud, o.Attrs)
	}
	w.done(modify(id, "userPrincipalName", "carl@contoso.com"))
	if o := w.get(id); o.Cloud.Text(cloudUPN) != "carl@contoso.com" || len(o.ProvisioningErrors()) != 0 {
		t.Errorf("another name: got %v", o.Cloud)
	}
}

// TestQuarantineIsForSynchronisation: administrators are refused all the same.
func TestQuarantineIsForSynchronisation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quarantine)
	w.done(add(canopy.User, "QQ==", "userPrincipalName", "anna@contoso.com"))
	_, err := w.Admin().CreateUser(context.Background(), attrs("userPrincipalName", "anna@contoso.com"))
	if canopy.KindOf(err) != canopy.Conflict {
		t.Errorf("got %v, want a conflict", err)
	}
}
