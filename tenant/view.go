package tenant

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
)

// cursor is how far the feed has been read.
type cursor struct {
	Tenant string `json:"tenant"`
	View   string `json:"view"` // what was asked for; another view reads everything again
	Seq    int64  `json:"seq"`
	// First is set while the first read of everything is under way. Reading on from there gives the rest, and all
	// that was removed, but is no complete image any more.
	First bool `json:"first,omitempty"`
}

// view is what is wanted of each object.
type view struct {
	classes map[canopy.Class]bool // nil: all
	attrs   map[canopy.Attr]bool  // nil: all
	groups  []canopy.Anchor       // their members only; empty: everybody
	hash    string
}

func viewOf(s canopy.Scope, classes []canopy.Class, attrs []canopy.Attr) view {
	v := view{groups: s.Groups}
	for _, c := range classes {
		if c != canopy.Container {
			if v.classes == nil {
				v.classes = map[canopy.Class]bool{}
			}
			v.classes[c] = true
		}
	}
	for _, a := range attrs {
		if v.attrs == nil {
			v.attrs = map[canopy.Attr]bool{}
		}
		v.attrs[a] = true
	}
	h := fnv.New64a()
	for _, c := range slices.Sorted(maps.Keys(v.classes)) {
		_, _ = fmt.Fprintln(h, c) // never fails
	}
	_, _ = fmt.Fprintln(h)
	for _, a := range slices.Sorted(maps.Keys(v.attrs)) {
		_, _ = fmt.Fprintln(h, a)
	}
	_, _ = fmt.Fprintln(h, slices.Sorted(slices.Values(v.groups)))
	v.hash = hex.EncodeToString(h.Sum(nil))
	return v
}

func (v view) wants(a canopy.Attr) bool       { return v.attrs == nil || v.attrs[a] }
func (v view) wantsClass(c canopy.Class) bool { return v.classes == nil || v.classes[c] }
