package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/canopy-sync/canopy"
)

// user makes an object of pairs of attribute and value.
func user(pairs ...string) *Object { return thing(canopy.User, pairs...) }

func thing(class canopy.Class, pairs ...string) *Object {
	o := &Object{Class: class, DN: "CN=Anna Berg,OU=Staff,DC=contoso,DC=com", Attrs: canopy.Attrs{}}
	for i := 0; i < len(pairs); i += 2 {
		o.Attrs[canopy.Attr(pairs[i])] = append(o.Attrs[canopy.Attr(pairs[i])], canopy.Text(pairs[i+1]))
	}
	if class == canopy.Group && len(o.Attrs[attrGroupType]) == 0 {
		o.Attrs[attrGroupType] = canopy.Values{canopy.Int(-2147483646)}
	}
	return o
}

// good completes an object so that nothing else is found of it.
func good(o *Object) *Object {
	if len(o.Attrs[canopy.AttrDisplayName]) == 0 {
		o.Attrs[canopy.AttrDisplayName] = canopy.Texts("Anna Berg")
	}
	if len(o.Attrs[canopy.AttrUPN]) == 0 && o.isUser() {
		o.Attrs[canopy.AttrUPN] = canopy.Texts("anna@contoso.com")
	}
	if o.Class == canopy.Group && len(o.Attrs[canopy.AttrMail]) == 0 {
		o.Attrs[canopy.AttrMail] = canopy.Texts("staff@contoso.com")
	}
	return o
}

