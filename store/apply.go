package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// ApplyResult tells how far a plan is applied.
type ApplyResult struct {
	Applied int  // items applied by this call
	Done    bool // the plan is applied, its links included
	// Stale are metas of items that were not applied, since something about them changed after the plan was made. They
	// stay due. New metas (negative numbers) and entries that join nothing are left out; they stay due as well.
	Stale []canopy.MetaID
}

// Apply applies the next items of a plan, at most limit, in one transaction with the plan's progress. Call it until Done.
// Links follow when all metas are applied. A plan that is stopped, refused or not sealed is an error of kind Conflict.
func (s *Store) Apply(ctx context.Context, plan canopy.PlanID, limit int) (ApplyResult, error) {
	var res ApplyResult
	if err := s.index(ctx); err != nil {
		return res, err
	}
	err := s.update(ctx, func(t *tx) error {
		res = ApplyResult{}
		p, err := readPlan(ctx, t.Tx, int64(plan))
		if err != nil {
			return err
		}
		switch {
		case p.state == canopy.PlanApplied:
			res.Done = true
			return nil
		case !p.sealed || p.state != canopy.PlanOpen && p.state != canopy.PlanApproved && p.state != canopy.PlanApplying:
			return p.conflict("it cannot be applied")
		}
		a := &applying{t: t, p: p, res: &res}
		return a.run(ctx, limit)
	})
	if err != nil {
		return ApplyResult{}, fmt.Errorf("apply plan %d: %w", plan, err)
	}
	return res, nil
}

// applying is one call of Apply within its transaction.
type applying struct {
	t   *tx
	p   *planRow
	res *ApplyResult

	metas   map[int64]metaHead      // the batch's metas that exist
	members map[int64][]*entryRow   // their entries
	dueM    map[int64]int64         // marks
	dueE    map[int64]int64         // marks
	waiting map[int64][]*exportHead // exports that are not sent, by entry
	heldM   map[int64]int64         // metas of which something is held
	heldE   map[int64]int64         // unjoined entries of which something is held
	planned []int64                 // entries whose marks are to go
	came    []int64                 // source entries for which the target has an object now
	moved   []int64                 // source entries for which the target has another object now
	housed  []int64                 // entries that were joined: from now on their metas are due in their place
}

// placed is an item with its place in the plan.
type placed struct {
	packed
	place int64
}

func (a *applying) run(ctx context.Context, limit int) error {
	if err := a.start(ctx); err != nil {
		return err
	}
	step := a.items
	if a.p.applied >= a.p.items {
		step = a.links
	}
	if err := step(ctx, max(limit, 1)); err != nil {
		return err
	}
	if a.p.applied >= a.p.items && a.p.linked >= a.p.items {
		if err := a.end(ctx); err != nil {
			return err
		}
	}
	_, err := a.t.Exec(ctx, `UPDATE plan SET state = $1, base = $2, applied = $3, linked = $4 WHERE id = $5`, int64(a.p.state), a.p.base, a.p.applied,
		a.p.linked, a.p.id)
	return err
}

// start numbers the metas that the plan makes, once.
func (a *applying) start(ctx context.Context) error {
	if a.p.state == canopy.PlanApplying {
		return nil
	}
	a.p.state = canopy.PlanApplying
	first, err := a.t.take(ctx, nounMeta, a.p.madeMetas)
	a.p.base = first - 1
	return err
}

// read loads the next items, without their links.
func (a *applying) read(ctx context.Context, limit int) ([]placed, error) {
	out := make([]placed, 0, limit)
	err := a.t.Each(ctx, func(r *sql.Rows) error {
		var id int64
		var body []byte
		if err := r.Scan(&id, &body); err != nil {
			return err
		}
		item, err := a.t.s.words.unpack(body)
		if err != nil {
			return err
		}
		if item.Image != nil {
			item.Image.Attrs, err = a.t.s.words.decodeImage(item.image, canopy.AttrDisplayName, canopy.AttrSourceObjectType, canopy.AttrSourceAnchor)
		}
		out = append(out, placed{item, id - itemID(a.p.id, 0)})
		return err
	}, `SELECT id, body FROM plan_item WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3`, itemID(a.p.id, a.p.applied), itemID(a.p.id+1, 0), limit)
	return out, err
}

// items applies the next items.
func (a *applying) items(ctx context.Context, limit int) error {
	items, err := a.read(ctx, limit)
	if err != nil {
		return err
	}
	if err := a.load(ctx, items); err != nil {
		return err
	}
	for i := range items {
		item := &items[i]
		switch err := a.item(ctx, &item.packed); {
		case errors.Is(err, errStale):
			if err := a.keepStale(ctx, item); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("item %d (%s): %w", item.place, item.Label, err)
		default:
			a.res.Applied++
		}
		a.p.applied = item.place
	}
	if len(items) == 0 {
		a.p.applied = a.p.items
	}
	if err := a.reach(ctx); err != nil {
		return err
	}
	if err := a.settled(ctx); err != nil {
		return err
	}
	return db.Chunks(2, a.planned, func(args []any, list string) error {
		_, err := a.t.Exec(ctx, `DELETE FROM due_entry WHERE mark <= $1 AND entry IN (`+list+`)`, append([]any{a.p.mark}, args...)...)
		return err
	})
}

// settled takes the marks of entries that were joined, those too that the joining itself has made.
func (a *applying) settled(ctx context.Context) error {
	var marked []int64
	for _, id := range a.housed {
		delete(a.t.dueE, id)
		if _, ok := a.dueE[id]; ok {
			marked = append(marked, id)
		}
	}
	return db.Chunks(1, marked, func(args []any, list string) error {
		_, err := a.t.Exec(ctx, `DELETE FROM due_entry WHERE entry IN (`+list+`)`, args...)
		return err
	})
}

