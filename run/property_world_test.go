package run_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/connectortest"
)

// propPerson is a person or contact to be. Names from short lists meet one another: people who are one, and people who
// want the same.
type propPerson struct {
	Class     canopy.Class
	Mail      string
	UPN       string   // "": one of its own
	Addresses []string // proxyAddresses
	Disabled  bool
	Mailbox   bool
	Nick      bool
	Manager   int // of the people of the forest; beyond them is none
	Out       bool
}

// propGroup is a group to be. Members are numbers of the forest's people, then of its groups; beyond are none.
type propGroup struct {
	Security bool
	Mail     bool
	Members  []int
}

// propSite is a forest to be.
type propSite struct {
	People []propPerson
	Groups []propGroup
}

// propOwn stands for a mail address that nobody else has.
const propOwn = "own"

func propMail() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"anna", "bert", "carl", "dora", "emil", "fred", "gina"}).Draw(t, "local") + "@" +
			rapid.SampledFrom([]string{"one.test", "one.test", "two.test"}).Draw(t, "domain")
	})
}

func propPeople() *rapid.Generator[propPerson] {
	return rapid.Custom(func(t *rapid.T) propPerson {
		p := propPerson{Class: rapid.SampledFrom([]canopy.Class{canopy.User, canopy.User, canopy.User, canopy.User, canopy.InetOrgPerson, canopy.Contact}).Draw(t, "class"),
			Disabled: rapid.IntRange(0, 4).Draw(t, "disabled") == 4, Mailbox: rapid.Bool().Draw(t, "mailbox"), Nick: rapid.Bool().Draw(t, "nick"),
			Manager: rapid.IntRange(0, 9).Draw(t, "manager"), Out: rapid.IntRange(0, 7).Draw(t, "out") == 7}
		if rapid.IntRange(0, 3).Draw(t, "mailed") < 3 {
			p.Mail = propMail().Draw(t, "mail")
			p.Addresses = []string{"SMTP:" + p.Mail}
		}
		if rapid.IntRange(0, 5).Draw(t, "other primary") == 5 {
			p.Mail, p.Addresses = propOwn, []string{"SMTP:" + propMail().Draw(t, "primary")}
		}
		for range rapid.IntRange(0, 2).Draw(t, "secondaries") {
			if a := "smtp:" + propMail().Draw(t, "secondary"); !slices.ContainsFunc(p.Addresses, func(b string) bool { return canopy.Fold(a) == canopy.Fold(b) }) {
				p.Addresses = append(p.Addresses, a)
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "upn") == 4 && !p.Mailbox { // a mailbox decides about addresses alone
			p.UPN = "login." + propMail().Draw(t, "login")
		}
		return p
	})
}

func propGroups() *rapid.Generator[propGroup] {
	return rapid.Custom(func(t *rapid.T) propGroup {
		return propGroup{Security: rapid.Bool().Draw(t, "security"), Mail: rapid.Bool().Draw(t, "mail"),
			Members: rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 0, 6, rapid.ID[int]).Draw(t, "members")}
	})
}

func propSites(most int) *rapid.Generator[propSite] {
	return rapid.Custom(func(t *rapid.T) propSite {
		return propSite{People: rapid.SliceOfN(propPeople(), 1, most).Draw(t, "people"), Groups: rapid.SliceOfN(propGroups(), 0, 3).Draw(t, "groups")}
	})
}

// propMade are the objects of one forest in the order of their making.
type propMade struct {
	in, out canopy.Ref // containers; what is in out is out of scope
	people  []canopy.Ref
	groups  []canopy.Ref
	serial  int
}

// fill makes a site in the bench's forest i.
func (b *propBench) fill(t propTB, i int, s propSite) *propMade {
	t.Helper()
	m := b.forests[i]
	made := &propMade{in: m.Container(b.t, "In", m.Root()), out: m.Container(b.t, "Out", m.Root())}
	b.scope[i].Exclude = []canopy.Anchor{made.out.Anchor}
	for _, p := range s.People {
		b.person(t, i, made, p)
	}
	for k, p := range s.People {
		if p.Manager < len(made.people) {
			m.Modify(b.t, made.people[k], nil, map[canopy.Attr]canopy.LinkChange{canopy.AttrManager: {Whole: true, Added: []canopy.Ref{made.people[p.Manager]}}})
		}
	}
	for _, g := range s.Groups {
		b.group(t, i, made, g)
	}
	for k, g := range s.Groups {
		var members []canopy.Ref
		for _, n := range g.Members {
			if all := slices.Concat(made.people, made.groups); n < len(all) {
				members = append(members, all[n])
			}
		}
		m.Modify(b.t, made.groups[k], nil, map[canopy.Attr]canopy.LinkChange{canopy.AttrMember: {Whole: true, Added: members}})
	}
	return made
}

