package store

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// ImportRequest is one batch of a read.
type ImportRequest struct {
	Connector canopy.ConnectorID
	Run       canopy.RunID
	Batch     canopy.Batch
	ScopeHash string // what was asked for: a stored cursor is good for the same only
	Full      bool   // the whole read is a complete image
	// Derive gives the keys and claims of an entry by the rules. It is called for entries that changed only, within the
	// transaction, and must not call the store.
	Derive func(*canopy.Entry) ([]canopy.Key, []canopy.Claim)
}

// ImportCounts are what one or more batches brought. Read is the sum of Added to Failed.
type ImportCounts struct {
	Read       int `json:"read"` // objects; containers are counted apart
	Added      int `json:"added"`
	Changed    int `json:"changed"`
	Unchanged  int `json:"unchanged"`
	LeftScope  int `json:"leftScope"`
	Deleted    int `json:"deleted"`
	Failed     int `json:"failed"`
	Containers int `json:"containers"`
	Confirmed  int `json:"confirmed"` // exports
	NotKept    int `json:"notKept"`   // attributes sent and answered "done" that the target does not hold
}

// Add sums up.
func (c *ImportCounts) Add(o ImportCounts) {
	c.Read += o.Read
	c.Added += o.Added
	c.Changed += o.Changed
	c.Unchanged += o.Unchanged
	c.LeftScope += o.LeftScope
	c.Deleted += o.Deleted
	c.Failed += o.Failed
	c.Containers += o.Containers
	c.Confirmed += o.Confirmed
	c.NotKept += o.NotKept
}

// Import applies a batch to a connector's space: entries, links, marks of what is due, confirmations and the cursor in
// one transaction. The batch that ends a full read also marks what it did not show as missing (see FinishFull).
// Importing the same batch again changes nothing.
func (s *Store) Import(ctx context.Context, req ImportRequest) (ImportCounts, error) {
	return ImportCounts{}, errPending
}

// FullResult is what a complete full read did not show. Containers are named by their DN.
type FullResult struct {
	Seen    int // entries that the read showed, out of scope ones and containers not counted
	Missing int
	Before  int // entries before the read
	// MissingByContainer and BeforeByContainer have the containers of the missing entries.
	MissingByContainer map[string]int
	BeforeByContainer  map[string]int
}

// FinishFull tells what the full read that run has just ended did not show. Such entries are Missing, never Gone, until
// ResolveMissing or a later read tells more.
func (s *Store) FinishFull(ctx context.Context, conn canopy.ConnectorID, run canopy.RunID) (FullResult, error) {
	return FullResult{}, errPending
}

// Missing lists the missing entries of conn, and whether the entry's container was seen by the last full read.
func (s *Store) Missing(ctx context.Context, conn canopy.ConnectorID, each func(e *canopy.Entry, containerSeen bool) error) error {
	return errPending
}

// ResolveMissing decides about missing entries: those gone are deleted in their directory, those that wait stay missing.
func (s *Store) ResolveMissing(ctx context.Context, conn canopy.ConnectorID, gone, wait []canopy.EntryID) error {
	return errPending
}

// Escrow is an object that could not be read whole. It is not applied, and tried again with each read that shows it.
type Escrow struct {
	Connector canopy.ConnectorID
	Anchor    canopy.Anchor
	DN        string
	First     int64 // microseconds UTC
	Last      int64
	Count     int
	Code      string
	Text      string
}

// Escrows lists the objects that could not be read, all connectors for "".
func (s *Store) Escrows(ctx context.Context, conn canopy.ConnectorID, limit int) ([]Escrow, error) {
	return nil, errPending
}
