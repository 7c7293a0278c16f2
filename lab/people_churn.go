package lab

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// ChangeKind says what happens to a person.
type ChangeKind string

// The kinds of change.
const (
	Join       ChangeKind = "join"       // a new person, in the groups of its department
	Leave      ChangeKind = "leave"      // disabled, out of all groups and moved to the leavers
	Delete     ChangeKind = "delete"     // a leaver is deleted
	Relocate   ChangeKind = "relocate"   // to another department's container and groups
	Marry      ChangeKind = "marry"      // another family name and address; the old address stays as a secondary one
	Phone      ChangeKind = "phone"      // another telephone number
	Promotion  ChangeKind = "promotion"  // another title
	Membership ChangeKind = "membership" // into a group, or out of one
)

// Change is what happens in one directory: steps to be taken in order, each one write.
type Change struct {
	Directory string // a Directory's name
	Kind      ChangeKind
	Text      string // for people: "Anna Weber joins Sales in contoso.lab"
	Steps     []Step
}

// StepOp is what a step does.
type StepOp uint8

// The operations of a step.
const (
	StepAdd    StepOp = iota + 1 // an object with Attrs
	StepModify                   // Attrs are set, those without values cleared; links are added and removed
	StepMove                     // to NewDN
	StepDelete
)

// Step is one write.
type Step struct {
	Op     StepOp
	DN     string
	NewDN  string
	Attrs  map[string][]string
	Add    []Link // links whose owner is DN
	Remove []Link
}

// Churn makes changes that people cause. It knows the directories as Generate made them and as its changes, once
// Applied, left them. It is not for concurrent use.
type Churn struct {
	build *builder
	sites []*churnSite
}

type churnSite struct {
	site    *site
	dir     string
	objects map[string]*Object         // by DN
	groups  map[string]map[string]bool // members by the group's DN
	of      map[string][]string        // groups by the member's DN
	staff   []string
	leavers []string
}

// NewChurn begins with the directories of a population.
func NewChurn(p Population) *Churn {
	dirs := Generate(p)
	c := &Churn{build: &builder{rng: rand.New(rand.NewPCG(p.Seed, 0x636875726e)), locals: map[string]int{}, serial: 500_000}}
	for i, d := range dirs {
		s := &churnSite{dir: d.Name, objects: map[string]*Object{}, groups: map[string]map[string]bool{}, of: map[string][]string{},
			site: &site{Directory: d, forest: forests[i], foreign: map[string]string{}, names: map[string]int{}, rid: 1_000_000}}
		s.site.Objects = nil
		for j := range d.Objects {
			s.know(c.build, &d.Objects[j])
		}
		for _, l := range d.Links {
			if l.Attr == "member" {
				s.join(l.DN, l.Target)
			}
		}
		c.sites = append(c.sites, s)
	}
	return c
}

// know takes an object into the state. The deliberate trouble and the rooms stay as they are.
func (s *churnSite) know(b *builder, o *Object) {
	s.objects[o.DN] = o
	s.site.names["sam\x00"+strings.ToLower(first(o, "sAMAccountName"))]++
	if _, parent, ok := strings.Cut(o.DN, ",OU="); ok {
		s.site.names[strings.ToLower("OU="+parent)+"\x00"+strings.ToLower(first(o, "cn"))]++
	}
	for _, a := range []string{"mailNickname", "userPrincipalName"} {
		if local, _, _ := strings.Cut(first(o, a), "@"); local != "" {
			b.locals[local]++
		}
	}
	switch {
	case o.Class() == "group":
		s.groups[o.DN] = map[string]bool{}
	case !o.Person() || o.Trouble != "" || o.Internal || !strings.Contains(first(o, "mail"), s.site.Domain):
	case strings.Contains(o.DN, ",OU=Staff,") && first(o, "userAccountControl") == "512":
		s.staff = append(s.staff, o.DN)
	case strings.Contains(o.DN, ",OU=Leavers,"):
		s.leavers = append(s.leavers, o.DN)
	}
}

