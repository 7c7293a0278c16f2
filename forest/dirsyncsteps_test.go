package forest

import "github.com/go-ldap/ldap/v3"

// dirSyncStep is one change with what the three ways of reading then show.
type dirSyncStep struct {
	name             string
	do               func(c *client) error
	all, named, bare string
}

// dirSyncSteps is the table of what DirSync says of each kind of change, in an order in which they can be made.
func dirSyncSteps(ou string) []dirSyncStep {
	anna, grp := "CN=Anna,OU=A,"+ou, "CN=Grp,OU=A,"+ou
	inC := func(n string) string { return "CN=inC" + n + ",OU=C2,OU=B," + ou }
	return append(dirSyncPeople(ou, anna), []dirSyncStep{
		{"add a group with two members", func(c *client) error {
			return c.add(grp, "group", "sAMAccountName", "grp", "member", "CN=Anna R,OU=B,"+ou, "member", inC("1"))
		}, `
CN=Grp,OU=A,OU=DS
  groupType=-2147483646
  instanceType=4
  member=CN=Anna R,OU=B,OU=DS | CN=inC1,OU=C2,OU=B,OU=DS
  nTSecurityDescriptor=<104 octets>
  name=Grp
  objectCategory=<GUID=HEX>;CN=Group,CN=Schema,CN=Configuration
  objectClass=group | top
  objectGUID=<16 octets>
  objectSid=<28 octets>
  parentGUID=<16 octets>
  sAMAccountName=grp
  sAMAccountType=268435456
  whenCreated=20260301080000.0Z
`, `
CN=Grp,OU=A,OU=DS
  instanceType=4
  member;range=1-1=CN=Anna R,OU=B,OU=DS | CN=inC1,OU=C2,OU=B,OU=DS
  name=Grp
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  sAMAccountName=grp
`, `
CN=Grp,OU=A,OU=DS
  instanceType=4
  member=CN=Anna R,OU=B,OU=DS | CN=inC1,OU=C2,OU=B,OU=DS
  objectGUID=<16 octets>
  sAMAccountName=grp
`},
		members("add a member", func(c *client) error { return c.change(grp, "add", "member", inC("2")) },
			"member=CN=Anna R,OU=B,OU=DS | CN=inC1,OU=C2,OU=B,OU=DS | CN=inC2,OU=C2,OU=B,OU=DS",
			"  member;range=1-1=CN=inC2,OU=C2,OU=B,OU=DS\n"),
		members("remove a member", func(c *client) error { return c.change(grp, "delete", "member", inC("1")) },
			"member=CN=Anna R,OU=B,OU=DS | CN=inC2,OU=C2,OU=B,OU=DS",
			"  member;range=0-0=CN=inC1,OU=C2,OU=B,OU=DS\n"),
		members("replace the members", func(c *client) error {
			return c.change(grp, "replace", "member", inC("1"), inC("3"), "CN=Anna R,OU=B,"+ou)
		}, "member=CN=Anna R,OU=B,OU=DS | CN=inC1,OU=C2,OU=B,OU=DS | CN=inC3,OU=C2,OU=B,OU=DS",
			"  member;range=0-0=CN=inC2,OU=C2,OU=B,OU=DS\n  member;range=1-1=CN=Anna R,OU=B,OU=DS | CN=inC1,OU=C2,OU=B,OU=DS | CN=inC3,OU=C2,OU=B,OU=DS\n"),
		same3("rename a member of the group", func(c *client) error { return c.rename("CN=Anna R,OU=B,"+ou, "CN=Anna T", "") },
			"CN=Anna T,OU=B,OU=DS\n  instanceType=4\n  name=Anna T\n  objectGUID=<16 octets>\n  parentGUID=<16 octets>\n", ""),
		{"delete a member of the group", func(c *client) error { return c.remove("CN=Anna T,OU=B," + ou) }, `
CN=Anna T/DEL:GUID,CN=Deleted Objects
  accountExpires=<none>
  codePage=<none>
  countryCode=<none>
  department=<none>
  displayName=<none>
  instanceType=4
  isDeleted=TRUE
  isRecycled=TRUE
  lastKnownParent=<GUID=GUID>;OU=B,OU=DS
  name=Anna T/DEL:GUID
  objectCategory=<none>
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  primaryGroupID=<none>
  pwdLastSet=<none>
  sAMAccountType=<none>
  supplementalCredentials=<none>
  title=<none>
  unicodePwd=<none>
  userPrincipalName=<none>
`, `
CN=Anna T/DEL:GUID,CN=Deleted Objects
  department=<none>
  instanceType=4
  isDeleted=TRUE
  name=Anna T/DEL:GUID
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  pwdLastSet=<none>
  userPrincipalName=<none>
`, ""},
		{"undelete", func(c *client) error {
			r, err := c.ask(c.s.Base(), 2, "(&(isDeleted=TRUE)(sAMAccountName=anna))", []string{"1.1"}, ldap.NewControlMicrosoftShowDeleted())
			if err != nil || len(r.Entries) != 1 {
				return err
			}
			m := ldap.NewModifyRequest(r.Entries[0].DN, []ldap.Control{ldap.NewControlMicrosoftShowDeleted()})
			m.Delete("isDeleted", nil)
			m.Replace("distinguishedName", []string{"CN=Anna Back,OU=A," + ou})
			return c.Modify(m)
		}, `
CN=Anna Back,OU=A,OU=DS
  accountExpires=0
  adminCount=0
  codePage=0
  countryCode=0
  instanceType=4
  isDeleted=<none>
  isRecycled=<none>
  name=Anna Back
  objectCategory=<GUID=HEX>;CN=Person,CN=Schema,CN=Configuration
  objectGUID=<16 octets>
  operatorCount=0
  parentGUID=<16 octets>
  primaryGroupID=513
  pwdLastSet=0
  sAMAccountType=805306368
`, `
CN=Anna Back,OU=A,OU=DS
  instanceType=4
  isDeleted=<none>
  name=Anna Back
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  pwdLastSet=0
`, ""},
		members("remove all members", func(c *client) error { return c.change(grp, "delete", "member") }, "member=<none>",
			"  member;range=0-0=CN=inC1,OU=C2,OU=B,OU=DS | CN=inC3,OU=C2,OU=B,OU=DS\n"),
		{"delete a group", func(c *client) error { return c.remove(grp) }, `
CN=Grp/DEL:GUID,CN=Deleted Objects
  instanceType=4
  isDeleted=TRUE
  isRecycled=TRUE
  lastKnownParent=<GUID=GUID>;OU=A,OU=DS
  name=Grp/DEL:GUID
  objectCategory=<none>
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  sAMAccountType=<none>
`, `
CN=Grp/DEL:GUID,CN=Deleted Objects
  instanceType=4
  isDeleted=TRUE
  name=Grp/DEL:GUID
  objectGUID=<16 octets>
  parentGUID=<16 octets>
`, ""},
		{"delete a tree", func(c *client) error { return c.remove("OU=C2,OU=B,"+ou, ldap.NewControlSubtreeDelete()) },
			tombstoneInC("1") + tombstoneInC("2") + tombstoneInC("3") + `OU=C2/DEL:GUID,CN=Deleted Objects
  instanceType=4
  isDeleted=TRUE
  isRecycled=TRUE
  lastKnownParent=<GUID=GUID>;OU=B,OU=DS
  name=C2/DEL:GUID
  objectCategory=<none>
  objectGUID=<16 octets>
  parentGUID=<16 octets>
`, namedInC("1") + namedInC("2") + namedInC("3") + `OU=C2/DEL:GUID,CN=Deleted Objects
  instanceType=4
  isDeleted=TRUE
  name=C2/DEL:GUID
  objectGUID=<16 octets>
  parentGUID=<16 octets>
`, ""},
	}...)
}

