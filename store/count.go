package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Counts count the metaverse.
type Counts struct {
	People   int `json:"people"`
	Groups   int `json:"groups"`
	Contacts int `json:"contacts"`
	Joined   int `json:"joined"` // metas with entries of two or more sources
}

// Counts counts the metaverse.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.read(ctx, func(t *db.Tx) error {
		err := t.Each(ctx, func(r *sql.Rows) error {
			var class string
			var contact bool
			var n int
			if err := r.Scan(&class, &contact, &n); err != nil {
				return err
			}
			switch {
			case contact || class == string(canopy.Contact):
				c.Contacts += n
			case class == string(canopy.Group):
				c.Groups += n
			default:
				c.People += n
			}
			return nil
		}, `SELECT class, contact, count(*) FROM meta GROUP BY class, contact`)
		if err != nil {
			return err
		}
		_, err = t.One(ctx, []any{&c.Joined}, `SELECT count(*) FROM (SELECT e.meta FROM entry e JOIN connector c ON c.no = e.connector
			WHERE e.meta > 0 AND c.kind <> $1 GROUP BY e.meta HAVING count(DISTINCT e.connector) > 1) AS j`, KindTenant)
		return err
	})
	if err != nil {
		return Counts{}, fmt.Errorf("count the metaverse: %w", err)
	}
	return c, nil
}

// Population counts the synchronised objects that targets hold, by connector and class: what the guard's limits are per
// cent of.
func (s *Store) Population(ctx context.Context) (map[canopy.ConnectorID]map[canopy.Class]int, error) {
	out := map[canopy.ConnectorID]map[canopy.Class]int{}
	conns := s.byNumber()
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var conn int64
			var class canopy.Class
			var n int
			err := r.Scan(&conn, &class, &n)
			id := conns[conn].ID
			if out[id] == nil {
				out[id] = map[canopy.Class]int{}
			}
			out[id][class] += n
			return err
		}, `SELECT e.connector, e.class, count(*) FROM entry e JOIN connector c ON c.no = e.connector
			WHERE c.kind = $1 AND e.meta > 0 AND e.state IN (0, 2) GROUP BY e.connector, e.class`, KindTenant)
	})
	if err != nil {
		return nil, fmt.Errorf("count the targets' objects: %w", err)
	}
	return out, nil
}
