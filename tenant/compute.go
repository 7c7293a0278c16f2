package tenant

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// calculation is what the service's own values of one object depend on.
type calculation struct {
	class  canopy.Class
	id     canopy.Anchor
	anchor string
	synced bool
	// managed is set for an object that came from a forest and was given to the cloud.
	managed bool
	role    bool // it holds a directory role
	// before are the object's values before this change, nil when it is new; now are those after it.
	before, now canopy.Attrs
	// prev are the values computed before this change.
	prev canopy.Attrs
	// licensed tells whether the object has a service plan with a mailbox.
	licensed bool
	// conflicts are the values that the service withholds, by their claims' keys.
	conflicts map[string]conflict
	initial   string
	verified  func(domain string) bool
	// taken tells whether another object has a claim.
	taken func(key string) bool
}

// compute gives the service's own values of an object, shown as cloud... attributes. It decides only; what it gives
// depends on nothing but the calculation.
func compute(c calculation) canopy.Attrs {
	out := canopy.Attrs{
		cloudAnchor: canopy.Texts(strings.ToUpper(string(c.class[:1])) + string(c.class[1:]) + "_" + string(c.id)),
		cloudMaster: {canopy.Bool(!c.synced)},
	}
	if c.role && !c.synced {
		out[canopy.AttrUnmatched] = canopy.Texts(roleHeld)
	}
	if c.managed {
		out[cloudBlock] = canopy.Values{canopy.Bool(true)}
	}
	if c.anchor != "" {
		out[cloudSource] = canopy.Texts(c.anchor)
	}
	if dn := c.prev.Text(cloudLegacyDN); dn != "" {
		out[cloudLegacyDN] = canopy.Texts(dn)
	}
	if v := c.prev[cloudExchange]; len(v) > 0 && c.synced {
		out[cloudExchange] = v
	}
	alias := c.alias()
	if alias != "" {
		out[cloudAlias] = canopy.Texts(alias)
	}
	upn, moera := "", ""
	if c.class == canopy.User {
		upn = c.upn(alias)
		out[cloudUPN] = canopy.Texts(upn)
		if moera = c.moera(alias); moera != "" {
			out[cloudMOERA] = canopy.Texts(moera)
		}
	}
	addresses := c.addresses(upn, moera)
	if len(addresses) > 0 {
		out[cloudProxies] = addresses
		if primary := primaryOf(addresses); primary != "" {
			out[cloudMail] = canopy.Texts(primary)
		}
	}
	if errs := conflictValues(c.conflicts); len(errs) > 0 {
		out[cloudErrors] = errs
	}
	return out
}

const roleHeld = "it holds a directory role and is never taken over; take the role away first"

// upn is the sign-in name: as synced when its domain is verified, else the alias under the initial domain. It is
// computed anew only when the synced one changes, or when its domain stops or starts being verified. One that is withheld
// leaves the name that the object had, and a new object with what stood before the @ and four digits.
func (c calculation) upn(alias string) string {
	want := c.now.Text(canopy.AttrUPN)
	prev := c.prev.Text(cloudUPN)
	name, domain, ok := strings.Cut(want, "@")
	_, withheld := c.conflicts[keyUPN+canopy.Fold(want)]
	if ok && !withheld && c.verified(canopy.Fold(domain)) {
		return want
	}
	if withheld && prev != "" && !strings.EqualFold(prev, want) && !c.taken(keyUPN+canopy.Fold(prev)) {
		return prev
	}
	if c.before != nil && prev != "" && c.before.Text(canopy.AttrUPN) == want && strings.HasSuffix(canopy.Fold(prev), "@"+c.initial) &&
		!c.taken(keyUPN+canopy.Fold(prev)) && !(withheld && strings.EqualFold(prev, want)) {
		return prev
	}
	if withheld {
		return c.free(keyUPN, c.plain(name), true)
	}
	return c.free(keyUPN, c.plain(alias), false)
}

// plain is a name with the characters that a sign-in name may have, and the object's id when nothing is left.
func (c calculation) plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if alphanumeric(r) || strings.ContainsRune("'.-_!#^~", r) {
			return r
		}
		return -1
	}, name)
	if name = strings.Trim(name, "."); name == "" {
		name = strings.ReplaceAll(string(c.id), "-", "")
	}
	return name[:min(len(name), maxUPNPrefix-4)]
}

// free is a name under the initial domain that no other object has, with four digits when it must be or when they are
// wanted.
func (c calculation) free(kind, name string, digits bool) string {
	address := name + "@" + c.initial
	for try := 0; digits || c.taken(kind+canopy.Fold(address)); try++ {
		address, digits = fmt.Sprintf("%s%04d@%s", name, c.digits(try), c.initial), false
	}
	return address
}

// moera is the address under the initial domain, which an object gets with its first licence for a mailbox and keeps.
func (c calculation) moera(alias string) string {
	if prev := c.prev.Text(cloudMOERA); prev != "" || !c.licensed {
		return prev
	}
	return c.free(keyAddress, c.plain(alias), false)
}

// digits are four digits that depend on nothing but the object and the number of the try.
func (c calculation) digits(try int) uint32 {
	name := c.anchor
	if name == "" {
		name = string(c.id)
	}
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", name, try) // never fails
	return h.Sum32() % 10000
}

