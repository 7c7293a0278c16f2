package store

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// DueEntries gives the due entries that are joined to no meta, of sources only and without containers, in the order of
// connector and anchor.
func (s *Store) DueEntries(ctx context.Context, each func(*canopy.Entry) error) error {
	return errPending
}

// DueMetas gives the due metas after a number, in order, at most limit.
func (s *Store) DueMetas(ctx context.Context, after canopy.MetaID, limit int) ([]canopy.MetaID, error) {
	return nil, errPending
}

// DueCount counts what is due.
func (s *Store) DueCount(ctx context.Context) (entries, metas int, err error) {
	return 0, 0, errPending
}

// MarkAllDue marks everything as due: the rules changed.
func (s *Store) MarkAllDue(ctx context.Context) error { return errPending }

// MarkDue marks entries (their metas, where they are joined) and metas as due.
func (s *Store) MarkDue(ctx context.Context, entries []canopy.EntryID, metas []canopy.MetaID) error {
	return errPending
}
