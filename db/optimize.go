package db

import "context"

// statistics are the statements that look at the tables, so that the right indexes are chosen. What is empty now will not
// stay so: an index that is known to be empty would be walked from end to end instead of being searched.
var statistics = [...]string{"PRAGMA analysis_limit = 400", "ANALYZE", "DELETE FROM sqlite_stat1 WHERE stat = '0' OR stat LIKE '0 %'",
	"ANALYZE sqlite_schema"}

// Analyze lets the database look at its tables, so that it chooses the right indexes; for after a first load.
func (d *DB) Analyze(ctx context.Context) error {
	for _, q := range d.d.analyze {
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

// analyzeLast lets the database look again at tables that have grown much. What a full disk or another process keeps
// from being written is not missed.
func analyzeLast(ctx context.Context, s *session) {
	had := 0
	if err := s.conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'").Scan(&had); err != nil || had == 0 {
		return // never analysed: it is small
	}
	for _, q := range []string{statistics[0], "PRAGMA optimize", statistics[2]} {
		_, _ = s.conn.ExecContext(ctx, q)
	}
}
