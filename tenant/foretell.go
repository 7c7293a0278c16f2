package tenant

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// DomainsValue is the name under which a description tells the verified domains, with blanks between them.
const DomainsValue = "Tenant.Domains"

// Foretold is an object as synchronisation would leave it.
type Foretold struct {
	Class   canopy.Class
	ID      canopy.Anchor // "": it is not made yet
	Anchor  string
	Before  canopy.Attrs // as it is now, with what was computed; nil when it is not made yet
	Now     canopy.Attrs // as it would be
	Initial string
	Domains []string // the verified ones
}

// Foretell gives what the service would compute of an object without a licence for a mailbox, as far as no other object is in
// its way. It asks no file.
func Foretell(f Foretold) canopy.Attrs {
	own := func(attrs canopy.Attrs) canopy.Attrs {
		out := canopy.Attrs{}
		for name, v := range attrs {
			if a, ok := attributeOf(f.Class, name); ok && !a.readOnly {
				out[name] = v
			}
		}
		return out
	}
	c := calculation{class: f.Class, id: f.ID, anchor: f.Anchor, synced: true, now: own(f.Now), prev: f.Before, initial: f.Initial,
		verified: func(domain string) bool {
			return slices.ContainsFunc(f.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
		},
		taken: func(string) bool { return false }}
	if f.Before != nil {
		c.before = own(f.Before)
	}
	return compute(c)
}
