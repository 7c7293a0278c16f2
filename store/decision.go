package store

import (
	"context"
	"time"

	"github.com/canopy-sync/canopy"
)

// Decision is a person's word on joining.
type Decision struct {
	ID    int64
	Kind  string         // "join", "separate"
	Entry canopy.EntryID // the entry decided about
	Other canopy.EntryID // join: with this entry, or
	Meta  canopy.MetaID  // with this meta; separate: from it, 0 from any
	Who   string
	Why   string
	At    time.Time
}

// PutDecision keeps a decision in the place of an earlier one about the same entry, and marks what it touches as due.
// ID and At are given by the store.
func (s *Store) PutDecision(ctx context.Context, d Decision) (int64, error) { return 0, errPending }

// DropDecision forgets the decisions about an entry, and marks it as due.
func (s *Store) DropDecision(ctx context.Context, entry canopy.EntryID) error { return errPending }

// Decisions are all decisions in the order in which they were made.
func (s *Store) Decisions(ctx context.Context) ([]Decision, error) { return nil, errPending }
