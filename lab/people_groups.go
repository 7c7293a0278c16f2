package lab

import "strings"

// The values of groupType.
const (
	globalSecurity        = "-2147483646"
	universalSecurity     = "-2147483640"
	universalDistribution = "8"
)

// groups makes a forest's groups: a security group for each department, nested in one for the staff; one with everybody
// as direct members; distribution lists by city, which also hold contacts; and projects with members from all over.
func (b *builder) groups(s *site) {
	staff := b.group(s, s.Company+" Staff", globalSecurity, "")
	everyone := b.group(s, "Everyone at "+s.Company, universalSecurity, "everyone."+s.forest.label)
	depts, cities := map[string]string{}, map[string]string{}
	for _, d := range departments {
		dn := b.group(s, d.name, globalSecurity, "")
		s.link(staff, "member", dn)
		depts[d.name] = dn
	}
	for _, o := range s.forest.offices {
		if cities[o.city] == "" {
			cities[o.city] = b.group(s, "All "+o.city+" ("+s.Company+")", universalDistribution,
				"all."+strings.ToLower(plain(o.city))+"."+s.forest.label)
		}
	}
	managed := map[string]bool{}
	for _, p := range s.staff {
		s.link(depts[p.dept], "member", p.dn)
		s.link(everyone, "member", p.dn)
		if list := cities[p.office.city]; list != "" && p.mail != "" {
			s.link(list, "member", p.dn)
		}
		if p.head && !managed[p.dept] {
			s.link(depts[p.dept], "managedBy", p.dn)
			managed[p.dept] = true // it has one value
		}
	}
	b.projects(s, depts)
}

// projects makes groups whose members are people, department groups, other projects, and contacts.
func (b *builder) projects(s *site, depts map[string]string) {
	var outside []string
	for _, o := range s.Objects {
		if o.Class() == "contact" {
			outside = append(outside, o.DN)
		}
	}
	var before []string
	for i := range 3 + len(s.staff)/25 {
		name := pick(b, []string{"Project", "Team", "Circle", "Access"}) + " " + pick(b, codenames) + " " + s.Company
		kind := []string{globalSecurity, universalSecurity, universalDistribution, universalSecurity}[i%4]
		alias := ""
		if i%4 > 1 {
			alias = b.free("list." + strings.ToLower(strings.ReplaceAll(plain(name), "&", "")))
		}
		dn := b.group(s, name, kind, alias)
		in := map[string]bool{}
		add := func(target string) {
			if target != "" && !in[target] {
				in[target] = true
				s.link(dn, "member", target)
			}
		}
		for range 2 + b.rng.IntN(12) {
			add(pick(b, s.staff).dn)
		}
		if alias != "" && len(outside) > 0 {
			add(pick(b, outside))
		}
		if kind != globalSecurity && len(before) > 0 && b.chance(40) {
			add(pick(b, before))
		}
		if kind != globalSecurity && b.chance(15) {
			add(depts[b.department().name])
		}
		s.link(dn, "managedBy", pick(b, s.staff).dn)
		before = append(before, dn)
	}
}

var codenames = []string{"Aurora", "Basalt", "Cedar", "Delta", "Ember", "Falcon", "Granite", "Harbour", "Indigo", "Juniper", "Kestrel", "Lumen",
	"Meridian", "Nimbus", "Orchid", "Polaris", "Quartz", "Raven", "Summit", "Tundra", "Umbra", "Vector", "Willow", "Zephyr"}

// group makes a group; with an alias it is mail-enabled.
func (b *builder) group(s *site, name, kind, alias string) string {
	name = s.free(name, "group", " ")
	attrs := map[string][]string{"sAMAccountName": {s.free(cut(plain(name), 60), "sam", "")}, "groupType": {kind}, "description": {name},
		"displayName": {name}}
	if alias != "" {
		mail := alias + "@" + s.Domain
		attrs["mail"], attrs["mailNickname"], attrs["proxyAddresses"] = []string{mail}, []string{alias}, []string{"SMTP:" + mail}
		attrs["legacyExchangeDN"] = []string{legacyDN(s, b.octets(16), alias)}
		attrs["msExchRecipientTypeDetails"], attrs["msExchRecipientDisplayType"] = []string{"1024"}, []string{"1073741833"}
		if kind == universalDistribution {
			attrs["msExchRecipientTypeDetails"], attrs["msExchRecipientDisplayType"] = []string{"256"}, []string{"1"}
		}
	}
	return s.Objects[b.add(s, "group", name, "OU=Groups,"+s.Base(), attrs)].DN
}
