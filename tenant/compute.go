package tenant

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/canopy-sync/canopy"
)

// calculation is what the service's own values of one object depend on.
type calculation struct {
	class  canopy.Class
	id     canopy.Anchor
	anchor string
	synced bool
	// before are the object's values before this change, nil when it is new; now are those after it.
	before, now canopy.Attrs
	// prev are the values computed before this change.
	prev     canopy.Attrs
	initial  string
	verified func(domain string) bool
	// taken tells whether another object signs in with this name, folded.
	taken func(upn string) bool
}

// compute gives the service's own values of an object, shown as cloud... attributes. It decides only; what it gives
// depends on nothing but the calculation.
func compute(c calculation) canopy.Attrs {
	out := canopy.Attrs{
		cloudAnchor: canopy.Texts(strings.ToUpper(string(c.class[:1])) + string(c.class[1:]) + "_" + string(c.id)),
		cloudMaster: {canopy.Bool(!c.synced)},
	}
	if c.anchor != "" {
		out[cloudSource] = canopy.Texts(c.anchor)
	}
	alias := c.alias()
	if alias != "" {
		out[cloudAlias] = canopy.Texts(alias)
	}
	addresses := c.addresses()
	if len(addresses) > 0 {
		out[cloudProxies] = addresses
		for _, a := range addresses {
			if rest, ok := strings.CutPrefix(a.Str(), "SMTP:"); ok {
				out[cloudMail] = canopy.Texts(rest)
			}
		}
	}
	if c.class == canopy.User {
		out[cloudUPN] = canopy.Texts(c.upn(alias))
	}
	return out
}

// upn is the sign-in name: as synced when its domain is verified, else the alias under the initial domain. It is
// computed anew only when the synced one changes, or when its domain stops or starts being verified.
func (c calculation) upn(alias string) string {
	want := c.now.Text(canopy.AttrUPN)
	if _, domain, ok := strings.Cut(want, "@"); ok && c.verified(canopy.Fold(domain)) {
		return want
	}
	prev := c.prev.Text(cloudUPN)
	if c.before != nil && prev != "" && c.before.Text(canopy.AttrUPN) == want && strings.HasSuffix(canopy.Fold(prev), "@"+c.initial) &&
		!c.taken(canopy.Fold(prev)) {
		return prev
	}
	name := strings.Map(func(r rune) rune {
		if alphanumeric(r) || strings.ContainsRune("'.-_!#^~", r) {
			return r
		}
		return -1
	}, alias)
	if name = strings.Trim(name, "."); name == "" {
		name = strings.ReplaceAll(string(c.id), "-", "")
	}
	name = name[:min(len(name), maxUPNPrefix-4)]
	upn := name + "@" + c.initial
	for try := 0; c.taken(canopy.Fold(upn)); try++ {
		upn = fmt.Sprintf("%s%04d@%s", name, c.digits(try), c.initial)
	}
	return upn
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

// addresses are the synced ones without the malformed, those on reserved domains and those of dropped protocols, and
// with the mail address as the primary one when none is synced.
func (c calculation) addresses() canopy.Values {
	var out canopy.Values
	primary, hasMail := false, false
	mail := c.now.Text(canopy.AttrMail)
	for _, v := range c.now[canopy.AttrAddresses] {
		s := v.Str()
		if !wellFormed(s) || dropped(s) || c.reserved(s) {
			continue
		}
		if address, isPrimary, ok := smtp(s); ok {
			primary = primary || isPrimary
			hasMail = hasMail || strings.EqualFold(address, mail)
		}
		out = append(out, v)
	}
	if primary || !wellFormed("SMTP:"+mail) {
		return out
	}
	if !hasMail {
		return append(canopy.Texts("SMTP:"+mail), out...)
	}
	for i, v := range out {
		if address, _, ok := smtp(v.Str()); ok && strings.EqualFold(address, mail) {
			out[i] = canopy.Text("SMTP:" + address)
			break
		}
	}
	return out
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

// reserved tells whether an SMTP address is on a domain that only the service gives addresses on. The tenant's own
// coexistence domain may be synced.
func (c calculation) reserved(s string) bool {
	address, _, ok := smtp(s)
	if !ok || !c.synced {
		return false
	}
	_, domain, _ := strings.Cut(canopy.Fold(address), "@")
	return (strings.HasSuffix(domain, ".onmicrosoft.com") || strings.HasSuffix(domain, ".microsoftonline.com")) &&
		domain != strings.TrimSuffix(c.initial, ".onmicrosoft.com")+".mail.onmicrosoft.com"
}

// smtp takes the prefix off a well-formed SMTP address, and tells whether it is the primary one.
func smtp(s string) (address string, primary, ok bool) {
	if len(s) < 6 || !strings.EqualFold(s[:5], "smtp:") || !wellFormed(s) {
		return "", false, false
	}
	return s[5:], s[:5] == "SMTP:", true
}
