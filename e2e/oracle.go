package e2e

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// World is what the oracle judges by: forests in the order of the configuration, the choice of join (mail or "", none,
// attribute:NAME), and the tenant as it was, which matters where who came first does.
type World struct {
	Forests []Forest
	Join    string
	Before  []canopy.Change
}

// Forest is one forest with all its objects. Include and Exclude are container DNs; the nearest one decides.
type Forest struct {
	Name, Domain     string
	Include, Exclude []string
	Objects          []Object
}

// Object is an object as LDAP gives it; names of attributes are in lower case, values are octets.
type Object struct {
	DN, GUID string
	Attrs    map[string][]string
}

// Wanted is what the tenant must hold of one object. Manager and Members are source anchors.
type Wanted struct {
	Class                                   canopy.Class
	Anchor, UPN, Mail, DisplayName, Manager string
	Enabled                                 string // TRUE, FALSE, or "" for what has no account
	Addresses, Members                      []string
}

// entry is an object that takes part; party is what has become one: a person, a group, a contact.
type entry struct {
	*Object
	order  int // of its forest
	forest *Forest
	class  string
	party  *party
}

type party struct {
	entries []*entry
	want    Wanted
	before  canopy.Attrs // nil: the tenant does not hold it
	owner   bool         // of a mailbox
	exists  bool
}

// Expect says what the tenant must hold, by source anchor.
func Expect(w World) map[string]Wanted {
	entries, byName := takePart(w)
	parties := joinUp(entries, w.Join)
	held := map[string]canopy.Attrs{}
	for _, c := range w.Before {
		if a := c.Attrs.Text(canopy.AttrSourceAnchor); a != "" {
			held[a] = c.Attrs
		}
	}
	for _, p := range parties {
		p.merge(held)
	}
	settle(parties)
	all := map[string]Wanted{}
	for _, p := range parties {
		if p.exists {
			p.refer(byName)
			all[p.want.Anchor] = p.want
		}
	}
	return all
}

// takePart finds the entries in scope; byName finds them by their forest and folded DN, and by SID.
func takePart(w World) (in []*entry, byName map[string]*entry) {
	byName = map[string]*entry{}
	for i := range w.Forests {
		f := &w.Forests[i]
		for j := range f.Objects {
			e := &entry{Object: &f.Objects[j], order: i, forest: f}
			e.class = e.kind()
			if e.class == "" || !f.covers(e.DN) || e.excluded() {
				continue
			}
			byName[e.name(e.DN)] = e
			if e.class != foreign {
				in = append(in, e)
				byName[e.first("objectsid")] = e
			}
		}
	}
	return in, byName
}

// foreign is the class of what stands for somebody of another forest. It takes part in references only.
const foreign = "foreignSecurityPrincipal"

func (e *entry) name(dn string) string { return strconv.Itoa(e.order) + " " + strings.ToLower(dn) }

func (e *entry) kind() string {
	c := append([]string{""}, e.Attrs["objectclass"]...) // the last is the object's own
	if slices.Contains([]string{"user", "inetOrgPerson", "group", "contact", foreign}, c[len(c)-1]) {
		return c[len(c)-1]
	}
	return ""
}

func (f *Forest) covers(dn string) bool {
	best, in := 0, len(f.Include) == 0
	for i, c := range slices.Concat(f.Include, f.Exclude) {
		if strings.HasSuffix(strings.ToLower(dn), ","+strings.ToLower(c)) && len(c) > best {
			best, in = len(c), i < len(f.Include)
		}
	}
	return in
}

// excluded tells what the default rules leave out.
func (e *entry) excluded() bool {
	starts := func(name, with string) bool {
		return strings.HasPrefix(strings.ToLower(e.first(name)), strings.ToLower(with))
	}
	cas := func(name string) bool { return starts(name, "CAS_") && strings.Contains(e.first(name), "}") }
	if len(e.Attrs["iscriticalsystemobject"]) > 0 || strings.Contains(strings.ToUpper(strings.SplitN(e.DN, ",", 2)[0]), `\0ACNF:`) {
		return true
	}
	kind, sam := e.number("msexchrecipienttypedetails"), e.first("samaccountname")
	switch e.class {
	case "group":
		return starts("admindescription", "Group_") || kind&0x40000000 != 0 || strings.EqualFold(sam, "MSOL_AD_Sync_RichCoexistence")
	case "contact":
		return cas("mailnickname") || strings.Contains(e.first("displayname"), "(MSOL)") && e.first("msexchhidefromaddresslists") == "TRUE"
	case foreign:
		return false
	}
	return starts("admindescription", "User_") || sam == "" || strings.EqualFold(sam, "SUPPORT_388945a0") ||
		starts("mailnickname", "SystemMailbox{") || starts("samaccountname", "AAD_") || starts("samaccountname", "MSOL_") ||
		cas("mailnickname") || cas("samaccountname") || kind&0x21C07000 != 0
}

