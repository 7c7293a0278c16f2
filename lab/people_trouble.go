package lab

import "fmt"

// Trouble is the constant name of a deliberate trouble. Who is part of one has the same name and addresses with every
// seed, so that documents and tests can speak of it.
type Trouble string

// The troubles. Each is made once; what the population makes by chance has none of the faulty ones.
const (
	TwiceEnabled     Trouble = "twice-enabled"
	TwiceDisabled    Trouble = "twice-disabled"
	MailUser         Trouble = "mail-user"
	ContactsOfOthers Trouble = "contacts-of-others"
	DuplicatePrimary Trouble = "duplicate-primary-address"
	AmbiguousPair    Trouble = "ambiguous-pair"
	SpaceInAddress   Trouble = "space-in-address"
	ServiceAccount   Trouble = "service-account"
	DisabledPerson   Trouble = "disabled-person"
	Conflict         Trouble = "replication-conflict"
	UnroutableUPN    Trouble = "unroutable-upn"
	ForeignMember    Trouble = "foreign-member"
	CriticalObject   Trouble = "critical-object"
)

// Troubles says, for people, what each trouble is, in a stable order.
func Troubles() []TroubleText {
	return []TroubleText{
		{TwiceEnabled, "Grace Bennett has an account in contoso.lab and one in fabrikam.lab, both enabled, with one mail address."},
		{TwiceDisabled, "Felix Hoffmann is enabled in contoso.lab and disabled in tailspin.lab, with one mail address."},
		{MailUser, "Astrid Dahl is a mail user in fabrikam.lab; her mailbox is in contoso.lab."},
		{ContactsOfOthers, "Each forest has contacts for people of the others: Harriet Clarke, Søren Lindström and Begoña Muñoz."},
		{DuplicatePrimary, "Jonas Berg of contoso.lab and Jonas Berg of fabrikam.lab are two people; both have the primary address " +
			"jonas.berg@contoso.com, and different mail attributes."},
		{AmbiguousPair, "Sam Taylor of fabrikam.lab has a mail address that two accounts of contoso.lab have."},
		{SpaceInAddress, "Ruth Hall has a proxy address with a space in it."},
		{ServiceAccount, "svc-backup of contoso.lab is an account without a person or an address."},
		{DisabledPerson, "Callum Wright of contoso.lab is disabled and still has a mailbox."},
		{Conflict, "A replication conflict left a second Oliver Green in contoso.lab."},
		{UnroutableUPN, "Nuria Vega signs in as nuria.vega@tailspin.lab, a suffix that no cloud can verify."},
		{ForeignMember, "The group Merger Office of contoso.lab has a member from fabrikam.lab, Ingrid Holmgren, as a foreign security principal."},
		{CriticalObject, "CanopyReplicator of contoso.lab is a critical system object."},
	}
}

// twiceMail is the address of the person whom the trouble TwiceEnabled is about.
const twiceMail = "grace.bennett@contoso.com"

// TroubleText is a trouble's name and what it is.
type TroubleText struct {
	Trouble Trouble
	Text    string
}

// trouble makes all of it. It comes first, so that its names are free.
func (b *builder) trouble() {
	contoso, fabrikam, tailspin := b.sites[0], b.sites[1], b.sites[2]

	grace := b.known(contoso, TwiceEnabled, "Grace", "Bennett", "Sales", london)
	b.mark(b.twin(fabrikam, grace, twinEnabled), TwiceEnabled)

	felix := b.known(contoso, TwiceDisabled, "Felix", "Hoffmann", "Engineering", berlin)
	b.mark(b.twin(tailspin, felix, twinDisabled), TwiceDisabled)

	astrid := b.known(contoso, MailUser, "Astrid", "Dahl", "Finance", london)
	b.mark(b.twin(fabrikam, astrid, twinMailUser), MailUser)

	for i, p := range []*person{
		b.known(contoso, ContactsOfOthers, "Harriet", "Clarke", "Marketing", london),
		b.known(fabrikam, ContactsOfOthers, "Søren", "Lindström", "Operations", oslo),
		b.known(tailspin, ContactsOfOthers, "Begoña", "Muñoz", "Sales", madrid),
	} {
		for j, s := range b.sites {
			if i != j {
				s.Objects[b.contact(s, p)].Trouble = ContactsOfOthers
			}
		}
	}
	b.clashes(contoso, fabrikam)
	b.oddities(contoso, tailspin)
	b.foreigner(contoso, fabrikam)
}

// clashes makes the addresses that two people want, and the pair that cannot be told apart.
func (b *builder) clashes(contoso, fabrikam *site) {
	b.known(contoso, DuplicatePrimary, "Jonas", "Berg", "IT", berlin)
	other := b.person(fabrikam, DuplicatePrimary, "Jonas", "Berg", "Sales", berlin)
	other.set("mail", "j.berg@fabrikam.com")
	other.set("proxyAddresses", "SMTP:jonas.berg@contoso.com", "smtp:j.berg@fabrikam.com")

	first := b.known(contoso, AmbiguousPair, "Sam", "Taylor", "Sales", seattle)
	second := b.person(contoso, AmbiguousPair, "Sam", "Taylor", "Finance", seattle)
	second.set("mail", first.mail)
	third := b.person(fabrikam, AmbiguousPair, "Sam", "Taylor", "Sales", berlin)
	third.set("mail", first.mail)
}

