package lab

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// MinPeople is the smallest population: with fewer there is no room for the deliberate trouble.
const MinPeople = 40

// Population says which people to make. The same population gives the same directories, octet by octet.
type Population struct {
	Seed   uint64
	People int // user and inetOrgPerson objects, all forests together; fewer than MinPeople are MinPeople
}

// Directory is the content of one forest.
type Directory struct {
	Name    string // "contoso.lab", the forest's DNS name
	Netbios string // "CONTOSO"
	Domain  string // "contoso.com", the mail domain and the UPN suffix
	Company string // "Contoso"
	SID     string // of the domain: "S-1-5-21-..."
	// Objects come in an order in which they can be added: containers before what is in them.
	Objects []Object
	// Links may be set once all objects are there.
	Links []Link
}

// Object is one object. Attrs is what an administrator would write; binary values are their octets.
type Object struct {
	DN    string
	Attrs map[string][]string
	// GUID and SID are what the directory itself would give: 16 octets in the order of objectGUID, and text. Where the
	// directory takes them the same seed gives the same anchors. SID is "" for what has none.
	GUID string
	SID  string
	// Internal objects are made by a directory itself, and one that behaves as AD takes none of them from a client: a
	// replication conflict, a critical system object, a foreign security principal.
	Internal bool
	// Trouble names the deliberate trouble that the object is part of, "" for none.
	Trouble Trouble
}

// Link is one value of a linked attribute.
type Link struct{ DN, Attr, Target string }

// Class is the object's own class, the last of its classes.
func (o *Object) Class() string {
	c := o.Attrs["objectClass"]
	return c[len(c)-1]
}

// Person tells whether the object counts as a person: user and inetOrgPerson objects do.
func (o *Object) Person() bool { return o.Class() == "user" || o.Class() == "inetOrgPerson" }

// Base is the domain's DN.
func (d *Directory) Base() string { return "DC=" + strings.ReplaceAll(d.Name, ".", ",DC=") }

// Generate makes three forests: contoso.lab with half of the people, fabrikam.lab with three tenths, tailspin.lab with
// the rest. Some people are in two of them. Addresses and sign-in names are unique but for the deliberate trouble.
func Generate(p Population) []Directory {
	p.People = max(p.People, MinPeople)
	b := &builder{rng: rand.New(rand.NewPCG(p.Seed, 0x63616e6f7079)), locals: map[string]int{}}
	for i, f := range forests {
		b.sites = append(b.sites, b.site(i, f))
	}
	b.trouble()
	quota := []int{p.People / 2, p.People * 3 / 10, 0}
	quota[2] = p.People - quota[0] - quota[1]
	for i, s := range b.sites {
		for s.people < quota[i] {
			if i > 0 && b.chance(8) && b.second(s) {
				continue
			}
			b.employee(s)
		}
	}
	dirs := make([]Directory, len(b.sites))
	for _, s := range b.sites {
		b.contacts(s)
		b.partners(s)
	}
	for _, s := range b.sites {
		b.managers(s)
		b.groups(s)
	}
	for i, s := range b.sites { // last, so that nobody else is another by it
		b.exchange(s)
		dirs[i] = s.Directory
	}
	return dirs
}

// builder is the state of one Generate.
type builder struct {
	rng    *rand.Rand
	sites  []*site
	locals map[string]int // how often the local part of an address was wanted, over all forests
	serial int
}

// site is one forest in the making.
type site struct {
	Directory
	forest  identity
	rid     uint32
	people  int
	staff   []*person         // who may be in groups, and have contacts elsewhere
	foreign map[string]string // DN of the object for a person of another forest, by mail
	names   map[string]int    // how often an RDN, or a sAMAccountName, was wanted
}

// person is what is known of a person while the rest is made.
type person struct {
	site                                *site
	given, family, display, local, mail string
	dn, dept, title                     string
	object                              int // in the site's Objects
	office                              *office
	mailbox, head                       bool
}

func (b *builder) chance(percent int) bool { return b.rng.IntN(100) < percent }

func pick[T any](b *builder, list []T) T { return list[b.rng.IntN(len(list))] }

// octets are n bytes of the seed's randomness.
func (b *builder) octets(n int) string {
	raw := make([]byte, 0, n+8)
	for len(raw) < n {
		v := b.rng.Uint64()
		for range 8 {
			raw = append(raw, byte(v))
			v >>= 8
		}
	}
	return string(raw[:n])
}

// guid is a random GUID (version 4) as the octets of objectGUID: its third group is little-endian.
func (b *builder) guid() string {
	raw := []byte(b.octets(16))
	raw[7] = raw[7]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	return string(raw)
}

func (b *builder) site(i int, f identity) *site {
	s := &site{forest: f, rid: 1100, foreign: map[string]string{}, names: map[string]int{}, Directory: Directory{
		Name: f.name, Netbios: strings.ToUpper(f.label), Domain: f.domain, Company: f.company,
		SID: fmt.Sprintf("S-1-5-21-%d-%d-%d", b.rng.Uint32(), b.rng.Uint32(), b.rng.Uint32())}}
	for _, name := range []string{"Staff", "Leavers", "Service Accounts", "Groups", "Contacts", "Shared"} {
		b.container(s, name, s.Base())
	}
	for _, d := range departments {
		b.container(s, d.name, "OU=Staff,"+s.Base())
	}
	return s
}

func (b *builder) container(s *site, name, parent string) {
	s.Objects = append(s.Objects, Object{DN: "OU=" + escape(name) + "," + parent, GUID: b.guid(),
		Attrs: map[string][]string{"objectClass": {"top", "organizationalUnit"}, "ou": {name}}})
}

// add appends an object with a cn that is free within its parent, and gives its index.
func (b *builder) add(s *site, class, cn, parent string, attrs map[string][]string) int {
	rdn := s.free(cn, strings.ToLower(parent), " ")
	attrs["cn"] = []string{rdn}
	attrs["objectClass"] = classes[class]
	o := Object{DN: "CN=" + escape(rdn) + "," + parent, GUID: b.guid(), Attrs: attrs}
	if class != "contact" {
		s.rid++
		o.SID = fmt.Sprintf("%s-%d", s.SID, s.rid)
	}
	if o.Person() {
		s.people++
	}
	s.Objects = append(s.Objects, o)
	return len(s.Objects) - 1
}

// free makes a name that nobody else has within a space of names, with a number behind it if need be.
func (s *site) free(name, space, before string) string {
	for {
		key := space + "\x00" + strings.ToLower(name)
		n := s.names[key]
		s.names[key]++
		if n == 0 {
			return name
		}
		name = fmt.Sprintf("%s%s%d", name, before, n+1)
	}
}

func (s *site) link(dn, attr, target string) {
	s.Links = append(s.Links, Link{DN: dn, Attr: attr, Target: target})
}

var classes = map[string][]string{
	"user":                     {"top", "person", "organizationalPerson", "user"},
	"inetOrgPerson":            {"top", "person", "organizationalPerson", "user", "inetOrgPerson"},
	"contact":                  {"top", "person", "organizationalPerson", "contact"},
	"group":                    {"top", "group"},
	"foreignSecurityPrincipal": {"top", "foreignSecurityPrincipal"},
}

// escape writes a name as a value in a DN.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune(`,+"\<>;=`, r), i == 0 && (r == '#' || r == ' '), i == len(s)-1 && r == ' ':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\%02X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