// TestValueRules: for each rule about single values what is wrong and what is not, and what is offered in its place.
func TestValueRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	address := func(n int) string { return strings.Repeat("a", n-12) + "@contoso.com" }
	for _, c := range []struct {
		rule  string // "" nothing is found
		class canopy.Class
		pairs []string
		fix   string // "old > new" for one that is offered
	}{
		{"", canopy.User, nil, ""},
		{NameBlank, canopy.User, []string{"displayName", "  ", "cn", "Anna Berg"}, "   > Anna Berg"},
		{NameLength, canopy.User, []string{"displayName", long}, long + " > " + long[:256]},
		{"", canopy.User, []string{"displayName", long[:256]}, ""},
		{NameLength, canopy.Group, []string{"displayName", long}, long + " > " + long[:256]},
		{NameSpace, canopy.User, []string{"displayName", " Anna"}, " Anna > Anna"},
		{NameSpace, canopy.User, []string{"displayName", "Anna "}, "Anna  > Anna"},
		{GivenLength, canopy.User, []string{"givenName", long[:65]}, long[:65] + " > " + long[:64]},
		{"", canopy.User, []string{"givenName", strings.Repeat("ä", 64)}, ""},

		{MailLength, canopy.User, []string{"mail", address(257)}, ""},
		{MailCharacter, canopy.User, []string{"mail", "an na@contoso.com"}, "an na@contoso.com > anna@contoso.com"},
		{MailCharacter, canopy.User, []string{"mail", "anna@contoso.com\u200b"}, "anna@contoso.com\u200b > anna@contoso.com"},
		{MailCharacter, canopy.User, []string{"mail", "jürgen@contoso.com"}, ""},
		{MailFormat, canopy.User, []string{"mail", "anna"}, ""},
		{MailFormat, canopy.User, []string{"mail", "anna@contoso"}, ""},
		{MailFormat, canopy.User, []string{"mail", "anna@@contoso.com"}, ""},
		{MailFormat, canopy.User, []string{"mail", "anna..b@contoso.com"}, ""},
		{MailFormat, canopy.User, []string{"mail", "anna@contoso.c0m"}, ""},
		{"", canopy.User, []string{"mail", "o'brien+x@sub.contoso.photography"}, ""},
		{DomainPrivate, canopy.User, []string{"mail", "anna@contoso.local"}, ""},

		{AliasLength, canopy.User, []string{"mailNickname", long[:65]}, long[:65] + " > " + long[:64]},
		{AliasPeriod, canopy.User, []string{"mailNickname", ".anna"}, ".anna > anna"},
		{AliasPeriod, canopy.User, []string{"mailNickname", "anna."}, "anna. > anna"},
		{AliasPeriod, canopy.User, []string{"mailNickname", "..."}, ""},
		{AliasCharacter, canopy.User, []string{"mailNickname", "an(na)"}, "an(na) > anna"},
		{AliasCharacter, canopy.User, []string{"mailNickname", "anna@x"}, "anna@x > annax"},
		{AliasCharacter, canopy.User, []string{"mailNickname", "ännchen"}, ""},
		{AliasBlank, canopy.Contact, []string{"targetAddress", "SMTP:a@fabrikam.com", "givenName", "Anna", "sn", "Berg"}, " > Anna.Berg"},

		{AddressPrefix, canopy.User, []string{"proxyAddresses", "anna@contoso.com"}, "anna@contoso.com > smtp:anna@contoso.com"},
		{AddressPrefix, canopy.User, []string{"proxyAddresses", "anna"}, ""},
		{AddressLength, canopy.User, []string{"proxyAddresses", "X500:" + long}, ""},
		{AddressColon, canopy.User, []string{"proxyAddresses", "smtp::anna@contoso.com"}, "smtp::anna@contoso.com > smtp:anna@contoso.com"},
		{AddressColon, canopy.User, []string{"proxyAddresses", "SMTP:smtp:anna@contoso.com"}, "SMTP:smtp:anna@contoso.com > SMTP:anna@contoso.com"},
		{AddressChar, canopy.User, []string{"proxyAddresses", "SMTP: anna@contoso.com"}, "SMTP: anna@contoso.com > SMTP:anna@contoso.com"},
		{AddressChar, canopy.User, []string{"proxyAddresses", "smtp:a;n(na)@contoso.com"}, "smtp:a;n(na)@contoso.com > smtp:anna@contoso.com"},
		{AddressChar, canopy.User, []string{"proxyAddresses", "sip:an na@contoso.com"}, "sip:an na@contoso.com > sip:anna@contoso.com"},
		{"", canopy.User, []string{"proxyAddresses", "sip:anna;x@contoso.com"}, ""},
		{"", canopy.User, []string{"proxyAddresses", "X500:/o=Contoso/cn=An na (x)"}, ""},
		{AddressChar, canopy.User, []string{"proxyAddresses", "X400:c=us\"a="}, "X400:c=us\"a= > X400:c=usa="},
		{AddressFormat, canopy.User, []string{"proxyAddresses", "smtp:anna"}, ""},
		{AddressFormat, canopy.User, []string{"proxyAddresses", "smtp:anna@contoso"}, ""},
		{AddressFormat, canopy.User, []string{"proxyAddresses", "x500:"}, ""},
		{DomainPrivate, canopy.User, []string{"proxyAddresses", "smtp:anna@contoso.local"}, ""},

		{AccountLength, canopy.User, []string{"sAMAccountName", long[:21]}, ""},
		{"", canopy.Group, []string{"sAMAccountName", long[:256]}, ""},
		{AccountLength, canopy.Group, []string{"sAMAccountName", long[:257]}, ""},
		{AccountChar, canopy.User, []string{"sAMAccountName", "an|na"}, "an|na > anna"},

		{TargetLength, canopy.User, []string{"targetAddress", "SMTP:" + address(252)}, ""},
		{TargetColon, canopy.User, []string{"targetAddress", "SMTP:SMTP:a@contoso.com"}, "SMTP:SMTP:a@contoso.com > SMTP:a@contoso.com"},
		{TargetChar, canopy.User, []string{"targetAddress", `SMTP:a\b@contoso.com`}, `SMTP:a\b@contoso.com > SMTP:ab@contoso.com`},
		{TargetFormat, canopy.User, []string{"targetAddress", "a@contoso.com"}, "a@contoso.com > SMTP:a@contoso.com"},
		{TargetFormat, canopy.User, []string{"targetAddress", "SMTP:a"}, ""},
		{TargetBlank, canopy.Contact, []string{"mail", "a@fabrikam.com", "mailNickname", "a"}, " > SMTP:a@fabrikam.com"},

		{UPNLength, canopy.User, []string{"userPrincipalName", address(114)}, ""},
		{UPNLength, canopy.User, []string{"userPrincipalName", long[:65] + "@contoso.com"}, ""},
		{UPNLength, canopy.User, []string{"userPrincipalName", "a@" + long[:45] + ".com"}, ""},
		{UPNCharacter, canopy.User, []string{"userPrincipalName", "an na@contoso.com"}, "an na@contoso.com > anna@contoso.com"},
		{UPNCharacter, canopy.User, []string{"userPrincipalName", "an/na@contoso.com"}, "an/na@contoso.com > anna@contoso.com"},
		{UPNCharacter, canopy.User, []string{"userPrincipalName", "jürgen@contoso.com"}, ""},
		{UPNFormat, canopy.User, []string{"userPrincipalName", "anna"}, ""},
		{UPNFormat, canopy.User, []string{"userPrincipalName", "an@na@contoso.com"}, ""},
		{UPNFormat, canopy.User, []string{"userPrincipalName", "anna.@contoso.com"}, "anna.@contoso.com > anna@contoso.com"},
		{DomainPrivate, canopy.User, []string{"userPrincipalName", "anna@contoso.local"}, ""},
	} {
		found := Values(good(thing(c.class, c.pairs...)), Options{})
		var codes, fixes []string
		for _, f := range found {
			if f.Severity == canopy.Info && f.Code != c.rule {
				continue // what else could be said of it
			}
			codes = append(codes, f.Code)
			if f.Fix != nil {
				fixes = append(fixes, f.Fix.Old+" > "+f.Fix.New)
			}
		}
		want := []string{}
		if c.rule != "" {
			want = append(want, c.rule)
		}
		if d := cmp.Diff(want, append([]string{}, codes...)); d != "" {
			t.Errorf("%s %.60q: findings (-want +got):\n%s", c.class, c.pairs, d)
		}
		if got := strings.Join(fixes, "; "); got != c.fix {
			t.Errorf("%s %.60q: the correction is %.80q, want %.80q", c.class, c.pairs, got, c.fix)
		}
	}
	missing := thing(canopy.User, "displayName", "Anna")
	if f := Values(missing, Options{}); len(f) != 1 || f[0].Code != UPNBlank {
		t.Errorf("a user without a sign-in name: %v", f)
	}
}

