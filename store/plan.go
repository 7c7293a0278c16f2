package store

import (
	"context"

	"github.com/canopy-sync/canopy"
)

// NewPlan keeps the head of a new plan and numbers it. Call it before the View that the plan is made from: what is
// marked as due after it makes the items that it touches stale. Plans that were still open are refused, replaced.
func (s *Store) NewPlan(ctx context.Context, p canopy.Plan) (canopy.PlanID, error) {
	return 0, errPending
}

// AddItems adds items to a plan that is being made.
func (s *Store) AddItems(ctx context.Context, plan canopy.PlanID, items []canopy.PlanItem) error {
	return errPending
}

// SealPlan ends the making of a plan: its totals, what the guard says, and PlanOpen or PlanStopped.
func (s *Store) SealPlan(ctx context.Context, plan canopy.PlanID, totals canopy.Totals, breaches []canopy.Breach, state canopy.PlanState) error {
	return errPending
}

// Plan is the head of a plan; an error of kind NotFound when there is none.
func (s *Store) Plan(ctx context.Context, id canopy.PlanID) (canopy.Plan, error) {
	return canopy.Plan{}, errPending
}

// Plans are the last plans, the newest first.
func (s *Store) Plans(ctx context.Context, limit int) ([]canopy.Plan, error) { return nil, errPending }

// LatestPlan is the newest plan; an error of kind NotFound when there is none.
func (s *Store) LatestPlan(ctx context.Context) (canopy.Plan, error) {
	return canopy.Plan{}, errPending
}

// Items are a plan's items in order: at most limit after the first `after` ones. Joins and exports of metas that the
// plan makes name them with negative numbers until the item is applied.
func (s *Store) Items(ctx context.Context, plan canopy.PlanID, after, limit int) ([]canopy.PlanItem, error) {
	return nil, errPending
}

// DecidePlan approves (PlanApproved) or refuses (PlanRefused) a plan that is not applied yet; otherwise an error of kind
// Conflict.
func (s *Store) DecidePlan(ctx context.Context, id canopy.PlanID, state canopy.PlanState, who, why string) error {
	return errPending
}
