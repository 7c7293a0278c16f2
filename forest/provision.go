package forest

import (
	"strconv"
	"strings"
)

// provision fills a new directory with what every domain has.
func (d *directory) provision() error {
	root := domainDN(d.domain)
	d.head(d.main, root, "domainDNS")
	d.head(d.config, "CN=Configuration,"+root, "configuration")
	d.head(d.definitions, "CN=Schema,CN=Configuration,"+root, "dMD")
	for _, step := range [...]func(string) error{d.provisionSchema, d.provisionDomain, d.provisionGroups, d.provisionConfig} {
		if err := step(root); err != nil {
			return err
		}
	}
	return nil
}

// head makes the head of a naming context.
func (d *directory) head(nc *naming, dn, className string) {
	path, _ := parseDN(dn)
	usn := d.nextUSN()
	o := &object{guid: d.newGUID(), class: d.schema.class(className), nc: nc, rdn: path[0].text(), name: path[0].value,
		dn: dn, created: usn, named: usn, born: d.clock().Unix()}
	nc.head, nc.path = o, path
	d.byGUID[o.guid] = o
	d.changedAt(o, usn)
}

// finish gives a head the category that it could not have before the schema was there.
func (d *directory) finish(o *object, more ...string) {
	o.set(d.a.objectCategory, o.created, []string{d.categoryOf(o.class.object)})
	o.set(d.a.isCriticalSystemObject, o.created, []string{"TRUE"})
	for i := 0; i < len(more); i += 2 {
		o.set(d.schema.attr(more[i]), o.created, []string{more[i+1]})
	}
}

func (d *directory) provisionSchema(root string) error {
	schema := ",CN=Schema,CN=Configuration," + root
	for _, c := range d.schema.classes {
		if err := d.make("CN="+c.cn+schema, "classSchema", d.classPairs(c)...); err != nil {
			return err
		}
	}
	for _, a := range d.schema.attrs {
		pairs := []string{"lDAPDisplayName", a.name, "attributeID", a.oid, "attributeSyntax", a.syntaxOID,
			"oMSyntax", strconv.Itoa(a.om), "isSingleValued", truth(a.single), "searchFlags", strconv.Itoa(a.searchFlags),
			"systemFlags", strconv.Itoa(a.systemFlags), "systemOnly", truth(a.system), "adminDisplayName", a.cn,
			"isMemberOfPartialAttributeSet", truth(a.gc)}
		if om := a.objectClass(); om != "" {
			pairs = append(pairs, "oMObjectClass", om)
		}
		for _, n := range [...]struct {
			name  string
			value int
		}{{"linkID", a.link}, {"rangeLower", a.lower}, {"rangeUpper", a.upper}} {
			if n.value >= 0 {
				pairs = append(pairs, n.name, strconv.Itoa(n.value))
			}
		}
		if err := d.make("CN="+a.cn+schema, "attributeSchema", pairs...); err != nil {
			return err
		}
	}
	for _, nc := range [...]*naming{d.main, d.config, d.definitions} {
		d.finish(nc.head)
	}
	d.finish(d.definitions.head, "objectVersion", "69")
	return d.make("CN=Aggregate"+schema, "subSchema")
}

func truth(b bool) string { return strings.ToUpper(strconv.FormatBool(b)) }

func (d *directory) classPairs(c *class) []string {
	pairs := []string{"lDAPDisplayName", c.name, "governsID", c.oid, "objectClassCategory", strconv.Itoa(c.category),
		"rDNAttID", c.rdn.name, "adminDisplayName", c.cn}
	if c.sup != nil {
		pairs = append(pairs, "subClassOf", c.sup.name)
	}
	for _, name := range c.auxNames {
		pairs = append(pairs, "systemAuxiliaryClass", name)
	}
	for _, list := range [...][2]string{{"must", "systemMustContain"}, {"may", "systemMayContain"}, {"poss", "systemPossSuperiors"}} {
		for _, name := range c.own[list[0]] {
			if list[0] == "poss" || d.schema.attr(name) != nil {
				pairs = append(pairs, list[1], name)
			}
		}
	}
	return pairs
}

// make adds one object, with attributes as pairs of name and value.
func (d *directory) make(dn, className string, values ...string) error {
	pairs := []pair{{"objectClass", []string{className}}}
	for i := 0; i < len(values); i += 2 {
		if last := &pairs[len(pairs)-1]; last.name == values[i] {
			last.vals = append(last.vals, values[i+1])
		} else {
			pairs = append(pairs, pair{values[i], []string{values[i+1]}})
		}
	}
	_, r := d.add(dn, pairs, true)
	return asError("provision", dn, r)
}