// oddities makes the objects that are odd by themselves.
func (b *builder) oddities(contoso, tailspin *site) {
	ruth := b.known(contoso, SpaceInAddress, "Ruth", "Hall", "Human Resources", london)
	ruth.set("proxyAddresses", "SMTP:"+ruth.mail, "smtp:ruth hall@contoso.com")

	svc := b.add(contoso, "user", "svc-backup", "OU=Service Accounts,"+contoso.Base(), map[string][]string{
		"sAMAccountName": {"svc-backup"}, "userPrincipalName": {"svc-backup@contoso.com"}, "userAccountControl": {"66048"},
		"description": {"runs the nightly backup"}, "displayName": {"svc-backup"}})
	contoso.Objects[svc].Trouble = ServiceAccount

	callum := b.unlisted(contoso, DisabledPerson, "Callum", "Wright", "Operations", london)
	callum.set("userAccountControl", "514")

	oliver := b.known(contoso, Conflict, "Oliver", "Green", "IT", london)
	b.conflict(oliver)

	nuria := b.known(tailspin, UnroutableUPN, "Nuria", "Vega", "Marketing", madrid)
	nuria.set("userPrincipalName", "nuria.vega@"+tailspin.Name)

	critical := b.add(contoso, "user", "CanopyReplicator", "OU=Service Accounts,"+contoso.Base(), map[string][]string{
		"sAMAccountName": {"CanopyReplicator"}, "userAccountControl": {"66048"}, "isCriticalSystemObject": {"TRUE"}})
	contoso.Objects[critical].Trouble, contoso.Objects[critical].Internal = CriticalObject, true
}

// conflict makes what a domain controller makes of an object that two of them created at once: a copy with a changed name.
func (b *builder) conflict(p *person) {
	guid := b.guid()
	cn := p.display + "\nCNF:" + guidText(guid)
	attrs := map[string][]string{}
	for a, v := range p.site.Objects[p.object].Attrs {
		attrs[a] = v
	}
	for _, a := range []string{"userPrincipalName", "msExchMailboxGuid", "legacyExchangeDN"} {
		delete(attrs, a)
	}
	attrs["sAMAccountName"] = []string{"$DUPLICATE-5dc"}
	n := b.add(p.site, "user", cn, "OU="+escape(p.dept)+",OU=Staff,"+p.site.Base(), attrs)
	o := &p.site.Objects[n]
	o.GUID, o.Trouble, o.Internal = guid, Conflict, true
}

// guidText is the dashed text of a GUID's octets.
func guidText(g string) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", []byte{g[3], g[2], g[1], g[0]}, []byte{g[5], g[4]}, []byte{g[7], g[6]}, g[8:10], g[10:])
}

// foreigner makes a group of one forest with a member of another, who is there by SID alone.
func (b *builder) foreigner(contoso, fabrikam *site) {
	ingrid := b.known(fabrikam, ForeignMember, "Ingrid", "Holmgren", "Legal & Compliance", oslo)
	sid := fabrikam.Objects[ingrid.object].SID
	place := "CN=ForeignSecurityPrincipals," + contoso.Base()
	n := b.add(contoso, "foreignSecurityPrincipal", sid, place, map[string][]string{})
	fsp := &contoso.Objects[n]
	fsp.SID, fsp.Trouble, fsp.Internal = sid, ForeignMember, true
	dn := b.group(contoso, "Merger Office", universalSecurity, "")
	contoso.Objects[len(contoso.Objects)-1].Trouble = ForeignMember
	contoso.link(dn, "member", fsp.DN)
	for _, p := range contoso.staff[:2] {
		contoso.link(dn, "member", p.dn)
	}
}

// known makes a person with a mailbox who is part of a trouble, and of the staff.
func (b *builder) known(s *site, t Trouble, given, family, dept string, o *office) *person {
	p := b.person(s, t, given, family, dept, o)
	s.staff = append(s.staff, p)
	return p
}

// unlisted makes a person in the place for those who have left.
func (b *builder) unlisted(s *site, t Trouble, given, family, dept string, o *office) *person {
	p := &person{site: s, given: given, family: family, dept: dept, title: titleOf(dept), office: o}
	b.name(p, false)
	b.account(p, "OU=Leavers,"+s.Base(), "512")
	b.mailbox(p, "1", "1073741824")
	return b.mark(p, t)
}

// person makes a person with a mailbox who is part of a trouble, but in no group.
func (b *builder) person(s *site, t Trouble, given, family, dept string, o *office) *person {
	p := &person{site: s, given: given, family: family, dept: dept, title: titleOf(dept), office: o}
	b.name(p, false)
	b.account(p, "OU="+escape(dept)+",OU=Staff,"+s.Base(), "512")
	b.mailbox(p, "1", "1073741824")
	return b.mark(p, t)
}

func titleOf(dept string) string {
	for _, d := range departments {
		if d.name == dept {
			return d.titles[0]
		}
	}
	return ""
}

func (b *builder) mark(p *person, t Trouble) *person {
	p.site.Objects[p.object].Trouble = t
	return p
}
