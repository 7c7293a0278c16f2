package forest

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// town is a container with a few objects to search.
func town(t testing.TB, s *Server) string {
	t.Helper()
	ou := "OU=Town," + s.Base()
	add := func(dn, class string, values ...string) {
		t.Helper()
		attrs := map[string][]string{"objectClass": {class}}
		for _, p := range pairsOf(values) {
			attrs[p.name] = p.vals
		}
		if err := s.Add(dn, attrs); err != nil {
			t.Fatal(err)
		}
	}
	add(ou, "organizationalUnit")
	add("OU=Low,"+ou, "organizationalUnit", "description", "below")
	add("CN=anna,"+ou, "user", "sAMAccountName", "anna", "department", "Sales", "proxyAddresses", "SMTP:anna@x.example",
		"proxyAddresses", "smtp:a@x.example", "userAccountControl", "512", "mail", "anna@x.example", "employeeNumber", "7",
		"objectGUID", "01020304-0506-0708-090a-0b0c0d0e0f10", "mS-DS-ConsistencyGuid", "11121314-1516-1718-191a-1b1c1d1e1f20",
		"userPrincipalName", "anna@contoso.lab", "countryCode", "276", "description", "two  spaces", "thumbnailPhoto", "\xff\xd8\x00")
	add("CN=bert,OU=Low,"+ou, "inetOrgPerson", "sAMAccountName", "bert", "department", "HR", "manager", "CN=anna,"+ou, "userAccountControl", "514",
		"countryCode", "-5", "msExchHideFromAddressLists", "TRUE", "msExchLitigationHoldDate", "20250101000000.0Z")
	add("CN=carl,OU=Low,"+ou, "contact", "mail", "carl@y.example", "displayName", "Carl (K*)")
	add(`CN=Doe\, John,`+ou, "contact")
	add("CN=inner,"+ou, "group", "sAMAccountName", "inner", "member", "CN=anna,"+ou, "groupType", "-2147483640")
	add("CN=middle,"+ou, "group", "sAMAccountName", "middle", "member", "CN=inner,"+ou, "groupType", "2")
	add("CN=outer,"+ou, "group", "sAMAccountName", "outer", "member", "CN=middle,"+ou, "member", "CN=bert,OU=Low,"+ou)
	return ou
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	anna, _ := s.Object("CN=anna,"+ou, "objectSid")
	sid := sidText(anna["objectSid"][0])
	for _, test := range []struct{ filter, want string }{
		{"(department=Sales)", "anna"},
		{"(department= sALES )", "anna"},
		{"(description=two spaces)", "anna"},
		{"(DEPARTMENT=sales)", "anna"},
		{"(2.5.4.13=below)", "Low"},
		{"(|(department=Sales)(department=HR))", "anna bert"},
		{"(&(objectClass=user)(!(department=Sales)))", "bert"},
		{"(!(department=Sales))", "Doe, John Low Town bert carl inner middle outer"},
		{"(nosuch=1)", ""},
		{"(!(nosuch=1))", ""},
		{"(|(nosuch=1)(cn=anna))", "anna"},
		{"(&)", "Doe, John Low Town anna bert carl inner middle outer"},
		{"(|)", ""},
		{"(objectClass=user)", "anna bert"},
		{"(objectClass=inetOrgPerson)", "bert"},
		{"(objectClass=person)", "Doe, John anna bert carl"},
		{"(objectClass=nosuch)", ""},
		{"(objectCategory=person)", "Doe, John anna bert carl"},
		{"(objectCategory=group)", "inner middle outer"},
		{"(objectCategory=CN=Person,CN=Schema,CN=Configuration," + s.Base() + ")", "Doe, John anna bert carl"},
		{"(objectGUID=01020304-0506-0708-090a-0b0c0d0e0f10)", "anna"},
		{`(objectGUID=\04\03\02\01\06\05\08\07\09\0a\0b\0c\0d\0e\0f\10)`, "anna"},
		{"(objectGUID=zz)", ""},
		{"(mS-DS-ConsistencyGuid=11121314-1516-1718-191a-1b1c1d1e1f20)", "anna"},
		{`(mS-DS-ConsistencyGuid=\14\13\12\11\16\15\18\17\19\1a\1b\1c\1d\1e\1f\20)`, "anna"},
		{"(objectSid=" + sid + ")", "anna"},
		{"(objectSid=" + ldap.EscapeFilter(anna["objectSid"][0]) + ")", "anna"},
		{"(objectSid=S-1-x)", ""},
		{"(distinguishedName=cn=ANNA," + ou + ")", "anna"},
		{"(name=doe, john)", "Doe, John"},
		{"(cn=doe, john)", "Doe, John"},
		{"(ou=low)", "Low"},
		{"(mail=ANNA@x.example)", "anna"},
		{"(proxyAddresses=smtp:anna@x.example)", "anna"},
		{"(proxyAddresses=smtp:*)", "anna"},
		{"(mail=*@*.example)", "anna carl"},
		{"(mail=a*na*example)", "anna"},
		{"(mail=a*na*na*example)", ""},
		{"(cn=*r*)", "bert carl inner outer"},
		{"(cn=*)", "Doe, John anna bert carl inner middle outer"},
		{`(displayName=*\28K\2a\29)`, "carl"},
		{"(mail=*)", "anna carl"},
		{"(manager=*)", "bert"},
		{"(directReports=*)", "anna"},
		{"(memberOf=*)", "anna bert inner middle"},
		{"(manager=CN=anna," + ou + ")", "bert"},
		{"(manager=CN=nobody," + ou + ")", ""},
		{"(manager=CN=an*)", ""},
		{"(member=CN=anna," + ou + ")", "inner"},
		{"(memberOf=CN=outer," + ou + ")", "bert middle"},
		{"(memberOf:1.2.840.113556.1.4.1941:=CN=outer," + ou + ")", "anna bert inner middle"},
		{"(member:1.2.840.113556.1.4.1941:=CN=anna," + ou + ")", "inner middle outer"},
		{"(manager:1.2.840.113556.1.4.1941:=CN=anna," + ou + ")", "bert"},
		{"(userAccountControl:1.2.840.113556.1.4.803:=2)", "bert"},
		{"(!(userAccountControl:1.2.840.113556.1.4.803:=2))", "Doe, John Low Town anna carl inner middle outer"},
		{"(groupType:1.2.840.113556.1.4.803:=2147483648)", "inner outer"},
		{"(groupType:1.2.840.113556.1.4.804:=10)", "inner middle outer"},
		{"(groupType:1.2.840.113556.1.4.804:=4)", ""},
		{"(groupType:1.2.840.113556.1.4.803:=x)", ""},
		{"(department:1.2.3.4:=x)", ""},
		{"(department:=sales)", "anna"},
		{"(countryCode>=0)", "anna"},
		{"(countryCode<=0)", "bert"},
		{"(countryCode=0276)", "anna"},
		{"(cn>=inner)", "inner middle outer"},
		{"(cn<=bert)", "anna bert"},
		{"(whenCreated>=20200101000000.0Z)", "Doe, John Low Town anna bert carl inner middle outer"},
		{"(whenCreated<=20200101000000.0Z)", ""},
		{"(msExchLitigationHoldDate=20250101000000Z)", "bert"},
		{"(msExchHideFromAddressLists=TRUE)", "bert"},
		{"(msExchHideFromAddressLists=maybe)", ""},
		{`(thumbnailPhoto=\ff\d8\00)`, "anna"},
		{"(thumbnailPhoto=*)", "anna"},
		{"(anr=ann)", "anna"},
		{"(cn~=anna)", "anna"},
		{"(sAMAccountType=805306368)", "anna bert"},
		{"(parentGUID=*)", "Doe, John Low Town anna bert carl inner middle outer"},
	} {
		if got := c.names(ou, test.filter); got != test.want {
			t.Errorf("%s: got %q, want %q", test.filter, got, test.want)
		}
	}
}

