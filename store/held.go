package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// HeldRow is something held back, as of the last applied plan.
type HeldRow struct {
	Meta  canopy.MetaID  // 0: an entry that joins nothing
	Entry canopy.EntryID // 0: the meta
	Class canopy.Class
	Name  string // for people
	Held  canopy.Held
}

// Held lists what is held back, of metas and of entries that are joined to none: at most limit after the first `after`.
func (s *Store) Held(ctx context.Context, after, limit int) ([]HeldRow, error) {
	var out []HeldRow
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var h HeldRow
			var body []byte
			if err := r.Scan(&h.Meta, &h.Entry, &h.Class, &h.Name, &body); err != nil {
				return err
			}
			err := json.Unmarshal(body, &h.Held)
			out = append(out, h)
			return err
		}, `SELECT meta, entry, class, label, body FROM held ORDER BY meta, entry, n LIMIT $1 OFFSET $2`, limit, after)
	})
	if err != nil {
		return nil, fmt.Errorf("list what is held back: %w", err)
	}
	return out, nil
}

// HeldCount counts metas and entries of which something is held back, by reason.
func (s *Store) HeldCount(ctx context.Context) (canopy.Tally, error) {
	out := canopy.Tally{}
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var reason string
			var n int
			err := r.Scan(&reason, &n)
			out[reason] = n
			return err
		}, `SELECT reason, count(*) FROM (SELECT DISTINCT meta, entry, reason FROM held) AS h GROUP BY reason`)
	})
	if err != nil {
		return nil, fmt.Errorf("count what is held back: %w", err)
	}
	return out, nil
}

// WaitingLink is a link of a source that the target cannot get yet.
type WaitingLink struct {
	Connector canopy.ConnectorID
	Owner     canopy.EntryID
	OwnerDN   string
	Attr      canopy.Attr
	Ref       canopy.Ref        // what it names
	Entry     canopy.EntryID    // 0: unknown object
	State     canopy.EntryState // of Entry
	Meta      canopy.MetaID     // of Entry, 0: not joined
}

// WaitingLinks lists links that wait, at most limit. It looks through all links, so it is for people and not for runs.
func (s *Store) WaitingLinks(ctx context.Context, limit int) ([]WaitingLink, error) {
	var out []WaitingLink
	conns := s.byNumber()
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var w WaitingLink
			var attr, conn int64
			var entry, state, meta sql.NullInt64
			if err := r.Scan(&w.Owner, &attr, &conn, &w.OwnerDN, &w.Ref.Anchor, &w.Ref.DN, &entry, &state, &meta); err != nil {
				return err
			}
			name, err := s.words.word(attr)
			w.Connector, w.Attr = conns[conn].ID, canopy.Attr(name)
			w.Entry, w.State, w.Meta = canopy.EntryID(entry.Int64), canopy.EntryState(state.Int64), canopy.MetaID(meta.Int64)
			out = append(out, w)
			return err
		}, `SELECT l.owner, l.attr, o.connector, o.dn, COALESCE(x.anchor, s.anchor, ''), COALESCE(x.dn, s.dn, ''), x.id, x.state, x.meta
			FROM link l JOIN entry o ON o.id = l.owner LEFT JOIN entry x ON x.id = l.target LEFT JOIN stub s ON s.id = l.target
			WHERE l.state = 1 ORDER BY l.owner, l.attr, l.target LIMIT $1`, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list links that wait: %w", err)
	}
	return out, nil
}
