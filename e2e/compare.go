package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Compare tells, a line each, where a tenant differs from what is wanted. got are the tenant's objects as full images of
// its native door; objects without a source anchor are its own and not compared.
func Compare(want map[string]Wanted, got []canopy.Change) (differences []string) {
	say := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	byAnchor := map[canopy.Anchor]string{} // source anchors
	for _, c := range got {
		byAnchor[c.Anchor] = cmp.Or(c.Attrs.Text(canopy.AttrSourceAnchor), "the tenant's own "+string(c.Anchor))
	}
	seen := map[string]bool{}
	for _, c := range got {
		anchor := c.Attrs.Text(canopy.AttrSourceAnchor)
		if anchor == "" {
			continue
		}
		w, ok := want[anchor]
		switch {
		case seen[anchor]:
			say("%s %s: there are two with the source anchor %s", c.Class, label(c), anchor)
		case !ok:
			say("%s %s: is in the tenant and should not be", c.Class, label(c))
		default:
			for _, d := range w.differs(c, byAnchor) {
				say("%s: %s", w, d)
			}
		}
		seen[anchor] = true
	}
	for _, anchor := range slices.Sorted(maps.Keys(want)) {
		if !seen[anchor] {
			say("%s: is missing", want[anchor])
		}
	}
	slices.Sort(differences)
	return differences
}

func label(c canopy.Change) string {
	return cmp.Or(c.Attrs.Text(canopy.AttrUPN), c.Attrs.Text(canopy.AttrMail), c.Attrs.Text(canopy.AttrDisplayName), string(c.Anchor))
}

// differs compares one object.
func (w Wanted) differs(c canopy.Change, byAnchor map[canopy.Anchor]string) (all []string) {
	refs := func(attr canopy.Attr) (anchors []string) {
		for _, r := range c.Links[attr].Added {
			anchors = append(anchors, cmp.Or(byAnchor[r.Anchor], "unknown "+string(r.Anchor)))
		}
		return anchors
	}
	one := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	for _, x := range []struct {
		attr      canopy.Attr
		got, want []string
	}{
		{"class", one(string(c.Class)), one(string(w.Class))},
		{canopy.AttrUPN, c.Attrs[canopy.AttrUPN].Strings(), one(w.UPN)},
		{canopy.AttrMail, c.Attrs[canopy.AttrMail].Strings(), one(w.Mail)},
		{canopy.AttrDisplayName, c.Attrs[canopy.AttrDisplayName].Strings(), one(w.DisplayName)},
		{canopy.AttrAddresses, c.Attrs[canopy.AttrAddresses].Strings(), w.Addresses},
		{canopy.AttrAccountEnabled, c.Attrs[canopy.AttrAccountEnabled].Strings(), one(w.Enabled)},
		{canopy.AttrManager, refs(canopy.AttrManager), one(w.Manager)},
		{canopy.AttrMember, refs(canopy.AttrMember), w.Members},
	} {
		got, want := slices.Sorted(slices.Values(x.got)), slices.Sorted(slices.Values(x.want))
		if !slices.Equal(got, want) {
			all = append(all, fmt.Sprintf("%s: the tenant has %s, wanted %s", x.attr, extra(got, want), extra(want, got)))
		}
	}
	return all
}

// extra shows what of a is not in b, and how many the others are.
func extra(a, b []string) string {
	more := slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	rest := ""
	if n := len(a) - len(more); n > 0 {
		rest = fmt.Sprintf(" and %d that agree", n)
	}
	if len(more) > 5 {
		return fmt.Sprintf("%q, %d more%s", more[:5], len(more)-5, rest)
	}
	return fmt.Sprintf("%q%s", more, rest)
}

// String names a wanted object for people.
func (w Wanted) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", w.Class, cmp.Or(w.UPN, w.Mail, w.DisplayName, w.Anchor)))
}
