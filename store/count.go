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

// Stock counts the synchronised objects that a target holds of a class, and with a container those of them whose entry in
// a source stands in the container of that DN: what the guard's limits are per cent of.
func (s *Store) Stock(ctx context.Context, target canopy.ConnectorID, class canopy.Class, container string) (int, error) {
	c, err := s.conn(target)
	if err != nil {
		return 0, err
	}
	n := 0
	err = s.query(ctx, func(t *db.Tx) error {
		if container == "" {
			_, err := t.One(ctx, []any{&n}, `SELECT count(*) FROM entry WHERE connector = $1 AND class = $2 AND state IN (0, 2) AND source_anchor <> ''`,
				c.no, string(class))
			return err
		}
		return t.Each(ctx, func(r *sql.Rows) error {
			var dn string
			var count int
			err := r.Scan(&dn, &count)
			if canopy.Fold(dn) == canopy.Fold(container) {
				n += count
			}
			return err
		}, `SELECT o.dn, count(DISTINCT t.id) FROM key k CROSS JOIN entry o CROSS JOIN entry x CROSS JOIN entry t
			WHERE k.hash = $1 AND k.name = '' AND o.id = k.owner AND x.connector = o.connector AND x.parent = o.anchor AND x.meta > 0
			AND t.meta = x.meta AND t.meta > 0 AND t.connector + 0 = $2 AND t.class = $3 AND t.state IN (0, 2) GROUP BY o.id, o.dn`,
			findHash(container), c.no, string(class))
	})
	if err != nil {
		return 0, fmt.Errorf("count objects of class %s in %s: %w", class, target, err)
	}
	return n, nil
}
