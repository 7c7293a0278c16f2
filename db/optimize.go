package db

import "context"

// Analyze lets the database look at its tables, so that it chooses the right indexes; for after a first load.
func (d *DB) Analyze(ctx context.Context) error {
	for _, q := range []string{"PRAGMA analysis_limit = 400", "ANALYZE"} {
		var s *session
		select {
		case s = <-d.turn:
		case <-ctx.Done():
			return ctx.Err()
		}
		_, err := s.conn.ExecContext(context.WithoutCancel(ctx), q)
		d.turn <- s
		if err != nil {
			return d.fault(q, err)
		}
	}
	return nil
}
