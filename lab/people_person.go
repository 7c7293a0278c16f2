package lab

import (
	"fmt"
	"strings"
)

// employee makes one person of a forest. Most have a mailbox; some have an address elsewhere or none, some have left,
// and some are rooms or shared mailboxes with an account that nobody signs in to.
func (b *builder) employee(s *site) {
	office := pick(b, s.forest.offices)
	c := pick(b, office.cultures)
	p := &person{site: s, office: office}
	p.given, p.family = pick(b, c.given), pick(b, c.family)
	dept := b.department()
	p.dept, p.title = dept.name, pick(b, dept.titles)
	b.name(p, c.familyFirst)
	switch roll := b.rng.IntN(100); {
	case roll < 84:
		b.account(p, "OU="+escape(p.dept)+",OU=Staff,"+s.Base(), "512")
		b.mailbox(p, "1", "1073741824")
	case roll < 90: // a mailbox with somebody else: a contractor
		b.account(p, "OU="+escape(p.dept)+",OU=Staff,"+s.Base(), "512")
		p.mail = p.local + "@" + []string{"adventure-works.com", "northwindtraders.com"}[b.rng.IntN(2)]
		b.mailUser(p, p.mail)
	case roll < 95: // no address at all
		b.account(p, "OU="+escape(p.dept)+",OU=Staff,"+s.Base(), "512")
	case roll < 98:
		b.account(p, "OU=Leavers,"+s.Base(), "514")
		b.mailbox(p, "1", "1073741824")
		p.set("description", "left the company")
	default:
		b.sharedMailbox(p)
		return
	}
	if s.Objects[p.object].Attrs["userAccountControl"][0] == "512" {
		s.staff = append(s.staff, p)
	}
}

func (b *builder) department() department {
	n := b.rng.IntN(100)
	for _, d := range departments {
		if n -= d.weight; n < 0 {
			return d
		}
	}
	return departments[0]
}

// name settles a person's names: native ones for people to read, Latin ones for addresses.
func (b *builder) name(p *person, familyFirst bool) {
	given, givenLatin := split(p.given)
	family, familyLatin := split(p.family)
	p.given, p.family = given, family
	switch {
	case familyFirst:
		p.display = family + " " + given
	case p.site.forest.familyFirst:
		p.display = family + ", " + given
	default:
		p.display = given + " " + family
	}
	p.local = b.free(strings.ToLower(plain(givenLatin) + "." + plain(familyLatin)))
}

// free makes a local part that nobody else has in any forest.
func (b *builder) free(local string) string {
	for base := local; ; {
		b.locals[base]++
		n := b.locals[base]
		if n == 1 {
			return base
		}
		local = fmt.Sprintf("%s%d", base, n)
		if b.locals[local] == 0 {
			b.locals[local]++
			return local
		}
	}
}

// account makes the user object, without an address.
func (b *builder) account(p *person, parent, control string) {
	s, o := p.site, p.office
	b.serial++
	class := "user"
	if s.forest.label == "tailspin" && b.chance(10) {
		class = "inetOrgPerson"
	}
	given, family := strings.SplitN(p.local, ".", 2)[0], p.local[strings.IndexByte(p.local, '.')+1:]
	sam := s.free(cut(given[:1]+family, 16), "sam", "")
	attrs := map[string][]string{
		"givenName": {p.given}, "sn": {p.family}, "displayName": {p.display}, "sAMAccountName": {sam},
		"userPrincipalName": {p.local + "@" + s.Domain}, "userAccountControl": {control},
		"title": {p.title}, "department": {p.dept}, "company": {s.Company}, "employeeID": {fmt.Sprintf("%s%06d", s.Netbios[:2], b.serial)},
		"physicalDeliveryOfficeName": {fmt.Sprintf("%s/%d.%02d", o.city, 1+b.rng.IntN(9), 1+b.rng.IntN(40))},
		"streetAddress":              {o.street}, "l": {o.city}, "postalCode": {o.postal}, "c": {o.c}, "co": {o.co}, "countryCode": {o.code},
		"telephoneNumber": {fmt.Sprintf("%s%04d", o.phone, b.rng.IntN(10000))},
	}
	if o.state != "" {
		attrs["st"] = []string{o.state}
	}
	if b.chance(60) {
		attrs["mobile"] = []string{fmt.Sprintf("%s%05d", o.mobile, b.rng.IntN(100000))}
	}
	if b.chance(20) {
		attrs["employeeType"] = []string{pick(b, []string{"permanent", "fixed term", "intern"})}
	}
	p.object = b.add(s, class, p.display, parent, attrs)
	p.dn = s.Objects[p.object].DN
}

