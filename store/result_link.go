package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// fewLinks is how many links an export of links has at most whose rows are read together with those of others.
const fewLinks = 100

// loadLinks reads the owners of links, and the rows of links that come few at a time.
func (rec *recording) loadLinks(ctx context.Context, exports []canopy.Export) error {
	var owners []int64
	var keys []linkKey
	for i := range exports {
		e := &exports[i]
		owner := rec.now[string(e.Ref.Anchor)]
		if e.ID > 0 || owner == 0 {
			continue
		}
		owners = append(owners, owner)
		for name, l := range e.Links {
			if len(l.Added)+len(l.Removed) > fewLinks {
				continue
			}
			no, err := rec.t.s.words.number(string(name))
			if err != nil {
				return err
			}
			for _, ref := range slices.Concat(l.Added, l.Removed) {
				keys = append(keys, linkKey{owner, no, rec.now[string(ref.Anchor)]})
			}
		}
	}
	if _, err := rec.t.heads(ctx, owners); err != nil {
		return err
	}
	var err error
	rec.links, err = rec.t.linkRows(ctx, &targetLinks, keys)
	return err
}

// states are those of the rows of one attribute's links, by target.
func (rec *recording) states(ctx context.Context, owner, attr int64, refs []canopy.Ref) (map[int64]int64, error) {
	states := map[int64]int64{}
	ids := make([]int64, 0, len(refs))
	for _, ref := range refs {
		id := rec.now[string(ref.Anchor)]
		if state, ok := rec.links[linkKey{owner, attr, id}]; ok {
			states[id] = state
		}
		if id != 0 {
			ids = append(ids, id)
		}
	}
	if rec.links != nil && len(refs) <= fewLinks {
		return states, nil
	}
	return rec.t.linkStates(ctx, &targetLinks, owner, attr, ids)
}

// linked keeps the answer to an export of links.
func (rec *recording) linked(ctx context.Context, e *canopy.Export, res *canopy.Result) error {
	owner, err := rec.t.head(ctx, rec.now[string(e.Ref.Anchor)])
	if err != nil || owner == nil {
		return err
	}
	added, removed := 0, 0
	for _, l := range e.Links {
		added, removed = added+len(l.Added), removed+len(l.Removed)
	}
	log := LogRow{Run: rec.run, Entry: canopy.EntryID(owner.id), Meta: canopy.MetaID(owner.meta), Connector: rec.c.ID, Step: LogExport, Op: res.Kind.String(),
		Text: fmt.Sprintf("links: +%d -%d", added, removed), Code: res.Code}
	if len(res.Failed) > 0 {
		log.Text += fmt.Sprintf(", of which %d were not taken, the first: %s", len(res.Failed), firstText(res.Failed[0].Text, res.Failed[0].Code))
	}
	if res.Text != "" {
		log.Text += ": " + res.Text
	}
	if err := rec.t.logRow(ctx, log); err != nil {
		return err
	}
	if res.Kind == canopy.NotThere {
		return rec.notThere(ctx, owner)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Links)) {
		if err := rec.attr(ctx, owner, name, e.Links[name], res); err != nil {
			return err
		}
	}
	rec.t.touch(owner)
	return nil
}

// attr keeps the answer for the links of one attribute.
func (rec *recording) attr(ctx context.Context, owner *entryRow, name canopy.Attr, l canopy.LinkChange, res *canopy.Result) error {
	no, err := rec.t.s.words.number(string(name))
	if err != nil {
		return err
	}
	all := slices.Concat(l.Added, l.Removed)
	states, err := rec.states(ctx, owner.id, no, all)
	if err != nil {
		return err
	}
	var tries map[int64]int64
	if rec.tried {
		if tries, err = rec.t.retries(ctx, owner.id, no); err != nil {
			return err
		}
	}
	failed := map[canopy.Anchor]canopy.FailedLink{}
	for _, f := range res.Failed {
		if f.Attr == name {
			failed[f.Ref.Anchor] = f
		}
	}
	sum := owner.links.find(no)
	for i, ref := range all {
		id := rec.now[string(ref.Anchor)]
		state, known := states[id]
		f, not := failed[ref.Anchor]
		switch {
		case !known || state != linkAdd && state != linkDrop:
			continue // planned anew meanwhile
		case res.Kind != canopy.Done:
			f, not = canopy.FailedLink{Attr: name, Ref: ref, Code: res.Code, Text: res.Text}, true
		}
		if not {
			if err := rec.fail(ctx, owner.id, no, id, tries[id], f, res.Kind); err != nil {
				return err
			}
			continue
		}
		now := linkKept
		if i >= len(l.Added) {
			now = linkDropped
			sum.add(ref, -1)
		} else {
			sum.add(ref, 1)
		}
		if err := rec.t.putLink(ctx, &targetLinks, owner.id, no, id, now); err != nil {
			return err
		}
		if rec.links != nil {
			rec.links[linkKey{owner.id, no, id}] = now
		}
		if _, had := tries[id]; had {
			if _, err := rec.t.Exec(ctx, `DELETE FROM link_retry WHERE owner = $1 AND attr = $2 AND target = $3`, owner.id, no, id); err != nil {
				return err
			}
		}
	}
	owner.links = owner.links.set(sum)
	return nil
}

// retries are how often the links of an attribute were tried in vain, by target.
func (t *tx) retries(ctx context.Context, owner, attr int64) (map[int64]int64, error) {
	if err := t.flush(ctx, "link_retry"); err != nil {
		return nil, err
	}
	return t.pairs(ctx, `SELECT target, tries FROM link_retry WHERE owner = $1 AND attr = $2`, owner, attr)
}

// fail keeps that a link was not taken.
func (rec *recording) fail(ctx context.Context, owner, attr, target, tries int64, f canopy.FailedLink, kind canopy.ResultKind) error {
	if kind == canopy.Done {
		kind = canopy.Refused
	}
	next := rec.t.now + refusedIs.Microseconds()
	if kind == canopy.Later {
		next = rec.t.now + backOff(tries)
	}
	columns := []string{"owner", "attr", "target", "kind", "code", "text", "tries", "at", "next_try"}
	return rec.t.writer("link_retry", db.Bulk{Table: "link_retry", Columns: columns, Conflict: columns[:3], Update: columns[3:]}).
		Add(ctx, owner, attr, target, int64(kind), f.Code, f.Text, tries+1, rec.t.now, next)
}
