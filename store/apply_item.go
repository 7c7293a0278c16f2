package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/canopy-sync/canopy"
)

// item applies one item, or gives errStale before anything of it is done.
func (a *applying) item(ctx context.Context, p *packed) error {
	item := &p.PlanItem
	if a.stale(item) {
		return errStale
	}
	a.clearDue(item)
	if item.Meta == 0 {
		return a.alone(ctx, item)
	}
	id := a.p.meta(item.Meta)
	old := a.metas[id]
	if item.Image != nil && !item.Dies {
		if err := a.putMeta(ctx, id, old, p); err != nil {
			return err
		}
	} else if len(item.Joins) > 0 && !item.Dies {
		if _, err := a.t.Exec(ctx, `UPDATE meta SET version = version + 1 WHERE id = $1`, id); err != nil {
			return err
		}
	}
	u := &unit{id: id}
	for _, r := range a.members[id] {
		if r.meta == id && !r.gone { // an earlier item may have moved it
			u.members = append(u.members, r)
		}
	}
	if err := a.joins(ctx, item, u); err != nil {
		return err
	}
	if err := a.exports(ctx, p, u); err != nil {
		return err
	}
	a.connect(u)
	if len(item.Links) > 0 {
		a.t.metaDueAt(id, a.p.mark) // until its links are applied
	}
	if !item.Dies {
		return nil
	}
	for _, r := range slices.Clone(u.members) {
		if r.meta == id && !r.gone {
			if err := a.leave(ctx, u, r, deletes(item, r)); err != nil {
				return err
			}
		}
	}
	return a.dropMeta(ctx, old)
}

// deletes tells whether an item deletes an entry's object.
func deletes(item *canopy.PlanItem, r *entryRow) bool {
	return slices.ContainsFunc(item.Exports, func(x canopy.PlannedExport) bool {
		return int64(x.Entry) == r.id && x.Export.Op == canopy.Delete
	})
}

// unit is a meta while its item is applied.
type unit struct {
	id      int64
	members []*entryRow
	joined  []*entryRow // source entries that came
	left    []*entryRow // source entries that left
	arrived bool        // an entry of a target came
}

// clearDue notes the item's entries, so that their marks go with the batch's.
func (a *applying) clearDue(item *canopy.PlanItem) {
	note := func(id canopy.EntryID) {
		if _, marked := a.dueE[int64(id)]; marked {
			a.planned = append(a.planned, int64(id))
		}
	}
	for _, e := range item.Entries {
		note(e.Entry)
	}
	for _, j := range item.Joins {
		if j.Via.Kind == canopy.NotJoined {
			note(j.Entry)
		}
	}
}

