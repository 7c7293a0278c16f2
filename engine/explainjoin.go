package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// ClauseTrace is one condition of a scoping filter, as an object meets it.
type ClauseTrace struct {
	Attr      canopy.Attr   `json:"attribute"`
	Condition string        `json:"condition"`
	Values    canopy.Values `json:"values,omitempty"` // of its attribute
	Holds     bool          `json:"holds"`
	Error     string        `json:"error,omitempty"`
}

// JoinTrace is one group of join criteria of an entry, with whom it finds.
type JoinTrace struct {
	Rule canopy.RuleID  `json:"rule"`
	On   string         `json:"on"`
	Hits []canopy.Party `json:"hits,omitempty"`
}

// clauses are the conditions of a rule's scope, as an object meets them.
func clauses(r *rule.Rule, obj *rule.Object) [][]ClauseTrace {
	var out [][]ClauseTrace
	for i, group := range r.Truths(obj) {
		list := make([]ClauseTrace, len(group))
		for k, t := range group {
			list[k] = ClauseTrace{Attr: r.Scope[i][k].Attr, Condition: t.Condition, Values: t.Values, Holds: t.Holds}
			if t.Err != nil {
				list[k].Error = t.Err.Error()
			}
		}
		out = append(out, list)
	}
	return out
}

// traceJoins tells of each source entry whom each group of its join criteria finds now, the entry itself left out.
func (p *Planner) traceJoins(ctx context.Context, t *Trace) error {
	var ids []canopy.EntryID
	for i := range t.Entries {
		ids = append(ids, t.Entries[i].Party.Entry)
	}
	entries, err := p.view.Entries(ctx, distinct(ids))
	if err != nil {
		return fmt.Errorf("load the entries that ask: %w", err)
	}
	for i := range t.Entries {
		at := slices.IndexFunc(entries, func(e *canopy.Entry) bool { return e.ID == t.Entries[i].Party.Entry })
		if at < 0 {
			continue
		}
		x := entries[at]
		c := p.e.source(x.Connector)
		if c == nil || p.e.set.Like == LikeProvisioning2020 {
			continue
		}
		asks, err := p.e.rules.Asks(c.Kind, c.ID, p.e.object(x, c))
		if err != nil {
			continue // the entry's trace says it
		}
		for _, a := range asks {
			j, err := p.traceJoin(ctx, x, a)
			if err != nil {
				return err
			}
			t.Entries[i].Joins = append(t.Entries[i].Joins, j)
		}
	}
	return nil
}

// traceJoin finds whom one group of criteria finds: who has a value of each criterion.
func (p *Planner) traceJoin(ctx context.Context, x *canopy.Entry, a rule.Ask) (JoinTrace, error) {
	j := JoinTrace{On: a.Text}
	if a.Rule != nil {
		j.Rule = a.Rule.ID
	}
	found := map[canopy.EntryID]map[string]bool{} // by the names of the criteria that it meets
	names := map[string]bool{}
	for _, k := range a.Keys {
		attr := keyAttr(k.Name)
		names[attr] = true
		hits, err := p.view.Lookup(ctx, []canopy.Key{{Name: "offer:" + attr, Value: k.Value}})
		if err != nil {
			return j, fmt.Errorf("look up join keys: %w", err)
		}
		for _, h := range hits {
			if h.Entry == 0 || h.Entry == x.ID || p.e.source(h.Connector) == nil {
				continue
			}
			if found[h.Entry] == nil {
				found[h.Entry] = map[string]bool{}
			}
			found[h.Entry][attr] = true
		}
	}
	var ids []canopy.EntryID
	for id, met := range found {
		if len(met) == len(names) {
			ids = append(ids, id)
		}
	}
	parties, err := p.partyNames(ctx, distinct(ids), nil)
	if err != nil {
		return j, err
	}
	for _, party := range parties {
		j.Hits = append(j.Hits, party)
	}
	slices.SortFunc(j.Hits, func(a, b canopy.Party) int {
		return cmp.Or(cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Name, b.Name))
	})
	return j, nil
}
