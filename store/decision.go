package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Decision is a person's word on joining.
type Decision struct {
	ID    int64
	Kind  string         // "join", "separate", "exclude"
	Entry canopy.EntryID // the entry decided about
	Other canopy.EntryID // join: with this entry, or
	Meta  canopy.MetaID  // with this meta; separate: from it, 0 from any; exclude: that it was joined to
	Who   string
	Why   string
	At    time.Time
}

// PutDecision keeps a decision in the place of an earlier one about the same entry, and marks what it touches as due.
// ID and At are given by the store.
func (s *Store) PutDecision(ctx context.Context, d Decision) (int64, error) {
	if d.Entry == 0 || d.Kind != "join" && d.Kind != "separate" && d.Kind != "exclude" || d.Kind == "join" && d.Other == 0 && d.Meta == 0 {
		return 0, &canopy.Error{Kind: canopy.Invalid, Code: "decision", Object: fmt.Sprintf("entry %d", d.Entry), Text: "this is no decision: " + d.Kind,
			Next: "join an entry with an entry or a meta, separate it, or exclude it"}
	}
	var id int64
	err := s.update(ctx, func(t *tx) error {
		if _, err := t.Exec(ctx, `DELETE FROM decision WHERE entry = $1`, int64(d.Entry)); err != nil {
			return err
		}
		var err error
		if id, err = t.next(ctx, nounChoice); err != nil {
			return err
		}
		if _, err := t.Exec(ctx, `INSERT INTO decision (id, kind, entry, other, meta, who, why, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			id, d.Kind, int64(d.Entry), int64(d.Other), int64(d.Meta), d.Who, d.Why, t.now); err != nil {
			return err
		}
		if err := t.metaDue(ctx, int64(d.Meta)); err != nil {
			return err
		}
		return t.entriesDue(ctx, ints([]canopy.EntryID{d.Entry, d.Other}))
	})
	if err != nil {
		return 0, fmt.Errorf("keep a decision: %w", err)
	}
	return id, nil
}

// DropDecision forgets the decisions about an entry, and marks it as due.
func (s *Store) DropDecision(ctx context.Context, entry canopy.EntryID) error {
	err := s.update(ctx, func(t *tx) error {
		if _, err := t.Exec(ctx, `DELETE FROM decision WHERE entry = $1`, int64(entry)); err != nil {
			return err
		}
		return t.entriesDue(ctx, []int64{int64(entry)})
	})
	if err != nil {
		return fmt.Errorf("forget a decision: %w", err)
	}
	return nil
}

// Decisions are all decisions in the order in which they were made.
func (s *Store) Decisions(ctx context.Context) ([]Decision, error) {
	var out []Decision
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var d Decision
			var at int64
			err := r.Scan(&d.ID, &d.Kind, &d.Entry, &d.Other, &d.Meta, &d.Who, &d.Why, &at)
			d.At = moment(at)
			out = append(out, d)
			return err
		}, `SELECT id, kind, entry, other, meta, who, why, at FROM decision ORDER BY id`)
	})
	if err != nil {
		return nil, fmt.Errorf("list decisions: %w", err)
	}
	return out, nil
}
