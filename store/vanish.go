package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// vanish makes an entry Gone: its links go, and it goes out of the links of others. What a target has lost can be wanted
// again: the links that led to it wait, and those of its own are looked at anew.
func (t *tx) vanish(ctx context.Context, c *conn, r *entryRow) error {
	if err := t.hideLinks(ctx, c.links(), r); err != nil {
		return err
	}
	if err := t.hideTarget(ctx, c, r); err != nil {
		return err
	}
	r.state = canopy.Gone
	t.touch(r)
	if !c.target() {
		return nil
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	for _, q := range []string{`DELETE FROM target_link WHERE owner = $1`, `DELETE FROM link_retry WHERE owner = $1`, `DELETE FROM authority WHERE entry = $1`,
		`DELETE FROM link_retry WHERE target = $1`} {
		if _, err := t.Exec(ctx, q, r.id); err != nil {
			return err
		}
	}
	if another, err := t.another(ctx, c, r); err != nil || another {
		return err // its links, and those that lead to it, were planned with it
	}
	return t.unanchor(ctx, r.meta)
}

// another tells whether a target has another object for an entry's meta: a contact has become a user.
func (t *tx) another(ctx context.Context, c *conn, r *entryRow) (bool, error) {
	var other int64
	return t.One(ctx, []any{&other}, `SELECT id FROM entry WHERE meta = $1 AND meta > 0 AND connector + 0 = $2 AND id <> $3 AND state <> 3 LIMIT 1`,
		r.meta, c.no, r.id)
}

// unanchor lets the links of a meta's sources know that the target's object is not there any more: those that led to it
// wait for another, and those of its own are to be carried anew.
func (t *tx) unanchor(ctx context.Context, meta int64) error {
	if meta == 0 {
		return nil
	}
	for _, q := range []string{
		`UPDATE link SET state = 1 WHERE state = 0 AND target IN (SELECT id FROM entry WHERE meta = $1 AND meta > 0)`,
		`UPDATE link SET state = 2 WHERE state < 2 AND owner IN (SELECT id FROM entry WHERE meta = $1 AND meta > 0)`,
		`DELETE FROM link WHERE state = 3 AND owner IN (SELECT id FROM entry WHERE meta = $1 AND meta > 0)`,
	} {
		if _, err := t.Exec(ctx, q, meta); err != nil {
			return err
		}
	}
	return nil
}

// reanchor lets the links that lead to a meta's sources know that the target has an object for it now: those that waited
// are to be carried, with settled those too that led to another object, and their owners become due.
func (t *tx) reanchor(ctx context.Context, entries []int64, settled bool, mark int64) error {
	states := "state = 1"
	if settled {
		states = "state < 2"
	}
	var owners []int64
	waited := map[int64]bool{}
	err := db.Chunks(1, entries, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var owner, target int64
			err := r.Scan(&owner, &target)
			owners, waited[target] = append(owners, owner), true
			return err
		}, `SELECT DISTINCT owner, target FROM link WHERE target IN (`+list+`) AND `+states, args...)
	})
	if err != nil || len(owners) == 0 {
		return err
	}
	err = db.Chunks(1, slices.Sorted(maps.Keys(waited)), func(args []any, list string) error {
		_, err := t.Exec(ctx, `UPDATE link SET state = 2 WHERE target IN (`+list+`) AND `+states, args...)
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(owners)
	rows, err := t.heads(ctx, slices.Compact(owners))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.meta != 0 {
			t.metaDueAt(r.meta, mark)
		}
	}
	return nil
}

// lose makes an entry Gone that its directory does not hold any more, and what depends on it due.
func (t *tx) lose(ctx context.Context, c *conn, r *entryRow, why string) error {
	if err := t.logRow(ctx, LogRow{Entry: canopy.EntryID(r.id), Meta: canopy.MetaID(r.meta), Connector: c.ID, Step: LogImport, Op: "delete",
		Text: r.dn + ": " + why}); err != nil {
		return err
	}
	if err := t.vanish(ctx, c, r); err != nil {
		return err
	}
	return t.strip(ctx, c, r)
}

// strip takes the keys and claims from an entry that is Gone, but for those of Find; one that is not joined goes whole.
func (t *tx) strip(ctx context.Context, c *conn, r *entryRow) error {
	mark, err := t.dueMark(ctx)
	if err != nil {
		return err
	}
	joins, finds := unpackKeys(r.keys)
	var freed []int64
	for h := range unpackClaims(r.claims) {
		freed = append(freed, h)
	}
	if r.meta == 0 {
		err = t.drop(ctx, r)
	} else {
		if err := t.entryDue(ctx, r, c.target()); err != nil {
			return err
		}
		if r.keys, _, err = t.setKeys(ctx, r.id, r.keys, nil, finds); err != nil {
			return err
		}
		r.claims, _, _, err = t.setClaims(ctx, r.id, r.claims, nil)
		t.touch(r)
	}
	if err != nil {
		return err
	}
	if err := t.stir(ctx, joins, mark); err != nil {
		return err
	}
	return t.contest(ctx, freed, 0, true, mark)
}
