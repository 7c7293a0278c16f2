package store

import (
	"context"
	"time"

	"github.com/canopy-sync/canopy"
)

// PendingExports are the exports of one phase that are due to be sent, in order, at most limit. For PhaseLinks they are
// made from the link rows whose two ends are in the target, and carry numbers below zero that RecordResults knows.
// Exports that were refused come again after a day.
func (s *Store) PendingExports(ctx context.Context, conn canopy.ConnectorID, phase canopy.ExportPhase, now time.Time, limit int) ([]canopy.Export, error) {
	return nil, errPending
}

// RecordResults keeps what a target answered: results[i] is the answer to exports[i].
func (s *Store) RecordResults(ctx context.Context, run canopy.RunID, conn canopy.ConnectorID, exports []canopy.Export, results []canopy.Result) error {
	return errPending
}

// ExportCounts count a target's exports.
type ExportCounts struct {
	Pending      int `json:"pending"`     // to be sent, those that wait included
	Waiting      int `json:"waiting"`     // of these, tried before and to be tried later
	Refused      int `json:"refused"`     // refused or denied
	Unconfirmed  int `json:"unconfirmed"` // answered "done", not seen by an import yet
	NotKept      int `json:"notKept"`     // entries that do not hold what the target answered "done" to
	Links        int `json:"links"`       // link rows to be sent, whose two ends are in the target
	LinksRefused int `json:"linksRefused"`
}

// ExportCounts counts a target's exports.
func (s *Store) ExportCounts(ctx context.Context, conn canopy.ConnectorID) (ExportCounts, error) {
	return ExportCounts{}, errPending
}

// Refusal is an export, or one link of one, that a target refused.
type Refusal struct {
	Export canopy.Export // as it was sent; for a link only Ref, Class and Links
	Entry  canopy.EntryID
	Meta   canopy.MetaID
	Name   string // for people: the target entry's display name or UPN
	Kind   canopy.ResultKind
	Code   string
	Text   string
	Tries  int
	At     time.Time // the last answer
}

// Refusals lists what a target refused, at most limit.
func (s *Store) Refusals(ctx context.Context, conn canopy.ConnectorID, limit int) ([]Refusal, error) {
	return nil, errPending
}

// Retry makes refused and waiting exports and links of a target due at once.
func (s *Store) Retry(ctx context.Context, conn canopy.ConnectorID) error { return errPending }
