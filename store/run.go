package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Run is one walk through the work, or a step of one.
type Run struct {
	ID       canopy.RunID `json:"run"`
	Verb     string       `json:"verb"` // "run", "plan", "lab"
	Who      string       `json:"who"`
	Started  time.Time    `json:"started"`
	Finished time.Time    `json:"finished,omitzero"` // zero: it runs, or was killed
	Error    string       `json:"error,omitempty"`
	Steps    []Step       `json:"steps,omitempty"`
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
	var id int64
	err := s.update(ctx, func(t *tx) error {
		var err error
		if id, err = t.next(ctx, nounRun); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `INSERT INTO run (id, verb, who, started, finished, error) VALUES ($1, $2, $3, $4, 0, '')`, id, verb, who, t.now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("start a run: %w", err)
	}
	return canopy.RunID(id), nil
}

// AddStep keeps a step of a run.
func (s *Store) AddStep(ctx context.Context, run canopy.RunID, step Step) error {
	body, err := json.Marshal(step)
	if err == nil {
		err = s.update(ctx, func(t *tx) error {
			_, err := t.Exec(ctx, `INSERT INTO step (run, n, body) SELECT $1, count(*) + 1, $2 FROM step WHERE run = $3`, int64(run), body, int64(run))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep step %s of run %d: %w", step.Name, run, err)
	}
	return nil
}

// FinishRun ends a run; text is "" when it went well.
func (s *Store) FinishRun(ctx context.Context, run canopy.RunID, text string) error {
	err := s.update(ctx, func(t *tx) error {
		_, err := t.Exec(ctx, `UPDATE run SET finished = $1, error = $2 WHERE id = $3`, t.now, text, int64(run))
		return err
	})
	if err != nil {
		return fmt.Errorf("finish run %d: %w", run, err)
	}
	return nil
}

// Runs are the last runs with their steps, the newest first.
func (s *Store) Runs(ctx context.Context, limit int) ([]Run, error) {
	var out []Run
	err := s.read(ctx, func(t *db.Tx) error {
		err := t.Each(ctx, func(r *sql.Rows) error {
			var x Run
			var started, finished int64
			err := r.Scan(&x.ID, &x.Verb, &x.Who, &started, &finished, &x.Error)
			x.Started, x.Finished = moment(started), moment(finished)
			out = append(out, x)
			return err
		}, `SELECT id, verb, who, started, finished, error FROM run ORDER BY id DESC LIMIT $1`, limit)
		for i := range out {
			if err == nil {
				err = steps(ctx, t, &out[i])
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return out, nil
}

func steps(ctx context.Context, t *db.Tx, run *Run) error {
	return t.Each(ctx, func(r *sql.Rows) error {
		var body []byte
		if err := r.Scan(&body); err != nil {
			return err
		}
		var step Step
		err := json.Unmarshal(body, &step)
		run.Steps = append(run.Steps, step)
		return err
	}, `SELECT body FROM step WHERE run = $1 ORDER BY n`, int64(run.ID))
}
