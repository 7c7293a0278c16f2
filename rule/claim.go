package rule

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// ClaimOf gives the claim that a value makes. primary says that it is the object's main one: the address after "SMTP:"
// or without a prefix, and every sign-in name, anchor and alias. ok is false when it claims nothing, as an X500 address.
func ClaimOf(kind canopy.ClaimKind, v canopy.Value) (c canopy.Claim, primary, ok bool) {
	s := v.Str()
	primary = true
	switch kind {
	case canopy.ClaimAnchor:
		return canopy.Claim{Kind: kind, Value: s}, true, s != ""
	case canopy.ClaimAddress:
		if s, primary, ok = smtp(s); !ok {
			return canopy.Claim{}, false, false
		}
	case canopy.ClaimUPN, canopy.ClaimAlias:
	}
	return canopy.Claim{Kind: kind, Value: canopy.Fold(s)}, primary, s != ""
}

// smtp is an SMTP address without its prefix; an address without any prefix is one.
func smtp(s string) (address string, primary, ok bool) {
	prefix, rest, found := strings.Cut(s, ":")
	switch {
	case !found:
		return s, true, strings.Contains(s, "@")
	case !strings.EqualFold(prefix, "smtp"):
		return "", false, false
	}
	return rest, prefix == "SMTP", rest != ""
}

// ClaimsOf are the claims of values, each once.
func ClaimsOf(kind canopy.ClaimKind, vs canopy.Values) []canopy.Claim {
	return addClaims(nil, kind, vs)
}

func addClaims(to []canopy.Claim, kind canopy.ClaimKind, vs canopy.Values) []canopy.Claim {
	for _, v := range vs {
		if c, _, ok := ClaimOf(kind, v); ok && !slices.Contains(to, c) {
			to = append(to, c)
		}
	}
	return to
}

// EntryClaims are the claims that a target's entry holds now, by the outbound flows to its class that claim, each once.
func (s *Set) EntryClaims(kind string, e *canopy.Entry) []canopy.Claim {
	var out []canopy.Claim
	for _, r := range s.outTo(kind, e.Connector, e.Class) {
		for i := range r.Flows {
			f := &r.Flows[i]
			if f.Claim == "" {
				continue
			}
			out = addClaims(out, f.Claim, e.Attrs[f.To])
			for _, a := range f.Held {
				out = addClaims(out, f.Claim, e.Attrs[a])
			}
		}
	}
	if e.SourceAnchor != "" {
		out = addClaims(out, canopy.ClaimAnchor, canopy.Texts(e.SourceAnchor))
	}
	return out
}