// dirSyncPeople are the steps with one person and the containers.
func dirSyncPeople(ou, anna string) []dirSyncStep {
	one := func(line string) string {
		return "CN=Anna,OU=A,OU=DS\n" + line + "  instanceType=4\n  objectGUID=<16 octets>\n"
	}
	moved := func(name, at string) string {
		return name + at + "\n  instanceType=4\n  name=" + name[3:] + "\n  objectGUID=<16 octets>\n  parentGUID=<16 octets>\n"
	}
	return []dirSyncStep{
		same3("nothing", func(*client) error { return nil }, "", ""),
		{"add a user with a password", func(c *client) error {
			return c.add(anna, "user", "sAMAccountName", "anna", "displayName", "Anna Add", "department", "Sales",
				"userPrincipalName", "anna@contoso.lab", "userAccountControl", "512", "unicodePwd", wirePassword("Secret-1"))
		}, `
CN=Anna,OU=A,OU=DS
  accountExpires=9223372036854775807
  codePage=0
  countryCode=0
  dBCSPwd=<none>
  department=Sales
  displayName=Anna Add
  instanceType=4
  lmPwdHistory=<none>
  logonHours=<none>
  nTSecurityDescriptor=<104 octets>
  name=Anna
  ntPwdHistory=<none>
  objectCategory=<GUID=HEX>;CN=Person,CN=Schema,CN=Configuration
  objectClass=organizationalPerson | person | top | user
  objectGUID=<16 octets>
  objectSid=<28 octets>
  parentGUID=<16 octets>
  primaryGroupID=513
  pwdLastSet=134168256000000000
  sAMAccountName=anna
  sAMAccountType=805306368
  supplementalCredentials=<none>
  unicodePwd=<none>
  userAccountControl=512
  userPrincipalName=anna@contoso.lab
  whenCreated=20260301080000.0Z
`, `
CN=Anna,OU=A,OU=DS
  department=Sales
  instanceType=4
  name=Anna
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  pwdLastSet=134168256000000000
  sAMAccountName=anna
  userAccountControl=512
  userPrincipalName=anna@contoso.lab
`, `
CN=Anna,OU=A,OU=DS
  instanceType=4
  objectGUID=<16 octets>
  sAMAccountName=anna
  userAccountControl=512
`},
		same3("modify one attribute", func(c *client) error { return c.change(anna, "replace", "description", "hello") },
			one("  description=hello\n"), one("  description=hello\n")),
		same3("the same value again", func(c *client) error { return c.change(anna, "replace", "description", "hello") }, "", ""),
		same3("remove an attribute", func(c *client) error { return c.change(anna, "delete", "description") },
			one("  description=<none>\n"), one("  description=<none>\n")),
		{"modify what is not asked for", func(c *client) error { return c.change(anna, "replace", "title", "boss") },
			"CN=Anna,OU=A,OU=DS\n  instanceType=4\n  objectGUID=<16 octets>\n  title=boss\n", "", ""},
		same3("disable", func(c *client) error { return c.change(anna, "replace", "userAccountControl", "514") },
			"CN=Anna,OU=A,OU=DS\n  instanceType=4\n  objectGUID=<16 octets>\n  userAccountControl=514\n",
			"CN=Anna,OU=A,OU=DS\n  instanceType=4\n  objectGUID=<16 octets>\n  userAccountControl=514\n"),
		{"reset the password", func(c *client) error { return c.change(anna, "replace", "unicodePwd", wirePassword("Secret-2")) }, `
CN=Anna,OU=A,OU=DS
  dBCSPwd=<none>
  instanceType=4
  lmPwdHistory=<none>
  ntPwdHistory=<none>
  objectGUID=<16 octets>
  pwdLastSet=134168256000000000
  supplementalCredentials=<none>
  unicodePwd=<none>
`, "CN=Anna,OU=A,OU=DS\n  instanceType=4\n  objectGUID=<16 octets>\n  pwdLastSet=134168256000000000\n", ""},
		same3("rename", func(c *client) error { return c.rename(anna, "CN=Anna R", "") }, moved("CN=Anna R", ",OU=A,OU=DS"), ""),
		same3("move", func(c *client) error { return c.rename("CN=Anna R,OU=A,"+ou, "CN=Anna R", "OU=B,"+ou) }, moved("CN=Anna R", ",OU=B,OU=DS"), ""),
		same3("rename a container with three people in it", func(c *client) error { return c.rename("OU=C,OU=A,"+ou, "OU=C2", "") }, moved("OU=C2", ",OU=A,OU=DS"), ""),
		same3("move a container with three people in it", func(c *client) error { return c.rename("OU=C2,OU=A,"+ou, "OU=C2", "OU=B,"+ou) }, moved("OU=C2", ",OU=B,OU=DS"), ""),
	}
}

