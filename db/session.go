package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// session is a connection with its prepared statements.
type session struct {
	conn  *sql.Conn
	d     *dialect
	reads map[string]*sql.Stmt
	execs map[string]driver.Stmt
	args  []driver.NamedValue // of the statement that runs
}

func newSession(conn *sql.Conn, d *dialect) *session {
	return &session{conn: conn, d: d, reads: map[string]*sql.Stmt{}, execs: map[string]driver.Stmt{}}
}

// text is a statement as the driver takes it.
func (s *session) text(query string) string {
	if s.d.question {
		return positional(query)
	}
	return s.d.words(query)
}

// query is a prepared query.
func (s *session) query(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := s.reads[text]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, s.text(text))
	if err == nil {
		s.reads[text] = st
	}
	return st, err
}

// exec runs a statement that gives no rows. It goes to the driver itself, with one list of arguments for all statements:
// database/sql makes one for each, which is most of what a load leaves to the garbage collector.
func (s *session) exec(ctx context.Context, text string, args []any) (n int64, err error) {
	err = s.conn.Raw(func(c any) error {
		st, err := s.executable(ctx, c, text)
		if err != nil {
			return err
		}
		s.args = s.args[:0]
		for i, arg := range args {
			v, err := plain(arg)
			if err != nil {
				return err
			}
			s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
		}
		defer clear(s.args)
		var r driver.Result
		if with, ok := st.(driver.StmtExecContext); ok {
			r, err = with.ExecContext(ctx, s.args)
		} else {
			err = errors.ErrUnsupported
		}
		if err == nil {
			n, err = r.RowsAffected()
		}
		return err
	})
	return n, err
}

// executable is a statement of the driver's connection.
func (s *session) executable(ctx context.Context, conn any, text string) (driver.Stmt, error) {
	if st := s.execs[text]; st != nil {
		return st, nil
	}
	c, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	st, err := c.PrepareContext(ctx, s.text(text))
	if err == nil {
		s.execs[text] = st
	}
	return st, err
}

// plain is an argument as a driver takes it.
func plain(arg any) (driver.Value, error) {
	switch v := arg.(type) {
	case int64, string, []byte, bool, nil:
		return v, nil
	case int:
		return int64(v), nil
	}
	return driver.DefaultParameterConverter.ConvertValue(arg)
}

// lost tells whether the connection is of no more use.
func (s *session) lost() bool {
	if s.d.lost == nil {
		return false
	}
	gone := true
	err := s.conn.Raw(func(conn any) error {
		gone = s.d.lost(conn)
		return nil
	})
	return gone || err != nil
}

func (s *session) close() error {
	var errs []error
	for _, st := range s.reads {
		errs = append(errs, st.Close())
	}
	if len(s.execs) > 0 {
		errs = append(errs, s.conn.Raw(func(any) error {
			var errs []error
			for _, st := range s.execs {
				errs = append(errs, st.Close())
			}
			return errors.Join(errs...)
		}))
	}
	return errors.Join(append(errs, s.conn.Close())...)
}
