package store

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// ApplyResult tells how far a plan is applied.
type ApplyResult struct {
	Applied int  // items applied by this call
	Done    bool // the plan is applied, its links included
	// Stale are metas of items that were not applied, since something about them changed after the plan was made. They
	// stay due. New metas (negative numbers) are left out; their entries stay due.
	Stale []canopy.MetaID
}

// Apply applies the next items of a plan, at most limit, in one transaction with the plan's progress. Call it until Done.
// A plan that is stopped, refused or not sealed is an error of kind Conflict.
func (s *Store) Apply(ctx context.Context, plan canopy.PlanID, limit int) (ApplyResult, error) {
	return ApplyResult{}, errPending
}
