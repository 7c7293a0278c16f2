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

// claimsOf are the claims of an object with these values, synced and computed, each key once.
func claimsOf(class canopy.Class, attrs, cloud canopy.Attrs) []claim {
	var out []claim
	add := func(kind string, attr canopy.Attr, text string) {
		key := kind + canopy.Fold(text)
		for _, c := range out {
			if c.key == key {
				return
			}
		}
		if text != "" {
			out = append(out, claim{key: key, attr: attr, text: text})
		}
	}
	if class == canopy.User {
		add(keyUPN, canopy.AttrUPN, attrs.Text(canopy.AttrUPN))
		add(keyUPN, canopy.AttrUPN, cloud.Text(cloudUPN))
	}
	primary := ""
	for _, v := range attrs[canopy.AttrAddresses] {
		address, isPrimary, ok := smtp(v.Str())
		switch {
		case ok:
			add(keyAddress, canopy.AttrAddresses, address)
			if isPrimary {
				primary = address
			}
		case wellFormed(v.Str()):
			add(keyProxy, canopy.AttrAddresses, v.Str())
		}
	}
	mail := attrs.Text(canopy.AttrMail)
	add(keyAddress, canopy.AttrMail, mail)
	if primary == "" {
		primary = mail
	}
	add(keyPrimary, canopy.AttrAddresses, primary)
	add(keySID, attrSID, attrs.Text(attrSID))
	add(keyAlias, canopy.AttrAlias, attrs.Text(canopy.AttrAlias))
	add(keyAccount, attrSamAccount, attrs.Text(attrSamAccount))
	return append(out, claim{key: nameKey(class, attrs.Text(canopy.AttrDisplayName)), attr: canopy.AttrDisplayName})
}

// primaryOf is the synced primary SMTP address, "" when there is none.
func primaryOf(attrs canopy.Attrs) string {
	for _, v := range attrs[canopy.AttrAddresses] {
		if address, primary, ok := smtp(v.Str()); ok && primary {
			return address
		}
	}
	return ""
}

// nameKey is the key under which an object stands in the order of names.
func nameKey(class canopy.Class, name string) string {
	return keyName + string(class) + ":" + canopy.Fold(name)
}