func (b *propBench) person(t propTB, i int, made *propMade, p propPerson) canopy.Ref {
	t.Helper()
	name := fmt.Sprintf("%s%d", b.names[i], made.serial)
	made.serial++
	attrs := canopy.Attrs{"cn": canopy.Texts(name), "displayName": canopy.Texts("The " + name), "telephoneNumber": canopy.Texts("+49 " + fmt.Sprint(made.serial))}
	if p.Class != canopy.Contact {
		attrs["sAMAccountName"] = canopy.Texts(name)
		attrs["userAccountControl"] = canopy.Values{canopy.Int(512)}
		if p.Disabled {
			attrs["userAccountControl"] = canopy.Values{canopy.Int(514)}
		}
		attrs[canopy.AttrUPN] = canopy.Texts(name + "@one.test")
		if p.UPN != "" {
			attrs[canopy.AttrUPN] = canopy.Texts(p.UPN)
		}
		if p.Mailbox {
			attrs["msExchMailboxGuid"] = canopy.Values{canopy.Bytes([]byte(fmt.Sprintf("%16s", name)))}
			attrs["msExchRecipientTypeDetails"] = canopy.Values{canopy.Int(1)}
		}
	}
	if p.Nick {
		attrs["mailNickname"] = canopy.Texts(name)
	}
	if p.Mail == propOwn {
		attrs["mail"] = canopy.Texts(name + "@two.test")
	} else if p.Mail != "" {
		attrs["mail"] = canopy.Texts(p.Mail)
	}
	if len(p.Addresses) > 0 {
		attrs["proxyAddresses"] = canopy.Texts(p.Addresses...)
	}
	parent := made.in
	if p.Out {
		parent = made.out
	}
	ref := b.create(t, i, connectortest.Object{Class: p.Class, Name: name, Parent: parent, Attrs: attrs})
	made.people = append(made.people, ref)
	return ref
}

func (b *propBench) group(t propTB, i int, made *propMade, g propGroup) canopy.Ref {
	t.Helper()
	name := fmt.Sprintf("group %s%d", b.names[i], made.serial)
	made.serial++
	attrs := canopy.Attrs{"cn": canopy.Texts(name), "displayName": canopy.Texts(name), "sAMAccountName": canopy.Texts(name), "groupType": canopy.Values{canopy.Int(2)}}
	if g.Security {
		attrs["groupType"] = canopy.Values{canopy.Int(-2147483646)}
	}
	if g.Mail {
		mail := fmt.Sprintf("list.%s%d@one.test", b.names[i], made.serial)
		attrs["mail"], attrs["proxyAddresses"], attrs["mailNickname"] = canopy.Texts(mail), canopy.Texts("SMTP:"+mail), canopy.Texts("list."+b.names[i]+fmt.Sprint(made.serial))
	}
	ref := b.create(t, i, connectortest.Object{Class: canopy.Group, Name: name, Parent: made.in, Attrs: attrs})
	made.groups = append(made.groups, ref)
	return ref
}

// create makes an object with the objectGUID and objectSid that a directory gives it.
func (b *propBench) create(t propTB, i int, o connectortest.Object) canopy.Ref {
	t.Helper()
	m := b.forests[i]
	ref := m.Create(b.t, o)
	own := canopy.Attrs{"objectGUID": propGUID(t, ref.Anchor)}
	if o.Class != canopy.Contact {
		own["objectSid"] = canopy.Texts(fmt.Sprintf("S-1-5-21-%d-%s", i+1, string(ref.Anchor)[len(ref.Anchor)-4:]))
	}
	m.Modify(b.t, ref, own, nil)
	return ref
}
