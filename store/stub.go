package store

import (
	"context"
	"database/sql"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

func (t *tx) putStub(ctx context.Context, id, conn int64, ref canopy.Ref) error {
	return t.writer("stub", db.Bulk{Table: "stub", Columns: []string{"id", "connector", "anchor", "dn", "folded"}}).
		Add(ctx, id, conn, string(ref.Anchor), ref.DN, canopy.Fold(ref.DN))
}

// stubs finds the stubs of anchors, by anchor.
func (t *tx) stubs(ctx context.Context, conn int64, anchors []string) (map[string]int64, error) {
	found := map[string]int64{}
	if err := t.flush(ctx, "stub"); err != nil {
		return nil, err
	}
	var one int64
	if any, err := t.One(ctx, []any{&one}, `SELECT id FROM stub WHERE connector = $1 LIMIT 1`, conn); err != nil || !any {
		return found, err
	}
	err := db.Chunks(2, anchors, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			var anchor string
			err := r.Scan(&id, &anchor)
			found[anchor] = id
			return err
		}, `SELECT id, anchor FROM stub WHERE connector = $1 AND anchor IN (`+list+`)`, append([]any{conn}, args...)...)
	})
	return found, err
}

// stubsByDN finds the stubs that have no anchor, by folded DN.
func (t *tx) stubsByDN(ctx context.Context, conn int64, folded []string) (map[string]int64, error) {
	found := map[string]int64{}
	if err := t.flush(ctx, "stub"); err != nil {
		return nil, err
	}
	var one int64
	if any, err := t.One(ctx, []any{&one}, `SELECT id FROM stub WHERE connector = $1 AND anchor = '' LIMIT 1`, conn); err != nil || !any {
		return found, err
	}
	err := db.Chunks(2, folded, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var id int64
			var dn string
			err := r.Scan(&id, &dn)
			found[dn] = id
			return err
		}, `SELECT id, folded FROM stub WHERE connector = $1 AND anchor = '' AND folded IN (`+list+`)`, append([]any{conn}, args...)...)
	})
	return found, err
}

// dropStub forgets a stub; its links go over to the entry that it turned out to be.
func (t *tx) dropStub(ctx context.Context, id, entry int64) error {
	if _, err := t.Exec(ctx, `DELETE FROM stub WHERE id = $1`, id); err != nil || id == entry {
		return err
	}
	if err := t.index(ctx); err != nil {
		return err
	}
	if err := t.flush(ctx, "link"); err != nil {
		return err
	}
	if _, err := t.Exec(ctx, `INSERT INTO link (owner, attr, target, state) SELECT owner, attr, $1, state FROM link WHERE target = $2
		ON CONFLICT (owner, attr, target) DO NOTHING`, entry, id); err != nil {
		return err
	}
	_, err := t.Exec(ctx, `DELETE FROM link WHERE target = $1`, id)
	return err
}
