package tenant

import (
	"strings"

	"github.com/canopy-sync/canopy"
)

// claim is a name under which an object is found, and which, for most kinds, no other may have.
type claim struct {
	key  string // kind and value: "address:anna@contoso.com"
	attr canopy.Attr
	text string // the value as it was written
}

// The kinds of claim.
const (
	keyUPN     = "upn:"     // sign-in names, synced and computed
	keyAddress = "address:" // SMTP addresses, the mail address included
	keyProxy   = "proxy:"   // addresses of other protocols
	keyPrimary = "primary:" // the primary SMTP address, by which a soft match is made
	keySID     = "sid:"
	keyAlias   = "alias:" // found by, not unique
	keyAccount = "account:"
	keyName    = "name:" // class and display name, also an empty one: the order of a list by name
)

// unique tells whether no other object may have the claim under a policy.
func (c claim) unique(p Policy) bool {
	kind, _, _ := strings.Cut(c.key, ":")
	switch kind + ":" {
	case keyUPN, keySID:
		return true
	case keyAddress, keyProxy:
		return p != UniqueNone
	}
	return false
}

// claimsOf are the claims of an object with these values, synced and computed, each key once. Addresses that the service
// left out are not claimed; before it has computed any (nil), all are.
func claimsOf(class canopy.Class, attrs, cloud canopy.Attrs) []claim {
	var out []claim
	withheld := conflictsOf(cloud)
	add := func(kind string, attr canopy.Attr, text string) {
		key := kind + canopy.Fold(text)
		for _, c := range out {
			if c.key == key {
				return
			}
		}
		if _, no := withheld[key]; text != "" && !no {
			out = append(out, claim{key: key, attr: attr, text: text})
		}
	}
	if class == canopy.User {
		add(keyUPN, canopy.AttrUPN, attrs.Text(canopy.AttrUPN))
		add(keyUPN, canopy.AttrUPN, cloud.Text(cloudUPN))
	}
	addresses := cloud[cloudProxies]
	if cloud == nil {
		addresses = attrs[canopy.AttrAddresses]
	}
	for _, v := range addresses {
		if address, _, ok := smtp(v.Str()); ok {
			add(keyAddress, canopy.AttrAddresses, address)
		} else if wellFormed(v.Str()) {
			add(keyProxy, canopy.AttrAddresses, v.Str())
		}
	}
	mail := attrs.Text(canopy.AttrMail)
	add(keyAddress, canopy.AttrMail, mail)
	primary := primaryOf(addresses)
	if primary == "" {
		primary = mail
	}
	if _, no := withheld[keyAddress+canopy.Fold(primary)]; !no {
		add(keyPrimary, canopy.AttrAddresses, primary)
	}
	add(keySID, attrSID, attrs.Text(attrSID))
	add(keyAlias, canopy.AttrAlias, attrs.Text(canopy.AttrAlias))
	add(keyAccount, attrSamAccount, attrs.Text(attrSamAccount))
	return append(out, claim{key: nameKey(class, attrs.Text(canopy.AttrDisplayName)), attr: canopy.AttrDisplayName})
}

// primaryOf is the primary SMTP address among some, "" when there is none; the last one where there are several.
func primaryOf(addresses canopy.Values) string {
	primary := ""
	for _, v := range addresses {
		if address, is, ok := smtp(v.Str()); ok && is {
			primary = address
		}
	}
	return primary
}

// nameKey is the key under which an object stands in the order of names.
func nameKey(class canopy.Class, name string) string {
	return keyName + string(class) + ":" + canopy.Fold(name)
}
