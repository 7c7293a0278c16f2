package store

import (
	"context"
	"time"

	"github.com/canopy-sync/canopy"
)

// LogStep is a step in the life of an object.
type LogStep string

// The steps.
const (
	LogImport  LogStep = "import"
	LogJoin    LogStep = "join"
	LogPlan    LogStep = "plan"
	LogExport  LogStep = "export"
	LogConfirm LogStep = "confirm"
)

// LogRow is one row of the provisioning log.
type LogRow struct {
	ID        int64
	Run       canopy.RunID
	At        time.Time
	Entry     canopy.EntryID
	Meta      canopy.MetaID
	Connector canopy.ConnectorID
	Step      LogStep
	Op        string // "add", "modify", "delete", "projected", "joined", "separated", "done", "refused", ...
	Text      string
	Code      string
	Changes   []canopy.AttrChange
}

// LogFilter selects rows; zero fields select all.
type LogFilter struct {
	Run       canopy.RunID
	Entry     canopy.EntryID
	Meta      canopy.MetaID
	Connector canopy.ConnectorID
	Step      LogStep
	Before    int64 // only rows with a lower ID: the next page
	Limit     int   // 0: 100
}

// Log gives rows of the provisioning log, the newest first. An object that a first full read brought has no row of its
// own for that; the run's step counts it.
func (s *Store) Log(ctx context.Context, f LogFilter) ([]LogRow, error) { return nil, errPending }
