package tenant

import (
	"strings"
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
			taken: func(key string) bool { return c.taken != "" && key == keyUPN+c.taken }})
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

// inputs is a change of what the service computes addresses from: the synced attributes, replaced, and the licence.
type inputs struct {
	attrs    canopy.Attrs
	licensed bool
	want     string // the addresses, then the mail address and the alias
}

// TestAddressVectors: the service's addresses as the objects and their licences change, each change upon the one before.
func TestAddressVectors(t *testing.T) {
	t.Parallel()
	p5 := []string{"proxyAddresses", "smtp:user3pa3@Fabrikam.microsoftonline.com", "proxyAddresses", "smtp:user3pa2@Contoso.onmicrosoft.com",
		"proxyAddresses", "SMTP:user3pa1@Contoso.com"}
	with := func(more ...string) canopy.Attrs {
		return attrs(append([]string{"userPrincipalName", "user3upn@Contoso.com"}, more...)...)
	}
	user := func(name string, more ...string) canopy.Attrs {
		return attrs(append([]string{"userPrincipalName", name + "@Contoso.com"}, more...)...)
	}
	cases := []struct {
		name  string
		steps []inputs
	}{
		{"P1, then P2: nothing synced, then licensed", []inputs{
			{user("user1upn"), false, "; ; user1upn"},
			{user("user1upn"), true, "SMTP:user1upn@Contoso.com smtp:user1upn@contoso.onmicrosoft.com; user1upn@Contoso.com; user1upn"}}},
		{"P3, then P4: a mail address, then licensed", []inputs{
			{user("user2upn", "mail", "user2mail@Contoso.com"), false, "SMTP:user2mail@Contoso.com; user2mail@Contoso.com; user2mail"},
			{user("user2upn", "mail", "user2mail@Contoso.com"), true,
				"SMTP:user2mail@Contoso.com smtp:user2upn@Contoso.com smtp:user2mail@contoso.onmicrosoft.com; user2mail@Contoso.com; user2mail"}}},
		{"P5, then P6: reserved domains, then another primary address", []inputs{
			{with(p5...), true, "SMTP:user3pa1@Contoso.com smtp:user3upn@Contoso.com smtp:user3pa1@contoso.onmicrosoft.com; user3pa1@Contoso.com; user3pa1"},
			{with("proxyAddresses", "SMTP:user3new1@Contoso.com"), true,
				"SMTP:user3new1@Contoso.com smtp:user3upn@Contoso.com smtp:user3pa1@contoso.onmicrosoft.com; user3new1@Contoso.com; user3pa1"}}},
		{"P7, then P8: the licence goes, then an address comes", []inputs{
			{user("user4upn"), true, "SMTP:user4upn@Contoso.com smtp:user4upn@contoso.onmicrosoft.com; user4upn@Contoso.com; user4upn"},
			{user("user4upn"), false, "SMTP:user4upn@contoso.onmicrosoft.com; user4upn@contoso.onmicrosoft.com; user4upn"},
			{user("user4upn", "title", "Clerk"), false, "SMTP:user4upn@contoso.onmicrosoft.com; user4upn@contoso.onmicrosoft.com; user4upn"},
			{user("user4upn", "proxyAddresses", "smtp:user4new@Contoso.com"), false,
				"SMTP:user4upn@contoso.onmicrosoft.com smtp:user4new@Contoso.com smtp:user4upn@Contoso.com; user4upn@contoso.onmicrosoft.com; user4upn"},
			{user("user4upn", "proxyAddresses", "smtp:user4new@Contoso.com"), true,
				"SMTP:user4upn@Contoso.com smtp:user4new@Contoso.com smtp:user4upn@contoso.onmicrosoft.com; user4upn@Contoso.com; user4upn"}}},
		{"P9: another alias", []inputs{
			{user("user5upn", "alias", "user5"), true, "SMTP:user5upn@Contoso.com smtp:user5@contoso.onmicrosoft.com; user5upn@Contoso.com; user5"},
			{user("user5upn", "alias", "user5new1"), true, "SMTP:user5upn@Contoso.com smtp:user5@contoso.onmicrosoft.com; user5upn@Contoso.com; user5new1"}}},
		{"P10: the alias of another", []inputs{
			{user("user6upn", "alias", "taken"), true, "SMTP:user6upn@Contoso.com smtp:taken1745@contoso.onmicrosoft.com; user6upn@Contoso.com; taken"}}},
		{"the licence goes where a primary address is synced", []inputs{
			{user("a", "mail", "b@Contoso.com"), true, "SMTP:b@Contoso.com smtp:a@Contoso.com smtp:b@contoso.onmicrosoft.com; b@Contoso.com; b"},
			{user("a", "mail", "b@Contoso.com"), false, "SMTP:b@Contoso.com smtp:a@Contoso.com smtp:b@contoso.onmicrosoft.com; b@Contoso.com; b"}}},
		{"unverified addresses go with the licence and are back without it", []inputs{
			{user("a", "proxyAddresses", "SMTP:a@fabrikam.com", "proxyAddresses", "smtp:a@Contoso.com"), false,
				"SMTP:a@fabrikam.com smtp:a@Contoso.com; a@fabrikam.com; a"},
			{user("a", "proxyAddresses", "SMTP:a@fabrikam.com", "proxyAddresses", "smtp:a@Contoso.com"), true,
				"SMTP:a@Contoso.com smtp:a@contoso.onmicrosoft.com; a@Contoso.com; a"},
			{user("a", "proxyAddresses", "SMTP:a@fabrikam.com", "proxyAddresses", "smtp:a@Contoso.com"), false,
				"SMTP:a@fabrikam.com smtp:a@Contoso.com smtp:a@contoso.onmicrosoft.com; a@fabrikam.com; a"}}},
		{"a remote mailbox has no unverified addresses", []inputs{
			{remote(user("a", "proxyAddresses", "SMTP:a@fabrikam.com", "proxyAddresses", "smtp:a@contoso.mail.onmicrosoft.com")), false,
				"smtp:a@contoso.mail.onmicrosoft.com; ; a"}}},
		{"the coexistence domain is the tenant's own", []inputs{
			{user("a", "proxyAddresses", "SMTP:a@contoso.com", "proxyAddresses", "smtp:a@contoso.mail.onmicrosoft.com",
				"proxyAddresses", "smtp:a@fabrikam.mail.onmicrosoft.com"), true,
				"SMTP:a@contoso.com smtp:a@contoso.mail.onmicrosoft.com smtp:a@contoso.onmicrosoft.com; a@contoso.com; a"}}},
		{"an unverified sign-in name, licensed", []inputs{
			{attrs("userPrincipalName", "a@contoso.local"), true, "SMTP:a@contoso.onmicrosoft.com; a@contoso.onmicrosoft.com; a"}}},
		{"a new sign-in name is a secondary address too", []inputs{
			{user("a", "mail", "m@Contoso.com"), true, "SMTP:m@Contoso.com smtp:a@Contoso.com smtp:m@contoso.onmicrosoft.com; m@Contoso.com; m"},
			{user("b", "mail", "m@Contoso.com"), true, "SMTP:m@Contoso.com smtp:b@Contoso.com smtp:m@contoso.onmicrosoft.com; m@Contoso.com; m"}}},
	}
	for _, c := range cases {
		var before, prev canopy.Attrs
		for i, s := range c.steps {
			prev = compute(calculation{class: canopy.User, id: "id1", anchor: "QQ==", synced: true, before: before, now: s.attrs, prev: prev,
				licensed: s.licensed, initial: initial, verified: func(d string) bool { return d == "contoso.com" || d == initial },
				taken: func(key string) bool { return key == keyAddress+"taken@"+initial }})
			before = s.attrs
			got := strings.Join(prev[cloudProxies].Strings(), " ") + "; " + prev.Text(cloudMail) + "; " + prev.Text(cloudAlias)
			if got != s.want {
				t.Errorf("%s, step %d:\ngot  %s\nwant %s", c.name, i+1, got, s.want)
			}
		}
	}
}

func remote(a canopy.Attrs) canopy.Attrs {
	a[attrRemoteType] = canopy.Values{canopy.Int(1)}
	return a
}
