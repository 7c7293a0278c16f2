package rule

import (
	_ "embed" // the list of names
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
)

//go:embed attributes.txt
var attributeList string

// The pseudo attributes of scopes and flows: an object's DN, and the first component of it as it is written there.
const (
	attrDN  canopy.Attr = "dn"
	attrRDN canopy.Attr = "rdn"
)

// The sides that attribute names belong to, beside the connector kinds.
const meta = "meta"

// attribute is what is known of an attribute's name.
type attribute struct {
	name  canopy.Attr
	kind  canopy.Type
	multi bool
}

// names are the known attributes of each side, by folded name.
type names map[string]map[string]attribute

var listTypes = map[string]canopy.Type{"text": canopy.String, "number": canopy.Integer, "truth": canopy.Boolean, "time": canopy.Time,
	"octets": canopy.Binary, "link": canopy.Reference}

func readNames(list string) names {
	n := names{}
	for line := range strings.Lines(list) {
		head, rest, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		side, kind, _ := strings.Cut(head, " ")
		if n[side] == nil {
			n[side] = map[string]attribute{}
		}
		single := strings.TrimSuffix(kind, "*")
		for _, a := range strings.Fields(rest) {
			n[side][canopy.Fold(a)] = attribute{name: canopy.Attr(a), kind: listTypes[single], multi: single != kind}
		}
	}
	return n
}

// of finds an attribute, in whatever case it is written.
func (n names) of(side string, a canopy.Attr) (attribute, bool) {
	x, ok := n[side][canopy.Fold(string(a))]
	return x, ok
}

// like is a known name that differs little from a, "" when none does.
func (n names) like(side string, a canopy.Attr) canopy.Attr {
	all := make([]string, 0, len(n[side]))
	for _, x := range n[side] {
		all = append(all, string(x.name))
	}
	slices.Sort(all)
	return canopy.Attr(expr.Nearest(string(a), all))
}
