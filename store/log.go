package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
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
// own for that; the run's step counts it. Long values are shortened.
func (s *Store) Log(ctx context.Context, f LogFilter) ([]LogRow, error) {
	where, args := "", []any{}
	also := func(column string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND %s $%d", column, len(args))
	}
	if f.Run != 0 {
		also("run =", int64(f.Run))
	}
	if f.Entry != 0 {
		also("entry > 0 AND entry =", int64(f.Entry))
	}
	if f.Meta != 0 {
		also("meta > 0 AND meta =", int64(f.Meta))
	}
	if f.Connector != "" {
		c, err := s.conn(f.Connector)
		if err != nil {
			return nil, err
		}
		also("connector =", c.no)
	}
	if f.Step != "" {
		also("step =", string(f.Step))
	}
	if f.Before != 0 {
		also("id <", f.Before)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	args = append(args, f.Limit)
	var out []LogRow
	conns := s.byNumber()
	err := s.read(ctx, func(t *db.Tx) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var row LogRow
			var at, conn int64
			var changes []byte
			if err := r.Scan(&row.ID, &row.Run, &at, &row.Entry, &row.Meta, &conn, &row.Step, &row.Op, &row.Text, &row.Code, &changes); err != nil {
				return err
			}
			row.At, row.Connector = moment(at), conns[conn].ID
			var err error
			row.Changes, err = s.words.decodeChanges(changes)
			out = append(out, row)
			return err
		}, `SELECT id, run, at, entry, meta, connector, step, op, text, code, changes FROM log WHERE id > 0`+where+
			fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(args)), args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	return out, nil
}
