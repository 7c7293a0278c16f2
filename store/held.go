package store

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// HeldRow is something held back, as of the last applied plan.
type HeldRow struct {
	Meta  canopy.MetaID  // 0: an entry that joins nothing
	Entry canopy.EntryID // 0: the meta
	Class canopy.Class
	Name  string // for people
	Held  canopy.Held
}

// Held lists what is held back: metas and entries that are not joined, after and limit as pages.
func (s *Store) Held(ctx context.Context, after, limit int) ([]HeldRow, error) { return nil, errPending }

// HeldCount counts metas and entries of which something is held back, by reason.
func (s *Store) HeldCount(ctx context.Context) (canopy.Tally, error) { return nil, errPending }

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

// WaitingLinks lists links that wait, at most limit.
func (s *Store) WaitingLinks(ctx context.Context, limit int) ([]WaitingLink, error) {
	return nil, errPending
}