// joinUp makes parties of entries. People of different forests are one when their join attribute is the same; contacts
// go by mail whatever the choice. Two of one forest under one value are ambiguous, and none of them is carried.
func joinUp(entries []*entry, choice string) (parties []*party) {
	attr := strings.ToLower(strings.TrimPrefix(cmp.Or(choice, "mail"), "attribute:"))
	people, byMail := map[string]*party{}, map[string][]*party{}
	enter := func(e *entry, p *party) *party {
		if p == nil {
			p = &party{}
			parties = append(parties, p)
		}
		p.entries, e.party = append(p.entries, e), p
		return p
	}
	value := func(e *entry, name string) string { return canopy.Fold(strings.TrimSpace(e.first(name))) }
	for _, e := range entries {
		v, m := value(e, attr), value(e, "mail")
		switch {
		case e.class == "group":
			enter(e, nil)
		case e.account():
			p := enter(e, people[v])
			if v != "" {
				people[v] = p
			}
			if m != "" && !slices.Contains(byMail[m], p) {
				byMail[m] = append(byMail[m], p)
			}
		}
	}
	for _, e := range entries {
		m := value(e, "mail")
		switch {
		case e.class != "contact" || len(byMail[m]) > 1: // more than one: ambiguous
		case len(byMail[m]) == 1:
			enter(e, byMail[m][0])
		case m == "":
			enter(e, nil)
		default:
			byMail[m] = []*party{enter(e, nil)}
		}
	}
	return slices.DeleteFunc(parties, func(p *party) bool {
		slices.SortFunc(p.entries, byForest)
		return len(slices.CompactFunc(slices.Clone(p.entries), func(a, b *entry) bool { return a.order == b.order })) < len(p.entries)
	})
}

func byForest(a, b *entry) int { return cmp.Or(a.order-b.order, strings.Compare(a.GUID, b.GUID)) }

// The questions that entries are asked, each in an order of its own. Recipients answer for mail for good.
const (
	signIn = iota // enabled accounts first, of these the mailbox's own, then mailboxes
	common        // mailboxes first, then enabled accounts
	mailed        // mailboxes first, then other recipients
)

// ranked are the entries in the order in which they are asked; contacts only where there is no account.
func (p *party) ranked(question int) []*entry {
	all := slices.Clone(p.entries)
	if slices.ContainsFunc(all, (*entry).account) {
		all = slices.DeleteFunc(all, func(e *entry) bool { return !e.account() })
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Or(a.rank(question)-b.rank(question), byForest(a, b)) })
	return all
}

func (e *entry) rank(question int) int {
	box, recipient := e.mailbox(), e.first("msexchrecipienttypedetails")+e.first("mailnickname")+e.first("targetaddress") != ""
	return slices.Index(append([][]bool{signIn: {e.enabled() && box && !e.linked(), e.enabled(), box}, common: {box, e.enabled()},
		mailed: {box, recipient}}[question], true), true)
}

func (e *entry) mailbox() bool {
	kind := e.first("msexchrecipienttypedetails") + e.first("targetaddress")
	return e.number("msexchrecipienttypedetails")&0x26e8000003f != 0 || kind == "" && e.first("msexchmailboxguid") != ""
}

func (e *entry) account() bool { return e.class == "user" || e.class == "inetOrgPerson" }
func (e *entry) enabled() bool { return e.account() && e.number("useraccountcontrol")&2 == 0 }
func (e *entry) linked() bool  { return e.number("msexchrecipienttypedetails") == 2 } // its account is in another forest

// anchors are the source anchors that an entry may have: the forest's word, then its GUID's.
func (e *entry) anchors() (all []string) {
	for _, v := range slices.Concat(e.Attrs["ms-ds-consistencyguid"], e.Attrs["objectguid"]) {
		all = append(all, base64.StdEncoding.EncodeToString([]byte(v)))
	}
	return all
}

// merge fills in what the party's entries say, and whether it belongs into the tenant at all.
func (p *party) merge(held map[string]canopy.Attrs) {
	w := &p.want
	first := func(question int, get func(*entry) string) string {
		for _, e := range p.ranked(question) {
			if v := strings.TrimSpace(get(e)); v != "" {
				return v
			}
		}
		return ""
	}
	for _, e := range p.entries {
		p.owner = p.owner || e.mailbox()
		if e.account() {
			w.Enabled = max(w.Enabled, strings.ToUpper(strconv.FormatBool(e.enabled()))) // TRUE is more than FALSE
		}
	}
	w.Class = canopy.Contact
	if p.entries[0].class == "group" {
		w.Class = canopy.Group
	} else if slices.ContainsFunc(p.entries, func(e *entry) bool { return e.account() && !e.linked() }) {
		w.Class = canopy.User
	}
	w.Anchor = first(signIn, func(e *entry) string {
		if e.linked() {
			return ""
		}
		return cmp.Or(e.anchors()...)
	})
	for _, e := range p.entries {
		for _, a := range e.anchors() {
			if held[a] != nil {
				w.Anchor, p.before = a, held[a] // an anchor stays
			}
		}
	}
	w.UPN = first(signIn, func(e *entry) string {
		if !e.account() || e.linked() {
			return ""
		}
		return cmp.Or(e.first("userprincipalname"), e.first("samaccountname")+"@"+e.forest.Domain)
	})
	w.Mail = first(common, func(e *entry) string { return e.first("mail") })
	w.DisplayName = first(common, func(e *entry) string { return cmp.Or(e.first("displayname"), e.first("cn")) })
	for _, e := range p.ranked(mailed) {
		for _, a := range e.Attrs["proxyaddresses"] {
			a = strings.TrimSpace(a)
			if !slices.ContainsFunc(w.Addresses, func(b string) bool { return strings.EqualFold(a, b) }) {
				w.Addresses = append(w.Addresses, a)
			}
		}
		if len(w.Addresses) > 0 || e.account() && e.rank(mailed) < 2 {
			break
		}
	}
	primary := func(a string) bool { return strings.HasPrefix(a, "SMTP:") && strings.Contains(a, "@") }
	hasMail := strings.Contains(w.Mail, "@") || slices.ContainsFunc(w.Addresses, primary)
	secured := w.Class == canopy.Group && p.entries[0].number("grouptype")&0x80000000 != 0
	p.exists = w.Anchor != "" && (w.Class == canopy.User || hasMail || secured)
}

