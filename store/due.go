package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// A row in due_entry or due_meta says that something is to be planned. Its mark is an even number that grows with each
// transaction that makes something due; a plan remembers the last mark before it was begun. What has a higher mark than
// the plan's (and the odd number after it) changed since, so the plan's item about it is stale. What applying a plan
// makes due itself has the plan's own mark where the planner has foreseen it, so that it counts as planned, and the
// odd number after it where it is for the next plan.

// dueMark is the mark of what becomes due in this transaction.
func (t *tx) dueMark(ctx context.Context) (int64, error) {
	if t.mark == 0 {
		if _, err := t.take(ctx, nounMark, 2); err != nil {
			return 0, err
		}
		t.mark = t.numbers[nounMark]
	}
	return t.mark, nil
}

func (t *tx) entryDueAt(id, mark int64) { t.dueE[id] = max(t.dueE[id], mark) }

func (t *tx) metaDueAt(id, mark int64) { t.dueM[id] = max(t.dueM[id], mark) }

// metaDue marks a meta as due; 0 is none.
func (t *tx) metaDue(ctx context.Context, id int64) error {
	if id == 0 {
		return nil
	}
	mark, err := t.dueMark(ctx)
	t.metaDueAt(id, mark)
	return err
}

// entryDue marks an entry, or the meta that it is joined to. Entries of targets that are joined to none and containers
// are never due.
func (t *tx) entryDue(ctx context.Context, r *entryRow, target bool) error {
	if r.meta != 0 {
		return t.metaDue(ctx, r.meta)
	}
	if target || r.class == string(canopy.Container) {
		return nil
	}
	mark, err := t.dueMark(ctx)
	t.entryDueAt(r.id, mark)
	return err
}

func (t *tx) writeDue(ctx context.Context) error {
	for _, x := range []struct {
		table, column string
		rows          map[int64]int64
	}{{"due_entry", "entry", t.dueE}, {"due_meta", "meta", t.dueM}} {
		w := t.writer(x.table, db.Bulk{Table: x.table, Columns: []string{x.column, "mark"}, Conflict: []string{x.column},
			Set: fmt.Sprintf("mark = CASE WHEN %s.mark > excluded.mark THEN %s.mark ELSE excluded.mark END", x.table, x.table)})
		for id, mark := range x.rows {
			if err := w.Add(ctx, id, mark); err != nil {
				return err
			}
		}
		clear(x.rows)
	}
	return t.flush(ctx, "due_entry", "due_meta")
}

// DueEntries gives the due entries that are joined to no meta, of sources only and without containers, in the order of
// connector and anchor.
func (s *Store) DueEntries(ctx context.Context, each func(*canopy.Entry) error) error {
	var ids []int64
	err := s.query(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		}, `SELECT e.id FROM due_entry d CROSS JOIN entry e CROSS JOIN connector c
			WHERE e.id = d.entry AND c.no = e.connector AND e.meta = 0 ORDER BY c.ord, c.id, e.anchor, e.id`)
	})
	if err != nil {
		return fmt.Errorf("list due entries: %w", err)
	}
	for len(ids) > 0 {
		n := min(len(ids), 500)
		var rows []*entryRow
		err := s.read(ctx, func(t *db.Tx) (err error) {
			if rows, err = s.loadRows(ctx, t, ids[:n]); err != nil {
				return err
			}
			return s.tell(ctx, t, s.telling(), rows)
		})
		if err != nil {
			return fmt.Errorf("load due entries: %w", err)
		}
		for _, r := range sorted(rows, ids[:n]) {
			e, err := s.entry(r)
			if err != nil {
				return err
			}
			if err := each(e); err != nil {
				return err
			}
		}
		ids = ids[n:]
	}
	return nil
}

// sorted puts rows into the order of ids; what is not there is left out.
func sorted(rows []*entryRow, ids []int64) []*entryRow {
	at := make(map[int64]*entryRow, len(rows))
	for _, r := range rows {
		at[r.id] = r
	}
	out := rows[:0]
	for _, id := range ids {
		if r := at[id]; r != nil {
			out = append(out, r)
		}
	}
	return out
}

// DueMetas gives the due metas after a number, in order, at most limit.
func (s *Store) DueMetas(ctx context.Context, after canopy.MetaID, limit int) ([]canopy.MetaID, error) {
	var ids []canopy.MetaID
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var id canopy.MetaID
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		}, `SELECT d.meta FROM due_meta d CROSS JOIN meta m WHERE m.id = d.meta AND d.meta > $1 ORDER BY d.meta LIMIT $2`, int64(after), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list due metas: %w", err)
	}
	return ids, nil
}

// DueCount counts what is due.
func (s *Store) DueCount(ctx context.Context) (entries, metas int, err error) {
	err = s.read(ctx, func(t *db.Tx) error {
		if _, err := t.One(ctx, []any{&entries}, `SELECT count(*) FROM due_entry`); err != nil {
			return err
		}
		_, err := t.One(ctx, []any{&metas}, `SELECT count(*) FROM due_meta`)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count what is due: %w", err)
	}
	return entries, metas, nil
}

// MarkAllDue marks everything as due: the rules changed.
func (s *Store) MarkAllDue(ctx context.Context) error {
	err := s.update(ctx, func(t *tx) error {
		mark, err := t.dueMark(ctx)
		if err != nil {
			return err
		}
		if _, err := t.Exec(ctx, `INSERT INTO due_meta (meta, mark) SELECT id, $1 FROM meta WHERE id > 0
			ON CONFLICT (meta) DO UPDATE SET mark = excluded.mark`, mark); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `INSERT INTO due_entry (entry, mark) SELECT e.id, $1 FROM entry e JOIN connector c ON c.no = e.connector
			WHERE e.meta = 0 AND e.class <> $2 AND c.kind <> $3
			ON CONFLICT (entry) DO UPDATE SET mark = excluded.mark`, mark, string(canopy.Container), KindTenant)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark everything as due: %w", err)
	}
	return nil
}

// MarkDue marks entries (their metas, where they are joined) and metas as due.
func (s *Store) MarkDue(ctx context.Context, entries []canopy.EntryID, metas []canopy.MetaID) error {
	err := s.update(ctx, func(t *tx) error {
		for _, id := range metas {
			if err := t.metaDue(ctx, int64(id)); err != nil {
				return err
			}
		}
		return t.entriesDue(ctx, ints(entries))
	})
	if err != nil {
		return fmt.Errorf("mark as due: %w", err)
	}
	return nil
}

// entriesDue marks entries, or their metas.
func (t *tx) entriesDue(ctx context.Context, ids []int64) error {
	rows, err := t.heads(ctx, ids)
	if err != nil {
		return err
	}
	conns := t.s.byNumber()
	for _, r := range rows {
		c := conns[r.connector]
		if err := t.entryDue(ctx, r, c.target()); err != nil {
			return err
		}
	}
	return nil
}
