package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/canopy-sync/canopy"
)

// Tx is a transaction, for one goroutine. The context of each call is looked at before the statement; a statement that has
// begun is not interrupted.
type Tx struct {
	d     *DB
	s     *session
	write bool
}

// Update runs do in a writing transaction: all of it is kept, or, after an error, nothing.
func (d *DB) Update(ctx context.Context, do func(*Tx) error) (err error) {
	if d.write == nil {
		return &canopy.Error{Kind: canopy.Unsupported, Code: "store-read-only", Object: d.path, Text: "the store is open for reading only",
			Next: "use a command that writes"}
	}
	var s *session
	select {
	case s = <-d.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { d.turn <- s }()
	if s.lost() {
		if s, err = d.again(ctx, s); err != nil {
			return err
		}
	}
	t := &Tx{d: d, s: s, write: true}
	kept := false
	defer func() {
		if !kept {
			// After some errors SQLite has rolled back by itself, and there is nothing to end.
			_, _ = s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	for _, q := range d.d.begin {
		if _, err := t.Exec(ctx, q); err != nil {
			return err
		}
	}
	if err := do(t); err != nil {
		return err
	}
	if _, err := t.Exec(ctx, "COMMIT"); err != nil {
		return err
	}
	kept = true
	return nil
}

// again gives a session in the place of one whose connection was lost; after an error it is the lost one.
func (d *DB) again(ctx context.Context, old *session) (*session, error) {
	_ = old.close() // of no more use
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return old, d.fault("connect again", err)
	}
	if err := d.d.first(ctx, d, conn); err != nil {
		return old, errors.Join(err, conn.Close())
	}
	return newSession(conn, d.d), nil
}

// Snapshot begins a reading transaction: what it reads is as of now. It has to be closed.
func (d *DB) Snapshot(ctx context.Context) (*Tx, error) {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return nil, d.fault("open a snapshot", err)
	}
	t := &Tx{d: d, s: newSession(conn, d.d)}
	for _, q := range d.d.snapshot {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return nil, errors.Join(d.fault("open a snapshot", err), t.Close())
		}
	}
	return t, nil
}

// Read runs do in a snapshot.
func (d *DB) Read(ctx context.Context, do func(*Tx) error) error {
	t, err := d.Snapshot(ctx)
	if err != nil {
		return err
	}
	if err := do(t); err != nil {
		return errors.Join(err, t.Close())
	}
	return t.Close()
}

// Close ends a snapshot. The transaction of Update is not closed by hand.
func (t *Tx) Close() error {
	if t.write || t.s == nil {
		return nil
	}
	// With no transaction there is nothing to end.
	_, _ = t.s.conn.ExecContext(context.Background(), "ROLLBACK")
	err := t.s.close()
	t.s = nil
	return err
}

// Exec runs a statement and gives the number of rows that it wrote.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := t.allowed(ctx, query); err != nil {
		return 0, err
	}
	n, err := t.s.exec(context.WithoutCancel(ctx), query, args)
	if err != nil {
		return 0, t.d.fault(query, err)
	}
	return n, nil
}

// Each runs a query and gives each row to scan. Scan must not run the same query again.
func (t *Tx) Each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	if err := t.allowed(ctx, query); err != nil {
		return err
	}
	st, err := t.s.query(context.WithoutCancel(ctx), query)
	if err != nil {
		return t.d.fault(query, err)
	}
	rows, err := st.QueryContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return t.d.fault(query, err)
	}
	for rows.Next() {
		if err := scan(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	if err := rows.Err(); err != nil {
		return errors.Join(t.d.fault(query, err), rows.Close())
	}
	return rows.Close()
}

// One scans the first row of a query into dest, and tells whether there was one.
func (t *Tx) One(ctx context.Context, dest []any, query string, args ...any) (found bool, err error) {
	err = t.Each(ctx, func(r *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return r.Scan(dest...)
	}, query, args...)
	return found, err
}

// allowed tells whether a statement may be run now.
func (t *Tx) allowed(ctx context.Context, query string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.write && t.d.opt.Fail != nil {
		if err := t.d.opt.Fail(query); err != nil {
			return fmt.Errorf("%s: %w", headline(query), err)
		}
	}
	return nil
}

// positional replaces $1, $2, ... by ? where they stand once each and in order: SQLite looks named parameters up one
// after the other, which makes long lists of them slow.
func positional(query string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		i := strings.IndexByte(query, '$')
		if i < 0 {
			return b.String() + query
		}
		rest, ok := strings.CutPrefix(query[i+1:], strconv.Itoa(n))
		if !ok || rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			return named(b.String(), query)
		}
		b.WriteString(query[:i] + "?")
		query = rest
	}
}

// named puts the placeholders back that were replaced before one was found out of order.
func named(done, rest string) string {
	var b strings.Builder
	n := 0
	for _, c := range done {
		if c == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(c)
	}
	return b.String() + rest
}

// FailAfter gives a hook for Options.Fail that fails every statement from the n-th on, counted from 1.
func FailAfter(n int) func(string) error {
	var count atomic.Int64
	return func(string) error {
		if count.Add(1) >= int64(n) {
			return ErrFailed
		}
		return nil
	}
}

// ErrFailed is what FailAfter's hook gives.
var ErrFailed = errors.New("told to fail")
