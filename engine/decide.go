package engine

import (
	"context"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// decided are people's decisions, as far as they concern entries that can be joined.
type decided struct {
	apart  []Decision // separations from somebody
	groups []handGroup
	metas  []canopy.MetaID
}

// handGroup are entries that a person joined with one another, or with a meta.
type handGroup struct {
	meta    canopy.MetaID // 0: one that the plan makes
	members []int         // candidates
	clash   bool          // two decisions name different metas
}

// decisions reads people's decisions. An entry that is joined otherwise than decided leaves its meta and becomes a
// candidate.
func (j *joiner) decisions(ctx context.Context) (*decided, error) {
	d := &decided{}
	if len(j.p.e.set.Decisions) == 0 {
		return d, nil
	}
	var ids []canopy.EntryID
	for _, x := range j.p.e.set.Decisions {
		ids = append(ids, x.Entry)
		if x.Other != 0 {
			ids = append(ids, x.Other)
		}
	}
	entries, err := j.p.view.Entries(ctx, distinct(ids))
	if err != nil {
		return nil, fmt.Errorf("load decided entries: %w", err)
	}
	byID := make(map[canopy.EntryID]*canopy.Entry, len(entries))
	for _, e := range entries {
		byID[e.ID] = e
	}
	for _, x := range j.p.e.set.Decisions {
		e := byID[x.Entry]
		if e == nil || j.p.e.source(e.Connector) == nil {
			continue
		}
		to := x.Meta
		if o := byID[x.Other]; to == 0 && o != nil {
			to = o.Meta
		}
		switch x.Kind {
		case DecideSeparate:
			j.separate(d, x, e, to)
		case DecideJoin:
			j.bind(d, e, to, byID[x.Other])
		case DecideExclude: // nobody looks at it: see outside
		}
	}
	return d, nil
}

// leave makes a joined entry a candidate again.
func (j *joiner) leave(e *canopy.Entry) {
	if _, known := j.at[e.ID]; !known {
		j.p.leaving[e.ID] = e.Meta
		j.consider(e, true, e.Meta)
	}
}

func (j *joiner) separate(d *decided, x Decision, e *canopy.Entry, from canopy.MetaID) {
	if e.Meta != 0 && e.Meta == from {
		j.leave(e)
	}
	at, ok := j.at[e.ID]
	switch {
	case !ok:
	case x.Other == 0 && x.Meta == 0:
		j.cands[at].alone = true
	default:
		d.apart = append(d.apart, x)
		if from != 0 {
			d.metas = append(d.metas, from)
		}
	}
}

// bind joins an entry by hand with a meta, or with another entry that has none yet.
func (j *joiner) bind(d *decided, e *canopy.Entry, to canopy.MetaID, other *canopy.Entry) {
	if to != 0 && e.Meta == to || to == 0 && other == nil {
		return
	}
	if e.Meta != 0 {
		if to == 0 {
			return // the other comes to it: see below
		}
		j.leave(e)
	}
	at, ok := j.at[e.ID]
	if !ok {
		return
	}
	g := handGroup{meta: to, members: []int{at}}
	if to != 0 {
		d.metas = append(d.metas, to)
	} else {
		j.consider(other, false, 0)
		o, ok := j.at[other.ID]
		if !ok {
			return
		}
		g.members = append(g.members, o)
	}
	d.groups = append(d.groups, g)
}
