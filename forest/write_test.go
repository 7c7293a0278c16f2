package forest

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

func TestAddRefusals(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	for _, test := range []struct {
		name, dn, class string
		values          []string
		code            int
	}{
		{"twice", ou, "organizationalUnit", nil, 68},
		{"no parent", "CN=x,OU=No,OU=Such," + ou, "user", nil, 32},
		{"no DN", "what", "user", nil, 34},
		{"unknown class", "CN=x," + ou, "nosuch", nil, 16},
		{"abstract class", "CN=x," + ou, "top", nil, 65},
		{"auxiliary class", "CN=x," + ou, "mailRecipient", nil, 65},
		{"unknown attribute", "CN=x," + ou, "user", []string{"noSuchAttr", "1"}, 16},
		{"attribute of another class", "CN=x," + ou, "user", []string{"groupType", "2"}, 65},
		{"two values of a single-valued attribute", "CN=x," + ou, "user", []string{"department", "a", "department", "b"}, 19},
		{"a value twice", "CN=x," + ou, "user", []string{"description", "a", "description", "a"}, 20},
		{"no number", "CN=x," + ou, "user", []string{"countryCode", "abc"}, 21},
		{"too large a number", "CN=x," + ou, "user", []string{"countryCode", "4294967296"}, 21},
		{"no truth", "CN=x," + ou, "user", []string{"showInAdvancedViewOnly", "maybe"}, 21},
		{"no time", "CN=x," + ou, "user", []string{"msExchLitigationHoldDate", "yesterday"}, 21},
		{"no UTF-8", "CN=x," + ou, "user", []string{"title", "a\xffb"}, 21},
		{"empty", "CN=x," + ou, "user", []string{"title", ""}, 21},
		{"too long", "CN=x," + ou, "user", []string{"title", strings.Repeat("x", 129)}, 19},
		{"link without DN", "CN=x," + ou, "user", []string{"manager", "what"}, 34},
		{"link to nothing", "CN=x," + ou, "user", []string{"manager", "CN=nobody," + ou}, 19},
		{"member that is nothing", "CN=x," + ou, "group", []string{"member", "CN=nobody," + ou}, 32},
		{"DN that names nothing", "CN=x," + ou, "user", []string{"homeMTA", "CN=nobody," + ou}, 19},
		{"member twice", "CN=x," + ou, "group", []string{"member", "CN=anna," + ou, "member", "cn=ANNA," + ou}, 68},
		{"objectGUID", "CN=x," + ou, "user", []string{"objectGUID", "0123456789abcdef"}, 53},
		{"objectSid", "CN=x," + ou, "user", []string{"objectSid", "S-1-5-21-1-2-3-4"}, 53},
		{"back link", "CN=x," + ou, "user", []string{"memberOf", "CN=outer," + ou}, 53},
		{"other naming attribute", "OU=x," + ou, "user", nil, 64},
		{"below a user", "CN=x,CN=anna," + ou, "contact", nil, 64},
		{"sAMAccountName taken", "CN=x," + ou, "user", []string{"sAMAccountName", "ANNA"}, 68},
		{"userPrincipalName taken", "CN=x," + ou, "user", []string{"userPrincipalName", "Anna@contoso.lab"}, 19},
		{"foreign security principal", "CN=S-1-5-21-1-2-3-4,CN=ForeignSecurityPrincipals," + s.Base(), "foreignSecurityPrincipal", nil, 65},
		{"password in clear", "CN=x," + ou, "user", []string{"unicodePwd", "secret"}, 53},
		{"name that differs", "CN=x," + ou, "user", []string{"cn", "y"}, 64},
		{"fine", "CN=x," + ou, "user", []string{"cn", "x", "homeMTA", "CN=anna," + ou}, 0},
	} {
		before := s.HighestUSN()
		if err := c.add(test.dn, test.class, test.values...); code(err) != test.code {
			t.Errorf("%s: got %v, want code %d", test.name, err, test.code)
		}
		if after := s.HighestUSN(); test.code != 0 && after != before {
			t.Errorf("%s: refused, but the update sequence number went from %d to %d", test.name, before, after)
		}
	}
	r := ldap.NewAddRequest("CN=y,"+ou, nil)
	r.Attribute("description", []string{"no class"})
	if err := c.Add(r); code(err) != 65 {
		t.Errorf("no class: got %v, want code 65", err)
	}
	c.must(c.add("CN=z,"+ou, "group", "groupType", "-2147483644", "member", "<SID=S-1-5-21-9-9-9-1234>"))
	want := "CN=S-1-5-21-9-9-9-1234,CN=ForeignSecurityPrincipals," + s.Base()
	if got := c.values("CN=z,"+ou, "member"); got != want {
		t.Errorf("member from another forest: got %q, want %q", got, want)
	}
}

