// Package engine decides: from a meta, its entries and the rules it makes that meta's part of a plan. It is pure: it
// looks through View, acts on nothing, and knows no attribute but the identity words.
package engine

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// View is the read-only snapshot that the engine may look at. Everything it gives is as of one moment and belongs to
// the caller. Whatever is asked for in a list may be answered in any order; what does not exist is left out.
type View interface {
	// Metas loads metas by number.
	Metas(ctx context.Context, ids []canopy.MetaID) ([]*canopy.Meta, error)
	// EntriesOf loads all entries, of sources and targets, that are joined to the metas.
	EntriesOf(ctx context.Context, ids []canopy.MetaID) ([]*canopy.Entry, error)
	// Entries loads entries by number.
	Entries(ctx context.Context, ids []canopy.EntryID) ([]*canopy.Entry, error)
	// Lookup finds who has one of the keys: metas (Hit.Meta set, Hit.Entry 0) and entries (Hit.Entry set, Hit.Meta
	// set when that entry is joined). Entries keep their keys when they are joined.
	Lookup(ctx context.Context, keys []canopy.Key) ([]canopy.Hit, error)
	// Claims finds everybody who has or wants one of the claims' values, as of the last applied plan and import: metas
	// that want it (Entry 0), and entries of targets that hold it (Meta set when they are joined).
	Claims(ctx context.Context, claims []canopy.Claim) ([]canopy.Claimant, error)
	// Links walks the rows of one link attribute of one source entry, in a stable order. Without q.Changed it also gives,
	// as Removed, what the target is to hold so far and the source entry does not have.
	Links(ctx context.Context, q canopy.LinkQuery, each func(canopy.LinkRow) error) error
}
