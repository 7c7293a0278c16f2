package rule

import "github.com/canopy-sync/canopy"

// KnownMeta is the type of a metaverse attribute in the list of names.
func KnownMeta(a canopy.Attr) (canopy.Type, bool) { return known(meta, a) }

// KnownAD is the type of a forest's attribute in the list of names.
func KnownAD(a canopy.Attr) (canopy.Type, bool) { return known(adKind, a) }

func known(side string, a canopy.Attr) (canopy.Type, bool) {
	x := readNames(attributeList)[side][canopy.Fold(string(a))]
	return x.kind, x.multi
}