func TestModifyRefusals(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	anna, outer := "CN=anna,"+ou, "CN=outer,"+ou
	for _, test := range []struct {
		name, dn, op, attr string
		vals               []string
		code               int
	}{
		{"value there", anna, "add", "description", []string{"two spaces"}, 20},
		{"second value of a single-valued attribute", anna, "add", "department", []string{"HR"}, 20},
		{"two values for a single-valued attribute", anna, "replace", "department", []string{"a", "b"}, 20},
		{"value not there", anna, "delete", "description", []string{"x"}, 16},
		{"attribute not there", anna, "delete", "title", nil, 16},
		{"nothing for what is not there", anna, "replace", "title", nil, 0},
		{"unknown attribute", anna, "replace", "noSuch", []string{"x"}, 16},
		{"attribute of another class", anna, "replace", "gPLink", []string{"x"}, 65},
		{"empty", anna, "replace", "title", []string{""}, 21},
		{"objectGUID", anna, "replace", "objectGUID", []string{"0123456789abcdef"}, 19},
		{"cn", anna, "replace", "cn", []string{"x"}, 67},
		{"name", anna, "replace", "name", []string{"x"}, 67},
		{"distinguishedName", anna, "replace", "distinguishedName", []string{"CN=x," + ou}, 19},
		{"whenChanged", anna, "replace", "whenChanged", []string{"20200101000000.0Z"}, 19},
		{"back link", anna, "add", "memberOf", []string{outer}, 53},
		{"class", anna, "replace", "objectClass", []string{"top", "person", "organizationalPerson", "user", "inetOrgPerson"}, 65},
		{"same class", anna, "replace", "objectClass", []string{"top", "person", "organizationalPerson", "user"}, 0},
		{"sAMAccountName taken", anna, "replace", "sAMAccountName", []string{"bert"}, 68},
		{"own sAMAccountName", anna, "replace", "sAMAccountName", []string{"Anna"}, 0},
		{"no such object", "CN=nobody," + ou, "replace", "title", []string{"x"}, 32},
		{"member again", outer, "add", "member", []string{"CN=middle," + ou}, 68},
		{"member that is none", outer, "delete", "member", []string{anna}, 53},
		{"member that is nothing", outer, "add", "member", []string{"CN=nobody," + ou}, 32},
		{"two managers", anna, "replace", "manager", []string{outer, "CN=bert,OU=Low," + ou}, 20},
		{"the group itself", outer, "add", "member", []string{outer}, 0},
		{"schema", "CN=Member,CN=Schema,CN=Configuration," + s.Base(), "replace", "description", []string{"x"}, 53},
	} {
		before := s.HighestUSN()
		if err := c.change(test.dn, test.op, test.attr, test.vals...); code(err) != test.code {
			t.Errorf("%s: got %v, want code %d", test.name, err, test.code)
		}
		if after := s.HighestUSN(); test.code != 0 && after != before {
			t.Errorf("%s: refused, but the update sequence number went from %d to %d", test.name, before, after)
		}
	}
	half := ldap.NewModifyRequest(anna, nil)
	half.Replace("title", []string{"changed"})
	half.Delete("info", []string{"not there"})
	if err := c.Modify(half); code(err) != 16 || c.values(anna, "title") != "" {
		t.Errorf("half of a refused modification was kept: %v, title %q", err, c.values(anna, "title"))
	}
	lenient := ldap.NewModifyRequest(outer, []ldap.Control{ldap.NewControlString(permissiveOID, true, "")})
	lenient.Add("member", []string{"CN=middle," + ou, "CN=inner," + ou})
	lenient.Delete("member", []string{anna})
	c.must(c.Modify(lenient))
	if got, want := c.values(outer, "member"), "CN=bert,OU=Low,"+ou+" | CN=inner,"+ou+" | CN=middle,"+ou+" | "+outer; got != want {
		t.Errorf("permissive: got %q, want %q", got, want)
	}
}