func (d *directory) provisionDomain(root string) error {
	head := d.main.head
	head.sid = d.sid
	d.bySID[d.sid] = head
	d.finish(head, "ms-DS-MachineAccountQuota", "10", "maxPwdAge", "-9223372036854775808", "minPwdAge", "0",
		"msDS-Behavior-Version", "7", "nTMixedDomain", "0")
	for _, c := range [...]struct{ name, class, text, critical, hidden string }{
		{"CN=Users", "container", "Default container for upgraded user accounts", "TRUE", "FALSE"},
		{"CN=Computers", "container", "Default container for upgraded computer accounts", "TRUE", "FALSE"},
		{"OU=Domain Controllers", "organizationalUnit", "Default container for domain controllers", "TRUE", "FALSE"},
		{"CN=System", "container", "Builtin system settings", "TRUE", "TRUE"},
		{"CN=Builtin", "builtinDomain", "", "TRUE", "FALSE"},
		{"CN=ForeignSecurityPrincipals", "container", "Default container for security identifiers (SIDs) associated with objects from external, trusted domains", "TRUE", "FALSE"},
		{"CN=Managed Service Accounts", "container", "Default container for managed service accounts", "FALSE", "FALSE"},
		{"CN=Program Data", "container", "Default location for storage of application data.", "FALSE", "TRUE"},
		{"CN=LostAndFound", "lostAndFound", "Default container for orphaned objects", "TRUE", "TRUE"},
		{"CN=Infrastructure", "infrastructureUpdate", "", "TRUE", "TRUE"},
	} {
		values := []string{"showInAdvancedViewOnly", c.hidden}
		if c.text != "" {
			values = append(values, "description", c.text)
		}
		if c.critical == "TRUE" {
			values = append(values, "isCriticalSystemObject", "TRUE", "systemFlags", "-1946157056")
		}
		if err := d.make(c.name+","+root, c.class, values...); err != nil {
			return err
		}
	}
	if o, _, _ := d.find("CN=Builtin," + root); o != nil {
		o.sid, _ = parseSID("S-1-5-32")
		d.bySID[o.sid] = o
	}
	return d.makeBin(d.main, root)
}

// makeBin makes the container of a naming context's deleted objects.
func (d *directory) makeBin(nc *naming, head string) error {
	dn := "CN=Deleted Objects," + head
	if err := d.make(dn, "container", "description", "Container for deleted objects", "isCriticalSystemObject", "TRUE",
		"systemFlags", "-1946157056", "showInAdvancedViewOnly", "TRUE", "isDeleted", "TRUE"); err != nil {
		return err
	}
	nc.bin, _, _ = d.find(dn)
	nc.bin.deleted = true
	nc.bin.dn = nc.bin.distinguished()
	return nil
}

// provisionConfig makes the configuration: the partitions, the one site, and this domain controller.
func (d *directory) provisionConfig(root string) error {
	config := "CN=Configuration," + root
	site := "CN=Default-First-Site-Name,CN=Sites," + config
	ds := "CN=Directory Service,CN=Windows NT,CN=Services," + config
	limits := []string{}
	for _, l := range []string{"MaxValRange=1500", "MaxReceiveBuffer=10485760", "MaxPageSize=1000", "MaxNotificationPerConn=5",
		"MaxActiveQueries=20", "MaxResultSetSize=262144", "MaxQueryDuration=120", "MaxConnIdleTime=900", "MaxConnections=5000"} {
		limits = append(limits, "lDAPAdminLimits", l)
	}
	for _, o := range [...]struct {
		dn, class string
		values    []string
	}{
		{"CN=Partitions," + config, "crossRefContainer", []string{"msDS-Behavior-Version", "7"}},
		{"CN=" + d.netbios + ",CN=Partitions," + config, "crossRef", []string{"nCName", root, "nETBIOSName", d.netbios, "dnsRoot", d.domain, "systemFlags", "3"}},
		{"CN=Enterprise Configuration,CN=Partitions," + config, "crossRef", []string{"nCName", config, "dnsRoot", d.domain, "systemFlags", "1"}},
		{"CN=Enterprise Schema,CN=Partitions," + config, "crossRef", []string{"nCName", "CN=Schema," + config, "dnsRoot", d.domain, "systemFlags", "1"}},
		{"CN=Sites," + config, "sitesContainer", nil},
		{site, "site", nil},
		{"CN=Servers," + site, "serversContainer", nil},
		{"CN=Services," + config, "container", nil},
		{"CN=Windows NT,CN=Services," + config, "container", nil},
		{ds, "nTDSService", []string{"tombstoneLifetime", "180"}},
		{"CN=Query-Policies," + ds, "container", nil},
		{"CN=Default Query Policy,CN=Query-Policies," + ds, "queryPolicy", limits},
	} {
		if err := d.make(o.dn, o.class, append(o.values, "showInAdvancedViewOnly", "TRUE")...); err != nil {
			return err
		}
	}
	if err := d.makeBin(d.config, config); err != nil {
		return err
	}
	return d.makeServer()
}

// makeServer makes the objects of this domain controller.
func (d *directory) makeServer() error {
	root := domainDN(d.domain)
	fqdn := d.host + "." + d.domain
	name := strings.ToUpper(d.host)
	computer := "CN=" + name + ",OU=Domain Controllers," + root
	if err := d.make(computer, "computer", "sAMAccountName", name+"$", "userAccountControl", "532480", "primaryGroupID", "516",
		"dNSHostName", fqdn, "operatingSystem", "Canopy forest", "isCriticalSystemObject", "TRUE",
		"servicePrincipalName", "ldap/"+fqdn, "servicePrincipalName", "HOST/"+fqdn); err != nil {
		return err
	}
	if err := d.make(d.serverName(), "server", "dNSHostName", fqdn, "serverReference", computer); err != nil {
		return err
	}
	return d.make(d.serviceName(), "nTDSDSA", "invocationId", string(d.self[:]), "options", "1", "msDS-Behavior-Version", "7",
		"hasMasterNCs", root, "hasMasterNCs", d.config.head.dn, "hasMasterNCs", d.definitions.head.dn)
}

// serverName and serviceName are the DNs of this domain controller's objects in the configuration.
func (d *directory) serverName() string {
	return "CN=" + strings.ToUpper(d.host) + ",CN=Servers,CN=Default-First-Site-Name,CN=Sites," + d.config.head.dn
}

func (d *directory) serviceName() string { return "CN=NTDS Settings," + d.serverName() }
