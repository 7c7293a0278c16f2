package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// View is a snapshot for reading: what it gives is as of the moment it was made. It is for one goroutine, and has
// to be closed. Reading through it writes nothing.
type View struct {
	s     *Store
	t     *db.Tx
	conns map[int64]conn
	told  told
}

// View makes a snapshot.
func (s *Store) View(ctx context.Context) (*View, error) {
	if err := s.index(ctx); err != nil {
		return nil, err
	}
	t, err := s.db.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a view: %w", err)
	}
	if err := s.refresh(ctx, t); err != nil {
		return nil, fmt.Errorf("open a view: %w", err)
	}
	return &View{s: s, t: t, conns: s.byNumber(), told: s.telling()}, nil
}

// Close ends the snapshot.
func (v *View) Close() error { return v.t.Close() }

// Metas loads metas by number.
func (v *View) Metas(ctx context.Context, ids []canopy.MetaID) ([]*canopy.Meta, error) {
	out, err := v.s.loadMetas(ctx, v.t, ids)
	if err != nil {
		return nil, fmt.Errorf("load metas: %w", err)
	}
	return out, nil
}

// EntriesOf loads all entries, of sources and targets, that are joined to the metas.
func (v *View) EntriesOf(ctx context.Context, ids []canopy.MetaID) ([]*canopy.Entry, error) {
	rows, err := selectRows(ctx, v.t, rowList, true, "e.meta IN (%s) AND e.meta > 0", ints(ids))
	return v.entries(ctx, rows, err)
}

// Entries loads entries by number.
func (v *View) Entries(ctx context.Context, ids []canopy.EntryID) ([]*canopy.Entry, error) {
	rows, err := v.s.loadRows(ctx, v.t, ints(ids))
	return v.entries(ctx, rows, err)
}

