package store

import (
	"bytes"
	"context"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Rederive brings the keys and claims of all entries of a connector up to date with rules that have changed. It makes
// nothing due. A call that is cut off may be made again.
func (s *Store) Rederive(ctx context.Context, id canopy.ConnectorID, derive func(*canopy.Entry) ([]canopy.Key, []canopy.Claim)) error {
	c, err := s.conn(id)
	if err != nil {
		return err
	}
	some := false
	err = s.read(ctx, func(t *db.Tx) error {
		var one int64
		some, err = t.One(ctx, []any{&one}, `SELECT id FROM entry WHERE connector = $1 LIMIT 1`, c.no)
		return err
	})
	if err != nil || !some {
		return err
	}
	if err := s.index(ctx); err != nil {
		return err
	}
	for after, more := int64(0), true; more; {
		err := s.update(ctx, func(t *tx) error {
			ids, err := entryPage(ctx, t.Tx, c.no, after)
			if more = len(ids) > 0; err != nil || !more {
				return err
			}
			after = ids[len(ids)-1]
			im := &importing{t: t, c: c, req: ImportRequest{Connector: id, Derive: derive}, told: s.telling()}
			return im.rederive(ctx, ids)
		})
		if err != nil {
			return fmt.Errorf("derive the keys of %s anew: %w", id, err)
		}
	}
	return nil
}

func (im *importing) rederive(ctx context.Context, ids []int64) error {
	rows, err := selectRows(ctx, im.t.Tx, rowList, true, "e.id IN (%s)", ids)
	if err != nil {
		return err
	}
	if err := im.tellRows(ctx, rows); err != nil {
		return err
	}
	for _, r := range sorted(rows, ids) {
		keys, claims := r.keys, r.claims
		w := &work{entryRow: r}
		if err := im.derive(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", r.dn, err)
		}
		if !bytes.Equal(keys, r.keys) || !bytes.Equal(claims, r.claims) {
			im.t.touch(r)
		}
	}
	return nil
}

// RekeyMetas brings the keys of all metas up to date with rules that have changed.
func (s *Store) RekeyMetas(ctx context.Context, keys func(*canopy.Meta) []canopy.Key) error {
	for after := canopy.MetaID(0); ; {
		ids, err := s.MetaIDs(ctx, after, walkBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		err = s.update(ctx, func(t *tx) error {
			metas, err := s.loadMetas(ctx, t.Tx, ids)
			if err != nil {
				return err
			}
			heads, err := t.metaHeads(ctx, ints(ids))
			if err != nil {
				return err
			}
			for _, m := range metas {
				before := heads[int64(m.ID)].keys
				now, _, err := t.setKeys(ctx, -int64(m.ID), before, keys(m), nil)
				if err != nil {
					return err
				}
				if bytes.Equal(before, now) {
					continue
				}
				if _, err := t.Exec(ctx, `UPDATE meta SET keys = $1 WHERE id = $2`, now, int64(m.ID)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("derive the keys of metas anew: %w", err)
		}
	}
}
