package store

import (
	"context"
	"time"

	"github.com/canopy-sync/canopy"
)

// Run is one walk through the work, or a step of one.
type Run struct {
	ID       canopy.RunID
	Verb     string // "run", "plan", "lab"
	Who      string
	Started  time.Time
	Finished time.Time // zero: it runs, or was killed
	Error    string
	Steps    []Step
}

// Step is a part of a run.
type Step struct {
	Name      string             `json:"name"` // import, plan, apply, export, confirm
	Connector canopy.ConnectorID `json:"connector,omitempty"`
	Started   time.Time          `json:"started"`
	Finished  time.Time          `json:"finished"`
	Counts    map[string]int     `json:"counts,omitempty"`
	Error     string             `json:"error,omitempty"`
}

// StartRun numbers a run.
func (s *Store) StartRun(ctx context.Context, verb, who string) (canopy.RunID, error) {
	return 0, errPending
}

// AddStep keeps a step of a run.
func (s *Store) AddStep(ctx context.Context, run canopy.RunID, step Step) error { return errPending }

// FinishRun ends a run; text is "" when it went well.
func (s *Store) FinishRun(ctx context.Context, run canopy.RunID, text string) error {
	return errPending
}

// Runs are the last runs with their steps, the newest first.
func (s *Store) Runs(ctx context.Context, limit int) ([]Run, error) { return nil, errPending }
