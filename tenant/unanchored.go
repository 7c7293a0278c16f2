package tenant

import "github.com/canopy-sync/canopy"

// unanchored finds the synchronised object that an Add means and whose source anchor nobody knows, which is so in a twin of a tenant
// that did not tell it: by security identifier, else by primary address. nil when there is none.
func (x *tx) unanchored(e *canopy.Export) (*record, error) {
	if !x.conf.Unanchored {
		return nil, nil
	}
	primary := primaryOf(e.Set[canopy.AttrAddresses])
	if primary == "" {
		primary = e.Set.Text(canopy.AttrMail)
	}
	claims := []claim{{key: keySID + canopy.Fold(e.Set.Text(attrSID))}, {key: keyPrimary + canopy.Fold(primary)}}
	holders, err := x.holdersOf(claims)
	if err != nil {
		return nil, err
	}
	for _, c := range claims {
		for _, h := range holders[c.key] {
			if h.synced && h.anchor == "" && h.class == e.Class {
				return x.byNumber(h.id)
			}
		}
	}
	return nil, nil
}