// same3 is a step that shows the same with all attributes and with named ones.
func same3(name string, do func(*client) error, want, bare string) dirSyncStep {
	return dirSyncStep{name, do, want, want, bare}
}

// members is a step that changes the members of the group.
func members(name string, do func(*client) error, whole, parts string) dirSyncStep {
	all := "CN=Grp,OU=A,OU=DS\n  instanceType=4\n  " + whole + "\n  objectGUID=<16 octets>\n"
	return dirSyncStep{name, do, all, "CN=Grp,OU=A,OU=DS\n  instanceType=4\n" + parts + "  objectGUID=<16 octets>\n", all}
}

func tombstoneInC(n string) string {
	return "CN=inC" + n + `/DEL:GUID,CN=Deleted Objects
  accountExpires=<none>
  codePage=<none>
  countryCode=<none>
  instanceType=4
  isDeleted=TRUE
  isRecycled=TRUE
  lastKnownParent=<GUID=GUID>;OU=C2,OU=B,OU=DS
  name=inC` + n + `/DEL:GUID
  objectCategory=<none>
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  primaryGroupID=<none>
  pwdLastSet=<none>
  sAMAccountType=<none>
`
}

func namedInC(n string) string {
	return "CN=inC" + n + `/DEL:GUID,CN=Deleted Objects
  instanceType=4
  isDeleted=TRUE
  name=inC` + n + `/DEL:GUID
  objectGUID=<16 octets>
  parentGUID=<16 octets>
  pwdLastSet=<none>
`
}

// wirePassword is a password as unicodePwd carries it.
func wirePassword(s string) string {
	out := "\"\x00"
	for _, c := range s {
		out += string(c) + "\x00"
	}
	return out + "\"\x00"
}
