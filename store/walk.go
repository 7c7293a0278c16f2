package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// walkBatch is how many rows are looked at in one transaction of a walk.
const walkBatch = 500

// EachEntry gives every entry of a connector's space, containers too, by number. What changes meanwhile may be given as
// it was or as it is.
func (s *Store) EachEntry(ctx context.Context, id canopy.ConnectorID, each func(*canopy.Entry) error) error {
	c, err := s.conn(id)
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		var rows []*entryRow
		err := s.read(ctx, func(t *db.Tx) error {
			ids, err := entryPage(ctx, t, c.no, after)
			if err != nil || len(ids) == 0 {
				return err
			}
			after = ids[len(ids)-1]
			rows, err = s.loadRows(ctx, t, ids)
			rows = sorted(rows, ids)
			return err
		})
		if err != nil {
			return fmt.Errorf("walk the entries of %s: %w", id, err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, r := range rows {
			e, err := s.entry(r)
			if err != nil {
				return err
			}
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

// MetaIDs are the numbers of metas after one, in order, at most limit.
func (s *Store) MetaIDs(ctx context.Context, after canopy.MetaID, limit int) ([]canopy.MetaID, error) {
	var ids []canopy.MetaID
	err := s.read(ctx, func(t *db.Tx) error {
		list, err := page(ctx, t, `SELECT id FROM meta WHERE id > $1 ORDER BY id LIMIT $2`, int64(after), limit)
		for _, id := range list {
			ids = append(ids, canopy.MetaID(id))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list metas: %w", err)
	}
	return ids, nil
}

// entryPage gives the numbers of the next entries of a connector.
func entryPage(ctx context.Context, t *db.Tx, conn, after int64) ([]int64, error) {
	return page(ctx, t, `SELECT id FROM entry WHERE id > $1 AND connector = $2 ORDER BY id LIMIT $3`, after, conn, walkBatch)
}

func page(ctx context.Context, t *db.Tx, query string, args ...any) ([]int64, error) {
	var ids []int64
	err := t.Each(ctx, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, query, args...)
	return ids, err
}