func TestRenameAndDelete(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	for _, test := range []struct {
		name, dn, to, parent string
		code                 int
	}{
		{"name taken", "CN=anna," + ou, "CN=inner", "", 68},
		{"no parent", "CN=anna," + ou, "CN=anna", "OU=no," + ou, 80},
		{"no object", "CN=nobody," + ou, "CN=x", "", 32},
		{"below itself", ou, "OU=Town", "OU=Low," + ou, 53},
		{"other naming attribute", "CN=anna," + ou, "OU=anna", "", 64},
		{"no name", "CN=anna," + ou, "what", "", 34},
		{"below a user", "CN=anna," + ou, "CN=anna", "CN=Administrator,CN=Users," + s.Base(), 64},
		{"another naming context", "CN=anna," + ou, "CN=anna", "CN=Services,CN=Configuration," + s.Base(), 53},
		{"critical", "CN=Users," + s.Base(), "CN=People", "", 53},
		{"case only", "CN=anna," + ou, "CN=ANNA", "", 0},
		{"move", "CN=ANNA," + ou, "CN=anna", "OU=Low," + ou, 0},
	} {
		if err := c.rename(test.dn, test.to, test.parent); code(err) != test.code {
			t.Errorf("%s: got %v, want code %d", test.name, err, test.code)
		}
	}
	keep := ldap.NewModifyDNRequest("CN=inner,"+ou, "CN=inner2", false, "")
	if err := c.ModifyDN(keep); code(err) != 53 {
		t.Errorf("keep the old name: got %v, want code 53", err)
	}
	c.must(c.rename("OU=Low,"+ou, "OU=Deep", ""))
	if got, want := c.values("CN=inner,"+ou, "member"), "CN=anna,OU=Deep,"+ou; got != want {
		t.Errorf("members follow: got %q, want %q", got, want)
	}
	if got, want := c.values("CN=bert,OU=Deep,"+ou, "manager"), "CN=anna,OU=Deep,"+ou; got != want {
		t.Errorf("manager follows: got %q, want %q", got, want)
	}
	for _, test := range []struct {
		name, dn string
		code     int
	}{
		{"not empty", ou, 66}, {"no object", "CN=nobody," + ou, 32}, {"no DN", "what", 34}, {"critical", "CN=Users," + s.Base(), 53},
		{"administrator", "CN=Administrator,CN=Users," + s.Base(), 53}, {"built in", "CN=Administrators,CN=Builtin," + s.Base(), 53},
		{"schema", "CN=Member,CN=Schema,CN=Configuration," + s.Base(), 53}, {"fine", "CN=anna,OU=Deep," + ou, 0},
	} {
		if err := c.remove(test.dn); code(err) != test.code {
			t.Errorf("%s: got %v, want code %d", test.name, err, test.code)
		}
	}
	if got := c.values("CN=inner,"+ou, "member") + c.values("CN=bert,OU=Deep,"+ou, "manager"); got != "" {
		t.Errorf("links to a deleted object stay: %q", got)
	}
	c.must(c.remove(ou, ldap.NewControlSubtreeDelete()))
	if got := c.names(s.Base(), "(|(cn=bert)(cn=inner)(ou=Town))"); got != "" {
		t.Errorf("tree delete left %q", got)
	}
}