// TestSeveralFaults: what one rule makes of a value is what the next one sees, and one correction ends all.
func TestSeveralFaults(t *testing.T) {
	t.Parallel()
	found := Values(good(user("proxyAddresses", "SMTP::an na@contoso.com", "mailNickname", ".an(na).")), Options{})
	var got []string
	for _, f := range found {
		got = append(got, f.Code+" "+f.Fix.Old+" > "+f.Fix.New)
	}
	want := []string{"alias-character .an(na). > anna", "alias-period .an(na). > anna",
		"address-character SMTP::an na@contoso.com > SMTP:anna@contoso.com", "address-colon SMTP::an na@contoso.com > SMTP:anna@contoso.com"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if found[0].Fix == nil || found[0].Fix != found[1].Fix && fmt.Sprint(*found[0].Fix) != fmt.Sprint(*found[1].Fix) {
		t.Error("two faults of one value have two corrections")
	}
	// What the object has already is no correction, but a removal; where the other one is of another rank, a person says.
	found = Values(good(user("proxyAddresses", "smtp:an na@contoso.com", "proxyAddresses", "smtp:anna@contoso.com")), Options{})
	if len(found) != 1 || found[0].Fix == nil || found[0].Fix.New != "" {
		t.Errorf("want the removal of what is there already: %+v", found)
	}
	found = Values(good(user("proxyAddresses", "SMTP:an na@contoso.com", "proxyAddresses", "smtp:anna@contoso.com")), Options{})
	if len(found) != 1 || found[0].Fix != nil {
		t.Errorf("want no correction where ranks differ: %+v", found)
	}
}

func TestPrimaries(t *testing.T) {
	t.Parallel()
	two := []string{"proxyAddresses", "SMTP:a@contoso.com", "proxyAddresses", "SMTP:b@contoso.com"}
	found := Values(good(user(append(two, "mail", "a@contoso.com")...)), Options{})
	if len(found) != 2 || found[0].Fix != nil || found[1].Fix == nil || found[1].Fix.New != "smtp:b@contoso.com" || found[1].Code != AddressPrimary {
		t.Errorf("mail says which one stays: %+v", found)
	}
	found = Values(good(user(two...)), Options{})
	if len(found) != 2 || found[0].Fix != nil || found[1].Fix != nil {
		t.Errorf("nothing says which one stays: %+v", found)
	}
	o := good(user())
	for i := range 301 {
		o.Attrs[canopy.AttrAddresses] = append(o.Attrs[canopy.AttrAddresses], canopy.Text(fmt.Sprintf("smtp:a%d@contoso.com", i)))
	}
	if found = Values(o, Options{}); len(found) != 1 || found[0].Code != AddressMany {
		t.Errorf("301 addresses: %+v", found)
	}
}

// TestSkips: what is not synchronised is not looked at.
func TestSkips(t *testing.T) {
	t.Parallel()
	security, distribution := "-2147483646", "2"
	for why, o := range map[string]*Object{
		"a critical system object":                  user("isCriticalSystemObject", "TRUE", "displayName", " x"),
		"left by a replication conflict":            {Class: canopy.User, DN: `CN=Anna\0ACNF:1234,DC=x`, Attrs: canopy.Attrs{}},
		"an account of a computer or trust":         user("cn", "PARTNER$"),
		"a system account by its name":              user("cn", "Exchange Online-ApplicationAccount"),
		"a system account by its account name":      user("cn", "x", "sAMAccountName", "MSOL_1234"),
		"a system mailbox by its alias":             user("cn", "x", "mailNickname", "SystemMailbox{1}"),
		"a hidden system contact":                   thing(canopy.Contact, "displayName", "MSOL contact", "msExchHideFromAddressLists", "TRUE"),
		"a recipient of Exchange that is no person": user("cn", "x", "msExchRecipientTypeDetails", "4096"),
		"a security group without mail":             thing(canopy.Group, "groupType", security),
		"a distribution group without addresses":    thing(canopy.Group, "groupType", distribution, "mail", "a@contoso.com"),
	} {
		if got := o.skip(); got != why {
			t.Errorf("got %q, want %q", got, why)
		}
		if f := Values(o, Options{}); f != nil {
			t.Errorf("%s: got %v, want nothing", why, f)
		}
	}
	for _, o := range []*Object{user("cn", "Anna"), user("cn", "x", "msExchRecipientTypeDetails", "2147483648"), thing(canopy.Group, "groupType", security, "mail", "a@x.com"),
		thing(canopy.Group, "groupType", distribution, "proxyAddresses", "SMTP:a@x.com"), thing(canopy.Group, "sAMAccountName", "CAS_x", "mail", "a@x.com")} {
		if got := o.skip(); got != "" {
			t.Errorf("%v: got %q, want that it is looked at", o.Attrs, got)
		}
	}
	c := New(Options{})
	c.Add(user("cn", "krbtgt"))
	c.Add(good(user()))
	if r := c.Result(); r.Objects != 2 || r.Skipped["a system account by its name"] != 1 || len(r.Findings) != 0 {
		t.Errorf("got %+v", r)
	}
}

// TestRuleTable: every rule has its texts, and an id of its own.
func TestRuleTable(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, r := range Rules() {
		if r.ID == "" || r.Text == "" || r.Next == "" || strings.ToLower(r.ID) != r.ID {
			t.Errorf("%+v lacks something", r)
		}
		if slices.Contains(ids, r.ID) {
			t.Errorf("%s is there twice", r.ID)
		}
		ids = append(ids, r.ID)
	}
	for attr, list := range steps {
		for _, s := range list {
			if r := ruleOf(s.rule); r.Attr != attr {
				t.Errorf("%s is a rule of %s and checks %s", s.rule, r.Attr, attr)
			}
		}
		if !slices.Contains(stepped, attr) {
			t.Errorf("%s is never looked at", attr)
		}
	}
}