func (v *View) entries(ctx context.Context, rows []*entryRow, err error) ([]*canopy.Entry, error) {
	if err == nil {
		err = v.s.tell(ctx, v.t, v.told, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("load entries: %w", err)
	}
	out := make([]*canopy.Entry, 0, len(rows))
	for _, r := range rows {
		e, err := v.s.entry(r)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Lookup finds who has one of the keys.
func (v *View) Lookup(ctx context.Context, keys []canopy.Key) ([]canopy.Hit, error) {
	asked := make(map[canopy.Key]bool, len(keys))
	hashes := make([]int64, 0, len(keys))
	for _, k := range keys {
		asked[k] = true
		hashes = append(hashes, keyHash(k))
	}
	slices.Sort(hashes)
	var out []canopy.Hit
	err := db.Chunks(1, slices.Compact(hashes), func(args []any, list string) error {
		return v.t.Each(ctx, func(r *sql.Rows) error {
			var h canopy.Hit
			var owner int64
			var meta, connector sql.NullInt64
			if err := r.Scan(&owner, &h.Key.Name, &h.Key.Value, &meta, &connector); err != nil {
				return err
			}
			if !asked[h.Key] {
				return nil
			}
			if owner < 0 {
				h.Meta = canopy.MetaID(-owner)
			} else {
				h.Entry, h.Meta, h.Connector = canopy.EntryID(owner), canopy.MetaID(meta.Int64), v.conns[connector.Int64].ID
			}
			out = append(out, h)
			return nil
		}, `SELECT k.owner, k.name, k.value, e.meta, e.connector FROM key k LEFT JOIN entry e ON e.id = k.owner WHERE k.hash IN (`+list+`) AND k.name <> ''`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("look up keys: %w", err)
	}
	return out, nil
}

// Claims finds everybody who has or wants one of the claims' values: metas that want it (Entry 0) and entries of targets
// that hold it (Meta set when they are joined).
func (v *View) Claims(ctx context.Context, claims []canopy.Claim) ([]canopy.Claimant, error) {
	asked := make(map[canopy.Claim]bool, len(claims))
	hashes := make([]int64, 0, len(claims))
	for _, c := range claims {
		asked[c] = true
		hashes = append(hashes, claimHash(c))
	}
	slices.Sort(hashes)
	var out []canopy.Claimant
	err := db.Chunks(1, slices.Compact(hashes), func(args []any, list string) error {
		return v.t.Each(ctx, func(r *sql.Rows) error {
			var c canopy.Claimant
			var owner int64
			var meta, connector sql.NullInt64
			var anchor sql.NullString
			if err := r.Scan(&owner, &c.Claim.Kind, &c.Claim.Value, &c.Kept, &c.Owner, &c.Order, &c.Anchor, &meta, &connector, &anchor); err != nil {
				return err
			}
			if !asked[c.Claim] {
				return nil
			}
			if owner < 0 {
				c.Meta = canopy.MetaID(-owner)
			} else {
				c.Entry, c.Meta, c.Kept = canopy.EntryID(owner), canopy.MetaID(meta.Int64), true
				c.Order, c.Anchor = v.conns[connector.Int64].Order, canopy.Anchor(anchor.String)
			}
			out = append(out, c)
			return nil
		}, `SELECT c.owner, c.kind, c.value, c.kept, c.mine, c.ord, c.anchor, e.meta, e.connector, e.anchor FROM claim c
			LEFT JOIN entry e ON e.id = c.owner WHERE c.hash IN (`+list+`)`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("look up claims: %w", err)
	}
	return out, nil
}

// linkPage is how many rows of links are read at a time. It stands in the query, since SQLite makes a statement anew for
// each limit that it is given as an argument.
const linkPage = 2000

// Links walks the rows of one link attribute of one source entry, in the order of their targets' numbers. What the target
// is to hold and the source does not have comes last.
func (v *View) Links(ctx context.Context, q canopy.LinkQuery, each func(canopy.LinkRow) error) error {
	if err := v.links(ctx, q, each); err != nil {
		return fmt.Errorf("walk links %s of entry %d: %w", q.Attr, q.Owner, err)
	}
	return nil
}

func (v *View) links(ctx context.Context, q canopy.LinkQuery, each func(canopy.LinkRow) error) error {
	if q.To != nil && q.Owner == 0 {
		return v.leading(ctx, q.To, each)
	}
	c, err := v.s.conn(q.Connector)
	if err != nil {
		return err
	}
	from, to := v.s.words.known(string(q.Attr)), v.s.words.known(string(q.TargetAttr))
	if q.To != nil {
		return db.Chunks(6, ints(q.To), func(args []any, list string) error {
			_, _, err := v.page(ctx, each, fmt.Sprintf(settledRows, list), append([]any{int64(q.Owner), from, c.no, int64(q.Target), to}, args...)...)
			return err
		})
	}
	text, others := ownLinks+allRows, otherLinks
	switch {
	case q.Changed:
		text = ownLinks + changedRows
	case q.Held:
		text, others = strings.Replace(text, desiredState, heldState, 1), strings.Replace(others, desiredOthers, heldOthers, 1)
	}
	if err := v.pages(ctx, each, text, int64(q.Owner), from, c.no, int64(q.Target), to); err != nil || q.Changed {
		return err
	}
	return v.pages(ctx, func(r canopy.LinkRow) error {
		r.Removed, r.Desired = true, true
		return each(r)
	}, others, int64(q.Owner), from, c.no, int64(q.Target), to)
}

const (
	// Where a query asks for what the target holds, it asks the same with these in the place of those.
	desiredState, heldState   = `t.state`, `CASE WHEN t.state IN (0, 1, 4) THEN 1 END`
	desiredOthers, heldOthers = `t.state IN (1, 3)`, `(t.state = 1 OR t.state IN (0, 4) AND y.meta > 0)`

	// ownLinks are the rows of an entry, each with the first entry of its meta in the target, and what that is to hold.
	ownLinks = `SELECT q.target, q.state, q.anchor, q.dn, q.entry, q.entry_state, q.meta, q.counterpart,
		(SELECT ` + desiredState + ` FROM target_link t WHERE t.owner = $4 AND t.attr = $5 AND t.target = q.counterpart)
		FROM (SELECT l.target, l.state, COALESCE(x.anchor, s.anchor, '') AS anchor, COALESCE(x.dn, s.dn, '') AS dn, x.id AS entry, x.state AS entry_state, x.meta,
			(SELECT min(d.id) FROM entry d WHERE d.meta = x.meta AND d.meta > 0 AND d.connector + 0 = $3 AND d.state <> 3) AS counterpart
			FROM link l LEFT JOIN entry x ON x.id = l.target LEFT JOIN stub s ON s.id = l.target WHERE l.attr = $2 AND `
	ownEnd  = `) AS q ORDER BY q.target`
	allRows = `l.owner = $1 AND l.target > $6` + ownEnd
	// changedRows goes by the index of rows that changed, see the migration.
	changedRows = `l.owner + 0 = $1 AND l.target > $6 AND l.state > 1` + ownEnd
	// settledRows are those that were planned and did not change.
	settledRows = ownLinks + `l.owner = $1 AND l.state < 2 AND l.target IN (%s)` + ownEnd
	// leadingRows are everybody's rows of that kind which lead to some entries. A list of 200 would be answered by walking
	// all links, were they few when the database looked last.
	leadingRows = `WITH ends (id) AS (VALUES (%s)) SELECT DISTINCT l.owner, o.meta, l.target FROM ends CROSS JOIN link l CROSS JOIN entry o
		WHERE l.target = ends.id AND l.state < 2 AND o.id = l.owner AND o.meta > 0`
	// otherLinks are the rows that a target's entry is to hold and that no row of the source stands behind.
	otherLinks = `SELECT t.target, 3, y.anchor, y.dn, NULL, NULL, y.meta, y.id, t.state FROM target_link t CROSS JOIN entry y
		WHERE t.owner = $4 AND t.attr = $5 AND t.target > $6 AND ` + desiredOthers + ` AND y.id = t.target AND y.connector + 0 = $3
		AND NOT EXISTS (SELECT 1 FROM entry x CROSS JOIN link l WHERE x.meta = y.meta AND x.meta > 0 AND l.owner = $1 AND l.attr = $2 AND l.target = x.id)
		ORDER BY t.target`
)

// pages reads rows page by page, so that each may use the view.
func (v *View) pages(ctx context.Context, each func(canopy.LinkRow) error, query string, args ...any) error {
	query += fmt.Sprintf(" LIMIT %d", linkPage)
	for after := int64(0); ; {
		n, last, err := v.page(ctx, each, query, append(args, after)...)
		if err != nil || n < linkPage {
			return err
		}
		after = last
	}
}

// page reads the rows of one query, and gives how many they are and the number of the last one's target.
func (v *View) page(ctx context.Context, each func(canopy.LinkRow) error, query string, args ...any) (n int, last int64, err error) {
	page := make([]canopy.LinkRow, 0, 16)
	err = v.t.Each(ctx, func(r *sql.Rows) error {
		var row canopy.LinkRow
		var state int64
		var entry, entryState, meta, counterpart, desired sql.NullInt64
		if err := r.Scan(&last, &state, &row.Ref.Anchor, &row.Ref.DN, &entry, &entryState, &meta, &counterpart, &desired); err != nil {
			return err
		}
		row.Removed = state == linkRemoved
		row.Entry, row.State, row.Meta = canopy.EntryID(entry.Int64), canopy.EntryState(entryState.Int64), canopy.MetaID(meta.Int64)
		row.Counterpart = canopy.EntryID(counterpart.Int64)
		row.Desired = desired.Valid && (desired.Int64 == linkKept || desired.Int64 == linkAdd)
		page = append(page, row)
		return nil
	}, query, args...)
	if err != nil {
		return 0, 0, err
	}
	for _, row := range page {
		if err := each(row); err != nil {
			return 0, 0, err
		}
	}
	return len(page), last, nil
}

func leadingTo(list string) string {
	return fmt.Sprintf(leadingRows, strings.ReplaceAll(list, ", ", db.Number+"), (")+db.Number)
}

// leading walks the rows of joined owners that were planned and lead to entries.
func (v *View) leading(ctx context.Context, to []canopy.EntryID, each func(canopy.LinkRow) error) error {
	return db.Chunks(1, ints(to), func(args []any, list string) error {
		var rows []canopy.LinkRow
		err := v.t.Each(ctx, func(r *sql.Rows) error {
			var row canopy.LinkRow
			err := r.Scan(&row.Owner, &row.OwnerMeta, &row.Entry)
			rows = append(rows, row)
			return err
		}, leadingTo(list), args...)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := each(row); err != nil {
				return err
			}
		}
		return nil
	})
}
