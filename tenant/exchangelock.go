package tenant

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// exchanges are the attributes that belong to the cloud while it manages the Exchange attributes of a mailbox, beside those
// whose names say so.
var exchanges = attrSet(`alias mail proxyAddresses targetAddress legacyExchangeDN
	extensionAttribute1 extensionAttribute2 extensionAttribute3 extensionAttribute4 extensionAttribute5
	extensionAttribute6 extensionAttribute7 extensionAttribute8 extensionAttribute9 extensionAttribute10
	extensionAttribute11 extensionAttribute12 extensionAttribute13 extensionAttribute14 extensionAttribute15
	altRecipient authOrig unauthOrig dLMemRejectPerms dLMemSubmitPerms publicDelegates`)

func attrSet(names string) map[canopy.Attr]bool {
	m := map[canopy.Attr]bool{}
	for _, n := range strings.Fields(names) {
		m[canopy.Attr(n)] = true
	}
	return m
}

// Exchanges tells whether an attribute is Exchange's: the cloud may come to manage it by itself.
func Exchanges(name canopy.Attr) bool {
	return exchanges[name] || strings.HasPrefix(string(name), "msExch")
}

// ofExchange tells whether an export changes links that belong to Exchange.
func ofExchange(e *canopy.Export) bool {
	for name := range e.Links {
		if Exchanges(name) {
			return true
		}
	}
	return false
}

// exchangeLock refuses an export that changes Exchange attributes which the cloud manages. What is so already is no change.
func exchangeLock(e *canopy.Export, r *record) error {
	if !r.synced || len(r.cloud.attrs[cloudExchange]) == 0 {
		return nil
	}
	var names []string
	for name, v := range e.Set {
		if Exchanges(name) && !r.own.attrs[name].Equal(distinct(v)) {
			names = append(names, string(name))
		}
	}
	for _, name := range e.Clear {
		if Exchanges(name) && len(r.own.attrs[name]) > 0 {
			names = append(names, string(name))
		}
	}
	for name, c := range e.Links {
		if Exchanges(name) && len(c.Added)+len(c.Removed) > 0 {
			names = append(names, string(name))
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return refuse(CodeExchange, canopy.Attr(names[0]), "the cloud manages the Exchange attributes of %s (isExchangeCloudManaged); the forest's %s do not count",
		r.name(), strings.Join(names, ", "))
}