// alias is the first there is of: the synced alias, and what stands before the @ of the primary address, the mail
// address, the sign-in name, a secondary address. Once there is one, only a change of the synced alias changes it.
func (c calculation) alias() string {
	prev, own := c.prev.Text(cloudAlias), c.now.Text(canopy.AttrAlias)
	if c.before != nil && prev != "" && c.before.Text(canopy.AttrAlias) == own {
		return prev
	}
	if own != "" {
		return own
	}
	var primary, secondary string
	for _, a := range c.now[canopy.AttrAddresses] {
		switch address, isPrimary, ok := smtp(a.Str()); {
		case !ok:
		case isPrimary:
			primary = address
		case secondary == "":
			secondary = address
		}
	}
	for _, from := range []string{primary, c.now.Text(canopy.AttrMail), c.now.Text(canopy.AttrUPN), secondary} {
		if name, _, _ := strings.Cut(from, "@"); name != "" {
			return name
		}
	}
	return ""
}

// addresses are the synced ones that the service keeps, with the mail address as the primary one when none is synced. A
// recipient has its sign-in name and its address under the initial domain beside them; the first is the primary one where
// there is no other while the object is licensed, the second afterwards.
func (c calculation) addresses(upn, moera string) canopy.Values {
	var out canopy.Values
	for _, v := range c.now[canopy.AttrAddresses] {
		if c.keeps(v.Str()) {
			out = append(out, v)
		}
	}
	if mail := "SMTP:" + c.now.Text(canopy.AttrMail); primaryOf(out) == "" && wellFormed(mail) && c.keeps(mail) {
		out = promote(out, mail[5:])
	}
	if moera == "" {
		return out
	}
	if c.keeps("smtp:" + upn) {
		switch {
		case c.licensed && primaryOf(out) == "":
			out = promote(out, upn)
		case c.licensed || c.keepsUPN(upn, out):
			out = include(out, upn)
		}
	}
	if primaryOf(out) == "" {
		return promote(out, moera)
	}
	return include(out, moera)
}

// keepsUPN tells whether an object without a licence for a mailbox has its sign-in name among its addresses. It goes with
// the licence where it was the primary address, and is back with the next change of what addresses are made from.
func (c calculation) keepsUPN(upn string, out canopy.Values) bool {
	if primaryOf(out) == "" && strings.EqualFold(c.prev.Text(cloudMail), upn) {
		return false
	}
	for _, name := range []canopy.Attr{canopy.AttrAddresses, canopy.AttrMail, canopy.AttrAlias, canopy.AttrUPN} {
		if c.before == nil || !c.before[name].Equal(c.now[name]) {
			return true
		}
	}
	return has(c.prev[cloudProxies], upn)
}

// keeps tells whether an address is one of the service's: well formed, of a protocol that is kept, not withheld, on no
// reserved domain, and of someone with a mailbox on a verified one.
func (c calculation) keeps(s string) bool {
	if !wellFormed(s) || dropped(s) {
		return false
	}
	address, _, ok := smtp(s)
	if !ok {
		_, withheld := c.conflicts[keyProxy+canopy.Fold(s)]
		return !withheld
	}
	if _, withheld := c.conflicts[keyAddress+canopy.Fold(address)]; withheld {
		return false
	}
	_, domain, _ := strings.Cut(canopy.Fold(address), "@")
	switch {
	case domain == c.coexistence() || domain == c.initial && strings.EqualFold(address, c.now.Text(canopy.AttrUPN)):
		return true
	case c.synced && (strings.HasSuffix(domain, ".onmicrosoft.com") || strings.HasSuffix(domain, ".microsoftonline.com")):
		return false
	}
	return !c.mailbox() || c.verified(domain)
}

// coexistence is the domain that hybrid mail is routed by. It is the tenant's own, and may be synced.
func (c calculation) coexistence() string {
	return strings.TrimSuffix(c.initial, ".onmicrosoft.com") + ".mail.onmicrosoft.com"
}

// sharedDisplays are the recipient display types of mailboxes.
var sharedDisplays = []int64{0, 2, 7, 8, 10, 15, 16, 17, 18, 1073741824, 1073741840}

// mailbox tells whether the object has a mailbox, here or to come: then its addresses must be on verified domains.
func (c calculation) mailbox() bool {
	if c.class != canopy.User {
		return false
	}
	_, remote := c.now.First(attrRemoteType)
	display, has := c.now.First(attrDisplayType)
	return c.licensed || remote || has && slices.Contains(sharedDisplays, display.Num())
}

// has tells whether an SMTP address is among others.
func has(list canopy.Values, address string) bool {
	return slices.ContainsFunc(list, func(v canopy.Value) bool {
		a, _, ok := smtp(v.Str())
		return ok && strings.EqualFold(a, address)
	})
}

// include adds an address as a secondary one, unless it is there.
func include(list canopy.Values, address string) canopy.Values {
	if has(list, address) {
		return list
	}
	return append(list, canopy.Text("smtp:"+address))
}

// promote makes an address the primary one, in its place and spelling when it is there, else before the others.
func promote(list canopy.Values, address string) canopy.Values {
	for i, v := range list {
		if a, _, ok := smtp(v.Str()); ok && strings.EqualFold(a, address) {
			list[i] = canopy.Text("SMTP:" + a)
			return list
		}
	}
	return append(canopy.Texts("SMTP:"+address), list...)
}

// dropped tells whether an address is of a protocol that the service does not keep.
func dropped(s string) bool {
	prefix, _, _ := strings.Cut(s, ":")
	switch canopy.Fold(prefix) {
	case "smtp", "x500", "sip", "eum":
		return false
	}
	return true
}

// smtp takes the prefix off a well-formed SMTP address, and tells whether it is the primary one.
func smtp(s string) (address string, primary, ok bool) {
	if len(s) < 6 || !strings.EqualFold(s[:5], "smtp:") || !wellFormed(s) {
		return "", false, false
	}
	return s[5:], s[:5] == "SMTP:", true
}