func first(o *Object, attr string) string {
	if v := o.Attrs[attr]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (s *churnSite) join(group, member string) {
	if s.groups[group] != nil && !s.groups[group][member] {
		s.groups[group][member] = true
		s.of[member] = append(s.of[member], group)
	}
}

func (s *churnSite) part(group, member string) {
	delete(s.groups[group], member)
	s.of[member] = slices.DeleteFunc(s.of[member], func(g string) bool { return g == group })
}

// Next makes a change. Nothing is changed in the state: call Applied when the directory has taken it.
func (c *Churn) Next() Change {
	for {
		s := pick(c.build, c.sites)
		if len(s.staff) == 0 {
			if ch, ok := c.joins(s); ok {
				return ch
			}
			continue
		}
		for _, k := range churnTable {
			if c.build.rng.IntN(100) >= k.percent {
				continue
			}
			if ch, ok := k.make(c, s); ok {
				return ch
			}
		}
	}
}

// churnTable: each kind gets its chance in turn, the rare ones first; the last always happens.
var churnTable = []struct {
	percent int
	make    func(*Churn, *churnSite) (Change, bool)
}{
	{4, (*Churn).deletes}, {8, (*Churn).leaves}, {12, (*Churn).joins}, {8, (*Churn).marries}, {14, (*Churn).relocates},
	{20, (*Churn).promoted}, {50, (*Churn).membership}, {100, (*Churn).phones},
}

func (c *Churn) someone(s *churnSite) *Object { return s.objects[pick(c.build, s.staff)] }

func change(s *churnSite, k ChangeKind, text string, steps ...Step) (Change, bool) {
	return Change{Directory: s.dir, Kind: k, Text: text + " in " + s.dir, Steps: steps}, true
}

func (c *Churn) phones(s *churnSite) (Change, bool) {
	o := c.someone(s)
	old := first(o, "telephoneNumber")
	number := fmt.Sprintf("%s%04d", cut(old, max(0, len(old)-4)), c.build.rng.IntN(10000))
	return change(s, Phone, first(o, "displayName")+" gets another telephone",
		Step{Op: StepModify, DN: o.DN, Attrs: map[string][]string{"telephoneNumber": {number}}})
}

func (c *Churn) promoted(s *churnSite) (Change, bool) {
	o := c.someone(s)
	for _, d := range departments {
		if title := pick(c.build, d.titles); d.name == first(o, "department") && title != first(o, "title") {
			return change(s, Promotion, first(o, "displayName")+" becomes "+title,
				Step{Op: StepModify, DN: o.DN, Attrs: map[string][]string{"title": {title}}})
		}
	}
	return Change{}, false
}

func (c *Churn) membership(s *churnSite) (Change, bool) {
	o := c.someone(s)
	group := pick(c.build, slices.Sorted(maps.Keys(s.groups)))
	l := Link{DN: group, Attr: "member", Target: o.DN}
	name := first(s.objects[group], "cn")
	if s.groups[group][o.DN] {
		return change(s, Membership, first(o, "displayName")+" leaves "+name, Step{Op: StepModify, DN: group, Remove: []Link{l}})
	}
	return change(s, Membership, first(o, "displayName")+" comes to "+name, Step{Op: StepModify, DN: group, Add: []Link{l}})
}

func (c *Churn) joins(s *churnSite) (Change, bool) {
	b := c.build
	s.site.Objects = nil
	b.employee(s.site)
	s.site.staff = nil
	o := &s.site.Objects[0]
	if !strings.Contains(o.DN, ",OU=Staff,") {
		return Change{}, false
	}
	steps := []Step{{Op: StepAdd, DN: o.DN, Attrs: maps.Clone(o.Attrs)}}
	if group := s.department(first(o, "department")); group != "" {
		steps = append(steps, Step{Op: StepModify, DN: group, Add: []Link{{DN: group, Attr: "member", Target: o.DN}}})
	}
	return change(s, Join, first(o, "displayName")+" joins "+first(o, "department"), steps...)
}

// department is the DN of a department's group.
func (s *churnSite) department(name string) string {
	dn := "CN=" + escape(name) + ",OU=Groups," + s.site.Base()
	if s.groups[dn] == nil {
		return ""
	}
	return dn
}

func (c *Churn) leaves(s *churnSite) (Change, bool) {
	o := c.someone(s)
	steps := []Step{{Op: StepModify, DN: o.DN, Attrs: map[string][]string{"userAccountControl": {"514"}, "description": {"left the company"}}}}
	for _, g := range s.of[o.DN] {
		steps = append(steps, Step{Op: StepModify, DN: g, Remove: []Link{{DN: g, Attr: "member", Target: o.DN}}})
	}
	to := s.at(o, "OU=Leavers,"+s.site.Base())
	return change(s, Leave, first(o, "displayName")+" leaves", append(steps, Step{Op: StepMove, DN: o.DN, NewDN: to})...)
}

// at is the DN that the object gets below another container.
func (s *churnSite) at(o *Object, parent string) string {
	return "CN=" + escape(s.site.free(first(o, "cn"), strings.ToLower(parent), " ")) + "," + parent
}

func (c *Churn) deletes(s *churnSite) (Change, bool) {
	if len(s.leavers) == 0 {
		return Change{}, false
	}
	o := s.objects[pick(c.build, s.leavers)]
	return change(s, Delete, first(o, "displayName")+" is deleted", Step{Op: StepDelete, DN: o.DN})
}

func (c *Churn) relocates(s *churnSite) (Change, bool) {
	o, d := c.someone(s), c.build.department()
	from := s.department(first(o, "department"))
	if first(o, "department") == d.name {
		return Change{}, false
	}
	to := s.at(o, "OU="+escape(d.name)+",OU=Staff,"+s.site.Base())
	steps := []Step{{Op: StepMove, DN: o.DN, NewDN: to},
		{Op: StepModify, DN: to, Attrs: map[string][]string{"department": {d.name}, "title": {pick(c.build, d.titles)}}}}
	if from != "" && s.groups[from][o.DN] {
		steps = append(steps, Step{Op: StepModify, DN: from, Remove: []Link{{DN: from, Attr: "member", Target: to}}})
	}
	if group := s.department(d.name); group != "" && !s.groups[group][o.DN] {
		steps = append(steps, Step{Op: StepModify, DN: group, Add: []Link{{DN: group, Attr: "member", Target: to}}})
	}
	return change(s, Relocate, first(o, "displayName")+" moves to "+d.name, steps...)
}

func (c *Churn) marries(s *churnSite) (Change, bool) {
	o := c.someone(s)
	office := pick(c.build, s.site.forest.offices)
	family, latin := split(pick(c.build, pick(c.build, office.cultures).family))
	given, _, _ := strings.Cut(first(o, "mailNickname"), ".")
	if given == "" || family == first(o, "sn") || len(o.Attrs["proxyAddresses"]) == 0 {
		return Change{}, false
	}
	local := c.build.free(given + "." + strings.ToLower(plain(latin)))
	mail := local + "@" + s.site.Domain
	addresses := []string{"SMTP:" + mail}
	for _, a := range o.Attrs["proxyAddresses"] {
		addresses = append(addresses, strings.Replace(a, "SMTP:", "smtp:", 1))
	}
	display := strings.ReplaceAll(first(o, "displayName"), first(o, "sn"), family)
	_, parent, _ := strings.Cut(o.DN, ",OU=")
	renamed := *o
	renamed.Attrs = map[string][]string{"cn": {display}}
	to := s.at(&renamed, "OU="+parent)
	return change(s, Marry, first(o, "displayName")+" is now "+display,
		Step{Op: StepModify, DN: o.DN, Attrs: map[string][]string{"sn": {family}, "displayName": {display}, "mail": {mail},
			"userPrincipalName": {mail}, "proxyAddresses": addresses, "mailNickname": {local}}},
		Step{Op: StepMove, DN: o.DN, NewDN: to})
}

// Applied takes a change into the state, after the directory has taken all of its steps.
func (c *Churn) Applied(ch Change) {
	i := slices.IndexFunc(c.sites, func(s *churnSite) bool { return s.dir == ch.Directory })
	if i < 0 {
		return
	}
	s := c.sites[i]
	for _, step := range ch.Steps {
		s.applied(step)
	}
}

func (s *churnSite) applied(step Step) {
	switch step.Op {
	case StepAdd:
		s.objects[step.DN] = &Object{DN: step.DN, Attrs: maps.Clone(step.Attrs)}
	case StepDelete:
		for _, g := range slices.Clone(s.of[step.DN]) {
			s.part(g, step.DN)
		}
		delete(s.objects, step.DN)
	case StepMove:
		s.moved(step.DN, step.NewDN)
	case StepModify:
		if o := s.objects[step.DN]; o != nil {
			for a, v := range step.Attrs {
				o.Attrs[a] = v
			}
		}
		for _, l := range step.Add {
			s.join(l.DN, l.Target)
		}
		for _, l := range step.Remove {
			s.part(l.DN, l.Target)
		}
	}
	s.sort(step)
}

func (s *churnSite) moved(from, to string) {
	o := s.objects[from]
	if o == nil {
		return
	}
	delete(s.objects, from)
	o.DN, s.objects[to] = to, o
	groups := slices.Clone(s.of[from])
	for _, g := range groups {
		s.part(g, from)
		s.join(g, to)
	}
	delete(s.of, from)
}

// sort keeps the lists of staff and leavers after a step.
func (s *churnSite) sort(step Step) {
	drop := func(list []string, dn string) []string {
		return slices.DeleteFunc(list, func(x string) bool { return x == dn })
	}
	now := step.DN
	switch step.Op {
	case StepModify:
		return
	case StepMove:
		now = step.NewDN
	case StepAdd, StepDelete:
	}
	s.staff, s.leavers = drop(s.staff, step.DN), drop(s.leavers, step.DN)
	if s.objects[now] == nil {
		return
	}
	if strings.Contains(now, ",OU=Leavers,") {
		s.leavers = append(s.leavers, now)
	} else {
		s.staff = append(s.staff, now)
	}
}
