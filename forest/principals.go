package forest

import "strconv"

// wellKnownGroup is a group that every domain has.
type wellKnownGroup struct {
	name, text string
	rid        uint32
	groupType  string
}

const (
	globalGroup    = "-2147483646"
	domainGroup    = "-2147483644"
	universalGroup = "-2147483640"
	builtinGroup   = "-2147483643"
)

var domainGroups = [...]wellKnownGroup{
	{"Enterprise Read-only Domain Controllers", "Members of this group are Read-Only Domain Controllers in the enterprise", 498, universalGroup},
	{"Domain Admins", "Designated administrators of the domain", 512, globalGroup},
	{"Domain Users", "All domain users", 513, globalGroup},
	{"Domain Guests", "All domain guests", 514, globalGroup},
	{"Domain Computers", "All workstations and servers joined to the domain", 515, globalGroup},
	{"Domain Controllers", "All domain controllers in the domain", 516, globalGroup},
	{"Cert Publishers", "Members of this group are permitted to publish certificates to the directory", 517, domainGroup},
	{"Schema Admins", "Designated administrators of the schema", 518, universalGroup},
	{"Enterprise Admins", "Designated administrators of the enterprise", 519, universalGroup},
	{"Group Policy Creator Owners", "Members in this group can modify group policy for the domain", 520, globalGroup},
	{"Read-only Domain Controllers", "Members of this group are Read-Only Domain Controllers in the domain", 521, globalGroup},
	{"Protected Users", "Members of this group are afforded additional protections against authentication security threats", 525, globalGroup},
	{"RAS and IAS Servers", "Servers in this group can access remote access properties of users", 553, domainGroup},
	{"Allowed RODC Password Replication Group", "Members in this group can have their passwords replicated to all read-only domain controllers in the domain", 571, domainGroup},
	{"Denied RODC Password Replication Group", "Members in this group cannot have their passwords replicated to any read-only domain controllers in the domain", 572, domainGroup},
}

var builtinGroups = [...]wellKnownGroup{
	{"Administrators", "Administrators have complete and unrestricted access to the computer/domain", 544, builtinGroup},
	{"Users", "Users are prevented from making accidental or intentional system-wide changes and can run most applications", 545, builtinGroup},
	{"Guests", "Guests have the same access as members of the Users group by default, except for the Guest account which is further restricted", 546, builtinGroup},
	{"Account Operators", "Members can administer domain user and group accounts", 548, builtinGroup},
	{"Server Operators", "Members can administer domain servers", 549, builtinGroup},
	{"Print Operators", "Members can administer printers installed on domain controllers", 550, builtinGroup},
	{"Backup Operators", "Backup Operators can override security restrictions for the sole purpose of backing up or restoring files", 551, builtinGroup},
	{"Replicator", "Supports file replication in a domain", 552, builtinGroup},
	{"Pre-Windows 2000 Compatible Access", "A backward compatibility group which allows read access on all users and groups in the domain", 554, builtinGroup},
	{"Remote Desktop Users", "Members in this group are granted the right to logon remotely", 555, builtinGroup},
	{"Distributed COM Users", "Members are allowed to launch, activate and use Distributed COM objects on this machine.", 562, builtinGroup},
	{"Event Log Readers", "Members of this group can read event logs from local machine", 573, builtinGroup},
}

// provisionGroups makes the accounts and groups that every domain has.
func (d *directory) provisionGroups(root string) error {
	users, builtin := ",CN=Users,"+root, ",CN=Builtin,"+root
	critical := []string{"isCriticalSystemObject", "TRUE"}
	user := func(name, text, control string, rid uint32, more ...string) error {
		return d.make("CN="+name+users, "user", append(append([]string{"sAMAccountName", name, "description", text,
			"userAccountControl", control, "objectSid", withRID(d.sid, rid), "pwdLastSet", d.nowTicks()}, critical...), more...)...)
	}
	for _, err := range [...]error{
		user("Administrator", "Built-in account for administering the computer/domain", "512", 500, "adminCount", "1"),
		user("Guest", "Built-in account for guest access to the computer/domain", "66082", 501, "primaryGroupID", "514"),
		user("krbtgt", "Key Distribution Center Service Account", "514", 502, "adminCount", "1", "showInAdvancedViewOnly", "TRUE"),
	} {
		if err != nil {
			return err
		}
	}
	for _, g := range domainGroups {
		if err := d.make("CN="+g.name+users, "group", append([]string{"sAMAccountName", g.name, "description", g.text,
			"groupType", g.groupType, "objectSid", withRID(d.sid, g.rid)}, critical...)...); err != nil {
			return err
		}
	}
	builtinSID, _ := parseSID("S-1-5-32")
	for _, g := range builtinGroups {
		if err := d.make("CN="+g.name+builtin, "group", append([]string{"sAMAccountName", g.name, "description", g.text,
			"groupType", g.groupType, "systemFlags", "-1946157056", "objectSid", withRID(builtinSID, g.rid)}, critical...)...); err != nil {
			return err
		}
	}
	for _, m := range [...][2]string{
		{"CN=Domain Admins" + users, "CN=Administrator" + users},
		{"CN=Schema Admins" + users, "CN=Administrator" + users},
		{"CN=Enterprise Admins" + users, "CN=Administrator" + users},
		{"CN=Group Policy Creator Owners" + users, "CN=Administrator" + users},
		{"CN=Administrators" + builtin, "CN=Administrator" + users},
		{"CN=Administrators" + builtin, "CN=Domain Admins" + users},
		{"CN=Administrators" + builtin, "CN=Enterprise Admins" + users},
		{"CN=Users" + builtin, "CN=Domain Users" + users},
		{"CN=Guests" + builtin, "CN=Guest" + users},
		{"CN=Guests" + builtin, "CN=Domain Guests" + users},
		{"CN=Denied RODC Password Replication Group" + users, "CN=krbtgt" + users},
		{"CN=Denied RODC Password Replication Group" + users, "CN=Domain Admins" + users},
		{"CN=Users" + builtin, "<SID=S-1-5-4>"},
		{"CN=Users" + builtin, "<SID=S-1-5-11>"},
		{"CN=Pre-Windows 2000 Compatible Access" + builtin, "<SID=S-1-5-11>"},
	} {
		o, _, _ := d.find(m[0])
		if r := d.modify(o, []mod{{addValues, "member", []string{m[1]}}}, true); r != nil {
			return asError("provision", m[0], r)
		}
	}
	return nil
}

// nowTicks is the present time as FILETIME, in text.
func (d *directory) nowTicks() string { return strconv.FormatInt(filetime(d.clock()), 10) }
