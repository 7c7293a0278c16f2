package tenant

import (
	"testing"

	"github.com/canopy-sync/canopy"
)

func TestCompute(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name        string
		before, now canopy.Attrs
		prev        canopy.Attrs
		taken       string
		cloud       bool // a cloud-born object
		want        canopy.Attrs
	}{
		{name: "verified upn", now: attrs("userPrincipalName", "user1upn@Contoso.com"),
			want: attrs("cloudUserPrincipalName", "user1upn@Contoso.com", "cloudAlias", "user1upn")},
		{name: "mail alone", now: attrs("userPrincipalName", "user2upn@Contoso.com", "mail", "user2mail@Contoso.com"),
			want: attrs("cloudUserPrincipalName", "user2upn@Contoso.com", "cloudAlias", "user2mail", "cloudMail", "user2mail@Contoso.com",
				"cloudProxyAddresses", "SMTP:user2mail@Contoso.com")},
		{name: "unverified upn", now: attrs("userPrincipalName", "anna@contoso.local"),
			want: attrs("cloudUserPrincipalName", "anna@"+initial, "cloudAlias", "anna")},
		{name: "unverified upn with an alias", now: attrs("userPrincipalName", "anna@contoso.local", "alias", "ann"),
			want: attrs("cloudUserPrincipalName", "ann@"+initial, "cloudAlias", "ann")},
		{name: "alias with characters that no upn has", now: attrs("userPrincipalName", "anna@contoso.local", "alias", "an na/ü."),
			want: attrs("cloudUserPrincipalName", "anna@"+initial, "cloudAlias", "an na/ü.")},
		{name: "no upn and nothing else", now: attrs(), want: attrs("cloudUserPrincipalName", "id1@"+initial)},
		{name: "computed upn taken", now: attrs("userPrincipalName", "anna@contoso.local"), taken: "anna@" + initial,
			want: attrs("cloudUserPrincipalName", "anna1745@"+initial, "cloudAlias", "anna")},

		{name: "alias: primary address first", now: attrs("userPrincipalName", "a@contoso.com", "mail", "b@contoso.com",
			"proxyAddresses", "smtp:c@contoso.com", "proxyAddresses", "SMTP:d@contoso.com"),
			want: attrs("cloudUserPrincipalName", "a@contoso.com", "cloudAlias", "d", "cloudMail", "d@contoso.com",
				"cloudProxyAddresses", "smtp:c@contoso.com", "cloudProxyAddresses", "SMTP:d@contoso.com")},
		{name: "alias: secondary address last", now: attrs("proxyAddresses", "smtp:c@contoso.com"),
			want: attrs("cloudUserPrincipalName", "c@"+initial, "cloudAlias", "c", "cloudProxyAddresses", "smtp:c@contoso.com")},
		{name: "alias stays when addresses change", before: attrs("userPrincipalName", "a@contoso.com"),
			now:  attrs("userPrincipalName", "b@contoso.com", "mail", "c@contoso.com"),
			prev: attrs("cloudAlias", "a", "cloudUserPrincipalName", "a@contoso.com"),
			want: attrs("cloudUserPrincipalName", "b@contoso.com", "cloudAlias", "a", "cloudMail", "c@contoso.com",
				"cloudProxyAddresses", "SMTP:c@contoso.com")},
		{name: "upn stays when the alias changes", before: attrs("userPrincipalName", "a@contoso.local", "alias", "a"),
			now: attrs("userPrincipalName", "a@contoso.local", "alias", "b"), prev: attrs("cloudAlias", "a", "cloudUserPrincipalName", "a@"+initial),
			want: attrs("cloudUserPrincipalName", "a@"+initial, "cloudAlias", "b")},
		{name: "upn is computed anew when the synced one changes", before: attrs("userPrincipalName", "a@contoso.com", "alias", "b"),
			now: attrs("userPrincipalName", "a@contoso.local", "alias", "b"), prev: attrs("cloudAlias", "b", "cloudUserPrincipalName", "a@contoso.com"),
			want: attrs("cloudUserPrincipalName", "b@"+initial, "cloudAlias", "b")},

		{name: "mail is promoted among the addresses", now: attrs("userPrincipalName", "a@contoso.com", "mail", "b@contoso.com",
			"proxyAddresses", "smtp:B@contoso.com"),
			want: attrs("cloudUserPrincipalName", "a@contoso.com", "cloudAlias", "b", "cloudMail", "B@contoso.com",
				"cloudProxyAddresses", "SMTP:B@contoso.com")},
		{name: "dropped addresses", now: attrs("userPrincipalName", "a@contoso.com", "proxyAddresses", "SMTP:a@contoso.com",
			"proxyAddresses", "smtp:a@fabrikam.microsoftonline.com", "proxyAddresses", "smtp:a@contoso.onmicrosoft.com",
			"proxyAddresses", "smtp:a@contoso.mail.onmicrosoft.com", "proxyAddresses", "X400:c=us;a= ;p=x", "proxyAddresses", "smtp: b@contoso.com",
			"proxyAddresses", "b@contoso.com", "proxyAddresses", "X500:/o=x/cn=a b", "proxyAddresses", "sip:a@contoso.com"),
			want: attrs("cloudUserPrincipalName", "a@contoso.com", "cloudAlias", "a", "cloudMail", "a@contoso.com",
				"cloudProxyAddresses", "SMTP:a@contoso.com", "cloudProxyAddresses", "smtp:a@contoso.mail.onmicrosoft.com",
				"cloudProxyAddresses", "X500:/o=x/cn=a b", "cloudProxyAddresses", "sip:a@contoso.com")},
		{name: "a cloud object keeps reserved addresses", cloud: true, now: attrs("userPrincipalName", "a@"+initial, "proxyAddresses", "SMTP:a@"+initial),
			want: attrs("cloudUserPrincipalName", "a@"+initial, "cloudAlias", "a", "cloudMail", "a@"+initial, "cloudProxyAddresses", "SMTP:a@"+initial)},
	}
	for _, c := range cases {
		got := compute(calculation{class: canopy.User, id: "id1", anchor: "QQ==", synced: !c.cloud, before: c.before, now: c.now,
			prev: c.prev, initial: initial, verified: func(d string) bool { return d == "contoso.com" || d == initial },
			taken: func(upn string) bool { return upn == c.taken }})
		c.want[cloudAnchor] = canopy.Texts("User_id1")
		c.want[cloudSource] = canopy.Texts("QQ==")
		c.want[cloudMaster] = canopy.Values{canopy.Bool(c.cloud)}
		diff(t, c.name, got, c.want)
	}
}

// TestComputedNamesAreUnique: who shares an alias under an unverified domain still signs in with a name of his own.
func TestComputedNamesAreUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := map[string]bool{}
	for _, anchor := range []string{"a", "b", "c"} {
		id := w.done(add(canopy.User, anchor, "userPrincipalName", "anna@"+anchor+".local"))
		names[w.get(id).Cloud.Text(cloudUPN)] = true
		w.done(modify(id, "title", "x"))
		names[w.get(id).Cloud.Text(cloudUPN)] = true
	}
	if len(names) != 3 || !names["anna@"+initial] {
		t.Errorf("got %v, want three names, one of them anna@%s", names, initial)
	}
	if r := w.write(add(canopy.User, "d", "userPrincipalName", "anna@"+initial))[0]; r.Code != CodeSoftMatch {
		t.Errorf("the computed name, synced for another: got %s %s", r.Kind, r.Code)
	}
}