func TestTombstones(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	shown := ldap.NewControlMicrosoftShowDeleted()
	before := s.HighestUSN()
	c.must(c.remove("CN=anna," + ou))
	if got := c.names(s.Base(), "(sAMAccountName=anna)"); got != "" {
		t.Errorf("without the control: got %q", got)
	}
	if got := c.names(s.Base(), "(sAMAccountName=anna)", shown); got != "anna" {
		t.Errorf("with the control: got %q", got)
	}
	r, err := c.ask(s.Base(), 2, "(sAMAccountName=anna)", nil, shown)
	c.must(err)
	e := r.Entries[0]
	want := `CN=anna/DEL:GUID,CN=Deleted Objects
  cn=anna/DEL:GUID
  distinguishedName=CN=anna/DEL:GUID,CN=Deleted Objects
  instanceType=4
  isDeleted=TRUE
  isRecycled=TRUE
  lastKnownParent=OU=Town
  name=anna/DEL:GUID
  objectClass=organizationalPerson | person | top | user
  objectGUID=<16 octets>
  objectSid=<28 octets>
  sAMAccountName=anna
  userAccountControl=512
  whenChanged=20260301080000.0Z
  whenCreated=20260301080000.0Z
`
	got := show(r.Entries, s.Base())
	got = strings.ReplaceAll(got, "\n  uSNChanged="+e.GetAttributeValue("uSNChanged"), "")
	got = strings.ReplaceAll(got, "\n  uSNCreated="+e.GetAttributeValue("uSNCreated"), "")
	if got != want {
		t.Errorf("tombstone: got\n%swant\n%s", got, want)
	}
	polled := c.names(s.Base(), "(uSNChanged>="+itoa(before+1)+")", shown)
	if polled != "anna" {
		t.Errorf("polling after the deletion: got %q, want anna only", polled)
	}
	c.must(c.rename(ou, "OU=City", ""))
	if got, want := c.values(e.DN, "lastKnownParent", shown), "OU=City,"+s.Base(); got != want {
		t.Errorf("lastKnownParent follows: got %q, want %q", got, want)
	}
	ou = "OU=City," + s.Base()
	back := func(dn string, more ...string) error {
		m := ldap.NewModifyRequest(e.DN, []ldap.Control{shown})
		m.Delete("isDeleted", nil)
		m.Replace("distinguishedName", []string{dn})
		for _, p := range pairsOf(more) {
			m.Replace(p.name, p.vals)
		}
		return c.Modify(m)
	}
	title := ldap.NewModifyRequest(e.DN, []ldap.Control{shown})
	title.Replace("title", []string{"x"})
	for _, test := range []struct {
		name string
		err  error
		code int
	}{
		{"change a tombstone", c.Modify(title), 53},
		{"delete a tombstone", c.remove(e.DN), 32},
		{"no parent", back("CN=anna,OU=No," + ou), 32},
		{"name taken", back("CN=inner," + ou), 68},
		{"wrong attribute", back("CN=anna,"+ou, "noSuch", "x"), 16},
		{"fine", back("CN=anna2,"+ou, "department", "Back", "manager", "CN=bert,OU=Low,"+ou), 0},
	} {
		if code(test.err) != test.code {
			t.Errorf("%s: got %v, want code %d", test.name, test.err, test.code)
		}
	}
	for attr, want := range map[string]string{"department": "Back", "manager": "CN=bert,OU=Low," + ou, "memberOf": "", "isDeleted": "",
		"objectGUID": e.GetAttributeValue("objectGUID"), "objectSid": e.GetAttributeValue("objectSid"), "userAccountControl": "512"} {
		if got := c.values("CN=anna2,"+ou, attr); got != want {
			t.Errorf("%s after the return: got %q, want %q", attr, got, want)
		}
	}
	g := guid([]byte(e.GetAttributeValue("objectGUID")))
	if err := s.Delete("CN=anna2," + ou); err != nil {
		t.Fatal(err)
	}
	if err := s.Undelete("<GUID="+g.String()+">", "CN=anna3,"+ou); err != nil {
		t.Fatal(err)
	}
	if got := c.names(ou, "(objectGUID="+g.String()+")"); got != "anna3" {
		t.Errorf("after Undelete: got %q", got)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ou := town(t, s)
	c := admin(t, s)
	anna := "CN=anna," + ou
	c.must(c.change(anna, "replace", "unicodePwd", wirePassword("First-1")))
	if err := c.change(anna, "replace", "unicodePwd", "Second-1"); code(err) != 53 {
		t.Errorf("password without quotes: got %v, want code 53", err)
	}
	own := ldap.NewModifyRequest(anna, nil)
	own.Delete("unicodePwd", []string{wirePassword("wrong")})
	own.Add("unicodePwd", []string{wirePassword("Second-1")})
	if err := c.Modify(own); code(err) != 19 {
		t.Errorf("wrong old password: got %v, want code 19", err)
	}
	own.Changes[0].Modification.Vals = []string{wirePassword("First-1")}
	c.must(c.Modify(own))
	if err := dial(t, s).Bind(anna, "Second-1"); err != nil {
		t.Error(err)
	}
	if got := c.values(anna, "unicodePwd"); got != "" {
		t.Errorf("the password is shown: %q", got)
	}
	c.must(c.change(anna, "replace", "pwdLastSet", "0"))
	if err := dial(t, s).Bind(anna, "Second-1"); code(err) != 49 || !strings.Contains(err.Error(), "773") {
		t.Errorf("must change: got %v", err)
	}
	c.must(c.change(anna, "replace", "pwdLastSet", "-1"))
	if got := c.values(anna, "pwdLastSet"); got != "134168256000000000" {
		t.Errorf("pwdLastSet -1: got %q", got)
	}
}
