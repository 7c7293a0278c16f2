package rule

import (
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// The beginnings of key names; the attribute of the metaverse, or the match's name, follows. Keys of criteria whose
// case counts end with exactSuffix, and their values are not folded.
const (
	offerPrefix = "offer:"
	askPrefix   = "ask:"
	metaPrefix  = "meta:"
	matchPrefix = "match:"
	exactSuffix = "/exact"
)

// joinAttr is a metaverse attribute that a join criterion names.
type joinAttr struct {
	attr  canopy.Attr
	exact bool
}

func (j joinAttr) key(prefix string, v canopy.Value) canopy.Key {
	if j.exact {
		return canopy.Key{Name: prefix + string(j.attr) + exactSuffix, Value: v.Str()}
	}
	return canopy.Key{Name: prefix + string(j.attr), Value: strings.TrimSpace(canopy.Fold(v.Str()))}
}

// keys adds the keys of all values that are not empty, each once.
func (j joinAttr) keys(to []canopy.Key, prefix string, vs canopy.Values) []canopy.Key {
	for _, v := range vs {
		if k := j.key(prefix, v); k.Value != "" && !slices.Contains(to, k) {
			to = append(to, k)
		}
	}
	return to
}

// Scoped is what the inbound rules together say about one entry.
type Scoped struct {
	// In: at least one rule that Joins() has the entry in its scope. The others only ride on it.
	In bool
	// Rules are those in scope, by precedence; nil when not In.
	Rules []*Rule
	// Provision is the first rule of link type Provision in scope, nil when there is none.
	Provision *Rule
	// Join is the rule whose criteria join the entry, nil when there is none.
	Join *Rule
	// Silent: no rule in scope has a flow. The entry joins only to be pointed at, and does not count when two entries
	// of one connector meet at one meta (a foreign security principal beside the person's own account).
	Silent bool
	Why    string // for people: what decided, when not In
}

// Scope tells which inbound rules apply to an entry's object.
func (s *Set) Scope(kind string, id canopy.ConnectorID, o *Object) (Scoped, error) {
	rules := s.In(kind, id, o.Class)
	out := Scoped{Silent: true, Rules: make([]*Rule, 0, len(rules))}
	for _, r := range rules {
		ok, why, err := r.InScope(o)
		if err != nil {
			return Scoped{}, err
		}
		if !ok {
			if out.Why == "" && r.Joins() {
				out.Why = why
			}
			continue
		}
		out.Rules = append(out.Rules, r)
		out.Silent = out.Silent && len(r.Flows) == 0
		out.In = out.In || r.Joins()
		if out.Provision == nil && r.Link == Provision {
			out.Provision = r
		}
		if out.Join == nil && len(r.Join) > 0 {
			out.Join = r
		}
	}
	if !out.In {
		if out.Why == "" {
			out.Why = "no rule takes objects of class " + string(o.Class)
		}
		return Scoped{Why: out.Why}, nil
	}
	out.Why = ""
	return out, nil
}

// Ask is one group of join criteria as keys: all must hit the same party.
type Ask struct {
	Rule *Rule
	Keys []canopy.Key // "ask:mail"
	Text string       // "mail = anna@contoso.com"
}

// Offers are the values under which other entries may join this one: what its own flows give for the metaverse
// attributes that join criteria name. None when it is out of scope.
func (s *Set) Offers(kind string, id canopy.ConnectorID, o *Object) ([]canopy.Key, error) {
	sc, err := s.Scope(kind, id, o)
	if err != nil {
		return nil, err
	}
	return s.offers(sc, o)
}

func (s *Set) offers(sc Scoped, o *Object) ([]canopy.Key, error) {
	var out []canopy.Key
	if sc.Silent {
		return nil, nil
	}
	for _, j := range s.joins {
		vs, err := contributed(sc.Rules, j.attr, o)
		if err != nil {
			return out, err
		}
		out = j.keys(out, offerPrefix, vs)
	}
	return out, nil
}

// contributed are the values that an object's own flows give for a metaverse attribute.
func contributed(rules []*Rule, to canopy.Attr, o *Object) (canopy.Values, error) {
	for _, r := range rules {
		for _, i := range r.fills[to] {
			out, err := r.Flows[i].Eval(o)
			if err != nil {
				return nil, err
			}
			switch out.Kind {
			case Contributes:
				return out.Values, nil
			case AuthoritativeNull:
				return nil, nil
			case Nothing, Ignore:
			}
		}
	}
	return nil, nil
}

// Asks are the object's join criteria, in order; groups for which it lacks a value are left out. None when it is out of
// scope.
func (s *Set) Asks(kind string, id canopy.ConnectorID, o *Object) ([]Ask, error) {
	sc, err := s.Scope(kind, id, o)
	if err != nil {
		return nil, err
	}
	return asks(sc, o), nil
}

func asks(sc Scoped, o *Object) []Ask {
	var out []Ask
	for _, r := range sc.Rules {
		for _, group := range r.Join {
			out = append(out, askGroup(r, group, o)...)
		}
	}
	return out
}

// maxAsks bounds what an attribute with very many values can ask.
const maxAsks = 1000

// askGroup is a group of criteria for one object. Where an attribute has several values, each makes a group of its own.
func askGroup(r *Rule, group []JoinOn, o *Object) []Ask {
	out := []Ask{{Rule: r}}
	for _, on := range group {
		var next []Ask
		for _, a := range out {
			for _, v := range o.Attrs[on.Source] {
				k := joinAttr{on.Target, on.CaseSensitive}.key(askPrefix, v)
				if k.Value == "" || len(next) == maxAsks {
					continue
				}
				text := string(on.Source) + " = " + v.Str()
				if on.Source != on.Target {
					text = string(on.Source) + " = " + string(on.Target) + " = " + v.Str()
				}
				if a.Text != "" {
					text = a.Text + ", " + text
				}
				next = append(next, Ask{Rule: r, Keys: append(slices.Clone(a.Keys), k), Text: text})
			}
		}
		out = next
	}
	return out
}

// MetaKeys are the keys under which a meta is found when joining.
func (s *Set) MetaKeys(m *canopy.Meta) []canopy.Key {
	var out []canopy.Key
	for _, j := range s.joins {
		out = j.keys(out, metaPrefix, m.Attrs[j.attr].Values)
	}
	return out
}

// EntryKeys are the keys that an imported entry is kept under: what it offers and asks in a source's space, how it is
// matched in a target's. With an error the keys are those that could be computed.
func (s *Set) EntryKeys(kind string, e *canopy.Entry, params map[string]string) ([]canopy.Key, error) {
	if e.State == canopy.OutOfScope || e.State == canopy.Gone {
		return nil, nil
	}
	out := s.matchesOf(kind, e)
	if len(s.In(kind, e.Connector, e.Class)) == 0 {
		return out, nil
	}
	o := EntryObject(e, params)
	sc, err := s.Scope(kind, e.Connector, o)
	if err != nil || !sc.In {
		return out, err
	}
	offers, err := s.offers(sc, o)
	out = append(out, offers...)
	for _, a := range asks(sc, o) {
		for _, k := range a.Keys {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out, err
}

// matchesOf are the match keys of a target's entry.
func (s *Set) matchesOf(kind string, e *canopy.Entry) []canopy.Key {
	var out []canopy.Key
	for _, r := range s.outTo(kind, e.Connector, e.Class) {
		for _, m := range r.Match {
			out = m.keys(out, e.Attrs[m.Of])
			for _, a := range m.Also {
				out = m.keys(out, e.Attrs[a])
			}
			if m.Name == string(canopy.ClaimAnchor) && e.SourceAnchor != "" {
				out = m.keys(out, canopy.Texts(e.SourceAnchor))
			}
		}
	}
	return out
}

// MatchKeys are the keys under which a target may hold a meta's object already, in order; o is the meta.
func (r *Rule) MatchKeys(o *Object) []canopy.Key {
	var out []canopy.Key
	for _, m := range r.Match {
		out = m.keys(out, o.Attrs[m.From])
	}
	return out
}

// keys adds the match keys of values: of addresses the primary one alone.
func (m *MatchKey) keys(to []canopy.Key, vs canopy.Values) []canopy.Key {
	for _, v := range vs {
		c, primary, ok := ClaimOf(canopy.ClaimKind(m.Name), v)
		k := canopy.Key{Name: matchPrefix + m.Name, Value: c.Value}
		if ok && primary && !slices.Contains(to, k) {
			to = append(to, k)
		}
	}
	return to
}
