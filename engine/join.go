package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule"
)

// lookupBatch is how many keys share one look at the view.
const lookupBatch = 2000

// candidate is an unjoined source entry that may be joined. It is kept small: there may be a whole directory of them.
type candidate struct {
	id     canopy.EntryID
	conn   *Connector
	anchor canopy.Anchor
	class  canopy.Class // of the meta; "*": any
	makes  canopy.RuleID
	silent bool
	alone  bool // a person separated it
	due    bool
	// follows: it goes where another one is, and never brings two together, see follow.go.
	follows bool
	from    canopy.MetaID // the meta that it leaves by a person's decision, 0: none
	// asks are the groups of criteria in order; of a group every criterion must meet, with any of its values.
	asks   [][][]xxh3.Uint128
	offers []xxh3.Uint128
}

// joiner is one call of Join.
type joiner struct {
	p     *Planner
	cands []candidate
	at    map[canopy.EntryID]int
	// metaHits are the metas that have a key, or to which an entry that has it is joined.
	metaHits map[xxh3.Uint128][]canopy.MetaID
	metas    map[canopy.MetaID]*joinMeta
	items    []canopy.PlanItem
	keys     []canopy.Key // still to be looked up
}

// joinMeta is what joining needs of a meta that exists.
type joinMeta struct {
	class canopy.Class
	alive bool
	own   bool                 // one of its entries is no follower
	used  []canopy.ConnectorID // that have an entry there which counts
	// offers are the keys that its entries offer now.
	offers []offered
}