// refer finds the anchors of the manager and the members among what exists.
func (p *party) refer(byName map[string]*entry) {
	find := func(e *entry, dn string) []string {
		t := byName[e.name(dn)]
		if t != nil && t.class == foreign {
			t = byName[t.first("cn")]
		}
		if t == nil || t.party == nil || !t.party.exists {
			return nil
		}
		return []string{t.party.want.Anchor}
	}
	ranked := p.ranked(common)
	if i := slices.IndexFunc(ranked, func(e *entry) bool { return e.first("manager") != "" }); i >= 0 {
		p.want.Manager = strings.Join(find(ranked[i], ranked[i].first("manager")), "")
	}
	for _, e := range ranked {
		for _, dn := range e.Attrs["member"] {
			p.want.Members = append(p.want.Members, find(e, dn)...)
		}
	}
	p.want.Members = slices.Compact(slices.Sorted(slices.Values(p.want.Members)))
}

func (p *party) claims() map[string]bool { return claimed(p.want.Anchor, p.want.UPN, p.want.Addresses) }

// claimed are values that only one object may have; true: without it a new object is not made at all.
func claimed(anchor, upn string, addresses []string) map[string]bool {
	all := map[string]bool{"anchor " + anchor: true, "upn " + canopy.Fold(upn): true}
	for _, a := range addresses {
		if strings.HasPrefix(canopy.Fold(a), "smtp:") {
			all[canopy.Fold(a)] = all[canopy.Fold(a)] || strings.HasPrefix(a, "SMTP:")
		}
	}
	delete(all, "upn ")
	delete(all, "anchor ")
	return all
}

// settle decides who has what several want: who has it in the tenant, who owns a mailbox, who is first by forest and
// GUID. A new object that loses what it cannot be without is held back, one at a time: what it wanted becomes free.
func settle(parties []*party) {
	slices.SortFunc(parties, func(a, b *party) int {
		owner := map[bool]int{false: 1}
		return cmp.Or(owner[a.owner]-owner[b.owner], byForest(a.entries[0], b.entries[0]))
	})
	for {
		winner := winners(parties)
		loses := func(p *party) bool {
			for c, whole := range p.claims() {
				if p.exists && p.before == nil && whole && winner[c] != p {
					return true
				}
			}
			return false
		}
		losers := slices.DeleteFunc(slices.Clone(parties), func(p *party) bool { return !loses(p) })
		if len(losers) == 0 {
			for _, p := range parties {
				p.yield(winner)
			}
			return
		}
		out := losers[len(losers)-1] // rather one that loses only to those who stay
		for _, p := range losers {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(p.claims())), func(c string) bool { return winner[c] != p && loses(winner[c]) }) {
				out = p
			}
		}
		out.exists = false
	}
}

// winners tells who has each claim; parties are in the order of their rank.
func winners(parties []*party) map[string]*party {
	winner := map[string]*party{}
	for _, present := range []bool{true, false} {
		for _, p := range parties {
			before := claimed(p.before.Text(canopy.AttrSourceAnchor), p.before.Text(canopy.AttrUPN), p.before[canopy.AttrAddresses].Strings())
			for c := range p.claims() {
				if _, has := before[c]; p.exists && winner[c] == nil && (!present || has) {
					winner[c] = p
				}
			}
		}
	}
	return winner
}

// yield takes from a party the values that others have; what an existing object cannot be without stays as it was.
func (p *party) yield(winner map[string]*party) {
	lost := func(claim string) bool { return winner[claim] != nil && winner[claim] != p }
	if p.before != nil && lost("upn "+canopy.Fold(p.want.UPN)) {
		p.want.UPN = p.before.Text(canopy.AttrUPN)
	}
	if p.before != nil && slices.ContainsFunc(p.want.Addresses, func(a string) bool { return strings.HasPrefix(a, "SMTP:") && lost(canopy.Fold(a)) }) {
		p.want.Addresses = p.before[canopy.AttrAddresses].Strings()
	}
	p.want.Addresses = slices.DeleteFunc(p.want.Addresses, func(a string) bool { return lost(canopy.Fold(a)) })
}
