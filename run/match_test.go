package run

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
)

// TestWhyNot: for each reason for which likely pairs are not joined, what is said, and what joins them.
func TestWhyNot(t *testing.T) {
	t.Parallel()
	const match = "canopy match oid 'CN=Anna'"
	tenant := func(more ...string) map[string]string {
		m := map[string]string{"Tenant.Domains": "contoso.com", "Tenant.Initial": "c.onmicrosoft.com"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for name, c := range map[string]struct {
		c      CloudObject
		o      ForestObject
		cf, of check.Face
		tenant map[string]string
		why    []string
		next   string
	}{
		"another class": {c: CloudObject{Class: canopy.Group}, why: []string{"a group is never joined with a user"}, next: "delete one of the two, or give it another address"},
		"out of scope":  {o: ForestObject{Out: "by a rule"}, why: []string{"the object of the forest is out of scope: by a rule"}, next: "take it into the scope; canopy explain says by what it is out"},
		"another anchor": {c: CloudObject{SourceAnchor: "B"}, o: ForestObject{SourceAnchor: "A"}, why: []string{"the cloud object has another source anchor: B"},
			next: "if it is old: canopy tenant user set-immutable-id oid; then " + match},
		"the same anchor": {c: CloudObject{SourceAnchor: "A"}, o: ForestObject{SourceAnchor: "A"}, why: []string{nothingSame}, next: match},
		"a role":          {c: CloudObject{Unmatched: "it holds a role"}, why: []string{"it holds a role"}, next: "do that, then " + match},
		"soft match blocked": {cf: check.Face{Primary: "a@contoso.com"}, of: check.Face{Primary: "a@contoso.com"}, tenant: tenant(canopy.Unmatched+"address", "soft match is blocked"),
			why: []string{"soft match is blocked"}, next: match},
		"sign-in names do not match": {cf: check.Face{UPN: "a@contoso.com"}, of: check.Face{UPN: "a@contoso.com"}, tenant: tenant(canopy.Unmatched+"upn", "by sign-in name is off"),
			why: []string{"by sign-in name is off"}, next: match},
		"held back": {o: ForestObject{Held: "it clashes"}, why: []string{"the object of the forest is held back: it clashes"}, next: match},
		"a secondary address": {cf: check.Face{Primary: "b@contoso.com", Addresses: []string{"b@contoso.com", "a@contoso.com"}}, of: check.Face{Primary: "a@contoso.com", Addresses: []string{"a@contoso.com"}},
			why: []string{"only an address that is secondary on one side is the same: the primary one counts"}, next: match},
		"sign-in names differ":          {cf: check.Face{UPN: "b@contoso.com"}, of: check.Face{UPN: "a@contoso.com"}, why: []string{"the sign-in names differ: b@contoso.com and a@contoso.com"}, next: match},
		"a domain that is not verified": {of: check.Face{UPN: "a@contoso.local"}, why: []string{"the tenant has not verified contoso.local"}, next: match},
		"the initial domain":            {of: check.Face{UPN: "a@c.onmicrosoft.com"}, why: []string{nothingSame}, next: match},
		"all at once": {c: CloudObject{SourceAnchor: "B", Unmatched: "it holds a role"}, o: ForestObject{SourceAnchor: "A", Out: "by a rule"}, cf: check.Face{UPN: "b@contoso.com"}, of: check.Face{UPN: "a@contoso.local"},
			why: []string{"the object of the forest is out of scope: by a rule", "the cloud object has another source anchor: B", "it holds a role",
				"the sign-in names differ: b@contoso.com and a@contoso.local", "the tenant has not verified contoso.local"}, next: "take it into the scope; canopy explain says by what it is out"},
		"a contact": {c: CloudObject{Class: canopy.Contact}, o: ForestObject{Class: canopy.Contact}, why: []string{nothingSame}, next: "give both the same primary address"},
	} {
		c.c.Anchor, c.o.Name = "oid", "CN=Anna"
		if c.c.Class == "" {
			c.c.Class = canopy.User
		}
		if c.o.Class == "" {
			c.o.Class = canopy.User
		}
		if c.tenant == nil {
			c.tenant = tenant()
		}
		why, next := whyNot(&c.c, &c.o, &c.cf, &c.of, c.tenant)
		if d := cmp.Diff(c.why, why); d != "" || next != c.next {
			t.Errorf("%s: what to do is %q, want %q; reasons (-want +got):\n%s", name, next, c.next, d)
		}
	}
}

// TestRefusals: what stands against giving a source anchor, whatever the rank.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		c      CloudObject
		o      ForestObject
		tenant map[string]string
		want   string
	}{
		"nothing":         {c: CloudObject{Class: canopy.User}, o: ForestObject{Class: canopy.InetOrgPerson, SourceAnchor: "A"}},
		"another class":   {c: CloudObject{Class: canopy.User}, o: ForestObject{Class: canopy.Contact, SourceAnchor: "A"}, want: "a user is never joined with a contact"},
		"a group":         {c: CloudObject{Class: canopy.Group}, o: ForestObject{Class: canopy.Group, SourceAnchor: "A"}, want: "only a user can be given a source anchor"},
		"out of scope":    {c: CloudObject{Class: canopy.User}, o: ForestObject{Class: canopy.User, SourceAnchor: "A", Out: "x"}, want: "out of scope: x"},
		"a role":          {c: CloudObject{Class: canopy.User, Unmatched: "it holds a role"}, o: ForestObject{Class: canopy.User, SourceAnchor: "A"}, want: "it holds a role"},
		"blocked":         {c: CloudObject{Class: canopy.User}, o: ForestObject{Class: canopy.User, SourceAnchor: "A"}, tenant: map[string]string{canopy.Unmatched + "anchor": "it is blocked"}, want: "it is blocked"},
		"another anchor":  {c: CloudObject{Class: canopy.User, SourceAnchor: "B"}, o: ForestObject{Class: canopy.User, SourceAnchor: "A"}, want: "it has another source anchor: B"},
		"the same anchor": {c: CloudObject{Class: canopy.User, SourceAnchor: "A"}, o: ForestObject{Class: canopy.User, SourceAnchor: "A"}, want: "it has this source anchor already"},
		"ambiguous":       {c: CloudObject{Class: canopy.User}, o: ForestObject{Class: canopy.User, Held: "two fit"}, want: "no source anchor, since it is held back: two fit"},
	} {
		got := ""
		for _, r := range refusals {
			if r.holds(&c.c, &c.o, c.tenant) {
				got = r.text(&c.c, &c.o, c.tenant)
				break
			}
		}
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
