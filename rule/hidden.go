package rule

import (
	"github.com/canopy-sync/canopy"
)

// Redacted stands, for people, in the place of values that Redact keeps out of what is shown.
var Redacted = canopy.Values{canopy.Text("[Redact]")}

// Hidden are the attributes of a side ("ad", "tenant", "meta") whose values are not shown: those that an expression with
// Redact fills, those that these go on to, and those that it reads. The caller must not change the map.
func (s *Set) Hidden(side string) map[canopy.Attr]bool { return s.hidden[side] }

// Secret tells whether the flow's values are not to be shown.
func (f *Flow) Secret() bool { return f.program != nil && f.program.Secret() }

// hide finds what is not to be shown: first what inbound rules fill, then where it goes.
func (s *Set) hide() {
	s.hidden = map[string]map[canopy.Attr]bool{}
	for _, d := range []Direction{In, Out} {
		for _, r := range s.rules {
			if r.Direction != d || r.Disabled {
				continue
			}
			from, to := sidesOf(r)
			for i := range r.Flows {
				f := &r.Flows[i]
				reads := []canopy.Attr{f.From}
				if f.program != nil {
					for _, a := range f.program.Attrs() {
						reads = append(reads, canopy.Attr(a))
					}
				}
				secret := f.Secret()
				for _, a := range reads {
					secret = secret || d == Out && s.hidden[from][a]
				}
				if !secret {
					continue
				}
				s.hideOne(to, f.To)
				for _, a := range reads {
					if f.Secret() && a != attrDN && a != attrRDN {
						s.hideOne(from, a)
					}
				}
			}
		}
	}
	delete(s.hidden[adKind], "")
	delete(s.hidden[tenantKind], "")
	delete(s.hidden[meta], "")
}

func (s *Set) hideOne(side string, a canopy.Attr) {
	if s.hidden[side] == nil {
		s.hidden[side] = map[canopy.Attr]bool{}
	}
	s.hidden[side][a] = true
}