// Join finds out where the entries belong that are joined to no meta, all of them together, so that the order of their
// arrival does not matter. It gives the metas that get entries, among them the ones that the plan makes under negative
// numbers, and items for the entries that join nothing.
func (p *Planner) Join(ctx context.Context, entries func(yield func(*canopy.Entry) error) error) ([]canopy.MetaID, []canopy.PlanItem, error) {
	j := &joiner{p: p, at: map[canopy.EntryID]int{}, metaHits: map[xxh3.Uint128][]canopy.MetaID{}, metas: map[canopy.MetaID]*joinMeta{}}
	err := entries(func(e *canopy.Entry) error {
		if e.Meta == 0 {
			j.consider(e, true, 0)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, nil, fmt.Errorf("join: %w", err)
	}
	decided, err := j.decisions(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := j.surroundings(ctx, decided); err != nil {
		return nil, nil, err
	}
	v := j.resolve(decided)
	if err := j.tell(ctx, v.stays); err != nil {
		return nil, nil, err
	}
	return j.touched(v), j.items, nil
}

// consider looks at one entry and makes it a candidate, or says at once why it is none.
func (j *joiner) consider(e *canopy.Entry, due bool, from canopy.MetaID) {
	c := j.p.e.source(e.Connector)
	if _, known := j.at[e.ID]; known || c == nil {
		return
	}
	refuse := func(kind canopy.Outcome, why string) {
		if due {
			j.items = append(j.items, refusal(e, kind, why))
		}
		if from != 0 {
			j.p.alone[e.ID] = outcomeOf(e, kind, why)
		}
	}
	if why := j.p.e.outside(e); why != "" {
		refuse(canopy.NotInScope, why)
		return
	}
	cand, scoped, err := j.candidate(e, c)
	switch {
	case err != nil:
		refuse(canopy.Failed, err.Error())
	case !scoped.In:
		refuse(canopy.NotInScope, scoped.Why)
	default:
		cand.due, cand.from = due, from
		j.at[e.ID] = len(j.cands)
		j.cands = append(j.cands, cand)
	}
}

// candidate asks the rules what an entry offers and asks.
func (j *joiner) candidate(e *canopy.Entry, c *Connector) (candidate, rule.Scoped, error) {
	rules := j.p.e.rules
	obj := j.p.e.object(e, c)
	scoped, err := rules.Scope(c.Kind, c.ID, obj)
	if err != nil || !scoped.In {
		return candidate{}, scoped, err
	}
	cand := candidate{id: e.ID, conn: c, anchor: e.Anchor, silent: scoped.Silent, follows: isFollower(e, scoped)}
	if scoped.Provision != nil {
		cand.makes, cand.class = scoped.Provision.ID, scoped.Provision.Target
	} else if scoped.Join != nil {
		cand.class = scoped.Join.Target
	}
	if j.p.e.set.Like == LikeProvisioning2020 {
		return cand, scoped, nil
	}
	offers, err := rules.Offers(c.Kind, c.ID, obj)
	if err != nil {
		return cand, scoped, err
	}
	for _, k := range offers {
		cand.offers = append(cand.offers, hashKey(k))
		j.keys = append(j.keys, canopy.Key{Name: "ask:" + keyAttr(k.Name), Value: k.Value})
	}
	asks, err := rules.Asks(c.Kind, c.ID, obj)
	if err != nil {
		return cand, scoped, err
	}
	for _, a := range asks {
		var group [][]xxh3.Uint128
		for i, k := range a.Keys {
			if i == 0 || k.Name != a.Keys[i-1].Name {
				group = append(group, nil)
			}
			group[len(group)-1] = append(group[len(group)-1], hashKey(k))
			attr := keyAttr(k.Name)
			j.keys = append(j.keys, canopy.Key{Name: "meta:" + attr, Value: k.Value}, canopy.Key{Name: "offer:" + attr, Value: k.Value})
		}
		cand.asks = append(cand.asks, group)
	}
	return cand, scoped, nil
}

// hashKey names a join key by the attribute and the value, whether it is asked, offered or a meta's.
func hashKey(k canopy.Key) xxh3.Uint128 {
	return xxh3.HashString128(keyAttr(k.Name) + "\x00" + k.Value)
}

func keyAttr(name string) string {
	_, attr, _ := strings.Cut(name, ":")
	return attr
}

// refusal is the item of an entry that joins nothing.
func refusal(e *canopy.Entry, kind canopy.Outcome, why string) canopy.PlanItem {
	item := canopy.PlanItem{Label: label(e), Where: container(e.DN), Entries: []canopy.EntryOutcome{outcomeOf(e, kind, why)}}
	if kind == canopy.Failed {
		item.Held = []canopy.Held{{Reason: canopy.HeldError, Whole: true, Entry: e.ID, Text: why}}
	}
	return item
}

func label(e *canopy.Entry) string {
	return cmp.Or(e.Attrs.Text(canopy.AttrDisplayName), e.DN, string(e.Anchor))
}

// surroundings asks the view who else has what the candidates ask, and asks what they offer, until nobody new is found.
func (j *joiner) surroundings(ctx context.Context, decided *decided) error {
	if j.p.e.set.Like == LikeProvisioning2020 {
		return j.loadMetas(ctx, decided.metas)
	}
	for len(j.keys) > 0 {
		keys := j.keys
		j.keys = nil
		slices.SortFunc(keys, func(a, b canopy.Key) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value)) })
		keys = slices.Compact(keys)
		for part := range slices.Chunk(keys, lookupBatch) {
			if err := j.neighbours(ctx, part); err != nil {
				return err
			}
		}
	}
	ids := decided.metas
	for _, list := range j.metaHits {
		ids = append(ids, list...)
	}
	return j.loadMetas(ctx, distinct(ids))
}

// neighbours looks up keys. Entries that are found and not known yet become candidates, too.
func (j *joiner) neighbours(ctx context.Context, keys []canopy.Key) error {
	hits, err := j.p.view.Lookup(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up join keys: %w", err)
	}
	var fresh []canopy.EntryID
	for _, h := range hits {
		if h.Meta != 0 && j.p.leaving[h.Entry] == 0 {
			// What an entry asked that is joined counts no more: it has found its meta.
			if k := hashKey(h.Key); !strings.HasPrefix(h.Key.Name, "ask:") && !slices.Contains(j.metaHits[k], h.Meta) {
				j.metaHits[k] = append(j.metaHits[k], h.Meta)
			}
			continue
		}
		if _, known := j.at[h.Entry]; !known && h.Entry != 0 && j.p.e.source(h.Connector) != nil {
			fresh = append(fresh, h.Entry)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	entries, err := j.p.view.Entries(ctx, distinct(fresh))
	if err != nil {
		return fmt.Errorf("load join candidates: %w", err)
	}
	for _, e := range entries {
		if e.Meta == 0 {
			j.consider(e, false, 0)
		}
	}
	return nil
}