// alone applies an item about entries that join nothing.
func (a *applying) alone(ctx context.Context, item *canopy.PlanItem) error {
	var ids []int64
	for _, e := range item.Entries {
		ids = append(ids, int64(e.Entry))
	}
	about := slices.Clone(ids)
	for _, h := range item.Held { // those that were not due are told of again beside those that are
		if id := int64(h.Entry); id != 0 && !slices.Contains(about, id) {
			about = append(about, id)
		}
	}
	if err := a.t.putHeld(ctx, 0, about, item, a.numbered(item.Held)); err != nil {
		return err
	}
	for _, id := range ids {
		if r := a.t.rows[id]; r.state == canopy.Gone && r.meta == 0 {
			if err := a.t.drop(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// joins joins and separates entries.
func (a *applying) joins(ctx context.Context, item *canopy.PlanItem, u *unit) error {
	for _, j := range item.Joins {
		r := a.t.rows[int64(j.Entry)]
		switch {
		case j.Via.Kind == canopy.NotJoined:
			if r.meta != u.id {
				continue // another item has joined it already
			}
			if err := a.log(ctx, r, u.id, "separated", j.Why); err != nil {
				return err
			}
			if err := a.leave(ctx, u, r, deletes(item, r)); err != nil {
				return err
			}
		default:
			if err := a.join(ctx, u, r, j.Via, j.Why); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *applying) log(ctx context.Context, r *entryRow, meta int64, op, text string) error {
	c := a.t.s.byNumber()[r.connector]
	return a.t.logRow(ctx, LogRow{Run: canopy.RunID(a.p.run), Entry: canopy.EntryID(r.id), Meta: canopy.MetaID(meta), Connector: c.ID,
		Step: LogJoin, Op: op, Text: text})
}

// join joins an entry to the unit's meta.
func (a *applying) join(ctx context.Context, u *unit, r *entryRow, via canopy.Joined, why string) error {
	if r.meta == u.id {
		return nil
	}
	if via.On != "" {
		why = via.On
	}
	if err := a.log(ctx, r, u.id, via.Kind.String(), why); err != nil {
		return err
	}
	if _, held := a.heldE[r.id]; held {
		if _, err := a.t.Exec(ctx, `DELETE FROM held WHERE meta = 0 AND entry = $1`, r.id); err != nil {
			return err
		}
	}
	r.meta, r.via, r.viaRule, r.viaOn = u.id, via.Kind, string(via.Rule), via.On
	a.t.touch(r)
	a.housed = append(a.housed, r.id)
	u.members = append(u.members, r)
	if c := a.t.s.byNumber()[r.connector]; c.target() {
		u.arrived = true
	} else {
		u.joined = append(u.joined, r)
	}
	return nil
}

// leave separates an entry from the unit's meta. One that its directory does not hold any more goes whole.
func (a *applying) leave(ctx context.Context, u *unit, r *entryRow, deleted bool) error {
	if err := a.reach(ctx); err != nil {
		return err
	}
	c := a.t.s.byNumber()[r.connector]
	if c.target() {
		if err := a.release(ctx, u, r, deleted); err != nil {
			return err
		}
	} else {
		u.left = append(u.left, r)
	}
	r.meta, r.via, r.viaRule, r.viaOn = 0, canopy.NotJoined, "", ""
	a.t.touch(r)
	u.members = slices.DeleteFunc(u.members, func(x *entryRow) bool { return x == r })
	switch {
	case r.state == canopy.Gone && !deleted:
		if !c.target() {
			if err := a.unsupport(ctx, u, r); err != nil {
				return err
			}
		}
		return a.t.drop(ctx, r)
	case c.target():
		return nil
	}
	if r.class != string(canopy.Container) && r.state != canopy.OutOfScope {
		a.t.entryDueAt(r.id, a.p.mark+1) // it may belong elsewhere
	}
	return a.unsupport(ctx, u, r)
}

// release lets a target's object go that stays in the target as its own, or is about to be deleted.
func (a *applying) release(ctx context.Context, u *unit, r *entryRow, deleted bool) error {
	if r.state == canopy.Gone {
		return nil // see vanish
	}
	if err := a.t.flush(ctx); err != nil {
		return err
	}
	if err := a.t.unanchor(ctx, u.id); err != nil {
		return err
	}
	queries := []string{`DELETE FROM target_link WHERE state = 3 AND owner = $1`, `UPDATE target_link SET state = 0 WHERE state IN (1, 4) AND owner = $1`,
		`DELETE FROM target_link WHERE state = 3 AND target = $1`}
	if !deleted {
		queries = append(queries, `UPDATE target_link SET state = 4 WHERE state = 1 AND target = $1`)
	}
	for _, q := range queries {
		if _, err := a.t.Exec(ctx, q, r.id); err != nil {
			return err
		}
	}
	return nil
}

// unsupport looks at the links that lead to a source entry that has left its meta: their owners are planned anew, and
// where the target's object was held by a group for this entry alone, the group is to drop it.
func (a *applying) unsupport(ctx context.Context, u *unit, r *entryRow) error {
	if err := a.t.flush(ctx); err != nil {
		return err
	}
	var owners []int64
	err := a.t.Each(ctx, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		owners = append(owners, id)
		return err
	}, `SELECT DISTINCT owner FROM link WHERE target = $1 AND state < 3`, r.id)
	if err != nil {
		return err
	}
	rows, err := a.t.heads(ctx, owners)
	if err != nil {
		return err
	}
	for _, o := range rows {
		if o.meta != 0 {
			a.t.metaDueAt(o.meta, a.p.mark+1)
		}
	}
	if _, err := a.t.Exec(ctx, `UPDATE link SET state = 2 WHERE target = $1 AND state < 2`, r.id); err != nil {
		return err
	}
	conns := a.t.s.byNumber()
	for _, y := range u.members {
		if c := conns[y.connector]; !c.target() || y == r {
			continue
		}
		for _, q := range []string{
			`UPDATE target_link SET state = 4 WHERE target = $1 AND state = 1 AND NOT EXISTS (` + support + `)`,
			`DELETE FROM target_link WHERE target = $1 AND state = 3 AND NOT EXISTS (` + support + `)`,
		} {
			if _, err := a.t.Exec(ctx, q, y.id, u.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// support finds a link of a source that stands behind a row of target_link whose target belongs to the meta $2.
const support = `SELECT 1 FROM entry g JOIN entry o ON o.meta = g.meta AND o.meta > 0 JOIN link l ON l.owner = o.id JOIN entry x ON x.id = l.target
	WHERE g.id = target_link.owner AND l.state < 3 AND x.meta = $2`

// connect notes the entries that came and that the target has an object for: links that waited for them are to be carried.
// Where the object takes another's place, the links that led to that one are to lead to it.
func (a *applying) connect(u *unit) {
	conns := a.t.s.byNumber()
	objects := 0
	for _, r := range u.members {
		if c := conns[r.connector]; c.target() && r.state != canopy.Gone {
			objects++
		}
	}
	if objects == 0 && !u.arrived {
		return
	}
	for _, r := range u.members {
		c := conns[r.connector]
		switch {
		case c.target():
		case u.arrived && objects > 1:
			a.moved = append(a.moved, r.id)
		case u.arrived || slices.Contains(u.joined, r):
			a.came = append(a.came, r.id)
		}
	}
}

// reach does what connect has noted. It comes before anything that makes links wait again, and at the batch's end. The
// planner has foreseen it: the owners of the links are in the plan, too.
func (a *applying) reach(ctx context.Context) error {
	if len(a.came)+len(a.moved) == 0 {
		return nil
	}
	if err := a.t.flush(ctx, "link"); err != nil {
		return err
	}
	came, moved := a.came, a.moved
	a.came, a.moved = nil, nil
	if err := a.t.reanchor(ctx, came, false, a.p.mark); err != nil {
		return err
	}
	return a.t.reanchor(ctx, moved, true, a.p.mark)
}
