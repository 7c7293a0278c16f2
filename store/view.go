package store

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// View is a snapshot for reading: what it gives is as of the moment it was made. It is for one goroutine, and has
// to be closed. Reading through it writes nothing.
type View struct{}

// View makes a snapshot.
func (s *Store) View(ctx context.Context) (*View, error) { return nil, errPending }

// Close ends the snapshot.
func (v *View) Close() error { return errPending }

// Metas loads metas by number.
func (v *View) Metas(ctx context.Context, ids []canopy.MetaID) ([]*canopy.Meta, error) {
	return nil, errPending
}

// EntriesOf loads all entries, of sources and targets, that are joined to the metas.
func (v *View) EntriesOf(ctx context.Context, ids []canopy.MetaID) ([]*canopy.Entry, error) {
	return nil, errPending
}

// Entries loads entries by number.
func (v *View) Entries(ctx context.Context, ids []canopy.EntryID) ([]*canopy.Entry, error) {
	return nil, errPending
}

// Lookup finds who has one of the keys.
func (v *View) Lookup(ctx context.Context, keys []canopy.Key) ([]canopy.Hit, error) {
	return nil, errPending
}

// Claims finds everybody who has or wants one of the claims' values. A meta and its target entry are one claimant.
func (v *View) Claims(ctx context.Context, claims []canopy.Claim) ([]canopy.Claimant, error) {
	return nil, errPending
}

// Links walks the rows of one link attribute of one source entry, in the order of their targets' numbers.
func (v *View) Links(ctx context.Context, q canopy.LinkQuery, each func(canopy.LinkRow) error) error {
	return errPending
}
