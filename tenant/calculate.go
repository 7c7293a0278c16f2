package tenant

import (
	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/check"
)

// ofForest are the attributes that the computation reads, with the names that a forest has for them where it has others.
var ofForest = map[canopy.Attr]canopy.Attr{canopy.AttrAlias: "mailNickname"}

// Calculate is what a tenant would make of an object of a forest that is new to it and has no licence yet. Attributes are
// those of the forest. It asks no tenant, so that it knows of nobody who has a value already.
func Calculate(initial string, verified func(domain string) bool, class canopy.Class, attrs canopy.Attrs) check.Cloud {
	now := canopy.Attrs{}
	for _, name := range []canopy.Attr{canopy.AttrUPN, canopy.AttrMail, canopy.AttrAddresses, canopy.AttrAlias, attrRemoteType, attrDisplayType} {
		from := name
		if other, ok := ofForest[name]; ok {
			from = other
		}
		if v := attrs[from]; len(v) > 0 {
			now[name] = v
		}
	}
	c := calculation{class: class, synced: true, now: now, initial: canopy.Fold(initial), verified: verified, taken: func(string) bool { return false }}
	alias := c.alias()
	out := check.Cloud{Alias: alias}
	if class == canopy.User {
		out.UPN = c.upn(alias)
	}
	out.Addresses = c.addresses(out.UPN, "")
	out.Mail = primaryOf(out.Addresses)
	return out
}