// keepStale passes an item by that is not to be applied.
func (a *applying) keepStale(ctx context.Context, item *placed) error {
	if item.Meta > 0 {
		a.res.Stale = append(a.res.Stale, item.Meta)
		if _, ok := a.metas[int64(item.Meta)]; ok {
			if err := a.t.metaDue(ctx, int64(item.Meta)); err != nil {
				return err
			}
		}
	}
	_, err := a.t.Exec(ctx, `UPDATE plan_item SET state = $1 WHERE id = $2`, itemStale, itemID(a.p.id, item.place))
	return err
}

var errStale = errors.New("something about it changed after the plan was made")

// load reads, for a whole batch, what the items are about.
func (a *applying) load(ctx context.Context, items []placed) error {
	var metas, entries []int64
	for i := range items {
		it := &items[i]
		if it.Meta > 0 {
			metas = append(metas, int64(it.Meta))
		}
		for _, e := range it.Entries {
			entries = append(entries, int64(e.Entry))
		}
		for _, j := range it.Joins {
			entries = append(entries, int64(j.Entry))
		}
		for _, x := range it.Exports {
			if x.Entry != 0 {
				entries = append(entries, int64(x.Entry))
			}
		}
	}
	var err error
	if a.metas, err = a.t.metaHeads(ctx, metas); err != nil {
		return err
	}
	if a.members, err = a.t.members(ctx, metas); err != nil {
		return err
	}
	if _, err := a.t.heads(ctx, entries); err != nil {
		return err
	}
	if a.dueM, err = a.t.marks(ctx, "due_meta", "meta", metas); err != nil {
		return err
	}
	if a.dueE, err = a.t.marks(ctx, "due_entry", "entry", entries); err != nil {
		return err
	}
	if a.heldM, err = a.t.heldOf(ctx, "meta", "", metas); err != nil {
		return err
	}
	if a.heldE, err = a.t.heldOf(ctx, "entry", "meta = 0 AND ", entries); err != nil {
		return err
	}
	targets := entries
	for _, rows := range a.members {
		for _, r := range rows {
			targets = append(targets, r.id)
		}
	}
	a.waiting, err = a.t.unsent(ctx, targets)
	return err
}

func (t *tx) marks(ctx context.Context, table, column string, ids []int64) (map[int64]int64, error) {
	marks := map[int64]int64{}
	err := db.Chunks(1, ids, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var id, mark int64
			err := r.Scan(&id, &mark)
			marks[id] = mark
			return err
		}, `SELECT `+column+`, mark FROM `+table+` WHERE `+column+` IN (`+list+`)`, args...)
	})
	return marks, err
}

// heldOf finds of which metas, or of which unjoined entries, something is held.
func (t *tx) heldOf(ctx context.Context, column, where string, ids []int64) (map[int64]int64, error) {
	found := map[int64]int64{}
	err := db.Chunks(1, ids, func(args []any, list string) error {
		some, err := t.pairs(ctx, `SELECT `+column+`, n FROM held WHERE `+where+column+` IN (`+list+`)`, args...)
		maps.Copy(found, some)
		return err
	})
	return found, err
}

// members loads the entries that are joined to metas, without bodies.
func (t *tx) members(ctx context.Context, metas []int64) (map[int64][]*entryRow, error) {
	out := map[int64][]*entryRow{}
	err := db.Chunks(1, metas, func(args []any, list string) error {
		return t.Each(ctx, func(rows *sql.Rows) error {
			r, err := scanRow(rows, false)
			if err != nil {
				return err
			}
			if t.rows[r.id] == nil {
				t.rows[r.id] = r
			}
			out[r.meta] = append(out[r.meta], t.rows[r.id])
			return nil
		}, `SELECT `+headList+` FROM entry e WHERE e.meta IN (`+list+`) AND e.meta > 0 ORDER BY e.id`, args...)
	})
	return out, err
}

// stale tells whether something about an item changed after its plan was made.
func (a *applying) stale(item *canopy.PlanItem) bool {
	late := a.p.mark + 1
	if item.Meta > 0 {
		m, ok := a.metas[int64(item.Meta)]
		if !ok || m.version != item.Version || a.dueM[int64(item.Meta)] > late {
			return true
		}
	}
	lost := func(id canopy.EntryID) bool {
		r := a.t.rows[int64(id)]
		return r == nil || r.gone || a.dueE[int64(id)] > late
	}
	for _, e := range item.Entries {
		if lost(e.Entry) {
			return true
		}
	}
	for _, j := range item.Joins {
		if lost(j.Entry) {
			return true
		}
	}
	for _, x := range item.Exports {
		if x.Entry != 0 && lost(x.Entry) {
			return true
		}
	}
	return false
}

// end finishes the plan: what it planned is due no more.
func (a *applying) end(ctx context.Context) error {
	a.p.state, a.res.Done = canopy.PlanApplied, true
	if err := a.t.flush(ctx); err != nil {
		return err
	}
	if err := a.t.writeDue(ctx); err != nil {
		return err
	}
	_, err := a.t.Exec(ctx, `DELETE FROM due_meta WHERE mark <= $1 AND meta IN
		(SELECT CASE WHEN meta < 0 THEN $2 - meta ELSE meta END FROM plan_item WHERE id > $3 AND id < $4 AND state <> $5)`,
		a.p.mark, a.p.base, itemID(a.p.id, 0), itemID(a.p.id+1, 0), itemStale)
	return err
}