// set sets an attribute of the person's object.
func (p *person) set(attr string, values ...string) { p.site.Objects[p.object].Attrs[attr] = values }

// get is an attribute's first value, "" when there is none.
func (p *person) get(attr string) string {
	if v := p.site.Objects[p.object].Attrs[attr]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// mailbox gives the person a mailbox in its own forest, of the recipient type and display type given.
func (b *builder) mailbox(p *person, details, display string) {
	s := p.site
	p.mailbox = true
	if p.mail == "" {
		p.mail = p.local + "@" + s.Domain
	}
	b.recipient(p, details, display)
	addresses := []string{"SMTP:" + p.mail, "smtp:" + p.get("sAMAccountName") + "@" + s.Domain}
	if b.chance(50) {
		addresses = append(addresses, "sip:"+p.mail)
	}
	if b.chance(5) {
		addresses = append(addresses, "X500:/o=Old Organization/ou=First Administrative Group/cn=Recipients/cn="+p.local)
	}
	p.set("proxyAddresses", addresses...)
	p.set("msExchMailboxGuid", b.guid())
	p.set("msExchHomeServerName", fmt.Sprintf("/o=%s/ou=%s/cn=Configuration/cn=Servers/cn=EX%02d", s.Company, adminGroup, 1+b.rng.IntN(4)))
	if b.chance(25) {
		p.set("extensionAttribute1", pick(b, []string{"E1", "E3", "E5", "F3"}))
	}
	if b.chance(3) {
		p.set("msExchHideFromAddressLists", "TRUE")
	}
}

const adminGroup = "Exchange Administrative Group (FYDIBOHF23SPDLT)"

// recipient gives the attributes that every recipient has. The alias is the local part of the person's own name.
func (b *builder) recipient(p *person, details, display string) {
	p.set("mail", p.mail)
	p.set("mailNickname", p.local)
	p.set("legacyExchangeDN", legacyDN(p.site, b.octets(16), p.local))
	p.set("msExchRecipientTypeDetails", details)
	p.set("msExchRecipientDisplayType", display)
}

func legacyDN(s *site, id, alias string) string {
	return fmt.Sprintf("/o=%s/ou=%s/cn=Recipients/cn=%x-%s", s.Company, adminGroup, id, alias)
}

// mailUser makes the person a recipient whose mailbox is elsewhere, at this address.
func (b *builder) mailUser(p *person, address string) {
	p.mail = address
	b.recipient(p, "128", "6")
	p.set("targetAddress", "SMTP:"+address)
	p.set("proxyAddresses", "SMTP:"+address, "smtp:"+p.get("userPrincipalName"))
}

// sharedMailbox makes a mailbox that no one person owns: a shared one, a room or a piece of equipment. The account is off.
func (b *builder) sharedMailbox(p *person) {
	kind := pick(b, []struct{ name, details, display string }{
		{"Enquiries", "4", "1073741824"}, {"Room", "16", "7"}, {"Projector", "32", "8"}})
	p.given, p.family = kind.name, p.office.city
	p.display = kind.name + " " + p.office.city
	p.local = b.free(strings.ToLower(kind.name + "." + plain(p.office.city)))
	p.title = ""
	b.account(p, "OU=Shared,"+p.site.Base(), "514")
	for _, a := range []string{"givenName", "sn", "title", "mobile", "employeeID", "employeeType"} {
		delete(p.site.Objects[p.object].Attrs, a)
	}
	b.mailbox(p, kind.details, kind.display)
}

// second makes a second account, in s, for somebody with a mailbox in another forest: a mail user, an account without
// Exchange that is used, or one that is disabled. It tells whether anybody was left.
func (b *builder) second(s *site) bool {
	from := pick(b, b.sites[:indexOf(b.sites, s)])
	if len(from.staff) == 0 {
		return false
	}
	first := pick(b, from.staff)
	if !first.mailbox || s.foreign[first.mail] != "" {
		return false
	}
	b.twin(s, first, b.rng.IntN(3))
	return true
}

// The kinds of second account.
const (
	twinMailUser = iota
	twinEnabled
	twinDisabled
)

// twin makes another account of a person in s.
func (b *builder) twin(s *site, first *person, kind int) *person {
	p := &person{site: s, given: first.given, family: first.family, display: first.display, local: first.local,
		dept: first.dept, title: first.title, office: first.office}
	parent, control := "OU="+escape(p.dept)+",OU=Staff,"+s.Base(), "512"
	if kind == twinDisabled {
		parent, control = "OU=Leavers,"+s.Base(), "514"
	}
	b.account(p, parent, control)
	if kind == twinMailUser {
		b.mailUser(p, first.mail)
	} else {
		p.mail = first.mail
		p.set("mail", p.mail)
	}
	s.foreign[first.mail] = p.dn
	return p
}

func indexOf(sites []*site, s *site) int {
	for i, x := range sites {
		if x == s {
			return i
		}
	}
	return -1
}

// contacts makes contacts for people with mailboxes in the other forests, but for those who have an account here.
func (b *builder) contacts(s *site) {
	for _, other := range b.sites {
		if other == s {
			continue
		}
		for _, p := range other.staff {
			if p.mailbox && s.foreign[p.mail] == "" && b.chance(8) {
				b.contact(s, p)
			}
		}
	}
}

// contact makes a contact in s for a person of another forest.
func (b *builder) contact(s *site, p *person) int {
	n := b.add(s, "contact", p.display, "OU=Contacts,"+s.Base(), map[string][]string{
		"givenName": {p.given}, "sn": {p.family}, "displayName": {p.display + " (" + p.site.Company + ")"},
		"mail": {p.mail}, "mailNickname": {p.local}, "targetAddress": {"SMTP:" + p.mail}, "proxyAddresses": {"SMTP:" + p.mail},
		"company": {p.site.Company}, "department": {p.dept}, "telephoneNumber": {p.get("telephoneNumber")},
		"msExchRecipientTypeDetails": {"64"}, "msExchRecipientDisplayType": {"6"},
		"legacyExchangeDN": {legacyDN(s, b.octets(16), p.local)},
	})
	s.foreign[p.mail] = s.Objects[n].DN
	return n
}

// partners are contacts for people of other companies, in no forest: one for each forest, and one more for forty people.
func (b *builder) partners(s *site) {
	for range 1 + len(s.staff)/40 {
		c := pick(b, pick(b, s.forest.offices).cultures)
		p := &person{site: s, given: pick(b, c.given), family: pick(b, c.family)}
		b.name(p, c.familyFirst)
		company := pick(b, outsiders)
		mail := p.local + "@" + company.domain
		n := b.add(s, "contact", p.display, "OU=Contacts,"+s.Base(), map[string][]string{
			"givenName": {p.given}, "sn": {p.family}, "displayName": {p.display + " (" + company.name + ")"}, "company": {company.name},
			"mail": {mail}, "mailNickname": {p.local}, "targetAddress": {"SMTP:" + mail}, "proxyAddresses": {"SMTP:" + mail},
			"msExchRecipientTypeDetails": {"64"}, "msExchRecipientDisplayType": {"6"}, "legacyExchangeDN": {legacyDN(s, b.octets(16), p.local)},
		})
		s.foreign[mail] = s.Objects[n].DN
	}
}

// outsiders are companies that have no forest here.
var outsiders = []struct{ name, domain string }{{"Adatum", "adatum.com"}, {"Litware", "litware.com"}, {"Woodgrove Bank", "woodgrovebank.com"}}

// managers gives each department a tree of managers below its head, and the heads one above them.
func (b *builder) managers(s *site) {
	var boss *person
	heads := map[string]*person{}
	teams := map[string][]*person{}
	for _, p := range s.staff {
		switch {
		case boss == nil:
			boss = p
			b.promote(p, "Chief Executive Officer")
		case heads[p.dept] == nil:
			heads[p.dept] = p
			b.promote(p, headOf(p.dept))
			s.link(p.dn, "manager", boss.dn)
		default:
			teams[p.dept] = append(teams[p.dept], p)
		}
	}
	for _, d := range departments {
		for i, p := range teams[d.name] {
			manager := heads[d.name]
			if i >= 8 {
				manager = teams[d.name][i/8-1]
			}
			s.link(p.dn, "manager", manager.dn)
		}
	}
}

func (b *builder) promote(p *person, title string) {
	p.head, p.title = true, title
	p.set("title", title)
}

func headOf(dept string) string {
	for _, d := range departments {
		if d.name == dept {
			return d.head
		}
	}
	return ""
}

// cut shortens a text to n octets.
func cut(s string, n int) string { return s[:min(n, len(s))] }
