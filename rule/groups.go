package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/canopy-sync/canopy"
)

// Groups are the DNs of the groups that the scopes of the rules for one connector ask members of, with what the
// connector gives in the place of parameters; each once.
func (s *Set) Groups(kind string, id canopy.ConnectorID, given map[string]string) []string {
	var out []string
	for _, r := range s.rules {
		if r.Disabled || r.Direction != In || r.Connector != kind && r.Connector != string(id) {
			continue
		}
		for _, group := range r.Scope {
			for i := range group {
				c := &group[i]
				if c.op != IsMemberOf {
					continue
				}
				dn, err := fill(c.Values[0], given)
				if err != nil {
					continue // no object of the rule can be evaluated, which says so
				}
				if dn = tightDN(dn); !slices.Contains(out, dn) {
					out = append(out, dn)
				}
			}
		}
	}
	return out
}

// KeysHash changes when entries and metas may have other keys and claims: see EntryKeys, EntryClaims and MetaKeys.
func (s *Set) KeysHash() string {
	type keyed struct {
		ID        canopy.RuleID
		Connector string
		Source    []canopy.Class
		Target    canopy.Class
		Link      LinkType
		Dialect   string
		Scope     [][]Condition
		Join      [][]JoinOn
		Match     []MatchKey
		Flows     []Flow
	}
	h := sha256.New()
	for _, r := range s.rules {
		if r.Disabled {
			continue
		}
		k := keyed{ID: r.ID, Connector: r.Connector, Target: r.Target, Match: r.Match}
		if r.Direction == In {
			k.Source, k.Link, k.Dialect, k.Scope, k.Join = r.Source, r.Link, r.Dialect, r.Scope, r.Join
		}
		for _, f := range r.Flows {
			f.Line = 0
			switch {
			case r.Direction == Out && f.Claim != "":
				k.Flows = append(k.Flows, Flow{To: f.To, Claim: f.Claim, Held: f.Held})
			case r.Direction == In && slices.ContainsFunc(s.joins, func(j joinAttr) bool { return j.attr == f.To }):
				k.Flows = append(k.Flows, f)
			}
		}
		b, err := json.Marshal(k)
		if err != nil {
			panic(err) // a rule is plain data
		}
		h.Write(append(b, '\n'))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