func TestBasesAndScopes(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	low, _ := s.Object("OU=Low,"+ou, "objectGUID")
	g := guid([]byte(low["objectGUID"][0]))
	bert, _ := s.Object("CN=bert,OU=Low,"+ou, "objectSid")
	for _, test := range []struct {
		base  string
		scope int
		n     int
		code  int
	}{
		{ou, 0, 1, 0}, {ou, 1, 6, 0}, {ou, 2, 9, 0},
		{"ou=LOW , OU=town," + strings.ToLower(s.Base()), 2, 3, 0},
		{"<GUID=" + g.String() + ">", 1, 2, 0},
		{fmt.Sprintf("<GUID=%x>", g[:]), 1, 2, 0},
		{"<SID=" + sidText(bert["objectSid"][0]) + ">", 0, 1, 0},
		{fmt.Sprintf("<SID=%x>", bert["objectSid"][0]), 0, 1, 0},
		{"<WKGUID=A9D1CA15768811D1ADED00C04FD8D5CD," + s.Base() + ">", 0, 1, 0},
		{"<GUID=00000000-0000-0000-0000-000000000000>", 0, 0, 32},
		{"<what>", 0, 0, 34},
		{"what", 0, 0, 34},
		{"CN=nobody," + ou, 0, 0, 32},
		{"DC=fabrikam,DC=lab", 0, 0, 32},
		{`CN=Doe\2C John,` + ou, 0, 1, 0},
		{"", 2, 0, 32},
	} {
		r, err := c.ask(test.base, test.scope, "(objectClass=*)", []string{"1.1"})
		n := 0
		if r != nil {
			n = len(r.Entries)
		}
		if n != test.n || code(err) != test.code {
			t.Errorf("%s scope %d: got %d entries, %v; want %d, code %d", test.base, test.scope, n, err, test.n, test.code)
		}
	}
	_, err := c.ask("CN=nobody,OU=No,"+ou, 0, "(objectClass=*)", nil)
	if e, ok := err.(*ldap.Error); !ok || e.MatchedDN != ou {
		t.Errorf("matched DN: got %v, want %s", err, ou)
	}
	r, err := c.ask(s.Base(), 2, "(cn=anna)", []string{"1.1"})
	c.must(err)
	if want := "ldaps://contoso.lab/CN=Configuration," + s.Base(); len(r.Referrals) != 1 || r.Referrals[0] != want {
		t.Errorf("references: got %q, want %q", r.Referrals, want)
	}
	r, err = c.ask(s.Base(), 2, "(cn=anna)", []string{"1.1"}, ldap.NewControlString(domainScopeOID, true, ""))
	c.must(err)
	if len(r.Referrals) != 0 {
		t.Errorf("references with the domain scope control: got %q", r.Referrals)
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	for _, test := range []struct{ dn, attr, want string }{
		{"CN=anna," + ou, "SAMACCOUNTNAME", "anna"},
		{"CN=anna," + ou, "2.5.4.11", ""},
		{"CN=anna," + ou, "nosuch", ""},
		{"CN=anna," + ou, "memberOf", "CN=inner," + ou},
		{"CN=anna," + ou, "canonicalName", "contoso.lab/Town/anna"},
		{"CN=anna," + ou, "sAMAccountType", "805306368"},
		{"CN=middle," + ou, "sAMAccountType", "268435457"},
		{"CN=anna," + ou, "badPwdCount", "0"},
		{"CN=anna," + ou, "instanceType", "4"},
		{s.Base(), "instanceType", "5"},
		{"CN=Schema,CN=Configuration," + s.Base(), "instanceType", "13"},
		{"CN=Domain Admins,CN=Users," + s.Base(), "primaryGroupToken", "512"},
		{"CN=Administrator,CN=Users," + s.Base(), "isCriticalSystemObject", "TRUE"},
		{"CN=Administrators,CN=Builtin," + s.Base(), "sAMAccountType", "536870912"},
		{"CN=Users," + s.Base(), "isCriticalSystemObject", "TRUE"},
		{"CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration," + s.Base(), "tombstoneLifetime", "180"},
		{"CN=CONTOSO,CN=Partitions,CN=Configuration," + s.Base(), "nETBIOSName", "CONTOSO"},
		{"CN=CONTOSO,CN=Partitions,CN=Configuration," + s.Base(), "nCName", s.Base()},
		{"CN=anna," + ou, "objectClass", "organizationalPerson | person | top | user"},
		{"CN=bert,OU=Low," + ou, "objectClass", "inetOrgPerson | organizationalPerson | person | top | user"},
		{`CN=Doe\, John,` + ou, "distinguishedName", `CN=Doe\, John,` + ou},
		{"CN=S-1-5-11,CN=ForeignSecurityPrincipals," + s.Base(), "objectCategory", "CN=Foreign-Security-Principal,CN=Schema,CN=Configuration," + s.Base()},
	} {
		if got := c.values(test.dn, test.attr); got != test.want {
			t.Errorf("%s of %s: got %q, want %q", test.attr, test.dn, got, test.want)
		}
	}
	r, err := c.ask("CN=anna,"+ou, 0, "(objectClass=*)", nil)
	c.must(err)
	for _, name := range []string{"nTSecurityDescriptor", "parentGUID", "canonicalName", "unicodePwd", "tokenGroups"} {
		if len(r.Entries[0].GetEqualFoldAttributeValues(name)) > 0 {
			t.Errorf("%s comes without being asked for", name)
		}
	}
	for _, name := range []string{"cn", "name", "memberOf", "uSNChanged", "whenChanged", "objectSid", "lastLogon"} {
		if len(r.Entries[0].GetEqualFoldAttributeValues(name)) == 0 {
			t.Errorf("%s does not come by itself", name)
		}
	}
	types := ldap.NewSearchRequest("CN=anna,"+ou, 0, 0, 0, 0, true, "(objectClass=*)", []string{"mail", "memberOf", "name"}, nil)
	r, err = c.Search(types)
	c.must(err)
	if got, want := show(r.Entries, ou), "CN=anna\n  mail=<none>\n  memberOf=<none>\n  name=<none>\n"; got != want {
		t.Errorf("types only: got %q, want %q", got, want)
	}
	ext := c.values("CN=bert,OU=Low,"+ou, "manager", ldap.NewControlString(extendedDNOID, true, "0\x03\x02\x01\x01"))
	if !strings.HasPrefix(ext, "<GUID=01020304-0506-0708-090a-0b0c0d0e0f10>;<SID=S-1-5-21-") || !strings.HasSuffix(ext, ">;CN=anna,"+ou) {
		t.Errorf("extended DN: got %q", ext)
	}
	if _, err := c.ask(ou, 0, "(objectClass=*)", nil, ldap.NewControlString("1.2.3.4", true, "")); code(err) != 12 {
		t.Errorf("unknown critical control: got %v, want code 12", err)
	}
	if _, err := c.ask(ou, 0, "(objectClass=*)", nil, ldap.NewControlString("1.2.3.4", false, "")); err != nil {
		t.Errorf("unknown control: %v", err)
	}
	if ok, err := c.Compare("CN=anna,"+ou, "department", "SALES"); !ok || err != nil {
		t.Errorf("compare: %v %v", ok, err)
	}
	if ok, err := c.Compare("CN=anna,"+ou, "department", "HR"); ok || err != nil {
		t.Errorf("compare: %v %v", ok, err)
	}
}

func TestSchemaObjects(t *testing.T) {
	t.Parallel()
	for _, exchange := range []bool{false, true} {
		s := begin(t, func(o *Options) { o.Exchange = exchange })
		c := admin(t, s)
		schema := "CN=Schema,CN=Configuration," + s.Base()
		for attr, want := range map[string]string{"attributeSyntax": "2.5.5.1", "oMSyntax": "127", "isSingleValued": "FALSE", "linkID": "2", "attributeID": "2.5.4.31", "systemFlags": "18"} {
			if got := c.values("CN=Member,"+schema, attr); got != want {
				t.Errorf("%s of member: got %q, want %q", attr, got, want)
			}
		}
		for name, want := range map[string]string{"Member": "2b0c0287731c00854a", "Well-Known-Objects": "2a864886f7140101010b", "Surname": ""} {
			if got := hex.EncodeToString([]byte(c.values("CN="+name+","+schema, "oMObjectClass"))); got != want {
				t.Errorf("oMObjectClass of %s: got %s, want %s", name, got, want)
			}
		}
		want := ""
		if exchange {
			want = "ms-Exch-Mailbox-Guid"
			if got := hex.EncodeToString([]byte(c.values("CN=ms-Exch-Auth-Orig,"+schema, "oMObjectClass"))); got != "56060102050b1d" {
				t.Errorf("oMObjectClass of an OR name: got %s", got)
			}
		}
		if got := c.names(schema, "(lDAPDisplayName=msExchMailboxGuid)"); got != want {
			t.Errorf("with Exchange %v: got %q, want %q", exchange, got, want)
		}
		if got := c.names(schema, "(&(objectClass=classSchema)(lDAPDisplayName=inetOrgPerson))"); got != "inetOrgPerson" {
			t.Errorf("class: got %q", got)
		}
		for _, a := range s.dir.schema.attrs {
			if a.forward() && a.link > 0 && s.dir.backOf(a) != nil && !s.dir.backOf(a).back() {
				t.Errorf("%s has no proper back link", a.name)
			}
		}
	}
}
