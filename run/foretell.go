package run

import (
	"maps"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/engine"
	"github.com/canopy-sync/canopy/tenant"
)

// Computed is a value that the tenant makes of what it is given.
type Computed struct {
	Attr   canopy.Attr   `json:"attribute"`
	Values canopy.Values `json:"values"`
	Shows  canopy.Values `json:"shows,omitempty"` // as of the last import, where that is read
}

// computed says what the tenant would compute of an object once it holds what is desired.
func (l *Local) computed(t *engine.TargetTrace, entries []*canopy.Entry) []Computed {
	known := l.values(&l.Target)
	if !t.Wanted || t.Connector != l.Target.ID || known["Tenant.Initial"] == "" {
		return nil
	}
	f := tenant.Foretold{Class: t.Class, Anchor: t.Anchor, Now: canopy.Attrs{}, Initial: known["Tenant.Initial"], Domains: strings.Fields(known[tenant.DomainsValue])}
	if at := slices.IndexFunc(entries, func(e *canopy.Entry) bool { return e.ID == t.Entry && t.Entry != 0 }); at >= 0 {
		f.ID, f.Before = entries[at].Anchor, entries[at].Attrs
		maps.Copy(f.Now, entries[at].Attrs)
	}
	for _, a := range t.Attrs {
		if a.Authority || len(a.Desired) == 0 && a.Note != "" {
			continue // it stays as it is
		}
		f.Now[a.Attr] = a.Desired
	}
	var out []Computed
	for name, v := range tenant.Foretell(f) {
		out = append(out, Computed{Attr: name, Values: v, Shows: f.Before[name]})
	}
	slices.SortFunc(out, func(a, b Computed) int { return strings.Compare(string(a.Attr), string(b.Attr)) })
	return out
}
