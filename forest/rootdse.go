package forest

import (
	"slices"
	"strconv"
	"strings"
)

// rootDSE answers a search of the empty base, which needs no bind.
func (c *conn) rootDSE(m *message) {
	p := m.op.Children
	asked := stringsOf(p[7])
	d := c.server.dir
	d.mu.RLock()
	all := d.rootAttributes()
	d.mu.RUnlock()
	var e encoder
	msg, body := e.message(m.id, 0x64)
	e.octets("")
	list := e.open(0x30)
	everything := len(asked) == 0 || slices.Contains(asked, "*") || slices.Contains(asked, "+")
	for _, a := range all {
		if everything || slices.ContainsFunc(asked, func(n string) bool { return strings.EqualFold(n, a.name) }) {
			e.attr(a.name, a.vals...)
		}
	}
	e.close(list)
	e.endMessage(msg, body)
	_ = c.send(e.b)
	c.answer(m, nil)
}

func (d *directory) rootAttributes() []pair {
	root, config, schema := d.main.head.dn, d.config.head.dn, d.definitions.head.dn
	fqdn := d.host + "." + d.domain
	one := func(name, value string) pair { return pair{name, []string{value}} }
	return []pair{
		one("defaultNamingContext", root), one("rootDomainNamingContext", root),
		one("configurationNamingContext", config), one("schemaNamingContext", schema),
		{"namingContexts", []string{root, config, schema}},
		one("subschemaSubentry", "CN=Aggregate,"+schema),
		one("dsServiceName", d.serviceName()), one("serverName", d.serverName()), one("dnsHostName", fqdn),
		one("ldapServiceName", d.domain+":"+d.host+"$@"+strings.ToUpper(d.domain)),
		one("currentTime", formatTime(d.clock())),
		one("highestCommittedUSN", strconv.FormatUint(d.usn, 10)),
		{"supportedControl", supportedControls},
		{"supportedCapabilities", []string{"1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670", "1.2.840.113556.1.4.1791",
			"1.2.840.113556.1.4.1935", "1.2.840.113556.1.4.2080", "1.2.840.113556.1.4.2237"}},
		{"supportedExtension", []string{"1.3.6.1.4.1.1466.20037"}},
		{"supportedLDAPVersion", []string{"3", "2"}},
		{"supportedLDAPPolicies", []string{"MaxPageSize", "MaxValRange", "MaxReceiveBuffer", "MaxNotificationPerConn", "MaxActiveQueries"}},
		one("domainFunctionality", "7"), one("forestFunctionality", "7"), one("domainControllerFunctionality", "7"),
		one("isSynchronized", "TRUE"), one("isGlobalCatalogReady", "TRUE"),
		one("vendorName", "Canopy forest"),
	}
}
